// Logit bias, penalties and temperature.
#include <map>

#include "carat/sampler.h"
#include "gtest/gtest.h"
#include "tests/sampling/reference.h"

namespace carat::test {
namespace {

constexpr float kMax = std::numeric_limits<float>::max();

std::unique_ptr<Sampler> Make(Result<std::unique_ptr<Sampler>> made) {
  EXPECT_TRUE(made.ok()) << made.status().ToString();
  return *std::move(made);
}

std::vector<float> LogitsAfter(Sampler& sampler, const std::vector<float>& logits) {
  Status status;
  std::vector<float> result;
  for (const Candidate& candidate : Applied(sampler, ListOf(logits), false, status)) {
    result.push_back(candidate.logit);
  }
  EXPECT_TRUE(status.ok());
  return result;
}

TEST(LogitBiasTest, AddsAndForbids) {
  const std::vector<std::pair<std::int32_t, float>> bias = {{1, 2.5F}, {3, kNever}, {0, -1}, {3, 4}, {1, 1}};
  const auto sampler = Make(samplers::LogitBias(bias));
  EXPECT_EQ(LogitsAfter(*sampler, {1, 1, 1, 1}), (std::vector<float>{0, 4.5F, 1, kNever}));
}

TEST(LogitBiasTest, PassesOverTokensThatAreNotThere) {
  const std::vector<std::pair<std::int32_t, float>> bias = {{1, 2}, {70000, 3}};
  const auto sampler = Make(samplers::LogitBias(bias));
  EXPECT_EQ(LogitsAfter(*sampler, {1, 1, kNever}), (std::vector<float>{1, 3, kNever}));
}

TEST(LogitBiasTest, FindsTokensInAnyOrder) {
  const std::vector<std::pair<std::int32_t, float>> bias = {{0, 10}, {5, 20}};
  const auto sampler = Make(samplers::LogitBias(bias));
  std::vector<Candidate> items = {{9, 3}, {5, 2}, {0, 1}};
  CandidateList list(items.data(), items.size(), true);
  ASSERT_TRUE(sampler->Apply(list).ok());
  EXPECT_FALSE(list.sorted());
  EXPECT_TRUE(items == (std::vector<Candidate>{{9, 3}, {5, 22}, {0, 11}}));
}

TEST(LogitBiasTest, StaysFinite) {
  const std::vector<std::pair<std::int32_t, float>> bias = {{0, kMax}, {1, -kMax}, {2, kMax}};
  const auto sampler = Make(samplers::LogitBias(bias));
  EXPECT_EQ(LogitsAfter(*sampler, {kMax, -kMax, kNever}), (std::vector<float>{kMax, -kMax, kNever}));
}

TEST(PenaltiesTest, RepetitionIsOncePerTokenOverPromptAndAnswer) {
  const auto sampler = Make(samplers::Penalties(2, 0, 0, 0));
  sampler->Accept(0, TokenOrigin::kPrompt);
  sampler->Accept(1, TokenOrigin::kGenerated);
  sampler->Accept(1, TokenOrigin::kGenerated);
  sampler->Accept(3, TokenOrigin::kPrompt);
  sampler->Accept(4, TokenOrigin::kPrompt);
  EXPECT_EQ(LogitsAfter(*sampler, {3, -3, 5, 0, kNever}), (std::vector<float>{1.5F, -6, 5, 0, kNever}));
}

TEST(PenaltiesTest, FrequencyAndPresenceAreForGeneratedTokens) {
  const auto sampler = Make(samplers::Penalties(1, 0.5F, 0.25F, 0));
  for (int i = 0; i < 4; ++i) sampler->Accept(1, TokenOrigin::kGenerated);
  for (int i = 0; i < 4; ++i) sampler->Accept(2, TokenOrigin::kPrompt);
  sampler->Accept(3, TokenOrigin::kPrompt);
  sampler->Accept(3, TokenOrigin::kGenerated);
  EXPECT_EQ(LogitsAfter(*sampler, {1, 1, 1, 1}), (std::vector<float>{1, -1.25F, 1, 0.25F}));
}

TEST(PenaltiesTest, ResetForgets) {
  const auto sampler = Make(samplers::Penalties(2, 1, 1, 3));
  for (int i = 0; i < 5; ++i) sampler->Accept(i % 2, TokenOrigin::kGenerated);
  EXPECT_NE(LogitsAfter(*sampler, {1, 1}), (std::vector<float>{1, 1}));
  sampler->Reset();
  EXPECT_EQ(LogitsAfter(*sampler, {1, 1}), (std::vector<float>{1, 1}));
  sampler->Accept(1, TokenOrigin::kGenerated);
  EXPECT_EQ(LogitsAfter(*sampler, {1, 1}), (std::vector<float>{1, -1.5F}));
}

TEST(PenaltiesTest, StaysFinite) {
  const auto divided = Make(samplers::Penalties(1e-38F, 0, 0, 0));
  divided->Accept(0, TokenOrigin::kPrompt);
  EXPECT_EQ(LogitsAfter(*divided, {30})[0], kMax);
  const auto subtracted = Make(samplers::Penalties(1, kMax, -kMax, 0));
  for (int i = 0; i < 3; ++i) subtracted->Accept(0, TokenOrigin::kGenerated);
  EXPECT_EQ(LogitsAfter(*subtracted, {30})[0], 0);
}

// The definition, said once more: counts made anew from the whole history each time.
float PenalizedTwin(float logit, std::int32_t token,
                    const std::vector<std::pair<std::int32_t, bool>>& history, std::size_t window,
                    float repetition, float frequency, float presence) {
  const std::size_t begin = window == 0 || history.size() < window ? 0 : history.size() - window;
  int seen = 0;
  int generated = 0;
  for (std::size_t i = begin; i < history.size(); ++i) {
    if (history[i].first != token) continue;
    ++seen;
    generated += history[i].second ? 1 : 0;
  }
  if (seen > 0) logit = logit < 0 ? logit * repetition : logit / repetition;
  if (generated > 0) logit = logit - frequency * static_cast<float>(generated) - presence;
  return logit;
}

TEST(PenaltiesTest, EqualsItsTwinWithAndWithoutWindow) {
  std::mt19937_64 random(5);
  for (int round = 0; round < 300; ++round) {
    const std::size_t window = random() % 3 == 0 ? 0 : 1 + random() % 20;
    const auto number = [&] { return static_cast<float>(random() % 100) / 40.0F; };
    const float repetition = 0.5F + number();
    const float frequency = number() - 1;
    const float presence = number() - 1;
    const auto sampler = Make(samplers::Penalties(repetition, frequency, presence, static_cast<int>(window)));
    std::vector<std::pair<std::int32_t, bool>> history;
    for (int i = 0; i < 50; ++i) {
      const auto token = static_cast<std::int32_t>(random() % 12);
      const bool generated = random() % 2 == 0;
      history.emplace_back(token, generated);
      sampler->Accept(token, generated ? TokenOrigin::kGenerated : TokenOrigin::kPrompt);
      bool sorted = false;
      std::vector<Candidate> items = RandomList(random, 10, sorted);
      std::vector<Candidate> expected = items;
      for (Candidate& candidate : expected) {
        candidate.logit =
            PenalizedTwin(candidate.logit, candidate.token, history, window, repetition, frequency, presence);
      }
      Status status;
      ASSERT_TRUE(Applied(*sampler, items, sorted, status) == expected) << "window " << window;
    }
  }
}

TEST(PenaltiesTest, CloneCountsOnByItself) {
  const auto sampler = Make(samplers::Penalties(1, 1, 0, 2));
  sampler->Accept(0, TokenOrigin::kGenerated);
  const auto clone = Make(sampler->Clone());
  sampler->Accept(1, TokenOrigin::kGenerated);
  sampler->Accept(1, TokenOrigin::kGenerated);
  EXPECT_EQ(LogitsAfter(*sampler, {0, 0}), (std::vector<float>{0, -2}));
  EXPECT_EQ(LogitsAfter(*clone, {0, 0}), (std::vector<float>{-1, 0}));
}

TEST(TemperatureTest, Divides) {
  const auto sampler = Make(samplers::Temperature(0.7F));
  EXPECT_EQ(LogitsAfter(*sampler, {3, -2, kNever, 0}), (std::vector<float>{3 / 0.7F, -2 / 0.7F, kNever, 0}));
}

TEST(TemperatureTest, ZeroKeepsTheHighest) {
  const auto sampler = Make(samplers::Temperature(0));
  Status status;
  EXPECT_TRUE(Applied(*sampler, ListOf({1, 4, 4, 2}), false, status) == (std::vector<Candidate>{{1, 4}}));
}

// 30 / 1e-40 is no float32: the distribution must come out all the same.
TEST(TemperatureTest, KeepsTheDistributionBeyondFloat32) {
  const auto tiny = Make(samplers::Temperature(1e-40F));
  EXPECT_EQ(LogitsAfter(*tiny, {30, 29, 30, kNever}), (std::vector<float>{0, kNever, 0, kNever}));
  const auto half = Make(samplers::Temperature(0.5F));
  const std::vector<float> low = LogitsAfter(*half, {-3e38F, -3.1e38F});
  EXPECT_EQ(low[0], 0);
  EXPECT_NEAR(low[1] / -2e37F, 1, 1e-5);
}

TEST(TemperatureTest, LeavesImpossibleTokensAlone) {
  for (const float temperature : {0.0F, 1e-40F, 0.5F, 1.0F, 3.0F}) {
    const auto sampler = Make(samplers::Temperature(temperature));
    for (const float logit : LogitsAfter(*sampler, {kNever, kNever})) EXPECT_EQ(logit, kNever);
  }
}

}  // namespace
}  // namespace carat::test
