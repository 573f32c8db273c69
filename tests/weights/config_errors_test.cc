// Configurations that contradict themselves, or that ask for what carat does not run: each is an error of the
// right code that names the file and the key.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "lib/weights/model_config.h"
#include "lib/weights/size_bounds.h"
#include "tests/weights/test_files.h"

namespace carat::internal {
namespace {

// Members of text_config that make a small consistent model of six layers.
struct Member {
  std::string key;
  std::string value;
};

std::vector<Member> GoodMembers() {
  return {
      {"model_type", R"("gemma4_text")"},
      {"vocab_size", "100"},
      {"vocab_size_per_layer_input", "100"},
      {"hidden_size", "64"},
      {"intermediate_size", "128"},
      {"num_hidden_layers", "6"},
      {"num_attention_heads", "4"},
      {"num_key_value_heads", "2"},
      {"head_dim", "16"},
      {"global_head_dim", "32"},
      {"num_global_key_value_heads", "1"},
      {"attention_k_eq_v", "true"},
      {"hidden_size_per_layer_input", "8"},
      {"num_kv_shared_layers", "0"},
      {"sliding_window", "16"},
      {"max_position_embeddings", "128"},
      {"hidden_activation", R"("gelu_pytorch_tanh")"},
      {"layer_types", R"(["sliding_attention", "sliding_attention", "full_attention", "sliding_attention",
                          "sliding_attention", "full_attention"])"},
      {"rope_parameters", R"({"sliding_attention": {"rope_type": "default", "rope_theta": 10000.0},
         "full_attention": {"rope_type": "proportional", "rope_theta": 1000000.0, "partial_rotary_factor": 0.25}})"},
  };
}

// text_config with some members replaced or added.
std::string TextConfigWith(const std::vector<Member>& changes) {
  std::vector<Member> members = GoodMembers();
  for (const Member& change : changes) {
    bool replaced = false;
    for (Member& member : members) {
      if (member.key != change.key) continue;
      member.value = change.value;
      replaced = true;
    }
    if (!replaced) members.push_back(change);
  }
  std::string text;
  for (const Member& member : members) {
    text += text.empty() ? "{\"" : ", \"";
    text += member.key;
    text += "\": ";
    text += member.value;
  }
  return text + "}";
}

Status ParseText(const std::vector<Member>& changes) {
  const std::string text = R"({"model_type": "gemma4", "text_config": )" + TextConfigWith(changes) + "}";
  return ParseModelConfig(text, "", "folder").status();
}

// That this text_config is refused with a message that names its key.
void ExpectBad(const std::vector<Member>& changes, StatusCode code, std::vector<std::string> parts) {
  parts.emplace_back("folder/config.json");
  ExpectError(ParseText(changes), code, parts);
}

constexpr StatusCode kInvalid = StatusCode::kInvalidArgument;
constexpr StatusCode kUnimplemented = StatusCode::kUnimplemented;

TEST(BadTextConfig, TheGoodOneParses) {
  EXPECT_TRUE(ParseText({}).ok()) << ParseText({}).ToString();
}

TEST(BadTextConfig, SizesOutOfRange) {
  const char* const keys[] = {"vocab_size",
                              "hidden_size",
                              "intermediate_size",
                              "num_hidden_layers",
                              "num_attention_heads",
                              "num_key_value_heads",
                              "head_dim",
                              "global_head_dim",
                              "num_global_key_value_heads",
                              "sliding_window",
                              "vocab_size_per_layer_input",
                              "max_position_embeddings"};
  for (const std::string key : keys) {
    for (const std::string value : {"0", "-1", "-9223372036854775808", "4294967296", "9223372036854775807"}) {
      SCOPED_TRACE(key + " = " + value);
      ExpectBad({{key, value}}, kInvalid, {"text_config." + key, value, "must lie in"});
    }
  }
}

TEST(BadTextConfig, SizesOfTheWrongType) {
  for (const std::string value : {"\"64\"", "64.5", "[64]", "{}", "true", "9223372036854775808"}) {
    SCOPED_TRACE(value);
    ExpectBad({{"hidden_size", value}}, kInvalid, {"text_config.hidden_size", "an integer"});
  }
}

