#include "lib/text/text_weights.h"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <string>

#include "lib/base/error.h"
#include "lib/quant/block_formats.h"

namespace carat::internal {
namespace {

constexpr char kPerLayerTable[] = "embed_tokens_per_layer.weight";

class Binder {
 public:
  explicit Binder(const Checkpoint& checkpoint)
      : checkpoint_(checkpoint), config_(checkpoint.config().text) {}

  Result<TextWeights> Bind() const {
    TextWeights weights;
    const std::int64_t layers = static_cast<std::int64_t>(config_.layers.size());
    const std::int64_t per_layer = config_.per_layer_input_size;
    CARAT_ASSIGN_OR_RETURN(weights.embedding,
                           Matrix("embed_tokens.weight", config_.vocabulary_size, config_.hidden_size));
    weights.head = weights.embedding;
    CARAT_ASSIGN_OR_RETURN(weights.final_norm, Vector("norm.weight", config_.hidden_size));
    if (per_layer > 0) {
      CARAT_ASSIGN_OR_RETURN(weights.per_layer_embedding,
                             Matrix(kPerLayerTable, config_.per_layer_vocabulary_size, layers * per_layer));
      CARAT_ASSIGN_OR_RETURN(const MatrixView projection, Matrix("per_layer_model_projection.weight",
                                                                 layers * per_layer, config_.hidden_size));
      weights.per_layer_projection = WeightMatrix(projection, per_layer);
      CARAT_ASSIGN_OR_RETURN(weights.per_layer_norm, Vector("per_layer_projection_norm.weight", per_layer));
    }
    weights.layers.reserve(config_.layers.size());
    for (std::int64_t i = 0; i < layers; ++i) {
      CARAT_ASSIGN_OR_RETURN(LayerWeights layer, Layer(i));
      weights.layers.push_back(std::move(layer));
    }
    return weights;
  }

 private:
  Result<const TensorEntry*> Require(const std::string& name,
                                     std::initializer_list<std::int64_t> shape) const {
    return checkpoint_.Require(checkpoint_.text_prefix() + name, {shape.begin(), shape.size()});
  }

  Result<MatrixView> Matrix(const std::string& name, std::int64_t rows, std::int64_t cols) const {
    CARAT_ASSIGN_OR_RETURN(const TensorEntry* tensor, Require(name, {rows, cols}));
    return MatrixView{tensor->data, tensor->format, rows, cols};
  }

  // A stack of matrices, seen as one.
  Result<WeightMatrix> Stack(const std::string& name, std::int64_t count, std::int64_t rows,
                             std::int64_t cols) const {
    CARAT_ASSIGN_OR_RETURN(const TensorEntry* tensor, Require(name, {count, rows, cols}));
    return WeightMatrix(MatrixView{tensor->data, tensor->format, count * rows, cols}, rows);
  }

  Result<std::vector<float>> Vector(const std::string& name, std::int64_t size) const {
    CARAT_ASSIGN_OR_RETURN(const TensorEntry* tensor, Require(name, {size}));
    std::vector<float> values(static_cast<std::size_t>(size));
    DecodeBlocks(tensor->format, tensor->data, size, values.data());
    return values;
  }

