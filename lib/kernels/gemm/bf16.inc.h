// bf16 products with AVX-512's dot products of pairs: sums in float32, in the order of columns.
//
// Packed weights are panels of 64 rows (the last one of as many as are left, to a multiple of 16), within a
// panel [pairs of columns, rows], two columns of a row in a word. bf16_amx.inc.h takes the same layout.

// Words [16 rows] x [16 pairs of columns] change places.
void Transpose(__m512i* r) {
  __m512i t[16];
  for (int i = 0; i < 8; ++i) {
    t[2 * i] = _mm512_unpacklo_epi32(r[2 * i], r[2 * i + 1]);
    t[2 * i + 1] = _mm512_unpackhi_epi32(r[2 * i], r[2 * i + 1]);
  }
  for (int i = 0; i < 4; ++i) {
    r[4 * i] = _mm512_unpacklo_epi64(t[4 * i], t[4 * i + 2]);
    r[4 * i + 1] = _mm512_unpackhi_epi64(t[4 * i], t[4 * i + 2]);
    r[4 * i + 2] = _mm512_unpacklo_epi64(t[4 * i + 1], t[4 * i + 3]);
    r[4 * i + 3] = _mm512_unpackhi_epi64(t[4 * i + 1], t[4 * i + 3]);
  }
  for (int i = 0; i < 4; ++i) {
    t[i] = _mm512_shuffle_i32x4(r[i], r[4 + i], 0x88);
    t[4 + i] = _mm512_shuffle_i32x4(r[i], r[4 + i], 0xdd);
    t[8 + i] = _mm512_shuffle_i32x4(r[8 + i], r[12 + i], 0x88);
    t[12 + i] = _mm512_shuffle_i32x4(r[8 + i], r[12 + i], 0xdd);
  }
  for (int i = 0; i < 8; ++i) {
    r[i] = _mm512_shuffle_i32x4(t[i], t[8 + i], 0x88);
    r[8 + i] = _mm512_shuffle_i32x4(t[i], t[8 + i], 0xdd);
  }
}

// Bits 0 .. count-1, at most 32 of them.
__mmask32 FirstBits(std::int64_t count) {
  return count >= 32 ? ~__mmask32{0} : (__mmask32{1} << (count > 0 ? count : 0)) - 1;
}

std::int64_t Vectors(std::int64_t n) {
  return (n + 15) / 16;
}

// Up to 64 rows of w, stride values apart, as [pairs of columns, 16 * vectors] words. What is beyond the rows
// and columns is zero.
void PackRows(const std::byte* w, std::int64_t stride, std::int64_t n, std::int64_t k, std::byte* to) {
  const std::int64_t width = 16 * Vectors(n);
  for (std::int64_t first = 0; first < width; first += 16) {
    for (std::int64_t at = 0; at < k; at += 32) {
      const __mmask32 mask = FirstBits(k - at);
      __m512i rows[16];
      for (std::int64_t i = 0; i < 16; ++i) {
        rows[i] = first + i < n ? _mm512_maskz_loadu_epi16(mask, w + ((first + i) * stride + at) * 2)
                                : _mm512_setzero_si512();
      }
      Transpose(rows);
      const std::int64_t pairs = (k - at + 1) / 2 < 16 ? (k - at + 1) / 2 : 16;
      for (std::int64_t i = 0; i < pairs; ++i)
        _mm512_storeu_si512(to + ((at / 2 + i) * width + first) * 4, rows[i]);
    }
  }
}

// The same of w that lies as [k, n].
void PackColumns(const std::byte* w, std::int64_t stride, std::int64_t n, std::int64_t k, std::byte* to) {
  const std::int64_t width = 16 * Vectors(n);
  for (std::int64_t row = 0; row < k; row += 2) {
    for (std::int64_t first = 0; first < width; first += 16) {
      const auto mask = static_cast<__mmask16>(FirstBits(n - first));
      const std::byte* at = w + (row * stride + first) * 2;
      const __m512i even = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(mask, at));
      __m512i odd = _mm512_setzero_si512();
      if (row + 1 < k) odd = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(mask, at + stride * 2));
      _mm512_storeu_si512(to + (row / 2 * width + first) * 4,
                          _mm512_or_si512(even, _mm512_slli_epi32(odd, 16)));
    }
  }
}

template <int kVectors, int kM>
inline void AddPair(__m512 (&sum)[kVectors][kM], const std::uint16_t* x, std::int64_t x_stride,
                    std::size_t bytes, const std::byte* packed) {
  __m512i w[kVectors];
  for (int j = 0; j < kVectors; ++j) w[j] = _mm512_loadu_si512(packed + 64 * j);
  for (int r = 0; r < kM; ++r) {
    std::int32_t pair = 0;
    __builtin_memcpy(&pair, x + r * x_stride, bytes);
    const __m512i activations = _mm512_set1_epi32(pair);
    for (int j = 0; j < kVectors; ++j)
      sum[j][r] = _mm512_dpbf16_ps(sum[j][r], (__m512bh)w[j], (__m512bh)activations);
  }
}

