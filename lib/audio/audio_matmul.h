// How the encoder's products are computed.
#ifndef CARAT_LIB_AUDIO_AUDIO_MATMUL_H_
#define CARAT_LIB_AUDIO_AUDIO_MATMUL_H_

#include "carat/status.h"
#include "lib/audio/audio_weights.h"
#include "lib/kernels/matmul.h"

namespace carat::internal {

// A MatMul for `weights`. kAuto is bf16 where the processor multiplies that faster (2e-2 of a soft token's
// size), 16-bit integers where it has AVX2 alone (3e-4), else float32; small encoders keep to float32.
// Errors: RESOURCE_EXHAUSTED; UNIMPLEMENTED for a precision that these kernels or weights do not have.
Result<MatMul> CreateAudioMatMul(const Kernels& kernels, const ParallelWork& work,
                                 const AudioWeights& weights, MatMulPrecision precision);

}  // namespace carat::internal

#endif  // CARAT_LIB_AUDIO_AUDIO_MATMUL_H_
