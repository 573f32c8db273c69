// Towers in a GGUF file beside the text decoder's: pictures and sound mean what they mean with the folder,
// bit for bit; and files that do not belong together are refused with a sentence.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "carat/media.h"
#include "carat/model.h"
#include "carat/prompt.h"
#include "carat/quantize.h"
#include "carat/session.h"
#include "lib/gguf/gguf.h"
#include "lib/gguf/gguf_writer.h"
#include "lib/quant/block_formats.h"
#include "lib/runtime/model_impl.h"
#include "lib/weights/gguf/gguf_tower_names.h"

namespace carat {
namespace {

std::string Tiny(const std::string& name) {
  return std::string(CARAT_TEST_DATA) + "/" + name;
}

// A tiny model as two GGUF files, removed at the end.
class Pair {
 public:
  explicit Pair(const std::string& name) {
    const std::string stem = testing::TempDir() + "/carat_towers_" + std::to_string(getpid()) + "_" + name;
    text_ = stem + ".gguf";
    towers_ = stem + "-mmproj.gguf";
    QuantizeOptions options;
    options.type = "bf16";
    options.mmproj = towers_;
    options.overwrite = true;
    const Status written = QuantizeCheckpoint(Tiny(name), text_, options);
    EXPECT_TRUE(written.ok()) << written.ToString();
  }
  ~Pair() {
    std::remove(text_.c_str());
    std::remove(towers_.c_str());
  }
  const std::string& text() const { return text_; }
  const std::string& towers() const { return towers_; }

 private:
  std::string text_, towers_;
};

ModelOptions With(const std::string& towers, Precision precision = Precision::kFloat32) {
  ModelOptions options;
  options.threads = 1;
  options.precision = precision;
  options.mmproj = towers;
  return options;
}

struct Media {
  std::vector<std::uint8_t> pixels;
  std::vector<float> samples;

