// The kernels for x86-64 with AVX2, FMA and F16C; compiled with those flags.
#include "lib/kernels/kernel_table.h"

#if defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)
#include <immintrin.h>

namespace carat::internal {
namespace {

struct Vec {
  static constexpr std::int64_t kWidth = 8;
  static constexpr bool kManyRegisters = false;  // 32 rather than 16
  __m256 v;

  static Vec Zero() { return {_mm256_setzero_ps()}; }
  static Vec Set(float x) { return {_mm256_set1_ps(x)}; }
  static Vec Load(const float* p) { return {_mm256_loadu_ps(p)}; }
  static Vec LoadUnaligned(const std::byte* p) {
    return {_mm256_castsi256_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)))};
  }
  static Vec LoadBf16(const std::byte* p) {
    const __m128i bits = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    return {_mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16))};
  }
  // The lower and the upper of two bf16 numbers in each word.
  static Vec LoadLow(const std::byte* p) {
    const __m256i words = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
    return {_mm256_castsi256_ps(_mm256_slli_epi32(words, 16))};
  }
  static Vec LoadHigh(const std::byte* p) {
    const __m256i words = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
    return {_mm256_castsi256_ps(_mm256_and_si256(words, _mm256_set1_epi32(static_cast<int>(0xffff0000u))))};
  }
  static Vec LoadF16(const std::byte* p) {
    return {_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)))};
  }
  static float OneF16(const std::byte* p) {
    std::uint16_t bits;
    __builtin_memcpy(&bits, p, 2);
    return _cvtsh_ss(bits);
  }
  static void Store(float* p, Vec a) { _mm256_storeu_ps(p, a.v); }
  // Round to nearest even; NaN stays NaN.
  static void StoreBf16(std::uint16_t* p, Vec a) {
    const __m256i bits = _mm256_castps_si256(a.v);
    const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    __m256i rounded =
        _mm256_srli_epi32(_mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff))), 16);
    const __m256i quiet = _mm256_or_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(0x40));
    const __m256i nan = _mm256_castps_si256(_mm256_cmp_ps(a.v, a.v, _CMP_UNORD_Q));
    rounded = _mm256_blendv_epi8(rounded, quiet, nan);
    const __m128i packed =
        _mm_packus_epi32(_mm256_castsi256_si128(rounded), _mm256_extracti128_si256(rounded, 1));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), packed);
  }
  static Vec Add(Vec a, Vec b) { return {_mm256_add_ps(a.v, b.v)}; }
  static Vec Subtract(Vec a, Vec b) { return {_mm256_sub_ps(a.v, b.v)}; }
  static Vec Multiply(Vec a, Vec b) { return {_mm256_mul_ps(a.v, b.v)}; }
  static Vec Divide(Vec a, Vec b) { return {_mm256_div_ps(a.v, b.v)}; }
  static Vec MultiplyAdd(Vec a, Vec b, Vec c) { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }
  static Vec Min(Vec a, Vec b) { return {_mm256_min_ps(a.v, b.v)}; }
  static Vec Max(Vec a, Vec b) { return {_mm256_max_ps(a.v, b.v)}; }
  static Vec Round(Vec a) { return {_mm256_round_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)}; }
  // 2^n for integral n within the exponents of normal numbers.
  static Vec PowerOfTwo(Vec n) {
    const __m256i exponent = _mm256_add_epi32(_mm256_cvtps_epi32(n.v), _mm256_set1_epi32(127));
    return {_mm256_castsi256_ps(_mm256_slli_epi32(exponent, 23))};
  }
  static float Sum(Vec a) {
    __m128 sum = _mm_add_ps(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1));
    sum = _mm_add_ps(sum, _mm_movehl_ps(sum, sum));
    return _mm_cvtss_f32(_mm_add_ss(sum, _mm_movehdup_ps(sum)));
  }

  // Adds the upper half of the lanes to the lower one, until one is left.
  static float SumByHalves(Vec a) { return Sum(a); }
  static float Largest(Vec a) {
    __m128 most = _mm_max_ps(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1));
    most = _mm_max_ps(most, _mm_movehl_ps(most, most));
    return _mm_cvtss_f32(_mm_max_ss(most, _mm_movehdup_ps(most)));
  }
  static Vec Magnitude(Vec a) { return {_mm256_andnot_ps(_mm256_set1_ps(-0.0f), a.v)}; }
  // Of a where the mask has ones, else of b.
  static Vec Select(const std::uint32_t* mask, Vec a, Vec b) {
    const __m256i bits = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(mask));
    return {_mm256_blendv_ps(b.v, a.v, _mm256_castsi256_ps(bits))};
  }
  // Rounded to nearest even.
  static void StoreInt16(std::int16_t* p, Vec a) {
    const __m256i words = _mm256_cvtps_epi32(a.v);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p),
                     _mm_packs_epi32(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1)));
  }

  // Pairs of integers, whose products are summed in as many lanes.
  using Pairs = __m256i;
  using Sums = __m256i;
  static constexpr int kSumVectors = 2;  // beside four queries
  static Sums ZeroSums() { return _mm256_setzero_si256(); }
  static Pairs LoadPairs(const std::int16_t* p) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  }
  static Pairs LoadPairs(const std::int8_t* p) {
    return _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  }
  static Pairs SetPairs(const std::int16_t* p) {
    std::int32_t word;
    __builtin_memcpy(&word, p, 4);
    return _mm256_set1_epi32(word);
  }
  static Sums AddProducts(Sums sum, Pairs a, Pairs b) {
    return _mm256_add_epi32(sum, _mm256_madd_epi16(a, b));
  }
  static Vec Total(Sums sum) { return {_mm256_cvtepi32_ps(sum)}; }
};

#include "lib/kernels/simd_kernels.inc.h"

}  // namespace

const KernelTable* Avx2Kernels() {
  return &kTable;
}

}  // namespace carat::internal

#else

namespace carat::internal {
const KernelTable* Avx2Kernels() {
  return nullptr;
}
}  // namespace carat::internal

#endif
