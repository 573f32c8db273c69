// Matrix products of one block on one thread: level one, below MatMul (lib/kernels/matmul.h), which cuts
// matrices into blocks and runs threads.
//
// y[M, N] = x[M, K] w[N, K]^T. MR, NR and KC say how much of M, N and K one call takes or packs.
#ifndef CARAT_LIB_KERNELS_GEMM_GEMM_H_
#define CARAT_LIB_KERNELS_GEMM_GEMM_H_

#include <cstddef>
#include <cstdint>

#include "lib/base/tensor.h"
#include "lib/quant/packed.h"

namespace carat {
enum class StatusCode : std::int32_t;  // of carat/status.h, which targets must not include
}

namespace carat::internal {

// ---- Float weights, small M

// y[m * y_stride + n] = sum over k of x[m * x_stride + k] * w[n, k], for `m` rows of x and `n` rows of w,
// which is [n, k], contiguous and unaligned. Each weight is read from memory once. w is prefetched
// `prefetch_bytes` ahead; 0: not at all. A row's result does not depend on the rows beside it. `scratch` has
// room for [m, k] floats; only bf16 needs it.
struct GemvKernels {
  using Run = void (*)(const float* x, std::int64_t x_stride, std::int64_t m, const std::byte* w,
                       std::int64_t k, std::int64_t n, float* y, std::int64_t y_stride,
                       std::int64_t prefetch_bytes, float* scratch);
  Run f32;
  Run f16;
  Run bf16;
};

// ---- Float weights, large M

struct GemmShape {
  std::int64_t m = 0;  // rows of x and y
  std::int64_t n = 0;  // columns of y
  std::int64_t k = 0;
  std::int64_t x_stride = 0;
  std::int64_t w_stride = 0;
  std::int64_t y_stride = 0;
  bool w_transposed = false;  // w is [k, n], else [n, k]
  bool accumulate = false;    // y += x w^T
};

// One way to multiply float blocks. Any sizes; any number of threads may run one at once.
struct GemmKernels {
  NumberFormat format;  // of x and w: kF32 or kBF16

  // Sizes at which a product of [M, K] with packed weights of NR columns and KC rows runs at full speed: M up
  // to `mr`, packed weights within the second-level cache. A caller that packs on the fly packs `nr` x `kc`.
  std::int64_t mr;
  std::int64_t nr;
  std::int64_t kc;
  // Sums of several K-blocks are best gathered in contiguous scratch instead of y.
  bool gathers;

  // Bytes that `pack` fills for n x k weights; 0: w is used where it lies, in `run`.
  std::size_t (*packed_bytes)(std::int64_t n, std::int64_t k);
  // Bytes of scratch that `run` needs, aligned to a cache line.
  std::size_t (*scratch_bytes)(std::int64_t m, std::int64_t k);
  void (*pack)(const GemmShape& shape, const void* w, void* packed);
  // `w` is what `pack` filled, or w itself if there is nothing to pack. Errors: INTERNAL or
  // RESOURCE_EXHAUSTED from the matrix library.
  StatusCode (*run)(const GemmShape& shape, const void* x, const void* w, float* y, void* scratch);
};

// Loops with sums in float64: the reference of all others. `format` is kF32 or kBF16.
const GemmKernels& ReferenceGemm(NumberFormat format);
// float32 by the matrix library.
const GemmKernels& LibraryGemm();
// bf16 inputs by way of the matrix library's float32: what bf16 dot products compute, on processors without.
const GemmKernels& WidenedBf16Gemm();

// bf16 dot products: packed columns are taken in panels of kBf16N, the last one of a multiple of 16, in pairs
// of rows of K.
inline constexpr std::int64_t kBf16N = 64;
[[maybe_unused]] static constexpr std::size_t Bf16PackedBytes(std::int64_t n, std::int64_t k) {
  return static_cast<std::size_t>((n + 15) / 16 * 16 * ((k + 1) / 2) * 4);
}

// ---- Float weights in 16-bit integers
//
// For processors that multiply these twice as fast as float32 and have nothing better (x86-64 with AVX2
// alone). K is taken in segments. Within one, a row of activations is scaled so that its norm stays below
// 2^16, and a row of weights by a power of two so that its norm stays below 2^15; both are rounded to
// integers. By the Cauchy-Schwarz inequality no sum of their products leaves 32 bits. Weights of 8
// significant bits (bfloat16) stay exact except the smallest ones. For what normed layers produce, a
// product's error is about 1e-4 of the result's root mean square. Segments are added in float32, in order.

inline constexpr std::int64_t kInt16K = 256;  // columns of a segment
inline constexpr std::int64_t kInt16N = 16;   // rows of weights that are packed together

struct Int16Gemm {
  // One segment of a row, k values: q[i] = round(x[i] / scale). A segment that is not finite gets a scale
  // that is NaN. An odd k is followed by a zero.
  void (*quantize)(const float* x, std::int64_t k, std::int16_t* q, float* scale);

