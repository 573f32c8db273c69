// The fast block kernels, written once over a vector type; see simd_kernels.inc.h, of which this is a smaller
// sister with the same rules.

// exp within 2 units in the last place: 2^n * polynomial on [-ln2/2, ln2/2] (Cody and Waite's reduction).
// Arguments are clamped to where the result is a normal number, so exp(-infinity) is about 1e-38.
inline Vec Exp(Vec x) {
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
inline float ExpOne(float x) {
  float lanes[Vec::kWidth];
  Vec::Store(lanes, Exp(Vec::Set(x)));
  return lanes[0];
}

float Largest(const float* x, std::int64_t n, float max) {
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
  float lanes[Vec::kWidth];
  Vec::Store(lanes, Vec::Add(sum[0], sum[1]));
  float total = 0;
  for (std::int64_t j = 0; j < Vec::kWidth; ++j) total += lanes[j];
  for (; i < n; ++i) {
    x[i] = ExpOne(x[i] - max);
    total += x[i];
  }
  return total;
}

void ScaleBy(float* x, std::int64_t n, float factor) {
  const Vec by = Vec::Set(factor);
  std::int64_t i = 0;
  for (; i + Vec::kWidth <= n; i += Vec::kWidth) Vec::Store(x + i, Vec::Multiply(Vec::Load(x + i), by));
  for (; i < n; ++i) x[i] *= factor;
}

void Weigh(const ScoreBlock& b) {
  for (std::int64_t q = 0; q < b.query_count; ++q) {
    float* scores = b.scores + q * b.stride;
    const float max = Largest(scores, b.key_count, b.max[q]);
    const float sum = ExpBelow(scores, b.key_count, max);
    if (max == b.max[q]) {
      b.sum[q] += sum;
      continue;
    }
    const float keep = ExpOne(b.max[q] - max);  // the first block finds -infinity, and nothing gathered
    b.sum[q] = b.sum[q] * keep + sum;
    b.max[q] = max;
    ScaleBy(b.output + q * b.head_dim, b.head_dim, keep);
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

constexpr BlockKernels kTable = {.weigh = Weigh, .clip = Clip};
