#include "lib/audio/audio_encoder.h"

#include <algorithm>

#include "lib/base/error.h"
#include "lib/weights/tower_config.h"

namespace carat::internal {

namespace {

std::int64_t BlockFor(const MatMul& matmul, std::int64_t tokens) {
  if (!matmul.rows_are_independent()) return kLibraryBlock;
  return tokens > 0 ? tokens : kStreamBlock;
}

}  // namespace

Result<ClipRun> ClipRun::Create(const AudioParts& encoder, const SoundFormat& format, std::int64_t tokens) {
  CARAT_ASSIGN_OR_RETURN(SoundFrontEnd front_end,
                         SoundFrontEnd::Create(encoder.extractor, encoder.work, format));
  CARAT_ASSIGN_OR_RETURN(AudioClip clip,
                         AudioClip::Create(encoder.config, encoder.matmul, BlockFor(encoder.matmul, tokens)));
  return ClipRun(encoder, std::move(front_end), std::move(clip));
}

Status ClipRun::RunBlock(std::int64_t count, const std::atomic<bool>* cancel, std::vector<float>* tower) {
  const MelStream& mel = front_end_.mel();
  const auto done = static_cast<std::size_t>(clip_.tokens);
  const auto more = done + static_cast<std::size_t>(count);
  const auto soft_width = static_cast<std::size_t>(width());
  const auto tower_width = static_cast<std::size_t>(encoder_->config.output_size);
  soft_tokens_.resize(more * soft_width);
  if (tower != nullptr) tower->resize(more * tower_width);
  const AudioBlockOutput output{soft_tokens_.data() + done * soft_width,
                                tower != nullptr ? tower->data() + done * tower_width : nullptr};
  return encoder_->tower.Run({mel.frames().data(), mel.frame_count()}, count, clip_, output, cancel);
}

Status ClipRun::Append(const SoundView& sound, const std::atomic<bool>* cancel, std::vector<float>* tower) {
  CARAT_RETURN_IF_ERROR(front_end_.Append(sound));
  while (FinishedTokensOf(front_end_.mel().frame_count()) >= clip_.tokens + clip_.block) {
    CARAT_RETURN_IF_ERROR(RunBlock(clip_.block, cancel, tower));
  }
  return {};
}

Status ClipRun::Finish(const std::atomic<bool>* cancel, std::vector<float>* tower) {
  CARAT_RETURN_IF_ERROR(front_end_.Finish());
  for (const std::int64_t all = TokensOf(front_end_.mel().frame_count()); clip_.tokens < all;) {
    CARAT_RETURN_IF_ERROR(RunBlock(std::min(clip_.block, all - clip_.tokens), cancel, tower));
  }
  return {};
}

AudioEncoder::AudioEncoder(std::unique_ptr<AudioParts> parts) : parts_(std::move(parts)) {}
AudioEncoder::~AudioEncoder() = default;

Result<std::unique_ptr<const AudioEncoder>> AudioEncoder::Create(const Checkpoint& checkpoint,
                                                                 const Kernels& kernels,
                                                                 const ParallelWork& work,
                                                                 const AudioOptions& options) {
  CARAT_ASSIGN_OR_RETURN(const auto config, ReadAudioConfig(checkpoint));
  if (!config) {
    return FailedPrecondition("%s: this model has no audio tower (config.json has no audio_config)",
                              checkpoint.folder());
  }
  auto parts = std::make_unique<AudioParts>(*config, work);
  CARAT_ASSIGN_OR_RETURN(parts->weights, BindAudioWeights(checkpoint, parts->config, kernels));
  CARAT_ASSIGN_OR_RETURN(parts->matmul, CreateAudioMatMul(kernels, work, parts->weights, options.precision));
  CARAT_ASSIGN_OR_RETURN(parts->tower, AudioTower::Create(parts->config, parts->weights, parts->matmul));
  return std::unique_ptr<const AudioEncoder>(new AudioEncoder(std::move(parts)));
}

const AudioConfig& AudioEncoder::config() const {
  return parts_->config;
}

std::size_t AudioEncoder::memory_bytes() const {
  return parts_->weights.copied_bytes() + parts_->matmul.memory_bytes() + parts_->tower.memory_bytes();
}

Result<std::int64_t> AudioEncoder::CountTokens(std::int64_t frames, const SoundFormat& format) const {
  const MelConfig& mel = parts_->config.mel;
  CARAT_RETURN_IF_ERROR(CheckSoundFormat(format));
  CARAT_ASSIGN_OR_RETURN(const std::int64_t heard, CountHeard(mel, frames, format.rate));
  CARAT_RETURN_IF_ERROR(CheckNotTooShort(mel, heard, format.rate));
  return TokensOf(CountFrames(mel, Resampler::OutputCount(heard, format.rate, mel.sample_rate)).valid);
}

Result<AudioFeatures> AudioEncoder::Features(const SoundView& given) const {
  const MelConfig& mel = parts_->config.mel;
  CARAT_RETURN_IF_ERROR(given.Check());
  CARAT_RETURN_IF_ERROR(CountTokens(given.frames(), given.format()).status());
  CARAT_ASSIGN_OR_RETURN(const std::int64_t heard, CountHeard(mel, given.frames(), given.format().rate));
  const SoundView sound = given.First(heard);
  CARAT_ASSIGN_OR_RETURN(SoundFrontEnd front_end,
                         SoundFrontEnd::Create(parts_->extractor, parts_->work, sound.format()));
  CARAT_RETURN_IF_ERROR(front_end.Append(sound));
  CARAT_RETURN_IF_ERROR(front_end.Finish());
  AudioFeatures features;
  features.mel = front_end.mel().frames();
  features.valid = front_end.mel().frame_count();
  features.frames = CountFrames(mel, front_end.mel().sample_count()).all;
  features.mel.resize(static_cast<std::size_t>(features.frames * mel.bins));
  return features;
}

Result<AudioTokens> AudioEncoder::Encode(const SoundView& given, const AudioEncodeOptions& options) const {
  CARAT_RETURN_IF_ERROR(given.Check());
  CARAT_ASSIGN_OR_RETURN(const std::int64_t tokens, CountTokens(given.frames(), given.format()));
  CARAT_ASSIGN_OR_RETURN(const std::int64_t heard,
                         CountHeard(parts_->config.mel, given.frames(), given.format().rate));
  const SoundView sound = given.First(heard);
  CARAT_ASSIGN_OR_RETURN(ClipRun run, ClipRun::Create(*parts_, sound.format(), tokens));
  CARAT_RETURN_IF_ERROR(run.Append(sound, options.cancel, options.tower));
  CARAT_RETURN_IF_ERROR(run.Finish(options.cancel, options.tower));
  const std::int64_t count = run.count();
  const std::int64_t width = run.width();
  return AudioTokens{run.TakeSoftTokens(), count, width};
}

}  // namespace carat::internal
