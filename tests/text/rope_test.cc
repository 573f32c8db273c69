#include "lib/text/rope.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace carat::internal {
namespace {

TEST(RopeTest, SpeedsFollowTheFormula) {
  // A full layer's: the first quarter of the frequencies of the whole head.
  const auto speeds = InverseFrequencies({.theta = 1e6, .rotated_pairs = 64, .factor = 1}, 512);
  ASSERT_EQ(speeds.size(), 64u);
  for (std::size_t i = 0; i < speeds.size(); ++i) {
    const double expected = std::pow(1e6, -2.0 * static_cast<double>(i) / 512);
    ASSERT_NEAR(speeds[i], expected, 2e-7 * expected) << i;
  }
  const auto halved = InverseFrequencies({.theta = 1e4, .rotated_pairs = 16, .factor = 2}, 32);
  EXPECT_FLOAT_EQ(halved[0], 0.5f);
  EXPECT_NEAR(halved[8], 0.5 * std::pow(1e4, -0.5), 1e-9);
}

TEST(RopeTest, AnglesAreRoundedLikeTheReference) {
  const std::vector<float> speeds = {1.0f, 0.7f, 1e-3f};
  const std::vector<std::int64_t> positions = {0, 3, 100001};
  std::vector<float> cos(9), sin(9);
  FillRope(speeds, positions, cos.data(), sin.data());
  EXPECT_EQ(cos[0], 1.0f);
  EXPECT_EQ(sin[0], 0.0f);
  EXPECT_FLOAT_EQ(cos[3], std::cos(3.0f));
  // 100001 * 0.7 is no float: the angle is the nearest one.
  EXPECT_FLOAT_EQ(sin[7], static_cast<float>(std::sin(static_cast<double>(100001.0f * 0.7f))));
}

}  // namespace
}  // namespace carat::internal
