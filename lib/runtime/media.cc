#include "carat/media.h"

#include <algorithm>
#include <string>
#include <utility>

#include "lib/audio/audio.h"
#include "lib/base/checked.h"
#include "lib/base/error.h"
#include "lib/base/guard.h"
#include "lib/runtime/prompt_impl.h"
#include "lib/runtime/towers.h"
#include "lib/vision/vision.h"

namespace carat {

namespace internal {

class AudioStreamImpl {
 public:
  AudioStreamImpl(std::shared_ptr<const ModelImpl> model, std::shared_ptr<const AudioEncoder> encoder,
                  std::unique_ptr<AudioStream> stream, const SoundFormat& format,
                  const std::atomic<bool>* cancelled)
      : model_(std::move(model)),
        encoder_(std::move(encoder)),
        stream_(std::move(stream)),
        format_(format),
        cancelled_(cancelled) {}

  Status Feed(const AudioView& audio);
  Result<SoftTokens> Finish();
  double seconds() const {
    return static_cast<double>(stream_->frames()) / static_cast<double>(format_.rate);
  }

 private:
  std::shared_ptr<const ModelImpl> model_;
  std::shared_ptr<const AudioEncoder> encoder_;
  std::unique_ptr<AudioStream> stream_;
  SoundFormat format_;
  const std::atomic<bool>* cancelled_;
  bool finished_ = false;
};

namespace {

Status NoModel() {
  return FailedPrecondition("this model has been moved from");
}

Status CheckImage(const carat::ImageView& image) {
  if (image.pixels == nullptr) return InvalidArgument("the picture has no pixels: its pointer is null");
  if (image.width < 1 || image.height < 1) {
    return InvalidArgument("the picture is %d x %d pixels, but both must be at least 1", image.width,
                           image.height);
  }
  const std::int64_t least = std::int64_t{3} * image.width;
  if (image.stride < least) {
    return InvalidArgument("the picture's stride is %d bytes, but a row of %d pixels has %d", image.stride,
                           image.width, least);
  }
  return {};
}

ImageView Inside(const carat::ImageView& image) {
  return {.rgb = image.pixels, .width = image.width, .height = image.height, .stride_bytes = image.stride};
}

Status CheckAudio(const AudioView& audio) {
  if ((audio.samples == nullptr) == (audio.samples16 == nullptr)) {
    return InvalidArgument("exactly one of samples and samples16 must be set");
  }
  if (audio.channels < 1 || audio.channels > 2) {
    return InvalidArgument("the sound has %d channels, but must have 1 or 2", audio.channels);
  }
  if (audio.frames < 0 || !CheckedMultiply<std::int64_t>(audio.frames, audio.channels * std::int64_t{4})) {
    return InvalidArgument("the sound has %d frames, which is no length", audio.frames);
  }
  return {};
}

SoundView Inside(const AudioView& audio) {
  const auto count = static_cast<std::size_t>(audio.frames * audio.channels);
  const SoundFormat format{.rate = audio.sample_rate, .channels = audio.channels};
  if (audio.samples != nullptr) return {std::span(audio.samples, count), format};
  return {std::span(audio.samples16, count), format};
}

Result<SoftTokens> FromAudioTokens(const ModelImpl& model, std::span<const float> values,
                                   std::int64_t count) {
  CARAT_ASSIGN_OR_RETURN(auto rows, AlignedBuffer<float>::Allocate(values.size(), "soft tokens"));
  std::copy(values.begin(), values.end(), rows.data());
  return MakeSoftTokens(model, MediaKind::kAudio, std::move(rows), count, {}, {});
}

void Trace(const PreparedPicture& prepared, const EncodedPicture& encoded, ImageTrace& trace) {
  trace.patches.assign(prepared.pixels.span().begin(), prepared.pixels.span().end());
  trace.positions.clear();
  for (std::int64_t patch = 0; patch < prepared.patches(); ++patch) {
    trace.positions.push_back(prepared.position(patch).x);
    trace.positions.push_back(prepared.position(patch).y);
  }
  trace.tower.assign(encoded.pooled.span().begin(), encoded.pooled.span().end());
}

Result<SoftTokens> EncodeImageWith(const ModelImpl& model, const carat::ImageView& image,
                                   const ImageOptions& options) {
  CARAT_RETURN_IF_ERROR(CheckImage(image));
  CARAT_ASSIGN_OR_RETURN(const auto encoder, model.towers().Vision(options.precision));
  CARAT_ASSIGN_OR_RETURN(const PreparedPicture prepared, encoder->Prepare(Inside(image), options.budget));
  const bool traced = options.trace != nullptr;
  CARAT_ASSIGN_OR_RETURN(EncodedPicture encoded,
                         encoder->Encode(prepared, {.keep_pooled = traced, .cancelled = options.cancelled}));
  if (traced) Trace(prepared, encoded, *options.trace);
  return MakeSoftTokens(model, MediaKind::kImage, std::move(encoded.embeddings), encoded.soft_tokens, {}, {});
}

Result<SoftTokens> EncodeVideoWith(const ModelImpl& model, std::span<const carat::VideoFrame> frames,
                                   const ImageOptions& options) {
  if (frames.empty()) return InvalidArgument("the video has no frames");
  std::vector<VideoFrame> inside;
  std::vector<double> seconds;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    if (const Status status = CheckImage(frames[i].image); !status.ok()) {
      return InvalidArgument("frame %d: %s", i, status.message());
    }
    inside.push_back({.view = Inside(frames[i].image), .seconds = frames[i].seconds});
    seconds.push_back(frames[i].seconds);
  }
  CARAT_ASSIGN_OR_RETURN(const auto encoder, model.towers().Vision(options.precision));
  CARAT_ASSIGN_OR_RETURN(const auto encoded,
                         internal::EncodeVideo(*encoder, inside, options.budget, options.cancelled));
  std::vector<std::int64_t> counts;
  std::int64_t count = 0;
  for (const EncodedFrame& frame : encoded) {
    counts.push_back(frame.picture.soft_tokens);
    count += frame.picture.soft_tokens;
  }
  const std::int64_t hidden = model.config().text.hidden_size;
  CARAT_ASSIGN_OR_RETURN(
      auto rows, AlignedBuffer<float>::Allocate(static_cast<std::uint64_t>(count * hidden), "soft tokens"));
  float* to = rows.data();
  for (const EncodedFrame& frame : encoded) {
    to = std::copy_n(frame.picture.embeddings.data(), frame.picture.soft_tokens * hidden, to);
  }
  return MakeSoftTokens(model, MediaKind::kVideo, std::move(rows), count, std::move(counts),
                        std::move(seconds));
}

Result<SoftTokens> EncodeAudioWith(const ModelImpl& model, const AudioView& audio,
                                   const carat::AudioOptions& options) {
  CARAT_RETURN_IF_ERROR(CheckAudio(audio));
  CARAT_ASSIGN_OR_RETURN(const auto encoder, model.towers().Audio(options.precision));
  AudioEncodeOptions encode{.cancel = options.cancelled};
  if (options.trace != nullptr) {
    CARAT_ASSIGN_OR_RETURN(AudioFeatures features, encoder->Features(Inside(audio)));
    options.trace->mel = std::move(features.mel);
    options.trace->mel_frames = features.frames;
    options.trace->valid_frames = features.valid;
    encode.tower = &options.trace->tower;
  }
  CARAT_ASSIGN_OR_RETURN(const AudioTokens tokens, encoder->Encode(Inside(audio), encode));
  return FromAudioTokens(model, tokens.values, tokens.count);
}

}  // namespace

Status AudioStreamImpl::Feed(const AudioView& audio) {
  if (finished_) return FailedPrecondition("this stream has been finished");
  CARAT_RETURN_IF_ERROR(CheckAudio(audio));
  if (audio.channels != format_.channels || audio.sample_rate != format_.rate) {
    return InvalidArgument("the stream was started with %d channels at %d Hz, but is fed %d at %d",
                           format_.channels, format_.rate, audio.channels, audio.sample_rate);
  }
  const auto count = static_cast<std::size_t>(audio.frames * audio.channels);
  if (audio.samples != nullptr) return stream_->Append(std::span(audio.samples, count), cancelled_);
  return stream_->Append(std::span(audio.samples16, count), cancelled_);
}

Result<SoftTokens> AudioStreamImpl::Finish() {
  if (finished_) return FailedPrecondition("this stream has been finished");
  CARAT_RETURN_IF_ERROR(stream_->Finish(cancelled_));
  finished_ = true;
  return FromAudioTokens(*model_, stream_->soft_tokens(), stream_->count());
}

}  // namespace internal

