#include "lib/audio/audio_weights.h"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <string>
#include <utility>

#include "lib/base/error.h"

namespace carat::internal {
namespace {

constexpr char kTower[] = "model.audio_tower.";
constexpr char kEmbedding[] = "model.embed_audio.";
constexpr double kLongestTimescale = 10000;

class Binder {
 public:
  Binder(const Checkpoint& checkpoint, const AudioConfig& config, const Kernels& kernels)
      : checkpoint_(checkpoint), config_(config), kernels_(kernels) {}

  Result<AudioWeights> Bind() const {
    AudioWeights weights;
    CARAT_ASSIGN_OR_RETURN(weights.subsampling, Subsampling());
    weights.layers.reserve(static_cast<std::size_t>(config_.layers));
    for (std::int64_t i = 0; i < config_.layers; ++i) {
      CARAT_ASSIGN_OR_RETURN(AudioLayerWeights layer, Layer(kTower + absl::StrFormat("layers.%d.", i)));
      weights.layers.push_back(std::move(layer));
    }
    const std::string output = std::string(kTower) + "output_proj.";
    CARAT_ASSIGN_OR_RETURN(weights.output,
                           Matrix(output + "weight", config_.output_size, config_.hidden_size));
    CARAT_ASSIGN_OR_RETURN(weights.output_bias, Vector(output + "bias", config_.output_size));
    CARAT_ASSIGN_OR_RETURN(weights.embedding,
                           Matrix(std::string(kEmbedding) + "embedding_projection.weight",
                                  checkpoint_.config().text.hidden_size, config_.output_size));
    return weights;
  }

 private:
  Result<const TensorEntry*> Require(const std::string& name,
                                     std::initializer_list<std::int64_t> shape) const {
    return checkpoint_.Require(name, {shape.begin(), shape.size()});
  }

  Result<MatrixView> Matrix(const std::string& name, std::int64_t rows, std::int64_t cols) const {
    CARAT_ASSIGN_OR_RETURN(const TensorEntry* tensor, Require(name, {rows, cols}));
    return MatrixView{tensor->data, tensor->format, rows, cols};
  }

  Result<std::vector<float>> Values(const std::string& name,
                                    std::initializer_list<std::int64_t> shape) const {
    CARAT_ASSIGN_OR_RETURN(const TensorEntry* tensor, Require(name, shape));
    std::vector<float> values(static_cast<std::size_t>(tensor->values()));
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = LoadValue(tensor->data, tensor->format, i);
    return values;
  }

  Result<std::vector<float>> Vector(const std::string& name, std::int64_t size) const {
    return Values(name, {size});
  }

  Result<ClipRange> Range(const std::string& at, const std::string& which) const {
    CARAT_ASSIGN_OR_RETURN(const auto low, Values(at + which + "_min", {}));
    CARAT_ASSIGN_OR_RETURN(const auto high, Values(at + which + "_max", {}));
    if (low[0] <= high[0]) return ClipRange{low[0], high[0]};  // a NaN is no bound either
    return DataLoss("%s: %s_min is %g and %s_max is %g, which is no range", checkpoint_.folder(), at + which,
                    low[0], at + which, high[0]);
  }

  Result<ClippedLinear> Linear(const std::string& at, std::int64_t rows, std::int64_t cols) const {
    ClippedLinear linear;
    CARAT_ASSIGN_OR_RETURN(linear.weights, Matrix(at + "linear.weight", rows, cols));
    if (!config_.clipped_linears) return linear;
    CARAT_ASSIGN_OR_RETURN(linear.input, Range(at, "input"));
    CARAT_ASSIGN_OR_RETURN(linear.output, Range(at, "output"));
    return linear;
  }

  // Channels last, so that a position's channels lie together.
  Result<SubsamplingWeights> Subsampling() const {
    const std::string at = std::string(kTower) + "subsample_conv_projection.";
    const std::int64_t first = config_.first_channels;
    const std::int64_t second = config_.second_channels;
    SubsamplingWeights w;
    CARAT_ASSIGN_OR_RETURN(const auto first_taps, Values(at + "layer0.conv.weight", {first, 1, 3, 3}));
    w.first_taps.resize(first_taps.size());
    for (std::int64_t c = 0; c < first; ++c) {
      for (std::int64_t tap = 0; tap < 9; ++tap) w.first_taps[tap * first + c] = first_taps[c * 9 + tap];
    }
    CARAT_ASSIGN_OR_RETURN(w.first_norm, Vector(at + "layer0.norm.weight", first));
    CARAT_ASSIGN_OR_RETURN(const auto second_taps, Values(at + "layer1.conv.weight", {second, first, 3, 3}));
    w.second_taps.resize(second_taps.size());
    for (std::int64_t time = 0; time < 3; ++time) {
      for (std::int64_t out = 0; out < second; ++out) {
        for (std::int64_t bin = 0; bin < 3; ++bin) {
          for (std::int64_t in = 0; in < first; ++in) {
            w.second_taps[((time * second + out) * 3 + bin) * first + in] =
                second_taps[((out * first + in) * 3 + time) * 3 + bin];
          }
        }
      }
    }
    CARAT_ASSIGN_OR_RETURN(w.second_norm, Vector(at + "layer1.norm.weight", second));
    CARAT_ASSIGN_OR_RETURN(w.projection, Matrix(at + "input_proj_linear.weight", config_.hidden_size,
                                                Halved(Halved(config_.mel.bins)) * second));
    return w;
  }

