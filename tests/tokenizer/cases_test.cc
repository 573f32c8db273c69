// Cases with the reference's ids, written by make_cases.py.
#include <gtest/gtest.h>

#include <string>

#include "tests/tokenizer/case_comparison.h"

namespace carat::testing {
namespace {

constexpr char kCases[] = CARAT_TOKENIZER_TESTS "/cases/";

void ExpectEqualCases(const std::string& tokenizer_path, const std::string& cases_path,
                      std::size_t at_least) {
  const auto tokenizer = Tokenizer::Load(tokenizer_path);
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status().ToString();
  const auto cases = ReadTokenizerCases(cases_path);
  ASSERT_TRUE(cases.ok()) << cases.status().ToString();
  EXPECT_GE(cases->size(), at_least);
  for (const TokenizerCase& one : *cases) {
    for (const std::string& difference : Differences(*tokenizer, one)) ADD_FAILURE() << difference;
  }
}

TEST(TokenizerCasesTest, Tiny) {
  ExpectEqualCases(CARAT_TEST_DATA "/tiny-e2b", std::string(kCases) + "tiny.json", 140);
}

TEST(TokenizerCasesTest, Demo) {
  ExpectEqualCases(CARAT_DEMO_MODEL, std::string(kCases) + "demo.json", 140);
}

class SyntheticCasesTest : public ::testing::TestWithParam<int> {};

TEST_P(SyntheticCasesTest, AreEqual) {
  std::string name = std::string(kCases) + "synthetic";
  name.append(std::to_string(GetParam()));
  ExpectEqualCases(name + ".tokenizer.json", name + ".json", 20);
}

INSTANTIATE_TEST_SUITE_P(All, SyntheticCasesTest, ::testing::Range(0, 6));

TEST(TokenizerCasesTest, AWrongExpectationIsADifference) {
  const auto tokenizer = Tokenizer::Load(CARAT_DEMO_MODEL);
  ASSERT_TRUE(tokenizer.ok());
  TokenizerCase one = {.text = "a", .ids = *tokenizer->Encode("a"), .decoded = "a", .decoded_skip = "a"};
  EXPECT_TRUE(Differences(*tokenizer, one).empty());
  one.ids.push_back(0);
  EXPECT_EQ(Differences(*tokenizer, one).size(), 3U);  // ids, decoded, streamed: id 0 is special
}

}  // namespace
}  // namespace carat::testing