  Result<LayerWeights> Layer(std::int64_t index) const {
    const LayerConfig& layer = config_.layers[static_cast<std::size_t>(index)];
    const std::int64_t hidden = config_.hidden_size;
    const std::int64_t queries = config_.attention_heads * layer.head_dim;
    const std::int64_t keys = layer.kv_heads * layer.head_dim;
    const std::int64_t width = layer.intermediate_size;
    const std::string at = absl::StrFormat("layers.%d.", index);
    LayerWeights w;
    CARAT_ASSIGN_OR_RETURN(w.input_norm, Vector(at + "input_layernorm.weight", hidden));
    CARAT_ASSIGN_OR_RETURN(w.post_attention_norm, Vector(at + "post_attention_layernorm.weight", hidden));
    CARAT_ASSIGN_OR_RETURN(w.pre_feedforward_norm, Vector(at + "pre_feedforward_layernorm.weight", hidden));
    CARAT_ASSIGN_OR_RETURN(w.post_feedforward_norm, Vector(at + "post_feedforward_layernorm.weight", hidden));
    CARAT_ASSIGN_OR_RETURN(w.q, Matrix(at + "self_attn.q_proj.weight", queries, hidden));
    CARAT_ASSIGN_OR_RETURN(w.q_norm, Vector(at + "self_attn.q_norm.weight", layer.head_dim));
    CARAT_ASSIGN_OR_RETURN(w.o, Matrix(at + "self_attn.o_proj.weight", hidden, queries));
    if (layer.kv_layer == index) {
      CARAT_ASSIGN_OR_RETURN(w.k, Matrix(at + "self_attn.k_proj.weight", keys, hidden));
      CARAT_ASSIGN_OR_RETURN(w.k_norm, Vector(at + "self_attn.k_norm.weight", layer.head_dim));
      if (!layer.keys_are_values) {
        CARAT_ASSIGN_OR_RETURN(w.v, Matrix(at + "self_attn.v_proj.weight", keys, hidden));
      }
    }
    CARAT_ASSIGN_OR_RETURN(w.gate, Matrix(at + "mlp.gate_proj.weight", width, hidden));
    CARAT_ASSIGN_OR_RETURN(w.up, Matrix(at + "mlp.up_proj.weight", width, hidden));
    CARAT_ASSIGN_OR_RETURN(w.down, Matrix(at + "mlp.down_proj.weight", hidden, width));
    CARAT_ASSIGN_OR_RETURN(const auto scalar, Vector(at + "layer_scalar", 1));
    w.scalar = scalar[0];
    if (config_.per_layer_input_size > 0) {
      CARAT_ASSIGN_OR_RETURN(w.per_layer, PerLayer(at));
    }
    if (config_.experts > 0) {
      CARAT_ASSIGN_OR_RETURN(w.experts, Experts(at));
    }
    return w;
  }

  Result<std::optional<PerLayerWeights>> PerLayer(const std::string& at) const {
    PerLayerWeights w;
    CARAT_ASSIGN_OR_RETURN(w.gate, Matrix(at + "per_layer_input_gate.weight", config_.per_layer_input_size,
                                          config_.hidden_size));
    CARAT_ASSIGN_OR_RETURN(w.projection, Matrix(at + "per_layer_projection.weight", config_.hidden_size,
                                                config_.per_layer_input_size));
    CARAT_ASSIGN_OR_RETURN(w.norm, Vector(at + "post_per_layer_input_norm.weight", config_.hidden_size));
    return std::optional<PerLayerWeights>(std::move(w));
  }

  Result<std::optional<ExpertWeights>> Experts(const std::string& at) const {
    const std::int64_t hidden = config_.hidden_size;
    const std::int64_t width = config_.expert_intermediate_size;
    ExpertWeights w;
    CARAT_ASSIGN_OR_RETURN(w.router_scale, Vector(at + "router.scale", hidden));
    const auto factor = static_cast<float>(1.0 / std::sqrt(static_cast<double>(hidden)));
    for (float& value : w.router_scale) value *= factor;
    CARAT_ASSIGN_OR_RETURN(w.router, Matrix(at + "router.proj.weight", config_.experts, hidden));
    CARAT_ASSIGN_OR_RETURN(w.per_expert_scale, Vector(at + "router.per_expert_scale", config_.experts));
    CARAT_ASSIGN_OR_RETURN(w.dense_norm, Vector(at + "post_feedforward_layernorm_1.weight", hidden));
    CARAT_ASSIGN_OR_RETURN(w.input_norm, Vector(at + "pre_feedforward_layernorm_2.weight", hidden));
    CARAT_ASSIGN_OR_RETURN(w.output_norm, Vector(at + "post_feedforward_layernorm_2.weight", hidden));
    CARAT_ASSIGN_OR_RETURN(w.gate_up, Stack(at + "experts.gate_up_proj", config_.experts, 2 * width, hidden));
    CARAT_ASSIGN_OR_RETURN(w.down, Stack(at + "experts.down_proj", config_.experts, hidden, width));
    return std::optional<ExpertWeights>(std::move(w));
  }

