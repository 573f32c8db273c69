// The audio tower: valid mel frames in, soft tokens out, one block of tokens after the other.
#ifndef CARAT_LIB_AUDIO_AUDIO_TOWER_H_
#define CARAT_LIB_AUDIO_AUDIO_TOWER_H_

#include <atomic>
#include <cstdint>

#include "carat/status.h"
#include "lib/audio/audio_clip.h"
#include "lib/audio/audio_matmul.h"
#include "lib/audio/audio_weights.h"
#include "lib/audio/subsampling.h"

namespace carat::internal {

// Where a block's results go.
struct AudioBlockOutput {
  float* soft_tokens;  // [count, text hidden]
  float* tower;        // [count, output_size], or null
};

class AudioTower {
 public:
  // All three must outlive the tower. Errors: RESOURCE_EXHAUSTED.
  static Result<AudioTower> Create(const AudioConfig& config, const AudioWeights& weights,
                                   const MatMul& matmul);

  // The clip's next `count` tokens, at most clip.block. They depend on the frames of these and earlier tokens
  // and not on later ones. If `cancel` turns true the clip is of no more use. Errors: CANCELLED, INTERNAL,
  // RESOURCE_EXHAUSTED.
  Status Run(const MelFrames& frames, std::int64_t count, AudioClip& clip, const AudioBlockOutput& output,
             const std::atomic<bool>* cancel) const;

  std::size_t memory_bytes() const { return subsampling_.memory_bytes(); }

 private:
  const AudioConfig* config_ = nullptr;
  const AudioWeights* weights_ = nullptr;
  const MatMul* matmul_ = nullptr;
  Subsampling subsampling_;
};

}  // namespace carat::internal

#endif  // CARAT_LIB_AUDIO_AUDIO_TOWER_H_
