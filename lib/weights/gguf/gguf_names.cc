#include "lib/weights/gguf/gguf_names.h"

#include <algorithm>
#include <span>

namespace carat::internal {
namespace {

struct NamePair {
  std::string_view gguf;
  std::string_view checkpoint;
};

constexpr NamePair kModelNames[] = {
    {"token_embd.weight", "embed_tokens.weight"},
    {"output_norm.weight", "norm.weight"},
    {"per_layer_token_embd.weight", "embed_tokens_per_layer.weight"},
    {"per_layer_model_proj.weight", "per_layer_model_projection.weight"},
    {"per_layer_proj_norm.weight", "per_layer_projection_norm.weight"},
};

constexpr NamePair kLayerNames[] = {
    {"attn_norm.weight", "input_layernorm.weight"},
    {"attn_q.weight", "self_attn.q_proj.weight"},
    {"attn_k.weight", "self_attn.k_proj.weight"},
    {"attn_v.weight", "self_attn.v_proj.weight"},
    {"attn_output.weight", "self_attn.o_proj.weight"},
    {"attn_q_norm.weight", "self_attn.q_norm.weight"},
    {"attn_k_norm.weight", "self_attn.k_norm.weight"},
    {"post_attention_norm.weight", "post_attention_layernorm.weight"},
    {"ffn_norm.weight", "pre_feedforward_layernorm.weight"},
    {"ffn_gate.weight", "mlp.gate_proj.weight"},
    {"ffn_up.weight", "mlp.up_proj.weight"},
    {"ffn_down.weight", "mlp.down_proj.weight"},
    {"post_ffw_norm.weight", "post_feedforward_layernorm.weight"},
    {"inp_gate.weight", "per_layer_input_gate.weight"},
    {"proj.weight", "per_layer_projection.weight"},
    {"post_norm.weight", "post_per_layer_input_norm.weight"},
    {"layer_output_scale.weight", "layer_scalar"},
    {"ffn_gate_inp.weight", "router.proj.weight"},
    {"ffn_gate_inp.scale", "router.scale"},
    {"ffn_down_exps.scale", "router.per_expert_scale"},
    {"pre_ffw_norm_2.weight", "pre_feedforward_layernorm_2.weight"},
    {"post_ffw_norm_1.weight", "post_feedforward_layernorm_1.weight"},
    {"post_ffw_norm_2.weight", "post_feedforward_layernorm_2.weight"},
    {"ffn_gate_up_exps.weight", "experts.gate_up_proj"},
    {"ffn_down_exps.weight", "experts.down_proj"},
};

constexpr std::string_view kGgufLayers = "blk.";
constexpr std::string_view kCheckpointLayers = "layers.";

// How to go in one direction.
struct Direction {
  std::string_view NamePair::*from;
  std::string_view NamePair::*to;
  std::string_view from_layers;
  std::string_view to_layers;
};

std::optional<std::string_view> Look(std::string_view name, std::span<const NamePair> names,
                                     const Direction& direction) {
  const auto found = std::find_if(names.begin(), names.end(),
                                  [&](const NamePair& pair) { return pair.*direction.from == name; });
  if (found == names.end()) return std::nullopt;
  return (*found).*direction.to;
}

std::optional<std::string> Translate(std::string_view name, const Direction& direction) {
  if (const auto found = Look(name, kModelNames, direction)) return std::string(*found);
  if (!name.starts_with(direction.from_layers)) return std::nullopt;
  name.remove_prefix(direction.from_layers.size());
  const std::size_t dot = name.find('.');
  if (dot == std::string_view::npos || dot == 0) return std::nullopt;
  const std::string_view number = name.substr(0, dot);
  const bool digits = std::all_of(number.begin(), number.end(), [](char c) { return c >= '0' && c <= '9'; });
  // A number has one way to be written: two names never mean one tensor.
  if (!digits || (number.size() > 1 && number[0] == '0')) return std::nullopt;
  const auto found = Look(name.substr(dot + 1), kLayerNames, direction);
  if (!found) return std::nullopt;
  std::string translated(direction.to_layers);
  translated += number;
  translated += '.';
  translated += *found;
  return translated;
}

}  // namespace

std::optional<std::string> CheckpointNameOf(std::string_view gguf_name) {
  return Translate(gguf_name, {&NamePair::gguf, &NamePair::checkpoint, kGgufLayers, kCheckpointLayers});
}

std::optional<std::string> GgufNameOf(std::string_view checkpoint_name) {
  return Translate(checkpoint_name, {&NamePair::checkpoint, &NamePair::gguf, kCheckpointLayers, kGgufLayers});
}

}  // namespace carat::internal
