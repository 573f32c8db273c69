// How many rows and bytes each tile register has: what AMX's LDTILECFG reads.
#ifndef CARAT_LIB_KERNELS_SIMD_TILE_CONFIG_H_
#define CARAT_LIB_KERNELS_SIMD_TILE_CONFIG_H_

#include <cstdint>

namespace carat::internal {

// Rows of the largest tile.
inline constexpr int kTileRows = 16;

struct alignas(64) TileConfig {
  std::uint8_t palette = 1;
  std::uint8_t start_row = 0;
  std::uint8_t reserved[14] = {};
  std::uint16_t row_bytes[16] = {};
  std::uint8_t rows[16] = {};
};
static_assert(sizeof(TileConfig) == 64);

}  // namespace carat::internal

#endif  // CARAT_LIB_KERNELS_SIMD_TILE_CONFIG_H_
