// Products of many rows in bf16: both factors in bf16, sums in float32, in the order of columns. For
// processors with bf16 dot products; there is no other form of it, since elsewhere float32 is no slower.
#ifndef CARAT_LIB_KERNELS_BF16_KERNELS_H_
#define CARAT_LIB_KERNELS_BF16_KERNELS_H_

#include <cstddef>
#include <cstdint>

namespace carat::internal {

// Outputs of one call, and rows, at most.
inline constexpr std::int64_t kBf16Outputs = 64;
inline constexpr std::int64_t kBf16Rows = 768;
// Columns that dot products take at a time. Sums then stay in registers for so long that fetching and storing
// them is nothing beside the products; the packed weights stay in the second-level cache while all rows use
// them.
inline constexpr std::int64_t kBf16Columns = 2048;
// Columns that tiles take at a time: packed weights and results so far share the cache.
inline constexpr std::int64_t kBf16TileColumns = 256;
inline constexpr std::int64_t kBf16DotScratchBytes = kBf16Columns * kBf16Outputs * 2;
inline constexpr std::int64_t kBf16TileScratchBytes =
    kBf16TileColumns * kBf16Outputs * 2 + kBf16Rows * kBf16Outputs * 4;
inline constexpr std::int64_t kBf16ScratchBytes =
    kBf16DotScratchBytes > kBf16TileScratchBytes ? kBf16DotScratchBytes : kBf16TileScratchBytes;

// What `pack` fills: panels of 64 outputs, the last of as many as are left, to a multiple of 16. Static, so
// that files compiled for an instruction set keep their copy to themselves.
static inline std::size_t Bf16PackedBytes(std::int64_t outputs, std::int64_t cols) {
  return static_cast<std::size_t>((outputs + 15) / 16 * 16 * ((cols + 1) / 2) * 4);
}

struct Bf16Kernels {
  // y[r * y_stride + n] = sum over k of x[r * x_stride + k] * w[n, k]: x in bf16, x_stride and `cols` even; w
  // is [outputs, cols], contiguous bf16, unaligned. `scratch` is kBf16ScratchBytes, aligned to a cache line.
  void (*product)(const std::uint16_t* x, std::int64_t x_stride, std::int64_t rows, const std::byte* w,
                  std::int64_t cols, std::int64_t outputs, float* y, std::int64_t y_stride,
                  std::byte* scratch);

  // The same for weights that are used often enough to be packed first. w is [outputs, cols] with rows
  // w_stride apart, or [cols, outputs] if `transposed`. Any sizes.
  void (*pack)(const std::byte* w, std::int64_t w_stride, std::int64_t outputs, std::int64_t cols,
               bool transposed, std::byte* packed);
  // y = x w^T, or y += x w^T. `cols` may be odd.
  void (*packed_product)(const std::uint16_t* x, std::int64_t x_stride, std::int64_t rows,
                         const std::byte* packed, std::int64_t cols, std::int64_t outputs, float* y,
                         std::int64_t y_stride, bool accumulate);
};

// Null where they were not compiled.
const Bf16Kernels* Avx512Bf16Kernels();
// With tiles. The same packed weights, sums in another order.
const Bf16Kernels* AmxBf16Kernels();

}  // namespace carat::internal

#endif  // CARAT_LIB_KERNELS_BF16_KERNELS_H_
