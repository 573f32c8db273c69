#include "lib/kernels/bf16_kernels.h"

#if defined(__AVX512BF16__)

#include <immintrin.h>

namespace carat::internal {
namespace {

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

std::int64_t Vectors(std::int64_t outputs) {
  return (outputs + 15) / 16;
}

// Columns of up to 64 rows of w, stride values apart, as [pairs, 16 * vectors] words. What is beyond the rows
// and columns is zero.
void PackRows(const std::byte* w, std::int64_t stride, std::int64_t outputs, std::int64_t cols,
              std::byte* to) {
  const std::int64_t width = 16 * Vectors(outputs);
  for (std::int64_t first = 0; first < width; first += 16) {
    for (std::int64_t k = 0; k < cols; k += 32) {
      const __mmask32 mask = FirstBits(cols - k);
      __m512i rows[16];
      for (std::int64_t i = 0; i < 16; ++i) {
        rows[i] = first + i < outputs ? _mm512_maskz_loadu_epi16(mask, w + ((first + i) * stride + k) * 2)
                                      : _mm512_setzero_si512();
      }
      Transpose(rows);
      const std::int64_t pairs = (cols - k + 1) / 2 < 16 ? (cols - k + 1) / 2 : 16;
      for (std::int64_t i = 0; i < pairs; ++i)
        _mm512_storeu_si512(to + ((k / 2 + i) * width + first) * 4, rows[i]);
    }
  }
}

// The same of w that lies as [cols, outputs].
void PackColumns(const std::byte* w, std::int64_t stride, std::int64_t outputs, std::int64_t cols,
                 std::byte* to) {
  const std::int64_t width = 16 * Vectors(outputs);
  for (std::int64_t k = 0; k < cols; k += 2) {
    for (std::int64_t first = 0; first < width; first += 16) {
      const auto mask = static_cast<__mmask16>(FirstBits(outputs - first));
      const std::byte* at = w + (k * stride + first) * 2;
      const __m512i even = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(mask, at));
      __m512i odd = _mm512_setzero_si512();
      if (k + 1 < cols) odd = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(mask, at + stride * 2));
      _mm512_storeu_si512(to + (k / 2 * width + first) * 4,
                          _mm512_or_si512(even, _mm512_slli_epi32(odd, 16)));
    }
  }
}

template <int kVectors, int kRows>
inline void AddPair(__m512 (&sum)[kVectors][kRows], const std::uint16_t* x, std::int64_t x_stride,
                    std::size_t bytes, const std::byte* packed) {
  __m512i w[kVectors];
  for (int j = 0; j < kVectors; ++j) w[j] = _mm512_loadu_si512(packed + 64 * j);
  for (int r = 0; r < kRows; ++r) {
    std::int32_t pair = 0;
    __builtin_memcpy(&pair, x + r * x_stride, bytes);
    const __m512i activations = _mm512_set1_epi32(pair);
    for (int j = 0; j < kVectors; ++j)
      sum[j][r] = _mm512_dpbf16_ps(sum[j][r], (__m512bh)w[j], (__m512bh)activations);
  }
}

// What all calls of a product share.
struct Columns {
  std::int64_t x_stride;
  std::int64_t cols;
  __mmask16 last;  // outputs of the last vector
  std::int64_t y_stride;
  bool accumulate;
};

template <int kVectors, int kRows>
void AddColumns(const Columns& c, const std::uint16_t* x, const std::byte* packed, float* y) {
  const auto mask = [&](int j) { return j + 1 < kVectors ? static_cast<__mmask16>(0xffff) : c.last; };
  __m512 sum[kVectors][kRows];
  for (int j = 0; j < kVectors; ++j) {
    for (int r = 0; r < kRows; ++r) {
      sum[j][r] =
          c.accumulate ? _mm512_maskz_loadu_ps(mask(j), y + r * c.y_stride + 16 * j) : _mm512_setzero_ps();
    }
  }
  const std::int64_t pairs = c.cols / 2;
  for (std::int64_t p = 0; p < pairs; ++p)
    AddPair(sum, x + 2 * p, c.x_stride, 4, packed + p * (64 * kVectors));
  if (c.cols % 2 != 0) AddPair(sum, x + 2 * pairs, c.x_stride, 2, packed + pairs * (64 * kVectors));
  for (int j = 0; j < kVectors; ++j) {
    for (int r = 0; r < kRows; ++r) _mm512_mask_storeu_ps(y + r * c.y_stride + 16 * j, mask(j), sum[j][r]);
  }
}

