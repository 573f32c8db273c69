#include "lib/weights/folder/text_config.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/base/checked.h"
#include "lib/base/error.h"
#include "lib/weights/folder/config_values.h"
#include "lib/weights/layer_rules.h"

namespace carat::internal {
namespace {

// What the reference assumes where the file says nothing.
namespace defaults {
constexpr std::int64_t kHiddenSize = 2304;
constexpr std::int64_t kIntermediateSize = 9216;
constexpr std::int64_t kLayerCount = 30;
constexpr std::int64_t kAttentionHeads = 8;
constexpr std::int64_t kKeyValueHeads = 4;
constexpr std::int64_t kHeadDim = 256;
constexpr std::int64_t kGlobalHeadDim = 512;
constexpr std::int64_t kVocabulary = 262144;
constexpr std::int64_t kContextLength = 131072;
constexpr std::int64_t kSlidingWindow = 512;
constexpr std::int64_t kPerLayerInput = 256;
constexpr double kNormEpsilon = 1e-6;
constexpr std::int64_t kFullLayerEvery = 6;
constexpr double kSlidingTheta = 1e4;
constexpr double kFullTheta = 1e6;
constexpr double kFullPartialRotary = 0.25;
}  // namespace defaults

constexpr double kLargest = std::numeric_limits<double>::max();

// Indexed by LayerConfig::full_attention.
constexpr std::array<std::string_view, 2> kLayerKinds = {"sliding_attention", "full_attention"};

// Refuses a string that names something other than the one thing that carat computes.
Status CheckName(const JsonObject& object, std::string_view key, std::string_view expected) {
  CARAT_ASSIGN_OR_RETURN(const std::optional<std::string> name, object.String(key));
  if (!name || *name == expected) return {};
  return Unimplemented("%s is '%s', but this version of carat runs '%s' only", object.Locate(key), *name,
                       std::string(expected));
}

// The older place for how rotary angles are scaled. This architecture says it in rope_parameters, and the
// reference does not read the older one: whoever wrote it wanted something that would not happen.
Status CheckRopeScaling(const JsonObject& object) {
  constexpr std::string_view kKey = "rope_scaling";
  CARAT_ASSIGN_OR_RETURN(const auto scaling, object.Object(kKey));
  if (!scaling) return {};
  CARAT_ASSIGN_OR_RETURN(auto type, scaling->String("rope_type"));
  if (!type) {
    CARAT_ASSIGN_OR_RETURN(type, scaling->String("type"));
  }
  if (type == "default") return {};
  return Unimplemented(
      "%s is there%s, but models of this kind say in rope_parameters how angles are scaled, for each kind of "
      "layer: remove the key or move it there",
      object.Locate(kKey), type ? " and asks for '" + *type + "'" : "");
}

// Features that change what is computed and that carat lacks: refused rather than ignored.
Status CheckFeatures(const JsonObject& object) {
  CARAT_RETURN_IF_ERROR(CheckRopeScaling(object));
  CARAT_RETURN_IF_ERROR(CheckName(object, "model_type", "gemma4_text"));
  CARAT_RETURN_IF_ERROR(CheckName(object, "hidden_activation", "gelu_pytorch_tanh"));
  CARAT_ASSIGN_OR_RETURN(const bool bias, BooleanOr(object, "attention_bias", false));
  if (bias) {
    return Unimplemented("%s is true, but this version of carat runs attention without biases only",
                         object.Locate("attention_bias"));
  }
  CARAT_ASSIGN_OR_RETURN(const bool tied, BooleanOr(object, "tie_word_embeddings", true));
  if (!tied) {
    return Unimplemented("%s is false, but this version of carat runs tied embeddings only",
                         object.Locate("tie_word_embeddings"));
  }
  return {};
}

Status ReadSizes(const JsonObject& object, TextConfig& config) {
  CARAT_ASSIGN_OR_RETURN(config.hidden_size, IntegerOr(object, "hidden_size", defaults::kHiddenSize, kWidth));
  CARAT_ASSIGN_OR_RETURN(config.vocabulary_size,
                         IntegerOr(object, "vocab_size", defaults::kVocabulary, kVocabulary));
  CARAT_ASSIGN_OR_RETURN(config.attention_heads,
                         IntegerOr(object, "num_attention_heads", defaults::kAttentionHeads, kHeads));
  CARAT_ASSIGN_OR_RETURN(config.sliding_window,
                         IntegerOr(object, "sliding_window", defaults::kSlidingWindow, kPositions));
  CARAT_ASSIGN_OR_RETURN(config.context_length,
                         IntegerOr(object, "max_position_embeddings", defaults::kContextLength, kPositions));
  CARAT_ASSIGN_OR_RETURN(config.pad_token,
                         IntegerOr(object, "pad_token_id", 0, {0, config.vocabulary_size - 1}));
  CARAT_ASSIGN_OR_RETURN(const auto epsilon, FindNumber(object, "rms_norm_eps", {0, 1, true}));
  config.rms_norm_epsilon = epsilon.value_or(defaults::kNormEpsilon);
  CARAT_ASSIGN_OR_RETURN(config.final_logit_softcap,
                         FindNumber(object, "final_logit_softcapping", {0, kLargest, true}));
  return {};
}

Status ReadBidirectional(const JsonObject& object, TextConfig& config) {
  constexpr std::string_view kKey = "use_bidirectional_attention";
  CARAT_ASSIGN_OR_RETURN(const std::optional<std::string> value, object.String(kKey));
  if (value && *value == "all") {
    return Unimplemented("%s is 'all', but this version of carat runs causal decoders only",
                         object.Locate(kKey));
  }
  if (value && *value != "vision") {
    return InvalidArgument("%s is '%s', but must be 'vision', 'all' or null", object.Locate(kKey), *value);
  }
  config.bidirectional_media = value.has_value();
  return {};
}

Status ReadExperts(const JsonObject& object, TextConfig& config) {
  CARAT_ASSIGN_OR_RETURN(const bool enabled, BooleanOr(object, "enable_moe_block", false));
  if (!enabled) return {};
  CARAT_ASSIGN_OR_RETURN(config.experts, RequireInteger(object, "num_experts", kExperts));
  CARAT_ASSIGN_OR_RETURN(config.experts_per_token,
                         RequireInteger(object, "top_k_experts", {1, config.experts}));
  // The second is the older name of the first.
  const bool old_name = !object.Has("moe_intermediate_size") && object.Has("expert_intermediate_size");
  CARAT_ASSIGN_OR_RETURN(
      config.expert_intermediate_size,
      RequireInteger(object, old_name ? "expert_intermediate_size" : "moe_intermediate_size", kWidth));
  return {};
}

// Per-layer embeddings: one table whose rows hold a piece for every layer.
Status ReadPerLayerInput(const JsonObject& object, std::int64_t layers, TextConfig& config) {
  constexpr std::string_view kKey = "hidden_size_per_layer_input";
  const std::int64_t otherwise = IsPresent(object, kKey) ? 0 : defaults::kPerLayerInput;
  CARAT_ASSIGN_OR_RETURN(config.per_layer_input_size, IntegerOr(object, kKey, otherwise, {0, kWidth.high}));
  if (config.per_layer_input_size == 0) return {};
  const auto width = CheckedMultiply(config.per_layer_input_size, layers);
  if (!width || *width > kWidth.high) {
    return InvalidArgument("%s is %d, which for %d layers is more than the %d that carat allows together",
                           object.Locate(kKey), config.per_layer_input_size, layers, kWidth.high);
  }
  constexpr std::string_view kVocabularyKey = "vocab_size_per_layer_input";
  CARAT_ASSIGN_OR_RETURN(config.per_layer_vocabulary_size,
                         IntegerOr(object, kVocabularyKey, defaults::kVocabulary, kVocabulary));
  if (config.per_layer_vocabulary_size < config.vocabulary_size) {
    return InvalidArgument("%s is %d, but must be at least vocab_size, %d", object.Locate(kVocabularyKey),
                           config.per_layer_vocabulary_size, config.vocabulary_size);
  }
  return {};
}

// Which layers are full-attention ones.
Result<std::vector<bool>> ReadLayerKinds(const JsonObject& object) {
  CARAT_ASSIGN_OR_RETURN(const std::int64_t count,
                         IntegerOr(object, "num_hidden_layers", defaults::kLayerCount, kLayers));
  CARAT_ASSIGN_OR_RETURN(const auto names, object.Strings("layer_types"));
  std::vector<bool> full(static_cast<std::size_t>(count));
  if (!names) {
    for (std::int64_t i = 0; i < count; ++i) full[i] = (i + 1) % defaults::kFullLayerEvery == 0;
    full.back() = true;
    return full;
  }
  const std::string where = object.Locate("layer_types");
  if (static_cast<std::int64_t>(names->size()) != count) {
    return InvalidArgument("%s has %d entries, but num_hidden_layers is %d", where, names->size(), count);
  }
  for (std::size_t i = 0; i < names->size(); ++i) {
    const std::string& name = (*names)[i];
    if (name != kLayerKinds[0] && name != kLayerKinds[1]) {
      return InvalidArgument("%s[%d] is '%s', but must be '%s' or '%s'", where, i, name,
                             std::string(kLayerKinds[0]), std::string(kLayerKinds[1]));
    }
    full[i] = name == kLayerKinds[1];
  }
  if (!full.back()) {
    return InvalidArgument("%s ends with '%s', but the last layer must be '%s'", where,
                           std::string(kLayerKinds[0]), std::string(kLayerKinds[1]));
  }
  return full;
}

// The number of a layer written as a key, "5" or "05".
std::optional<std::size_t> LayerNumber(std::string_view key) {
  std::size_t number;
  const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), number);
  if (error != std::errc() || end != key.data() + key.size()) return std::nullopt;
  return number;
}

