#include "lib/kernels/bf16_kernels.h"

#if defined(__AVX512BF16__)

#include <immintrin.h>

namespace carat::internal {
namespace {

constexpr int kVectors = static_cast<int>(kBf16Outputs) / 16;
constexpr int kTogether = 6;

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

// `pairs` pairs of columns of up to 64 rows, as [pairs, 64] words. What is beyond the rows is zero.
void Pack(const std::byte* w, std::int64_t row_bytes, std::int64_t outputs, std::int64_t pairs,
          std::byte* to) {
  for (std::int64_t first = 0; first < kBf16Outputs; first += 16) {
    for (std::int64_t p = 0; p < pairs; p += 16) {
      const std::int64_t left = pairs - p;
      const auto mask = static_cast<__mmask16>(left >= 16 ? 0xffff : (1 << left) - 1);
      __m512i rows[16];
      for (std::int64_t i = 0; i < 16; ++i) {
        rows[i] = first + i < outputs ? _mm512_maskz_loadu_epi32(mask, w + (first + i) * row_bytes + 4 * p)
                                      : _mm512_setzero_si512();
      }
      Transpose(rows);
      const std::int64_t count = left < 16 ? left : 16;
      for (std::int64_t i = 0; i < count; ++i)
        _mm512_store_si512(to + ((p + i) * kBf16Outputs + first) * 4, rows[i]);
    }
  }
}

template <int kRows>
void AddColumns(const std::uint16_t* x, std::int64_t x_stride, const std::byte* packed, std::int64_t pairs,
                float* results) {
  __m512 sum[kVectors][kRows];
  for (int j = 0; j < kVectors; ++j) {
    for (int r = 0; r < kRows; ++r) sum[j][r] = _mm512_loadu_ps(results + r * kBf16Outputs + 16 * j);
  }
  for (std::int64_t p = 0; p < pairs; ++p) {
    __m512i w[kVectors];
    for (int j = 0; j < kVectors; ++j) w[j] = _mm512_load_si512(packed + (p * kBf16Outputs + 16 * j) * 4);
    for (int r = 0; r < kRows; ++r) {
      std::int32_t pair;
      __builtin_memcpy(&pair, x + r * x_stride + 2 * p, 4);
      const __m512i activations = _mm512_set1_epi32(pair);
      for (int j = 0; j < kVectors; ++j)
        sum[j][r] = _mm512_dpbf16_ps(sum[j][r], (__m512bh)w[j], (__m512bh)activations);
    }
  }
  for (int j = 0; j < kVectors; ++j) {
    for (int r = 0; r < kRows; ++r) _mm512_storeu_ps(results + r * kBf16Outputs + 16 * j, sum[j][r]);
  }
}

void Product(const std::uint16_t* x, std::int64_t x_stride, std::int64_t rows, const std::byte* w,
             std::int64_t cols, std::int64_t outputs, float* y, std::int64_t y_stride, std::byte* scratch) {
  std::byte* packed = scratch;
  auto* results = reinterpret_cast<float*>(scratch + kBf16Columns * kBf16Outputs * 2);
  __builtin_memset(results, 0, static_cast<std::size_t>(rows * kBf16Outputs) * sizeof(float));
  for (std::int64_t k = 0; k < cols; k += kBf16Columns) {
    const std::int64_t pairs = (cols - k < kBf16Columns ? cols - k : kBf16Columns) / 2;
    Pack(w + 2 * k, 2 * cols, outputs, pairs, packed);
    std::int64_t r = 0;
    for (; r + kTogether <= rows; r += kTogether)
      AddColumns<kTogether>(x + r * x_stride + k, x_stride, packed, pairs, results + r * kBf16Outputs);
    for (; r < rows; ++r)
      AddColumns<1>(x + r * x_stride + k, x_stride, packed, pairs, results + r * kBf16Outputs);
  }
  for (std::int64_t r = 0; r < rows; ++r)
    __builtin_memcpy(y + r * y_stride, results + r * kBf16Outputs,
                     static_cast<std::size_t>(outputs) * sizeof(float));
}

constexpr Bf16Kernels kTable = {Product};

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
