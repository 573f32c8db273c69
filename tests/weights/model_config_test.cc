// What the released configurations and the tiny ones say, value by value.
#include "lib/weights/model_config.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace carat::internal {
namespace {

ModelConfig Read(const std::string& folder) {
  Result<ModelConfig> config = ReadModelConfig(folder);
  EXPECT_TRUE(config.ok()) << config.status().ToString();
  return config.ok() ? *std::move(config) : ModelConfig();
}

ModelConfig Released(const std::string& name) {
  return Read(std::string(CARAT_RELEASED_CONFIGS) + "/" + name);
}

ModelConfig Tiny(const std::string& name) {
  return Read(std::string(CARAT_TEST_DATA) + "/" + name);
}

// What a layer of one kind must be.
struct Expected {
  std::int64_t head_dim;
  std::int64_t kv_heads;
  bool keys_are_values;
  double theta;
  std::int64_t rotated_pairs;
};

// Every `period`-th layer is a full one. Own layers are `width` wide, KV-shared ones `shared_width`.
void ExpectLayers(const TextConfig& text, std::size_t count, std::size_t period, const Expected& sliding,
                  const Expected& full, std::int64_t width, std::int64_t shared_width) {
  ASSERT_EQ(text.layers.size(), count);
  std::int64_t last[2] = {-1, -1};
  for (std::size_t i = 0; i < count; ++i) {
    SCOPED_TRACE("layer " + std::to_string(i));
    const LayerConfig& layer = text.layers[i];
    const bool is_full = (i + 1) % period == 0;
    const Expected& expected = is_full ? full : sliding;
    const bool shared = i + static_cast<std::size_t>(text.kv_shared_layers) >= count;
    if (!shared) last[is_full ? 1 : 0] = static_cast<std::int64_t>(i);
    EXPECT_EQ(layer.full_attention, is_full);
    EXPECT_EQ(layer.head_dim, expected.head_dim);
    EXPECT_EQ(layer.kv_heads, expected.kv_heads);
    EXPECT_EQ(layer.keys_are_values, expected.keys_are_values);
    EXPECT_EQ(layer.rope.theta, expected.theta);
    EXPECT_EQ(layer.rope.rotated_pairs, expected.rotated_pairs);
    EXPECT_EQ(layer.rope.factor, 1);
    EXPECT_EQ(layer.intermediate_size, shared ? shared_width : width);
    EXPECT_EQ(layer.kv_layer, last[is_full ? 1 : 0]);
  }
}

void ExpectReleasedTokens(const ModelConfig& config) {
  EXPECT_EQ(config.architecture, "gemma4");
  EXPECT_EQ(config.bos_token, 2);
  EXPECT_EQ(config.stop_tokens, (std::vector<std::int32_t>{1, 106, 50}));
  EXPECT_TRUE(config.suppress_tokens.empty());
  EXPECT_EQ(config.media.image, 258880);
  EXPECT_EQ(config.media.image_begin, 255999);
  EXPECT_EQ(config.media.image_end, 258882);
  EXPECT_EQ(config.media.audio, 258881);
  EXPECT_EQ(config.media.audio_begin, 256000);
  EXPECT_EQ(config.media.audio_end, 258883);
  EXPECT_EQ(config.media.video, 258884);
  EXPECT_EQ(config.sampling.temperature, 1.0f);
  EXPECT_EQ(config.sampling.top_k, 64);
  EXPECT_EQ(config.sampling.top_p, 0.95f);
  EXPECT_EQ(config.sampling.min_p, 0.0f);
  EXPECT_EQ(config.sampling.typical_p, 1.0f);
  EXPECT_EQ(config.sampling.repetition_penalty, 1.0f);
  EXPECT_EQ(config.text.vocabulary_size, 262144);
  EXPECT_EQ(config.text.pad_token, 0);
  EXPECT_EQ(config.text.final_logit_softcap, 30.0);
  EXPECT_EQ(config.text.rms_norm_epsilon, 1e-6);
  EXPECT_TRUE(config.has_vision);
}

TEST(ReleasedConfig, E2B) {
  const ModelConfig config = Released("e2b");
  ExpectReleasedTokens(config);
  EXPECT_TRUE(config.has_audio);
  const TextConfig& text = config.text;
  EXPECT_EQ(text.hidden_size, 1536);
  EXPECT_EQ(text.attention_heads, 8);
  EXPECT_EQ(text.sliding_window, 512);
  EXPECT_EQ(text.context_length, 131072);
  EXPECT_EQ(text.per_layer_input_size, 256);
  EXPECT_EQ(text.per_layer_vocabulary_size, 262144);
  EXPECT_EQ(text.kv_shared_layers, 20);
  EXPECT_EQ(text.last_kv_layer(), 14);
  EXPECT_EQ(text.experts, 0);
  EXPECT_EQ(text.experts_per_token, 0);
  EXPECT_EQ(text.expert_intermediate_size, 0);
  EXPECT_FALSE(text.bidirectional_media);
  ExpectLayers(text, 35, 5, {256, 1, false, 1e4, 128}, {512, 1, false, 1e6, 64}, 6144, 12288);
  EXPECT_EQ(text.layers[15].kv_layer, 13);
  EXPECT_EQ(text.layers[34].kv_layer, 14);
}

TEST(ReleasedConfig, E4B) {
  const ModelConfig config = Released("e4b");
  ExpectReleasedTokens(config);
  EXPECT_TRUE(config.has_audio);
  const TextConfig& text = config.text;
  EXPECT_EQ(text.hidden_size, 2560);
  EXPECT_EQ(text.attention_heads, 8);
  EXPECT_EQ(text.sliding_window, 512);
  EXPECT_EQ(text.context_length, 131072);
  EXPECT_EQ(text.per_layer_input_size, 256);
  EXPECT_EQ(text.kv_shared_layers, 18);
  EXPECT_EQ(text.last_kv_layer(), 23);
  EXPECT_FALSE(text.bidirectional_media);
  ExpectLayers(text, 42, 6, {256, 2, false, 1e4, 128}, {512, 2, false, 1e6, 64}, 10240, 10240);
  EXPECT_EQ(text.layers[40].kv_layer, 22);
  EXPECT_EQ(text.layers[41].kv_layer, 23);
}

TEST(ReleasedConfig, Dense31B) {
  const ModelConfig config = Released("31b");
  ExpectReleasedTokens(config);
  EXPECT_FALSE(config.has_audio);
  const TextConfig& text = config.text;
  EXPECT_EQ(text.hidden_size, 5376);
  EXPECT_EQ(text.attention_heads, 32);
  EXPECT_EQ(text.sliding_window, 1024);
  EXPECT_EQ(text.context_length, 262144);
  EXPECT_EQ(text.per_layer_input_size, 0);
  EXPECT_EQ(text.per_layer_vocabulary_size, 0);
  EXPECT_EQ(text.kv_shared_layers, 0);
  EXPECT_EQ(text.last_kv_layer(), 59);
  EXPECT_EQ(text.experts, 0);
  EXPECT_TRUE(text.bidirectional_media);
  ExpectLayers(text, 60, 6, {256, 16, false, 1e4, 128}, {512, 4, true, 1e6, 64}, 21504, 21504);
}

TEST(ReleasedConfig, Experts26B) {
  const ModelConfig config = Released("26b-a4b");
  ExpectReleasedTokens(config);
  EXPECT_FALSE(config.has_audio);
  const TextConfig& text = config.text;
  EXPECT_EQ(text.hidden_size, 2816);
  EXPECT_EQ(text.attention_heads, 16);
  EXPECT_EQ(text.sliding_window, 1024);
  EXPECT_EQ(text.context_length, 262144);
  EXPECT_EQ(text.per_layer_input_size, 0);
  EXPECT_EQ(text.experts, 128);
  EXPECT_EQ(text.experts_per_token, 8);
  EXPECT_EQ(text.expert_intermediate_size, 704);
  EXPECT_TRUE(text.bidirectional_media);
  ExpectLayers(text, 30, 6, {256, 8, false, 1e4, 128}, {512, 2, true, 1e6, 64}, 2112, 2112);
}

TEST(ReleasedConfig, EncoderFree12BIsRefused) {
  const Result<ModelConfig> config = ReadModelConfig(std::string(CARAT_RELEASED_CONFIGS) + "/12b");
  ASSERT_FALSE(config.ok());
  EXPECT_EQ(config.status().code(), StatusCode::kUnimplemented);
  for (const char* part : {"12b/config.json", "model_type", "gemma4_unified", "encoder-free"}) {
    EXPECT_NE(config.status().message().find(part), std::string::npos) << config.status().message();
  }
}

void ExpectTinyTokens(const ModelConfig& config) {
  EXPECT_EQ(config.architecture, "gemma4");
  EXPECT_EQ(config.bos_token, 2);
  EXPECT_EQ(config.stop_tokens, (std::vector<std::int32_t>{1, 6}));
  EXPECT_EQ(config.media.image, 19);
  EXPECT_EQ(config.media.image_begin, 17);
  EXPECT_EQ(config.media.image_end, 18);
  EXPECT_EQ(config.media.audio, 22);
  EXPECT_EQ(config.media.audio_begin, 20);
  EXPECT_EQ(config.media.audio_end, 21);
  EXPECT_EQ(config.media.video, 23);
  EXPECT_EQ(config.sampling.temperature, 0.0f);  // do_sample is absent
  EXPECT_EQ(config.text.vocabulary_size, 640);
}

TEST(TinyConfig, E2B) {
  const ModelConfig config = Tiny("tiny-e2b");
  ExpectTinyTokens(config);
  EXPECT_TRUE(config.has_vision);
  EXPECT_TRUE(config.has_audio);
  EXPECT_EQ(config.text.hidden_size, 96);
  EXPECT_EQ(config.text.attention_heads, 4);
  EXPECT_EQ(config.text.sliding_window, 16);
  EXPECT_EQ(config.text.context_length, 4096);
  EXPECT_EQ(config.text.per_layer_input_size, 16);
  EXPECT_EQ(config.text.per_layer_vocabulary_size, 640);
  EXPECT_EQ(config.text.kv_shared_layers, 5);
  ExpectLayers(config.text, 10, 5, {32, 1, false, 1e4, 16}, {64, 1, false, 1e6, 8}, 192, 384);
}

TEST(TinyConfig, E4BWithPaddedLayerNumbers) {
  const ModelConfig config = Tiny("tiny-e4b");
  ExpectTinyTokens(config);
  EXPECT_EQ(config.text.hidden_size, 64);
  EXPECT_EQ(config.text.kv_shared_layers, 6);
  ExpectLayers(config.text, 12, 6, {32, 2, false, 1e4, 16}, {64, 2, false, 1e6, 8}, 128, 128);
}

TEST(TinyConfig, Dense31B) {
  const ModelConfig config = Tiny("tiny-31b");
  ExpectTinyTokens(config);
  EXPECT_TRUE(config.has_vision);
  EXPECT_FALSE(config.has_audio);
  EXPECT_TRUE(config.text.bidirectional_media);
  EXPECT_EQ(config.text.per_layer_input_size, 0);
  ExpectLayers(config.text, 6, 6, {32, 2, false, 1e4, 16}, {64, 1, true, 1e6, 8}, 128, 128);
}

TEST(TinyConfig, Experts26B) {
  const ModelConfig config = Tiny("tiny-26b-a4b");
  ExpectTinyTokens(config);
  EXPECT_EQ(config.text.experts, 16);
  EXPECT_EQ(config.text.experts_per_token, 4);
  EXPECT_EQ(config.text.expert_intermediate_size, 32);
  ExpectLayers(config.text, 6, 6, {32, 2, false, 1e4, 16}, {64, 1, true, 1e6, 8}, 96, 96);
}

TEST(DemoConfig, Values) {
  const ModelConfig config = Read(CARAT_DEMO_MODEL);
  EXPECT_EQ(config.stop_tokens, (std::vector<std::int32_t>{1, 6, 14}));
  EXPECT_EQ(config.sampling.temperature, 1.0f);
  EXPECT_EQ(config.sampling.top_k, 64);
  EXPECT_EQ(config.sampling.top_p, 0.95f);
  EXPECT_EQ(config.text.vocabulary_size, 2048);
  EXPECT_EQ(config.text.sliding_window, 128);
  ExpectLayers(config.text, 10, 5, {64, 1, false, 1e4, 32}, {128, 1, false, 1e6, 16}, 512, 1024);
}

ModelConfig Parse(const std::string& text, const std::string& generation = "") {
  Result<ModelConfig> config = ParseModelConfig(text, generation, "somewhere");
  EXPECT_TRUE(config.ok()) << config.status().ToString();
  return config.ok() ? *std::move(config) : ModelConfig();
}

// Text-only, flat, and with nothing but what differs from the reference's defaults.
constexpr char kFlat[] = R"({"model_type": "gemma4_text", "hidden_size": 64, "num_hidden_layers": 12,
  "num_global_key_value_heads": 2, "eos_token_id": 7})";

