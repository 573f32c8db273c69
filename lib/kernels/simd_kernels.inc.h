// The fast kernels, written once over a vector type and compiled once for each instruction set. A file like
// avx2.cc defines, in its own anonymous namespace, `Vec` with the operations used below and then includes
// this.
//
// Nothing of the standard library that has inline functions may be included here or there: the linker keeps
// one copy of an inline function, and it may be the one that needs instructions the machine lacks.

// Four accumulators hide the latency of the multiply-add; their order of summation is that of every product
// below, so that a row gives the same result alone and among others.
constexpr std::int64_t kStep = 4 * Vec::kWidth;

struct F32Source {
  static constexpr std::int64_t kBytes = 4;
  static Vec Load(const std::byte* p) { return Vec::LoadUnaligned(p); }
  static float One(const std::byte* p) {
    float value;
    __builtin_memcpy(&value, p, 4);
    return value;
  }
};

struct F16Source {
  static constexpr std::int64_t kBytes = 2;
  static Vec Load(const std::byte* p) { return Vec::LoadF16(p); }
  static float One(const std::byte* p) { return Vec::OneF16(p); }
};

struct Bf16Source {
  static constexpr std::int64_t kBytes = 2;
  static Vec Load(const std::byte* p) { return Vec::LoadBf16(p); }
  static float One(const std::byte* p) {
    std::uint16_t bits;
    __builtin_memcpy(&bits, p, 2);
    return __builtin_bit_cast(float, static_cast<std::uint32_t>(bits) << 16);
  }
};

// Dot products of kRows rows of x with one row of weights, which is prefetched so far ahead.
template <typename Source, int kRows>
inline void DotRows(const float* x, std::int64_t x_stride, const std::byte* w, std::int64_t cols, float* y,
                    std::int64_t y_stride, std::int64_t prefetch_bytes) {
  Vec sum[kRows][4];
  for (int r = 0; r < kRows; ++r) {
    for (int j = 0; j < 4; ++j) sum[r][j] = Vec::Zero();
  }
  std::int64_t k = 0;
  for (; k + kStep <= cols; k += kStep) {
    if (prefetch_bytes > 0) {
      for (std::int64_t line = 0; line < kStep * Source::kBytes; line += 64)
        __builtin_prefetch(w + k * Source::kBytes + prefetch_bytes + line);
    }
    for (int j = 0; j < 4; ++j) {
      const std::int64_t at = k + j * Vec::kWidth;
      const Vec weight = Source::Load(w + at * Source::kBytes);
      for (int r = 0; r < kRows; ++r)
        sum[r][j] = Vec::MultiplyAdd(Vec::Load(x + r * x_stride + at), weight, sum[r][j]);
    }
  }
  for (; k + Vec::kWidth <= cols; k += Vec::kWidth) {
    const Vec weight = Source::Load(w + k * Source::kBytes);
    for (int r = 0; r < kRows; ++r)
      sum[r][0] = Vec::MultiplyAdd(Vec::Load(x + r * x_stride + k), weight, sum[r][0]);
  }
  for (int r = 0; r < kRows; ++r) {
    float total = Vec::Sum(Vec::Add(Vec::Add(sum[r][0], sum[r][1]), Vec::Add(sum[r][2], sum[r][3])));
    for (std::int64_t i = k; i < cols; ++i)
      total = __builtin_fmaf(x[r * x_stride + i], Source::One(w + i * Source::kBytes), total);
    y[r * y_stride] = total;
  }
}

// Rows go in pairs: two times four accumulators fit the registers, and a row of weights stays in the
// first-level cache while all pairs use it.
template <typename Source>
void Product(const float* x, std::int64_t x_stride, std::int64_t rows, const std::byte* w, std::int64_t cols,
             std::int64_t outputs, float* y, std::int64_t y_stride, std::int64_t prefetch_bytes) {
  for (std::int64_t n = 0; n < outputs; ++n) {
    const std::byte* weights = w + n * cols * Source::kBytes;
    std::int64_t r = 0;
    for (; r + 2 <= rows; r += 2) {
      DotRows<Source, 2>(x + r * x_stride, x_stride, weights, cols, y + r * y_stride + n, y_stride,
                         r == 0 ? prefetch_bytes : 0);
    }
    if (r < rows)
      DotRows<Source, 1>(x + r * x_stride, x_stride, weights, cols, y + r * y_stride + n, y_stride,
                         r == 0 ? prefetch_bytes : 0);
  }
}

template <typename Source>
void Widen(const std::byte* from, float* to, std::int64_t n) {
  std::int64_t i = 0;
  for (; i + Vec::kWidth <= n; i += Vec::kWidth) Vec::Store(to + i, Source::Load(from + i * Source::kBytes));
  for (; i < n; ++i) to[i] = Source::One(from + i * Source::kBytes);
}

