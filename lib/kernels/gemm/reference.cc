// The products of gemm.h as they are defined, in loops. Every fast product is tested against these.
#include <algorithm>
#include <cmath>
#include <limits>

#include "carat/status.h"
#include "lib/kernels/gemm/gemm.h"

namespace carat::internal {
namespace {

// ---- Float weights

template <NumberFormat kFormat>
void Gemv(const float* x, std::int64_t x_stride, std::int64_t m, const std::byte* w, std::int64_t k,
          std::int64_t n, float* y, std::int64_t y_stride, std::int64_t, float*) {
  for (std::int64_t i = 0; i < n; ++i) {
    for (std::int64_t r = 0; r < m; ++r) {
      double sum = 0;
      for (std::int64_t t = 0; t < k; ++t) {
        sum += static_cast<double>(x[r * x_stride + t]) *
               LoadValue(w, kFormat, static_cast<std::size_t>(i * k + t));
      }
      y[r * y_stride + i] = static_cast<float>(sum);
    }
  }
}

template <NumberFormat kFormat>
StatusCode FloatRun(const GemmShape& s, const void* x, const void* w, float* y, void*) {
  const auto load = [](const void* data, std::int64_t index) {
    return static_cast<double>(
        LoadValue(static_cast<const std::byte*>(data), kFormat, static_cast<std::size_t>(index)));
  };
  for (std::int64_t r = 0; r < s.m; ++r) {
    for (std::int64_t n = 0; n < s.n; ++n) {
      double sum = s.accumulate ? static_cast<double>(y[r * s.y_stride + n]) : 0.0;
      for (std::int64_t k = 0; k < s.k; ++k) {
        const std::int64_t at = s.w_transposed ? k * s.w_stride + n : n * s.w_stride + k;
        sum += load(x, r * s.x_stride + k) * load(w, at);
      }
      y[r * s.y_stride + n] = static_cast<float>(sum);
    }
  }
  return StatusCode::kOk;
}

std::size_t NoBytes(std::int64_t, std::int64_t) {
  return 0;
}
void NoPack(const GemmShape&, const void*, void*) {}

template <NumberFormat kFormat>
constexpr GemmKernels kGemm = {.format = kFormat,
                               .mr = 64,
                               .nr = 64,
                               .kc = 1 << 20,
                               .gathers = false,
                               .packed_bytes = NoBytes,
                               .scratch_bytes = NoBytes,
                               .pack = NoPack,
                               .run = FloatRun<kFormat>};

// ---- Float weights in 16-bit integers

// The sum runs in 32 parts, as four vectors of eight lanes add them.
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

void Int16Quantize(const float* x, std::int64_t n, std::int16_t* q, float* scale) {
  const Int16Scaling s = Int16ScalingOfActivations(SumOfSquares(x, n), Largest(x, n));
  *scale = s.scale;
  for (std::int64_t i = 0; i < n; ++i) q[i] = s.factor > 0 ? Round(x[i] * s.factor) : 0;
  if (n % 2 != 0) q[n] = 0;
}

void Int16Pack(const float* w, std::int64_t w_stride, std::int64_t count, std::int64_t n,
               std::int16_t* packed, float* scales) {
  std::fill_n(packed, (n + 1) / 2 * 2 * kInt16N, std::int16_t{0});
  std::fill_n(scales, kInt16N, 0.0f);
  for (std::int64_t output = 0; output < count; ++output) {
    const float* row = w + output * w_stride;
    const Int16Scaling s = Int16ScalingOfWeights(SumOfSquares(row, n));
    scales[output] = s.scale;
    for (std::int64_t i = 0; i < n && s.factor > 0; ++i) {
      packed[(i / 2 * kInt16N + output) * 2 + i % 2] = Round(row[i] * s.factor);
    }
  }
}

void Int16Run(const std::int16_t* x, const float* x_scales, std::int64_t m, const std::int16_t* packed,
              const float* scales, std::int64_t pairs, float* y, std::int64_t y_stride) {
  for (std::int64_t r = 0; r < m; ++r) {
    for (std::int64_t output = 0; output < kInt16N; ++output) {
      std::int64_t sum = 0;
      for (std::int64_t i = 0; i < 2 * pairs; ++i) {
        sum += std::int64_t{x[r * kInt16K + i]} * packed[(i / 2 * kInt16N + output) * 2 + i % 2];
      }
      y[r * y_stride + output] += static_cast<float>(sum) * (x_scales[r] * scales[output]);
    }
  }
}

// ---- Quantised weights

void Int8Quantize(const float* x, const QuantizedRows& to, std::int64_t row) {
  for (std::int64_t g = 0; g < to.k / 32; ++g) {
    float largest = 0;
    for (int i = 0; i < 32; ++i) largest = std::max(largest, std::fabs(x[32 * g + i]));
    const float factor = largest > 0 ? 127.0f / largest : 0.0f;
    std::int32_t sums[2] = {0, 0};
    for (int i = 0; i < 32; ++i) {
      const float scaled = std::nearbyint(x[32 * g + i] * factor);
      // Written so that a NaN becomes a bound.
      const float value = scaled < 127.0f ? (scaled > -127.0f ? scaled : -127.0f) : 127.0f;
      to.values[row * to.k + 32 * g + i] = static_cast<std::int8_t>(value);
      sums[i / 16] += static_cast<std::int32_t>(value);
    }
    const std::int64_t at = row * (to.k / 32) + g;
    to.scales[at] = largest / 127.0f;
    to.negative_sums[at] = -(sums[0] + sums[1]);
    to.negative_fine[2 * at] = -sums[0];
    to.negative_fine[2 * at + 1] = -sums[1];
  }
}

float Int8One(NumberFormat format, const std::byte* panel, int n, const QuantizedRows& x, std::int64_t row) {
  const PackedLayout layout = PackedLayoutOf(format);
  const std::byte* super = panel;
  float result = 0;
  for (std::int64_t t = 0; t < x.k / kBlockK; ++t) {
    if (t % kBlocksPerSuper == 0) {
      super = panel;
      panel += layout.super_bytes();
    }
    UnpackedBlock block;
    UnpackBlock(format, super, panel, n, &block);
    const std::int64_t at = row * (x.k / 32) + t;
    for (int g = 0; g < kBlockK / layout.group; ++g) {
      const std::int32_t negative = layout.group == 32 ? x.negative_sums[at] : x.negative_fine[2 * at + g];
      std::int32_t sum = layout.offset * negative;
      for (int c = layout.group * g; c < layout.group * (g + 1); ++c)
        sum += block.values[c] * x.values[row * x.k + 32 * t + c];
      result = std::fma(static_cast<float>(sum) * block.scales[g], x.scales[at], result);
      if (layout.minimums)
        result = std::fma(block.minimums[g], x.scales[at] * static_cast<float>(negative), result);
    }
    panel += layout.block_bytes();
  }
  return result;
}

void Int8Run(NumberFormat format, const std::byte* panel, const QuantizedRows& x, std::int64_t first,
             std::int64_t m, float* y, std::int64_t y_stride, std::int64_t n, std::byte*, std::int64_t) {
  for (std::int64_t r = 0; r < m; ++r) {
    for (std::int64_t i = 0; i < n; ++i)
      y[r * y_stride + i] = Int8One(format, panel, static_cast<int>(i), x, first + r);
  }
}

}  // namespace

Int16Scaling Int16ScalingOfActivations(float sum_of_squares, float largest) noexcept {
  if (!std::isfinite(sum_of_squares)) return {0, std::numeric_limits<float>::quiet_NaN()};
  if (sum_of_squares == 0) return {0, 0};
  // A little below 2^16: rounding adds up to half a unit to each of a segment's integers, up to 8 to the
  // norms of both sides.
  const float factor = std::min(65470.0f / std::sqrt(sum_of_squares), 32767.0f / largest);
  return {factor, 1 / factor};
}

Int16Scaling Int16ScalingOfWeights(float sum_of_squares) noexcept {
  if (!std::isfinite(sum_of_squares)) return {0, std::numeric_limits<float>::quiet_NaN()};
  if (sum_of_squares == 0) return {0, 0};
  int exponent;
  std::frexp(std::sqrt(sum_of_squares), &exponent);
  return {std::ldexp(1.0f, 15 - exponent), std::ldexp(1.0f, exponent - 15)};
}

const GemmKernels& ReferenceGemm(NumberFormat format) {
  return format == NumberFormat::kBF16 ? kGemm<NumberFormat::kBF16> : kGemm<NumberFormat::kF32>;
}

constexpr GemvKernels kReferenceGemv = {
    .f32 = Gemv<NumberFormat::kF32>, .f16 = Gemv<NumberFormat::kF16>, .bf16 = Gemv<NumberFormat::kBF16>};
constexpr Int16Gemm kReferenceInt16Gemm = {.quantize = Int16Quantize, .pack = Int16Pack, .run = Int16Run};
constexpr Int8Gemm kReferenceInt8Gemm = {.quantize = Int8Quantize, .run = Int8Run};

}  // namespace carat::internal
