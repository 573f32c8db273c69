// Opening checkpoints: well-formed ones of every layout, and folders that contradict themselves.
#include "lib/weights/checkpoint.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tests/weights/test_files.h"

namespace carat::internal {
namespace {

using Shape = std::vector<std::int64_t>;

Checkpoint OpenOrFail(const std::string& folder) {
  Result<Checkpoint> checkpoint = Checkpoint::Open(folder);
  EXPECT_TRUE(checkpoint.ok()) << checkpoint.status().ToString();
  return checkpoint.ok() ? *std::move(checkpoint) : Checkpoint();
}

std::string Tiny(const std::string& name) {
  return std::string(CARAT_TEST_DATA) + "/" + name;
}

double Sum(const TensorEntry& tensor) {
  double sum = 0;
  for (std::int64_t i = 0; i < tensor.values(); ++i) {
    sum += LoadValue(tensor.data, tensor.format, static_cast<std::size_t>(i));
  }
  return sum;
}

TEST(Checkpoint, OneFile) {
  const Checkpoint checkpoint = OpenOrFail(Tiny("tiny-26b-a4b"));
  EXPECT_EQ(checkpoint.folder(), Tiny("tiny-26b-a4b"));
  EXPECT_EQ(checkpoint.config().text.experts, 16);
  EXPECT_EQ(checkpoint.text_prefix(), "model.language_model.");
  EXPECT_EQ(checkpoint.tensors().size(), 164u);
  ASSERT_EQ(checkpoint.files().size(), 1u);
  const auto tensor =
      checkpoint.Require("model.language_model.layers.5.experts.gate_up_proj", Shape{16, 64, 64});
  ASSERT_TRUE(tensor.ok()) << tensor.status().ToString();
  EXPECT_EQ((*tensor)->format, NumberFormat::kBF16);
  EXPECT_EQ((*tensor)->values(), 65536);
  EXPECT_EQ((*tensor)->bytes, 131072u);
  EXPECT_EQ(checkpoint.OffsetOf(**tensor), 1605938u);
  EXPECT_EQ(LoadValue((*tensor)->data, (*tensor)->format, 0), 0.08935547f);
  EXPECT_EQ(LoadValue((*tensor)->data, (*tensor)->format, 65535), -0.052734375f);
  EXPECT_NEAR(Sum(**tensor), -36.89238864183426, 1e-9);
}

TEST(Checkpoint, Shards) {
  const Checkpoint checkpoint = OpenOrFail(Tiny("tiny-e2b"));
  EXPECT_EQ(checkpoint.tensors().size(), 377u);
  EXPECT_EQ(checkpoint.files().size(), 13u);
  const auto tensor = checkpoint.Require("model.language_model.embed_tokens.weight", Shape{640, 96});
  ASSERT_TRUE(tensor.ok()) << tensor.status().ToString();
  EXPECT_EQ(checkpoint.OffsetOf(**tensor), 2464u);
  EXPECT_EQ(checkpoint.files()[(*tensor)->file]->path(),
            Tiny("tiny-e2b") + "/model-00002-of-00013.safetensors");
  EXPECT_NEAR(Sum(**tensor), -41.81066956743598, 1e-9);
  std::uint64_t bytes = 0;
  for (const TensorEntry& entry : checkpoint.tensors()) {
    bytes += entry.bytes;
    EXPECT_EQ(checkpoint.Find(entry.name), &entry);
    EXPECT_EQ(entry.bytes, static_cast<std::uint64_t>(entry.values()) * BytesPerValue(entry.format));
    const auto file = checkpoint.files()[entry.file]->bytes();
    EXPECT_LE(checkpoint.OffsetOf(entry) + entry.bytes, file.size()) << entry.name;
  }
  EXPECT_EQ(bytes, 3571060u);
}

TEST(Checkpoint, EveryTinyOneAndTheDemo) {
  EXPECT_EQ(OpenOrFail(Tiny("tiny-e4b")).tensors().size(), 408u);
  EXPECT_EQ(OpenOrFail(Tiny("tiny-31b")).tensors().size(), 116u);
  EXPECT_EQ(OpenOrFail(CARAT_DEMO_MODEL).tensors().size(), 583u);
}

constexpr char kTextConfig[] =
    R"({"model_type": "gemma4_text", "num_hidden_layers": 2, "hidden_size": 4, "vocab_size": 6,
        "vocab_size_per_layer_input": 6, "hidden_size_per_layer_input": 0})";

