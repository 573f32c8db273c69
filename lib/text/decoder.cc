#include "lib/text/decoder.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <vector>

#include "lib/base/error.h"
#include "lib/text/attention.h"
#include "lib/text/embeddings.h"
#include "lib/text/feed_forward.h"
#include "lib/text/rope.h"

namespace carat::internal {

// The rows that are still on their way.
struct ActiveRows {
  // The pad id where a soft token stands, as per-layer embeddings want it, and also where a placeholder holds
  // a place for none: the reference reads it so.
  std::vector<std::int32_t> tokens;
  std::vector<std::int64_t> positions;
  std::vector<const float*> soft;          // empty, or one for each row
  std::vector<std::int64_t> sliding_ends;  // empty, or one for each row
};

namespace {

ActiveRows AllRows(const Chunk& chunk, const TextConfig& config) {
  ActiveRows rows;
  rows.tokens.assign(chunk.tokens.begin(), chunk.tokens.end());
  rows.positions.resize(chunk.tokens.size());
  std::iota(rows.positions.begin(), rows.positions.end(), chunk.first_position);
  rows.soft.assign(chunk.soft_rows.begin(), chunk.soft_rows.end());
  rows.sliding_ends.assign(chunk.sliding_ends.begin(), chunk.sliding_ends.end());
  for (std::size_t r = 0; r < rows.tokens.size(); ++r) {
    const auto& placeholders = config.placeholder_tokens;
    const bool placeholder =
        std::find(placeholders.begin(), placeholders.end(), rows.tokens[r]) != placeholders.end();
    const bool soft = !rows.soft.empty() && rows.soft[r] != nullptr;
    if (soft || placeholder) rows.tokens[r] = static_cast<std::int32_t>(config.pad_token);
  }
  return rows;
}

void FillRopes(Workspace& ws, const ActiveRows& rows) {
  for (RopeTable* table : {&ws.sliding_rope, &ws.full_rope}) {
    FillRope(table->speeds, rows.positions, table->cos.data(), table->sin.data());
  }
}

// Moves the rows `wanted` of a [rows, size] buffer to its front.
void Compact(AlignedBuffer<float>& buffer, std::span<const std::int64_t> wanted, std::int64_t size) {
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i] == static_cast<std::int64_t>(i)) continue;
    std::memcpy(buffer.data() + static_cast<std::int64_t>(i) * size, buffer.data() + wanted[i] * size,
                static_cast<std::size_t>(size) * sizeof(float));
  }
}

ActiveRows Pick(const ActiveRows& rows, std::span<const std::int64_t> wanted) {
  ActiveRows picked;
  for (const std::int64_t row : wanted) {
    picked.tokens.push_back(rows.tokens[static_cast<std::size_t>(row)]);
    picked.positions.push_back(rows.positions[static_cast<std::size_t>(row)]);
    if (!rows.sliding_ends.empty())
      picked.sliding_ends.push_back(rows.sliding_ends[static_cast<std::size_t>(row)]);
  }
  return picked;
}

}  // namespace

Status TextDecoder::Layer(std::int64_t index, bool own_keys_stored, const ActiveRows& rows, KvCache& cache,
                          Workspace& ws) const {
  const auto i = static_cast<std::size_t>(index);
  const LayerPass pass{config_, config_.layers[i], weights_.layers[i], index, linear_,
                       ws,      rows.positions,    rows.sliding_ends};
  const bool owns = pass.layer.kv_layer == index && !own_keys_stored;
  const auto input = own_keys_stored ? ProjectionInput::kAsItIs : ProjectionInput::kToBeNormed;
  CARAT_RETURN_IF_ERROR(Project(pass, input, owns ? Projections::kAll : Projections::kQueries, cache));
  CARAT_RETURN_IF_ERROR(Attend(pass, cache));
  pass.AddNormedSublayer(pass.weights.post_attention_norm);
  CARAT_RETURN_IF_ERROR(FeedForward(pass));
  if (!pass.weights.per_layer) {
    pass.AddNormedSublayer(pass.weights.post_feedforward_norm, pass.weights.scalar);
    return {};
  }
  pass.AddNormedSublayer(pass.weights.post_feedforward_norm);
  return AddPerLayerInput(pass);
}

