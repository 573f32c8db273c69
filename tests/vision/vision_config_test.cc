// vision_config and the budgets of processor_config.json.
#include "lib/weights/vision_config.h"

#include <gtest/gtest.h>

#include <string>

namespace carat::internal {
namespace {

Result<VisionConfig> Parse(const std::string& text) {
  auto document = JsonDocument::Parse(text, "config.json");
  if (!document.ok()) return document.status();
  auto object = JsonObject::From(document->root(), "config.json", "vision_config");
  if (!object.ok()) return object.status();
  return ParseVisionConfig(*object);
}

TEST(VisionConfigTest, ReadsTheReleasedForms) {
  const auto large =
      Parse(R"({"attention_bias": false, "head_dim": 72, "hidden_activation": "gelu_pytorch_tanh",
    "hidden_size": 1152, "intermediate_size": 4304, "model_type": "gemma4_vision", "num_attention_heads": 16,
    "num_hidden_layers": 27, "num_key_value_heads": 16, "patch_size": 16, "pooling_kernel_size": 3,
    "position_embedding_size": 10240, "rms_norm_eps": 1e-06,
    "rope_parameters": {"rope_theta": 100.0, "rope_type": "default"},
    "standardize": true, "use_clipped_linears": false})");
  ASSERT_TRUE(large.ok()) << large.status().ToString();
  EXPECT_EQ(large->hidden_size, 1152);
  EXPECT_EQ(large->intermediate_size, 4304);
  EXPECT_EQ(large->layers, 27);
  EXPECT_EQ(large->attention_heads, 16);
  EXPECT_EQ(large->kv_heads, 16);
  EXPECT_EQ(large->head_dim, 72);
  EXPECT_TRUE(large->standardize);
  EXPECT_FALSE(large->clipped_linears);
  EXPECT_EQ(large->rope_theta, 100);
  EXPECT_EQ(large->rms_norm_epsilon, 1e-6);
  EXPECT_EQ(large->patch_values(), 768);
  EXPECT_EQ(large->side_multiple(), 48);

  const auto usual = Parse(R"({"use_clipped_linears": true, "rope_parameters": {"rope_type": "axial"}})");
  ASSERT_TRUE(usual.ok()) << usual.status().ToString();
  EXPECT_EQ(usual->hidden_size, 768);
  EXPECT_EQ(usual->layers, 16);
  EXPECT_EQ(usual->attention_heads, 12);
  EXPECT_EQ(usual->head_dim, 64);
  EXPECT_EQ(usual->position_embedding_size, 10240);
  EXPECT_EQ(usual->rope_theta, 100);
  EXPECT_TRUE(usual->clipped_linears);
}

TEST(VisionConfigTest, RefusesWhatItCannotRunAndNamesIt) {
  struct Bad {
    const char* text;
    StatusCode code;
    const char* named;
  };
  const Bad bad[] = {
      {R"({"hidden_size": 0})", StatusCode::kInvalidArgument, "hidden_size"},
      {R"({"hidden_size": "wide"})", StatusCode::kInvalidArgument, "hidden_size"},
      {R"({"intermediate_size": 99999999999})", StatusCode::kInvalidArgument, "intermediate_size"},
      {R"({"num_hidden_layers": -1})", StatusCode::kInvalidArgument, "num_hidden_layers"},
      {R"({"head_dim": 66})", StatusCode::kInvalidArgument, "head_dim"},
      {R"({"num_key_value_heads": 5})", StatusCode::kInvalidArgument, "num_key_value_heads"},
      {R"({"num_attention_heads": 4096, "num_key_value_heads": 1, "head_dim": 8192})",
       StatusCode::kInvalidArgument, "head_dim"},
      {R"({"patch_size": 0})", StatusCode::kInvalidArgument, "patch_size"},
      {R"({"pooling_kernel_size": 100})", StatusCode::kInvalidArgument, "pooling_kernel_size"},
      {R"({"position_embedding_size": 0})", StatusCode::kInvalidArgument, "position_embedding_size"},
      {R"({"rms_norm_eps": 0})", StatusCode::kInvalidArgument, "rms_norm_eps"},
      {R"({"rope_parameters": {"rope_theta": -1}})", StatusCode::kInvalidArgument, "rope_theta"},
      {R"({"rope_parameters": {"rope_type": "yarn"}})", StatusCode::kUnimplemented, "yarn"},
      {R"({"hidden_activation": "silu"})", StatusCode::kUnimplemented, "silu"},
      {R"({"attention_bias": true})", StatusCode::kUnimplemented, "attention_bias"},
      {R"({"model_type": "siglip"})", StatusCode::kUnimplemented, "siglip"},
      {R"({"standardize": 1})", StatusCode::kInvalidArgument, "standardize"},
  };
  for (const Bad& example : bad) {
    const Status status = Parse(example.text).status();
    EXPECT_EQ(status.code(), example.code) << example.text << ": " << status.ToString();
    EXPECT_NE(status.message().find(example.named), std::string::npos) << status.message();
    EXPECT_NE(status.message().find("config.json"), std::string::npos) << status.message();
  }
}

TEST(VisionConfigTest, ReadsWholeFolders) {
  for (const char* model : {"tiny-e2b", "tiny-31b"}) {
    const auto config = ReadVisionConfig(std::string(CARAT_TEST_DATA) + "/" + model);
    ASSERT_TRUE(config.ok()) << config.status().ToString();
    ASSERT_TRUE(config->has_value());
    EXPECT_EQ((*config)->position_embedding_size, 256);
    EXPECT_EQ((*config)->clipped_linears, std::string(model) == "tiny-e2b");
    EXPECT_EQ((*config)->standardize, std::string(model) == "tiny-31b");
  }
  EXPECT_EQ(ReadVisionConfig("/nowhere").status().code(), StatusCode::kNotFound);
}

TEST(VisionBudgetsTest, ComeFromTheProcessorOrAreThePublishedOnes) {
  EXPECT_EQ(ReadVisionBudgets(std::string(CARAT_TEST_DATA) + "/tiny-e2b")->picture, 280);
  EXPECT_EQ(ReadVisionBudgets(std::string(CARAT_TEST_DATA) + "/tiny-e2b")->video_frame, 70);
  EXPECT_EQ(ReadVisionBudgets(CARAT_DEMO_MODEL)->picture, 70);
  const auto both = ParseVisionBudgets(
      R"({"image_processor": {"max_soft_tokens": 560}, "video_processor": {"max_soft_tokens": 140}})", "p");
  ASSERT_TRUE(both.ok());
  EXPECT_EQ(both->picture, 560);
  EXPECT_EQ(both->video_frame, 140);
  for (const char* text :
       {R"({"image_processor": {"max_soft_tokens": 100}})",
        R"({"video_processor": {"max_soft_tokens": "70"}})", R"({"image_processor": 3})"}) {
    const Status status = ParseVisionBudgets(text, "processor_config.json").status();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << text;
    EXPECT_NE(status.message().find("processor_config.json"), std::string::npos) << status.message();
  }
  EXPECT_EQ(ParseVisionBudgets("{", "p").status().code(), StatusCode::kDataLoss);
}

}  // namespace
}  // namespace carat::internal
