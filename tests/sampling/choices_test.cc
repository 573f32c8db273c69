// Greedy and draw.
#include <set>

#include "carat/sampler.h"
#include "gtest/gtest.h"
#include "tests/sampling/reference.h"

namespace carat::test {
namespace {

std::unique_ptr<Sampler> Make(Result<std::unique_ptr<Sampler>> made) {
  EXPECT_TRUE(made.ok()) << made.status().ToString();
  return *std::move(made);
}

std::int32_t Choose(Sampler& sampler, std::vector<Candidate> items, bool sorted = false) {
  CandidateList list(items.data(), items.size(), sorted);
  const Status status = sampler.Apply(list);
  EXPECT_TRUE(status.ok()) << status.ToString();
  return list.selected();
}

std::vector<std::int32_t> ChooseSeveral(Sampler& sampler, const std::vector<Candidate>& items,
                                        std::size_t count) {
  std::vector<std::int32_t> tokens(count);
  for (std::int32_t& token : tokens) token = Choose(sampler, items);
  return tokens;
}

TEST(GreedyTest, EqualsSorting) {
  const auto greedy = Make(samplers::Greedy());
  std::mt19937_64 random(6);
  for (int round = 0; round < 3000; ++round) {
    bool sorted = false;
    const auto items = RandomList(random, RandomSize(random), sorted);
    ASSERT_EQ(Choose(*greedy, items, sorted), Sorted(items)[0].token);
  }
}

TEST(GreedyTest, TiesGoToTheLowerIdWhateverTheOrder) {
  const auto greedy = Make(samplers::Greedy());
  EXPECT_EQ(Choose(*greedy, {{5, 2}, {3, 2}, {4, 2}, {0, 1}}), 3);
  EXPECT_EQ(Choose(*greedy, {{5, 2}, {3, 2}, {4, 2}, {0, 1}}, true), 3);
  EXPECT_EQ(Choose(*greedy, {{0, kNever}, {3, std::numeric_limits<float>::lowest()}}), 3);
}

TEST(ChoicesTest, NothingPossibleIsAnError) {
  std::vector<Candidate> items = ListOf({kNever, kNever});
  for (const auto& sampler : {Make(samplers::Greedy()), Make(samplers::Draw(0))}) {
    for (const std::size_t size : {std::size_t{0}, std::size_t{2}}) {
      CandidateList list(items.data(), size);
      EXPECT_EQ(sampler->Apply(list).code(), StatusCode::kFailedPrecondition);
      EXPECT_EQ(list.selected(), -1);
    }
  }
}

// The sum of (observed - expected)^2 / expected.
double ChiSquare(const std::vector<int>& observed, const std::vector<double>& probabilities, int draws) {
  double sum = 0;
  for (std::size_t i = 0; i < observed.size(); ++i) {
    if (probabilities[i] == 0) continue;
    const double expected = probabilities[i] * draws;
    sum += (observed[i] - expected) * (observed[i] - expected) / expected;
  }
  return sum;
}

TEST(DrawTest, FollowsTheProbabilities) {
  const std::vector<Candidate> items =
      ListOf({1, 0.5F, kNever, 2, 2, -1, 0, 3, 1.5F, kNever, -2, 0.25F, 2.5F, 1, 0.75F, 2, 1.25F, -0.5F});
  constexpr int kDraws = 100000;
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    const auto draw = Make(samplers::Draw(seed));
    std::vector<int> observed(items.size());
    for (int i = 0; i < kDraws; ++i) ++observed[static_cast<std::size_t>(Choose(*draw, items))];
    EXPECT_EQ(observed[2] + observed[9], 0);
    // 15 degrees of freedom: beyond 37.7 once in a thousand times.
    EXPECT_LT(ChiSquare(observed, Softmax(items), kDraws), 37.7) << "seed " << seed;
  }
}

// Over many blocks: by the last digit of the token.
TEST(DrawTest, FollowsTheProbabilitiesOfALongList) {
  std::mt19937_64 random(7);
  std::normal_distribution<float> bell(0, 2);
  std::vector<float> logits(5000);
  for (float& logit : logits) logit = bell(random);
  const std::vector<Candidate> items = ListOf(logits);
  const std::vector<double> probabilities = Softmax(items);
  std::vector<double> expected(10);
  for (std::size_t i = 0; i < items.size(); ++i) expected[i % 10] += probabilities[i];
  constexpr int kDraws = 10000;
  std::vector<int> observed(10);
  const auto draw = Make(samplers::Draw(8));
  for (int i = 0; i < kDraws; ++i) ++observed[static_cast<std::size_t>(Choose(*draw, items)) % 10];
  // 9 degrees of freedom: beyond 27.9 once in a thousand times.
  EXPECT_LT(ChiSquare(observed, expected, kDraws), 27.9);
}

// The definition, said once more: the first token at which the running sum goes beyond u times the total.
TEST(DrawTest, EqualsItsTwin) {
  std::mt19937_64 random(9);
  int different = 0;
  for (int round = 0; round < 3000; ++round) {
    const std::uint64_t seed = random();
    bool sorted = false;
    const auto items = RandomList(random, RandomSize(random), sorted);
    const auto draw = Make(samplers::Draw(seed));
    std::mt19937_64 generator(seed);
    for (int i = 0; i < 3; ++i) {
      const double u = static_cast<double>(generator() >> 11) / 9007199254740992.0;
      const std::vector<double> probabilities = Softmax(items);
      double sum = 0;
      std::size_t drawn = 0;
      while ((sum += probabilities[drawn]) <= u && drawn + 1 < items.size()) ++drawn;
      different += Choose(*draw, items, sorted) != items[drawn].token ? 1 : 0;
    }
  }
  EXPECT_EQ(different, 0);  // a difference by rounding would come once in about 1e10 draws
}

// So long that the sums are those of several blocks each.
TEST(DrawTest, DrawsFromMoreThanTheRealSize) {
  constexpr std::size_t kSize = 600001;
  const std::vector<Candidate> items = ListOf(std::vector<float>(kSize, 1.0F));
  const auto draw = Make(samplers::Draw(13));
  std::mt19937_64 generator(13);
  for (int i = 0; i < 5; ++i) {
    const double u = static_cast<double>(generator() >> 11) / 9007199254740992.0;
    EXPECT_EQ(Choose(*draw, items), static_cast<std::int32_t>(u * kSize));
  }
}

TEST(DrawTest, NeverDrawsWhatIsImpossible) {
  const auto draw = Make(samplers::Draw(10));
  // At both ends and at the edges of blocks.
  std::vector<float> logits(1024, kNever);
  logits[300] = -5;
  logits[511] = -5;
  logits[512] = -5;
  std::set<std::int32_t> drawn;
  for (int i = 0; i < 500; ++i) drawn.insert(Choose(*draw, ListOf(logits)));
  EXPECT_EQ(drawn, (std::set<std::int32_t>{300, 511, 512}));
}

// Where this fails, a seed gives other tokens on this machine than on others.
TEST(DrawTest, IsTheSameEverywhere) {
  const auto draw = Make(samplers::Draw(42));
  std::vector<float> logits(1000);
  for (std::size_t i = 0; i < logits.size(); ++i) logits[i] = static_cast<float>((i * 7919) % 1000) / 250.0F;
  EXPECT_EQ(ChooseSeveral(*draw, ListOf(logits), 12),
            (std::vector<std::int32_t>{755, 635, 754, 137, 903, 99, 572, 372, 274, 386, 13, 523}));
}

TEST(DrawTest, ResetBeginsAgainAndCloneGoesOn) {
  const std::vector<Candidate> items = ListOf(std::vector<float>(1000, 0));
  const auto draw = Make(samplers::Draw(11));
  const std::vector<std::int32_t> first = ChooseSeveral(*draw, items, 20);
  const auto clone = Make(draw->Clone());
  EXPECT_EQ(ChooseSeveral(*clone, items, 20), ChooseSeveral(*draw, items, 20));
  draw->Reset();
  EXPECT_EQ(ChooseSeveral(*draw, items, 20), first);
  EXPECT_GT(std::set<std::int32_t>(first.begin(), first.end()).size(), 15U);
}

}  // namespace
}  // namespace carat::test
