// The plain kernels: the arithmetic as it is defined, sums in float64. Every fast kernel is tested against
// these.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "lib/base/tensor.h"
#include "lib/kernels/kernel_table.h"
#include "lib/kernels/kv_layout.h"

namespace carat::internal {
namespace {

template <NumberFormat kFormat>
void Product(const float* x, std::int64_t x_stride, std::int64_t rows, const std::byte* w, std::int64_t cols,
             std::int64_t outputs, float* y, std::int64_t y_stride, std::int64_t) {
  for (std::int64_t n = 0; n < outputs; ++n) {
    for (std::int64_t r = 0; r < rows; ++r) {
      double sum = 0;
      for (std::int64_t k = 0; k < cols; ++k) {
        sum += static_cast<double>(x[r * x_stride + k]) *
               LoadValue(w, kFormat, static_cast<std::size_t>(n * cols + k));
      }
      y[r * y_stride + n] = static_cast<float>(sum);
    }
  }
}

template <NumberFormat kFormat>
void Widen(const std::byte* from, float* to, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) to[i] = LoadValue(from, kFormat, static_cast<std::size_t>(i));
}

void NarrowBf16(const float* from, std::uint16_t* to, std::int64_t n) {
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

void Attend(const AttentionBlock& b) {
  const NumberFormat format = b.format == KvFormat::kF32 ? NumberFormat::kF32 : NumberFormat::kBF16;
  const auto* keys = static_cast<const std::byte*>(b.keys);
  const auto* values = static_cast<const std::byte*>(b.values);
  for (std::int64_t q = 0; q < b.query_count; ++q) {
    if (b.begin[q] >= b.end[q]) continue;
    const float* query = b.queries + q * b.query_stride;
    float* scores = b.scores + q * b.key_count;
    float* output = b.output + q * b.output_stride;
    float max = b.max[q];
    for (std::int64_t k = b.begin[q]; k < b.end[q]; ++k) {
      double sum = 0;
      for (std::int64_t i = 0; i < b.head_dim; ++i) {
        sum += static_cast<double>(query[i]) * LoadValue(keys, format, KeyIndex(b.format, b.key_count, k, i));
      }
      scores[k] = static_cast<float>(sum);
      max = std::max(max, scores[k]);
    }
    const float rescale = std::exp(b.max[q] - max);
    b.max[q] = max;
    b.sum[q] *= rescale;
    for (std::int64_t i = 0; i < b.head_dim; ++i) output[i] *= rescale;
    for (std::int64_t k = b.begin[q]; k < b.end[q]; ++k) {
      const float weight = std::exp(scores[k] - max);
      b.sum[q] += weight;
      for (std::int64_t i = 0; i < b.head_dim; ++i) {
        output[i] += weight * LoadValue(values, format, ValueIndex(b.format, b.head_dim, k, i));
      }
    }
  }
}

}  // namespace

const KernelTable& PlainKernels() {
  static constexpr KernelTable kTable = {
      .product_f32 = Product<NumberFormat::kF32>,
      .product_f16 = Product<NumberFormat::kF16>,
      .product_bf16 = Product<NumberFormat::kBF16>,
      .widen_f16 = Widen<NumberFormat::kF16>,
      .widen_bf16 = Widen<NumberFormat::kBF16>,
      .narrow_bf16 = NarrowBf16,
      .rms_norm = RmsNorm,
      .add_rms_norm = AddRmsNorm,
      .rope = Rope,
      .gelu_multiply = GeluMultiply,
      .softcap = Softcap,
      .add_scaled = AddScaled,
      .scale = Scale,
      .attend = Attend,
      .scale_row = ScaleRow,
      .round_int16 = RoundToInt16,
      .attend_int16 = AttendInt16,
      .attend_int8 = AttendInt8,
  };
  return kTable;
}

}  // namespace carat::internal