Status ApplyOverride(const JsonObject& layer, HeadSizes& heads) {
  for (const auto member : layer.raw()) {
    if (member.key != "head_dim" && member.key != "num_key_value_heads") {
      return Unimplemented(
          "%s: carat does not know this key here; layers may differ in head_dim and "
          "num_key_value_heads only",
          layer.Locate(member.key));
    }
  }
  CARAT_ASSIGN_OR_RETURN(heads.head_dim, IntegerOr(layer, "head_dim", heads.head_dim, kHeadDim));
  CARAT_ASSIGN_OR_RETURN(heads.kv_heads, IntegerOr(layer, "num_key_value_heads", heads.kv_heads, kHeads));
  return {};
}

// The newer form, for layers that differ from the rest: {"05": {"head_dim": 512, ...}, ...}.
Status ApplyPerLayerConfig(const JsonObject& overrides, std::vector<HeadSizes>& heads) {
  std::vector<bool> seen(heads.size());
  for (const auto member : overrides.raw()) {
    const std::optional<std::size_t> layer = LayerNumber(member.key);
    if (!layer || *layer >= heads.size()) {
      return InvalidArgument("%s: the key must be a layer's number, 0 .. %d", overrides.Locate(member.key),
                             heads.size() - 1);
    }
    if (seen[*layer]) {
      return InvalidArgument("%s: layer %d has an entry already", overrides.Locate(member.key), *layer);
    }
    seen[*layer] = true;
    CARAT_ASSIGN_OR_RETURN(const auto values, overrides.Object(member.key));
    if (values) CARAT_RETURN_IF_ERROR(ApplyOverride(*values, heads[*layer]));
  }
  return {};
}

