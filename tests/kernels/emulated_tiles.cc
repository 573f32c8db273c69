#include "tests/kernels/emulated_tiles.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>

#include "lib/base/tensor.h"
#include "lib/kernels/simd/tile_config.h"

#define CARAT_TILES

namespace carat::internal {
namespace {

#include "tests/kernels/emulated_tiles.inc.h"

namespace integers {
constexpr std::size_t kPlainWidth = 16;
#include "tests/kernels/plain_vectors.inc.h"

#include "lib/kernels/gemm/int8.inc.h"
}  // namespace integers

namespace bf16 {
std::size_t NoScratch(std::int64_t, std::int64_t) {
  return 0;
}

// As bf16.inc.h packs: panels of 64 rows of weights, in each pairs of columns of 16 * n rows.
void Bf16Pack(const GemmShape& s, const void* w, void* packed) {
  const auto* from = static_cast<const std::byte*>(w);
  auto* to = static_cast<std::byte*>(packed);
  std::memset(to, 0, Bf16PackedBytes(s.n, s.k));
  for (std::int64_t n = 0; n < s.n; ++n) {
    const std::int64_t panel = n / kBf16N * kBf16N;
    const std::int64_t width = std::min(kBf16N, (s.n - panel + 15) / 16 * 16);
    for (std::int64_t k = 0; k < s.k; ++k) {
      const std::size_t at =
          Bf16PackedBytes(panel, s.k) + static_cast<std::size_t>((k / 2 * width + n - panel) * 4 + k % 2 * 2);
      std::memcpy(to + at, from + 2 * (s.w_transposed ? k * s.w_stride + n : n * s.w_stride + k), 2);
    }
  }
}

#include "lib/kernels/gemm/bf16_amx.inc.h"
}  // namespace bf16

}  // namespace

const Int8Gemm& EmulatedInt8TileGemm() {
  return integers::kInt8;
}

const GemmKernels& EmulatedBf16TileGemm() {
  return bf16::kBf16ByTiles;
}

}  // namespace carat::internal
