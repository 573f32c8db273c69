#include <samplerate.h>

#include <algorithm>
#include <cmath>

#include "lib/base/error.h"
#include "lib/media/sound_decoders.h"

namespace carat::internal {
namespace {

constexpr std::int64_t kMostChannels = 64;
constexpr std::int64_t kHighestRate = 10'000'000;

// One sample of a frame of `from` channels as channel `channel` of `to`, 1 or 2.
float Mix(const float* frame, std::int64_t from, std::int64_t to, std::int64_t channel) {
  if (from == to) return frame[channel];
  if (from == 1) return frame[0];
  float sum = 0;
  for (std::int64_t c = 0; c < from; ++c) sum += frame[c];
  return sum / static_cast<float>(from);
}

}  // namespace

Status SoundBuilder::BeginPart(std::int64_t rate, std::int64_t channels) {
  if (rate < 1 || rate > kHighestRate || channels < 1 || channels > kMostChannels) {
    return DataLoss(
        "the file says %d channels at %d samples a second, but carat takes 1 to %d channels at 1 to %d",
        channels, rate, kMostChannels, kHighestRate);
  }
  CARAT_RETURN_IF_ERROR(EndPart());
  rate_ = rate;
  channels_ = channels;
  part_frames_ = 0;
  if (!sound_.samples.empty()) return {};
  sound_.sample_rate = static_cast<std::int32_t>(rate);
  sound_.channels = channels == 2 ? 2 : 1;
  return {};
}

Status SoundBuilder::CheckLimits(std::size_t frames) const {
  const auto channels = static_cast<std::size_t>(sound_.channels);
  const std::size_t samples = sound_.samples.size() + part_.size() + frames * channels;
  const double seconds = static_cast<double>(sound_.samples.size() / channels) / sound_.sample_rate +
                         static_cast<double>(part_.size() / channels + frames) / static_cast<double>(rate_);
  if (seconds > options_.max_seconds) {
    return ResourceExhausted("the sound is longer than the %g seconds of max_seconds", options_.max_seconds);
  }
  if (samples > static_cast<std::size_t>(options_.max_samples)) {
    return ResourceExhausted("the sound has more than the %d samples of max_samples", options_.max_samples);
  }
  return {};
}

Status SoundBuilder::Append(const float* interleaved, std::size_t frames) {
  CARAT_RETURN_IF_ERROR(CheckLimits(frames));
  std::vector<float>& target = converts() ? part_ : sound_.samples;
  const std::int64_t to = sound_.channels;
  std::size_t at = target.size();
  target.resize(at + frames * static_cast<std::size_t>(to));
  for (std::size_t i = 0; i < frames; ++i) {
    const float* frame = interleaved + i * static_cast<std::size_t>(channels_);
    for (std::int64_t c = 0; c < to; ++c) {
      const float value = Mix(frame, channels_, to, c);
      if (!std::isfinite(value)) return DataLoss("the file holds a sample that is no number");
      target[at++] = std::clamp(value, -1.0f, 1.0f);
    }
  }
  part_frames_ += static_cast<std::int64_t>(frames);
  return {};
}

void SoundBuilder::CutPart(std::int64_t frames) {
  if (frames >= part_frames_) return;
  std::vector<float>& target = converts() ? part_ : sound_.samples;
  const auto dropped = static_cast<std::size_t>((part_frames_ - frames) * sound_.channels);
  target.resize(target.size() - dropped);
  part_frames_ = frames;
}

// Converts a part of another rate to the first part's.
Status SoundBuilder::EndPart() {
  if (part_.empty()) return {};
  const double ratio = static_cast<double>(sound_.sample_rate) / static_cast<double>(rate_);
  if (src_is_valid_ratio(ratio) == 0) {
    return Unimplemented("the file changes from %d samples a second to %d: carat cannot convert these",
                         sound_.sample_rate, rate_);
  }
  const double frames = static_cast<double>(part_.size()) / sound_.channels;
  const auto room = static_cast<std::size_t>(frames * ratio) + 16;
  CARAT_RETURN_IF_ERROR(CheckLimits(0));
  if (sound_.samples.size() + room > static_cast<std::size_t>(options_.max_samples)) {
    return ResourceExhausted("the sound has more than the %d samples of max_samples", options_.max_samples);
  }
  std::vector<float> converted(room * static_cast<std::size_t>(sound_.channels));
  SRC_DATA data = {};
  data.data_in = part_.data();
  data.input_frames = static_cast<long>(frames);
  data.data_out = converted.data();
  data.output_frames = static_cast<long>(room);
  data.src_ratio = ratio;
  // With ratios and sizes that are right, memory is all that can be missing.
  if (src_simple(&data, SRC_SINC_MEDIUM_QUALITY, sound_.channels) != 0) return OutOfMemory();
  converted.resize(static_cast<std::size_t>(data.output_frames_gen * sound_.channels));
  for (float& sample : converted) sample = std::clamp(sample, -1.0f, 1.0f);
  sound_.samples.insert(sound_.samples.end(), converted.begin(), converted.end());
  part_ = {};
  return {};
}

Result<Sound> SoundBuilder::Finish() {
  CARAT_RETURN_IF_ERROR(EndPart());
  if (sound_.samples.empty()) return DataLoss("the file holds no sound");
  return std::move(sound_);
}

}  // namespace carat::internal