// The older form: full-attention layers have keys of their own.
Status ApplyGlobalSizes(const JsonObject& object, const std::vector<bool>& full, bool keys_are_values,
                        std::vector<HeadSizes>& heads) {
  HeadSizes global = heads[0];
  if (!IsPresent(object, "global_head_dim")) global.head_dim = defaults::kGlobalHeadDim;
  CARAT_ASSIGN_OR_RETURN(global.head_dim, IntegerOr(object, "global_head_dim", global.head_dim, kHeadDim));
  CARAT_ASSIGN_OR_RETURN(const std::int64_t kv_heads,
                         IntegerOr(object, "num_global_key_value_heads", global.kv_heads, kHeads));
  if (keys_are_values) global.kv_heads = kv_heads;  // otherwise the reference ignores the key
  for (std::size_t i = 0; i < heads.size(); ++i) {
    if (full[i]) heads[i] = global;
  }
  return {};
}

Result<std::vector<HeadSizes>> ReadHeads(const JsonObject& object, const std::vector<bool>& full,
                                         std::int64_t attention_heads, bool keys_are_values) {
  HeadSizes usual;
  CARAT_ASSIGN_OR_RETURN(usual.head_dim, IntegerOr(object, "head_dim", defaults::kHeadDim, kHeadDim));
  CARAT_ASSIGN_OR_RETURN(usual.kv_heads,
                         IntegerOr(object, "num_key_value_heads", defaults::kKeyValueHeads, kHeads));
  std::vector<HeadSizes> heads(full.size(), usual);
  CARAT_ASSIGN_OR_RETURN(const auto overrides, object.Object("per_layer_config"));
  CARAT_RETURN_IF_ERROR(overrides ? ApplyPerLayerConfig(*overrides, heads)
                                  : ApplyGlobalSizes(object, full, keys_are_values, heads));
  const HeadPlaces places = {object.Locate("head_dim"), object.Locate("num_key_value_heads"),
                             "num_attention_heads"};
  for (std::size_t i = 0; i < heads.size(); ++i) {
    CARAT_RETURN_IF_ERROR(CheckHeads(places, attention_heads, heads[i], i));
  }
  return heads;
}