  const Checkpoint& checkpoint_;
  const TextConfig& config_;
};

// Whether a tensor belongs to a KV-shared layer's own keys and values, which released checkpoints carry and
// nobody reads.
bool IsUnusedKeyValue(const TextConfig& config, const std::string& name, const std::string& prefix) {
  const std::string layers = prefix + "layers.";
  if (name.compare(0, layers.size(), layers) != 0) return false;
  const std::size_t dot = name.find('.', layers.size());
  if (dot == std::string::npos) return false;
  const std::string rest = name.substr(dot + 1);
  const bool key_value = rest == "self_attn.k_proj.weight" || rest == "self_attn.v_proj.weight";
  return key_value && std::atoll(name.c_str() + layers.size()) > config.last_kv_layer();
}

}  // namespace

std::int64_t TextWeights::MaxColumns() const {
  std::int64_t most = embedding.cols;
  for (const LayerWeights& layer : layers) {
    for (const WeightMatrix* matrix : {&layer.q, &layer.o, &layer.gate, &layer.down})
      most = std::max(most, matrix->k());
    if (layer.per_layer) most = std::max(most, layer.per_layer->projection.k());
    if (layer.experts) most = std::max(most, layer.experts->down.k());
  }
  return most;
}

namespace {

// Adds up `value` of the weights that a token goes through in one layer; of the experts, those that are
// chosen.
template <typename Value>
std::int64_t SumOfLayer(const TextConfig& config, const LayerWeights& layer, Value value) {
  std::int64_t sum = 0;
  for (const WeightMatrix* weights :
       {&layer.q, &layer.k, &layer.v, &layer.o, &layer.gate, &layer.up, &layer.down})
    sum += value(*weights);
  if (layer.per_layer) sum += value(layer.per_layer->gate) + value(layer.per_layer->projection);
  if (layer.experts) {
    sum += value(layer.experts->router) + (value(layer.experts->gate_up) + value(layer.experts->down)) /
                                              config.experts * config.experts_per_token;
  }
  return sum;
}

std::int64_t OperationsOf(const WeightMatrix& weights) {
  return 2 * weights.rows() * weights.k();
}

}  // namespace

std::int64_t TextWeights::BytesPerToken(const TextConfig& config) const {
  const auto bytes = [](const WeightMatrix& weights) { return static_cast<std::int64_t>(weights.bytes()); };
  std::int64_t sum = bytes(head) + bytes(per_layer_projection);
  for (const LayerWeights& layer : layers) sum += SumOfLayer(config, layer, bytes);
  return sum;
}

std::int64_t TextWeights::OperationsPerPromptToken(const TextConfig& config) const {
  const std::int64_t last = config.last_kv_layer();
  const auto count = static_cast<std::int64_t>(layers.size());
  std::int64_t sum = OperationsOf(per_layer_projection) / count * (last + 1);
  for (std::int64_t i = 0; i < last; ++i)
    sum += SumOfLayer(config, layers[static_cast<std::size_t>(i)], OperationsOf);
  const LayerWeights& owner = layers[static_cast<std::size_t>(last)];
  return sum + OperationsOf(owner.k) + OperationsOf(owner.v);
}

std::vector<WeightMatrix*> TextWeights::Products() {
  std::vector<WeightMatrix*> all;
  const auto add = [&](WeightMatrix& weights) {
    if (weights.rows() > 0) all.push_back(&weights);
  };
  add(per_layer_projection);
  for (LayerWeights& layer : layers) {
    for (WeightMatrix* weights :
         {&layer.q, &layer.k, &layer.v, &layer.o, &layer.gate, &layer.up, &layer.down})
      add(*weights);
    if (layer.experts) {
      add(layer.experts->router);
      add(layer.experts->gate_up);
      add(layer.experts->down);
    }
    if (layer.per_layer) {
      add(layer.per_layer->gate);
      add(layer.per_layer->projection);
    }
  }
  add(head);
  return all;
}

std::vector<const WeightMatrix*> TextWeights::Products() const {
  const std::vector<WeightMatrix*> all = const_cast<TextWeights*>(this)->Products();
  return {all.begin(), all.end()};
}

Result<TextWeights> BindTextWeights(const Checkpoint& checkpoint) {
  return Binder(checkpoint).Bind();
}

std::vector<const TensorEntry*> TensorsReadByEveryToken(const Checkpoint& checkpoint) {
  const std::string& prefix = checkpoint.text_prefix();
  std::vector<const TensorEntry*> found;
  for (const TensorEntry& tensor : checkpoint.tensors()) {
    if (tensor.name.compare(0, prefix.size(), prefix) != 0 || tensor.name == prefix + kPerLayerTable)
      continue;
    if (IsUnusedKeyValue(checkpoint.config().text, tensor.name, prefix)) continue;
    found.push_back(&tensor);
  }
  return found;
}

std::vector<const TensorEntry*> TensorsLookedUp(const Checkpoint& checkpoint) {
  std::vector<const TensorEntry*> found;
  if (const TensorEntry* table = checkpoint.Find(checkpoint.text_prefix() + kPerLayerTable))
    found.push_back(table);
  return found;
}

}  // namespace carat::internal
