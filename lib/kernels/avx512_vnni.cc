// The same kernels where there are dot products of integers, which attention uses.
#include "lib/kernels/kernel_table.h"

#if defined(__AVX512VNNI__)
#include <immintrin.h>

namespace carat::internal {
namespace {

#include "lib/kernels/avx512_vec.inc.h"

#include "lib/kernels/simd_kernels.inc.h"

}  // namespace

const KernelTable* Avx512VnniTable() {
  return &kTable;
}

}  // namespace carat::internal

#else

namespace carat::internal {
const KernelTable* Avx512VnniTable() {
  return nullptr;
}
}  // namespace carat::internal

#endif
