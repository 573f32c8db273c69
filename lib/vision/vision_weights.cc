#include "lib/vision/vision_weights.h"

#include <cmath>
#include <cstring>
#include <initializer_list>
#include <utility>

#include "lib/base/error.h"

namespace carat::internal {
namespace {

constexpr std::string_view kTower = "model.vision_tower.";
constexpr std::string_view kProjection = "model.embed_vision.";

class Binder {
 public:
  Binder(const Checkpoint& checkpoint, const VisionConfig& config)
      : checkpoint_(checkpoint), config_(config) {}

  Result<VisionWeights> Bind() const {
    const std::int64_t hidden = config_.hidden_size;
    VisionWeights weights;
    CARAT_RETURN_IF_ERROR(PatchProjection(weights));
    CARAT_ASSIGN_OR_RETURN(weights.positions, Positions());
    if (config_.standardize) {
      CARAT_ASSIGN_OR_RETURN(weights.std_bias, Vector(Tower("std_bias"), {hidden}));
      CARAT_ASSIGN_OR_RETURN(weights.std_scale, Vector(Tower("std_scale"), {hidden}));
    }
    CARAT_ASSIGN_OR_RETURN(weights.text_projection,
                           Matrix(std::string(kProjection) + "embedding_projection.weight",
                                  checkpoint_.config().text.hidden_size, hidden));
    weights.layers.reserve(static_cast<std::size_t>(config_.layers));
    for (std::int64_t i = 0; i < config_.layers; ++i) {
      CARAT_ASSIGN_OR_RETURN(VisionLayerWeights layer, Layer(i));
      weights.layers.push_back(std::move(layer));
    }
    return weights;
  }

 private:
  static std::string Tower(const std::string& name) { return std::string(kTower) + name; }

  Result<const TensorEntry*> Require(const std::string& name,
                                     std::initializer_list<std::int64_t> shape) const {
    return checkpoint_.Require(name, {shape.begin(), shape.size()});
  }

  Result<MatrixView> Matrix(const std::string& name, std::int64_t rows, std::int64_t cols) const {
    CARAT_ASSIGN_OR_RETURN(const TensorEntry* tensor, Require(name, {rows, cols}));
    return MatrixView{tensor->data, tensor->format, rows, cols};
  }

  // A folder's rows are as pictures are prepared; a GGUF file's lie channel by channel and are put in order.
  // They are f32 there for other readers' sake, and bf16 again here where that loses nothing.
  Status PatchProjection(VisionWeights& weights) const {
    const std::string name = Tower("patch_embedder.input_proj.weight");
    const std::int64_t hidden = config_.hidden_size, values = config_.patch_values();
    const TensorEntry* found = checkpoint_.Find(name);
    if (found == nullptr || found->shape.size() != 4) {
      CARAT_ASSIGN_OR_RETURN(weights.patch_projection, Matrix(name, hidden, values));
      return {};
    }
    const std::int64_t side = config_.patch_size;
    CARAT_ASSIGN_OR_RETURN(const TensorEntry* tensor, Require(name, {hidden, 3, side, side}));
    const auto count = static_cast<std::size_t>(hidden * values);
    bool fits_bf16 = true;
    for (std::size_t i = 0; i < count && fits_bf16; ++i) {
      const float value = LoadValue(tensor->data, tensor->format, i);
      fits_bf16 = BFloat16ToFloat(FloatToBFloat16(value)) == value;
    }
    const NumberFormat format = fits_bf16 ? NumberFormat::kBF16 : NumberFormat::kF32;
    CARAT_ASSIGN_OR_RETURN(weights.ordered_patch_projection,
                           AlignedBytes::Allocate(BytesOf(format, hidden * values), 1, "a patch projection"));
    auto* data = static_cast<std::byte*>(weights.ordered_patch_projection.data());
    for (std::int64_t row = 0; row < hidden; ++row) {
      for (std::int64_t i = 0; i < values; ++i) {
        const float value =
            LoadValue(tensor->data, tensor->format, static_cast<std::size_t>(row * values + i));
        const auto to = static_cast<std::size_t>(row * values + PatchValueOf(i, side));
        const std::uint16_t rounded = FloatToBFloat16(value);
        if (fits_bf16) std::memcpy(data + to * sizeof(rounded), &rounded, sizeof(rounded));
        if (!fits_bf16) std::memcpy(data + to * sizeof(value), &value, sizeof(value));
      }
    }
    weights.patch_projection = {data, format, hidden, values};
    return {};
  }

  Result<MatrixView> Positions() const {
    const std::int64_t size = config_.position_embedding_size;
    CARAT_ASSIGN_OR_RETURN(
        const TensorEntry* tensor,
        Require(Tower("patch_embedder.position_embedding_table"), {2, size, config_.hidden_size}));
    return MatrixView{tensor->data, tensor->format, 2 * size, config_.hidden_size};
  }

