// Top-k, top-p, min-p and typical against their twins.
#include <functional>

#include "carat/sampler.h"
#include "gtest/gtest.h"
#include "lib/sampling/candidates.h"
#include "tests/sampling/reference.h"

namespace carat::test {
namespace {

using Make = std::function<Result<std::unique_ptr<Sampler>>(float)>;
using Twin = std::function<Kept(const std::vector<Candidate>&, float)>;

struct Filter {
  const char* name;
  Make make;
  Twin twin;
  std::vector<float> values;

  friend void PrintTo(const Filter& filter, std::ostream* out) { *out << filter.name; }
};

Filter TopK() {
  return {"top-k",
          [](float k) { return samplers::TopK(static_cast<std::int32_t>(k)); },
          [](const auto& list, float k) { return TopKTwin(list, static_cast<std::size_t>(k)); },
          {1, 2, 3, 10, 40, 64, 300, 2000, 4999}};
}

Filter TopP() {
  return {"top-p", samplers::TopP, TopPTwin, {0.0F, 1e-6F, 0.1F, 0.3F, 0.5F, 0.9F, 0.95F, 0.99F, 0.9999F}};
}

Filter MinP() {
  return {"min-p", samplers::MinP, MinPTwin, {1e-9F, 0.001F, 0.02F, 0.1F, 0.3F, 0.7F, 1.0F}};
}

Filter Typical() {
  return {"typical", samplers::Typical, TypicalTwin, {1e-6F, 0.1F, 0.2F, 0.5F, 0.9F, 0.95F, 0.999F}};
}

// Runs the filter on the list and compares. False where the twin itself cannot tell.
bool HoldsAgainstTwin(const Filter& filter, float value, const std::vector<Candidate>& list, bool sorted) {
  constexpr double kRounding = 1e-11;
  const Kept expected = filter.twin(list, value);
  if (expected.margin < kRounding) return false;
  auto sampler = filter.make(value);
  EXPECT_TRUE(sampler.ok()) << sampler.status().ToString();
  std::vector<Candidate> items = list;
  CandidateList candidates(items.data(), items.size(), sorted);
  const Status status = (*sampler)->Apply(candidates);
  EXPECT_TRUE(status.ok()) << status.ToString();
  items.resize(candidates.size());
  EXPECT_EQ(candidates.selected(), -1);
  EXPECT_FALSE(sorted && !candidates.sorted());
  EXPECT_TRUE(!candidates.sorted() || internal::IsInOrder(items));
  EXPECT_TRUE(Possible(items) == expected.items)
      << filter.name << " " << value << " of " << list.size() << " kept " << Possible(items).size()
      << ", its twin " << expected.items.size();
  return true;
}

class FilterTest : public testing::TestWithParam<Filter> {};

TEST_P(FilterTest, EqualsItsTwinOnRandomLists) {
  std::mt19937_64 random(1);
  int compared = 0;
  for (int round = 0; round < 2000 && !HasFailure(); ++round) {
    bool sorted = false;
    const auto list = RandomList(random, RandomSize(random), sorted);
    const float value = GetParam().values[random() % GetParam().values.size()];
    compared += HoldsAgainstTwin(GetParam(), value, list, sorted) ? 1 : 0;
  }
  EXPECT_GT(compared, 1800);
}

TEST_P(FilterTest, EqualsItsTwinOnTheRealSize) {
  std::mt19937_64 random(2);
  const std::vector<float>& values = GetParam().values;
  for (std::size_t i = 0; i < values.size(); i += 2) {
    std::normal_distribution<float> bell(0, i % 4 == 0 ? 1.0F : 4.0F);
    std::vector<float> logits(kRealVocabulary);
    for (float& logit : logits) logit = bell(random);
    EXPECT_TRUE(HoldsAgainstTwin(GetParam(), values[i], ListOf(logits), false)) << values[i];
  }
}

// Nothing but ties: every digit of every key is the same.
TEST_P(FilterTest, EqualsItsTwinWhereAllAreEqual) {
  for (const std::size_t size : {1U, 7U, 1000U, 30000U}) {
    const std::vector<Candidate> list = ListOf(std::vector<float>(size, -3.25F));
    for (const float value : GetParam().values) HoldsAgainstTwin(GetParam(), value, list, false);
  }
}

TEST_P(FilterTest, LeavesAListOfImpossibleTokensAlone) {
  for (const bool sorted : {false, true}) {
    for (const float value : GetParam().values) {
      auto sampler = GetParam().make(value);
      ASSERT_TRUE(sampler.ok());
      std::vector<Candidate> items = ListOf(std::vector<float>(100, kNever));
      CandidateList list(items.data(), items.size(), sorted);
      EXPECT_TRUE((*sampler)->Apply(list).ok());
      EXPECT_GT(list.size(), 0U);
    }
  }
}

// A host may apply a sampler to whatever it has: a wrong list may give a wrong answer, but no more than that.
TEST_P(FilterTest, SurvivesNanAndEmptyLists) {
  for (const float value : GetParam().values) {
    auto sampler = GetParam().make(value);
    ASSERT_TRUE(sampler.ok());
    CandidateList empty(nullptr, 0);
    EXPECT_TRUE((*sampler)->Apply(empty).ok());
    EXPECT_EQ(empty.size(), 0U);
    std::vector<float> logits(500, std::numeric_limits<float>::quiet_NaN());
    for (std::size_t i = 0; i < logits.size(); i += 3) logits[i] = static_cast<float>(i % 11);
    for (const bool sorted : {false, true}) {
      std::vector<Candidate> items = ListOf(logits);
      CandidateList list(items.data(), items.size(), sorted);
      EXPECT_TRUE((*sampler)->Apply(list).ok());
      EXPECT_LE(list.size(), logits.size());
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, FilterTest, testing::Values(TopK(), TopP(), MinP(), Typical()),
                         [](const auto& filter) {
                           std::string name = filter.param.name;
                           std::erase(name, '-');
                           return name;
                         });

std::vector<std::int32_t> TokensAfter(Result<std::unique_ptr<Sampler>> sampler,
                                      const std::vector<float>& logits) {
  EXPECT_TRUE(sampler.ok());
  Status status;
  std::vector<std::int32_t> tokens;
  for (const Candidate& candidate : Applied(**sampler, ListOf(logits), false, status)) {
    tokens.push_back(candidate.token);
  }
  EXPECT_TRUE(status.ok());
  return tokens;
}

using Tokens = std::vector<std::int32_t>;

TEST(TopKTest, KeepsTiesAndSortsByLogitThenId) {
  EXPECT_EQ(TokensAfter(samplers::TopK(2), {1, 3, 2, 3, 2}), (Tokens{1, 3}));
  EXPECT_EQ(TokensAfter(samplers::TopK(3), {1, 3, 2, 3, 2}), (Tokens{1, 3, 2, 4}));
  EXPECT_EQ(TokensAfter(samplers::TopK(3), {kNever, 3, kNever, kNever, 2}), (Tokens{1, 4}));
  EXPECT_EQ(TokensAfter(samplers::TopK(0), {1, 3, 2}), (Tokens{0, 1, 2}));
  EXPECT_EQ(TokensAfter(samplers::TopK(1), {-0.0F, 0.0F, -1}), (Tokens{0, 1}));
}

TEST(TopPTest, CutsTiesByIdAndKeepsOne) {
  EXPECT_EQ(TokensAfter(samplers::TopP(0.5F), {2, 2, 2, 2}), (Tokens{0, 1}));
  EXPECT_EQ(TokensAfter(samplers::TopP(0.51F), {2, 2, 2, 2}), (Tokens{0, 1, 2}));
  EXPECT_EQ(TokensAfter(samplers::TopP(0.0F), {1, 5, 5, 2}), (Tokens{1}));
  EXPECT_EQ(TokensAfter(samplers::TopP(1.0F), {1, 5, 5, -500}), (Tokens{0, 1, 2, 3}));
}

TEST(TopPTest, CutsTiesByIdInAShuffledList) {
  std::vector<Candidate> items = {{9, 1}, {4, 1}, {7, 1}, {2, 1}, {5, -40}};
  CandidateList list(items.data(), items.size());
  auto sampler = samplers::TopP(0.75F);
  ASSERT_TRUE(sampler.ok() && (*sampler)->Apply(list).ok());
  items.resize(list.size());
  EXPECT_TRUE(items == (std::vector<Candidate>{{4, 1}, {7, 1}, {2, 1}}));
}

TEST(MinPTest, KeepsTheBoundary) {
  // e^0 and e^-1 times the highest.
  EXPECT_EQ(TokensAfter(samplers::MinP(1.0F), {3, 4, 4, 2}), (Tokens{1, 2}));
  EXPECT_EQ(TokensAfter(samplers::MinP(0.36F), {3, 4, 4, 2}), (Tokens{0, 1, 2}));
  EXPECT_EQ(TokensAfter(samplers::MinP(0.37F), {3, 4, 4, 2}), (Tokens{1, 2}));
  EXPECT_EQ(TokensAfter(samplers::MinP(0.0F), {3, 4, 4, kNever}), (Tokens{0, 1, 2, 3}));
}

TEST(TypicalTest, MayDropTheHighest) {
  // Probabilities 0.4 and twelve of 0.05: the surprise of the twelve is nearest to the entropy.
  std::vector<float> logits(13, std::log(0.05F));
  logits[0] = std::log(0.4F);
  const Tokens kept = TokensAfter(samplers::Typical(0.5F), logits);
  EXPECT_EQ(kept, (Tokens{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}));
  EXPECT_EQ(TokensAfter(samplers::Typical(0.7F), logits).size(), 13U);
}

}  // namespace
}  // namespace carat::test
