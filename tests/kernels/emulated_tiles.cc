#include "tests/kernels/emulated_tiles.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>

#include "lib/base/tensor.h"
#include "lib/kernels/tile_config.h"

#define CARAT_TILES

namespace carat::internal {
namespace {

#include "tests/kernels/emulated_tiles.inc.h"

namespace integers {
#include "tests/kernels/plain_lanes.inc.h"

#include "lib/kernels/integer_kernels.inc.h"
}  // namespace integers

namespace bf16 {
// As bf16_avx512.cc packs: panels of 64 outputs, in each pairs of columns of 16 * n outputs.
void Pack(const std::byte* w, std::int64_t w_stride, std::int64_t outputs, std::int64_t cols, bool transposed,
          std::byte* packed) {
  std::memset(packed, 0, Bf16PackedBytes(outputs, cols));
  for (std::int64_t n = 0; n < outputs; ++n) {
    const std::int64_t panel = n / kBf16Outputs * kBf16Outputs;
    const std::int64_t width = std::min(kBf16Outputs, (outputs - panel + 15) / 16 * 16);
    for (std::int64_t k = 0; k < cols; ++k) {
      std::byte* to = packed + Bf16PackedBytes(panel, cols) + (k / 2 * width + n - panel) * 4 + k % 2 * 2;
      std::memcpy(to, w + 2 * (transposed ? k * w_stride + n : n * w_stride + k), 2);
    }
  }
}

#include "lib/kernels/bf16_tiles.inc.h"
}  // namespace bf16

}  // namespace

const IntegerKernels& EmulatedTileKernels() {
  return integers::kTable;
}

const Bf16Kernels& EmulatedBf16TileKernels() {
  return bf16::kTable;
}

}  // namespace carat::internal
