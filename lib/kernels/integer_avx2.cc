// Integer products with AVX2.
#include "lib/kernels/integer_kernels.h"

#if defined(__AVX2__)

#include <immintrin.h>

namespace carat::internal {
namespace {

struct Lanes {
  static constexpr int kLanes = 8;
  static constexpr int kPassVectors = 2;
  static constexpr int kTogether = 2;
  static constexpr bool kWideIsSigned = true;
  using Bytes = __m256i;
  using Ints = __m256i;
  using Floats = __m256;

  static Bytes Load(const std::byte* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }
  // Holds v in a register, where compilers would rather load it again for each use.
  static Bytes Keep(Bytes v) {
    asm("" : "+x"(v));
    return v;
  }
  static void StoreBytes(std::byte* p, Bytes v) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), v); }
  static Bytes And(Bytes v, int mask) {
    return _mm256_and_si256(v, _mm256_set1_epi8(static_cast<char>(mask)));
  }
  static Bytes Or(Bytes a, Bytes b) { return _mm256_or_si256(a, b); }
  template <int n>
  static Bytes Right(Bytes v) {
    return _mm256_srli_epi16(v, n);
  }
  template <int n>
  static Bytes Left(Bytes v) {
    return _mm256_slli_epi16(v, n);
  }
  static Bytes Nonlinear(Bytes indices) {
    const __m128i table = _mm_loadu_si128(reinterpret_cast<const __m128i*>(kNonlinearValues));
    return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(table), indices);
  }
  static Ints Zero() { return _mm256_setzero_si256(); }
  static Ints Broadcast(const void* four_bytes) {
    std::int32_t word;
    __builtin_memcpy(&word, four_bytes, 4);
    return _mm256_set1_epi32(word);
  }
  template <int n>
  static Ints ShiftLeft(Ints v) {
    return _mm256_slli_epi32(v, n);
  }
  // Weights up to 63: two products of at most 63 * 127 stay within 16 bits.
  static Ints Dot(Ints sum, Bytes weights, Ints activations) {
    const __m256i pairs = _mm256_maddubs_epi16(weights, activations);
    return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
  }
  // Weights up to 255, less 128: magnitudes up to 128 times at most 127, twice, stay within 16 bits.
  static Ints DotWide(Ints sum, Bytes weights, Ints activations) {
    const __m256i less = _mm256_xor_si256(weights, _mm256_set1_epi8(static_cast<char>(0x80)));
    const __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(less), _mm256_sign_epi8(activations, less));
    return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
  }
  static Floats ToFloats(Ints v) { return _mm256_cvtepi32_ps(v); }
  static Floats ZeroFloats() { return _mm256_setzero_ps(); }
  static Floats BroadcastFloat(const float* p) { return _mm256_set1_ps(*p); }
  static Floats LoadFloats(const float* p) { return _mm256_loadu_ps(p); }
  static Floats LoadHalves(const std::byte* p) {
    return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  }
  static Floats LoadInt8(const std::byte* p) {
    return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))));
  }
  static Floats Multiply(Floats a, Floats b) { return _mm256_mul_ps(a, b); }
  static Floats MultiplyAdd(Floats a, Floats b, Floats c) { return _mm256_fmadd_ps(a, b, c); }
  // The first `count` of 8.
  static void Store(float* p, Floats v, std::int64_t count) {
    if (count >= kLanes) return _mm256_storeu_ps(p, v);
    float all[kLanes];
    _mm256_storeu_ps(all, v);
    for (std::int64_t i = 0; i < count; ++i) p[i] = all[i];
  }

  static float LargestMagnitude(const float* x) {
    const __m256 sign = _mm256_set1_ps(-0.0f);
    __m256 largest = _mm256_setzero_ps();
    for (int i = 0; i < 32; i += 8)
      largest = _mm256_max_ps(largest, _mm256_andnot_ps(sign, _mm256_loadu_ps(x + i)));
    __m128 four = _mm_max_ps(_mm256_castps256_ps128(largest), _mm256_extractf128_ps(largest, 1));
    four = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(four, _mm_shuffle_ps(four, four, 1)));
  }
  static void QuantizeGroup(const float* x, float factor, std::int8_t* values, std::int32_t* sums) {
    for (int half = 0; half < 2; ++half) {
      __m256i integers[2];
      for (int i = 0; i < 2; ++i) {
        __m256 v = _mm256_mul_ps(_mm256_loadu_ps(x + 16 * half + 8 * i), _mm256_set1_ps(factor));
        v = _mm256_round_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
        // In this order what is not a number becomes a bound.
        v = _mm256_max_ps(_mm256_min_ps(v, _mm256_set1_ps(127.0f)), _mm256_set1_ps(-127.0f));
        integers[i] = _mm256_cvtps_epi32(v);
      }
      const __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(integers[0], integers[1]), 0xd8);
      const __m128i bytes =
          _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
      _mm_storeu_si128(reinterpret_cast<__m128i*>(values + 16 * half), bytes);
      const __m256i eight = _mm256_add_epi32(integers[0], integers[1]);
      __m128i four = _mm_add_epi32(_mm256_castsi256_si128(eight), _mm256_extracti128_si256(eight, 1));
      four = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4e));
      sums[half] = _mm_cvtsi128_si32(_mm_add_epi32(four, _mm_shuffle_epi32(four, 0xb1)));
    }
  }
};

#include "lib/kernels/integer_kernels.inc.h"

}  // namespace

const IntegerKernels* Avx2IntegerKernels() {
  return &kTable;
}

}  // namespace carat::internal

#else

namespace carat::internal {
const IntegerKernels* Avx2IntegerKernels() {
  return nullptr;
}
}  // namespace carat::internal

#endif