using internal::Guard;

Result<SoftTokens> EncodeImage(const Model& model, const ImageView& image,
                               const ImageOptions& options) noexcept {
  return Guard([&]() -> Result<SoftTokens> {
    if (!model.impl()) return internal::NoModel();
    return internal::EncodeImageWith(*model.impl(), image, options);
  });
}

Result<SoftTokens> EncodeVideo(const Model& model, std::span<const VideoFrame> frames,
                               const ImageOptions& options) noexcept {
  return Guard([&]() -> Result<SoftTokens> {
    if (!model.impl()) return internal::NoModel();
    return internal::EncodeVideoWith(*model.impl(), frames, options);
  });
}

Result<SoftTokens> EncodeAudio(const Model& model, const AudioView& audio,
                               const AudioOptions& options) noexcept {
  return Guard([&]() -> Result<SoftTokens> {
    if (!model.impl()) return internal::NoModel();
    return internal::EncodeAudioWith(*model.impl(), audio, options);
  });
}

void ReleaseTowers(const Model& model) noexcept {
  if (model.impl()) model.impl()->towers().Release();
}

Result<std::vector<std::int64_t>> FindQuietCuts(const AudioView& audio, double max_seconds) noexcept {
  return Guard([&]() -> Result<std::vector<std::int64_t>> {
    CARAT_RETURN_IF_ERROR(internal::CheckAudio(audio));
    if (!(max_seconds > 0) || max_seconds > 1e6) {
      return internal::InvalidArgument("max_seconds is %g, but must lie in (0, 1000000]", max_seconds);
    }
    const auto longest = static_cast<std::int64_t>(max_seconds * audio.sample_rate);
    CARAT_ASSIGN_OR_RETURN(const auto pieces, internal::CutAtQuietPlaces(internal::Inside(audio), longest));
    std::vector<std::int64_t> cuts;
    for (const internal::SoundPiece& piece : pieces) cuts.push_back(piece.first);
    return cuts;
  });
}

