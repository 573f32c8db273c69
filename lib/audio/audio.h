// The public face of the audio room: sound in, soft tokens for the text decoder out, at once or while it is
// being recorded.
#ifndef CARAT_LIB_AUDIO_AUDIO_H_
#define CARAT_LIB_AUDIO_AUDIO_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "carat/status.h"
#include "lib/audio/audio_matmul.h"
#include "lib/audio/sound.h"
#include "lib/base/thread_pool.h"
#include "lib/kernels/kernels.h"
#include "lib/weights/audio_config.h"
#include "lib/weights/checkpoint.h"

namespace carat::internal {

// What the tower hears, [frames, bins]. Frames from `valid` on are padding and zero.
struct AudioFeatures {
  std::vector<float> mel;
  std::int64_t frames = 0;
  std::int64_t valid = 0;
};

// Soft tokens, [count, width]: rows that take the placeholders' place in the text decoder's input.
struct AudioTokens {
  std::vector<float> values;
  std::int64_t count = 0;
  std::int64_t width = 0;
};

struct AudioEncodeOptions {
  // Once true, the call returns CANCELLED within a layer's time.
  const std::atomic<bool>* cancel = nullptr;
  // If set, receives the tower's output before its projection, [count, output_size].
  std::vector<float>* tower = nullptr;
};

struct AudioOptions {
  MatMulPrecision precision = MatMulPrecision::kAuto;
};

class AudioStream;
struct AudioParts;

// The tower of one model with its weights. Immutable: any number of threads may call it, and take turns at
// the workers. The checkpoint, the kernels and the work must outlive it.
class AudioEncoder {
 public:
  // Reads the configuration and binds the weights. Errors: FAILED_PRECONDITION if the model has no audio
  // tower; those of ReadAudioConfig and BindAudioWeights.
  static Result<std::unique_ptr<const AudioEncoder>> Create(const Checkpoint& checkpoint,
                                                            const Kernels& kernels, const ParallelWork& work,
                                                            const AudioOptions& options = {});
  ~AudioEncoder();

  const AudioConfig& config() const;
  // Bytes held besides the mapped weights: copies of small weights, panels.
  std::size_t memory_bytes() const;

  // How many soft tokens that many frames (samples of one channel) at that rate become. Errors: those of
  // Encode.
  Result<std::int64_t> CountTokens(std::int64_t frames, const SoundFormat& format) const;

  // Errors: INVALID_ARGUMENT for sound that is empty, too short for a token, longer than the model hears at
  // once (30 s), of an odd format, or no numbers.
  Result<AudioFeatures> Features(const SoundView& sound) const;

  // Errors: the same; CANCELLED; RESOURCE_EXHAUSTED; INTERNAL.
  Result<AudioTokens> Encode(const SoundView& sound, const AudioEncodeOptions& options = {}) const;

  // A clip that is fed while it is recorded. It must not outlive the encoder. Errors: INVALID_ARGUMENT for an
  // odd format, RESOURCE_EXHAUSTED.
  Result<std::unique_ptr<AudioStream>> OpenStream(const SoundFormat& format) const;

  // From parts that were put together elsewhere.
  explicit AudioEncoder(std::unique_ptr<AudioParts> parts);

 private:
  std::unique_ptr<AudioParts> parts_;
};

// One clip as it arrives. Append computes what the new samples complete, so that little is left for Finish;
// the soft tokens are those of Encode for the whole clip, bit for bit. One thread at a time. After an error
// of the computation (CANCELLED too) the stream is of no more use and says so.
class AudioStream {
 public:
  ~AudioStream();

  // Samples in the stream's format, any number of frames. Errors: those of AudioEncoder::Encode; after
  // INVALID_ARGUMENT (bad samples, more than the model hears at once) nothing was appended.
  // FAILED_PRECONDITION after Finish.
  Status Append(std::span<const float> samples, const std::atomic<bool>* cancel = nullptr);
  Status Append(std::span<const std::int16_t> samples, const std::atomic<bool>* cancel = nullptr);

  // The clip ends here: what remains is computed. Errors: those of Encode.
  Status Finish(const std::atomic<bool>* cancel = nullptr);

  // The soft tokens that are finished, which no later sample changes; after Finish, all. They stay where
  // they are in the clip, so a host may use the first ones before the last ones are known. Valid until the
  // next call of Append or Finish.
  std::span<const float> soft_tokens() const;
  std::int64_t count() const;
  std::int64_t width() const;
  // Frames (samples of one channel) so far.
  std::int64_t frames() const;

 private:
  friend class AudioEncoder;
  struct State;
  explicit AudioStream(std::unique_ptr<State> state);
  Status AppendSound(const SoundView& sound, const std::atomic<bool>* cancel);

  std::unique_ptr<State> state_;
};

// A piece of a recording: frames first .. first+count-1.
struct SoundPiece {
  std::int64_t first = 0;
  std::int64_t count = 0;
};

// Cuts a long recording into pieces of at most `longest` frames, at the quietest places. Together they are
// the whole. Errors: INVALID_ARGUMENT for bad sound, and for a `longest` below a tenth of a second.
Result<std::vector<SoundPiece>> CutAtQuietPlaces(const SoundView& sound, std::int64_t longest);

}  // namespace carat::internal

#endif  // CARAT_LIB_AUDIO_AUDIO_H_