TEST(TextOnlyConfig, FlatWithTheDefaultsOfTheReference) {
  const ModelConfig config = Parse(kFlat);
  EXPECT_EQ(config.architecture, "gemma4_text");
  EXPECT_FALSE(config.has_vision);
  EXPECT_FALSE(config.has_audio);
  EXPECT_EQ(config.bos_token, std::nullopt);
  EXPECT_EQ(config.stop_tokens, (std::vector<std::int32_t>{7}));
  EXPECT_EQ(config.media.image, std::nullopt);
  const TextConfig& text = config.text;
  EXPECT_EQ(text.hidden_size, 64);
  EXPECT_EQ(text.vocabulary_size, 262144);
  EXPECT_EQ(text.attention_heads, 8);
  EXPECT_EQ(text.sliding_window, 512);
  EXPECT_EQ(text.context_length, 131072);
  EXPECT_EQ(text.per_layer_input_size, 256);
  EXPECT_EQ(text.per_layer_vocabulary_size, 262144);
  EXPECT_EQ(text.kv_shared_layers, 0);
  EXPECT_EQ(text.final_logit_softcap, std::nullopt);
  EXPECT_EQ(text.rms_norm_epsilon, 1e-6);
  EXPECT_FALSE(text.bidirectional_media);
  // num_global_key_value_heads counts only with attention_k_eq_v.
  ExpectLayers(text, 12, 6, {256, 4, false, 1e4, 128}, {512, 4, false, 1e6, 64}, 9216, 9216);
}

