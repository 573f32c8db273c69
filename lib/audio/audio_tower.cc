#include "lib/audio/audio_tower.h"

#include <algorithm>

#include "lib/audio/audio_pass.h"
#include "lib/base/error.h"

namespace carat::internal {

Result<AudioTower> AudioTower::Create(const AudioConfig& config, const AudioWeights& weights,
                                      const MatMul& matmul) {
  AudioTower tower;
  tower.config_ = &config;
  tower.weights_ = &weights;
  tower.matmul_ = &matmul;
  CARAT_ASSIGN_OR_RETURN(tower.subsampling_, Subsampling::Create(config, weights.subsampling, matmul));
  return tower;
}

Status AudioTower::Run(const MelFrames& frames, std::int64_t count, AudioClip& clip,
                       const AudioBlockOutput& output, const std::atomic<bool>* cancel) const {
  const std::int64_t size = config_->output_size;
  const auto multiply = [&](const float* x, const MatrixView& matrix, float* y) {
    return matmul_->Multiply(x, matrix.cols, count, matrix, y, matrix.rows, clip.matmul_scratch);
  };
  subsampling_.Run(frames, clip.tokens, count, clip.wide.data());
  CARAT_RETURN_IF_ERROR(multiply(clip.wide.data(), weights_->subsampling.projection, clip.hidden.data()));
  for (std::size_t i = 0; i < weights_->layers.size(); ++i) {
    if (cancel != nullptr && cancel->load(std::memory_order_relaxed)) {
      return Cancelled("cancelled in layer %d of the audio tower", i);
    }
    const AudioPass pass{*config_, weights_->layers[i], *matmul_, clip, clip.layers[i], count};
    CARAT_RETURN_IF_ERROR(ConformerLayer(pass));
  }
  float* rows = clip.wide.data();
  CARAT_RETURN_IF_ERROR(multiply(clip.hidden.data(), weights_->output, rows));
  const auto epsilon = static_cast<float>(config_->rms_norm_epsilon);
  matmul_->work().For(count, 4, [&](std::int64_t r, int) {
    float* row = rows + r * size;
    matmul_->kernels().elementwise.add_scaled(row, weights_->output_bias.data(), 1.0f, size);
    if (output.tower != nullptr) std::copy_n(row, size, output.tower + r * size);
    matmul_->kernels().elementwise.rms_norm(row, nullptr, size, epsilon, row);
  });
  CARAT_RETURN_IF_ERROR(multiply(rows, weights_->embedding, output.soft_tokens));
  clip.tokens += count;
  return {};
}

}  // namespace carat::internal
