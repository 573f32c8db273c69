#include "lib/audio/sound_front_end.h"

#include <algorithm>

#include "lib/base/error.h"

namespace carat::internal {
namespace {

// Frames that are mixed and resampled together.
constexpr std::int64_t kPiece = 16384;

double Seconds(std::int64_t frames, std::int64_t rate) {
  return static_cast<double>(frames) / static_cast<double>(rate);
}

}  // namespace

Status CheckNotTooShort(const MelConfig& config, std::int64_t frames, std::int64_t rate) {
  if (frames == 0) return InvalidArgument("the sound has no samples");
  const std::int64_t samples = Resampler::OutputCount(frames, rate, config.sample_rate);
  if (CountFrames(config, samples).valid > 0) return {};
  return InvalidArgument("the sound lasts %.4g s, but a token needs at least %.4g s", Seconds(frames, rate),
                         Seconds(config.frame_length + 1 - config.frame_length / 2, config.sample_rate));
}

Result<std::int64_t> CountHeard(const MelConfig& config, std::int64_t frames, std::int64_t rate) {
  // Without a product of frames, which are the host's and may be any number.
  const std::int64_t most =
      rate * (config.max_milliseconds / 1000) + rate * (config.max_milliseconds % 1000) / 1000;
  if (frames <= most + rate / 10) return std::min(frames, most);
  return InvalidArgument(
      "the sound lasts %.6g s (%d samples at %d a second), but the model hears at most %.6g s at once (%d "
      "samples): cut it into pieces",
      Seconds(frames, rate), frames, rate, static_cast<double>(config.max_milliseconds) / 1000, most);
}

Result<SoundFrontEnd> SoundFrontEnd::Create(const MelExtractor& extractor, const ParallelWork& work,
                                            const SoundFormat& format) {
  CARAT_RETURN_IF_ERROR(CheckSoundFormat(format));
  CARAT_ASSIGN_OR_RETURN(Resampler resampler, Resampler::Create(format.rate, extractor.config().sample_rate));
  return SoundFrontEnd(extractor, work, std::move(resampler));
}

Status SoundFrontEnd::Append(const SoundView& sound) {
  const std::int64_t count = sound.frames();
  for (std::int64_t first = 0; first < count; first += kPiece) {
    const std::int64_t size = std::min(kPiece, count - first);
    mono_.resize(static_cast<std::size_t>(size));
    sound.ToMono(first, size, mono_.data());
    resampled_.clear();
    CARAT_RETURN_IF_ERROR(resampler_.Append(mono_, resampled_));
    mel_.Append(resampled_);
  }
  frames_ += count;
  return {};
}

Status SoundFrontEnd::Finish() {
  resampled_.clear();
  CARAT_RETURN_IF_ERROR(resampler_.Finish(resampled_));
  mel_.Append(resampled_);
  return {};
}

}  // namespace carat::internal