TEST(BadTextConfig, SwitchesOfTheWrongType) {
  for (const std::string key : {"attention_k_eq_v", "enable_moe_block", "use_double_wide_mlp",
                                "attention_bias", "tie_word_embeddings"}) {
    SCOPED_TRACE(key);
    ExpectBad({{key, "1"}}, kInvalid, {"text_config." + key, "true or false"});
  }
}

TEST(BadTextConfig, LayerTypesOfAnotherLength) {
  ExpectBad({{"num_hidden_layers", "5"}}, kInvalid,
            {"text_config.layer_types", "6", "num_hidden_layers is 5"});
}

TEST(BadTextConfig, UnknownLayerType) {
  ExpectBad({{"num_hidden_layers", "2"}, {"layer_types", R"(["chunked_attention", "full_attention"])"}},
            kInvalid, {"text_config.layer_types[0]", "'chunked_attention'", "sliding_attention"});
}

TEST(BadTextConfig, LayerTypesOfTheWrongType) {
  ExpectBad({{"layer_types", "[1, 2, 3, 4, 5, 6]"}}, kInvalid, {"text_config.layer_types", "strings"});
  ExpectBad({{"layer_types", R"("full_attention")"}}, kInvalid, {"text_config.layer_types", "strings"});
}

TEST(BadTextConfig, LastLayerIsSliding) {
  ExpectBad({{"num_hidden_layers", "2"}, {"layer_types", R"(["full_attention", "sliding_attention"])"}},
            kInvalid, {"text_config.layer_types", "last layer", "full_attention"});
}

TEST(BadTextConfig, HeadsThatDoNotDivide) {
  ExpectBad({{"num_key_value_heads", "3"}}, kInvalid,
            {"text_config.num_key_value_heads", "3", "num_attention_heads, 4"});
  ExpectBad({{"num_global_key_value_heads", "3"}}, kInvalid,
            {"text_config.num_key_value_heads", "3 in layer 2", "num_attention_heads, 4"});
  ExpectBad({{"num_key_value_heads", "8"}}, kInvalid, {"text_config.num_key_value_heads", "8"});
}

TEST(BadTextConfig, OddHeadDim) {
  ExpectBad({{"head_dim", "15"}}, kInvalid, {"text_config.head_dim", "15", "even"});
  ExpectBad({{"global_head_dim", "33"}}, kInvalid, {"head_dim", "33 in layer 2", "even"});
}

TEST(BadTextConfig, HeadsTogetherTooWide) {
  ExpectBad({{"num_attention_heads", "4096"}, {"head_dim", "8192"}}, kInvalid,
            {"text_config.head_dim", "4096 heads", "16777216"});
}

TEST(BadTextConfig, PerLayerConfig) {
  ExpectBad({{"per_layer_config", R"({"6": {"head_dim": 32}})"}}, kInvalid,
            {"text_config.per_layer_config.6", "0 .. 5"});
  ExpectBad({{"per_layer_config", R"({"-1": {"head_dim": 32}})"}}, kInvalid,
            {"per_layer_config.-1", "0 .. 5"});
  ExpectBad({{"per_layer_config", R"({"last": {}})"}}, kInvalid, {"per_layer_config.last", "layer's number"});
  ExpectBad({{"per_layer_config", R"({"99999999999999999999999": {}})"}}, kInvalid,
            {"per_layer_config.99999999999999999999999"});
  ExpectBad({{"per_layer_config", R"({"5": {}, "05": {}})"}}, kInvalid, {"per_layer_config.05", "already"});
  ExpectBad({{"per_layer_config", R"({"5": 3})"}}, kInvalid, {"per_layer_config.5", "an object"});
  ExpectBad({{"per_layer_config", "[1]"}}, kInvalid, {"text_config.per_layer_config", "an object"});
  ExpectBad({{"per_layer_config", R"({"5": {"head_dim": 31}})"}}, kInvalid, {"head_dim", "31 in layer 5"});
  ExpectBad({{"per_layer_config", R"({"5": {"head_dim": -2}})"}}, kInvalid,
            {"per_layer_config.5.head_dim", "-2"});
  ExpectBad({{"per_layer_config", R"({"5": {"num_key_value_heads": 3}})"}}, kInvalid,
            {"num_key_value_heads", "3 in layer 5"});
  ExpectBad({{"per_layer_config", R"({"5": {"sliding_window": 3}})"}}, kUnimplemented,
            {"per_layer_config.5.sliding_window"});
}

