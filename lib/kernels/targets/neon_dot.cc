// 64-bit ARM with integer dot products (ARMv8.2 dotprod).
// flags: -march=armv8.2-a+dotprod
#include <arm_neon.h>

#include "lib/kernels/targets/targets.h"

namespace carat::internal {
namespace {

#include "lib/kernels/simd/neon.h"

#include "lib/kernels/simd/math.inc.h"

#include "lib/kernels/gemm/int8.inc.h"

}  // namespace

constexpr Int8Gemm kNeonDotInt8 = kInt8;

constexpr Kernels kNeonDotKernels = {.set = InstructionSet::kNeonDot,
                                     .elementwise = kNeonElementwise,
                                     .kv = kNeonKvCodecs,
                                     .gemv = kNeonGemv,
                                     .int8 = kNeonDotInt8,
                                     .bf16 = nullptr,
                                     .int16 = nullptr};

}  // namespace carat::internal
