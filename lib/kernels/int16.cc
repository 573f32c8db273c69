// The 16-bit kernels as they are defined.
#include "lib/kernels/int16.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace carat::internal {
namespace {

// In 32 parts, as four vectors of eight lanes add them.
float SumOfSquares(const float* x, std::int64_t n) {
  float parts[32] = {};
  for (std::int64_t i = 0; i < n; ++i) parts[i % 32] += x[i] * x[i];
  float lanes[8];
  for (int i = 0; i < 8; ++i) lanes[i] = (parts[i] + parts[8 + i]) + (parts[16 + i] + parts[24 + i]);
  return ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
}

float Largest(const float* x, std::int64_t n) {
  float largest = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    if (std::abs(x[i]) > largest) largest = std::abs(x[i]);
  }
  return largest;
}

std::int16_t Round(float x) {
  return static_cast<std::int16_t>(std::clamp(std::nearbyint(x), -32768.0f, 32767.0f));
}

void Quantize(const float* x, std::int64_t n, std::int16_t* q, float* scale) {
  const Int16Scaling s = ScaleOfActivations(SumOfSquares(x, n), Largest(x, n));
  *scale = s.scale;
  for (std::int64_t i = 0; i < n; ++i) q[i] = s.factor > 0 ? Round(x[i] * s.factor) : 0;
  if (n % 2 != 0) q[n] = 0;
}

void Pack(const float* rows, std::int64_t rows_stride, std::int64_t count, std::int64_t n,
          std::int16_t* packed, float* scales) {
  std::fill_n(packed, (n + 1) / 2 * 2 * kInt16Group, std::int16_t{0});
  std::fill_n(scales, kInt16Group, 0.0f);
  for (std::int64_t output = 0; output < count; ++output) {
    const float* row = rows + output * rows_stride;
    const Int16Scaling s = ScaleOfWeights(SumOfSquares(row, n));
    scales[output] = s.scale;
    for (std::int64_t i = 0; i < n && s.factor > 0; ++i) {
      packed[(i / 2 * kInt16Group + output) * 2 + i % 2] = Round(row[i] * s.factor);
    }
  }
}

void Multiply(const std::int16_t* x, const float* x_scales, std::int64_t rows, const std::int16_t* packed,
              const float* scales, std::int64_t pairs, float* y, std::int64_t y_stride) {
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t output = 0; output < kInt16Group; ++output) {
      std::int64_t sum = 0;
      for (std::int64_t i = 0; i < 2 * pairs; ++i) {
        sum += std::int64_t{x[r * kInt16Segment + i]} * packed[(i / 2 * kInt16Group + output) * 2 + i % 2];
      }
      y[r * y_stride + output] += static_cast<float>(sum) * (x_scales[r] * scales[output]);
    }
  }
}

}  // namespace

Int16Scaling ScaleOfActivations(float sum_of_squares, float largest) noexcept {
  if (!std::isfinite(sum_of_squares)) return {0, std::numeric_limits<float>::quiet_NaN()};
  if (sum_of_squares == 0) return {0, 0};
  // A little below 2^16: rounding adds up to half a unit to each of a segment's integers, which is up to 8 to
  // the norm of theirs and of the weights'.
  const float factor = std::min(65470.0f / std::sqrt(sum_of_squares), 32767.0f / largest);
  return {factor, 1 / factor};
}

Int16Scaling ScaleOfWeights(float sum_of_squares) noexcept {
  if (!std::isfinite(sum_of_squares)) return {0, std::numeric_limits<float>::quiet_NaN()};
  if (sum_of_squares == 0) return {0, 0};
  int exponent;
  std::frexp(std::sqrt(sum_of_squares), &exponent);
  return {std::ldexp(1.0f, 15 - exponent), std::ldexp(1.0f, exponent - 15)};
}

const Int16Kernels& PlainInt16Kernels() {
  static constexpr Int16Kernels kKernels = {.quantize = Quantize, .pack = Pack, .multiply = Multiply};
  return kKernels;
}

}  // namespace carat::internal
