// carat/media.h: pictures, video and sound to soft tokens.
//
//   carat::ImageView image{pixels, width, height, 3 * width};          // RGB, 8 bits, rows from the top
//   carat::Result<carat::SoftTokens> picture = carat::EncodeImage(model, image, {.budget = 560});
//   carat::AudioView clip{.samples = samples, .frames = n, .channels = 1, .sample_rate = 16000};
//   carat::Result<carat::SoftTokens> speech = carat::EncodeAudio(model, clip);
//
// The towers' weights are bound when the first picture or clip comes: a host that uses text alone never
// touches them. Files (PNG, JPEG, WebP, GIF, BMP; WAV, FLAC, OGG, MP3) are read by the optional library
// carat_media (carat/media_files.h).
//
// Threads: any. Since 0.1.
#ifndef CARAT_MEDIA_H_
#define CARAT_MEDIA_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "carat/export.h"
#include "carat/model.h"
#include "carat/prompt.h"
#include "carat/status.h"

namespace carat {

namespace internal {
class AudioStreamImpl;
}

// A picture in memory: RGB, 8 bits each, `stride` bytes from row to row (at least 3 * width). Borrowed. Since
// 0.1.
struct ImageView {
  const std::uint8_t* pixels = nullptr;
  std::int32_t width = 0;
  std::int32_t height = 0;
  std::int64_t stride = 0;
};

// The arithmetic of the towers. Since 0.1.
enum class TowerPrecision : std::int32_t {
  kAuto = 0,     // what is fastest on this machine within a rounding of bfloat16's size
  kFloat32 = 1,  // float32 always: the closest to the reference
};

// What happened inside, for those who hold a build to a reference. Since 0.1.
struct ImageTrace {
  std::vector<std::uint8_t> patches;    // [patches, 16 * 16 * 3]: the resized picture, patch by patch
  std::vector<std::int32_t> positions;  // [patches, 2]: column and row of each patch
  std::vector<float> tower;             // [soft tokens, width of the tower]: its output before the projection
};
struct AudioTrace {
  std::vector<float> mel;  // [mel_frames, mel bins]
  std::int64_t mel_frames = 0;
  std::int64_t valid_frames = 0;  // the first so many hear sound, the others padding
  std::vector<float> tower;       // [soft tokens, width of the tower]: its output before the projection
};

// Since 0.1.
struct ImageOptions {
  // The most soft tokens for a picture (or for each frame of a video): 70, 140, 280, 560 or 1120. 0 is the
  // checkpoint's own default: for pictures usually 280, for frames 70. More tokens see finer detail and take
  // more time.
  std::int32_t budget = 0;
  TowerPrecision precision = TowerPrecision::kAuto;
  // If set, and another thread makes it true, the call returns CANCELLED soon. Borrowed.
  const std::atomic<bool>* cancelled = nullptr;
  // If set, receives the inside of EncodeImage (EncodeVideo leaves it alone). Borrowed.
  ImageTrace* trace = nullptr;
};

// Since 0.1.
struct AudioOptions {
  TowerPrecision precision = TowerPrecision::kAuto;
  // If set, and another thread makes it true, the call returns CANCELLED soon. Borrowed.
  const std::atomic<bool>* cancelled = nullptr;
  // If set, receives the inside of EncodeAudio (AudioStream leaves it alone). Borrowed.
  AudioTrace* trace = nullptr;
};

// A frame of a video and when it is shown. Since 0.1.
struct VideoFrame {
  ImageView image;
  double seconds = 0;
};

// Sound in memory: `frames` samples for each of 1 or 2 channels, interleaved; either float samples in [-1, 1]
// or 16-bit ones (the other pointer null). Any sample rate. Borrowed. Since 0.1.
struct AudioView {
  const float* samples = nullptr;
  const std::int16_t* samples16 = nullptr;
  std::int64_t frames = 0;
  std::int32_t channels = 1;
  std::int32_t sample_rate = 16000;
};

// Errors of all: INVALID_ARGUMENT for a view or an option that makes no sense, UNIMPLEMENTED if the
// checkpoint has no such tower, those of Model::Load for its tensors, RESOURCE_EXHAUSTED, CANCELLED.
CARAT_EXPORT Result<SoftTokens> EncodeImage(const Model& model, const ImageView& image,
                                            const ImageOptions& options = {}) noexcept;
CARAT_EXPORT Result<SoftTokens> EncodeVideo(const Model& model, std::span<const VideoFrame> frames,
                                            const ImageOptions& options = {}) noexcept;
// At most 30 seconds. Up to 0.1 s more is dropped, since decoders of lossy files add some silence; beyond
// that it is INVALID_ARGUMENT.
CARAT_EXPORT Result<SoftTokens> EncodeAudio(const Model& model, const AudioView& audio,
                                            const AudioOptions& options = {}) noexcept;

// Lets the towers' memory go: what was copied or mapped of their weights. The next picture or clip gets it
// back; calls that are running are not disturbed. Since 0.1.
CARAT_EXPORT void ReleaseTowers(const Model& model) noexcept;

// Where to cut a long recording so that each piece is at most `max_seconds` long: the quietest places.
// Returns the frame at which each piece begins, the first being 0. Of more than one piece each is at least
// 0.5 s long, or half of max_seconds. Since 0.1.
CARAT_EXPORT Result<std::vector<std::int64_t>> FindQuietCuts(const AudioView& audio,
                                                             double max_seconds = 30) noexcept;

// A clip that is encoded while it is being recorded: when the speaker stops, little is left to do. The result
// equals that of EncodeAudio for the whole clip. Threads: one at a time. Since 0.1.
class CARAT_EXPORT AudioStream {
 public:
  static Result<AudioStream> Start(const Model& model, std::int32_t channels = 1,
                                   std::int32_t sample_rate = 16000,
                                   const AudioOptions& options = {}) noexcept;
  ~AudioStream();
  AudioStream(AudioStream&&) noexcept;
  AudioStream& operator=(AudioStream&&) noexcept;

  // Takes the next samples; channels and rate must be those of Start. Errors: INVALID_ARGUMENT, also beyond
  // 30 seconds and the 0.1 s that is dropped.
  Status Feed(const AudioView& audio) noexcept;
  // Seconds fed so far.
  double seconds() const noexcept;
  // The clip's soft tokens. The stream is then at its end. Errors: FAILED_PRECONDITION the second time.
  Result<SoftTokens> Finish() noexcept;

 private:
  explicit AudioStream(std::unique_ptr<internal::AudioStreamImpl> impl) noexcept;
  std::unique_ptr<internal::AudioStreamImpl> impl_;
};

}  // namespace carat

#endif  // CARAT_MEDIA_H_
