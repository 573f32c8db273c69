#include "lib/text/workspace.h"

#include <algorithm>
#include <initializer_list>

#include "lib/base/checked.h"
#include "lib/base/error.h"
#include "lib/text/kv_cache.h"
#include "lib/text/rope.h"

namespace carat::internal {
namespace {

// The widest of what the layers need.
struct Widths {
  std::int64_t queries = 0, keys = 0, mlp = 0, head_dim = 0, tile = 0, sliding_pairs = 0, full_pairs = 0;

  explicit Widths(const TextConfig& config) {
    for (const LayerConfig& layer : config.layers) {
      queries = std::max(queries, config.attention_heads * layer.head_dim);
      keys = std::max(keys, layer.kv_heads * layer.head_dim);
      mlp = std::max(mlp, layer.intermediate_size);
      head_dim = std::max(head_dim, layer.head_dim);
      tile = std::max({tile, kTileQueries, config.attention_heads / layer.kv_heads});
      std::int64_t& pairs = layer.full_attention ? full_pairs : sliding_pairs;
      pairs = std::max(pairs, layer.rope.rotated_pairs);
    }
  }
};

Status Allocate(AlignedBuffer<float>& buffer, std::initializer_list<std::int64_t> shape) {
  const auto size = CheckedProduct(std::span<const std::int64_t>(shape.begin(), shape.size()));
  if (!size) return ResourceExhausted("the activations of a chunk are too large to be addressed");
  CARAT_ASSIGN_OR_RETURN(buffer,
                         AlignedBuffer<float>::Allocate(static_cast<std::uint64_t>(*size), "activations"));
  return {};
}

Status AllocateRope(RopeTable& table, const TextConfig& config, bool full, std::int64_t rows) {
  const auto layer =
      std::find_if(config.layers.begin(), config.layers.end(),
                   [&](const LayerConfig& candidate) { return candidate.full_attention == full; });
  if (layer == config.layers.end()) return {};
  table.speeds = InverseFrequencies(layer->rope, layer->head_dim);
  const auto pairs = static_cast<std::int64_t>(table.speeds.size());
  CARAT_RETURN_IF_ERROR(Allocate(table.cos, {rows, pairs}));
  return Allocate(table.sin, {rows, pairs});
}

Result<AttentionScratch> MakeScratch(std::int64_t tile, std::int64_t head_dim) {
  AttentionScratch scratch;
  for (AlignedBuffer<float>* buffer : {&scratch.gathered, &scratch.queries, &scratch.part, &scratch.total}) {
    CARAT_RETURN_IF_ERROR(Allocate(*buffer, {tile, head_dim}));
  }
  for (AlignedBuffer<float>* buffer : {&scratch.query_scales, &scratch.part_max, &scratch.part_sum,
                                       &scratch.total_max, &scratch.total_sum}) {
    CARAT_RETURN_IF_ERROR(Allocate(*buffer, {tile}));
  }
  const auto count = static_cast<std::uint64_t>(tile);
  CARAT_ASSIGN_OR_RETURN(scratch.begin, AlignedBuffer<std::int32_t>::Allocate(count, "activations"));
  CARAT_ASSIGN_OR_RETURN(scratch.end, AlignedBuffer<std::int32_t>::Allocate(count, "activations"));
  return scratch;
}

}  // namespace

Result<Workspace> Workspace::Create(const TextConfig& config, std::int64_t rows, const MatMul& matmul) {
  const Widths widths(config);
  const std::int64_t hidden = config.hidden_size;
  Workspace ws;
  ws.rows = rows;
  for (AlignedBuffer<float>* buffer : {&ws.hidden, &ws.normed, &ws.sublayer, &ws.embedded}) {
    CARAT_RETURN_IF_ERROR(Allocate(*buffer, {rows, hidden}));
  }
  for (AlignedBuffer<float>* buffer : {&ws.queries, &ws.attended}) {
    CARAT_RETURN_IF_ERROR(Allocate(*buffer, {rows, widths.queries}));
  }
  for (AlignedBuffer<float>* buffer : {&ws.keys, &ws.values}) {
    CARAT_RETURN_IF_ERROR(Allocate(*buffer, {rows, widths.keys}));
  }
  for (AlignedBuffer<float>* buffer : {&ws.gate, &ws.up}) {
    CARAT_RETURN_IF_ERROR(Allocate(*buffer, {rows, widths.mlp}));
  }
  if (config.per_layer_input_size > 0) {
    const auto layers = static_cast<std::int64_t>(config.layers.size());
    CARAT_RETURN_IF_ERROR(Allocate(ws.per_layer, {rows, layers, config.per_layer_input_size}));
    CARAT_RETURN_IF_ERROR(Allocate(ws.per_layer_gate, {rows, config.per_layer_input_size}));
  }
  if (config.experts > 0) {
    CARAT_RETURN_IF_ERROR(Allocate(ws.router_scores, {rows, config.experts}));
    CARAT_RETURN_IF_ERROR(Allocate(ws.expert_gate_up, {rows, 2, config.expert_intermediate_size}));
    for (AlignedBuffer<float>* buffer : {&ws.expert_input, &ws.expert_output, &ws.expert_sum}) {
      CARAT_RETURN_IF_ERROR(Allocate(*buffer, {rows, hidden}));
    }
  }
  const std::int64_t widest = std::max(
      {hidden, widths.queries, widths.mlp, config.expert_intermediate_size, config.per_layer_input_size});
  CARAT_ASSIGN_OR_RETURN(ws.products, matmul.MakeScratch(rows, widest));
  CARAT_RETURN_IF_ERROR(AllocateRope(ws.sliding_rope, config, false, rows));
  CARAT_RETURN_IF_ERROR(AllocateRope(ws.full_rope, config, true, rows));
  for (int i = 0; i < matmul.work().workers(); ++i) {
    CARAT_ASSIGN_OR_RETURN(AttentionScratch scratch, MakeScratch(widths.tile, widths.head_dim));
    ws.scratch.push_back(std::move(scratch));
  }
  return ws;
}

Status Workspace::ReservePartials(std::int64_t floats) {
  if (static_cast<std::int64_t>(partials.size()) >= floats) return {};
  // Twice what is needed now, so that a growing text does not ask at every token.
  return Allocate(partials, {2, floats});
}

std::size_t Workspace::memory_bytes() const {
  std::size_t floats = 0;
  for (const AlignedBuffer<float>* buffer :
       {&hidden,        &normed,       &sublayer,         &embedded,
        &queries,       &keys,         &values,           &attended,
        &gate,          &up,           &per_layer,        &per_layer_gate,
        &router_scores, &expert_input, &expert_gate_up,   &expert_output,
        &expert_sum,    &partials,     &sliding_rope.cos, &sliding_rope.sin,
        &full_rope.cos, &full_rope.sin}) {
    floats += buffer->size();
  }
  for (const AttentionScratch& s : scratch) floats += 4 * s.queries.size() + 7 * s.begin.size();
  return floats * sizeof(float) + products.memory_bytes();
}

}  // namespace carat::internal