// How the layers of one kind rotate. The number of pairs follows from a layer's head size.
struct RopeRule {
  double theta;
  double factor;
  double turning_part;  // of a head
};

Result<RopeRule> ParseRope(const JsonObject& object) {
  const std::string_view type_key = object.Has("rope_type") ? "rope_type" : "type";  // the older name
  CARAT_ASSIGN_OR_RETURN(const std::optional<std::string> name, object.String(type_key));
  CARAT_ASSIGN_OR_RETURN(const auto theta, FindNumber(object, "rope_theta", {0, kLargest, true}));
  CARAT_ASSIGN_OR_RETURN(const auto part, FindNumber(object, "partial_rotary_factor", {0, 1}));
  CARAT_ASSIGN_OR_RETURN(const auto factor, FindNumber(object, "factor", {0, kLargest, true}));
  if (!theta) {
    return InvalidArgument("%s is missing or null, but must be a number above 0",
                           object.Locate("rope_theta"));
  }
  // The reference's "default" turns the whole head and does not scale, whatever else is said.
  if (!name || *name == "default") return RopeRule{*theta, 1, 1};
  if (*name == "proportional") return RopeRule{*theta, factor.value_or(1), part.value_or(1)};
  return Unimplemented("%s is '%s', but this version of carat runs 'default' and 'proportional' only",
                       object.Locate(type_key), *name);
}

