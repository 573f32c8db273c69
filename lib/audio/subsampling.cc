#include "lib/audio/subsampling.h"

#include <algorithm>
#include <cstring>

#include "lib/base/checked.h"
#include "lib/base/error.h"

namespace carat::internal {
namespace {

// Tokens that a worker takes together: they share rows of the first convolution.
constexpr std::int64_t kTileTokens = 4;
constexpr std::int64_t kTileRows = 2 * kTileTokens + 1;

// The sum in eight parts, in a fixed order.
float Mean(const float* x, std::int64_t n) {
  float parts[8] = {};
  std::int64_t i = 0;
  for (; i + 8 <= n; i += 8) {
    for (std::int64_t j = 0; j < 8; ++j) parts[j] += x[i + j];
  }
  float sum = 0;
  for (; i < n; ++i) sum += x[i];
  for (const float part : parts) sum += part;
  return sum / static_cast<float>(n);
}

}  // namespace

Result<Subsampling> Subsampling::Create(const AudioConfig& config, const SubsamplingWeights& weights,
                                        const MatMul& matmul) {
  Subsampling s;
  s.weights_ = &weights;
  s.matmul_ = &matmul;
  s.epsilon_ = static_cast<float>(config.rms_norm_epsilon);
  s.bins_ = config.mel.bins;
  s.first_bins_ = Halved(s.bins_);
  s.second_bins_ = Halved(s.first_bins_);
  s.first_channels_ = config.first_channels;
  s.second_channels_ = config.second_channels;
  s.padded_row_ = (s.first_bins_ + 2) * s.first_channels_;
  s.scratch_size_ = kTileRows * s.padded_row_ + s.row_size();
  const auto size = CheckedMultiply<std::int64_t>(s.scratch_size_, matmul.work().workers());
  if (!size) return ResourceExhausted("the subsampling's rows are too large to be addressed");
  CARAT_ASSIGN_OR_RETURN(s.scratch_,
                         AlignedBuffer<float>::Allocate(static_cast<std::uint64_t>(*size), "subsampling"));
  return s;
}

// LayerNorm without bias, then ReLU.
void Subsampling::Normalise(float* x, const std::vector<float>& weight) const {
  const auto n = static_cast<std::int64_t>(weight.size());
  const float mean = Mean(x, n);
  for (std::int64_t i = 0; i < n; ++i) x[i] -= mean;
  matmul_->kernels().elementwise.rms_norm(x, weight.data(), n, epsilon_, x);
  for (std::int64_t i = 0; i < n; ++i) x[i] = x[i] > 0 ? x[i] : 0;
}

// One row of the first convolution, [bins + 2, channels], zero where its middle frame is no valid one.
void Subsampling::FirstRow(const MelFrames& frames, std::int64_t row, float* to) const {
  std::memset(to, 0, static_cast<std::size_t>(padded_row_) * sizeof(float));
  if (row < 0 || 2 * row >= frames.count) return;
  for (std::int64_t bin = 0; bin < first_bins_; ++bin) {
    float* x = to + (bin + 1) * first_channels_;
    for (std::int64_t tap = 0; tap < 9; ++tap) {
      const std::int64_t frame = 2 * row - 1 + tap / 3;
      const std::int64_t from = 2 * bin - 1 + tap % 3;
      if (frame < 0 || frame >= frames.count || from < 0 || from >= bins_) continue;
      matmul_->kernels().elementwise.add_scaled(x, weights_->first_taps.data() + tap * first_channels_,
                                                frames.data[frame * bins_ + from], first_channels_);
    }
    Normalise(x, weights_->first_norm);
  }
}

// One row of the second convolution from three rows of the first: for each of them one product, since the
// three bins that a position sees lie side by side.
void Subsampling::SecondRow(const float* rows, float* part, float* to) const {
  const std::int64_t cols = 3 * first_channels_;
  for (std::int64_t time = 0; time < 3; ++time) {
    float* y = time == 0 ? to : part;
    matmul_->kernels().gemv.f32(
        rows + time * padded_row_, 2 * first_channels_, second_bins_,
        reinterpret_cast<const std::byte*>(weights_->second_taps.data() + time * second_channels_ * cols),
        cols, second_channels_, y, second_channels_, 0, nullptr);
    if (time > 0) matmul_->kernels().elementwise.add_scaled(to, part, 1.0f, row_size());
  }
  for (std::int64_t bin = 0; bin < second_bins_; ++bin) {
    Normalise(to + bin * second_channels_, weights_->second_norm);
  }
}

void Subsampling::Run(const MelFrames& frames, std::int64_t first, std::int64_t count, float* output) const {
  const std::int64_t tiles = (count + kTileTokens - 1) / kTileTokens;
  matmul_->work().For(tiles, [&](std::int64_t tile, int worker) {
    float* rows = scratch_.data() + worker * scratch_size_;
    float* part = rows + kTileRows * padded_row_;
    const std::int64_t begin = tile * kTileTokens;
    const std::int64_t tokens = std::min(kTileTokens, count - begin);
    for (std::int64_t i = 0; i < 2 * tokens + 1; ++i) {
      FirstRow(frames, 2 * (first + begin) - 1 + i, rows + i * padded_row_);
    }
    for (std::int64_t i = 0; i < tokens; ++i) {
      SecondRow(rows + 2 * i * padded_row_, part, output + (begin + i) * row_size());
    }
  });
}

}  // namespace carat::internal
