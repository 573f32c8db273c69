// Integer products for 64-bit ARM with dot products.
#include "lib/kernels/integer_kernels.h"

#if defined(__ARM_FEATURE_DOTPROD)
#include <arm_neon.h>

namespace carat::internal {
namespace {

#define CARAT_INTEGER_DOT_PRODUCTS
#include "lib/kernels/neon_lanes.inc.h"

#include "lib/kernels/integer_kernels.inc.h"

}  // namespace

const IntegerKernels* NeonDotIntegerKernels() {
  return &kTable;
}

}  // namespace carat::internal

#else

namespace carat::internal {
const IntegerKernels* NeonDotIntegerKernels() {
  return nullptr;
}
}  // namespace carat::internal

#endif
