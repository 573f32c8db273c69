// Log-mel features: what the tower hears instead of samples.
#ifndef CARAT_LIB_AUDIO_MEL_H_
#define CARAT_LIB_AUDIO_MEL_H_

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "carat/status.h"
#include "lib/base/thread_pool.h"
#include "lib/weights/audio_config.h"

namespace carat::internal {

// The window and the filters, and the arithmetic of one frame. Immutable.
class MelExtractor {
 public:
  // What one worker needs: the transform's tables and its buffers.
  class Scratch;
  struct FreeScratch {
    void operator()(Scratch* scratch) const;
  };
  using ScratchPointer = std::unique_ptr<Scratch, FreeScratch>;

  explicit MelExtractor(const MelConfig& config);

  ScratchPointer MakeScratch() const;

  // The features, [bins], of one frame of frame_length samples.
  void Extract(Scratch& scratch, const float* samples, float* mel) const;

  const MelConfig& config() const { return config_; }

 private:
  // A triangle over neighbouring frequencies: weights_[begin .. end) from `first` on.
  struct Filter {
    std::int64_t first;
    std::size_t begin;
    std::size_t end;
  };
  void MakeFilters();

  MelConfig config_;
  std::vector<float> window_;
  std::vector<Filter> filters_;
  std::vector<double> weights_;
};

// The frames of one clip, as its samples arrive. A frame is finished when the last of its frame_length + 1
// samples is there. Later frames, which padding would complete, are silence to the tower.
class MelStream {
 public:
  MelStream(const MelExtractor& extractor, const ParallelWork& work);

  // Samples at the configuration's rate.
  void Append(std::span<const float> samples);

  // The finished frames so far, [frame_count(), bins].
  const std::vector<float>& frames() const { return frames_; }
  std::int64_t frame_count() const { return frame_count_; }
  std::int64_t sample_count() const { return sample_count_; }

 private:
  const MelExtractor& extractor_;
  const ParallelWork& work_;
  std::vector<MelExtractor::ScratchPointer> scratch_;  // one for each worker
  std::vector<float> pending_;                         // from the next frame's first sample on
  std::vector<float> frames_;
  std::int64_t frame_count_ = 0;
  std::int64_t sample_count_ = 0;
};

// Frames of a clip of that many samples: those that the reference makes of the padded clip, and how many of
// them, the first ones, are of sound alone.
struct FrameCounts {
  std::int64_t all;
  std::int64_t valid;
};
FrameCounts CountFrames(const MelConfig& config, std::int64_t samples);

}  // namespace carat::internal

#endif  // CARAT_LIB_AUDIO_MEL_H_
