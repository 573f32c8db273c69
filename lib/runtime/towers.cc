#include "lib/runtime/towers.h"

#include "lib/audio/audio.h"
#include "lib/base/error.h"
#include "lib/vision/vision.h"

namespace carat::internal {
namespace {

Result<std::size_t> IndexOf(TowerPrecision precision) {
  if (precision == TowerPrecision::kAuto) return std::size_t{0};
  if (precision == TowerPrecision::kFloat32) return std::size_t{1};
  return InvalidArgument("precision is %d, which is none of the enumeration", static_cast<int>(precision));
}

}  // namespace

Towers::Towers(const Checkpoint& checkpoint, const KernelTable& kernels, const ParallelWork& work)
    : checkpoint_(checkpoint), kernels_(kernels), work_(work) {}

Towers::~Towers() = default;

Result<std::shared_ptr<const VisionEncoder>> Towers::Vision(TowerPrecision precision) const {
  CARAT_ASSIGN_OR_RETURN(const std::size_t index, IndexOf(precision));
  if (!checkpoint_.config().has_vision) return Unimplemented("this checkpoint has no vision tower");
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!vision_[index]) {
    VisionOptions options;
    options.precision = index == 0 ? VisionPrecision::kAuto : VisionPrecision::kFloat32;
    CARAT_ASSIGN_OR_RETURN(vision_[index], VisionEncoder::Create(checkpoint_, kernels_, work_, options));
  }
  return vision_[index];
}

Result<std::shared_ptr<const AudioEncoder>> Towers::Audio(TowerPrecision precision) const {
  CARAT_ASSIGN_OR_RETURN(const std::size_t index, IndexOf(precision));
  if (!checkpoint_.config().has_audio) return Unimplemented("this checkpoint has no audio tower");
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!audio_[index]) {
    AudioOptions options;
    options.precision = index == 0 ? AudioPrecision::kFast : AudioPrecision::kFloat32;
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
