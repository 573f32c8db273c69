// AVX-512 with VNNI, BF16 and AMX tiles of int8 and bf16.
// flags: -mavx512f -mavx512bw -mavx512dq -mavx512vl -mfma -mf16c -mavx512vnni -mavx512bf16 -mamx-tile
// -mamx-int8 -mamx-bf16
#include <immintrin.h>

#include "lib/kernels/simd/tile_config.h"
#include "lib/kernels/targets/targets.h"

namespace carat::internal {
namespace {

#include "lib/kernels/simd/avx512.h"

#include "lib/kernels/simd/amx.h"

#include "lib/kernels/simd/math.inc.h"

#include "lib/kernels/gemm/int8.inc.h"

#include "lib/kernels/gemm/bf16.inc.h"

#include "lib/kernels/gemm/bf16_amx.inc.h"

}  // namespace

constexpr Kernels kAvx512AmxKernels = {.set = InstructionSet::kAvx512Amx,
                                       .elementwise = kAvx512Elementwise,
                                       .kv = kAvx512Bf16KvCodecs,
                                       .gemv = kAvx512Gemv,
                                       .int8 = kInt8,
                                       .bf16 = &kBf16ByTiles,
                                       .int16 = nullptr};

}  // namespace carat::internal
