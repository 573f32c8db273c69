#include <utility>

#include "lib/audio/audio_encoder.h"
#include "lib/base/error.h"

namespace carat::internal {

struct AudioStream::State {
  State(const MelConfig& mel_config, const SoundFormat& sound_format, ClipRun clip_run)
      : mel(mel_config), format(sound_format), run(std::move(clip_run)) {}

  // Keeps the first error of the computation: what a clip has computed up to there is of no use.
  Status Keep(Status status) {
    if (!status.ok()) broken = status;
    return status;
  }
  Status CheckOpen() const {
    if (!broken.ok()) {
      return FailedPrecondition("the audio stream stopped with an error before: %s", broken.message());
    }
    if (finished) return FailedPrecondition("the audio stream is finished");
    return {};
  }

  const MelConfig& mel;
  SoundFormat format;
  ClipRun run;
  std::int64_t given = 0;  // frames, those included that are dropped behind the model's limit
  Status broken;
  bool finished = false;
};

AudioStream::AudioStream(std::unique_ptr<State> state) : state_(std::move(state)) {}
AudioStream::~AudioStream() = default;

Result<std::unique_ptr<AudioStream>> AudioEncoder::OpenStream(const SoundFormat& format) const {
  CARAT_ASSIGN_OR_RETURN(ClipRun run, ClipRun::Create(*parts_, format, 0));
  auto state = std::make_unique<AudioStream::State>(parts_->config.mel, format, std::move(run));
  return std::unique_ptr<AudioStream>(new AudioStream(std::move(state)));
}

Status AudioStream::AppendSound(const SoundView& sound, const std::atomic<bool>* cancel) {
  CARAT_RETURN_IF_ERROR(state_->CheckOpen());
  CARAT_RETURN_IF_ERROR(sound.Check());
  const std::int64_t given = state_->given + sound.frames();
  CARAT_ASSIGN_OR_RETURN(const std::int64_t heard, CountHeard(state_->mel, given, state_->format.rate));
  state_->given = given;
  return state_->Keep(state_->run.Append(sound.First(heard - frames()), cancel, nullptr));
}

Status AudioStream::Append(std::span<const float> samples, const std::atomic<bool>* cancel) {
  return AppendSound(SoundView(samples, state_->format), cancel);
}

Status AudioStream::Append(std::span<const std::int16_t> samples, const std::atomic<bool>* cancel) {
  return AppendSound(SoundView(samples, state_->format), cancel);
}

Status AudioStream::Finish(const std::atomic<bool>* cancel) {
  CARAT_RETURN_IF_ERROR(state_->CheckOpen());
  CARAT_RETURN_IF_ERROR(CheckNotTooShort(state_->mel, frames(), state_->format.rate));
  state_->finished = true;
  return state_->Keep(state_->run.Finish(cancel, nullptr));
}

std::span<const float> AudioStream::soft_tokens() const {
  return {state_->run.soft_tokens().data(), static_cast<std::size_t>(count() * width())};
}

std::int64_t AudioStream::count() const {
  return state_->run.count();
}

std::int64_t AudioStream::width() const {
  return state_->run.width();
}

std::int64_t AudioStream::frames() const {
  return state_->run.front_end().frames();
}

}  // namespace carat::internal
