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

namespace {

// Rows still to be computed: all, or after the last KV layer only those whose logits were requested.
struct ActiveRows {
  // The pad id where a soft token stands, as per-layer embeddings take it, and also where a placeholder holds
  // a place for none: the reference reads it so.
  std::vector<std::int32_t> tokens;
  std::vector<std::int64_t> positions;
  std::vector<const float*> soft;          // empty, or one for each row
  std::vector<std::int64_t> sliding_ends;  // empty, or one for each row
};

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

// Moves the rows `requested` of a [rows, size] buffer to its front.
void Compact(AlignedBuffer<float>& buffer, std::span<const std::int64_t> requested, std::int64_t size) {
  for (std::size_t i = 0; i < requested.size(); ++i) {
    if (requested[i] == static_cast<std::int64_t>(i)) continue;
    std::memcpy(buffer.data() + static_cast<std::int64_t>(i) * size, buffer.data() + requested[i] * size,
                static_cast<std::size_t>(size) * sizeof(float));
  }
}

ActiveRows Pick(const ActiveRows& rows, std::span<const std::int64_t> requested) {
  ActiveRows picked;
  for (const std::int64_t row : requested) {
    picked.tokens.push_back(rows.tokens[static_cast<std::size_t>(row)]);
    picked.positions.push_back(rows.positions[static_cast<std::size_t>(row)]);
    if (!rows.sliding_ends.empty())
      picked.sliding_ends.push_back(rows.sliding_ends[static_cast<std::size_t>(row)]);
  }
  return picked;
}

}  // namespace

// One chunk on its way through the layers.
class TextDecoder::Pass {
 public:
  Pass(const TextDecoder& decoder, const Chunk& chunk, KvCache& cache, Workspace& ws)
      : config_(decoder.config_),
        weights_(decoder.weights_),
        matmul_(decoder.matmul_),
        chunk_(chunk),
        cache_(cache),
        ws_(ws),
        rows_(AllRows(chunk, decoder.config_)),
        count_(static_cast<std::int64_t>(chunk.tokens.size())),
        observed_(chunk.observer != nullptr && *chunk.observer) {}

  Status Run() {
    const auto layers = static_cast<std::int64_t>(config_.layers.size());
    const bool all_rows = observed_ || static_cast<std::int64_t>(chunk_.requested.size()) == count_;
    // Before the last layer with keys and values, all rows run; in it and after it, only the requested ones.
    const std::int64_t split = all_rows ? layers : config_.last_kv_layer();
    CARAT_RETURN_IF_ERROR(Embed(all_rows ? layers : split));
    CARAT_RETURN_IF_ERROR(RunLayers(0, split));
    if (!all_rows) {
      CARAT_RETURN_IF_ERROR(StoreKeysAndValues(split));
      if (chunk_.requested.empty()) return {};
      CARAT_RETURN_IF_ERROR(KeepRequestedRows(split));
      CARAT_RETURN_IF_ERROR(RunLayers(split, layers));
    }
    FinalNorm();
    return {};
  }

 private:
  LayerPass At(std::int64_t index) {
    const auto i = static_cast<std::size_t>(index);
    return {config_, config_.layers[i], weights_.layers[i], index, matmul_,
            ws_,     rows_.positions,   rows_.sliding_ends};
  }

  // The rows' embeddings, and their inputs of layers below `end`.
  Status Embed(std::int64_t end) {
    CARAT_RETURN_IF_ERROR(cache_.Prepare(chunk_.first_position, count_));
    FillRopes(ws_, rows_);
    EmbedTokens({config_, weights_, matmul_, ws_}, rows_.tokens, rows_.soft);
    std::memcpy(ws_.hidden.data(), ws_.embedded.data(),
                static_cast<std::size_t>(count_ * config_.hidden_size) * sizeof(float));
    return EmbedLayers(0, end);
  }

  Status EmbedLayers(std::int64_t first, std::int64_t end) {
    if (config_.per_layer_input_size == 0 || first >= end) return {};
    return EmbedPerLayer({config_, weights_, matmul_, ws_}, rows_.tokens, first, end - 1);
  }

  Status RunLayers(std::int64_t first, std::int64_t end) {
    for (std::int64_t i = first; i < end; ++i) {
      if (chunk_.cancelled != nullptr && chunk_.cancelled->load(std::memory_order_relaxed)) {
        return Cancelled("cancelled while reading positions %d to %d", chunk_.first_position,
                         chunk_.first_position + count_ - 1);
      }
      if (observed_) Observe(i, ws_.hidden);
      CARAT_RETURN_IF_ERROR(RunLayer(At(i)));
    }
    return {};
  }