// The rules of both kinds of layers; a kind that no layer has may be missing.
Result<std::array<RopeRule, 2>> ReadRope(const JsonObject& object, const std::vector<bool>& full) {
  std::array<RopeRule, 2> rules = {RopeRule{defaults::kSlidingTheta, 1, 1},
                                   RopeRule{defaults::kFullTheta, 1, defaults::kFullPartialRotary}};
  CARAT_ASSIGN_OR_RETURN(const auto kinds, object.Object("rope_parameters"));
  if (!kinds) return rules;
  for (const bool layer_is_full : {false, true}) {
    if (std::find(full.begin(), full.end(), layer_is_full) == full.end()) continue;
    const std::string_view kind = kLayerKinds[layer_is_full ? 1 : 0];
    CARAT_ASSIGN_OR_RETURN(const auto values, kinds->Object(kind));
    if (!values) {
      return InvalidArgument("%s is missing or null, but there are such layers", kinds->Locate(kind));
    }
    CARAT_ASSIGN_OR_RETURN(rules[layer_is_full ? 1 : 0], ParseRope(*values));
  }
  return rules;
}

Status ReadSharing(const JsonObject& object, TextConfig& config) {
  constexpr std::string_view kKey = "num_kv_shared_layers";
  const auto count = static_cast<std::int64_t>(config.layers.size());
  CARAT_ASSIGN_OR_RETURN(config.kv_shared_layers, IntegerOr(object, kKey, 0, {0, count}));
  return ShareKeyValues(object.Locate(kKey), config);
}

Status ReadMlpWidths(const JsonObject& object, TextConfig& config) {
  // Half of what is allowed, since it may be doubled.
  CARAT_ASSIGN_OR_RETURN(
      const std::int64_t width,
      IntegerOr(object, "intermediate_size", defaults::kIntermediateSize, {1, kWidth.high / 2}));
  CARAT_ASSIGN_OR_RETURN(const bool doubled, BooleanOr(object, "use_double_wide_mlp", false));
  for (std::size_t i = 0; i < config.layers.size(); ++i) {
    const bool shared = static_cast<std::int64_t>(i) > config.last_kv_layer();
    config.layers[i].intermediate_size = doubled && shared ? 2 * width : width;
  }
  return {};
}

Status ReadLayers(const JsonObject& object, const std::vector<bool>& full, TextConfig& config) {
  CARAT_ASSIGN_OR_RETURN(const bool keys_are_values, BooleanOr(object, "attention_k_eq_v", false));
  CARAT_ASSIGN_OR_RETURN(const auto heads, ReadHeads(object, full, config.attention_heads, keys_are_values));
  CARAT_ASSIGN_OR_RETURN(const auto rules, ReadRope(object, full));
  config.layers.resize(full.size());
  for (std::size_t i = 0; i < full.size(); ++i) {
    LayerConfig& layer = config.layers[i];
    layer.full_attention = full[i];
    layer.head_dim = heads[i].head_dim;
    layer.kv_heads = heads[i].kv_heads;
    layer.keys_are_values = keys_are_values && full[i];
    const RopeRule& rule = rules[full[i] ? 1 : 0];
    layer.rope.theta = rule.theta;
    layer.rope.factor = rule.factor;
    layer.rope.rotated_pairs =
        static_cast<std::int64_t>(rule.turning_part * static_cast<double>(layer.head_dim) / 2);
  }
  CARAT_RETURN_IF_ERROR(ReadSharing(object, config));
  return ReadMlpWidths(object, config);
}

}  // namespace

Result<TextConfig> ParseTextConfig(const JsonObject& object) {
  TextConfig config;
  CARAT_RETURN_IF_ERROR(CheckFeatures(object));
  CARAT_RETURN_IF_ERROR(ReadSizes(object, config));
  CARAT_RETURN_IF_ERROR(ReadBidirectional(object, config));
  CARAT_RETURN_IF_ERROR(ReadExperts(object, config));
  CARAT_ASSIGN_OR_RETURN(const std::vector<bool> full, ReadLayerKinds(object));
  CARAT_RETURN_IF_ERROR(ReadPerLayerInput(object, static_cast<std::int64_t>(full.size()), config));
  CARAT_RETURN_IF_ERROR(ReadLayers(object, full, config));
  return config;
}

}  // namespace carat::internal
