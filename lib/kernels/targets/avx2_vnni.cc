// x86-64 with AVX2 and AVX-VNNI: integer dot products in 256 bits.
// flags: -mavx2 -mfma -mf16c -mavxvnni
#include <immintrin.h>

#include "lib/kernels/targets/targets.h"

namespace carat::internal {
namespace {

#include "lib/kernels/simd/avx2.h"

#include "lib/kernels/simd/math.inc.h"

#include "lib/kernels/elementwise.inc.h"

#include "lib/kernels/attention_float.inc.h"

#include "lib/kernels/attention_int.inc.h"

#include "lib/kernels/gemm/int8.inc.h"

}  // namespace

constexpr Kernels kAvx2VnniKernels = {.set = InstructionSet::kAvx2Vnni,
                                      .elementwise = kAvx2Elementwise,
                                      .kv = kKvCodecs,
                                      .gemv = kAvx2Gemv,
                                      .int8 = kInt8,
                                      .bf16 = nullptr,
                                      .int16 = &kAvx2Int16};

}  // namespace carat::internal
