// The kernels for x86-64 with AVX-512 F, BW, DQ and VL; compiled with those flags.
#include "lib/kernels/kernel_table.h"

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && defined(__AVX512VL__)
#include <immintrin.h>

namespace carat::internal {
namespace {

#include "lib/kernels/avx512_vec.inc.h"

#include "lib/kernels/simd_kernels.inc.h"

}  // namespace

const KernelTable* Avx512Kernels() {
  return &kTable;
}

}  // namespace carat::internal

#else

namespace carat::internal {
const KernelTable* Avx512Kernels() {
  return nullptr;
}
}  // namespace carat::internal

#endif
