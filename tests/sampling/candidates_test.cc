// CandidateList, the order of candidates, and the exponential.
#include "lib/sampling/candidates.h"
#include "gtest/gtest.h"
#include "lib/sampling/exponential.h"
#include "lib/sampling/mass.h"
#include "tests/sampling/reference.h"

namespace carat::test {
namespace {

TEST(CandidateListTest, SortsByLogitThenId) {
  std::vector<Candidate> items = {{7, 1}, {3, 2}, {1, 2}, {0, kNever}, {9, 2}, {4, -1}};
  CandidateList list(items.data(), items.size());
  EXPECT_FALSE(list.sorted());
  list.Sort();
  EXPECT_TRUE(list.sorted());
  EXPECT_TRUE(items == (std::vector<Candidate>{{1, 2}, {3, 2}, {9, 2}, {7, 1}, {4, -1}, {0, kNever}}));
}

TEST(CandidateListTest, DoesNotSortWhatIsSaidToBeSorted) {
  std::vector<Candidate> items = {{7, 1}, {3, 2}};
  CandidateList list(items.data(), items.size(), true);
  list.Sort();
  EXPECT_EQ(items[0].token, 7);
  list.set_sorted(false);
  list.Sort();
  EXPECT_EQ(items[0].token, 3);
}

TEST(CandidateListTest, TruncateOnlyShortens) {
  std::vector<Candidate> items = {{7, 1}, {3, 2}, {5, 3}};
  CandidateList list(items.data(), items.size());
  list.Truncate(10);
  EXPECT_EQ(list.size(), 3U);
  list.Truncate(2);
  EXPECT_EQ(list.items().size(), 2U);
  EXPECT_EQ(list.selected(), -1);
  list.Select(3);
  EXPECT_EQ(list.selected(), 3);
}

TEST(CandidateListTest, KeepHighestEqualsSorting) {
  std::mt19937_64 random(3);
  for (int round = 0; round < 3000; ++round) {
    bool sorted = false;
    std::vector<Candidate> items = RandomList(random, RandomSize(random), sorted);
    const std::size_t n = random() % (items.size() + 3);
    std::vector<Candidate> expected = Sorted(items);
    expected.resize(std::min(n, expected.size()));
    CandidateList list(items.data(), items.size(), sorted);
    list.KeepHighest(n);
    EXPECT_TRUE(list.sorted());
    items.resize(list.size());
    ASSERT_TRUE(items == expected) << n;
  }
}

// The worst orders for a rising threshold.
TEST(CandidateListTest, KeepHighestOfTheRealSize) {
  for (const float slope : {1e-3F, -1e-3F, 0.0F}) {
    std::vector<float> logits(kRealVocabulary);
    for (std::size_t i = 0; i < logits.size(); ++i) logits[i] = slope * static_cast<float>(i);
    std::vector<Candidate> items = ListOf(logits);
    std::vector<Candidate> expected = Sorted(items);
    expected.resize(64);
    CandidateList list(items.data(), items.size());
    list.KeepHighest(64);
    items.resize(list.size());
    EXPECT_TRUE(items == expected) << slope;
  }
}

TEST(CandidateListTest, SortsNanToTheEnd) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  std::vector<Candidate> items = ListOf({nan, 1, -nan, kNever, 2, -std::numeric_limits<float>::infinity()});
  CandidateList list(items.data(), items.size());
  list.Sort();
  const std::vector<std::int32_t> expected = {4, 1, 3, 5, 0, 2};
  for (std::size_t i = 0; i < items.size(); ++i) EXPECT_EQ(items[i].token, expected[i]);
}

TEST(RankTest, OrdersAsLogitsDo) {
  const std::vector<float> falling = {std::numeric_limits<float>::max(),
                                      30,
                                      1,
                                      1e-40F,
                                      0,
                                      -1e-40F,
                                      -1,
                                      -30,
                                      std::numeric_limits<float>::lowest(),
                                      kNever,
                                      std::numeric_limits<float>::quiet_NaN()};
  for (std::size_t i = 1; i < falling.size(); ++i) {
    EXPECT_LT(internal::RankOf({2, falling[i - 1]}), internal::RankOf({1, falling[i]})) << i;
  }
  EXPECT_LT(internal::RankOf({1, 5}), internal::RankOf({2, 5}));
  EXPECT_EQ(internal::RankOf({1, -0.0F}), internal::RankOf({1, 0.0F}));
}

TEST(HighestLogitTest, FindsItAnywhere) {
  for (std::size_t size = 1; size < 40; ++size) {
    for (std::size_t place = 0; place < size; ++place) {
      std::vector<float> logits(size, -7);
      logits[place] = -2;
      std::vector<Candidate> items = ListOf(logits);
      EXPECT_EQ(internal::HighestLogit(CandidateList(items.data(), items.size())), -2);
    }
  }
  EXPECT_EQ(internal::HighestLogit(CandidateList(nullptr, 0)), kNever);
  EXPECT_EQ(internal::HighestLogit(CandidateList(nullptr, 0, true)), kNever);
}

TEST(ExponentialTest, IsTheExponential) {
  double largest = 0;
  for (double x = 0; x > -670; x -= 0.00371) {
    largest = std::max(largest, std::fabs(internal::ExpOfNegative(x) / std::exp(x) - 1));
  }
  EXPECT_LT(largest, 4.5e-16);
  EXPECT_EQ(internal::ExpOfNegative(0.0), 1.0);
  EXPECT_EQ(internal::ExpOfNegative(-708.0), 0.0);
  EXPECT_EQ(internal::ExpOfNegative(-1e300), 0.0);
  EXPECT_EQ(internal::ExpOfNegative(-std::numeric_limits<double>::infinity()), 0.0);
  EXPECT_EQ(internal::ExpOfNegative(std::numeric_limits<double>::quiet_NaN()), 0.0);
}

// Bits that every machine must have: where one fails, seeds give other tokens there.
TEST(ExponentialTest, IsTheSameEverywhere) {
  std::uint64_t mixed = 0;
  for (int i = 0; i < 100000; ++i) {
    const double x = -700.0 * i / 100000;
    mixed = std::rotl(mixed, 7) ^ std::bit_cast<std::uint64_t>(internal::ExpOfNegative(x));
  }
  EXPECT_EQ(mixed, 5377646691770829460U);
}

// Vector instructions or not: a block has the bits of its members.
TEST(MassTest, BlocksAreTheirMembers) {
  std::mt19937_64 random(4);
  for (std::size_t size = 1; size <= internal::kMassBlock; size += 5) {
    bool sorted = false;
    const std::vector<Candidate> items = RandomList(random, size, sorted);
    const float highest = Sorted(items)[0].logit;
    internal::MassBlock masses;
    internal::ComputeMasses(items, highest, masses);
    for (std::size_t i = 0; i < size; ++i) ASSERT_EQ(masses[i], internal::MassOf(items[i], highest));
    double sum = 0;
    for (std::size_t i = 0; i < size; ++i) sum += masses[i];
    EXPECT_NEAR(internal::TotalMass(items, highest) / sum, 1, 1e-14);
  }
}

}  // namespace
}  // namespace carat::test
