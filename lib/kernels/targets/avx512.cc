// x86-64 with AVX-512 F, BW, DQ and VL.
// flags: -mavx512f -mavx512bw -mavx512dq -mavx512vl -mfma -mf16c
#include <immintrin.h>

#include "lib/kernels/targets/targets.h"

namespace carat::internal {
namespace {

#include "lib/kernels/simd/avx512.h"

#include "lib/kernels/simd/math.inc.h"

#include "lib/kernels/elementwise.inc.h"

#include "lib/kernels/attention_float.inc.h"

#include "lib/kernels/attention_int.inc.h"

#include "lib/kernels/gemm/f32.inc.h"

}  // namespace

constexpr ElementwiseKernels kAvx512Elementwise = kElementwise;
constexpr GemvKernels kAvx512Gemv = kGemv;

constexpr Kernels kAvx512Kernels = {.set = InstructionSet::kAvx512,
                                    .elementwise = kAvx512Elementwise,
                                    .kv = kKvCodecs,
                                    .gemv = kAvx512Gemv,
                                    .int8 = kAvx2Int8,
                                    .bf16 = nullptr,
                                    .int16 = nullptr};

}  // namespace carat::internal