TEST(BadTextConfig, SharedLayersWithoutASource) {
  // Of the first two layers none is a full one.
  ExpectBad({{"num_kv_shared_layers", "4"}}, kInvalid,
            {"text_config.num_kv_shared_layers", "layer 2", "first 2", "full_attention"});
  ExpectBad({{"num_kv_shared_layers", "6"}}, kInvalid, {"text_config.num_kv_shared_layers", "layer 0"});
  ExpectBad({{"num_kv_shared_layers", "7"}}, kInvalid, {"text_config.num_kv_shared_layers", "7", "0 .. 6"});
  ExpectBad({{"num_kv_shared_layers", "-1"}}, kInvalid, {"text_config.num_kv_shared_layers", "-1", "0 .. 6"});
}

TEST(BadTextConfig, SharedLayerOfAnotherHeadSize) {
  ExpectBad({{"num_kv_shared_layers", "1"}, {"per_layer_config", R"({"5": {"head_dim": 32}})"}}, kInvalid,
            {"text_config.num_kv_shared_layers", "layer 5", "heads of 32", "layer 2", "of 16"});
}

TEST(BadTextConfig, Experts) {
  const Member on = {"enable_moe_block", "true"};
  const Member experts = {"num_experts", "8"};
  const Member top = {"top_k_experts", "2"};
  const Member width = {"moe_intermediate_size", "16"};
  EXPECT_TRUE(ParseText({on, experts, top, width}).ok());
  ExpectBad({on, top, width}, kInvalid, {"text_config.num_experts", "missing"});
  ExpectBad({on, experts, width}, kInvalid, {"text_config.top_k_experts", "missing"});
  ExpectBad({on, experts, top}, kInvalid, {"text_config.moe_intermediate_size", "missing"});
  ExpectBad({on, experts, {"top_k_experts", "9"}, width}, kInvalid,
            {"text_config.top_k_experts", "9", "1 .. 8"});
  ExpectBad({on, experts, {"top_k_experts", "0"}, width}, kInvalid,
            {"text_config.top_k_experts", "0", "1 .. 8"});
  ExpectBad({on, {"num_experts", "-3"}, top, width}, kInvalid, {"text_config.num_experts", "-3"});
  ExpectBad({on, experts, top, {"moe_intermediate_size", "99999999999"}}, kInvalid,
            {"text_config.moe_intermediate_size", "99999999999"});
  ExpectBad({on, experts, top, {"expert_intermediate_size", "0"}}, kInvalid,
            {"text_config.expert_intermediate_size", "0"});
}

TEST(BadTextConfig, PerLayerEmbeddings) {
  ExpectBad({{"hidden_size_per_layer_input", "-1"}}, kInvalid,
            {"text_config.hidden_size_per_layer_input", "-1"});
  ExpectBad({{"hidden_size_per_layer_input", "16777216"}}, kInvalid,
            {"text_config.hidden_size_per_layer_input", "16777216", "6 layers"});
  ExpectBad({{"vocab_size_per_layer_input", "99"}}, kInvalid,
            {"text_config.vocab_size_per_layer_input", "99", "100"});
}

