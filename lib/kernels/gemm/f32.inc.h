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

// Calls dot<kM>(first row of x, row of weights, where its result goes, prefetch) for all rows of both. Rows
// of x go in pairs: two times four accumulators fit the registers, and a row of weights stays in the
// first-level cache while all pairs use it.
template <typename Dot>
inline void ForEachPair(std::int64_t m, const std::byte* w, std::int64_t row_bytes, std::int64_t n, float* y,
                        std::int64_t y_stride, std::int64_t prefetch_bytes, Dot dot) {
  for (std::int64_t i = 0; i < n; ++i) {
    const std::byte* row = w + i * row_bytes;
    std::int64_t r = 0;
    for (; r + 2 <= m; r += 2)
      dot.template operator()<2>(r, row, y + r * y_stride + i, r == 0 ? prefetch_bytes : 0);
    if (r < m) dot.template operator()<1>(r, row, y + r * y_stride + i, r == 0 ? prefetch_bytes : 0);
  }
}

template <typename Source>
void Gemv(const float* x, std::int64_t x_stride, std::int64_t m, const std::byte* w, std::int64_t k,
          std::int64_t n, float* y, std::int64_t y_stride, std::int64_t prefetch_bytes, float*) {
  ForEachPair(m, w, k * Source::kBytes, n, y, y_stride, prefetch_bytes,
              [=]<int kM>(std::int64_t r, const std::byte* row, float* to, std::int64_t prefetch) {
                DotRows<Source, kM>(x + r * x_stride, x_stride, row, k, to, y_stride, prefetch);
              });
}

// As DotRows, for bf16 weights whose even and odd columns are taken apart in whole words, which takes half as
// many loads. `x` holds the even columns of each row and then its odd ones; k is a multiple of kStep.
template <int kM>
inline void DotWords(const float* x, const std::byte* w, std::int64_t k, float* y, std::int64_t y_stride,
                     std::int64_t prefetch_bytes) {
  Vec sum[kM][4];
  for (int m = 0; m < kM; ++m) {
    for (int j = 0; j < 4; ++j) sum[m][j] = Vec::Zero();
  }
  for (std::int64_t i = 0; i < k; i += kStep) {
    if (prefetch_bytes > 0) {
      for (std::int64_t line = 0; line < kStep * 2; line += 64)
        __builtin_prefetch(w + i * 2 + prefetch_bytes + line);
    }
    for (int j = 0; j < 2; ++j) {
      const std::int64_t at = i + 2 * j * Vec::kWidth;
      const Vec even = Vec::LoadLow(w + at * 2), odd = Vec::LoadHigh(w + at * 2);
      for (int m = 0; m < kM; ++m) {
        const float* of_row = x + m * k + at / 2;
        sum[m][2 * j] = Vec::MultiplyAdd(Vec::Load(of_row), even, sum[m][2 * j]);
        sum[m][2 * j + 1] = Vec::MultiplyAdd(Vec::Load(of_row + k / 2), odd, sum[m][2 * j + 1]);
      }
    }
  }
  for (int m = 0; m < kM; ++m)
    y[m * y_stride] = Vec::Sum(Vec::Add(Vec::Add(sum[m][0], sum[m][1]), Vec::Add(sum[m][2], sum[m][3])));
}

void GemvBf16(const float* x, std::int64_t x_stride, std::int64_t m, const std::byte* w, std::int64_t k,
              std::int64_t n, float* y, std::int64_t y_stride, std::int64_t prefetch_bytes, float* scratch) {
  if (k % kStep != 0) return Gemv<Bf16Source>(x, x_stride, m, w, k, n, y, y_stride, prefetch_bytes, scratch);
  for (std::int64_t r = 0; r < m; ++r) {
    float* even = scratch + r * k;
    for (std::int64_t i = 0; i < k / 2; ++i) {
      even[i] = x[r * x_stride + 2 * i];
      even[k / 2 + i] = x[r * x_stride + 2 * i + 1];
    }
  }
  ForEachPair(m, w, k * 2, n, y, y_stride, prefetch_bytes,
              [=]<int kM>(std::int64_t r, const std::byte* row, float* to, std::int64_t prefetch) {
                DotWords<kM>(scratch + r * k, row, k, to, y_stride, prefetch);
              });
}

constexpr GemvKernels kGemv = {.f32 = Gemv<F32Source>, .f16 = Gemv<F16Source>, .bf16 = GemvBf16};
