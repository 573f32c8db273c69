// AVX-512 with VNNI: integer dot products.
// flags: -mavx512f -mavx512bw -mavx512dq -mavx512vl -mfma -mf16c -mavx512vnni
#include <immintrin.h>

#include "lib/kernels/targets/targets.h"

namespace carat::internal {
namespace {

#include "lib/kernels/simd/avx512.h"

#include "lib/kernels/simd/math.inc.h"

#include "lib/kernels/elementwise.inc.h"

#include "lib/kernels/attention_float.inc.h"

#include "lib/kernels/attention_int.inc.h"

#include "lib/kernels/gemm/int8.inc.h"

}  // namespace

constexpr Int8Gemm kAvx512VnniInt8 = kInt8;

constexpr Kernels kAvx512VnniKernels = {.set = InstructionSet::kAvx512Vnni,
                                        .elementwise = kAvx512Elementwise,
                                        .kv = kKvCodecs,
                                        .gemv = kAvx512Gemv,
                                        .int8 = kAvx512VnniInt8,
                                        .bf16 = nullptr,
                                        .int16 = nullptr};

}  // namespace carat::internal