  Media() : pixels(3 * 150 * 110), samples(16000) {
    for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::uint8_t>(i * i * 7 + i / 97);
    for (std::size_t i = 0; i < samples.size(); ++i) {
      const auto t = static_cast<float>(i) / 16000.0f;
      samples[i] = 0.3f * std::sin(900.0f * t) + 0.2f * std::sin(4000.0f * t * t);
    }
  }
  ImageView image() const { return {pixels.data(), 150, 110, 450}; }
  AudioView sound() const {
    AudioView view;
    view.samples = samples.data();
    view.frames = static_cast<std::int64_t>(samples.size());
    return view;
  }
};

// Rows of the towers and logits of a prompt with them.
struct Outcome {
  std::vector<float> picture, sound, logits;
};

Outcome ReadMedia(const Model& model, TowerPrecision precision) {
  const Media media;
  ImageOptions picture;
  AudioOptions sound;
  picture.precision = sound.precision = precision;
  Outcome outcome;
  Prompt prompt(model);
  const auto add = [&](const Result<SoftTokens>& tokens, std::vector<float>* rows) {
    ASSERT_TRUE(tokens.ok()) << tokens.status().ToString();
    rows->assign(tokens->rows().begin(), tokens->rows().end());
    const Status added = prompt.AddMedia(*tokens);
    ASSERT_TRUE(added.ok()) << added.ToString();
  };
  EXPECT_TRUE(prompt.AddTokens(std::vector<std::int32_t>{2, 40, 41}).ok());
  add(EncodeImage(model, media.image(), picture), &outcome.picture);
  if (model.info().has_audio) add(EncodeAudio(model, media.sound(), sound), &outcome.sound);
  EXPECT_TRUE(prompt.AddTokens(std::vector<std::int32_t>{60, 61}).ok());
  auto session = Session::Create(model);
  EXPECT_TRUE(session.ok());
  const Status status = session->Prefill(prompt);
  EXPECT_TRUE(status.ok()) << status.ToString();
  const auto logits = session->Logits(0);
  if (logits.ok()) outcome.logits.assign(logits->begin(), logits->end());
  return outcome;
}

bool SameBits(const std::vector<float>& a, const std::vector<float>& b) {
  if (a.size() != b.size()) return false;
  return a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

TEST(TowersTest, MeanWhatTheFolderMeans) {
  for (const char* name : {"tiny-e2b", "tiny-e4b", "tiny-31b", "tiny-26b-a4b"}) {
    SCOPED_TRACE(name);
    const Pair pair(name);
    const auto folder = Model::Load(Tiny(name), With(""));
    const auto gguf = Model::Load(pair.text(), With(pair.towers()));
    ASSERT_TRUE(folder.ok()) << folder.status().ToString();
    ASSERT_TRUE(gguf.ok()) << gguf.status().ToString();
    EXPECT_TRUE(gguf->info().has_vision);
    EXPECT_EQ(gguf->info().has_audio, folder->info().has_audio);
    for (const TowerPrecision precision : {TowerPrecision::kAuto, TowerPrecision::kFloat32}) {
      const Outcome expected = ReadMedia(*folder, precision), actual = ReadMedia(*gguf, precision);
      EXPECT_GT(expected.picture.size(), 0u);
      EXPECT_EQ(expected.sound.empty(), !folder->info().has_audio);
      EXPECT_TRUE(SameBits(actual.picture, expected.picture));
      EXPECT_TRUE(SameBits(actual.sound, expected.sound));
      EXPECT_GT(expected.logits.size(), 0u);
      EXPECT_TRUE(SameBits(actual.logits, expected.logits));
    }
  }
}

TEST(TowersTest, WithoutThemPicturesAreRefused) {
  const Pair pair("tiny-e2b");
  const auto model = Model::Load(pair.text(), With(""));
  ASSERT_TRUE(model.ok());
  EXPECT_FALSE(model->info().has_vision);
  const Media media;
  const auto tokens = EncodeImage(*model, media.image(), {});
  EXPECT_EQ(tokens.status().code(), StatusCode::kUnimplemented);
}

TEST(TowersTest, FilesThatDoNotBelongTogetherAreRefused) {
  const Pair e2b("tiny-e2b"), large("tiny-31b");
  // 96 and 64 values a token.
  const Status other = Model::Load(e2b.text(), With(large.towers())).status();
  EXPECT_EQ(other.code(), StatusCode::kInvalidArgument);
  const std::string sentence(other.message());
  for (const std::string& part : {large.towers(), e2b.text(), std::string("64"), std::string("96"),
                                  std::string("clip.vision.projection_dim")}) {
    EXPECT_NE(sentence.find(part), std::string::npos) << sentence;
  }
  const Status text = Model::Load(e2b.text(), With(e2b.text())).status();
  EXPECT_EQ(text.code(), StatusCode::kInvalidArgument);
  EXPECT_NE(std::string(text.message()).find("'gemma4', but must be 'clip'"), std::string::npos);
  const Status folder = Model::Load(Tiny("tiny-e2b"), With(e2b.towers())).status();
  EXPECT_EQ(folder.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(Model::Load(e2b.text(), With("/no/such.gguf")).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(Model::Load(e2b.towers(), With("")).status().code(), StatusCode::kUnimplemented);
  QuantizeOptions options;
  options.mmproj = large.towers() + ".new";
  EXPECT_EQ(QuantizeCheckpoint(e2b.text(), e2b.text() + ".new", options).code(),
            StatusCode::kFailedPrecondition);
}

TEST(TowersTest, TheFileIsWhatOthersRead) {
  const Pair pair("tiny-e2b");
  const auto file = internal::GgufFile::Open(pair.towers());
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(*file->String("general.architecture"), "clip");
  EXPECT_EQ(*file->String("clip.vision.projector_type"), "gemma4v");
  EXPECT_EQ(*file->String("clip.audio.projector_type"), "gemma4a");
  EXPECT_EQ(*file->Integer("clip.audio.feed_forward_length", {0, 1000}), 256);
  const auto shape = [&](const char* name) {
    const internal::GgufTensor* tensor = file->FindTensor(name);
    return tensor == nullptr ? std::vector<std::int64_t>() : tensor->shape;
  };
  using Shape = std::vector<std::int64_t>;
  EXPECT_EQ(shape("v.patch_embd.weight"), (Shape{64, 3, 16, 16}));
  EXPECT_EQ(shape("v.position_embd.weight"), (Shape{2, 256, 64}));
  EXPECT_EQ(shape("v.blk.1.attn_q.input_min"), (Shape{1}));
  EXPECT_EQ(shape("a.blk.1.conv_dw.weight"), (Shape{64, 5}));
  EXPECT_EQ(shape("a.conv1d.1.weight"), (Shape{8, 128, 3, 3}));
  EXPECT_EQ(shape("mm.a.input_projection.weight"), (Shape{96, 80}));
  // The value of a pixel's channel is the folder's.
  const auto folder = Model::Load(Tiny("tiny-e2b"), With(""));
  const auto* stored =
      folder->impl()->checkpoint().Find("model.vision_tower.patch_embedder.input_proj.weight");
  const internal::GgufTensor* patches = file->FindTensor("v.patch_embd.weight");
  const std::byte* data = file->file()->bytes().data() + patches->begin;
  for (const std::size_t row : {0u, 63u}) {
    for (const std::size_t channel : {0u, 1u, 2u}) {
      const float found =
          internal::LoadValue(data, *patches->format, ((row * 3 + channel) * 16 + 5) * 16 + 9);
      const float expected =
          internal::LoadValue(stored->data, stored->format, row * 768 + (5 * 16 + 9) * 3 + channel);
      EXPECT_EQ(found, expected);
    }
  }
}

using internal::GgufFile;
using internal::GgufHeader;
using internal::GgufTensor;
using internal::NumberFormat;

// A GGUF file in the making, of tensors of others.
class Rewritten {
 public:
  void Add(const GgufFile& from, const GgufTensor& tensor, const std::string& name) {
    Add(name, tensor.shape, *tensor.format,
        std::string(reinterpret_cast<const char*>(from.file()->bytes().data()) + tensor.begin, tensor.bytes));
  }
  void Add(const std::string& name, const std::vector<std::int64_t>& shape, NumberFormat format,
           const std::string& bytes) {
    header.Tensor(name, shape, format);
    data_ += bytes;
    data_.append(internal::GgufPadding(data_.size()), '\0');
  }
  void Write(const std::string& path) const {
    std::ofstream(path, std::ios::binary) << header.Bytes() << data_;
  }
  GgufHeader header;

 private:
  std::string data_;
};

// The values of a tensor, rounded to a format of blocks.
std::string Encoded(const GgufFile& file, const GgufTensor& tensor, NumberFormat format) {
  std::int64_t count = 1;
  for (const std::int64_t size : tensor.shape) count *= size;
  std::vector<float> values(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = internal::LoadValue(file.file()->bytes().data() + tensor.begin, *tensor.format, i);
  }
  std::string bytes(internal::BytesOf(format, count), '\0');
  internal::EncodeBlocks(format, values.data(), count, reinterpret_cast<std::byte*>(bytes.data()));
  return bytes;
}

// The publishers' own mmproj files have their matrices in Q8_0.
TEST(TowersTest, MatricesInBlocksMeanTheirValuesInBf16) {
  const Pair pair("tiny-e2b");
  const auto file = GgufFile::Open(pair.towers());
  ASSERT_TRUE(file.ok());
  for (const NumberFormat format : {NumberFormat::kQ8_0, NumberFormat::kQ5_1, NumberFormat::kQ4_0}) {
    SCOPED_TRACE(std::string(internal::NumberFormatName(format)));
    // The same values, once as blocks and once as what they mean, in bf16.
    Rewritten blocks, floats;
    int in_blocks = 0;
    for (Rewritten* made : {&blocks, &floats}) {
      for (const auto& [key, value] : file->values()) made->header.Copy(key, value);
    }
    for (const GgufTensor& tensor : file->tensors()) {
      const bool matrix =
          tensor.shape.size() == 2 && tensor.format == NumberFormat::kBF16 && tensor.shape[1] % 32 == 0;
      if (!matrix) {
        blocks.Add(*file, tensor, tensor.name);
        floats.Add(*file, tensor, tensor.name);
        continue;
      }
      ++in_blocks;
      const std::string encoded = Encoded(*file, tensor, format);
      blocks.Add(tensor.name, tensor.shape, format, encoded);
      std::vector<float> values(static_cast<std::size_t>(tensor.shape[0] * tensor.shape[1]));
      internal::DecodeBlocks(format, reinterpret_cast<const std::byte*>(encoded.data()),
                             static_cast<std::int64_t>(values.size()), values.data());
      std::string rounded;
      for (const float value : values) {
        const std::uint16_t bits = internal::FloatToBFloat16(value);
        rounded.append(reinterpret_cast<const char*>(&bits), sizeof(bits));
      }
      floats.Add(tensor.name, tensor.shape, NumberFormat::kBF16, rounded);
    }
    EXPECT_GT(in_blocks, 30);
    const std::string in_blocks_file = pair.towers() + ".blocks", floats_file = pair.towers() + ".floats";
    blocks.Write(in_blocks_file);
    floats.Write(floats_file);
    const auto actual = Model::Load(pair.text(), With(in_blocks_file));
    const auto expected = Model::Load(pair.text(), With(floats_file));
    ASSERT_TRUE(actual.ok()) << actual.status().ToString();
    ASSERT_TRUE(expected.ok());
    const Outcome a = ReadMedia(*actual, TowerPrecision::kAuto),
                  b = ReadMedia(*expected, TowerPrecision::kAuto);
    EXPECT_GT(a.picture.size(), 0u);
    EXPECT_GT(a.sound.size(), 0u);
    EXPECT_TRUE(SameBits(a.picture, b.picture));
    EXPECT_TRUE(SameBits(a.sound, b.sound));
    std::remove(in_blocks_file.c_str());
    std::remove(floats_file.c_str());
  }
}

// How Ollama writes a model: one file, keys of the towers under the architecture's name, and names of its own
// for some tensors of the audio tower.
std::string OllamaNameOf(const std::string& name) {
  const std::pair<std::string, std::string> ends[] = {
      {"attn_pre_norm.weight", "ln1.weight"},
      {"attn_post_norm.weight", "ln2.weight"},
      {"ln2.weight", "layer_pre_norm.weight"},
      {"attn_k_rel.weight", "linear_pos.weight"},
  };
  if (name == "a.input_projection.weight") return "a.pre_encode.out.weight";
  if (name == "a.pre_encode.out.weight") return "mm.a.fc.weight";
  if (name == "a.pre_encode.out.bias") return "mm.a.fc.bias";
  if (name.starts_with("a.blk.")) {
    const std::size_t dot = name.find('.', 6) + 1;
    for (const auto& [ours, theirs] : ends) {
      if (name.substr(dot) == ours) return name.substr(0, dot) + theirs;
    }
  }
  return name;
}

std::string PackedBounds(const GgufFile& towers, int layers) {
  std::vector<float> bounds;
  for (int layer = 0; layer < layers; ++layer) {
    for (const char* product : {"attn_q", "attn_k", "attn_v", "attn_out", "ffn_gate", "ffn_up", "ffn_down"}) {
      for (const char* bound : {"input_min", "input_max", "output_min", "output_max"}) {
        const GgufTensor* tensor =
            towers.FindTensor("v.blk." + std::to_string(layer) + "." + product + "." + bound);
        EXPECT_NE(tensor, nullptr);
        bounds.push_back(
            internal::LoadValue(towers.file()->bytes().data() + tensor->begin, *tensor->format, 0));
      }
    }
  }
  bounds.resize(bounds.size() + 4);
  return {reinterpret_cast<const char*>(bounds.data()), bounds.size() * sizeof(float)};
}

void WriteOllamaFile(const Pair& pair, const std::string& path, bool packed_bounds) {
  const auto text = GgufFile::Open(pair.text()), towers = GgufFile::Open(pair.towers());
  ASSERT_TRUE(text.ok() && towers.ok());
  Rewritten made;
  for (const auto& [key, value] : text->values()) made.header.Copy(key, value);
  const char* kKeys[] = {"block_count",
                         "embedding_length",
                         "feed_forward_length",
                         "attention.head_count",
                         "attention.layer_norm_epsilon",
                         "patch_size",
                         "projector.scale_factor"};
  for (const char* tower : {"vision.", "audio."}) {
    for (const char* key : kKeys) {
      const auto* value = towers->Find(std::string("clip.") + tower + key);
      if (value != nullptr) made.header.Copy(std::string("gemma4.") + tower + key, *value);
    }
  }
  for (const GgufTensor& tensor : text->tensors()) made.Add(*text, tensor, tensor.name);
  for (const GgufTensor& tensor : towers->tensors()) {
    const bool bound = tensor.name.starts_with("v.") && tensor.name.find("put_m") != std::string::npos;
    if (!packed_bounds || !bound) made.Add(*towers, tensor, OllamaNameOf(tensor.name));
  }
  if (packed_bounds) {
    const auto layers = *towers->Integer("clip.vision.block_count", {1, 100});
    const std::string bounds = PackedBounds(*towers, static_cast<int>(*layers));
    made.Add("v.clamp_data", {static_cast<std::int64_t>(bounds.size() / sizeof(float))}, NumberFormat::kF32,
             bounds);
  }
  made.Write(path);
}

TEST(TowersTest, InsideTheDecodersFileMeanTheSame) {
  const Pair pair("tiny-e2b");
  const auto folder = Model::Load(Tiny("tiny-e2b"), With(""));
  ASSERT_TRUE(folder.ok());
  const Outcome expected = ReadMedia(*folder, TowerPrecision::kAuto);
  for (const bool packed_bounds : {false, true}) {
    SCOPED_TRACE(packed_bounds);
    const std::string path = pair.text() + ".sha256-1234";
    WriteOllamaFile(pair, path, packed_bounds);
    const auto model = Model::Load(path, With(""));
    ASSERT_TRUE(model.ok()) << model.status().ToString();
    EXPECT_TRUE(model->info().has_vision);
    EXPECT_TRUE(model->info().has_audio);
    const Outcome actual = ReadMedia(*model, TowerPrecision::kAuto);
    EXPECT_GT(actual.picture.size(), 0u);
    EXPECT_TRUE(SameBits(actual.picture, expected.picture));
    EXPECT_TRUE(SameBits(actual.sound, expected.sound));
    EXPECT_TRUE(SameBits(actual.logits, expected.logits));
    EXPECT_EQ(
        Model::Load(path, With(pair.towers())).status().message(),
        pair.towers() + ": " + path + " has vision and audio towers inside already: open it without these");
    // Written anew, the decoder stands alone.
    QuantizeOptions options;
    options.type = "bf16";
    const std::string again = path + ".again";
    const Status written = QuantizeCheckpoint(path, again, options);
    ASSERT_TRUE(written.ok()) << written.ToString();
    const auto alone = Model::Load(again, With(""));
    ASSERT_TRUE(alone.ok()) << alone.status().ToString();
    EXPECT_FALSE(alone->info().has_vision);
    options.mmproj = path + ".mmproj";
    EXPECT_EQ(QuantizeCheckpoint(path, path + ".third", options).message(),
              path +
                  ": the vision and audio towers lie inside this GGUF file, but this version of carat writes "
                  "those of folders only");
    std::remove(again.c_str());
    std::remove(path.c_str());
  }
}

TEST(TowersTest, NamesGoBothWays) {
  for (const char* name :
       {"v.blk.12.attn_q.weight", "v.blk.0.ffn_down.output_max", "a.blk.3.conv_norm.weight",
        "a.blk.3.ffn_up_1.input_min", "mm.input_projection.weight", "a.pre_encode.out.bias"}) {
    const auto translated = internal::TowerNameOf(name);
    ASSERT_TRUE(translated) << name;
    EXPECT_EQ(internal::GgufTowerNameOf(*translated), name);
  }
  EXPECT_EQ(internal::TowerNameOf("a.blk.3.conv_norm.weight"),
            "model.audio_tower.layers.3.lconv1d.pre_layer_norm.weight");
  for (const char* name : {"v.blk.012.ln1.weight", "v.blk..ln1.weight", "v.blk.1", "v.blk.1.ln1.bias",
                           "blk.1.attn_q.weight", ""}) {
    EXPECT_FALSE(internal::TowerNameOf(name)) << name;
  }
}

}  // namespace
}  // namespace carat
