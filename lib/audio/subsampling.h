// Two convolutions of stride 2 over time and mel bins: four frames become one token.
#ifndef CARAT_LIB_AUDIO_SUBSAMPLING_H_
#define CARAT_LIB_AUDIO_SUBSAMPLING_H_

#include <cstdint>
#include <vector>

#include "carat/status.h"
#include "lib/audio/audio_matmul.h"
#include "lib/audio/audio_weights.h"
#include "lib/base/aligned_buffer.h"

namespace carat::internal {

// The valid frames of a clip, [count, bins]; every other frame is silence, which is zeros.
struct MelFrames {
  const float* data;
  std::int64_t count;
};

// Tokens that valid frames make: the last ones meet silence.
inline std::int64_t TokensOf(std::int64_t valid_frames) {
  return Halved(Halved(valid_frames));
}
// Tokens that no later frame changes.
inline std::int64_t FinishedTokensOf(std::int64_t valid_frames) {
  return valid_frames / 4;
}

class Subsampling {
 public:
  // Errors: RESOURCE_EXHAUSTED.
  static Result<Subsampling> Create(const AudioConfig& config, const SubsamplingWeights& weights,
                                    const MatMul& matmul);

  // output, [count, row_size()]: tokens first .. first+count-1 before their projection, bins first, channels
  // fastest. A token's result depends on its frames alone.
  void Run(const MelFrames& frames, std::int64_t first, std::int64_t count, float* output) const;

  std::int64_t row_size() const { return second_bins_ * second_channels_; }
  std::size_t memory_bytes() const { return scratch_.size() * sizeof(float); }

 private:
  void FirstRow(const MelFrames& frames, std::int64_t row, float* to) const;
  void SecondRow(const float* rows, float* part, float* to) const;
  void Normalise(float* x, const std::vector<float>& weight) const;

  const SubsamplingWeights* weights_ = nullptr;
  const MatMul* matmul_ = nullptr;
  float epsilon_ = 0;
  std::int64_t bins_ = 0;
  std::int64_t first_bins_ = 0;
  std::int64_t second_bins_ = 0;
  std::int64_t first_channels_ = 0;
  std::int64_t second_channels_ = 0;
  std::int64_t padded_row_ = 0;  // floats of a row between the convolutions, a zero bin at each end
  std::int64_t scratch_size_ = 0;
  AlignedBuffer<float> scratch_;  // for each worker the rows of a few tokens, and a product
};

}  // namespace carat::internal

#endif  // CARAT_LIB_AUDIO_SUBSAMPLING_H_
