#include "lib/audio/sound.h"

#include <cmath>

#include "lib/base/error.h"

namespace carat::internal {
namespace {

// Recordings overshoot 1 now and then; nothing that was scaled to [-1, 1] comes near this.
constexpr float kLoudest = 100;

}  // namespace

Status CheckSoundFormat(const SoundFormat& format) {
  if (format.rate < kLowestRate || format.rate > kHighestRate) {
    return InvalidArgument("the sample rate is %d, but must lie in %d .. %d samples a second", format.rate,
                           kLowestRate, kHighestRate);
  }
  if (format.channels == 1 || format.channels == 2) return {};
  return InvalidArgument("the sound has %d channels, but must have 1 or 2", format.channels);
}

Status SoundView::Check() const {
  CARAT_RETURN_IF_ERROR(CheckSoundFormat(format_));
  if (count_ % static_cast<std::size_t>(format_.channels) != 0) {
    return InvalidArgument("the sound has %d samples, which do not divide among %d channels", count_,
                           format_.channels);
  }
  if (floats_ == nullptr) return {};
  for (std::size_t i = 0; i < count_; ++i) {
    if (std::abs(floats_[i]) <= kLoudest) continue;
    if (!std::isfinite(floats_[i]))
      return InvalidArgument("sample %d is %g, which is no number", i, floats_[i]);
    return InvalidArgument("sample %d is %g, but samples lie in [-1, 1]; 16-bit samples are passed as such",
                           i, floats_[i]);
  }
  return {};
}

void SoundView::ToMono(std::int64_t first, std::int64_t count, float* to) const {
  const auto at = static_cast<std::size_t>(first * format_.channels);
  const auto size = static_cast<std::size_t>(count);
  if (format_.channels == 1) {
    for (std::size_t i = 0; i < size; ++i) to[i] = Value(at + i);
    return;
  }
  for (std::size_t i = 0; i < size; ++i) to[i] = 0.5f * (Value(at + 2 * i) + Value(at + 2 * i + 1));
}

}  // namespace carat::internal