// A text-only folder whose single file is `model`.
void WriteSingle(const TemporaryFolder& folder, const std::string& model) {
  folder.Write("config.json", kTextConfig);
  folder.Write("model.safetensors", model);
}

const std::vector<TestTensor> kSmall = {
    {"model.embed_tokens.weight", {6, 4}}, {"model.layers.0.layer_scalar", {1}}, {"model.norm.weight", {4}}};

TEST(Checkpoint, TextOnlyPrefix) {
  const TemporaryFolder folder;
  WriteSingle(folder, SafetensorsOf(kSmall));
  const Checkpoint checkpoint = OpenOrFail(folder.path());
  EXPECT_EQ(checkpoint.text_prefix(), "model.");
  EXPECT_EQ(checkpoint.config().architecture, "gemma4_text");
  const TensorEntry* norm = checkpoint.Find("model.norm.weight");
  ASSERT_NE(norm, nullptr);
  EXPECT_EQ(LoadValue(norm->data, norm->format, 3), 28.0f);
  EXPECT_EQ(norm->shape, (Shape{4}));
}

TEST(Checkpoint, SingleFileWinsOverIndex) {
  const TemporaryFolder folder;
  WriteSingle(folder, SafetensorsOf(kSmall));
  folder.Write("model.safetensors.index.json", "not read");
  EXPECT_EQ(OpenOrFail(folder.path()).files().size(), 1u);
}

TEST(Checkpoint, CopiesAndMovesKeepTheirTensors) {
  const TemporaryFolder folder;
  WriteSingle(folder, SafetensorsOf(kSmall));
  Checkpoint first = OpenOrFail(folder.path());
  const Checkpoint copy = first;
  const Checkpoint moved = std::move(first);
  for (const Checkpoint* checkpoint : {&copy, &moved}) {
    const TensorEntry* norm = checkpoint->Find("model.norm.weight");
    ASSERT_NE(norm, nullptr);
    EXPECT_EQ(LoadValue(norm->data, norm->format, 0), 25.0f);
  }
}

TEST(Checkpoint, TensorsOfOtherTypesAreLeftOutButKnown) {
  const TemporaryFolder folder;
  WriteSingle(folder,
              Safetensors(R"({"model.embed_tokens.weight":{"dtype":"F16","shape":[2],"data_offsets":[0,4]},
    "model.positions":{"dtype":"I64","shape":[1,2],"data_offsets":[4,20]}})",
                          std::string(20, '\0')));
  const Checkpoint checkpoint = OpenOrFail(folder.path());
  ASSERT_EQ(checkpoint.tensors().size(), 1u);
  EXPECT_EQ(checkpoint.tensors()[0].format, NumberFormat::kF16);
  EXPECT_EQ(checkpoint.Find("model.positions"), nullptr);
  ExpectError(checkpoint.Require("model.positions", Shape{1, 2}).status(), StatusCode::kInvalidArgument,
              {folder.path(), "model.positions", "I64", "BF16"});
}

TEST(Checkpoint, RequireSaysWhatIsMissing) {
  const TemporaryFolder folder;
  WriteSingle(folder, SafetensorsOf(kSmall));
  const Checkpoint checkpoint = OpenOrFail(folder.path());
  ExpectError(checkpoint.Require("model.layers.1.mlp.up_proj.weight", Shape{8, 4}).status(),
              StatusCode::kNotFound, {folder.path(), "model.layers.1.mlp.up_proj.weight", "[8, 4]"});
}

TEST(Checkpoint, RequireSaysWhichShapeIsWrong) {
  const TemporaryFolder folder;
  WriteSingle(folder, SafetensorsOf(kSmall));
  const Checkpoint checkpoint = OpenOrFail(folder.path());
  const Shape wrong[] = {{4, 6}, {6, 4, 1}, {24}, {}};
  for (const Shape& shape : wrong) {
    ExpectError(checkpoint.Require("model.embed_tokens.weight", shape).status(), StatusCode::kInvalidArgument,
                {folder.path(), "model.embed_tokens.weight", ShapeString(shape), "[6, 4]"});
  }
}

