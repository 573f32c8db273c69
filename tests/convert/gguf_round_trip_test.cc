// Checkpoints written as GGUF and opened again: floats lose nothing, and whatever is done to such a file,
// opening it is an error with a sentence, or works.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "carat/model.h"
#include "carat/quantize.h"
#include "carat/session.h"

namespace carat {
namespace {

std::string Tiny(const std::string& name) {
  return std::string(CARAT_TEST_DATA) + "/" + name;
}

// A file name of this process's own, removed at the end.
class TemporaryFile {
 public:
  TemporaryFile() : path_(testing::TempDir() + "/carat_" + std::to_string(getpid()) + ".gguf") {}
  ~TemporaryFile() { std::remove(path_.c_str()); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

Status Quantize(const std::string& in, const std::string& out, const std::string& type) {
  QuantizeOptions options;
  options.type = options.embeddings = options.per_layer_embeddings = type;
  options.overwrite = true;
  return QuantizeCheckpoint(in, out, options);
}

std::vector<float> Logits(const Model& model) {
  auto session = Session::Create(model);
  std::vector<std::int32_t> tokens;
  for (std::int32_t i = 0; i < 40; ++i) tokens.push_back((24 + 37 * i) % model.info().vocabulary_size);
  PrefillOptions options;
  options.logits = WantedLogits::kAll;
  EXPECT_TRUE(session->Prefill(tokens, options).ok());
  std::vector<float> all;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const auto row = *session->Logits(i);
    all.insert(all.end(), row.begin(), row.end());
  }
  return all;
}

TEST(GgufRoundTripTest, FloatsLoseNothing) {
  for (const char* name : {"tiny-e2b", "tiny-e4b", "tiny-31b", "tiny-26b-a4b"}) {
    const TemporaryFile file;
    const Status written = Quantize(Tiny(name), file.path(), "bf16");
    ASSERT_TRUE(written.ok()) << written.ToString();
    const auto folder = Model::Load(Tiny(name), {.threads = 1, .precision = Precision::kFloat32});
    const auto gguf = Model::Load(file.path(), {.threads = 1, .precision = Precision::kFloat32});
    ASSERT_TRUE(folder.ok());
    ASSERT_TRUE(gguf.ok()) << gguf.status().ToString();
    EXPECT_EQ(gguf->info().layers, folder->info().layers);
    EXPECT_EQ(gguf->info().context_length, folder->info().context_length);
    EXPECT_EQ(gguf->stop_tokens(), folder->stop_tokens());
    const auto expected = Logits(*folder), actual = Logits(*gguf);
    ASSERT_EQ(actual.size(), expected.size());
    EXPECT_EQ(std::memcmp(actual.data(), expected.data(), actual.size() * sizeof(float)), 0) << name;
  }
}

// A file whose bytes are changed in place and put back.
class Damaged {
 public:
  explicit Damaged(const std::string& path) : path_(path) {
    std::ifstream file(path, std::ios::binary);
    bytes_.assign(std::istreambuf_iterator<char>(file), {});
  }
  std::size_t size() const { return bytes_.size(); }

  // Whether a model with these bytes, and no more than `size` of them, opens; an error must have a sentence.
  bool Opens(const std::vector<std::pair<std::size_t, char>>& changes, std::size_t size) const {
    std::string bytes = bytes_;
    for (const auto& [at, value] : changes) bytes[at] = value;
    bytes.resize(size);
    std::ofstream(path_, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    const auto model = Model::Load(path_, {.threads = 1, .instruction_set = InstructionSet::kPlain});
    if (model.ok()) return true;
    EXPECT_FALSE(model.status().message().empty());
    return false;
  }

 private:
  std::string path_;
  std::string bytes_;
};

TEST(GgufRoundTripTest, DamagedFilesAreErrorsOrModels) {
  const TemporaryFile file;
  ASSERT_TRUE(Quantize(Tiny("tiny-31b"), file.path(), "q8_0").ok());
  const Damaged damaged(file.path());
  ASSERT_TRUE(damaged.Opens({}, damaged.size()));
  std::mt19937_64 random(5);
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  for (int i = 0; i < 60; ++i) {
    // Every cut takes something away that was needed: tensors fill the file to its end, but for padding.
    EXPECT_FALSE(damaged.Opens({}, below(damaged.size() - 64)));
  }
  // The table of contents is at the beginning; most of what can go wrong is there.
  const std::size_t head = std::min<std::size_t>(damaged.size(), 40000);
  int refused = 0;
  for (int i = 0; i < 400; ++i) {
    std::vector<std::pair<std::size_t, char>> changes;
    for (std::size_t n = 1 + below(3); n > 0; --n) {
      const std::size_t at = below(i % 2 == 0 ? 600 : head);
      const char extremes[] = {0, 1, '\x7f', '\x80', '\xff', static_cast<char>(random())};
      for (std::size_t width = below(4) == 0 ? 8 : 1; width > 0; --width)
        changes.emplace_back(std::min(at + width, head) - 1, extremes[below(sizeof extremes)]);
    }
    refused += damaged.Opens(changes, damaged.size()) ? 0 : 1;
  }
  EXPECT_GT(refused, 100);
}

}  // namespace
}  // namespace carat