  Result<AudioFeedForwardWeights> FeedForward(const std::string& at) const {
    const std::int64_t hidden = config_.hidden_size;
    AudioFeedForwardWeights w;
    CARAT_ASSIGN_OR_RETURN(w.input_norm, Vector(at + "pre_layer_norm.weight", hidden));
    CARAT_ASSIGN_OR_RETURN(w.output_norm, Vector(at + "post_layer_norm.weight", hidden));
    for (float& value : w.output_norm) value *= static_cast<float>(config_.residual_weight);
    CARAT_ASSIGN_OR_RETURN(w.up, Linear(at + "ffw_layer_1.", config_.feed_forward_size(), hidden));
    CARAT_ASSIGN_OR_RETURN(w.down, Linear(at + "ffw_layer_2.", hidden, config_.feed_forward_size()));
    return w;
  }

  // The sinusoids of distances visible_positions-1 .. 0, [visible_positions, hidden].
  std::vector<float> Waves() const {
    const std::int64_t hidden = config_.hidden_size;
    const std::int64_t half = hidden / 2;
    const double step =
        std::log(kLongestTimescale) / static_cast<double>(std::max<std::int64_t>(half - 1, 1));
    std::vector<float> waves(static_cast<std::size_t>(config_.visible_positions * hidden));
    for (std::int64_t slot = 0; slot < config_.visible_positions; ++slot) {
      const auto distance = static_cast<double>(config_.visible_positions - 1 - slot);
      float* wave = waves.data() + slot * hidden;
      for (std::int64_t i = 0; i < half; ++i) {
        const double angle = distance * std::exp(-static_cast<double>(i) * step);
        wave[i] = static_cast<float>(std::sin(angle));
        wave[half + i] = static_cast<float>(std::cos(angle));
      }
    }
    return waves;
  }

  Result<std::vector<float>> RelativeKeys(const std::string& name) const {
    const std::int64_t hidden = config_.hidden_size;
    const std::int64_t visible = config_.visible_positions;
    CARAT_ASSIGN_OR_RETURN(const MatrixView matrix, Matrix(name, hidden, hidden));
    const std::vector<float> waves = Waves();
    std::vector<float> keys(waves.size());
    std::vector<float> row(static_cast<std::size_t>(hidden));
    std::vector<float> products(static_cast<std::size_t>(visible));
    for (std::int64_t out = 0; out < hidden; ++out) {
      RowToF32(kernels_, matrix.row(out), matrix.format, row.data(), hidden);
      kernels_.gemv.f32(waves.data(), hidden, visible, reinterpret_cast<const std::byte*>(row.data()), hidden,
                        1, products.data(), 1, 0, nullptr);
      const std::int64_t head = out / config_.head_dim;
      for (std::int64_t slot = 0; slot < visible; ++slot) {
        keys[(head * visible + slot) * config_.head_dim + out % config_.head_dim] = products[slot];
      }
    }
    return keys;
  }

  Result<AudioAttentionWeights> Attention(const std::string& layer) const {
    const std::int64_t hidden = config_.hidden_size;
    const std::string at = layer + "self_attn.";
    AudioAttentionWeights w;
    CARAT_ASSIGN_OR_RETURN(w.input_norm, Vector(layer + "norm_pre_attn.weight", hidden));
    CARAT_ASSIGN_OR_RETURN(w.output_norm, Vector(layer + "norm_post_attn.weight", hidden));
    CARAT_ASSIGN_OR_RETURN(w.q, Linear(at + "q_proj.", hidden, hidden));
    CARAT_ASSIGN_OR_RETURN(w.k, Linear(at + "k_proj.", hidden, hidden));
    CARAT_ASSIGN_OR_RETURN(w.v, Linear(at + "v_proj.", hidden, hidden));
    CARAT_ASSIGN_OR_RETURN(w.post, Linear(at + "post.", hidden, hidden));
    CARAT_ASSIGN_OR_RETURN(w.query_scale, Vector(at + "per_dim_scale", config_.head_dim));
    const double factor = 1 / std::sqrt(static_cast<double>(config_.head_dim)) / std::log(2.0);
    for (float& value : w.query_scale) {
      const float scale = checkpoint_.is_gguf() ? value : Softplus(value);
      value = static_cast<float>(factor * static_cast<double>(scale));
    }
    w.key_scale = static_cast<float>(std::log1p(std::exp(1.0)) / std::log(2.0));
    CARAT_ASSIGN_OR_RETURN(w.relative_keys, RelativeKeys(at + "relative_k_proj.weight"));
    return w;
  }

