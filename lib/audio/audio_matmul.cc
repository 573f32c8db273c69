#include "lib/audio/audio_matmul.h"

#include "lib/base/error.h"

namespace carat::internal {
namespace {

// Below this K, rounding and packing cost more than they save, and an encoder takes no time anyway.
constexpr std::int64_t kLeastFastK = 512;

}  // namespace

Result<MatMul> CreateAudioMatMul(const Kernels& kernels, const ParallelWork& work,
                                 const AudioWeights& weights, MatMulPrecision precision) {
  const bool bf16 = kernels.bf16 != nullptr && weights.FitBf16Products();
  const bool int16 = kernels.int16 != nullptr;
  if (precision == MatMulPrecision::kAuto) {
    precision = MatMulPrecision::kFloat32;
    if (weights.MinColumns() >= kLeastFastK) {
      if (bf16) {
        precision = MatMulPrecision::kBf16;
      } else if (int16) {
        precision = MatMulPrecision::kInt16;
      }
    }
  } else if ((precision == MatMulPrecision::kBf16 && !bf16) ||
             (precision == MatMulPrecision::kInt16 && !int16)) {
    return Unimplemented("the kernels or the audio weights do not have products of this precision");
  }
  return MatMul::Create(kernels, work,
                        {.precision = precision,
                         .rows_are_independent = precision != MatMulPrecision::kFloat32,
                         .max_k = weights.MaxColumns()});
}

}  // namespace carat::internal
