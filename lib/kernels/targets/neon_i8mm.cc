// 64-bit ARM with matrix products of int8 and bf16 (ARMv8.6 i8mm and bf16).
// flags: -march=armv8.2-a+dotprod+i8mm+bf16
#include <arm_neon.h>

#include "lib/kernels/targets/targets.h"

namespace carat::internal {
namespace {

#include "lib/kernels/simd/neon.h"

#include "lib/kernels/simd/neon_matrices.h"

#include "lib/kernels/simd/math.inc.h"

#include "lib/kernels/gemm/int8.inc.h"

#include "lib/kernels/gemm/bf16_bfmmla.inc.h"

}  // namespace

constexpr Kernels kNeonI8mmKernels = {.set = InstructionSet::kNeonI8mm,
                                      .elementwise = kNeonElementwise,
                                      .kv = kNeonKvCodecs,
                                      .gemv = kNeonGemv,
                                      .int8 = kInt8,
                                      .bf16 = &kBf16ByPairs,
                                      .int16 = nullptr};

}  // namespace carat::internal
