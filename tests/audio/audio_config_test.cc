// What the released and the tiny configurations say of sound, and what is refused.
#include "lib/weights/audio_config.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace carat::internal {
namespace {

AudioConfig Read(const std::string& folder) {
  const auto config = ReadAudioConfig(folder);
  EXPECT_TRUE(config.ok()) << config.status().ToString();
  EXPECT_TRUE(config.ok() && config->has_value());
  return config.ok() && *config ? **config : AudioConfig();
}

TEST(AudioConfigTest, Released) {
  for (const char* name : {"e2b", "e4b"}) {
    const AudioConfig config = Read(std::string(CARAT_RELEASED_CONFIGS) + "/" + name);
    EXPECT_EQ(config.hidden_size, 1024);
    EXPECT_EQ(config.layers, 12);
    EXPECT_EQ(config.attention_heads, 8);
    EXPECT_EQ(config.head_dim, 128);
    EXPECT_EQ(config.visible_positions, 12);
    EXPECT_EQ(config.attention_softcap, 50);
    EXPECT_EQ(config.conv_kernel, 5);
    EXPECT_EQ(config.residual_weight, 0.5);
    EXPECT_EQ(config.first_channels, 128);
    EXPECT_EQ(config.second_channels, 32);
    EXPECT_EQ(config.output_size, 1536);
    EXPECT_TRUE(config.clipped_linears);
    EXPECT_EQ(config.feed_forward_size(), 4096);
    EXPECT_EQ(config.mel.max_samples(), 480000);
  }
  for (const char* name : {"26b-a4b", "31b"}) {
    const auto config = ReadAudioConfig(std::string(CARAT_RELEASED_CONFIGS) + "/" + name);
    ASSERT_TRUE(config.ok());
    EXPECT_FALSE(config->has_value());
  }
}

TEST(AudioConfigTest, Tiny) {
  const AudioConfig config = Read(std::string(CARAT_TEST_DATA) + "/tiny-e2b");
  EXPECT_EQ(config.hidden_size, 64);
  EXPECT_EQ(config.layers, 2);
  EXPECT_EQ(config.second_channels, 8);
  EXPECT_EQ(config.output_size, 80);
}

std::string ConfigWith(const std::string& members) {
  return R"({"model_type": "gemma4", "audio_config": {"model_type": "gemma4_audio")" + members + "}}";
}

Result<std::optional<AudioConfig>> Parse(const std::string& members, const std::string& processor = "") {
  return ParseAudioConfig(ConfigWith(members), processor, "folder");
}

TEST(AudioConfigTest, Defaults) {
  const auto config = Parse("");
  ASSERT_TRUE(config.ok() && config->has_value());
  EXPECT_EQ((*config)->hidden_size, 1024);
  EXPECT_EQ((*config)->output_size, 1536);
  const MelConfig& mel = (*config)->mel;
  EXPECT_EQ(mel.sample_rate, 16000);
  EXPECT_EQ(mel.frame_length, 320);
  EXPECT_EQ(mel.fft_length, 512);
  EXPECT_EQ(mel.max_milliseconds, 30000);
}

TEST(AudioConfigTest, Processor) {
  const auto config = Parse("", R"({"audio_seq_length": 100, "audio_ms_per_token": 20, "feature_extractor": {
      "feature_extractor_type": "Gemma4AudioFeatureExtractor", "sampling_rate": 8000, "feature_size": 64,
      "frame_length": 160, "hop_length": 80, "fft_length": 256, "min_frequency": 50.0, "max_frequency": 4000.0,
      "mel_floor": 0.01, "input_scale_factor": 2.0, "dither": 0.0, "per_bin_mean": null}})");
  ASSERT_TRUE(config.ok()) << config.status().ToString();
  const MelConfig& mel = (*config)->mel;
  EXPECT_EQ(mel.sample_rate, 8000);
  EXPECT_EQ(mel.bins, 64);
  EXPECT_EQ(mel.frame_length, 160);
  EXPECT_EQ(mel.hop_length, 80);
  EXPECT_EQ(mel.fft_length, 256);
  EXPECT_EQ(mel.min_frequency, 50);
  EXPECT_EQ(mel.max_frequency, 4000);
  EXPECT_EQ(mel.floor, 0.01);
  EXPECT_EQ(mel.input_scale, 2);
  EXPECT_EQ(mel.max_samples(), 16000);
  const auto milliseconds =
      Parse("", R"({"feature_extractor": {"frame_length_ms": 32.0, "hop_length_ms": 8.0}})");
  ASSERT_TRUE(milliseconds.ok()) << milliseconds.status().ToString();
  EXPECT_EQ((*milliseconds)->mel.frame_length, 512);
  EXPECT_EQ((*milliseconds)->mel.hop_length, 128);
}