TEST(BadTextConfig, Rope) {
  const auto rope = [](const std::string& sliding, const std::string& full) {
    return std::vector<Member>{
        {"rope_parameters", R"({"sliding_attention": )" + sliding + R"(, "full_attention": )" + full + "}"}};
  };
  const std::string good = R"({"rope_type": "default", "rope_theta": 10000.0})";
  EXPECT_TRUE(ParseText(rope(good, good)).ok());
  const std::string where = "text_config.rope_parameters.";
  ExpectBad({{"rope_parameters", "{\"full_attention\": " + good + "}"}}, kInvalid,
            {where + "sliding_attention"});
  ExpectBad(rope(good, "null"), kInvalid, {where + "full_attention", "missing or null"});
  ExpectBad(rope("3", good), kInvalid, {where + "sliding_attention", "an object"});
  ExpectBad({{"rope_parameters", "7"}}, kInvalid, {"text_config.rope_parameters", "an object"});
  ExpectBad(rope(good, R"({"rope_type": "yarn", "rope_theta": 1e6})"), kUnimplemented,
            {where + "full_attention.rope_type", "'yarn'"});
  ExpectBad(rope(good, R"({"rope_type": 1, "rope_theta": 1e6})"), kInvalid,
            {where + "full_attention.rope_type", "a string"});
  ExpectBad(rope(R"({"rope_type": "default"})", good), kInvalid,
            {where + "sliding_attention.rope_theta", "missing"});
  ExpectBad(rope(R"({"rope_theta": 0})", good), kInvalid, {where + "sliding_attention.rope_theta", "0"});
  ExpectBad(rope(R"({"rope_theta": -1e4})", good), kInvalid, {where + "sliding_attention.rope_theta"});
  ExpectBad(rope(good, R"({"rope_theta": 1e6, "partial_rotary_factor": 1.5})"), kInvalid,
            {where + "full_attention.partial_rotary_factor", "1.5"});
  ExpectBad(rope(good, R"({"rope_theta": 1e6, "partial_rotary_factor": -0.5})"), kInvalid,
            {where + "full_attention.partial_rotary_factor", "-0.5"});
  ExpectBad(rope(good, R"({"rope_theta": 1e6, "factor": 0})"), kInvalid,
            {where + "full_attention.factor", "0"});
}

TEST(BadTextConfig, NumbersOutOfRange) {
  ExpectBad({{"rms_norm_eps", "0"}}, kInvalid, {"text_config.rms_norm_eps", "0"});
  ExpectBad({{"rms_norm_eps", "-1e-6"}}, kInvalid, {"text_config.rms_norm_eps"});
  ExpectBad({{"rms_norm_eps", "2"}}, kInvalid, {"text_config.rms_norm_eps"});
  ExpectBad({{"final_logit_softcapping", "0.0"}}, kInvalid, {"text_config.final_logit_softcapping"});
  ExpectBad({{"final_logit_softcapping", "-30"}}, kInvalid, {"text_config.final_logit_softcapping", "-30"});
  ExpectBad({{"final_logit_softcapping", "\"30\""}}, kInvalid,
            {"text_config.final_logit_softcapping", "a number"});
  ExpectBad({{"pad_token_id", "100"}}, kInvalid, {"text_config.pad_token_id", "100", "0 .. 99"});
  ExpectBad({{"pad_token_id", "-1"}}, kInvalid, {"text_config.pad_token_id", "-1"});
  ExpectBad({{"bos_token_id", "100"}}, kInvalid, {"text_config.bos_token_id", "100"});
  ExpectBad({{"eos_token_id", "[1, 100]"}}, kInvalid, {"text_config.eos_token_id", "100"});
  ExpectBad({{"eos_token_id", "\"</s>\""}}, kInvalid, {"text_config.eos_token_id", "integer"});
}

TEST(BadTextConfig, FeaturesThatAreNotThere) {
  ExpectBad({{"attention_bias", "true"}}, kUnimplemented, {"text_config.attention_bias"});
  ExpectBad({{"tie_word_embeddings", "false"}}, kUnimplemented, {"text_config.tie_word_embeddings"});
  ExpectBad({{"hidden_activation", R"("silu")"}}, kUnimplemented,
            {"text_config.hidden_activation", "'silu'", "gelu_pytorch_tanh"});
  ExpectBad({{"model_type", R"("gemma4_unified_text")"}}, kUnimplemented,
            {"text_config.model_type", "gemma4_unified_text"});
  ExpectBad({{"use_bidirectional_attention", R"("all")"}}, kUnimplemented,
            {"text_config.use_bidirectional_attention", "'all'"});
  ExpectBad({{"use_bidirectional_attention", R"("some")"}}, kInvalid,
            {"text_config.use_bidirectional_attention", "'some'"});
}

// The whole of config.json.
void ExpectBadConfig(const std::string& text, StatusCode code, std::vector<std::string> parts) {
  parts.emplace_back("folder/config.json");
  ExpectError(ParseModelConfig(text, "", "folder").status(), code, parts);
}