Status TextDecoder::Forward(const Chunk& chunk, KvCache& cache, Workspace& ws) const {
  const std::int64_t hidden = config_.hidden_size;
  const auto layers = static_cast<std::int64_t>(config_.layers.size());
  const auto count = static_cast<std::int64_t>(chunk.tokens.size());
  const std::int64_t last_kv = config_.last_kv_layer();
  const bool observed = chunk.observer != nullptr && *chunk.observer;
  const EmbeddingPass embedding{config_, weights_, linear_, ws};

  ActiveRows rows = AllRows(chunk, config_);
  CARAT_RETURN_IF_ERROR(cache.Prepare(chunk.first_position, count));
  FillRopes(ws, rows);
  EmbedTokens(embedding, rows.tokens, rows.soft);
  std::memcpy(ws.hidden.data(), ws.embedded.data(), static_cast<std::size_t>(count * hidden) * sizeof(float));
  if (config_.per_layer_input_size > 0) {
    CARAT_RETURN_IF_ERROR(EmbedPerLayer(embedding, rows.tokens, 0, observed ? layers - 1 : last_kv));
  }

  bool compacted = observed || static_cast<std::int64_t>(chunk.wanted.size()) == count;
  if (compacted && !observed && config_.per_layer_input_size > 0 && last_kv + 1 < layers) {
    CARAT_RETURN_IF_ERROR(EmbedPerLayer(embedding, rows.tokens, last_kv + 1, layers - 1));
  }
  for (std::int64_t i = 0; i < layers; ++i) {
    if (chunk.cancelled != nullptr && chunk.cancelled->load(std::memory_order_relaxed)) {
      return Cancelled("cancelled while reading positions %d to %d", chunk.first_position,
                       chunk.first_position + count - 1);
    }
    if (observed) {
      const auto size = static_cast<std::size_t>(count * hidden);
      (*chunk.observer)(static_cast<std::int32_t>(i), chunk.first_position, count, {ws.hidden.data(), size});
    }
    bool own_keys_stored = false;
    if (i == last_kv && !compacted) {
      // The last keys and values: all rows leave theirs, then only the wanted ones go on.
      const auto at = static_cast<std::size_t>(i);
      const LayerPass pass{config_, config_.layers[at], weights_.layers[at], i, linear_,
                           ws,      rows.positions,     rows.sliding_ends};
      CARAT_RETURN_IF_ERROR(Project(pass, ProjectionInput::kToBeNormed, Projections::kKeysAndValues, cache));
      if (chunk.wanted.empty()) return {};
      rows = Pick(rows, chunk.wanted);
      for (AlignedBuffer<float>* buffer : {&ws.hidden, &ws.normed, &ws.embedded})
        Compact(*buffer, chunk.wanted, hidden);
      FillRopes(ws, rows);
      if (config_.per_layer_input_size > 0) {
        CARAT_RETURN_IF_ERROR(EmbedPerLayer(embedding, rows.tokens, i, layers - 1));
      }
      compacted = true;
      own_keys_stored = true;
    }
    CARAT_RETURN_IF_ERROR(Layer(i, own_keys_stored, rows, cache, ws));
  }

  const auto active = static_cast<std::int64_t>(rows.positions.size());
  linear_.work().For(active, ParallelWork::Grain(4 * hidden), [&](std::int64_t r, int) {
    linear_.kernels().rms_norm(ws.hidden.data() + r * hidden, weights_.final_norm.data(), hidden,
                               static_cast<float>(config_.rms_norm_epsilon), ws.normed.data() + r * hidden);
  });
  if (observed) {
    const auto size = static_cast<std::size_t>(count * hidden);
    (*chunk.observer)(static_cast<std::int32_t>(layers), chunk.first_position, count,
                      {ws.normed.data(), size});
    Compact(ws.normed, chunk.wanted, hidden);
  }
  return {};
}

Status TextDecoder::Head(const float* states, std::int64_t rows, const LinearScratch& scratch,
                         float* logits) const {
  const std::int64_t vocabulary = config_.vocabulary_size;
  CARAT_RETURN_IF_ERROR(
      linear_.Multiply(states, config_.hidden_size, rows, weights_.head, logits, vocabulary, scratch));
  if (!config_.final_logit_softcap) return {};
  constexpr std::int64_t kPiece = 8192;
  const std::int64_t size = rows * vocabulary;
  linear_.work().For((size + kPiece - 1) / kPiece, [&](std::int64_t piece, int) {
    const std::int64_t first = piece * kPiece;
    linear_.kernels().softcap(logits + first, std::min(kPiece, size - first),
                              static_cast<float>(*config_.final_logit_softcap));
  });
  return {};
}

}  // namespace carat::internal
