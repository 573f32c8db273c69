// The kernels for 64-bit ARM, all of which has these vectors.
#include "lib/kernels/kernel_table.h"

#if defined(__aarch64__)
#include <arm_neon.h>

namespace carat::internal {
namespace {

#include "lib/kernels/neon_vec.inc.h"

#include "lib/kernels/simd_kernels.inc.h"

}  // namespace

const KernelTable* NeonKernels() {
  return &kTable;
}

}  // namespace carat::internal

#else

namespace carat::internal {
const KernelTable* NeonKernels() {
  return nullptr;
}
}  // namespace carat::internal

#endif