struct Bad {
  std::string text;
  StatusCode code;
  std::string key;
};

void ExpectError(const Status& status, const Bad& bad) {
  SCOPED_TRACE(bad.text);
  EXPECT_EQ(status.code(), bad.code) << status.ToString();
  EXPECT_NE(status.message().find(bad.key), std::string::npos) << status.message();
  EXPECT_NE(status.message().find("folder/"), std::string::npos) << status.message();
}

TEST(AudioConfigTest, BadTowers) {
  constexpr StatusCode kBad = StatusCode::kInvalidArgument;
  constexpr StatusCode kLacking = StatusCode::kUnimplemented;
  const Bad cases[] = {
      {R"("hidden_size": 0)", kBad, "audio_config.hidden_size"},
      {R"("hidden_size": "x")", kBad, "audio_config.hidden_size"},
      {R"("hidden_size": 1000, "num_attention_heads": 7)", kBad, "num_attention_heads, 7"},
      {R"("hidden_size": 15, "num_attention_heads": 3)", kBad, "must be even"},
      {R"("hidden_size": 99999999999)", kBad, "hidden_size"},
      {R"("num_hidden_layers": -1)", kBad, "num_hidden_layers"},
      {R"("num_hidden_layers": 1.5)", kBad, "num_hidden_layers"},
      {R"("conv_kernel_size": 0)", kBad, "conv_kernel_size"},
      {R"("attention_context_left": 1)", kBad, "attention_context_left"},
      {R"("attention_context_right": 3)", kLacking, "attention_context_right"},
      {R"("attention_chunk_size": 20)", kLacking, "attention_chunk_size"},
      {R"("attention_logit_cap": 0)", kBad, "attention_logit_cap"},
      {R"("subsampling_conv_channels": [128])", kBad, "two convolutions"},
      {R"("subsampling_conv_channels": [128, 0])", kBad, "subsampling_conv_channels holds 0"},
      {R"("hidden_act": "gelu")", kLacking, "hidden_act"},
      {R"("gradient_clipping": 10)", kLacking, "gradient_clipping"},
      {R"("rms_norm_eps": 0)", kBad, "rms_norm_eps"},
      {R"("use_clipped_linears": 1)", kBad, "use_clipped_linears"},
      {R"("output_proj_dims": 0)", kBad, "output_proj_dims"},
  };
  for (const Bad& bad : cases) ExpectError(Parse(", " + bad.text).status(), bad);
  const Bad unified{R"({"audio_config": {"model_type": "gemma4_unified_audio"}})", kLacking, "model_type"};
  ExpectError(ParseAudioConfig(unified.text, "", "folder").status(), unified);
  const Bad type{R"({"audio_config": 5})", kBad, "audio_config"};
  ExpectError(ParseAudioConfig(type.text, "", "folder").status(), type);
}

TEST(AudioConfigTest, BadProcessors) {
  constexpr StatusCode kBad = StatusCode::kInvalidArgument;
  constexpr StatusCode kLacking = StatusCode::kUnimplemented;
  const Bad cases[] = {
      {R"({"audio_seq_length": 0})", kBad, "audio_seq_length"},
      {R"({"audio_ms_per_token": -4})", kBad, "audio_ms_per_token"},
      {R"({"feature_extractor": {"sampling_rate": 10}})", kBad, "feature_extractor.sampling_rate"},
      {R"({"feature_extractor": {"frame_length": 1}})", kBad, "frame_length"},
      {R"({"feature_extractor": {"hop_length": 500}})", kBad, "stepped by 500"},
      {R"({"feature_extractor": {"fft_length": 300}})", kBad, "fft_length"},
      {R"({"feature_extractor": {"feature_size": 2}})", kBad, "feature_size"},
      {R"({"feature_extractor": {"max_frequency": 9000}})", kBad, "max_frequency"},
      {R"({"feature_extractor": {"min_frequency": 8000}})", kBad, "min_frequency"},
      {R"({"feature_extractor": {"mel_floor": 0}})", kBad, "mel_floor"},
      {R"({"feature_extractor": {"dither": 0.1}})", kLacking, "dither"},
      {R"({"feature_extractor": {"preemphasis": 0.97}})", kLacking, "preemphasis"},
      {R"({"feature_extractor": {"per_bin_mean": [1.0]}})", kLacking, "per_bin_mean"},
      {R"({"feature_extractor": {"feature_extractor_type": "Other"}})", kLacking, "feature_extractor_type"},
      {R"({"feature_extractor": [)", StatusCode::kDataLoss, "not valid JSON"},
  };
  for (const Bad& bad : cases) ExpectError(Parse("", bad.text).status(), bad);
}

}  // namespace
}  // namespace carat::internal