  // n rows of weights (at most kInt16N), one segment of k columns, w_stride apart, into pairs of columns:
  // packed[pair][n][2], zeros for what is missing; and each row's scale.
  void (*pack)(const float* w, std::int64_t w_stride, std::int64_t n, std::int64_t k, std::int16_t* packed,
               float* scales);

  // y[m, 0 .. kInt16N) += the segment's products with `m` rows, which lie kInt16K apart; `pairs` pairs of
  // columns.
  void (*run)(const std::int16_t* x, const float* x_scales, std::int64_t m, const std::int16_t* packed,
              const float* scales, std::int64_t pairs, float* y, std::int64_t y_stride);
};

extern const Int16Gemm kReferenceInt16Gemm;

// How a segment is scaled: integers are value * factor, and value is integer * scale. A segment of zeros has
// neither; one whose sum of squares is not finite has a scale that is NaN.
struct Int16Scaling {
  float factor;
  float scale;
};
Int16Scaling Int16ScalingOfActivations(float sum_of_squares, float largest) noexcept;
Int16Scaling Int16ScalingOfWeights(float sum_of_squares) noexcept;

// ---- Quantised weights
//
// Activations are quantised to 8 bits, products are integers within a group of columns. All instruction sets
// give the same bits, for any number of rows and threads:
//
//   sum    = dot of stored weights and activations, minus offset * sum of activations     (integer)
//   result = fused multiply-add of (float(sum) * weight scale), activation scale, result
//   result = fused multiply-add of minimum, (activation scale * -float(sum of activations)), result
//
// over groups of columns, ascending.

// Rows of activations, quantised: x = scale * value for each 32 columns. Does not own.
struct QuantizedRows {
  std::int8_t* values;          // [rows, k], within -127 .. 127
  float* scales;                // [rows, k / 32]
  std::int32_t* negative_sums;  // [rows, k / 32]: minus the sum of the values of 32 columns
  std::int32_t* negative_fine;  // [rows, k / 16]: the same of 16 columns
  std::int64_t k;               // a multiple of 32
};

// Limits of one call: at most kInt8M rows; kUnpackedBlocks K-blocks are unpacked at once. Scratch holds the
// unpacked K-blocks and, if n < 64 or sums must be gathered, a [rows, 64] accumulator.
inline constexpr std::int64_t kInt8M = 512;
inline constexpr std::int64_t kUnpackedBlocks = 64;
inline constexpr std::int64_t kUnpackedBlockBytes = kPanelN * kBlockK;
inline constexpr std::int64_t kInt8ScratchBytes =
    kUnpackedBlocks * (kUnpackedBlockBytes + 2 * 2 * kPanelN * 4) + kInt8M * kPanelN * 4;

struct Int8Gemm {
  // Quantises row `row` of x: scale = largest magnitude / 127, values rounded to nearest, ties to even. If
  // the row contains NaN or infinity the result is meaningless; there is no undefined behaviour.
  void (*quantize)(const float* x, const QuantizedRows& to, std::int64_t row);

  // y[m * y_stride + n] for n < `n` (at most 64) and rows first .. first + m - 1 of x (m at most kInt8M),
  // from one packed panel. `scratch` is kInt8ScratchBytes, aligned to a cache line; y's row 0 is row `first`.
  // For small M the panel is prefetched `prefetch_bytes` ahead; 0: not at all.
  void (*run)(NumberFormat format, const std::byte* panel, const QuantizedRows& x, std::int64_t first,
              std::int64_t m, float* y, std::int64_t y_stride, std::int64_t n, std::byte* scratch,
              std::int64_t prefetch_bytes);
};

extern const Int8Gemm kReferenceInt8Gemm;
extern const GemvKernels kReferenceGemv;

}  // namespace carat::internal

#endif  // CARAT_LIB_KERNELS_GEMM_GEMM_H_
