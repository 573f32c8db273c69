// The elementwise kernels as they are defined, sums in float64. Every fast kernel is tested against these.
#include <algorithm>
#include <cmath>

#include "lib/base/tensor.h"
#include "lib/kernels/elementwise.h"

namespace carat::internal {
namespace {

template <NumberFormat kFormat>
void ToF32(const std::byte* from, float* to, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) to[i] = LoadValue(from, kFormat, static_cast<std::size_t>(i));
}

void ToBf16(const float* from, std::uint16_t* to, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) to[i] = FloatToBFloat16(from[i]);
}

double InverseRms(const float* x, std::int64_t n, float epsilon) {
  double sum = 0;
  for (std::int64_t i = 0; i < n; ++i) sum += static_cast<double>(x[i]) * x[i];
  return 1.0 / std::sqrt(sum / static_cast<double>(n) + epsilon);
}

void RmsNorm(const float* x, const float* weight, std::int64_t n, float epsilon, float* y) {
  const double inverse = InverseRms(x, n, epsilon);
  for (std::int64_t i = 0; i < n; ++i) {
    y[i] = static_cast<float>(x[i] * inverse * (weight != nullptr ? weight[i] : 1.0f));
  }
}

void AddRmsNorm(float* h, const float* x, const float* weight, std::int64_t n, float epsilon) {
  const double inverse = InverseRms(x, n, epsilon);
  for (std::int64_t i = 0; i < n; ++i) {
    h[i] += static_cast<float>(x[i] * inverse * (weight != nullptr ? weight[i] : 1.0f));
  }
}

void Rope(float* x, const float* cos, const float* sin, std::int64_t half, std::int64_t rotated) {
  for (std::int64_t i = 0; i < rotated; ++i) {
    const float a = x[i];
    const float b = x[i + half];
    x[i] = a * cos[i] - b * sin[i];
    x[i + half] = b * cos[i] + a * sin[i];
  }
}

void GeluMultiply(const float* gate, const float* up, float* out, std::int64_t n) {
  constexpr double kSqrt2OverPi = 0.7978845608028654;
  for (std::int64_t i = 0; i < n; ++i) {
    const double x = gate[i];
    const double gelu = 0.5 * x * (1 + std::tanh(kSqrt2OverPi * (x + 0.044715 * x * x * x)));
    out[i] = static_cast<float>(gelu * up[i]);
  }
}

void Softcap(float* x, std::int64_t n, float cap) {
  for (std::int64_t i = 0; i < n; ++i)
    x[i] = static_cast<float>(cap * std::tanh(static_cast<double>(x[i]) / cap));
}

void AddScaled(float* y, const float* x, float a, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) y[i] += a * x[i];
}

void Scale(float* y, float a, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) y[i] *= a;
}

void SoftmaxStep(const ScoreBlock& b) {
  for (std::int64_t q = 0; q < b.query_count; ++q) {
    float* scores = b.scores + q * b.stride;
    float max = b.max[q];
    for (std::int64_t k = 0; k < b.key_count; ++k) max = std::max(max, scores[k]);
    double sum = 0;
    for (std::int64_t k = 0; k < b.key_count; ++k) {
      const double weight = std::exp(static_cast<double>(scores[k]) - static_cast<double>(max));
      scores[k] = static_cast<float>(weight);
      sum += weight;
    }
    const double keep = std::exp(static_cast<double>(b.max[q]) - static_cast<double>(max));
    b.sum[q] = static_cast<float>(static_cast<double>(b.sum[q]) * keep + sum);
    b.max[q] = max;
    float* output = b.output + q * b.head_dim;
    for (std::int64_t d = 0; d < b.head_dim; ++d) output[d] *= static_cast<float>(keep);
  }
}

void Clip(const float* from, float* to, std::int64_t n, float low, float high) {
  for (std::int64_t i = 0; i < n; ++i) {
    const float raised = from[i] < low ? low : from[i];
    to[i] = raised > high ? high : raised;
  }
}

}  // namespace

constexpr ElementwiseKernels kReferenceElementwise = {
    .f16_to_f32 = ToF32<NumberFormat::kF16>,
    .bf16_to_f32 = ToF32<NumberFormat::kBF16>,
    .f32_to_bf16 = ToBf16,
    .rms_norm = RmsNorm,
    .add_rms_norm = AddRmsNorm,
    .rope = Rope,
    .gelu_multiply = GeluMultiply,
    .softcap = Softcap,
    .add_scaled = AddScaled,
    .scale = Scale,
    .clip = Clip,
    .softmax_step = SoftmaxStep,
};

}  // namespace carat::internal