void NarrowBf16(const float* from, std::uint16_t* to, std::int64_t n) {
  std::int64_t i = 0;
  for (; i + Vec::kWidth <= n; i += Vec::kWidth) Vec::StoreBf16(to + i, Vec::Load(from + i));
  for (; i < n; ++i) {
    const std::uint32_t bits = __builtin_bit_cast(std::uint32_t, from[i]);
    const bool nan = (bits & 0x7fffffffu) > 0x7f800000u;
    to[i] =
        static_cast<std::uint16_t>(nan ? (bits >> 16) | 0x40u : (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
  }
}

float SumOfSquares(const float* x, std::int64_t n) {
  Vec sum[4] = {Vec::Zero(), Vec::Zero(), Vec::Zero(), Vec::Zero()};
  std::int64_t i = 0;
  for (; i + kStep <= n; i += kStep) {
    for (int j = 0; j < 4; ++j) {
      const Vec v = Vec::Load(x + i + j * Vec::kWidth);
      sum[j] = Vec::MultiplyAdd(v, v, sum[j]);
    }
  }
  for (; i + Vec::kWidth <= n; i += Vec::kWidth) {
    const Vec v = Vec::Load(x + i);
    sum[0] = Vec::MultiplyAdd(v, v, sum[0]);
  }
  float total = Vec::Sum(Vec::Add(Vec::Add(sum[0], sum[1]), Vec::Add(sum[2], sum[3])));
  for (; i < n; ++i) total = __builtin_fmaf(x[i], x[i], total);
  return total;
}

float InverseRms(const float* x, std::int64_t n, float epsilon) {
  return 1.0f / __builtin_sqrtf(SumOfSquares(x, n) / static_cast<float>(n) + epsilon);
}

void RmsNorm(const float* x, const float* weight, std::int64_t n, float epsilon, float* y) {
  const float inverse = InverseRms(x, n, epsilon);
  const Vec factor = Vec::Set(inverse);
  std::int64_t i = 0;
  if (weight == nullptr) {
    for (; i + Vec::kWidth <= n; i += Vec::kWidth) Vec::Store(y + i, Vec::Multiply(Vec::Load(x + i), factor));
    for (; i < n; ++i) y[i] = x[i] * inverse;
    return;
  }
  for (; i + Vec::kWidth <= n; i += Vec::kWidth) {
    Vec::Store(y + i, Vec::Multiply(Vec::Multiply(Vec::Load(x + i), factor), Vec::Load(weight + i)));
  }
  for (; i < n; ++i) y[i] = x[i] * inverse * weight[i];
}

void AddRmsNorm(float* h, const float* x, const float* weight, std::int64_t n, float epsilon) {
  const float inverse = InverseRms(x, n, epsilon);
  const Vec factor = Vec::Set(inverse);
  std::int64_t i = 0;
  for (; i + Vec::kWidth <= n; i += Vec::kWidth) {
    Vec normed = Vec::Multiply(Vec::Load(x + i), factor);
    if (weight != nullptr) normed = Vec::Multiply(normed, Vec::Load(weight + i));
    Vec::Store(h + i, Vec::Add(Vec::Load(h + i), normed));
  }
  for (; i < n; ++i) h[i] += x[i] * inverse * (weight != nullptr ? weight[i] : 1.0f);
}

void Rope(float* x, const float* cos, const float* sin, std::int64_t half, std::int64_t rotated) {
  std::int64_t i = 0;
  for (; i + Vec::kWidth <= rotated; i += Vec::kWidth) {
    const Vec a = Vec::Load(x + i);
    const Vec b = Vec::Load(x + i + half);
    const Vec c = Vec::Load(cos + i);
    const Vec s = Vec::Load(sin + i);
    Vec::Store(x + i, Vec::Subtract(Vec::Multiply(a, c), Vec::Multiply(b, s)));
    Vec::Store(x + i + half, Vec::Add(Vec::Multiply(b, c), Vec::Multiply(a, s)));
  }
  for (; i < rotated; ++i) {
    const float a = x[i];
    const float b = x[i + half];
    x[i] = a * cos[i] - b * sin[i];
    x[i + half] = b * cos[i] + a * sin[i];
  }
}

// exp within 2 units in the last place: 2^n * polynomial on [-ln2/2, ln2/2] (Cody and Waite's reduction).
// Arguments are clamped to where the result is a normal number, so exp(-infinity) is about 1e-38.
Vec Exp(Vec x) {
  x = Vec::Min(Vec::Set(88.0f), Vec::Max(Vec::Set(-87.0f), x));  // in this order a NaN stays one
  const Vec n = Vec::Round(Vec::Multiply(x, Vec::Set(1.44269504088896341f)));
  Vec r = Vec::MultiplyAdd(n, Vec::Set(-0.693359375f), x);
  r = Vec::MultiplyAdd(n, Vec::Set(2.12194440e-4f), r);
  Vec p = Vec::Set(1.9875691500e-4f);
  p = Vec::MultiplyAdd(p, r, Vec::Set(1.3981999507e-3f));
  p = Vec::MultiplyAdd(p, r, Vec::Set(8.3334519073e-3f));
  p = Vec::MultiplyAdd(p, r, Vec::Set(4.1665795894e-2f));
  p = Vec::MultiplyAdd(p, r, Vec::Set(1.6666665459e-1f));
  p = Vec::MultiplyAdd(p, r, Vec::Set(5.0000001201e-1f));
  p = Vec::Add(Vec::MultiplyAdd(p, Vec::Multiply(r, r), r), Vec::Set(1.0f));
  return Vec::Multiply(p, Vec::PowerOfTwo(n));
}

// One value by the vector kernel, so that a tail element is computed like any other.
template <typename F>
float ByVector(float x, F f) {
  float lanes[Vec::kWidth];
  Vec::Store(lanes, f(Vec::Set(x)));
  return lanes[0];
}

// gelu_tanh(x) = x / (1 + exp(-2u)), u = sqrt(2/pi) (x + 0.044715 x^3). Below -25 it is zero to any
// precision.
Vec Gelu(Vec x) {
  x = Vec::Max(Vec::Set(-25.0f), x);
  const Vec square = Vec::Multiply(x, x);
  const Vec inner =
      Vec::MultiplyAdd(square, Vec::Set(0.044715f * -1.5957691216057308f), Vec::Set(-1.5957691216057308f));
  return Vec::Divide(x, Vec::Add(Exp(Vec::Multiply(x, inner)), Vec::Set(1.0f)));
}

void GeluMultiply(const float* gate, const float* up, float* out, std::int64_t n) {
  std::int64_t i = 0;
  for (; i + Vec::kWidth <= n; i += Vec::kWidth) {
    Vec::Store(out + i, Vec::Multiply(Gelu(Vec::Load(gate + i)), Vec::Load(up + i)));
  }
  for (; i < n; ++i) out[i] = ByVector(gate[i], Gelu) * up[i];
}

void Softcap(float* x, std::int64_t n, float cap) {
  // cap * tanh(x / cap) = cap - 2 cap / (exp(2 x / cap) + 1)
  const auto capped = [cap](Vec v) {
    const Vec e = Exp(Vec::Multiply(v, Vec::Set(2.0f / cap)));
    return Vec::Subtract(Vec::Set(cap), Vec::Divide(Vec::Set(2.0f * cap), Vec::Add(e, Vec::Set(1.0f))));
  };
  std::int64_t i = 0;
  for (; i + Vec::kWidth <= n; i += Vec::kWidth) Vec::Store(x + i, capped(Vec::Load(x + i)));
  for (; i < n; ++i) x[i] = ByVector(x[i], capped);
}

void AddScaled(float* y, const float* x, float a, std::int64_t n) {
  const Vec factor = Vec::Set(a);
  std::int64_t i = 0;
  for (; i + Vec::kWidth <= n; i += Vec::kWidth) {
    Vec::Store(y + i, Vec::MultiplyAdd(factor, Vec::Load(x + i), Vec::Load(y + i)));
  }
  for (; i < n; ++i) y[i] = __builtin_fmaf(a, x[i], y[i]);
}

void Scale(float* y, float a, std::int64_t n) {
  const Vec factor = Vec::Set(a);
  std::int64_t i = 0;
  for (; i + Vec::kWidth <= n; i += Vec::kWidth) Vec::Store(y + i, Vec::Multiply(factor, Vec::Load(y + i)));
  for (; i < n; ++i) y[i] *= a;
}

#include "lib/kernels/attention.inc.h"
#include "lib/kernels/integer_attention.inc.h"

constexpr KernelTable kTable = {
    .product_f32 = Product<F32Source>,
    .product_f16 = Product<F16Source>,
    .product_bf16 = Product<Bf16Source>,
    .widen_f16 = Widen<F16Source>,
    .widen_bf16 = Widen<Bf16Source>,
    .narrow_bf16 = NarrowBf16,
    .rms_norm = RmsNorm,
    .add_rms_norm = AddRmsNorm,
    .rope = Rope,
    .gelu_multiply = GeluMultiply,
    .softcap = Softcap,
    .add_scaled = AddScaled,
    .scale = Scale,
    .attend = Attend,
    .scale_row = MeasureRow,
    .round_int16 = RoundInt16,
    .attend_int16 = AttendIntegers<std::int16_t>,
    .attend_int8 = AttendIntegers<std::int8_t>,
};
