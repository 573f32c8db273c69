// Products of many rows in bf16: both factors in bf16, sums in float32, in the order of columns. For
// processors with bf16 dot products; there is no other form of it, since elsewhere float32 is no slower.
#ifndef CARAT_LIB_KERNELS_BF16_KERNELS_H_
#define CARAT_LIB_KERNELS_BF16_KERNELS_H_

#include <cstddef>
#include <cstdint>

namespace carat::internal {

// Outputs of one call, and rows, at most.
inline constexpr std::int64_t kBf16Outputs = 64;
inline constexpr std::int64_t kBf16Rows = 512;
// Columns that are packed at a time: they stay in the first-level cache while all rows use them.
inline constexpr std::int64_t kBf16Columns = 128;
inline constexpr std::int64_t kBf16ScratchBytes =
    kBf16Columns * kBf16Outputs * 2 + kBf16Rows * kBf16Outputs * 4;

struct Bf16Kernels {
  // y[r * y_stride + n] = sum over k of x[r * x_stride + k] * w[n, k]: x in bf16, x_stride and `cols` even; w
  // is [outputs, cols], contiguous bf16, unaligned. `scratch` is kBf16ScratchBytes, aligned to a cache line.
  void (*product)(const std::uint16_t* x, std::int64_t x_stride, std::int64_t rows, const std::byte* w,
                  std::int64_t cols, std::int64_t outputs, float* y, std::int64_t y_stride,
                  std::byte* scratch);
};

// Null where they were not compiled.
const Bf16Kernels* Avx512Bf16Kernels();

}  // namespace carat::internal

#endif  // CARAT_LIB_KERNELS_BF16_KERNELS_H_