TEST(BadConfig, NoJson) {
  ExpectBadConfig("", StatusCode::kDataLoss, {"empty"});
  ExpectBadConfig("{\"model_type\": \"gemma4\"", StatusCode::kDataLoss, {"JSON"});
  ExpectBadConfig("{\"model_type\": NaN}", StatusCode::kDataLoss, {"JSON"});
  ExpectBadConfig(std::string("{\"model_type\": \"\xC3\x28\"}"), StatusCode::kDataLoss, {"JSON"});
  ExpectBadConfig("[]", kInvalid, {"object"});
  ExpectBadConfig("3", kInvalid, {"object"});
}

TEST(BadConfig, Architecture) {
  ExpectBadConfig("{}", kInvalid, {"model_type", "missing"});
  ExpectBadConfig(R"({"model_type": 4})", kInvalid, {"model_type", "a string"});
  ExpectBadConfig(R"({"model_type": "llama"})", kUnimplemented, {"model_type", "'llama'", "gemma4_text"});
  ExpectBadConfig(R"({"model_type": "gemma4_assistant"})", kUnimplemented, {"gemma4_assistant", "drafter"});
  ExpectBadConfig(R"({"model_type": "gemma4_unified"})", kUnimplemented, {"gemma4_unified", "encoder-free"});
  ExpectBadConfig(R"({"model_type": "gemma4"})", kInvalid, {"text_config", "missing"});
  ExpectBadConfig(R"({"model_type": "gemma4", "text_config": null})", kInvalid, {"text_config", "null"});
  ExpectBadConfig(R"({"model_type": "gemma4", "text_config": []})", kInvalid, {"text_config", "an object"});
}

std::string ConfigWith(const std::string& members) {
  return R"({"model_type": "gemma4", "text_config": )" + TextConfigWith({}) + ", " + members + "}";
}

TEST(BadConfig, MembersBesideTheText) {
  ExpectBadConfig(ConfigWith(R"("tie_word_embeddings": false)"), kUnimplemented,
                  {"config.json: tie_word_embeddings"});
  ExpectBadConfig(ConfigWith(R"("quantization_config": {"bits": 4})"), kUnimplemented,
                  {"quantization_config"});
  ExpectBadConfig(ConfigWith(R"("vision_config": 1)"), kInvalid, {"vision_config", "an object"});
  ExpectBadConfig(ConfigWith(R"("audio_config": "yes")"), kInvalid, {"audio_config", "an object"});
  ExpectBadConfig(ConfigWith(R"("eos_token_id": [1, 100])"), kInvalid,
                  {"config.json: eos_token_id", "100", "0 .. 99"});
  ExpectBadConfig(ConfigWith(R"("eos_token_id": -1)"), kInvalid, {"config.json: eos_token_id", "-1"});
  ExpectBadConfig(ConfigWith(R"("eos_token_id": [1, 2.5])"), kInvalid,
                  {"config.json: eos_token_id", "integer"});
  ExpectBadConfig(ConfigWith(R"("image_token_id": -5)"), kInvalid, {"image_token_id", "-5"});
  ExpectBadConfig(ConfigWith(R"("audio_token_id": 2147483648)"), kInvalid, {"audio_token_id", "2147483648"});
  ExpectBadConfig(ConfigWith(R"("eoa_token_id": 3, "eoa_token_index": 4)"), kInvalid,
                  {"eoa_token_index", "4", "eoa_token_id is 3"});
}

void ExpectBadGeneration(const std::string& text, StatusCode code, std::vector<std::string> parts) {
  parts.emplace_back("folder/generation_config.json");
  ExpectError(ParseModelConfig(ConfigWith(R"("eos_token_id": 1)"), text, "folder").status(), code, parts);
}

TEST(BadGenerationConfig, NoJson) {
  ExpectBadGeneration("{", StatusCode::kDataLoss, {"JSON"});
  ExpectBadGeneration("[1]", kInvalid, {"object"});
}

TEST(BadGenerationConfig, EmptyFile) {
  const TemporaryFolder folder;
  folder.Write("config.json", ConfigWith(R"("eos_token_id": 1)"));
  folder.Write("generation_config.json", "");
  ExpectError(ReadModelConfig(folder.path()).status(), StatusCode::kDataLoss,
              {folder.File("generation_config.json"), "empty"});
}

