#include "lib/runtime/towers.h"

#include "lib/audio/audio.h"
#include "lib/base/error.h"
#include "lib/runtime/precision.h"
#include "lib/vision/vision.h"

namespace carat::internal {
namespace {

std::size_t IndexOf(MatMulPrecision precision) {
  return precision == MatMulPrecision::kFloat32 ? 1 : 0;
}

}  // namespace

Towers::Towers(const Checkpoint& checkpoint, const Kernels& kernels, const ParallelWork& work)
    : checkpoint_(checkpoint), kernels_(kernels), work_(work) {}

Towers::~Towers() = default;

Result<std::shared_ptr<const VisionEncoder>> Towers::Vision(TowerPrecision precision) const {
  CARAT_ASSIGN_OR_RETURN(const MatMulPrecision internal, InternalPrecision(precision));
  const std::size_t index = IndexOf(internal);
  if (!checkpoint_.config().has_vision) return Unimplemented("this checkpoint has no vision tower");
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!vision_[index]) {
    VisionOptions options;
    options.precision = internal;
    CARAT_ASSIGN_OR_RETURN(vision_[index], VisionEncoder::Create(checkpoint_, kernels_, work_, options));
  }
  return vision_[index];
}

Result<std::shared_ptr<const AudioEncoder>> Towers::Audio(TowerPrecision precision) const {
  CARAT_ASSIGN_OR_RETURN(const MatMulPrecision internal, InternalPrecision(precision));
  const std::size_t index = IndexOf(internal);
  if (!checkpoint_.config().has_audio) return Unimplemented("this checkpoint has no audio tower");
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!audio_[index]) {
    AudioOptions options;
    options.precision = internal;
    CARAT_ASSIGN_OR_RETURN(audio_[index], AudioEncoder::Create(checkpoint_, kernels_, work_, options));
  }
  return audio_[index];
}

void Towers::Release() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  vision_ = {};
  audio_ = {};
}

}  // namespace carat::internal
