// The activations of one picture on its way through the tower.
#ifndef CARAT_LIB_VISION_TOWER_WORKSPACE_H_
#define CARAT_LIB_VISION_TOWER_WORKSPACE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "carat/status.h"
#include "lib/base/aligned_buffer.h"
#include "lib/vision/tower_plan.h"

namespace carat::internal {

// What one worker needs: parts of one buffer.
struct WorkerScratch {
  float* tile = nullptr;          // results of products, or scores
  std::byte* narrowed = nullptr;  // weights of attention in bf16
  float* gathered = nullptr;      // [queries.block, head_dim]
  float* max = nullptr;           // [queries.block]
  float* sum = nullptr;
  float* row = nullptr;  // two rows
  float* other_row = nullptr;
  void* product = nullptr;
  AlignedBuffer<std::byte> bytes;
};

struct TowerWorkspace {
  // Errors: RESOURCE_EXHAUSTED.
  static Result<TowerWorkspace> Create(const TowerPlan& plan, const VisionConfig& config, int workers);

  std::size_t memory_bytes() const;

  AlignedBuffer<float> hidden;                     // [patches, hidden]: the residual stream
  AlignedBuffer<float> sublayer;                   // [patches, hidden]: a sublayer's output
  std::vector<AlignedBuffer<std::byte>> prepared;  // [patches, prepared_width]: inputs of products
  AlignedBuffer<std::byte> queries;                // [heads, patches, head_dim]
  AlignedBuffer<std::byte> keys, values;           // [kv_heads, patches, head_dim]
  AlignedBuffer<std::byte> packed_keys, packed_values;
  AlignedBuffer<std::byte> activated;  // [mlp.block, intermediate]
  AlignedBuffer<std::byte> staging;    // weights of one layer, as products take them
  AlignedBuffer<float> rope;           // cosines, then sines, of [position, head_dim / 4]
  std::vector<WorkerScratch> workers;
};

}  // namespace carat::internal

#endif  // CARAT_LIB_VISION_TOWER_WORKSPACE_H_