TEST(BadGenerationConfig, Values) {
  ExpectBadGeneration(R"({"temperature": -0.1})", kInvalid, {"temperature", "-0.1"});
  ExpectBadGeneration(R"({"temperature": 1e300})", kInvalid, {"temperature", "1e+300"});
  ExpectBadGeneration(R"({"temperature": "hot"})", kInvalid, {"temperature", "a number"});
  ExpectBadGeneration(R"({"top_k": -1})", kInvalid, {"top_k", "-1"});
  ExpectBadGeneration(R"({"top_k": 4294967296})", kInvalid, {"top_k", "4294967296"});
  ExpectBadGeneration(R"({"top_p": 0})", kInvalid, {"top_p", "0"});
  ExpectBadGeneration(R"({"top_p": 1.5})", kInvalid, {"top_p", "1.5"});
  ExpectBadGeneration(R"({"min_p": -0.5})", kInvalid, {"min_p", "-0.5"});
  ExpectBadGeneration(R"({"min_p": 2})", kInvalid, {"min_p", "2"});
  ExpectBadGeneration(R"({"typical_p": 0})", kInvalid, {"typical_p", "0"});
  ExpectBadGeneration(R"({"repetition_penalty": 0})", kInvalid, {"repetition_penalty", "0"});
  ExpectBadGeneration(R"({"repetition_penalty": -1})", kInvalid, {"repetition_penalty", "-1"});
  ExpectBadGeneration(R"({"do_sample": "yes"})", kInvalid, {"do_sample", "true or false"});
  ExpectBadGeneration(R"({"eos_token_id": 100})", kInvalid, {"eos_token_id", "100"});
  ExpectBadGeneration(R"({"eos_token_id": {}})", kInvalid, {"eos_token_id", "integer"});
  ExpectBadGeneration(R"({"suppress_tokens": [3, -1]})", kInvalid, {"suppress_tokens", "-1"});
  ExpectBadGeneration(R"({"suppress_tokens": "none"})", kInvalid, {"suppress_tokens", "integer"});
  ExpectBadGeneration(R"({"bos_token_id": 100})", kInvalid, {"bos_token_id", "100"});
}

// Every size of the table is refused one beyond its end, with key, value and range.
TEST(SizeBounds, OneBeyondIsRefusedByName) {
  struct Bound {
    const char* key;
    IntegerRange range;
  };
  const Bound bounds[] = {{"hidden_size", kWidth},         {"vocab_size", kVocabulary},
                          {"num_hidden_layers", kLayers},  {"num_attention_heads", kHeads},
                          {"num_key_value_heads", kHeads}, {"head_dim", kHeadDim},
                          {"sliding_window", kPositions},  {"max_position_embeddings", kPositions}};
  for (const Bound& bound : bounds) {
    SCOPED_TRACE(bound.key);
    for (const std::int64_t value : {bound.range.high + 1, bound.range.low - 1}) {
      ExpectBad(
          {{bound.key, std::to_string(value)}}, kInvalid,
          {std::string("text_config.") + bound.key + " is " + std::to_string(value) + ", but must lie in " +
           std::to_string(bound.range.low) + " .. " + std::to_string(bound.range.high)});
    }
  }
}

// Scaling of rotary angles in the place where this architecture does not look.
TEST(RopeScaling, IsNotIgnored) {
  for (const char* type : {"linear", "yarn", "dynamic", "llama3", "longrope"}) {
    for (const char* key : {"rope_type", "type"}) {
      ExpectBad({{"rope_scaling", std::string("{\"") + key + "\": \"" + type + "\", \"factor\": 8}"}},
                StatusCode::kUnimplemented,
                {std::string("text_config.rope_scaling is there and asks for '") + type +
                 "', but models of this kind say in rope_parameters how angles are scaled, for each kind of "
                 "layer: remove the key or move it there"});
    }
  }
  ExpectBad({{"rope_scaling", "{\"factor\": 8}"}}, StatusCode::kUnimplemented,
            {"rope_scaling is there, but"});
  ExpectBad({{"rope_scaling", "8"}}, kInvalid, {"text_config.rope_scaling", "object"});
}

}  // namespace
}  // namespace carat::internal
