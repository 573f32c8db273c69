// A conformer layer: half a feed-forward, attention, a light convolution, another half, a norm.
#include <algorithm>
#include <cstring>

#include "lib/audio/audio_pass.h"
#include "lib/base/error.h"

namespace carat::internal {
namespace {

Status FeedForward(const AudioPass& pass, const AudioFeedForwardWeights& weights) {
  AudioClip& clip = pass.clip;
  const std::int64_t width = pass.config.feed_forward_size();
  pass.NormHidden(weights.input_norm, weights.up.input);
  CARAT_RETURN_IF_ERROR(pass.Multiply(clip.input.data(), weights.up.weights, clip.wide.data()));
  pass.ForRows([&](std::int64_t r) {
    float* row = clip.wide.data() + r * width;
    Clip(row, width, weights.up.output);
    Silu(pass.kernels(), row, width);
    Clip(row, width, weights.down.input);
  });
  CARAT_RETURN_IF_ERROR(pass.Multiply(clip.wide.data(), weights.down.weights, clip.sublayer.data()));
  pass.AddNormedSublayer(weights.down.output, weights.output_norm);
  return {};
}

// y = what the taps see from a row on: the rows of the past, then the row itself.
void Depthwise(const float* rows, const std::vector<float>& taps, std::int64_t hidden, float* y) {
  const auto kernel = static_cast<std::int64_t>(taps.size()) / hidden;
  std::fill_n(y, hidden, 0.0f);
  for (std::int64_t tap = 0; tap < kernel; ++tap) {
    const float* x = rows + tap * hidden;
    const float* w = taps.data() + tap * hidden;
    for (std::int64_t i = 0; i < hidden; ++i) y[i] += w[i] * x[i];
  }
}

Status LightConvolution(const AudioPass& pass) {
  const AudioConvWeights& weights = pass.weights.conv;
  AudioClip& clip = pass.clip;
  const std::int64_t hidden = pass.hidden();
  const std::int64_t past = pass.config.conv_kernel - 1;
  const std::size_t past_bytes = static_cast<std::size_t>(past * hidden) * sizeof(float);
  pass.NormHidden(weights.input_norm, weights.start.input, pass.conv_epsilon());
  CARAT_RETURN_IF_ERROR(pass.Multiply(clip.input.data(), weights.start.weights, clip.wide.data()));
  std::memcpy(clip.gated.data(), pass.memory.gated.data(), past_bytes);
  pass.ForRows([&](std::int64_t r) {
    float* row = clip.wide.data() + r * 2 * hidden;
    Clip(row, 2 * hidden, weights.start.output);
    MultiplyBySigmoid(pass.kernels(), row, row + hidden, clip.gated.data() + (past + r) * hidden, hidden);
  });
  pass.ForRows([&](std::int64_t r) {
    float* row = clip.input.data() + r * hidden;
    Depthwise(clip.gated.data() + r * hidden, weights.taps, hidden, row);
    pass.kernels().elementwise.rms_norm(row, weights.conv_norm.data(), hidden, pass.conv_epsilon(), row);
    Silu(pass.kernels(), row, hidden);
    Clip(row, hidden, weights.end.input);
  });
  std::memcpy(pass.memory.gated.data(), clip.gated.data() + pass.rows * hidden, past_bytes);
  CARAT_RETURN_IF_ERROR(pass.Multiply(clip.input.data(), weights.end.weights, clip.sublayer.data()));
  pass.ForRows([&](std::int64_t r) {
    float* row = clip.sublayer.data() + r * hidden;
    Clip(row, hidden, weights.end.output);
    pass.kernels().elementwise.add_scaled(clip.hidden.data() + r * hidden, row, 1.0f, hidden);
  });
  return {};
}

}  // namespace

Status ConformerLayer(const AudioPass& pass) {
  CARAT_RETURN_IF_ERROR(FeedForward(pass, pass.weights.first));
  CARAT_RETURN_IF_ERROR(AudioAttention(pass));
  CARAT_RETURN_IF_ERROR(LightConvolution(pass));
  CARAT_RETURN_IF_ERROR(FeedForward(pass, pass.weights.second));
  pass.ForRows([&](std::int64_t r) {
    float* row = pass.clip.hidden.data() + r * pass.hidden();
    pass.kernels().elementwise.rms_norm(row, pass.weights.output_norm.data(), pass.hidden(),
                                        kAudioNormEpsilon, row);
  });
  return {};
}

}  // namespace carat::internal