TEST(TextOnlyConfig, MayBeNested) {
  const ModelConfig config =
      Parse(R"({"model_type": "gemma4_text", "text_config": {"num_hidden_layers": 6, "hidden_size": 32}})");
  EXPECT_EQ(config.text.hidden_size, 32);
  EXPECT_EQ(config.text.layers.size(), 6u);
}

TEST(TextConfig, LastLayerIsFullWhenNothingSaysOtherwise) {
  const ModelConfig config = Parse(R"({"model_type": "gemma4_text", "num_hidden_layers": 8})");
  std::vector<std::size_t> full;
  for (std::size_t i = 0; i < 8; ++i) {
    if (config.text.layers[i].full_attention) full.push_back(i);
  }
  EXPECT_EQ(full, (std::vector<std::size_t>{5, 7}));
}

TEST(TextConfig, NullsMeanNone) {
  const ModelConfig config = Parse(R"({"model_type": "gemma4", "vision_config": null, "audio_config": null,
    "text_config": {"num_hidden_layers": 6, "hidden_size_per_layer_input": null, "final_logit_softcapping": null,
    "num_global_key_value_heads": null, "attention_k_eq_v": true, "num_key_value_heads": 2, "num_experts": null,
    "top_k_experts": null, "moe_intermediate_size": null, "use_bidirectional_attention": null,
    "per_layer_config": null, "rope_parameters": null, "layer_types": null, "global_head_dim": null}})");
  EXPECT_EQ(config.text.per_layer_input_size, 0);
  EXPECT_EQ(config.text.final_logit_softcap, std::nullopt);
  EXPECT_FALSE(config.has_vision);
  ExpectLayers(config.text, 6, 6, {256, 2, false, 1e4, 128}, {256, 2, true, 1e6, 32}, 9216, 9216);
}

