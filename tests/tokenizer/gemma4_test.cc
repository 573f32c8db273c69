// The real vocabulary: 600 cases with the ids of the reference.
#include <gtest/gtest.h>

#include <string>

#include "tests/tokenizer/case_comparison.h"

namespace carat::testing {
namespace {

class Gemma4Test : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::string path = CARAT_GEMMA4_TOKENIZER;
    if (path.empty()) {
      GTEST_SKIP()
          << "Gemma 4's tokenizer.json is not here: make it with tests/tokenizer/fetch_gemma4_tokenizer.sh "
             "OUT and configure with -DCARAT_GEMMA4_TOKENIZER=OUT";
    }
    auto tokenizer = Tokenizer::Load(path);
    ASSERT_TRUE(tokenizer.ok()) << tokenizer.status().ToString();
    tokenizer_ = *std::move(tokenizer);
  }

  std::optional<Tokenizer> tokenizer_;
};

TEST_F(Gemma4Test, SixHundredCasesAreEqual) {
  const auto cases = ReadTokenizerCases(CARAT_TOKENIZER_TESTS "/gemma4_cases.json");
  ASSERT_TRUE(cases.ok()) << cases.status().ToString();
  EXPECT_EQ(cases->size(), 600U);
  for (const TokenizerCase& one : *cases) {
    for (const std::string& difference : Differences(*tokenizer_, one)) ADD_FAILURE() << difference;
  }
}

TEST_F(Gemma4Test, HasTheVocabularyOfGemma4) {
  EXPECT_EQ(tokenizer_->vocabulary_size(), 262144);
  EXPECT_EQ(tokenizer_->bos(), tokenizer_->IdOf("<bos>"));
  int special = 0;
  for (std::int32_t id = 0; id < 262144; ++id) special += tokenizer_->IsSpecial(id) ? 1 : 0;
  EXPECT_EQ(special, 24);
}

TEST_F(Gemma4Test, AMegabyteInOneLine) {
  for (const char* unit : {"a", " ", "\n", "ab", "hello ", "\U0001F468\u200D", "<|turn>", "\u4F60"}) {
    std::string text;
    while (text.size() < 1000000) text += unit;
    for (const bool special : {false, true}) {
      const auto ids = tokenizer_->Encode(text, {.parse_special = special});
      ASSERT_TRUE(ids.ok()) << ids.status().ToString();
      EXPECT_TRUE(*tokenizer_->Decode(*ids) == text) << unit;
    }
  }
}

}  // namespace
}  // namespace carat::testing
