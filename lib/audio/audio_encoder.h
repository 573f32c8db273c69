// What an AudioEncoder is made of, and one clip on its way: shared by encoding at once and by streams.
#ifndef CARAT_LIB_AUDIO_AUDIO_ENCODER_H_
#define CARAT_LIB_AUDIO_AUDIO_ENCODER_H_

#include <atomic>
#include <cstdint>
#include <utility>
#include <vector>

#include "carat/status.h"
#include "lib/audio/audio.h"
#include "lib/audio/audio_tower.h"
#include "lib/audio/sound_front_end.h"

namespace carat::internal {

// Tokens that go through the tower together while a clip is recorded. Larger blocks leave more to do when the
// speaker stops, smaller ones read the weights more often.
//
// Where a row's result depends on the shape of its product (the matrix library's), a whole clip is cut at the
// same places, so that its results have the same bits; there, blocks are larger, since the library is slow
// with few rows. Else it goes through the tower in one block.
inline constexpr std::int64_t kStreamBlock = 24;
inline constexpr std::int64_t kLibraryBlock = 96;

struct AudioParts {
  AudioParts(const AudioConfig& audio_config, const ParallelWork& parallel_work)
      : config(audio_config), work(parallel_work), extractor(audio_config.mel) {}

  AudioConfig config;
  const ParallelWork& work;
  MelExtractor extractor;
  AudioWeights weights;
  MatMul matmul;
  AudioTower tower;
};

class ClipRun {
 public:
  // For clips of `tokens` tokens, or 0 if that is not known yet.
  static Result<ClipRun> Create(const AudioParts& encoder, const SoundFormat& format, std::int64_t tokens);

  // `sound` was checked; `tower` as in AudioEncodeOptions.
  Status Append(const SoundView& sound, const std::atomic<bool>* cancel, std::vector<float>* tower);
  Status Finish(const std::atomic<bool>* cancel, std::vector<float>* tower);

  const SoundFrontEnd& front_end() const { return front_end_; }
  const std::vector<float>& soft_tokens() const { return soft_tokens_; }
  std::vector<float> TakeSoftTokens() { return std::move(soft_tokens_); }
  std::int64_t count() const { return clip_.tokens; }
  std::int64_t width() const { return encoder_->weights.embedding.rows; }

 private:
  ClipRun(const AudioParts& encoder, SoundFrontEnd front_end, AudioClip clip)
      : encoder_(&encoder), front_end_(std::move(front_end)), clip_(std::move(clip)) {}
  Status RunBlock(std::int64_t count, const std::atomic<bool>* cancel, std::vector<float>* tower);

  const AudioParts* encoder_;
  SoundFrontEnd front_end_;
  AudioClip clip_;
  std::vector<float> soft_tokens_;
};

}  // namespace carat::internal

#endif  // CARAT_LIB_AUDIO_AUDIO_ENCODER_H_
