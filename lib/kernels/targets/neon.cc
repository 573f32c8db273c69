// 64-bit ARM, every one.
// flags:
#include <arm_neon.h>

#include "lib/kernels/targets/targets.h"

namespace carat::internal {
namespace {

#include "lib/kernels/simd/neon.h"

#include "lib/kernels/simd/math.inc.h"

#include "lib/kernels/elementwise.inc.h"

#include "lib/kernels/attention_float.inc.h"

#include "lib/kernels/attention_int.inc.h"

#include "lib/kernels/gemm/f32.inc.h"

#include "lib/kernels/gemm/int8.inc.h"

}  // namespace

constexpr ElementwiseKernels kNeonElementwise = kElementwise;
constexpr KvCodecs kNeonKvCodecs = kKvCodecs;
constexpr GemvKernels kNeonGemv = kGemv;

constexpr Kernels kNeonKernels = {.set = InstructionSet::kNeon,
                                  .elementwise = kNeonElementwise,
                                  .kv = kNeonKvCodecs,
                                  .gemv = kNeonGemv,
                                  .int8 = kInt8,
                                  .bf16 = nullptr,
                                  .int16 = nullptr};

}  // namespace carat::internal
