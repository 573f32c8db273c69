// The activations of one chunk: buffers that one session reuses for all its chunks.
#ifndef CARAT_LIB_TEXT_WORKSPACE_H_
#define CARAT_LIB_TEXT_WORKSPACE_H_

#include <cstdint>
#include <vector>

#include "carat/status.h"
#include "lib/base/aligned_buffer.h"
#include "lib/kernels/matmul.h"
#include "lib/weights/model_config.h"

namespace carat::internal {

// Queries that attention takes together, so that a key is loaded once for several of them.
inline constexpr std::int64_t kTileQueries = 32;

// Angles of the active rows for one kind of layer, [rows, rotated pairs].
struct RopeTable {
  std::vector<float> speeds;
  AlignedBuffer<float> cos, sin;
};

// What one worker needs for attention; see attention.cc.
struct AttentionScratch {
  AlignedBuffer<float> gathered, part, total;  // [tile, head_dim]
  AlignedBuffer<float> queries;                // [tile, head_dim]: prepared by the codec of the cache
  AlignedBuffer<float> query_scales;           // [tile]
  AlignedBuffer<float> part_max, part_sum, total_max, total_sum;
  AlignedBuffer<std::int32_t> begin, end;
};

struct Workspace {
  // For chunks of `rows` rows that are multiplied by `matmul`.
  static Result<Workspace> Create(const TextConfig& config, std::int64_t rows, const MatMul& matmul);

  // Makes `partials` at least this long. Errors: RESOURCE_EXHAUSTED.
  Status ReservePartials(std::int64_t floats);

  std::size_t memory_bytes() const;

  std::int64_t rows = 0;
  AlignedBuffer<float> hidden;    // [rows, hidden]: the residual stream
  AlignedBuffer<float> normed;    // [rows, hidden]: a sublayer's input
  AlignedBuffer<float> sublayer;  // [rows, hidden]: a sublayer's output
  AlignedBuffer<float> embedded;  // [rows, hidden]: what entered the first layer
  AlignedBuffer<float> queries;   // [rows, heads * head_dim]
  AlignedBuffer<float> keys;      // [rows, kv_heads * head_dim]
  AlignedBuffer<float> values;
  AlignedBuffer<float> attended;  // [rows, heads * head_dim]
  AlignedBuffer<float> gate;      // [rows, widest MLP]
  AlignedBuffer<float> up;
  AlignedBuffer<float> per_layer;       // [rows, layers, per_layer_input]: each layer's own input
  AlignedBuffer<float> per_layer_gate;  // [rows, per_layer_input]
  AlignedBuffer<float> router_scores;   // [rows, experts]
  AlignedBuffer<float> expert_input;    // [rows, hidden]: the rows of one expert, gathered
  AlignedBuffer<float> expert_gate_up;  // [rows, 2 * width]
  AlignedBuffer<float> expert_output;   // [rows, hidden]
  AlignedBuffer<float> expert_sum;      // [rows, hidden]
  AlignedBuffer<float> partials;        // attention over one span each, when there are few tiles
  MatMulScratch products;
  RopeTable sliding_rope, full_rope;
  std::vector<AttentionScratch> scratch;  // one for each worker
};

}  // namespace carat::internal

#endif  // CARAT_LIB_TEXT_WORKSPACE_H_