// All rows with one panel. Rows go together as many at a time as there are registers for their sums.
template <int kVectors>
void AddPanel(const Columns& c, const std::uint16_t* x, std::int64_t rows, const std::byte* packed,
              float* y) {
  constexpr int kTogether = 24 / kVectors < 12 ? 24 / kVectors : 12;
  std::int64_t r = 0;
  const auto run = [&]<int kRows>() {
    for (; r + kRows <= rows; r += kRows)
      AddColumns<kVectors, kRows>(c, x + r * c.x_stride, packed, y + r * c.y_stride);
  };
  run.template operator()<kTogether>();
  run.template operator()<4>();
  run.template operator()<2>();
  run.template operator()<1>();
}

void AddOutputs(const Columns& c, const std::uint16_t* x, std::int64_t rows, const std::byte* packed,
                std::int64_t outputs, float* y) {
  switch (Vectors(outputs)) {
    case 1:
      return AddPanel<1>(c, x, rows, packed, y);
    case 2:
      return AddPanel<2>(c, x, rows, packed, y);
    case 3:
      return AddPanel<3>(c, x, rows, packed, y);
    default:
      return AddPanel<4>(c, x, rows, packed, y);
  }
}

__mmask16 LastOutputs(std::int64_t outputs) {
  return static_cast<__mmask16>(FirstBits(outputs - 16 * (Vectors(outputs) - 1)));
}

std::int64_t Least(std::int64_t a, std::int64_t b) {
  return a < b ? a : b;
}

void Product(const std::uint16_t* x, std::int64_t x_stride, std::int64_t rows, const std::byte* w,
             std::int64_t cols, std::int64_t outputs, float* y, std::int64_t y_stride, std::byte* scratch) {
  Columns c{x_stride, 0, LastOutputs(outputs), y_stride, false};
  for (std::int64_t k = 0; k < cols; k += kBf16Columns) {
    c.cols = Least(cols - k, kBf16Columns);
    PackRows(w + 2 * k, cols, outputs, c.cols, scratch);
    AddOutputs(c, x + k, rows, scratch, outputs, y);
    c.accumulate = true;
  }
}

void PackBlock(const std::byte* w, std::int64_t w_stride, std::int64_t outputs, std::int64_t cols,
               bool transposed, std::byte* packed) {
  for (std::int64_t n = 0; n < outputs; n += kBf16Outputs) {
    const std::int64_t count = Least(outputs - n, kBf16Outputs);
    if (transposed) {
      PackColumns(w + 2 * n, w_stride, count, cols, packed);
    } else {
      PackRows(w + 2 * n * w_stride, w_stride, count, cols, packed);
    }
    packed += Bf16PackedBytes(count, cols);
  }
}

void PackedProduct(const std::uint16_t* x, std::int64_t x_stride, std::int64_t rows, const std::byte* packed,
                   std::int64_t cols, std::int64_t outputs, float* y, std::int64_t y_stride,
                   bool accumulate) {
  for (std::int64_t n = 0; n < outputs; n += kBf16Outputs) {
    const std::int64_t count = Least(outputs - n, kBf16Outputs);
    Columns c{x_stride, 0, LastOutputs(count), y_stride, accumulate};
    for (std::int64_t k = 0; k < cols || k == 0; k += kBf16Columns) {
      c.cols = Least(cols - k, kBf16Columns);
      AddOutputs(c, x + k, rows, packed + k / 2 * Vectors(count) * 64, count, y + n);
      c.accumulate = true;
    }
    packed += Bf16PackedBytes(count, cols);
  }
}

constexpr Bf16Kernels kTable = {Product, PackBlock, PackedProduct};

}  // namespace

const Bf16Kernels* Avx512Bf16Kernels() {
  return &kTable;
}

}  // namespace carat::internal

#else

namespace carat::internal {
const Bf16Kernels* Avx512Bf16Kernels() {
  return nullptr;
}
}  // namespace carat::internal

#endif
