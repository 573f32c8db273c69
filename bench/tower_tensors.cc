#include "bench/tower_tensors.h"

#include <cmath>
#include <string>

namespace carat::bench {
namespace {

using internal::AudioConfig;
using internal::VisionConfig;

constexpr Distribution kNorm = {Distribution::Kind::kUniform, 0.5, 1.5};
// Bounds of clipped products, wide enough to change few values.
constexpr Distribution kLow = {Distribution::Kind::kUniform, -9, -8};
constexpr Distribution kHigh = {Distribution::Kind::kUniform, 8, 9};

class Plan {
 public:
  Plan(std::vector<PlannedTensor>& tensors, std::string prefix, bool clipped)
      : tensors_(tensors), prefix_(std::move(prefix)), clipped_(clipped) {}

  void Vector(const std::string& name, std::int64_t size) { Add(name, {size}, kNorm); }
  // What a value sees is `columns`, whatever the shape.
  void Weights(const std::string& name, std::vector<std::int64_t> shape, std::int64_t columns) {
    Add(name, std::move(shape),
        {Distribution::Kind::kNormal, 0, 0, 1.0 / std::sqrt(static_cast<double>(columns))});
  }
  void Matrix(const std::string& name, std::int64_t rows, std::int64_t columns) {
    Weights(name, {rows, columns}, columns);
  }
  void Linear(const std::string& name, std::int64_t rows, std::int64_t columns) {
    Matrix(name + ".linear.weight", rows, columns);
    if (!clipped_) return;
    for (const char* side : {".input", ".output"}) {
      Add(name + side + "_min", {}, kLow);
      Add(name + side + "_max", {}, kHigh);
    }
  }

 private:
  void Add(const std::string& name, std::vector<std::int64_t> shape, const Distribution& values) {
    tensors_.push_back({prefix_ + name, std::move(shape), values});
  }

  std::vector<PlannedTensor>& tensors_;
  std::string prefix_;
  bool clipped_;
};

void PlanVisionLayer(const VisionConfig& config, Plan plan) {
  const std::int64_t hidden = config.hidden_size;
  for (const char* norm : {"input_layernorm", "post_attention_layernorm", "pre_feedforward_layernorm",
                           "post_feedforward_layernorm"}) {
    plan.Vector(std::string(norm) + ".weight", hidden);
  }
  plan.Vector("self_attn.q_norm.weight", config.head_dim);
  plan.Vector("self_attn.k_norm.weight", config.head_dim);
  plan.Linear("self_attn.q_proj", config.attention_heads * config.head_dim, hidden);
  plan.Linear("self_attn.k_proj", config.kv_heads * config.head_dim, hidden);
  plan.Linear("self_attn.v_proj", config.kv_heads * config.head_dim, hidden);
  plan.Linear("self_attn.o_proj", hidden, config.attention_heads * config.head_dim);
  plan.Linear("mlp.gate_proj", config.intermediate_size, hidden);
  plan.Linear("mlp.up_proj", config.intermediate_size, hidden);
  plan.Linear("mlp.down_proj", hidden, config.intermediate_size);
}

void PlanAudioLayer(const AudioConfig& config, Plan plan) {
  const std::int64_t hidden = config.hidden_size;
  for (const char* half : {"feed_forward1.", "feed_forward2."}) {
    const std::string at = half;
    plan.Vector(at + "pre_layer_norm.weight", hidden);
    plan.Vector(at + "post_layer_norm.weight", hidden);
    plan.Linear(at + "ffw_layer_1", config.feed_forward_size(), hidden);
    plan.Linear(at + "ffw_layer_2", hidden, config.feed_forward_size());
  }
  plan.Vector("norm_pre_attn.weight", hidden);
  plan.Vector("norm_post_attn.weight", hidden);
  for (const char* name : {"q_proj", "k_proj", "v_proj", "post"})
    plan.Linear(std::string("self_attn.") + name, hidden, hidden);
  plan.Vector("self_attn.per_dim_scale", config.head_dim);
  plan.Matrix("self_attn.relative_k_proj.weight", hidden, hidden);
  plan.Vector("lconv1d.pre_layer_norm.weight", hidden);
  plan.Vector("lconv1d.conv_norm.weight", hidden);
  plan.Linear("lconv1d.linear_start", 2 * hidden, hidden);
  plan.Linear("lconv1d.linear_end", hidden, hidden);
  plan.Weights("lconv1d.depthwise_conv1d.weight", {hidden, 1, config.conv_kernel}, config.conv_kernel);
  plan.Vector("norm_out.weight", hidden);
}

}  // namespace

void PlanVisionTensors(const VisionConfig& config, std::int64_t text_hidden,
                       std::vector<PlannedTensor>& tensors) {
  const std::string tower = "model.vision_tower.";
  const std::int64_t hidden = config.hidden_size;
  Plan plan(tensors, tower, false);
  plan.Matrix("patch_embedder.input_proj.weight", hidden, config.patch_values());
  plan.Weights("patch_embedder.position_embedding_table", {2, config.position_embedding_size, hidden}, 4);
  if (config.standardize) {
    plan.Vector("std_bias", hidden);
    plan.Vector("std_scale", hidden);
  }
  for (std::int64_t i = 0; i < config.layers; ++i) {
    PlanVisionLayer(
        config, Plan(tensors, tower + "encoder.layers." + std::to_string(i) + ".", config.clipped_linears));
  }
  Plan(tensors, "model.embed_vision.", false).Matrix("embedding_projection.weight", text_hidden, hidden);
}

void PlanAudioTensors(const AudioConfig& config, std::int64_t text_hidden,
                      std::vector<PlannedTensor>& tensors) {
  const std::string tower = "model.audio_tower.";
  const std::int64_t first = config.first_channels, second = config.second_channels;
  Plan plan(tensors, tower, false);
  plan.Weights("subsample_conv_projection.layer0.conv.weight", {first, 1, 3, 3}, 9);
  plan.Vector("subsample_conv_projection.layer0.norm.weight", first);
  plan.Weights("subsample_conv_projection.layer1.conv.weight", {second, first, 3, 3}, 9 * first);
  plan.Vector("subsample_conv_projection.layer1.norm.weight", second);
  const std::int64_t bins = ((config.mel.bins + 1) / 2 + 1) / 2;
  plan.Matrix("subsample_conv_projection.input_proj_linear.weight", config.hidden_size, bins * second);
  for (std::int64_t i = 0; i < config.layers; ++i) {
    PlanAudioLayer(config,
                   Plan(tensors, tower + "layers." + std::to_string(i) + ".", config.clipped_linears));
  }
  plan.Matrix("output_proj.weight", config.output_size, config.hidden_size);
  plan.Vector("output_proj.bias", config.output_size);
  Plan(tensors, "model.embed_audio.", false)
      .Matrix("embedding_projection.weight", text_hidden, config.output_size);
}

}  // namespace carat::bench
