// Float weights and small M: each weight is read from memory once. Written once over `Vec`; the include rules
// of simd/math.inc.h apply.

// Dot products of kM rows of x with one row of weights, which is prefetched so far ahead.
template <typename Source, int kM>
inline void DotRows(const float* x, std::int64_t x_stride, const std::byte* w, std::int64_t k, float* y,
                    std::int64_t y_stride, std::int64_t prefetch_bytes) {
  Vec sum[kM][4];
  for (int m = 0; m < kM; ++m) {
    for (int j = 0; j < 4; ++j) sum[m][j] = Vec::Zero();
  }
  std::int64_t i = 0;
  for (; i + kStep <= k; i += kStep) {
    if (prefetch_bytes > 0) {
      for (std::int64_t line = 0; line < kStep * Source::kBytes; line += 64)
        __builtin_prefetch(w + i * Source::kBytes + prefetch_bytes + line);
    }
    for (int j = 0; j < 4; ++j) {
      const std::int64_t at = i + j * Vec::kWidth;
      const Vec weight = Source::Load(w + at * Source::kBytes);
      for (int m = 0; m < kM; ++m)
        sum[m][j] = Vec::MultiplyAdd(Vec::Load(x + m * x_stride + at), weight, sum[m][j]);
    }
  }
  for (; i + Vec::kWidth <= k; i += Vec::kWidth) {
    const Vec weight = Source::Load(w + i * Source::kBytes);
    for (int m = 0; m < kM; ++m)
      sum[m][0] = Vec::MultiplyAdd(Vec::Load(x + m * x_stride + i), weight, sum[m][0]);
  }
  for (int m = 0; m < kM; ++m) {
    float total = Vec::Sum(Vec::Add(Vec::Add(sum[m][0], sum[m][1]), Vec::Add(sum[m][2], sum[m][3])));
    for (std::int64_t t = i; t < k; ++t)
      total = __builtin_fmaf(x[m * x_stride + t], Source::One(w + t * Source::kBytes), total);
    y[m * y_stride] = total;
  }
}

// Rows go in pairs: two times four accumulators fit the registers, and a row of weights stays in the
// first-level cache while all pairs use it.
template <typename Source>
void Gemv(const float* x, std::int64_t x_stride, std::int64_t m, const std::byte* w, std::int64_t k,
          std::int64_t n, float* y, std::int64_t y_stride, std::int64_t prefetch_bytes) {
  for (std::int64_t i = 0; i < n; ++i) {
    const std::byte* row = w + i * k * Source::kBytes;
    std::int64_t r = 0;
    for (; r + 2 <= m; r += 2) {
      DotRows<Source, 2>(x + r * x_stride, x_stride, row, k, y + r * y_stride + i, y_stride,
                         r == 0 ? prefetch_bytes : 0);
    }
    if (r < m)
      DotRows<Source, 1>(x + r * x_stride, x_stride, row, k, y + r * y_stride + i, y_stride,
                         r == 0 ? prefetch_bytes : 0);
  }
}

constexpr GemvKernels kGemv = {.f32 = Gemv<F32Source>, .f16 = Gemv<F16Source>, .bf16 = Gemv<Bf16Source>};