  Status RunLayer(const LayerPass& pass) {
    const bool stored = keys_stored_ == pass.index;
    const bool owns = pass.layer.kv_layer == pass.index && !stored;
    CARAT_RETURN_IF_ERROR(Project(pass, stored ? ProjectionInput::kAsItIs : ProjectionInput::kToBeNormed,
                                  owns ? Projections::kAll : Projections::kQueries, cache_));
    CARAT_RETURN_IF_ERROR(Attend(pass, cache_));
    pass.AddNormedSublayer(pass.weights.post_attention_norm);
    CARAT_RETURN_IF_ERROR(FeedForward(pass));
    if (!pass.weights.per_layer) {
      pass.AddNormedSublayer(pass.weights.post_feedforward_norm, pass.weights.scalar);
      return {};
    }
    pass.AddNormedSublayer(pass.weights.post_feedforward_norm);
    return AddPerLayerInput(pass);
  }

  // All rows leave their keys and values in the last layer that has any.
  Status StoreKeysAndValues(std::int64_t layer) {
    keys_stored_ = layer;
    return Project(At(layer), ProjectionInput::kToBeNormed, Projections::kKeysAndValues, cache_);
  }

  // Only the requested rows go on, from layer `first`.
  Status KeepRequestedRows(std::int64_t first) {
    rows_ = Pick(rows_, chunk_.requested);
    for (AlignedBuffer<float>* buffer : {&ws_.hidden, &ws_.normed, &ws_.embedded})
      Compact(*buffer, chunk_.requested, config_.hidden_size);
    FillRopes(ws_, rows_);
    return EmbedLayers(first, static_cast<std::int64_t>(config_.layers.size()));
  }

  void FinalNorm() {
    const std::int64_t hidden = config_.hidden_size;
    const auto active = static_cast<std::int64_t>(rows_.positions.size());
    matmul_.work().For(active, ParallelWork::Grain(4 * hidden), [&](std::int64_t r, int) {
      matmul_.kernels().elementwise.rms_norm(ws_.hidden.data() + r * hidden, weights_.final_norm.data(),
                                             hidden, static_cast<float>(config_.rms_norm_epsilon),
                                             ws_.normed.data() + r * hidden);
    });
    if (!observed_) return;
    Observe(static_cast<std::int64_t>(config_.layers.size()), ws_.normed);
    Compact(ws_.normed, chunk_.requested, hidden);
  }

  void Observe(std::int64_t layer, const AlignedBuffer<float>& states) const {
    const auto size = static_cast<std::size_t>(count_ * config_.hidden_size);
    (*chunk_.observer)(static_cast<std::int32_t>(layer), chunk_.first_position, count_,
                       {states.data(), size});
  }

  const TextConfig& config_;
  const TextWeights& weights_;
  const MatMul& matmul_;
  const Chunk& chunk_;
  KvCache& cache_;
  Workspace& ws_;
  ActiveRows rows_;
  std::int64_t count_;
  bool observed_;                  // all rows run through all layers
  std::int64_t keys_stored_ = -1;  // the layer whose keys and values were stored before it runs
};

Status TextDecoder::Forward(const Chunk& chunk, KvCache& cache, Workspace& ws) const {
  return Pass(*this, chunk, cache, ws).Run();
}

Status TextDecoder::Head(const float* states, std::int64_t rows, const MatMulScratch& scratch,
                         float* logits) const {
  const std::int64_t vocabulary = config_.vocabulary_size;
  CARAT_RETURN_IF_ERROR(
      matmul_.Multiply(states, config_.hidden_size, rows, weights_.head, logits, vocabulary, scratch));
  if (!config_.final_logit_softcap) return {};
  constexpr std::int64_t kPiece = 8192;
  const std::int64_t size = rows * vocabulary;
  matmul_.work().For((size + kPiece - 1) / kPiece, [&](std::int64_t piece, int) {
    const std::int64_t first = piece * kPiece;
    matmul_.kernels().elementwise.softcap(logits + first, std::min(kPiece, size - first),
                                          static_cast<float>(*config_.final_logit_softcap));
  });
  return {};
}

}  // namespace carat::internal
