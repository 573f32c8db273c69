// The audio tower's weights: views into the checkpoint for matrices, float32 copies of what is small.
#ifndef CARAT_LIB_AUDIO_AUDIO_WEIGHTS_H_
#define CARAT_LIB_AUDIO_AUDIO_WEIGHTS_H_

#include <cstdint>
#include <limits>
#include <vector>

#include "carat/status.h"
#include "lib/base/tensor.h"
#include "lib/kernels/kernels.h"
#include "lib/weights/audio_config.h"
#include "lib/weights/checkpoint.h"

namespace carat::internal {

// Both ends belong to it.
struct ClipRange {
  float low = -std::numeric_limits<float>::infinity();
  float high = std::numeric_limits<float>::infinity();
};

// A product whose input and output are clamped.
struct ClippedLinear {
  MatrixView weights;
  ClipRange input, output;
};

struct AudioFeedForwardWeights {
  std::vector<float> input_norm;
  std::vector<float> output_norm;  // residual_weight folded in
  ClippedLinear up, down;
};

struct AudioAttentionWeights {
  std::vector<float> input_norm, output_norm;
  ClippedLinear q, k, v, post;
  std::vector<float> query_scale;  // [head_dim]
  float key_scale = 1;
  // [heads, visible_positions, head_dim]: what a key at distance visible_positions-1 .. 0 adds to itself.
  std::vector<float> relative_keys;
};

struct AudioConvWeights {
  std::vector<float> input_norm, conv_norm;
  ClippedLinear start, end;
  std::vector<float> taps;  // [conv_kernel, hidden]: the last one meets the newest row
};

struct AudioLayerWeights {
  AudioFeedForwardWeights first, second;
  AudioAttentionWeights attention;
  AudioConvWeights conv;
  std::vector<float> output_norm;
};

struct SubsamplingWeights {
  std::vector<float> first_taps;  // [3 times, 3 bins, first_channels]
  std::vector<float> first_norm;
  // [3 times, second_channels, 3 bins, first_channels]: for each time a matrix of its own
  std::vector<float> second_taps;
  std::vector<float> second_norm;
  MatrixView projection;  // [hidden, bins / 4 * second_channels]
};

struct AudioWeights {
  SubsamplingWeights subsampling;
  std::vector<AudioLayerWeights> layers;
  MatrixView output;  // [output_size, hidden]
  std::vector<float> output_bias;
  MatrixView embedding;  // [text hidden, output_size]

  // The widest and the narrowest input of any product.
  std::int64_t MaxColumns() const;
  std::int64_t MinColumns() const;
  // Whether every matrix of a product is stored in bf16 and has an even number of columns.
  bool FitBf16Products() const;
  // Of what was copied out of the checkpoint.
  std::size_t copied_bytes() const;
};

// Bins after a convolution of stride 2.
inline std::int64_t Halved(std::int64_t size) {
  return (size + 1) / 2;
}

// Finds and checks every tensor that the configuration asks for. Errors: those of Checkpoint::Require;
// DATA_LOSS for clip bounds that are no range.
Result<AudioWeights> BindAudioWeights(const Checkpoint& checkpoint, const AudioConfig& config,
                                      const Kernels& kernels);

// The tower's tensors, for preloading and for the estimate of memory.
std::vector<const TensorEntry*> AudioTensors(const Checkpoint& checkpoint);

}  // namespace carat::internal

#endif  // CARAT_LIB_AUDIO_AUDIO_WEIGHTS_H_
