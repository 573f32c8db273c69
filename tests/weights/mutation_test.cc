// Random damage, with a fixed seed: whatever the bytes, opening either works and gives tensors that can be
// read to the last byte, or is an error with a message. Under the sanitizers this finds what crashes.
#include <gtest/gtest.h>

#include <cstddef>
#include <random>
#include <string>

#include "lib/weights/checkpoint.h"
#include "tests/weights/test_files.h"

namespace carat::internal {
namespace {

constexpr char kConfig[] =
    R"({"model_type": "gemma4", "eos_token_id": [1, 2], "text_config": {"model_type": "gemma4_text",
  "vocab_size": 6, "vocab_size_per_layer_input": 6, "hidden_size": 4, "num_hidden_layers": 3, "head_dim": 8,
  "num_attention_heads": 4, "num_key_value_heads": 2, "per_layer_config": {"2": {"head_dim": 16}},
  "num_kv_shared_layers": 0, "layer_types": ["sliding_attention", "full_attention", "full_attention"],
  "rope_parameters": {"sliding_attention": {"rope_type": "default", "rope_theta": 10000.0}, "full_attention":
  {"rope_type": "proportional", "rope_theta": 1000000.0, "partial_rotary_factor": 0.25}}}})";

constexpr char kGenerationConfig[] =
    R"({"do_sample": true, "temperature": 1.0, "top_k": 64, "top_p": 0.95, "eos_token_id": [1, 2],
        "suppress_tokens": [3]})";

constexpr char kIndex[] = R"({"metadata": {"total_size": 80}, "weight_map": {
  "model.language_model.embed_tokens.weight": "a.safetensors", "model.language_model.norm.weight": "b.safetensors",
  "model.language_model.layers.0.layer_scalar": "b.safetensors"}})";

// Flips, replaces, inserts, removes or cuts.
std::string Damage(std::string bytes, std::mt19937_64& random) {
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  for (std::size_t changes = 1 + below(3); changes > 0 && !bytes.empty(); --changes) {
    const std::size_t at = below(bytes.size());
    switch (below(6)) {
      case 0:
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(8)));
        break;
      case 1:
        bytes[at] = static_cast<char>(random());
        break;
      case 2:
        bytes[at] = "0123456789-{}[]\",:.e"[below(20)];
        break;
      case 3:
        bytes.insert(at, 1, static_cast<char>(random()));
        break;
      case 4:
        bytes.erase(at, 1 + below(8));
        break;
      default:
        bytes.resize(at);
    }
  }
  return bytes;
}

// Every byte of every tensor, so that one outside its file is noticed.
std::size_t ReadAll(const Checkpoint& checkpoint) {
  std::size_t sum = 0;
  for (const TensorEntry& tensor : checkpoint.tensors()) {
    for (std::uint64_t i = 0; i < tensor.bytes; ++i) sum += std::to_integer<std::size_t>(tensor.data[i]);
  }
  return sum;
}

TEST(Mutation, DamagedFoldersGiveErrorsOrWork) {
  const TemporaryFolder folder;
  const struct {
    const char* name;
    std::string content;
  } files[] = {{"config.json", kConfig},
               {"generation_config.json", kGenerationConfig},
               {"model.safetensors.index.json", kIndex},
               {"a.safetensors", SafetensorsOf({{"model.language_model.embed_tokens.weight", {6, 4}}})},
               {"b.safetensors", SafetensorsOf({{"model.language_model.norm.weight", {4}},
                                                {"model.language_model.layers.0.layer_scalar", {1}}})}};
  for (const auto& file : files) folder.Write(file.name, file.content);
  ASSERT_TRUE(Checkpoint::Open(folder.path()).ok()) << Checkpoint::Open(folder.path()).status().ToString();

  std::mt19937_64 random(20240229);
  int errors = 0, works = 0;
  for (int round = 0; round < 4000; ++round) {
    const auto& victim = files[random() % std::size(files)];
    folder.Write(victim.name, Damage(victim.content, random));
    const Result<Checkpoint> checkpoint = Checkpoint::Open(folder.path());
    if (checkpoint.ok()) {
      ++works;
      ReadAll(*checkpoint);
    } else {
      ++errors;
      ASSERT_FALSE(checkpoint.status().message().empty());
      ASSERT_NE(checkpoint.status().code(), StatusCode::kInternal) << checkpoint.status().ToString();
    }
    folder.Write(victim.name, victim.content);
  }
  // Damage to the numbers themselves goes unseen, damage to what describes them does not.
  EXPECT_GT(errors, 2000);
  EXPECT_GT(works, 200);
}

}  // namespace
}  // namespace carat::internal
