// The block kernels for 64-bit ARM.
#include "lib/kernels/block_kernels.h"

#if defined(__aarch64__)
#include <arm_neon.h>

namespace carat::internal {
namespace {

#include "lib/kernels/neon_vec.inc.h"

#include "lib/kernels/block_kernels.inc.h"

}  // namespace

const BlockKernels* NeonBlockKernels() {
  return &kTable;
}

}  // namespace carat::internal

#else

namespace carat::internal {
const BlockKernels* NeonBlockKernels() {
  return nullptr;
}
}  // namespace carat::internal

#endif
