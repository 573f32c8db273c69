#include "bench/text_tensors.h"

#include <cmath>
#include <initializer_list>
#include <utility>

namespace carat::bench {
namespace {

using internal::LayerConfig;
using internal::TextConfig;

constexpr Distribution kNorm = {Distribution::Kind::kUniform, 0.5, 1.5};
// Attention scores of moderate size.
constexpr Distribution kHeadNorm = {Distribution::Kind::kUniform, 0.2, 0.8};
constexpr Distribution kLayerScalar = {Distribution::Kind::kUniform, 0.5, 1.0};
constexpr Distribution kScale = {Distribution::Kind::kUniform, 0.5, 1.5};

Distribution Normal(double deviation) {
  return {Distribution::Kind::kNormal, 0, 0, deviation};
}

// Adds tensors below a prefix.
class Plan {
 public:
  explicit Plan(std::vector<PlannedTensor>& tensors) : tensors_(tensors) {}

  void Vector(const std::string& name, std::int64_t size, const Distribution& values) {
    tensors_.push_back({name, {size}, values});
  }
  // [rows, columns], as products use it: every output has variance 1 if every input has.
  void Matrix(const std::string& name, std::int64_t rows, std::int64_t columns) {
    tensors_.push_back({name + ".weight", {rows, columns}, FanIn(columns)});
  }
  void Table(const std::string& name, std::int64_t rows, std::int64_t columns) {
    tensors_.push_back({name, {rows, columns}, Normal(1.6 / std::sqrt(static_cast<double>(columns)))});
  }
  void Experts(const std::string& name, std::int64_t experts, std::int64_t rows, std::int64_t columns) {
    tensors_.push_back({name, {experts, rows, columns}, FanIn(columns)});
  }

 private:
  static Distribution FanIn(std::int64_t columns) {
    return Normal(1.0 / std::sqrt(static_cast<double>(columns)));
  }
  std::vector<PlannedTensor>& tensors_;
};

void PlanAttention(const TextConfig& config, const LayerConfig& layer, bool own_keys,
                   const std::string& prefix, Plan& plan) {
  const std::int64_t query_size = config.attention_heads * layer.head_dim;
  const std::int64_t key_size = layer.kv_heads * layer.head_dim;
  plan.Matrix(prefix + "q_proj", query_size, config.hidden_size);
  plan.Vector(prefix + "q_norm.weight", layer.head_dim, kHeadNorm);
  if (own_keys) {
    plan.Matrix(prefix + "k_proj", key_size, config.hidden_size);
    plan.Vector(prefix + "k_norm.weight", layer.head_dim, kHeadNorm);
    if (!layer.keys_are_values) plan.Matrix(prefix + "v_proj", key_size, config.hidden_size);
  }
  plan.Matrix(prefix + "o_proj", config.hidden_size, query_size);
}

void PlanExperts(const TextConfig& config, const std::string& prefix, Plan& plan) {
  const std::int64_t hidden = config.hidden_size;
  for (const char* name :
       {"post_feedforward_layernorm_1", "post_feedforward_layernorm_2", "pre_feedforward_layernorm_2"}) {
    plan.Vector(prefix + name + ".weight", hidden, kNorm);
  }
  plan.Vector(prefix + "router.scale", hidden, kScale);
  plan.Vector(prefix + "router.per_expert_scale", config.experts, kScale);
  plan.Matrix(prefix + "router.proj", config.experts, hidden);
  plan.Experts(prefix + "experts.gate_up_proj", config.experts, 2 * config.expert_intermediate_size, hidden);
  plan.Experts(prefix + "experts.down_proj", config.experts, hidden, config.expert_intermediate_size);
}

void PlanLayer(const TextConfig& config, std::size_t index, const std::string& prefix, Plan& plan) {
  const LayerConfig& layer = config.layers[index];
  const std::int64_t hidden = config.hidden_size;
  for (const char* name : {"input_layernorm", "post_attention_layernorm", "pre_feedforward_layernorm",
                           "post_feedforward_layernorm"}) {
    plan.Vector(prefix + name + ".weight", hidden, kNorm);
  }
  PlanAttention(config, layer, layer.kv_layer == static_cast<std::int64_t>(index), prefix + "self_attn.",
                plan);
  plan.Matrix(prefix + "mlp.gate_proj", layer.intermediate_size, hidden);
  plan.Matrix(prefix + "mlp.up_proj", layer.intermediate_size, hidden);
  plan.Matrix(prefix + "mlp.down_proj", hidden, layer.intermediate_size);
  if (config.experts > 0) PlanExperts(config, prefix, plan);
  if (config.per_layer_input_size > 0) {
    plan.Matrix(prefix + "per_layer_input_gate", config.per_layer_input_size, hidden);
    plan.Matrix(prefix + "per_layer_projection", hidden, config.per_layer_input_size);
    plan.Vector(prefix + "post_per_layer_input_norm.weight", hidden, kNorm);
  }
  plan.Vector(prefix + "layer_scalar", 1, kLayerScalar);
}

}  // namespace

std::uint64_t PlannedTensor::count() const {
  std::uint64_t product = 1;
  for (const std::int64_t size : shape) product *= static_cast<std::uint64_t>(size);
  return product;
}

std::vector<PlannedTensor> PlanTextTensors(const TextConfig& config, const std::string& prefix) {
  std::vector<PlannedTensor> tensors;
  Plan plan(tensors);
  plan.Table(prefix + "embed_tokens.weight", config.vocabulary_size, config.hidden_size);
  if (config.per_layer_input_size > 0) {
    const std::int64_t width = static_cast<std::int64_t>(config.layers.size()) * config.per_layer_input_size;
    plan.Table(prefix + "embed_tokens_per_layer.weight", config.per_layer_vocabulary_size, width);
    plan.Matrix(prefix + "per_layer_model_projection", width, config.hidden_size);
    plan.Vector(prefix + "per_layer_projection_norm.weight", config.per_layer_input_size, kNorm);
  }
  for (std::size_t i = 0; i < config.layers.size(); ++i) {
    PlanLayer(config, i, prefix + "layers." + std::to_string(i) + ".", plan);
  }
  plan.Vector(prefix + "norm.weight", config.hidden_size, kNorm);
  return tensors;
}

}  // namespace carat::bench
