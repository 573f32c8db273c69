// The same kernels where there are dot products of integers and of bf16 pairs, which attention uses.
#include "lib/kernels/kernel_table.h"

#if defined(__AVX512BF16__)
#define CARAT_BF16_DOT_PRODUCTS
#include <immintrin.h>

namespace carat::internal {
namespace {

#include "lib/kernels/avx512_vec.inc.h"

#include "lib/kernels/simd_kernels.inc.h"

}  // namespace

const KernelTable* Avx512Bf16Table() {
  return &kTable;
}
const KernelTable* AmxTable() {
  static constexpr KernelTable kTableBesideTiles = kTable;
  return &kTableBesideTiles;
}

}  // namespace carat::internal

#else

namespace carat::internal {
const KernelTable* Avx512Bf16Table() {
  return nullptr;
}
const KernelTable* AmxTable() {
  return nullptr;
}
}  // namespace carat::internal

#endif
