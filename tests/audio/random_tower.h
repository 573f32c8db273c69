// Audio towers of any size with random weights, for tests and benchmarks that need no checkpoint.
#ifndef CARAT_TESTS_AUDIO_RANDOM_TOWER_H_
#define CARAT_TESTS_AUDIO_RANDOM_TOWER_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "lib/audio/audio_encoder.h"
#include "lib/base/cpu.h"

namespace carat::internal {

// Random bf16 matrices and what else a tower has. The weights point into it.
class RandomAudioWeights {
 public:
  explicit RandomAudioWeights(const AudioConfig& config, std::int64_t text_hidden = 1536);

  const AudioWeights& weights() const { return weights_; }
  // Multiplications and additions of all products, for one token.
  double operations() const { return 2 * static_cast<double>(values_); }

 private:
  MatrixView Matrix(std::int64_t rows, std::int64_t cols);
  ClippedLinear Linear(std::int64_t rows, std::int64_t cols);
  std::vector<float> Vector(std::int64_t size, float around);
  AudioFeedForwardWeights FeedForward();
  AudioLayerWeights Layer();
  float Next();

  AudioConfig config_;
  AudioWeights weights_;
  std::vector<std::vector<std::uint16_t>> storage_;
  std::int64_t values_ = 0;
  std::uint64_t state_ = 1;
};

// The sizes of the released towers: 12 layers of 1024.
AudioConfig FullSizeAudio();

// An encoder for such weights, which must outlive it.
class RandomTower {
 public:
  RandomTower(const AudioConfig& config, const RandomAudioWeights& weights, int threads,
              MatMulPrecision precision, InstructionSet set = InstructionSet::kAuto);

  const AudioParts& parts() const { return *parts_; }
  const AudioEncoder* operator->() const { return encoder_.get(); }

 private:
  std::unique_ptr<ParallelWork> work_;
  AudioParts* parts_ = nullptr;  // the encoder's
  std::unique_ptr<const AudioEncoder> encoder_;
};

}  // namespace carat::internal

#endif  // CARAT_TESTS_AUDIO_RANDOM_TOWER_H_
