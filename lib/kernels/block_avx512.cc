// The block kernels for x86-64 with AVX-512 F; compiled with that flag.
#include "lib/kernels/block_kernels.h"

#if defined(__AVX512F__)
#include <immintrin.h>

namespace carat::internal {
namespace {

struct Vec {
  static constexpr std::int64_t kWidth = 16;
  __m512 v;

  static Vec Zero() { return {_mm512_setzero_ps()}; }
  static Vec Set(float x) { return {_mm512_set1_ps(x)}; }
  static Vec Load(const float* p) { return {_mm512_loadu_ps(p)}; }
  static void Store(float* p, Vec a) { _mm512_storeu_ps(p, a.v); }
  static Vec Add(Vec a, Vec b) { return {_mm512_add_ps(a.v, b.v)}; }
  static Vec Subtract(Vec a, Vec b) { return {_mm512_sub_ps(a.v, b.v)}; }
  static Vec Multiply(Vec a, Vec b) { return {_mm512_mul_ps(a.v, b.v)}; }
  static Vec MultiplyAdd(Vec a, Vec b, Vec c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
  static Vec Min(Vec a, Vec b) { return {_mm512_min_ps(a.v, b.v)}; }
  static Vec Max(Vec a, Vec b) { return {_mm512_max_ps(a.v, b.v)}; }
  static Vec Round(Vec a) {
    return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
  }
  // 2^n for integral n within the exponents of normal numbers.
  static Vec PowerOfTwo(Vec n) {
    const __m512i exponent = _mm512_add_epi32(_mm512_cvtps_epi32(n.v), _mm512_set1_epi32(127));
    return {_mm512_castsi512_ps(_mm512_slli_epi32(exponent, 23))};
  }
};

#include "lib/kernels/block_kernels.inc.h"

}  // namespace

const BlockKernels* Avx512BlockKernels() {
  return &kTable;
}

}  // namespace carat::internal

#else

namespace carat::internal {
const BlockKernels* Avx512BlockKernels() {
  return nullptr;
}
}  // namespace carat::internal

#endif
