#include "lib/weights/gguf/gguf_keys.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string_view>

#include "lib/base/error.h"
#include "lib/weights/gguf/gguf_model.h"

namespace carat::internal {
namespace {

constexpr std::string_view kPrefix = "gemma4.";
constexpr float kStandsStill = 1e30f;

std::string Key(std::string_view name) {
  return std::string(kPrefix) + std::string(name);
}

// One number where all layers agree, else one for each.
void AddPerLayer(std::string_view name, const TextConfig& config, std::int64_t LayerConfig::*member,
                 GgufHeader* header) {
  std::vector<std::int64_t> values;
  for (const LayerConfig& layer : config.layers) values.push_back(layer.*member);
  if (std::adjacent_find(values.begin(), values.end(), std::not_equal_to<>()) == values.end()) {
    header->Unsigned(Key(name), values.front());
  } else {
    header->Integers(Key(name), values);
  }
}

// The first layer of a kind; of the other kind if there is none.
const LayerConfig& LayerOfKind(const TextConfig& config, bool full) {
  for (const LayerConfig& layer : config.layers) {
    if (layer.full_attention == full) return layer;
  }
  return config.layers.front();
}

// The format describes kinds of layers, not layers.
Status CheckKinds(const TextConfig& config, const std::string& source) {
  for (std::size_t i = 0; i < config.layers.size(); ++i) {
    const LayerConfig& layer = config.layers[i];
    const LayerConfig& kind = LayerOfKind(config, layer.full_attention);
    const bool same = layer.head_dim == kind.head_dim && layer.rope.theta == kind.rope.theta &&
                      layer.rope.factor == kind.rope.factor &&
                      layer.rope.rotated_pairs == kind.rope.rotated_pairs;
    if (!same) {
      return Unimplemented(
          "%s: layer %d has other heads than the layers of its kind before it, which GGUF cannot "
          "say",
          source, i);
    }
    const bool whole = layer.rope.rotated_pairs == layer.head_dim / 2 && layer.rope.factor == 1;
    if (!layer.full_attention && !whole) {
      return Unimplemented(
          "%s: layer %d, a sliding one, turns %d pairs by a factor of %g, which GGUF cannot say", source, i,
          layer.rope.rotated_pairs, layer.rope.factor);
    }
  }
  return {};
}

void AddLayers(const TextConfig& config, GgufHeader* header) {
  const LayerConfig& full = LayerOfKind(config, true);
  const LayerConfig& sliding = LayerOfKind(config, false);
  std::vector<bool> slides;
  for (const LayerConfig& layer : config.layers) slides.push_back(!layer.full_attention);
  AddPerLayer("feed_forward_length", config, &LayerConfig::intermediate_size, header);
  header->Unsigned(Key("attention.head_count"), config.attention_heads);
  AddPerLayer("attention.head_count_kv", config, &LayerConfig::kv_heads, header);
  for (const char* name : {"attention.key_length", "attention.value_length", "rope.dimension_count"}) {
    header->Unsigned(Key(name), full.head_dim);
    header->Unsigned(Key(name) + "_swa", sliding.head_dim);
  }
  header->Unsigned(Key("attention.sliding_window"), config.sliding_window);
  header->Booleans(Key("attention.sliding_window_pattern"), slides);
  header->Unsigned(Key("attention.shared_kv_layers"), config.kv_shared_layers);
  header->Number(Key("rope.freq_base"), full.rope.theta);
  header->Number(Key("rope.freq_base_swa"), sliding.rope.theta);
}

void AddSampling(const SamplingOptions& sampling, GgufHeader* header) {
  header->Number("general.sampling.temp", static_cast<double>(sampling.temperature));
  if (sampling.top_k > 0) header->Signed("general.sampling.top_k", sampling.top_k);
  const auto add = [&](std::string_view key, float value, float off) {
    if (value != off) header->Number(key, static_cast<double>(value));
  };
  add("general.sampling.top_p", sampling.top_p, 1);
  add("general.sampling.min_p", sampling.min_p, 0);
  add("general.sampling.penalty_repeat", sampling.repetition_penalty, 1);
  add(kGgufTypicalP, sampling.typical_p, 1);
}

}  // namespace

Status AddModelKeys(const ModelConfig& config, const std::string& source, GgufHeader* header) {
  const TextConfig& text = config.text;
  CARAT_RETURN_IF_ERROR(CheckKinds(text, source));
  header->String("general.architecture", "gemma4");
  header->Unsigned(Key("block_count"), static_cast<std::int64_t>(text.layers.size()));
  header->Unsigned(Key("context_length"), text.context_length);
  header->Unsigned(Key("embedding_length"), text.hidden_size);
  header->Unsigned(Key("vocab_size"), text.vocabulary_size);
  AddLayers(text, header);
  header->Number(Key("attention.layer_norm_rms_epsilon"), text.rms_norm_epsilon);
  header->Unsigned(Key("embedding_length_per_layer_input"), text.per_layer_input_size);
  // Without the key readers assume a bound.
  header->Number(Key("final_logit_softcapping"), text.final_logit_softcap.value_or(0));
  if (text.experts > 0) {
    header->Unsigned(Key("expert_count"), text.experts);
    header->Unsigned(Key("expert_used_count"), text.experts_per_token);
    header->Unsigned(Key("expert_feed_forward_length"), text.expert_intermediate_size);
  }
  header->Boolean(kGgufBidirectionalMedia, text.bidirectional_media);
  AddSampling(config.sampling, header);
  return {};
}

void AddTokenKeys(const ModelConfig& config, GgufHeader* header) {
  if (config.bos_token) header->Unsigned("tokenizer.ggml.bos_token_id", *config.bos_token);
  header->Unsigned("tokenizer.ggml.padding_token_id", config.text.pad_token);
  const auto& stop = config.stop_tokens;
  if (!stop.empty()) {
    header->Unsigned("tokenizer.ggml.eos_token_id", stop.front());
    header->Integers(kGgufStopTokens, std::vector<std::int64_t>(stop.begin(), stop.end()));
  }
  if (stop.size() > 1) header->Unsigned("tokenizer.ggml.eot_token_id", stop[1]);
  const auto& suppress = config.suppress_tokens;
  if (!suppress.empty()) {
    header->Integers(kGgufSuppressTokens, std::vector<std::int64_t>(suppress.begin(), suppress.end()));
  }
}

std::vector<float> GgufRopeFactors(const TextConfig& config) {
  const LayerConfig& full = LayerOfKind(config, true);
  std::vector<float> factors(static_cast<std::size_t>(full.head_dim / 2), kStandsStill);
  std::fill_n(factors.begin(), full.rope.rotated_pairs, static_cast<float>(full.rope.factor));
  return factors;
}

}  // namespace carat::internal
