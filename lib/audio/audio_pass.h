// What the parts of a layer are given: the layer's weights and memory, and the block that is active.
#ifndef CARAT_LIB_AUDIO_AUDIO_PASS_H_
#define CARAT_LIB_AUDIO_AUDIO_PASS_H_

#include <cstdint>
#include <vector>

#include "carat/status.h"
#include "lib/audio/audio_clip.h"
#include "lib/audio/audio_matmul.h"
#include "lib/audio/audio_weights.h"
#include "lib/audio/row_math.h"
#include "lib/kernels/kernels.h"

namespace carat::internal {

// Of the norms that the reference gives no configured one.
inline constexpr float kAudioNormEpsilon = 1e-6f;

struct AudioPass {
  const AudioConfig& config;
  const AudioLayerWeights& weights;
  const MatMul& matmul;
  AudioClip& clip;
  AudioLayerMemory& memory;
  std::int64_t rows;  // of the block

  const Kernels& kernels() const { return matmul.kernels(); }
  const ParallelWork& work() const { return matmul.work(); }
  std::int64_t hidden() const { return config.hidden_size; }
  // Of the light convolution's norms; the others have the reference's own.
  float conv_epsilon() const { return static_cast<float>(config.rms_norm_epsilon); }

  // One of the layer's products for the rows of the block, without gaps.
  Status Multiply(const float* x, const MatrixView& matrix, float* y) const {
    return matmul.Multiply(x, matrix.cols, rows, matrix, y, matrix.rows, clip.matmul_scratch);
  }

  // body(row) for every row of the block.
  template <typename Body>
  void ForRows(Body&& body) const {
    work().For(rows, 4, [&](std::int64_t r, int) { body(r); });
  }

  // clip.input = norm(clip.hidden), clamped to `range`.
  void NormHidden(const std::vector<float>& norm, const ClipRange& range,
                  float epsilon = kAudioNormEpsilon) const {
    ForRows([&](std::int64_t r) {
      float* to = clip.input.data() + r * hidden();
      kernels().elementwise.rms_norm(clip.hidden.data() + r * hidden(), norm.data(), hidden(), epsilon, to);
      Clip(to, hidden(), range);
    });
  }

  // clip.hidden += norm(clip.sublayer), which is clamped to `range` first.
  void AddNormedSublayer(const ClipRange& range, const std::vector<float>& norm) const {
    ForRows([&](std::int64_t r) {
      float* from = clip.sublayer.data() + r * hidden();
      Clip(from, hidden(), range);
      kernels().elementwise.add_rms_norm(clip.hidden.data() + r * hidden(), from, norm.data(), hidden(),
                                         kAudioNormEpsilon);
    });
  }
};

// clip.hidden += norm(attention(norm(clip.hidden)))
Status AudioAttention(const AudioPass& pass);

// The whole layer, from clip.hidden to clip.hidden.
Status ConformerLayer(const AudioPass& pass);

}  // namespace carat::internal

#endif  // CARAT_LIB_AUDIO_AUDIO_PASS_H_