TEST(TextConfig, PerLayerFormWinsOverFlatForm) {
  const ModelConfig config = Parse(R"({"model_type": "gemma4_text", "num_hidden_layers": 6, "head_dim": 32,
    "num_key_value_heads": 8, "attention_k_eq_v": true, "global_head_dim": 128, "num_global_key_value_heads": 2,
    "per_layer_config": {"5": {"head_dim": 64, "num_key_value_heads": 1}, "2": {"head_dim": 16}}})");
  EXPECT_EQ(config.text.layers[5].head_dim, 64);
  EXPECT_EQ(config.text.layers[5].kv_heads, 1);
  EXPECT_EQ(config.text.layers[2].head_dim, 16);
  EXPECT_EQ(config.text.layers[2].kv_heads, 8);
  EXPECT_EQ(config.text.layers[0].head_dim, 32);
}

TEST(TextConfig, OldNameOfTheExpertWidth) {
  const ModelConfig config =
      Parse(R"({"model_type": "gemma4_text", "enable_moe_block": true, "num_experts": 4,
    "top_k_experts": 4, "moe_intermediate_size": null, "expert_intermediate_size": 24})");
  EXPECT_EQ(config.text.expert_intermediate_size, 24);
  EXPECT_EQ(config.text.experts_per_token, 4);
}

