// 16-bit integer products with AVX2 (gemm.h). The include rules of simd/math.inc.h apply.

constexpr std::int64_t kInt16Lanes = 8;

// The last values of a row, followed by zeros.
inline __m256 LoadTail(const float* x, std::int64_t n) {
  float padded[kInt16Lanes] = {};
  for (std::int64_t i = 0; i < n; ++i) padded[i] = x[i];
  return _mm256_loadu_ps(padded);
}

inline __m256 LoadUpTo(const float* x, std::int64_t n) {
  return n >= kInt16Lanes ? _mm256_loadu_ps(x) : LoadTail(x, n);
}

inline __m256 Magnitude(__m256 x) {
  return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), x);
}

inline float SumInt16(__m256 x) {
  __m128 sum = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  sum = _mm_add_ps(sum, _mm_movehl_ps(sum, sum));
  return _mm_cvtss_f32(_mm_add_ss(sum, _mm_movehdup_ps(sum)));
}

inline float LargestInt16(__m256 x) {
  __m128 most = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  most = _mm_max_ps(most, _mm_movehl_ps(most, most));
  return _mm_cvtss_f32(_mm_max_ss(most, _mm_movehdup_ps(most)));
}

struct Measures {
  float sum_of_squares;
  float largest;
};

inline Measures Measure(const float* x, std::int64_t n) {
  __m256 sum[4] = {_mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps()};
  __m256 largest = _mm256_setzero_ps();
  for (std::int64_t first = 0; first < n; first += 4 * kInt16Lanes) {
    for (int j = 0; j < 4; ++j) {
      const std::int64_t at = first + j * kInt16Lanes;
      if (at >= n) break;
      const __m256 v = LoadUpTo(x + at, n - at);
      sum[j] = _mm256_add_ps(sum[j], _mm256_mul_ps(v, v));
      largest = _mm256_max_ps(Magnitude(v), largest);  // in this order a NaN is passed over
    }
  }
  return {SumInt16(_mm256_add_ps(_mm256_add_ps(sum[0], sum[1]), _mm256_add_ps(sum[2], sum[3]))),
          LargestInt16(largest)};
}

// Rounds sixteen values to integers, in order.
inline __m256i RoundPair(__m256 low, __m256 high, __m256 factor) {
  const __m256i a = _mm256_cvtps_epi32(_mm256_mul_ps(low, factor));
  const __m256i b = _mm256_cvtps_epi32(_mm256_mul_ps(high, factor));
  return _mm256_permute4x64_epi64(_mm256_packs_epi32(a, b), _MM_SHUFFLE(3, 1, 2, 0));
}

// n values; `q` has room for a multiple of sixteen.
inline void RoundAll(const float* x, std::int64_t n, float factor, std::int16_t* q) {
  const __m256 factors = _mm256_set1_ps(factor);
  for (std::int64_t i = 0; i < n; i += 2 * kInt16Lanes) {
    __m256i rounded = _mm256_setzero_si256();
    if (factor > 0) {
      const __m256 low = LoadUpTo(x + i, n - i);
      const __m256 high =
          n - i > kInt16Lanes ? LoadUpTo(x + i + kInt16Lanes, n - i - kInt16Lanes) : _mm256_setzero_ps();
      rounded = RoundPair(low, high, factors);
    }
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(q + i), rounded);
  }
}

void Int16Quantize(const float* x, std::int64_t n, std::int16_t* q, float* scale) {
  const Measures m = Measure(x, n);
  const Int16Scaling s = Int16ScalingOfActivations(m.sum_of_squares, m.largest);
  *scale = s.scale;
  if (n % (2 * kInt16Lanes) == 0) return RoundAll(x, n, s.factor, q);
  std::int16_t rounded[kInt16K];
  RoundAll(x, n, s.factor, rounded);
  for (std::int64_t i = 0; i < n + n % 2; ++i) q[i] = rounded[i];
}

// Pairs of eight outputs, [8 outputs][8 pairs], to [8 pairs][8 outputs], 2 * kInt16Lanes pairs apart.
inline void Transpose(const std::int16_t* from, std::int64_t from_stride, std::int16_t* to) {
  __m256i r[8];
  for (int i = 0; i < 8; ++i) {
    r[i] = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from + i * from_stride));
  }
  __m256i t[8];
  for (int i = 0; i < 8; i += 2) {
    t[i] = _mm256_unpacklo_epi32(r[i], r[i + 1]);
    t[i + 1] = _mm256_unpackhi_epi32(r[i], r[i + 1]);
  }
  __m256i u[8];
  for (int i = 0; i < 8; i += 4) {
    u[i] = _mm256_unpacklo_epi64(t[i], t[i + 2]);
    u[i + 1] = _mm256_unpackhi_epi64(t[i], t[i + 2]);
    u[i + 2] = _mm256_unpacklo_epi64(t[i + 1], t[i + 3]);
    u[i + 3] = _mm256_unpackhi_epi64(t[i + 1], t[i + 3]);
  }
  for (int i = 0; i < 4; ++i) {
    auto* low = reinterpret_cast<__m256i*>(to + i * 2 * kInt16N);
    auto* high = reinterpret_cast<__m256i*>(to + (4 + i) * 2 * kInt16N);
    _mm256_storeu_si256(low, _mm256_permute2x128_si256(u[i], u[4 + i], 0x20));
    _mm256_storeu_si256(high, _mm256_permute2x128_si256(u[i], u[4 + i], 0x31));
  }
}

