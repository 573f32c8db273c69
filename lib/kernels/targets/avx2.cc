// x86-64 with AVX2, FMA and F16C.
// flags: -mavx2 -mfma -mf16c
#include <immintrin.h>

#include "lib/kernels/targets/targets.h"

namespace carat::internal {
namespace {

#include "lib/kernels/simd/avx2.h"

#include "lib/kernels/simd/math.inc.h"

#include "lib/kernels/elementwise.inc.h"

#include "lib/kernels/attention_float.inc.h"

#include "lib/kernels/attention_int.inc.h"

#include "lib/kernels/gemm/f32.inc.h"

#include "lib/kernels/gemm/int8.inc.h"

#include "lib/kernels/gemm/int16.inc.h"

}  // namespace

constexpr ElementwiseKernels kAvx2Elementwise = kElementwise;
constexpr GemvKernels kAvx2Gemv = kGemv;
constexpr Int8Gemm kAvx2Int8 = kInt8;
constexpr Int16Gemm kAvx2Int16 = kInt16;

constexpr Kernels kAvx2Kernels = {.set = InstructionSet::kAvx2,
                                  .elementwise = kAvx2Elementwise,
                                  .kv = kKvCodecs,
                                  .gemv = kAvx2Gemv,
                                  .int8 = kAvx2Int8,
                                  .bf16 = nullptr,
                                  .int16 = &kAvx2Int16};

}  // namespace carat::internal
