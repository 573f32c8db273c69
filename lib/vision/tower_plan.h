// How the tower's work on one picture is cut, and how much memory that takes: sizes and products, no data.
#ifndef CARAT_LIB_VISION_TOWER_PLAN_H_
#define CARAT_LIB_VISION_TOWER_PLAN_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "carat/status.h"
#include "lib/vision/cut_product.h"
#include "lib/weights/vision_config.h"

namespace carat::internal {

// Attention of a tile of queries goes through blocks of keys, so that scores never take more than one tile.
struct AttentionPlan {
  Cut queries, keys;
  // Full and last tile of a full block of keys, then both of the last block.
  std::array<BlockProduct, 4> scores;  // [tile, block] = queries keys^T
  std::array<BlockProduct, 4> values;  // [tile, head_dim] += weights values
  std::size_t packed_keys = 0;         // bytes of a block; 0: keys are used as they lie
  std::size_t packed_values = 0;

  std::size_t Which(std::int64_t tile, std::int64_t block) const {
    const std::size_t last_tile = queries.length(tile) < queries.block ? 1 : 0;
    const std::size_t last_block = keys.length(block) < keys.block ? 1 : 0;
    return 2 * last_block + last_tile;
  }
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
  // `prepared_inputs` is how many differently clipped copies of a layer's input are needed at once. Errors:
  // those of BlockProduct::Create.
  static Result<TowerPlan> Create(const VisionConfig& config, std::int64_t text_hidden, std::int64_t patches,
                                  const ProductKind& kind, std::int64_t prepared_inputs);

  ProductKind kind;
  std::int64_t patches = 0;
  std::int64_t tokens = 0;
  std::int64_t prepared_inputs = 1;
  std::int64_t prepared_width = 0;  // values of a row
  CutProduct embed, q, kv, o, gate_up, down, project;
  Cut mlp;  // rows that go through the MLP together
  AttentionPlan attention;
  TowerBytes bytes;

  std::size_t value_bytes() const { return BytesPerValue(kind.format); }
};

}  // namespace carat::internal

#endif  // CARAT_LIB_VISION_TOWER_PLAN_H_
