// The block kernels for x86-64 with AVX2 and FMA; compiled with those flags.
#include "lib/kernels/block_kernels.h"

#if defined(__AVX2__) && defined(__FMA__)
#include <immintrin.h>

namespace carat::internal {
namespace {

struct Vec {
  static constexpr std::int64_t kWidth = 8;
  __m256 v;

  static Vec Zero() { return {_mm256_setzero_ps()}; }
  static Vec Set(float x) { return {_mm256_set1_ps(x)}; }
  static Vec Load(const float* p) { return {_mm256_loadu_ps(p)}; }
  static void Store(float* p, Vec a) { _mm256_storeu_ps(p, a.v); }
  static Vec Add(Vec a, Vec b) { return {_mm256_add_ps(a.v, b.v)}; }
  static Vec Subtract(Vec a, Vec b) { return {_mm256_sub_ps(a.v, b.v)}; }
  static Vec Multiply(Vec a, Vec b) { return {_mm256_mul_ps(a.v, b.v)}; }
  static Vec MultiplyAdd(Vec a, Vec b, Vec c) { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }
  static Vec Min(Vec a, Vec b) { return {_mm256_min_ps(a.v, b.v)}; }
  static Vec Max(Vec a, Vec b) { return {_mm256_max_ps(a.v, b.v)}; }
  static Vec Round(Vec a) { return {_mm256_round_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)}; }
  // 2^n for integral n within the exponents of normal numbers.
  static Vec PowerOfTwo(Vec n) {
    const __m256i exponent = _mm256_add_epi32(_mm256_cvtps_epi32(n.v), _mm256_set1_epi32(127));
    return {_mm256_castsi256_ps(_mm256_slli_epi32(exponent, 23))};
  }
};

#include "lib/kernels/block_kernels.inc.h"

}  // namespace

const BlockKernels* Avx2BlockKernels() {
  return &kTable;
}

}  // namespace carat::internal

#else

namespace carat::internal {
const BlockKernels* Avx2BlockKernels() {
  return nullptr;
}
}  // namespace carat::internal

#endif
