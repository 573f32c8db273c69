#include "lib/weights/gguf/gguf_tower_names.h"

#include <algorithm>
#include <array>
#include <span>
#include <string>

namespace carat::internal {
namespace {

struct NamePair {
  std::string_view gguf;
  std::string_view checkpoint;
};

constexpr NamePair kNames[] = {
    {"v.patch_embd.weight", "model.vision_tower.patch_embedder.input_proj.weight"},
    {"v.position_embd.weight", "model.vision_tower.patch_embedder.position_embedding_table"},
    {"v.std_bias", "model.vision_tower.std_bias"},
    {"v.std_scale", "model.vision_tower.std_scale"},
    {"mm.input_projection.weight", "model.embed_vision.embedding_projection.weight"},
    {"a.conv1d.0.weight", "model.audio_tower.subsample_conv_projection.layer0.conv.weight"},
    {"a.conv1d.0.norm.weight", "model.audio_tower.subsample_conv_projection.layer0.norm.weight"},
    {"a.conv1d.1.weight", "model.audio_tower.subsample_conv_projection.layer1.conv.weight"},
    {"a.conv1d.1.norm.weight", "model.audio_tower.subsample_conv_projection.layer1.norm.weight"},
    {"a.input_projection.weight", "model.audio_tower.subsample_conv_projection.input_proj_linear.weight"},
    {"a.pre_encode.out.weight", "model.audio_tower.output_proj.weight"},
    {"a.pre_encode.out.bias", "model.audio_tower.output_proj.bias"},
    {"mm.a.input_projection.weight", "model.embed_audio.embedding_projection.weight"},
};

constexpr NamePair kVisionLayer[] = {
    {"ln1.weight", "input_layernorm.weight"},
    {"attn_q_norm.weight", "self_attn.q_norm.weight"},
    {"attn_k_norm.weight", "self_attn.k_norm.weight"},
    {"attn_post_norm.weight", "post_attention_layernorm.weight"},
    {"ln2.weight", "pre_feedforward_layernorm.weight"},
    {"ffn_post_norm.weight", "post_feedforward_layernorm.weight"},
};
constexpr NamePair kVisionProducts[] = {
    {"attn_q", "self_attn.q_proj"},   {"attn_k", "self_attn.k_proj"}, {"attn_v", "self_attn.v_proj"},
    {"attn_out", "self_attn.o_proj"}, {"ffn_gate", "mlp.gate_proj"},  {"ffn_up", "mlp.up_proj"},
    {"ffn_down", "mlp.down_proj"},
};

// The two norms of the light convolution stand crossed: so the format's other readers expect them.
constexpr NamePair kAudioLayer[] = {
    {"ffn_norm.weight", "feed_forward1.pre_layer_norm.weight"},
    {"ffn_post_norm.weight", "feed_forward1.post_layer_norm.weight"},
    {"ffn_norm_1.weight", "feed_forward2.pre_layer_norm.weight"},
    {"ffn_post_norm_1.weight", "feed_forward2.post_layer_norm.weight"},
    {"attn_pre_norm.weight", "norm_pre_attn.weight"},
    {"attn_post_norm.weight", "norm_post_attn.weight"},
    {"attn_k_rel.weight", "self_attn.relative_k_proj.weight"},
    {"per_dim_scale.weight", "self_attn.per_dim_scale"},
    {"conv_norm.weight", "lconv1d.pre_layer_norm.weight"},
    {"norm_conv.weight", "lconv1d.conv_norm.weight"},
    {"conv_dw.weight", "lconv1d.depthwise_conv1d.weight"},
    {"ln2.weight", "norm_out.weight"},
};
constexpr NamePair kAudioProducts[] = {
    {"ffn_up", "feed_forward1.ffw_layer_1"},
    {"ffn_down", "feed_forward1.ffw_layer_2"},
    {"ffn_up_1", "feed_forward2.ffw_layer_1"},
    {"ffn_down_1", "feed_forward2.ffw_layer_2"},
    {"attn_q", "self_attn.q_proj"},
    {"attn_k", "self_attn.k_proj"},
    {"attn_v", "self_attn.v_proj"},
    {"attn_out", "self_attn.post"},
    {"conv_pw1", "lconv1d.linear_start"},
    {"conv_pw2", "lconv1d.linear_end"},
};

// What follows the name of a product whose activations are brought between bounds.
constexpr NamePair kProductParts[] = {
    {".weight", ".linear.weight"},  {".input_min", ".input_min"},   {".input_max", ".input_max"},
    {".output_min", ".output_min"}, {".output_max", ".output_max"},
};

struct Stack {
  NamePair layers;
  std::span<const NamePair> names;
  std::span<const NamePair> products;
};
constexpr std::array<Stack, 2> kStacks = {{
    {{"v.blk.", "model.vision_tower.encoder.layers."}, kVisionLayer, kVisionProducts},
    {{"a.blk.", "model.audio_tower.layers."}, kAudioLayer, kAudioProducts},
}};

using Side = std::string_view NamePair::*;

std::optional<std::string> Look(std::string_view name, std::span<const NamePair> names, Side from, Side to) {
  const auto found =
      std::find_if(names.begin(), names.end(), [&](const NamePair& pair) { return pair.*from == name; });
  if (found == names.end()) return std::nullopt;
  return std::string((*found).*to);
}

// A product's name with what follows it.
std::optional<std::string> LookProduct(std::string_view name, std::span<const NamePair> products, Side from,
                                       Side to) {
  for (const NamePair& part : kProductParts) {
    if (!name.ends_with(part.*from)) continue;
    auto product = Look(name.substr(0, name.size() - (part.*from).size()), products, from, to);
    if (product) return *product + std::string(part.*to);
  }
  return std::nullopt;
}

std::optional<std::string> Translate(std::string_view name, Side from, Side to) {
  if (auto found = Look(name, kNames, from, to)) return found;
  for (const Stack& stack : kStacks) {
    if (!name.starts_with(stack.layers.*from)) continue;
    const std::string_view rest = name.substr((stack.layers.*from).size());
    const std::size_t dot = rest.find('.');
    if (dot == std::string_view::npos || dot == 0) return std::nullopt;
    const std::string_view number = rest.substr(0, dot);
    const bool digits =
        std::all_of(number.begin(), number.end(), [](char c) { return c >= '0' && c <= '9'; });
    // A number has one way to be written: two names never mean one tensor.
    if (!digits || (number.size() > 1 && number[0] == '0')) return std::nullopt;
    auto inside = Look(rest.substr(dot + 1), stack.names, from, to);
    if (!inside) inside = LookProduct(rest.substr(dot + 1), stack.products, from, to);
    if (!inside) return std::nullopt;
    return std::string(stack.layers.*to) + std::string(number) + "." + *inside;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> TowerNameOf(std::string_view gguf_name) {
  return Translate(gguf_name, &NamePair::gguf, &NamePair::checkpoint);
}

std::optional<std::string> GgufTowerNameOf(std::string_view checkpoint_name) {
  return Translate(checkpoint_name, &NamePair::checkpoint, &NamePair::gguf);
}

bool IsTowerTensor(std::string_view gguf_name) {
  return gguf_name.starts_with("v.") || gguf_name.starts_with("a.") || gguf_name.starts_with("mm.");
}

bool HasOllamaNames(const GgufModel* model) {
  return model != nullptr && model->FindTensor(kOllamaOutput).tensor != nullptr;
}

std::string MmprojNameOf(std::string_view ollama_name) {
  constexpr NamePair kModelNames[] = {
      {"a.pre_encode.out.weight", "a.input_projection.weight"},
      {kOllamaOutput, "a.pre_encode.out.weight"},
      {"mm.a.fc.bias", "a.pre_encode.out.bias"},
  };
  constexpr NamePair kLayerNames[] = {
      {"ln1.weight", "attn_pre_norm.weight"},
      {"ln2.weight", "attn_post_norm.weight"},
      {"layer_pre_norm.weight", "ln2.weight"},
      {"linear_pos.weight", "attn_k_rel.weight"},
  };
  if (auto found = Look(ollama_name, kModelNames, &NamePair::gguf, &NamePair::checkpoint)) return *found;
  constexpr std::string_view kLayers = "a.blk.";
  const std::size_t dot = ollama_name.find('.', kLayers.size());
  if (ollama_name.starts_with(kLayers) && dot != std::string_view::npos) {
    const auto found = Look(ollama_name.substr(dot + 1), kLayerNames, &NamePair::gguf, &NamePair::checkpoint);
    if (found) return std::string(ollama_name.substr(0, dot + 1)) + *found;
  }
  return std::string(ollama_name);
}

std::vector<std::string> PackedVisionBoundNames(std::int64_t layers) {
  constexpr std::string_view kBounds[] = {".input_min", ".input_max", ".output_min", ".output_max"};
  std::vector<std::string> names;
  for (std::int64_t layer = 0; layer < layers; ++layer) {
    for (const NamePair& product : kVisionProducts) {
      for (const std::string_view bound : kBounds) {
        names.push_back(std::string(kStacks[0].layers.checkpoint) + std::to_string(layer) + "." +
                        std::string(product.checkpoint) + std::string(bound));
      }
    }
  }
  return names;
}

}  // namespace carat::internal