TEST(TextConfig, ExpertSizesCountOnlyWhenEnabled) {
  const ModelConfig config = Parse(R"({"model_type": "gemma4_text", "num_experts": 4, "top_k_experts": 9})");
  EXPECT_EQ(config.text.experts, 0);
  EXPECT_EQ(config.text.experts_per_token, 0);
}

TEST(TextConfig, Rope) {
  const ModelConfig config = Parse(R"({"model_type": "gemma4_text", "num_hidden_layers": 6, "head_dim": 12,
    "global_head_dim": 18, "rope_parameters": {
      "sliding_attention": {"rope_theta": 5000, "partial_rotary_factor": 0.5, "factor": 3},
      "full_attention": {"rope_type": "proportional", "rope_theta": 2e6, "partial_rotary_factor": 0.25, "factor": 8}}})");
  // The default kind ignores part and factor, as the reference does.
  EXPECT_EQ(config.text.layers[0].rope.theta, 5000);
  EXPECT_EQ(config.text.layers[0].rope.rotated_pairs, 6);
  EXPECT_EQ(config.text.layers[0].rope.factor, 1);
  EXPECT_EQ(config.text.layers[5].rope.theta, 2e6);
  EXPECT_EQ(config.text.layers[5].rope.rotated_pairs, 2);  // 0.25 * 18 / 2 = 2.25
  EXPECT_EQ(config.text.layers[5].rope.factor, 8);
}

TEST(TextConfig, ProportionalRopeTurnsAllWithoutAFactor) {
  const ModelConfig config =
      Parse(R"({"model_type": "gemma4_text", "num_hidden_layers": 1, "global_head_dim": 20,
    "rope_parameters": {"full_attention": {"rope_type": "proportional", "rope_theta": 1e6}}})");
  EXPECT_EQ(config.text.layers[0].rope.rotated_pairs, 10);
}

TEST(TokensOfConfig, BesideWinOverInside) {
  const ModelConfig config = Parse(R"({"model_type": "gemma4", "eos_token_id": [1, 6], "bos_token_id": 3,
    "text_config": {"eos_token_id": 1, "bos_token_id": 2}, "eoa_token_id": 9, "eoa_token_index": 9})");
  EXPECT_EQ(config.stop_tokens, (std::vector<std::int32_t>{1, 6}));
  EXPECT_EQ(config.bos_token, 3);
  EXPECT_EQ(config.media.audio_end, 9);
}

TEST(GenerationConfig, WinsOverConfig) {
  const ModelConfig config = Parse(
      kFlat, R"({"eos_token_id": 5, "suppress_tokens": [11, 12], "bos_token_id": 2, "do_sample": true})");
  EXPECT_EQ(config.stop_tokens, (std::vector<std::int32_t>{5}));
  EXPECT_EQ(config.suppress_tokens, (std::vector<std::int32_t>{11, 12}));
  EXPECT_EQ(config.bos_token, 2);
}

TEST(GenerationConfig, AbsentGivesTheDefaults) {
  const ModelConfig config = Parse(kFlat);
  const SamplingOptions defaults;
  EXPECT_EQ(config.sampling.temperature, defaults.temperature);
  EXPECT_EQ(config.sampling.top_k, defaults.top_k);
  EXPECT_EQ(config.sampling.top_p, defaults.top_p);
  EXPECT_TRUE(config.suppress_tokens.empty());
  EXPECT_EQ(config.stop_tokens, (std::vector<std::int32_t>{7}));
}

TEST(GenerationConfig, EverySamplingOption) {
  const ModelConfig config =
      Parse(kFlat, R"({"do_sample": true, "temperature": 0.7, "top_k": 40, "top_p": 0.9,
    "min_p": 0.05, "typical_p": 0.8, "repetition_penalty": 1.1, "max_new_tokens": null})");
  EXPECT_EQ(config.sampling.temperature, 0.7f);
  EXPECT_EQ(config.sampling.top_k, 40);
  EXPECT_EQ(config.sampling.top_p, 0.9f);
  EXPECT_EQ(config.sampling.min_p, 0.05f);
  EXPECT_EQ(config.sampling.typical_p, 0.8f);
  EXPECT_EQ(config.sampling.repetition_penalty, 1.1f);
}

TEST(GenerationConfig, GreedyKeepsTheOtherOptions) {
  const ModelConfig config = Parse(kFlat, R"({"do_sample": false, "temperature": 0.7, "top_k": 40})");
  EXPECT_EQ(config.sampling.temperature, 0.0f);
  EXPECT_EQ(config.sampling.top_k, 40);
}

}  // namespace
}  // namespace carat::internal
