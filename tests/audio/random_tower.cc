#include "tests/audio/random_tower.h"

#include <cmath>
#include <utility>

namespace carat::internal {

RandomAudioWeights::RandomAudioWeights(const AudioConfig& config, std::int64_t text_hidden)
    : config_(config) {
  const std::int64_t hidden = config.hidden_size;
  SubsamplingWeights& s = weights_.subsampling;
  s.first_taps = Vector(9 * config.first_channels, 0);
  s.first_norm = Vector(config.first_channels, 1);
  s.second_taps = Vector(9 * config.first_channels * config.second_channels, 0);
  s.second_norm = Vector(config.second_channels, 1);
  s.projection = Matrix(hidden, Halved(Halved(config.mel.bins)) * config.second_channels);
  for (std::int64_t i = 0; i < config.layers; ++i) weights_.layers.push_back(Layer());
  weights_.output = Matrix(config.output_size, hidden);
  weights_.output_bias = Vector(config.output_size, 0);
  weights_.embedding = Matrix(text_hidden, config.output_size);
}

MatrixView RandomAudioWeights::Matrix(std::int64_t rows, std::int64_t cols) {
  values_ += rows * cols;
  storage_.emplace_back(static_cast<std::size_t>(rows * cols));
  const float scale = 1 / std::sqrt(static_cast<float>(cols));
  for (std::uint16_t& value : storage_.back()) value = FloatToBFloat16(scale * Next());
  return {reinterpret_cast<const std::byte*>(storage_.back().data()), NumberFormat::kBF16, rows, cols};
}

ClippedLinear RandomAudioWeights::Linear(std::int64_t rows, std::int64_t cols) {
  return {Matrix(rows, cols), {-40, 40}, {-40, 40}};
}

std::vector<float> RandomAudioWeights::Vector(std::int64_t size, float around) {
  std::vector<float> values(static_cast<std::size_t>(size));
  for (float& value : values) value = around + 0.1f * Next();
  return values;
}

// Uniform, of variance 1.
float RandomAudioWeights::Next() {
  state_ = state_ * 6364136223846793005u + 1442695040888963407u;
  return (static_cast<float>(state_ >> 40) / 8388608.0f - 1) * 1.7320508f;
}

AudioFeedForwardWeights RandomAudioWeights::FeedForward() {
  const std::int64_t hidden = config_.hidden_size;
  const std::int64_t width = config_.feed_forward_size();
  return {Vector(hidden, 1), Vector(hidden, 0.5f), Linear(width, hidden), Linear(hidden, width)};
}

AudioLayerWeights RandomAudioWeights::Layer() {
  const std::int64_t hidden = config_.hidden_size;
  AudioLayerWeights layer;
  layer.first = FeedForward();
  layer.second = FeedForward();
  AudioAttentionWeights& attention = layer.attention;
  attention.input_norm = Vector(hidden, 1);
  attention.output_norm = Vector(hidden, 1);
  attention.q = Linear(hidden, hidden);
  attention.k = Linear(hidden, hidden);
  attention.v = Linear(hidden, hidden);
  attention.post = Linear(hidden, hidden);
  attention.query_scale = Vector(config_.head_dim, 0.1f);
  attention.relative_keys = Vector(config_.visible_positions * hidden, 0);
  layer.conv = {Vector(hidden, 1), Vector(hidden, 1), Linear(2 * hidden, hidden), Linear(hidden, hidden),
                Vector(config_.conv_kernel * hidden, 0)};
  layer.output_norm = Vector(hidden, 1);
  return layer;
}

AudioConfig FullSizeAudio() {
  AudioConfig config;
  config.hidden_size = 1024;
  config.layers = 12;
  config.attention_heads = 8;
  config.head_dim = 128;
  config.visible_positions = 12;
  config.attention_softcap = 50;
  config.conv_kernel = 5;
  config.residual_weight = 0.5;
  config.first_channels = 128;
  config.second_channels = 32;
  config.output_size = 1536;
  config.clipped_linears = true;
  return config;
}

RandomTower::RandomTower(const AudioConfig& config, const RandomAudioWeights& weights, int threads,
                         MatMulPrecision precision, InstructionSet set)
    : work_(std::make_unique<ParallelWork>(*ThreadPool::Create(threads))) {
  auto parts = std::make_unique<AudioParts>(config, *work_);
  parts_ = parts.get();
  parts_->weights = weights.weights();
  const Kernels* kernels = KernelsFor(*ChooseInstructionSet(set));
  parts_->matmul = *CreateAudioMatMul(*kernels, *work_, parts_->weights, precision);
  parts_->tower = *AudioTower::Create(parts_->config, parts_->weights, parts_->matmul);
  encoder_ = std::make_unique<const AudioEncoder>(std::move(parts));
}

}  // namespace carat::internal
