// Checkpoints written as GGUF and opened again: floats lose nothing.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
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

}  // namespace
}  // namespace carat