AudioStream::AudioStream(std::unique_ptr<internal::AudioStreamImpl> impl) noexcept : impl_(std::move(impl)) {}
AudioStream::~AudioStream() = default;
AudioStream::AudioStream(AudioStream&&) noexcept = default;
AudioStream& AudioStream::operator=(AudioStream&&) noexcept = default;

Result<AudioStream> AudioStream::Start(const Model& model, std::int32_t channels, std::int32_t sample_rate,
                                       const AudioOptions& options) noexcept {
  return Guard([&]() -> Result<AudioStream> {
    if (!model.impl()) return internal::NoModel();
    CARAT_ASSIGN_OR_RETURN(auto encoder, model.impl()->towers().Audio(options.precision));
    const internal::SoundFormat format{.rate = sample_rate, .channels = channels};
    CARAT_ASSIGN_OR_RETURN(auto stream, encoder->OpenStream(format));
    return AudioStream(std::make_unique<internal::AudioStreamImpl>(
        model.impl(), std::move(encoder), std::move(stream), format, options.cancelled));
  });
}

namespace {

Status NoStream() {
  return internal::FailedPrecondition("this stream has been moved from");
}

}  // namespace

Status AudioStream::Feed(const AudioView& audio) noexcept {
  return Guard([&] { return impl_ ? impl_->Feed(audio) : NoStream(); });
}

double AudioStream::seconds() const noexcept {
  return impl_ ? impl_->seconds() : 0;
}

Result<SoftTokens> AudioStream::Finish() noexcept {
  return Guard([&]() -> Result<SoftTokens> {
    if (!impl_) return NoStream();
    return impl_->Finish();
  });
}

}  // namespace carat
