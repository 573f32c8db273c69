// Products in 16-bit integers, for processors that multiply these twice as fast as float32 and have nothing
// better (x86-64 with AVX2 alone).
//
// Columns are taken in segments. Within one, a row of activations is scaled so that its norm stays below
// 2^16, and a row of weights by a power of two so that its norm stays below 2^15; both are rounded to
// integers. By the Cauchy-Schwarz inequality no sum of their products leaves 32 bits. Weights of 8
// significant bits (bfloat16) stay exact but for the smallest ones. For what normed layers produce, a
// product's error is about 1e-4 of the result's root mean square.
//
// Segments are added in float32, in order: a result depends on its row and its weights alone.
#ifndef CARAT_LIB_KERNELS_INT16_H_
#define CARAT_LIB_KERNELS_INT16_H_

#include <cstddef>
#include <cstdint>

namespace carat::internal {

inline constexpr std::int64_t kInt16Segment = 256;  // columns
inline constexpr std::int64_t kInt16Group = 16;     // outputs that are packed together

struct Int16Kernels {
  // One segment of a row, n values: q[i] = round(x[i] / scale). A segment that is not finite gets a scale
  // that is not a number. An odd n is followed by a zero.
  void (*quantize)(const float* x, std::int64_t n, std::int16_t* q, float* scale);

  // `count` rows of weights (at most kInt16Group), one segment of n columns, rows_stride apart, into pairs of
  // columns: packed[pair][output][2], zeros for what is missing; and each output's scale.
  void (*pack)(const float* rows, std::int64_t rows_stride, std::int64_t count, std::int64_t n,
               std::int16_t* packed, float* scales);

  // y[r, 0 .. kInt16Group) += the segment's products with `rows` rows, which lie kInt16Segment apart; `pairs`
  // pairs of columns.
  void (*multiply)(const std::int16_t* x, const float* x_scales, std::int64_t rows,
                   const std::int16_t* packed, const float* scales, std::int64_t pairs, float* y,
                   std::int64_t y_stride);
};

// How a segment is scaled: integers are value * factor, and value is integer * scale. A segment of zeros has
// neither; one whose sum of squares is not finite has a scale that is not a number.
struct Int16Scaling {
  float factor;
  float scale;
};
Int16Scaling ScaleOfActivations(float sum_of_squares, float largest) noexcept;
Int16Scaling ScaleOfWeights(float sum_of_squares) noexcept;

// The definition. Fast ones give the same bits.
const Int16Kernels& PlainInt16Kernels();
// Null where they were not compiled. Calling them needs a processor that CpuSupports AVX2.
const Int16Kernels* Avx2Int16Kernels();

}  // namespace carat::internal

#endif  // CARAT_LIB_KERNELS_INT16_H_
