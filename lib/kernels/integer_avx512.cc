// Integer products with AVX-512 and its vector neural network instructions.
#include "lib/kernels/integer_kernels.h"

#if defined(__AVX512VNNI__)

#include <immintrin.h>

namespace carat::internal {
namespace {

#include "lib/kernels/avx512_lanes.inc.h"

#include "lib/kernels/integer_kernels.inc.h"

}  // namespace

const IntegerKernels* Avx512VnniIntegerKernels() {
  return &kTable;
}

}  // namespace carat::internal

#else

namespace carat::internal {
const IntegerKernels* Avx512VnniIntegerKernels() {
  return nullptr;
}
}  // namespace carat::internal

#endif
