// How the tower's work on one picture is cut, and how much memory that takes: sizes and products, no data.
#ifndef CARAT_LIB_VISION_TOWER_PLAN_H_
#define CARAT_LIB_VISION_TOWER_PLAN_H_

#include <cstddef>
#include <cstdint>

#include "lib/kernels/staged_matmul.h"
#include "lib/weights/vision_config.h"

namespace carat::internal {

// Attention of a tile of queries goes through blocks of keys, so that scores never take more than one tile.
struct AttentionPlan {
  Cut queries, keys;
  std::size_t packed_keys = 0;  // bytes of a block; 0: keys are used as they lie
  std::size_t packed_values = 0;
};

// Bytes of the buffers of TowerWorkspace.
struct TowerBytes {
  std::size_t hidden = 0, sublayer = 0;
  std::size_t prepared = 0;  // each of `prepared_inputs`
  std::size_t queries = 0, keys = 0, values = 0;
  std::size_t packed_keys = 0, packed_values = 0;
  std::size_t activated = 0;
  std::size_t staging = 0;
  std::size_t rope = 0;
  std::size_t worker = 0;  // each worker's

  std::size_t Total(std::int64_t prepared_inputs, int workers) const;
};

struct TowerPlan {
  // `gemm` multiplies all blocks. `prepared_inputs` is how many differently clipped copies of a layer's input
  // are needed at once.
  static TowerPlan Create(const VisionConfig& config, std::int64_t text_hidden, std::int64_t patches,
                          const GemmKernels& gemm, std::int64_t prepared_inputs);

  const GemmKernels* gemm = nullptr;
  std::int64_t patches = 0;
  std::int64_t tokens = 0;
  std::int64_t prepared_inputs = 1;
  std::int64_t prepared_width = 0;  // values of a row
  StagedMatMul embed, q, kv, o, gate_up, down, project;
  Cut mlp;  // rows that go through the MLP together
  AttentionPlan attention;
  TowerBytes bytes;

  std::size_t value_bytes() const { return BytesPerValue(gemm->format); }
};

}  // namespace carat::internal

#endif  // CARAT_LIB_VISION_TOWER_PLAN_H_