// What all calls of one product share.
struct PairProduct {
  std::int64_t x_stride;
  std::int64_t k;
  __mmask16 last;  // lanes of the last vector
  std::int64_t y_stride;
  bool accumulate;
};

template <int kVectors, int kM>
void AddRows(const PairProduct& c, const std::uint16_t* x, const std::byte* packed, float* y) {
  const auto mask = [&](int j) { return j + 1 < kVectors ? static_cast<__mmask16>(0xffff) : c.last; };
  __m512 sum[kVectors][kM];
  for (int j = 0; j < kVectors; ++j) {
    for (int r = 0; r < kM; ++r) {
      sum[j][r] =
          c.accumulate ? _mm512_maskz_loadu_ps(mask(j), y + r * c.y_stride + 16 * j) : _mm512_setzero_ps();
    }
  }
  const std::int64_t pairs = c.k / 2;
  for (std::int64_t p = 0; p < pairs; ++p)
    AddPair(sum, x + 2 * p, c.x_stride, 4, packed + p * (64 * kVectors));
  if (c.k % 2 != 0) AddPair(sum, x + 2 * pairs, c.x_stride, 2, packed + pairs * (64 * kVectors));
  for (int j = 0; j < kVectors; ++j) {
    for (int r = 0; r < kM; ++r) _mm512_mask_storeu_ps(y + r * c.y_stride + 16 * j, mask(j), sum[j][r]);
  }
}

// All rows with one panel. Rows go together as many at a time as there are registers for their sums.
template <int kVectors>
void AddPanel(const PairProduct& c, const std::uint16_t* x, std::int64_t m, const std::byte* packed,
              float* y) {
  constexpr int kMr = 24 / kVectors < 12 ? 24 / kVectors : 12;
  std::int64_t r = 0;
  const auto run = [&]<int kM>() {
    for (; r + kM <= m; r += kM) AddRows<kVectors, kM>(c, x + r * c.x_stride, packed, y + r * c.y_stride);
  };
  run.template operator()<kMr>();
  run.template operator()<4>();
  run.template operator()<2>();
  run.template operator()<1>();
}

void AddAnyWidth(const PairProduct& c, const std::uint16_t* x, std::int64_t m, const std::byte* packed,
                 std::int64_t n, float* y) {
  switch (Vectors(n)) {
    case 1:
      return AddPanel<1>(c, x, m, packed, y);
    case 2:
      return AddPanel<2>(c, x, m, packed, y);
    case 3:
      return AddPanel<3>(c, x, m, packed, y);
    default:
      return AddPanel<4>(c, x, m, packed, y);
  }
}

__mmask16 LastLanes(std::int64_t n) {
  return static_cast<__mmask16>(FirstBits(n - 16 * (Vectors(n) - 1)));
}

std::int64_t AtMost(std::int64_t a, std::int64_t b) {
  return a < b ? a : b;
}

void Bf16Pack(const GemmShape& s, const void* w, void* packed) {
  const auto* from = static_cast<const std::byte*>(w);
  auto* to = static_cast<std::byte*>(packed);
  for (std::int64_t n = 0; n < s.n; n += kBf16N) {
    const std::int64_t count = AtMost(s.n - n, kBf16N);
    if (s.w_transposed) {
      PackColumns(from + 2 * n, s.w_stride, count, s.k, to);
    } else {
      PackRows(from + 2 * n * s.w_stride, s.w_stride, count, s.k, to);
    }
    to += Bf16PackedBytes(count, s.k);
  }
}

// K-block: large enough to amortise loading and storing accumulators, small enough for the packed weights to
// stay in the second-level cache.
constexpr std::int64_t kBf16K = 2048;

StatusCode Bf16Run(const GemmShape& s, const void* x, const void* w, float* y, void*) {
  const auto* rows = static_cast<const std::uint16_t*>(x);
  const auto* packed = static_cast<const std::byte*>(w);
  for (std::int64_t n = 0; n < s.n; n += kBf16N) {
    const std::int64_t count = AtMost(s.n - n, kBf16N);
    PairProduct c{s.x_stride, 0, LastLanes(count), s.y_stride, s.accumulate};
    for (std::int64_t k = 0; k < s.k || k == 0; k += kBf16K) {
      c.k = AtMost(s.k - k, kBf16K);
      AddAnyWidth(c, rows + k, s.m, packed + k / 2 * Vectors(count) * 64, count, y + n);
      c.accumulate = true;
    }
    packed += Bf16PackedBytes(count, s.k);
  }
  return StatusCode{};
}

std::size_t NoScratch(std::int64_t, std::int64_t) {
  return 0;
}

constexpr GemmKernels kBf16 = {.format = NumberFormat::kBF16,
                               .mr = 768,
                               .nr = kBf16N,
                               .kc = kBf16K,
                               .gathers = false,
                               .packed_bytes = Bf16PackedBytes,
                               .scratch_bytes = NoScratch,
                               .pack = Bf16Pack,
                               .run = Bf16Run};
