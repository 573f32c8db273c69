// The elementwise kernels (elementwise.h), written once over `Vec`. The include rules of simd/math.inc.h
// apply.

template <typename Source>
void ToF32(const std::byte* from, float* to, std::int64_t n) {
  std::int64_t i = 0;
  for (; i + Vec::kWidth <= n; i += Vec::kWidth) Vec::Store(to + i, Source::Load(from + i * Source::kBytes));
  for (; i < n; ++i) to[i] = Source::One(from + i * Source::kBytes);
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

float LargestOf(const float* x, std::int64_t n, float max) {
  Vec most[4] = {Vec::Set(max), Vec::Set(max), Vec::Set(max), Vec::Set(max)};
  std::int64_t i = 0;
  for (; i + 4 * Vec::kWidth <= n; i += 4 * Vec::kWidth) {
    for (int j = 0; j < 4; ++j) most[j] = Vec::Max(most[j], Vec::Load(x + i + j * Vec::kWidth));
  }
  for (; i + Vec::kWidth <= n; i += Vec::kWidth) most[0] = Vec::Max(most[0], Vec::Load(x + i));
  float lanes[Vec::kWidth];
  Vec::Store(lanes, Vec::Max(Vec::Max(most[0], most[1]), Vec::Max(most[2], most[3])));
  for (std::int64_t j = 0; j < Vec::kWidth; ++j) max = lanes[j] > max ? lanes[j] : max;
  for (; i < n; ++i) max = x[i] > max ? x[i] : max;
  return max;
}

// x = exp(x - max); returns their sum.
float ExpBelow(float* x, std::int64_t n, float max) {
  const Vec most = Vec::Set(max);
  Vec sum[2] = {Vec::Zero(), Vec::Zero()};
  std::int64_t i = 0;
  for (; i + 2 * Vec::kWidth <= n; i += 2 * Vec::kWidth) {
    for (int j = 0; j < 2; ++j) {
      const Vec weight = Exp(Vec::Subtract(Vec::Load(x + i + j * Vec::kWidth), most));
      Vec::Store(x + i + j * Vec::kWidth, weight);
      sum[j] = Vec::Add(sum[j], weight);
    }
  }
  for (; i + Vec::kWidth <= n; i += Vec::kWidth) {
    const Vec weight = Exp(Vec::Subtract(Vec::Load(x + i), most));
    Vec::Store(x + i, weight);
    sum[0] = Vec::Add(sum[0], weight);
  }
  float lanes[Vec::kWidth];
  Vec::Store(lanes, Vec::Add(sum[0], sum[1]));
  float total = 0;
  for (std::int64_t j = 0; j < Vec::kWidth; ++j) total += lanes[j];
  if (i == n) return total;
  // The last values fill no vector.
  for (std::int64_t j = 0; j < Vec::kWidth; ++j) lanes[j] = i + j < n ? x[i + j] : max;
  Vec::Store(lanes, Exp(Vec::Subtract(Vec::Load(lanes), most)));
  for (std::int64_t j = 0; i + j < n; ++j) {
    x[i + j] = lanes[j];
    total += lanes[j];
  }
  return total;
}

void SoftmaxStep(const ScoreBlock& b) {
  for (std::int64_t q = 0; q < b.query_count; ++q) {
    float* scores = b.scores + q * b.stride;
    const float max = LargestOf(scores, b.key_count, b.max[q]);
    const float sum = ExpBelow(scores, b.key_count, max);
    if (max == b.max[q]) {
      b.sum[q] += sum;
      continue;
    }
    const float keep =
        ByVector(b.max[q] - max, Exp);  // the first block finds -infinity, and nothing gathered
    b.sum[q] = b.sum[q] * keep + sum;
    b.max[q] = max;
    Scale(b.output + q * b.head_dim, keep, b.head_dim);
  }
}

void Clip(const float* from, float* to, std::int64_t n, float low, float high) {
  const Vec least = Vec::Set(low);
  const Vec most = Vec::Set(high);
  std::int64_t i = 0;
  // In this order of arguments a NaN stays one.
  for (; i + Vec::kWidth <= n; i += Vec::kWidth)
    Vec::Store(to + i, Vec::Min(most, Vec::Max(least, Vec::Load(from + i))));
  for (; i < n; ++i) {
    const float raised = from[i] < low ? low : from[i];
    to[i] = raised > high ? high : raised;
  }
}

constexpr ElementwiseKernels kElementwise = {
    .f16_to_f32 = ToF32<F16Source>,
    .bf16_to_f32 = ToF32<Bf16Source>,
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
