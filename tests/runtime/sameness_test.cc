// With integer weights a prompt's logits are the same, bit for bit, for any number of threads, in any chunks,
// and token by token; with every instruction set.
#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "carat/model.h"
#include "carat/session.h"

namespace carat {
namespace {

constexpr std::size_t kTokens = 100;

std::vector<std::int32_t> SomeTokens(const Model& model) {
  std::vector<std::int32_t> tokens(kTokens);
  for (std::size_t i = 0; i < kTokens; ++i)
    tokens[i] =
        static_cast<std::int32_t>((24 + 37 * i) % static_cast<std::size_t>(model.info().vocabulary_size));
  return tokens;
}

// Logits of all tokens, read in prompts of `together` tokens, each in chunks of `chunk`.
std::vector<float> LogitsOf(const Model& model, std::size_t together, std::int32_t chunk, KvType kv_type) {
  auto session = Session::Create(model, {.kv_type = kv_type, .prompt_chunk = chunk});
  EXPECT_TRUE(session.ok());
  const std::vector<std::int32_t> tokens = SomeTokens(model);
  std::vector<float> all;
  for (std::size_t first = 0; first < tokens.size(); first += together) {
    const std::size_t count = std::min(together, tokens.size() - first);
    PrefillOptions options;
    options.logits = WantedLogits::kAll;
    EXPECT_TRUE(session->Prefill(std::span(tokens).subspan(first, count), options).ok());
    for (std::size_t i = 0; i < count; ++i) {
      const auto row = *session->Logits(i);
      all.insert(all.end(), row.begin(), row.end());
    }
  }
  return all;
}

class SamenessTest : public testing::TestWithParam<std::tuple<const char*, WeightType, InstructionSet>> {};

TEST_P(SamenessTest, ThreadsAndChunksChangeNothing) {
  const auto& [name, weights, set] = GetParam();
  std::map<KvType, std::vector<float>> expected;
  for (const int threads : {1, 2, 3}) {
    ModelOptions options;
    options.threads = threads;
    options.weight_type = weights;
    options.instruction_set = set;
    const auto model = Model::Load(std::string(CARAT_TEST_DATA) + "/" + name, options);
    ASSERT_TRUE(model.ok()) << model.status().ToString();
    ASSERT_TRUE(model->info().integer_weights);
    for (const KvType kv_type : {KvType::kInt16, KvType::kInt8, KvType::kBFloat16}) {
      std::vector<float>& same = expected[kv_type];
      for (const auto& [together, chunk] :
           {std::pair<std::size_t, std::int32_t>{kTokens, 0}, {kTokens, 7}, {kTokens, 64}, {1, 0}, {13, 3}}) {
        // The default as well.
        const bool automatic = kv_type == KvType::kInt16 && chunk == 7;
        const auto logits = LogitsOf(*model, together, chunk, automatic ? KvType::kAuto : kv_type);
        if (same.empty()) same = logits;
        ASSERT_EQ(logits.size(), same.size());
        ASSERT_EQ(std::memcmp(logits.data(), same.data(), same.size() * sizeof(float)), 0)
            << threads << " threads, prompts of " << together << ", chunks of " << chunk << ", cache "
            << static_cast<int>(kv_type);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Models, SamenessTest,
                         testing::Combine(testing::Values("tiny-e2b", "tiny-31b", "tiny-26b-a4b"),
                                          testing::Values(WeightType::kInt8, WeightType::kInt4),
                                          testing::ValuesIn(AvailableInstructionSets())),
                         [](const auto& parameters) {
                           std::string text = std::get<0>(parameters.param);
                           text += std::get<1>(parameters.param) == WeightType::kInt8 ? "_int8_" : "_int4_";
                           text += InstructionSetName(std::get<2>(parameters.param));
                           for (char& c : text) c = c == '-' ? '_' : c;
                           return text;
                         });

}  // namespace
}  // namespace carat
