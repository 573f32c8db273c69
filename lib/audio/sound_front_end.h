// From samples of any format to mel frames, piece by piece.
#ifndef CARAT_LIB_AUDIO_SOUND_FRONT_END_H_
#define CARAT_LIB_AUDIO_SOUND_FRONT_END_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "carat/status.h"
#include "lib/audio/mel.h"
#include "lib/audio/resampler.h"
#include "lib/audio/sound.h"

namespace carat::internal {

// Whether that many frames are enough to make a token. Errors: INVALID_ARGUMENT with both durations.
Status CheckNotTooShort(const MelConfig& config, std::int64_t frames, std::int64_t rate);
// How many of a clip's first frames are heard: all, or what the model hears at once if there is at most 0.1 s
// more, which is what decoders of lossy files add. Errors: INVALID_ARGUMENT with both durations.
Result<std::int64_t> CountHeard(const MelConfig& config, std::int64_t frames, std::int64_t rate);

class SoundFrontEnd {
 public:
  // Errors: INVALID_ARGUMENT for an odd format, RESOURCE_EXHAUSTED.
  static Result<SoundFrontEnd> Create(const MelExtractor& extractor, const ParallelWork& work,
                                      const SoundFormat& format);

  // `sound` was checked and has this format.
  Status Append(const SoundView& sound);
  Status Finish();

  const MelStream& mel() const { return mel_; }
  std::int64_t frames() const { return frames_; }  // of the sound that came

 private:
  SoundFrontEnd(const MelExtractor& extractor, const ParallelWork& work, Resampler resampler)
      : mel_(extractor, work), resampler_(std::move(resampler)) {}

  MelStream mel_;
  Resampler resampler_;
  std::int64_t frames_ = 0;
  std::vector<float> mono_, resampled_;
};

}  // namespace carat::internal

#endif  // CARAT_LIB_AUDIO_SOUND_FRONT_END_H_