TEST(ShapeString, ShowsSizes) {
  EXPECT_EQ(ShapeString(Shape{4, 16}), "[4, 16]");
  EXPECT_EQ(ShapeString(Shape{7}), "[7]");
  EXPECT_EQ(ShapeString(Shape{}), "[]");
}

// Folders that cannot be opened.

TEST(BadFolder, NotThere) {
  const TemporaryFolder folder;
  ExpectError(Checkpoint::Open(folder.File("absent")).status(), StatusCode::kNotFound,
              {folder.File("absent")});
}

TEST(BadFolder, NoConfig) {
  const TemporaryFolder folder;
  folder.Write("model.safetensors", SafetensorsOf(kSmall));
  ExpectError(Checkpoint::Open(folder.path()).status(), StatusCode::kNotFound, {folder.File("config.json")});
}

TEST(BadFolder, NoWeights) {
  const TemporaryFolder folder;
  folder.Write("config.json", kTextConfig);
  ExpectError(Checkpoint::Open(folder.path()).status(), StatusCode::kNotFound,
              {folder.path(), "model.safetensors", "model.safetensors.index.json"});
}

TEST(BadFolder, WeightsAreAFolder) {
  const TemporaryFolder folder;
  folder.Write("config.json", kTextConfig);
  const TemporaryFolder other;
  ASSERT_EQ(symlink(other.path().c_str(), folder.File("model.safetensors").c_str()), 0);
  ExpectError(Checkpoint::Open(folder.path()).status(), StatusCode::kInvalidArgument,
              {folder.File("model.safetensors"), "regular file"});
}

TEST(BadFolder, NoTextDecoder) {
  const TemporaryFolder folder;
  WriteSingle(folder, SafetensorsOf({{"model.vision_tower.weight", {2}}}));
  ExpectError(Checkpoint::Open(folder.path()).status(), StatusCode::kNotFound,
              {folder.path(), "model.language_model.embed_tokens.weight", "model.embed_tokens.weight"});
}

TEST(BadFolder, LayerBeyondTheConfig) {
  const TemporaryFolder folder;
  WriteSingle(folder, SafetensorsOf({{"model.embed_tokens.weight", {6, 4}},
                                     {"model.layers.1.layer_scalar", {1}},
                                     {"model.layers.2.layer_scalar", {1}}}));
  ExpectError(Checkpoint::Open(folder.path()).status(), StatusCode::kInvalidArgument,
              {folder.File("model.safetensors"), "model.layers.2.layer_scalar", "num_hidden_layers", "is 2"});
}

TEST(BadFolder, ExpertsThatTheConfigLacks) {
  const TemporaryFolder folder;
  WriteSingle(folder, SafetensorsOf({{"model.embed_tokens.weight", {6, 4}},
                                     {"model.layers.1.experts.down_proj", {1, 1, 1}}}));
  ExpectError(Checkpoint::Open(folder.path()).status(), StatusCode::kInvalidArgument,
              {"model.layers.1.experts.down_proj", "enable_moe_block"});
}

TEST(BadFolder, PerLayerTableThatTheConfigLacks) {
  const TemporaryFolder folder;
  WriteSingle(folder, SafetensorsOf({{"model.embed_tokens.weight", {6, 4}},
                                     {"model.embed_tokens_per_layer.weight", {6, 4}}}));
  ExpectError(Checkpoint::Open(folder.path()).status(), StatusCode::kInvalidArgument,
              {"model.embed_tokens_per_layer.weight", "hidden_size_per_layer_input"});
}

// Indices that are wrong. Two good shards lie beside them.
class BadIndex : public testing::Test {
 protected:
  BadIndex() {
    folder_.Write("config.json", kTextConfig);
    folder_.Write("a.safetensors", SafetensorsOf({kSmall[0]}));
    folder_.Write("b.safetensors", SafetensorsOf({kSmall[1], kSmall[2]}));
  }

  Status OpenWith(const std::string& index) {
    folder_.Write("model.safetensors.index.json", index);
    return Checkpoint::Open(folder_.path()).status();
  }
  std::string Index() const { return folder_.File("model.safetensors.index.json"); }

  TemporaryFolder folder_;
};

constexpr char kGoodMap[] = R"("model.embed_tokens.weight": "a.safetensors",
  "model.layers.0.layer_scalar": "b.safetensors", "model.norm.weight": "b.safetensors")";

