// Integer products for 64-bit ARM without dot products.
#include "lib/kernels/integer_kernels.h"

#if defined(__aarch64__)
#include <arm_neon.h>

namespace carat::internal {
namespace {

#include "lib/kernels/neon_lanes.inc.h"

#include "lib/kernels/integer_kernels.inc.h"

}  // namespace

const IntegerKernels* NeonIntegerKernels() {
  return &kTable;
}

}  // namespace carat::internal

#else

namespace carat::internal {
const IntegerKernels* NeonIntegerKernels() {
  return nullptr;
}
}  // namespace carat::internal

#endif
