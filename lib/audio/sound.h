// Sound as a host gives it: samples of one of two formats, any rate, one or two channels.
#ifndef CARAT_LIB_AUDIO_SOUND_H_
#define CARAT_LIB_AUDIO_SOUND_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "carat/status.h"

namespace carat::internal {

// How often a second is sampled, and how many channels lie interleaved.
struct SoundFormat {
  std::int64_t rate = 16000;
  std::int64_t channels = 1;
};

// Rates that carat takes.
inline constexpr std::int64_t kLowestRate = 1000;
inline constexpr std::int64_t kHighestRate = 768000;

// Errors: INVALID_ARGUMENT naming the number and its bounds.
Status CheckSoundFormat(const SoundFormat& format);

// Interleaved samples, not owned: float32 in [-1, 1], or int16, of which 32768 is 1.
class SoundView {
 public:
  SoundView(std::span<const float> samples, SoundFormat format)
      : floats_(samples.data()), count_(samples.size()), format_(format) {}
  SoundView(std::span<const std::int16_t> samples, SoundFormat format)
      : shorts_(samples.data()), count_(samples.size()), format_(format) {}

  const SoundFormat& format() const { return format_; }
  // Samples of one channel.
  std::int64_t frames() const { return static_cast<std::int64_t>(count_) / format_.channels; }

  // The first frames of it.
  SoundView First(std::int64_t frames) const {
    SoundView first = *this;
    first.count_ = static_cast<std::size_t>(frames * format_.channels);
    return first;
  }

  // Errors: INVALID_ARGUMENT for a wrong format, a count that does not divide by the channels, and a sample
  // that is no number or far outside [-1, 1] (16-bit numbers as floats, most likely).
  Status Check() const;

  // Frames first .. first+count-1, channels averaged.
  void ToMono(std::int64_t first, std::int64_t count, float* to) const;

 private:
  float Value(std::size_t index) const {
    return floats_ != nullptr ? floats_[index] : static_cast<float>(shorts_[index]) / 32768.0f;
  }

  const float* floats_ = nullptr;
  const std::int16_t* shorts_ = nullptr;
  std::size_t count_ = 0;
  SoundFormat format_;
};

}  // namespace carat::internal

#endif  // CARAT_LIB_AUDIO_SOUND_H_