  Result<std::vector<float>> Vector(const std::string& name,
                                    std::initializer_list<std::int64_t> shape) const {
    CARAT_ASSIGN_OR_RETURN(const TensorEntry* tensor, Require(name, shape));
    std::vector<float> values(static_cast<std::size_t>(tensor->values()));
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = LoadValue(tensor->data, tensor->format, i);
    return values;
  }

  Result<float> Bound(const std::string& name) const {
    CARAT_ASSIGN_OR_RETURN(const auto values, Vector(name, {}));
    if (!std::isnan(values[0])) return values[0];
    return InvalidArgument("%s: tensor '%s', a bound of a clipped product, is not a number",
                           checkpoint_.folder(), name);
  }

  Result<ClippedMatrix> Linear(const std::string& name, std::int64_t rows, std::int64_t cols) const {
    ClippedMatrix linear;
    CARAT_ASSIGN_OR_RETURN(linear.weights, Matrix(name + ".linear.weight", rows, cols));
    if (!config_.clipped_linears) return linear;
    CARAT_ASSIGN_OR_RETURN(linear.input.low, Bound(name + ".input_min"));
    CARAT_ASSIGN_OR_RETURN(linear.input.high, Bound(name + ".input_max"));
    CARAT_ASSIGN_OR_RETURN(linear.output.low, Bound(name + ".output_min"));
    CARAT_ASSIGN_OR_RETURN(linear.output.high, Bound(name + ".output_max"));
    return linear;
  }

  Result<VisionLayerWeights> Layer(std::int64_t index) const {
    const std::int64_t hidden = config_.hidden_size;
    const std::int64_t queries = config_.attention_heads * config_.head_dim;
    const std::int64_t keys = config_.kv_heads * config_.head_dim;
    const std::int64_t width = config_.intermediate_size;
    const std::string at = Tower(absl::StrFormat("encoder.layers.%d.", index));
    const std::pair<const char*, std::vector<float> VisionLayerWeights::*> norms[] = {
        {"input_layernorm", &VisionLayerWeights::input_norm},
        {"post_attention_layernorm", &VisionLayerWeights::post_attention_norm},
        {"pre_feedforward_layernorm", &VisionLayerWeights::pre_feedforward_norm},
        {"post_feedforward_layernorm", &VisionLayerWeights::post_feedforward_norm},
    };
    VisionLayerWeights w;
    for (const auto& [name, norm] : norms) {
      CARAT_ASSIGN_OR_RETURN(w.*norm, Vector(at + name + ".weight", {hidden}));
    }
    CARAT_ASSIGN_OR_RETURN(w.q_norm, Vector(at + "self_attn.q_norm.weight", {config_.head_dim}));
    CARAT_ASSIGN_OR_RETURN(w.k_norm, Vector(at + "self_attn.k_norm.weight", {config_.head_dim}));
    CARAT_ASSIGN_OR_RETURN(w.q, Linear(at + "self_attn.q_proj", queries, hidden));
    CARAT_ASSIGN_OR_RETURN(w.k, Linear(at + "self_attn.k_proj", keys, hidden));
    CARAT_ASSIGN_OR_RETURN(w.v, Linear(at + "self_attn.v_proj", keys, hidden));
    CARAT_ASSIGN_OR_RETURN(w.o, Linear(at + "self_attn.o_proj", hidden, queries));
    CARAT_ASSIGN_OR_RETURN(w.gate, Linear(at + "mlp.gate_proj", width, hidden));
    CARAT_ASSIGN_OR_RETURN(w.up, Linear(at + "mlp.up_proj", width, hidden));
    CARAT_ASSIGN_OR_RETURN(w.down, Linear(at + "mlp.down_proj", hidden, width));
    return w;
  }

  const Checkpoint& checkpoint_;
  const VisionConfig& config_;
};

}  // namespace

bool VisionWeights::all_bf16() const {
  const auto is_bf16 = [](const MatrixView& matrix) { return matrix.format == NumberFormat::kBF16; };
  if (!is_bf16(patch_projection) || !is_bf16(text_projection)) return false;
  for (const VisionLayerWeights& layer : layers) {
    for (const ClippedMatrix* linear :
         {&layer.q, &layer.k, &layer.v, &layer.o, &layer.gate, &layer.up, &layer.down}) {
      if (!is_bf16(linear->weights)) return false;
    }
  }
  return true;
}

Result<VisionWeights> BindVisionWeights(const Checkpoint& checkpoint, const VisionConfig& config) {
  return Binder(checkpoint, config).Bind();
}

std::vector<const TensorEntry*> VisionTensors(const Checkpoint& checkpoint) {
  std::vector<const TensorEntry*> found;
  for (const TensorEntry& tensor : checkpoint.tensors()) {
    if (tensor.name.starts_with(kTower) || tensor.name.starts_with(kProjection)) found.push_back(&tensor);
  }
  return found;
}

}  // namespace carat::internal
