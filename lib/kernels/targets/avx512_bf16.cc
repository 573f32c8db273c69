// AVX-512 with VNNI and BF16: dot products of bf16 pairs, also in attention over a bf16 cache.
// flags: -mavx512f -mavx512bw -mavx512dq -mavx512vl -mfma -mf16c -mavx512vnni -mavx512bf16
#include <immintrin.h>

#include "lib/kernels/targets/targets.h"

namespace carat::internal {
namespace {

#include "lib/kernels/simd/avx512.h"

#include "lib/kernels/simd/math.inc.h"

#include "lib/kernels/elementwise.inc.h"

#include "lib/kernels/attention_float.inc.h"

#include "lib/kernels/attention_int.inc.h"

#include "lib/kernels/gemm/bf16.inc.h"

}  // namespace

constexpr KvCodecs kAvx512Bf16KvCodecs = kKvCodecs;

constexpr Kernels kAvx512Bf16Kernels = {.set = InstructionSet::kAvx512Bf16,
                                        .elementwise = kAvx512Elementwise,
                                        .kv = kAvx512Bf16KvCodecs,
                                        .gemv = kAvx512Gemv,
                                        .int8 = kAvx512VnniInt8,
                                        .bf16 = &kBf16,
                                        .int16 = nullptr};

}  // namespace carat::internal