void Int16Pack(const float* w, std::int64_t w_stride, std::int64_t count, std::int64_t n,
               std::int16_t* packed, float* scales) {
  std::int16_t rounded[kInt16N][kInt16K];
  for (std::int64_t output = 0; output < kInt16N; ++output) {
    const float* row = w + (output < count ? output : 0) * w_stride;
    Int16Scaling s = {0, 0};
    if (output < count) s = Int16ScalingOfWeights(Measure(row, n).sum_of_squares);
    scales[output] = s.scale;
    RoundAll(row, n, s.factor, rounded[output]);
  }
  const std::int64_t pairs = (n + 1) / 2;
  std::int64_t pair = 0;
  for (; pair + kInt16Lanes <= pairs; pair += kInt16Lanes) {
    for (std::int64_t half = 0; half < kInt16N; half += kInt16Lanes) {
      Transpose(&rounded[half][2 * pair], kInt16K, packed + (pair * kInt16N + half) * 2);
    }
  }
  for (; pair < pairs; ++pair) {
    for (std::int64_t output = 0; output < kInt16N; ++output) {
      for (std::int64_t i = 0; i < 2; ++i) {
        packed[(pair * kInt16N + output) * 2 + i] = rounded[output][2 * pair + i];
      }
    }
  }
}

// kM rows with sixteen outputs: up to twelve sums, which leaves registers for two vectors of weights. The
// loops over rows are unrolled by force, since the sums must not become an array in memory.
template <int kM>
inline void Int16Tile(const std::int16_t* x, const float* x_scales, const std::int16_t* packed,
                      const float* scales, std::int64_t pairs, float* y, std::int64_t y_stride) {
  __m256i low[kM], high[kM];
#pragma GCC unroll 6
  for (int r = 0; r < kM; ++r) low[r] = high[r] = _mm256_setzero_si256();
  for (std::int64_t pair = 0; pair < pairs; ++pair) {
    const auto* weights = reinterpret_cast<const __m256i*>(packed + pair * 2 * kInt16N);
    const __m256i a = _mm256_loadu_si256(weights);
    const __m256i b = _mm256_loadu_si256(weights + 1);
#pragma GCC unroll 6
    for (int r = 0; r < kM; ++r) {
      int bits;
      __builtin_memcpy(&bits, x + r * kInt16K + 2 * pair, 4);
      const __m256i both = _mm256_set1_epi32(bits);
      low[r] = _mm256_add_epi32(low[r], _mm256_madd_epi16(both, a));
      high[r] = _mm256_add_epi32(high[r], _mm256_madd_epi16(both, b));
      // Stops the compiler from reordering these, which would spill registers.
      asm volatile("" : "+x"(low[r]), "+x"(high[r]));
    }
  }
  const __m256 low_scales = _mm256_loadu_ps(scales);
  const __m256 high_scales = _mm256_loadu_ps(scales + kInt16Lanes);
#pragma GCC unroll 6
  for (int r = 0; r < kM; ++r) {
    const __m256 scale = _mm256_set1_ps(x_scales[r]);
    float* to = y + r * y_stride;
    const __m256 a = _mm256_mul_ps(_mm256_cvtepi32_ps(low[r]), _mm256_mul_ps(scale, low_scales));
    const __m256 b = _mm256_mul_ps(_mm256_cvtepi32_ps(high[r]), _mm256_mul_ps(scale, high_scales));
    _mm256_storeu_ps(to, _mm256_add_ps(_mm256_loadu_ps(to), a));
    _mm256_storeu_ps(to + kInt16Lanes, _mm256_add_ps(_mm256_loadu_ps(to + kInt16Lanes), b));
  }
}

void Int16Run(const std::int16_t* x, const float* x_scales, std::int64_t m, const std::int16_t* packed,
              const float* scales, std::int64_t pairs, float* y, std::int64_t y_stride) {
  std::int64_t r = 0;
  const auto tile = [&](auto multiply) {
    multiply(x + r * kInt16K, x_scales + r, packed, scales, pairs, y + r * y_stride, y_stride);
  };
  for (; r + 6 <= m; r += 6) tile(Int16Tile<6>);
  switch (m - r) {
    case 5:
      return tile(Int16Tile<5>);
    case 4:
      return tile(Int16Tile<4>);
    case 3:
      return tile(Int16Tile<3>);
    case 2:
      return tile(Int16Tile<2>);
    case 1:
      return tile(Int16Tile<1>);
    default:
      return;
  }
}

constexpr Int16Gemm kInt16 = {.quantize = Int16Quantize, .pack = Int16Pack, .run = Int16Run};