  Result<AudioConvWeights> LightConv(const std::string& at) const {
    const std::int64_t hidden = config_.hidden_size;
    const std::int64_t kernel = config_.conv_kernel;
    AudioConvWeights w;
    CARAT_ASSIGN_OR_RETURN(w.input_norm, Vector(at + "pre_layer_norm.weight", hidden));
    CARAT_ASSIGN_OR_RETURN(w.conv_norm, Vector(at + "conv_norm.weight", hidden));
    CARAT_ASSIGN_OR_RETURN(w.start, Linear(at + "linear_start.", 2 * hidden, hidden));
    CARAT_ASSIGN_OR_RETURN(w.end, Linear(at + "linear_end.", hidden, hidden));
    CARAT_ASSIGN_OR_RETURN(const auto taps, Values(at + "depthwise_conv1d.weight", {hidden, 1, kernel}));
    w.taps.resize(taps.size());
    for (std::int64_t c = 0; c < hidden; ++c) {
      for (std::int64_t tap = 0; tap < kernel; ++tap) w.taps[tap * hidden + c] = taps[c * kernel + tap];
    }
    return w;
  }

  Result<AudioLayerWeights> Layer(const std::string& at) const {
    AudioLayerWeights w;
    CARAT_ASSIGN_OR_RETURN(w.first, FeedForward(at + "feed_forward1."));
    CARAT_ASSIGN_OR_RETURN(w.attention, Attention(at));
    CARAT_ASSIGN_OR_RETURN(w.conv, LightConv(at + "lconv1d."));
    CARAT_ASSIGN_OR_RETURN(w.second, FeedForward(at + "feed_forward2."));
    CARAT_ASSIGN_OR_RETURN(w.output_norm, Vector(at + "norm_out.weight", config_.hidden_size));
    return w;
  }

  const Checkpoint& checkpoint_;
  const AudioConfig& config_;
  const Kernels& kernels_;
};

}  // namespace

std::int64_t AudioWeights::MaxColumns() const {
  std::int64_t most = std::max({subsampling.projection.cols, output.cols, embedding.cols});
  for (const AudioLayerWeights& layer : layers) {
    most = std::max({most, layer.first.down.weights.cols, layer.attention.post.weights.cols});
  }
  return most;
}

std::int64_t AudioWeights::MinColumns() const {
  // Every product within a layer takes the hidden size or more.
  return std::min({subsampling.projection.cols, output.cols, embedding.cols});
}

bool AudioWeights::FitBf16Products() const {
  const auto fits = [](const MatrixView& matrix) {
    return matrix.format == NumberFormat::kBF16 && matrix.cols % 2 == 0;
  };
  const auto all = [&](std::initializer_list<const ClippedLinear*> linears) {
    return std::all_of(linears.begin(), linears.end(),
                       [&](const ClippedLinear* linear) { return fits(linear->weights); });
  };
  return fits(subsampling.projection) && fits(output) && fits(embedding) &&
         std::all_of(layers.begin(), layers.end(), [&](const AudioLayerWeights& layer) {
           return all({&layer.first.up, &layer.first.down, &layer.second.up, &layer.second.down,
                       &layer.attention.q, &layer.attention.k, &layer.attention.v, &layer.attention.post,
                       &layer.conv.start, &layer.conv.end});
         });
}

std::size_t AudioWeights::copied_bytes() const {
  std::size_t floats = output_bias.size() + subsampling.first_taps.size() + subsampling.first_norm.size() +
                       subsampling.second_taps.size() + subsampling.second_norm.size();
  for (const AudioLayerWeights& layer : layers) {
    floats += layer.first.input_norm.size() * 9 + layer.conv.taps.size() +
              layer.attention.relative_keys.size() + layer.attention.query_scale.size();
  }
  return floats * sizeof(float);
}

Result<AudioWeights> BindAudioWeights(const Checkpoint& checkpoint, const AudioConfig& config,
                                      const Kernels& kernels) {
  return Binder(checkpoint, config, kernels).Bind();
}

std::vector<const TensorEntry*> AudioTensors(const Checkpoint& checkpoint) {
  std::vector<const TensorEntry*> found;
  for (const TensorEntry& tensor : checkpoint.tensors()) {
    if (tensor.name.starts_with(kTower) || tensor.name.starts_with(kEmbedding)) found.push_back(&tensor);
  }
  return found;
}

}  // namespace carat::internal
