// GGUF models: the same configuration and tensors as the folder that they were made of, and clear errors.
#include <cstring>

#include "gtest/gtest.h"
#include "lib/weights/checkpoint.h"
#include "lib/weights/gguf/gguf_model.h"
#include "tests/weights/gguf_files.h"
#include "tests/weights/test_files.h"

namespace carat::internal {
namespace {

Result<Checkpoint> OpenBytes(const std::string& bytes) {
  const TemporaryFolder folder;
  return Checkpoint::Open(folder.Write("model.gguf", bytes));
}

void ExpectSameLayers(const TextConfig& a, const TextConfig& b) {
  ASSERT_EQ(a.layers.size(), b.layers.size());
  for (std::size_t i = 0; i < a.layers.size(); ++i) {
    SCOPED_TRACE(i);
    const LayerConfig &x = a.layers[i], &y = b.layers[i];
    EXPECT_EQ(x.full_attention, y.full_attention);
    EXPECT_EQ(x.head_dim, y.head_dim);
    EXPECT_EQ(x.kv_heads, y.kv_heads);
    EXPECT_EQ(x.intermediate_size, y.intermediate_size);
    EXPECT_EQ(x.keys_are_values, y.keys_are_values);
    EXPECT_EQ(x.kv_layer, y.kv_layer);
    EXPECT_EQ(x.rope.theta, y.rope.theta);
    EXPECT_EQ(x.rope.rotated_pairs, y.rope.rotated_pairs);
    EXPECT_EQ(x.rope.factor, y.rope.factor);
  }
}

void ExpectSameSizes(const TextConfig& a, const TextConfig& b) {
  EXPECT_EQ(a.hidden_size, b.hidden_size);
  EXPECT_EQ(a.vocabulary_size, b.vocabulary_size);
  EXPECT_EQ(a.attention_heads, b.attention_heads);
  EXPECT_EQ(a.sliding_window, b.sliding_window);
  EXPECT_EQ(a.context_length, b.context_length);
  EXPECT_EQ(a.per_layer_input_size, b.per_layer_input_size);
  EXPECT_EQ(a.per_layer_vocabulary_size, b.per_layer_vocabulary_size);
  EXPECT_EQ(a.kv_shared_layers, b.kv_shared_layers);
  EXPECT_EQ(a.experts, b.experts);
  EXPECT_EQ(a.experts_per_token, b.experts_per_token);
  EXPECT_EQ(a.expert_intermediate_size, b.expert_intermediate_size);
  EXPECT_EQ(a.final_logit_softcap, b.final_logit_softcap);
  EXPECT_FLOAT_EQ(static_cast<float>(a.rms_norm_epsilon), static_cast<float>(b.rms_norm_epsilon));
  EXPECT_EQ(a.pad_token, b.pad_token);
}

class TinyModels : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(, TinyModels, testing::Values("tiny-e2b", "tiny-e4b", "tiny-26b-a4b", "tiny-31b"));

TEST_P(TinyModels, AsGgufHasTheSameConfigurationAndTensors) {
  const auto folder = Checkpoint::Open(std::string(CARAT_TEST_DATA) + "/" + GetParam());
  ASSERT_TRUE(folder.ok()) << folder.status().ToString();
  const auto gguf = OpenBytes(GgufOf(*folder));
  ASSERT_TRUE(gguf.ok()) << gguf.status().ToString();
  ExpectSameSizes(gguf->config().text, folder->config().text);
  ExpectSameLayers(gguf->config().text, folder->config().text);
  EXPECT_EQ(gguf->config().stop_tokens, folder->config().stop_tokens);
  EXPECT_EQ(gguf->config().suppress_tokens, folder->config().suppress_tokens);
  EXPECT_EQ(gguf->config().bos_token, folder->config().bos_token);
  EXPECT_EQ(gguf->config().sampling.temperature, folder->config().sampling.temperature);
  EXPECT_EQ(gguf->config().sampling.top_k, folder->config().sampling.top_k);
  EXPECT_FALSE(gguf->config().has_vision);
  int seen = 0;
  for (const TensorEntry& expected : folder->tensors()) {
    if (!expected.name.starts_with(folder->text_prefix())) continue;
    ++seen;
    const TensorEntry* found =
        gguf->Find(gguf->text_prefix() + expected.name.substr(folder->text_prefix().size()));
    ASSERT_NE(found, nullptr) << expected.name;
    EXPECT_EQ(found->shape, expected.shape) << expected.name;
    ASSERT_EQ(found->bytes, expected.bytes) << expected.name;
    EXPECT_EQ(std::memcmp(found->data, expected.data, expected.bytes), 0) << expected.name;
  }
  EXPECT_EQ(static_cast<std::size_t>(seen), gguf->tensors().size());
}

TEST(Gguf, TheSmallestModelOpens) {
  const auto model = OpenBytes(SmallestGguf());
  ASSERT_TRUE(model.ok()) << model.status().ToString();
  ExpectSameSizes(model->config().text, SmallestConfig().text);
  ExpectSameLayers(model->config().text, SmallestConfig().text);
  EXPECT_EQ(model->config().architecture, "gemma4");
  EXPECT_EQ(model->config().stop_tokens, (std::vector<std::int32_t>{1, 3}));
  const TensorEntry* q = model->Find("model.language_model.layers.1.self_attn.q_proj.weight");
  ASSERT_NE(q, nullptr);
  EXPECT_EQ(q->name_in_file, "blk.1.attn_q.weight");
  EXPECT_EQ(q->shape, (std::vector<std::int64_t>{128, 32}));
}

TEST(Gguf, MatricesMayBeInBlocks) {
  SmallestOptions options;
  options.matrices = NumberFormat::kQ4_0;
  const auto model = OpenBytes(SmallestGguf(options));
  ASSERT_TRUE(model.ok()) << model.status().ToString();
  const TensorEntry* table = model->Find("model.language_model.embed_tokens.weight");
  ASSERT_NE(table, nullptr);
  EXPECT_EQ(table->format, NumberFormat::kQ4_0);
  EXPECT_EQ(table->bytes, 8u * 18u);
}

TEST(Gguf, AFolderWithOneModelIsThatModel) {
  const TemporaryFolder folder;
  folder.Write("model.gguf", SmallestGguf());
  folder.Write("mmproj-model.gguf", "towers");
  EXPECT_TRUE(Checkpoint::Open(folder.path()).ok());
  folder.Write("other.gguf", SmallestGguf());
  ExpectError(Checkpoint::Open(folder.path()).status(), StatusCode::kInvalidArgument,
              {folder.path(), "model.gguf", "other.gguf", "name one of the files"});
}

TEST(Gguf, StopTokensAndPlaceholdersComeFromThePieces) {
  SmallestOptions options;
  options.config = [](ModelConfig& config) { config.stop_tokens.clear(); };
  const auto model = OpenBytes(SmallestGguf(options));
  ASSERT_TRUE(model.ok()) << model.status().ToString();
  EXPECT_EQ(model->config().stop_tokens, (std::vector<std::int32_t>{1, 3}));

  const auto folder = Checkpoint::Open(std::string(CARAT_TEST_DATA) + "/tiny-e2b");
  ASSERT_TRUE(folder.ok());
  const auto media = OpenBytes(GgufOf(*folder, {"a", "<|image|>", "<|video|>", "<|image>"}));
  ASSERT_TRUE(media.ok()) << media.status().ToString();
  EXPECT_EQ(media->config().media.image, 1);
  EXPECT_EQ(media->config().media.video, 2);
  EXPECT_EQ(media->config().media.image_begin, 3);
  EXPECT_EQ(media->config().media.audio, std::nullopt);
  EXPECT_EQ(media->config().text.placeholder_tokens, (std::vector<std::int32_t>{1, 2}));
}

TEST(Gguf, MissingTensorsAreNamedAsTheFileNamesThem) {
  SmallestOptions options;
  options.left_out = std::string("rope_freqs.weight");
  ExpectError(OpenBytes(SmallestGguf(options)).status(), StatusCode::kNotFound,
              {"model.gguf", "rope_freqs.weight", "[32]"});
  options.left_out = "token_embd.weight";
  ExpectError(OpenBytes(SmallestGguf(options)).status(), StatusCode::kNotFound, {"token_embd.weight"});
  options.left_out = "blk.0.attn_q.weight";
  const auto model = OpenBytes(SmallestGguf(options));
  ASSERT_TRUE(model.ok());
  const std::int64_t shape[] = {64, 32};
  ExpectError(model->Require("model.language_model.layers.0.self_attn.q_proj.weight", shape).status(),
              StatusCode::kNotFound, {"model.gguf", "blk.0.attn_q.weight", "[64, 32]"});
}

TEST(Gguf, WithoutAValueProjectionKeysAreValues) {
  SmallestOptions options;
  options.left_out = "blk.1.attn_v.weight";
  const auto model = OpenBytes(SmallestGguf(options));
  ASSERT_TRUE(model.ok()) << model.status().ToString();
  EXPECT_TRUE(model->config().text.layers[1].keys_are_values);
  EXPECT_FALSE(model->config().text.layers[0].keys_are_values);
}

struct BadKey {
  const char* name;
  std::function<void(GgufHeader&)> edit;
  StatusCode code;
  std::vector<std::string> parts;
};

TEST(Gguf, FeaturesThatAreLackingAreRefused) {
  const BadKey keys[] = {
      {"softcap",
       [](GgufHeader& h) { h.Number("gemma4.attn_logit_softcapping", 50); },
       StatusCode::kUnimplemented,
       {"gemma4.attn_logit_softcapping", "50"}},
      {"scaling",
       [](GgufHeader& h) { h.String("gemma4.rope.scaling.type", "yarn"); },
       StatusCode::kUnimplemented,
       {"gemma4.rope.scaling.type", "yarn"}},
      {"drafts",
       [](GgufHeader& h) { h.Unsigned("gemma4.nextn_predict_layers", 2); },
       StatusCode::kUnimplemented,
       {"nextn_predict_layers"}},
      {"alignment",
       [](GgufHeader& h) { h.Unsigned("general.alignment", 24); },
       StatusCode::kDataLoss,
       {"general.alignment", "24", "power of two"}},
      {"suppress",
       [](GgufHeader& h) { h.Integers("carat.suppress_token_ids", std::vector<std::int64_t>{8}); },
       StatusCode::kInvalidArgument,
       {"carat.suppress_token_ids[0]", "8", "0 .. 7"}},
      {"type",
       [](GgufHeader& h) { h.String("general.sampling.top_k", "many"); },
       StatusCode::kInvalidArgument,
       {"general.sampling.top_k", "string", "integer"}},
  };
  for (const BadKey& key : keys) {
    SCOPED_TRACE(key.name);
    SmallestOptions options;
    options.edit = key.edit;
    ExpectError(OpenBytes(SmallestGguf(options)).status(), key.code, key.parts);
  }
}

TEST(Gguf, KeysThatContradictTheTensorsAreErrors) {
  SmallestOptions options;
  options.config = [](ModelConfig& config) { config.text.vocabulary_size = 9; };
  ExpectError(OpenBytes(SmallestGguf(options)).status(), StatusCode::kInvalidArgument,
              {"gemma4.vocab_size", "9", "8 rows"});
  options.config = [](ModelConfig& config) { config.text.layers.pop_back(); };
  const Status status = OpenBytes(SmallestGguf(options)).status();
  EXPECT_FALSE(status.ok());  // the last layer is a sliding one
  EXPECT_NE(status.message().find("sliding_window_pattern"), std::string::npos) << status.message();
}

TEST(Gguf, TensorsWithoutAPlaceAreRefused) {
  for (const char* name : {"blk.0.attn_q.bias", "blk.00.attn_q.weight", "mystery.weight"}) {
    SmallestOptions options;
    options.extra = name;
    ExpectError(OpenBytes(SmallestGguf(options)).status(), StatusCode::kUnimplemented, {name, "no place"});
  }
}

TEST(Gguf, OtherArchitecturesAreNamed) {
  for (const char* name : {"llama", "clip", "gemma4-assistant"}) {
    GgufHeader header;
    header.String("general.architecture", name);
    ExpectError(OpenBytes(header.Bytes()).status(), StatusCode::kUnimplemented,
                {"general.architecture", name, "'gemma4'"});
  }
  ExpectError(OpenBytes(GgufHeader().Bytes()).status(), StatusCode::kNotFound, {"general.architecture"});
}

// A split model: part 0 with the keys and one tensor, part 1 with another.
class SplitModel : public testing::Test {
 protected:
  static std::string Part(std::int64_t number, std::int64_t count, const char* tensor) {
    GgufHeader header;
    header.Unsigned("split.no", number);
    header.Unsigned("split.count", count);
    header.Unsigned("split.tensors.count", 2);
    const std::int64_t shape[] = {8};
    header.Tensor(tensor, shape, NumberFormat::kF32);
    return header.Bytes() + std::string(32, '\0');
  }
  TemporaryFolder folder_;
};

TEST_F(SplitModel, AnyPartOpensAll) {
  folder_.Write("m-00001-of-00002.gguf", Part(0, 2, "a"));
  folder_.Write("m-00002-of-00002.gguf", Part(1, 2, "b"));
  for (const char* name : {"m-00001-of-00002.gguf", "m-00002-of-00002.gguf"}) {
    const auto model = GgufModel::Open(folder_.File(name));
    ASSERT_TRUE(model.ok()) << model.status().ToString();
    EXPECT_EQ(model->parts().size(), 2u);
    EXPECT_EQ(model->FindTensor("b").part, &model->parts()[1]);
    EXPECT_EQ(model->FindTensor("c").tensor, nullptr);
  }
}

TEST_F(SplitModel, PartsMustBelongTogether) {
  const std::string first = folder_.Write("m-00001-of-00002.gguf", Part(0, 2, "a"));
  ExpectError(GgufModel::Open(first).status(), StatusCode::kNotFound, {"m-00002-of-00002.gguf"});
  folder_.Write("m-00002-of-00002.gguf", Part(0, 2, "b"));
  ExpectError(GgufModel::Open(first).status(), StatusCode::kDataLoss, {"part 1 of 2", "part 0 of 2"});
  folder_.Write("m-00002-of-00002.gguf", Part(1, 2, "a"));
  ExpectError(GgufModel::Open(first).status(), StatusCode::kDataLoss, {"tensor 'a'", "already"});
  ExpectError(GgufModel::Open(folder_.Write("renamed.gguf", Part(0, 2, "a"))).status(),
              StatusCode::kInvalidArgument, {"renamed.gguf", "one of 2 parts", "-00001-of-00002.gguf"});
}

}  // namespace
}  // namespace carat::internal