TEST_F(BadIndex, TheGoodOneOpens) {
  EXPECT_TRUE(OpenWith(std::string(R"({"metadata": {}, "weight_map": {)") + kGoodMap + "}}").ok());
}

TEST_F(BadIndex, NotJson) {
  ExpectError(OpenWith("{\"weight_map\": {"), StatusCode::kDataLoss, {Index(), "JSON"});
}

TEST_F(BadIndex, Empty) {
  ExpectError(OpenWith(""), StatusCode::kDataLoss, {Index(), "JSON"});
}

TEST_F(BadIndex, NoObject) {
  ExpectError(OpenWith("[]"), StatusCode::kInvalidArgument, {Index(), "object"});
}

TEST_F(BadIndex, NoMap) {
  ExpectError(OpenWith("{}"), StatusCode::kInvalidArgument, {Index(), "weight_map"});
}

TEST_F(BadIndex, MapOfTheWrongType) {
  ExpectError(OpenWith(R"({"weight_map": 3})"), StatusCode::kInvalidArgument, {Index(), "weight_map"});
}

TEST_F(BadIndex, MapWithoutTensors) {
  ExpectError(OpenWith(R"({"weight_map": {}})"), StatusCode::kInvalidArgument, {Index(), "weight_map"});
}

TEST_F(BadIndex, ShardNameOfTheWrongType) {
  ExpectError(OpenWith(R"({"weight_map": {"model.norm.weight": 1}})"), StatusCode::kInvalidArgument,
              {Index(), "model.norm.weight", "string"});
}

TEST_F(BadIndex, ShardOutsideTheFolder) {
  for (const char* name : {"../a.safetensors", "/etc/passwd", "sub/a.safetensors", "..", ".", "",
                           "..\\\\a.safetensors", "a.safetensors\\u0000"}) {
    SCOPED_TRACE(name);
    ExpectError(OpenWith(std::string(R"({"weight_map": {"model.norm.weight": ")") + name + "\"}}"),
                StatusCode::kInvalidArgument, {Index(), "model.norm.weight", "same folder"});
  }
}

TEST_F(BadIndex, MissingShard) {
  ExpectError(OpenWith(std::string(R"({"weight_map": {)") + kGoodMap + R"(, "model.x": "c.safetensors"}})"),
              StatusCode::kNotFound, {folder_.File("c.safetensors"), Index(), "model.x"});
}

TEST_F(BadIndex, TensorInNoShard) {
  ExpectError(OpenWith(std::string(R"({"weight_map": {)") + kGoodMap + R"(, "model.x": "a.safetensors"}})"),
              StatusCode::kDataLoss, {Index(), "model.x", "a.safetensors", "no file"});
}

TEST_F(BadIndex, TensorInAnotherShard) {
  ExpectError(OpenWith(R"({"weight_map": {"model.embed_tokens.weight": "a.safetensors",
    "model.layers.0.layer_scalar": "b.safetensors", "model.norm.weight": "a.safetensors"}})"),
              StatusCode::kDataLoss,
              {Index(), "model.norm.weight", "a.safetensors", folder_.File("b.safetensors")});
}

TEST_F(BadIndex, TensorNamedTwice) {
  ExpectError(
      OpenWith(std::string(R"({"weight_map": {)") + kGoodMap + R"(, "model.norm.weight": "a.safetensors"}})"),
      StatusCode::kDataLoss, {Index(), "model.norm.weight", "twice"});
}

TEST_F(BadIndex, TensorInTwoShards) {
  folder_.Write("b.safetensors", SafetensorsOf({kSmall[1], kSmall[2], kSmall[0]}));
  ExpectError(OpenWith(std::string(R"({"weight_map": {)") + kGoodMap + "}}"), StatusCode::kDataLoss,
              {folder_.File("a.safetensors"), folder_.File("b.safetensors"), "model.embed_tokens.weight"});
}

TEST_F(BadIndex, TruncatedShard) {
  const std::string shard = ReadWholeFile(folder_.File("b.safetensors"));
  folder_.Write("b.safetensors", shard.substr(0, shard.size() - 1));
  ExpectError(OpenWith(std::string(R"({"weight_map": {)") + kGoodMap + "}}"), StatusCode::kDataLoss,
              {folder_.File("b.safetensors"), "model.norm.weight"});
}

}  // namespace
}  // namespace carat::internal
