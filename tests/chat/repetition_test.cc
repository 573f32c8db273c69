#include "lib/chat/repetition.h"

#include <gtest/gtest.h>

#include <vector>

namespace carat::internal {
namespace {

// After how many tokens of prefix and repeated block the finder says so; -1: never within 1000.
int Found(std::int32_t length, const std::vector<std::int32_t>& prefix,
          const std::vector<std::int32_t>& block) {
  RepetitionFinder finder(length);
  for (int i = 0; i < 1000; ++i) {
    const auto at = static_cast<std::size_t>(i);
    const std::int32_t token = at < prefix.size() ? prefix[at] : block[(at - prefix.size()) % block.size()];
    if (finder.Add(token)) return i + 1;
  }
  return -1;
}

TEST(RepetitionTest, FindsBlocksOfAnyLengthUpToAQuarter) {
  EXPECT_EQ(Found(16, {}, {1}), 16);
  EXPECT_EQ(Found(16, {}, {1, 2}), 16);
  EXPECT_EQ(Found(16, {}, {1, 2, 3, 4}), 16);
  EXPECT_EQ(Found(16, {}, {1, 2, 3, 4, 5}), -1);
  EXPECT_EQ(Found(16, {7, 8, 9}, {1, 2, 3}), 19);
  EXPECT_EQ(Found(3, {7}, {1}), 5);  // four repeats at least
  EXPECT_EQ(Found(0, {}, {1}), -1);
}

}  // namespace
}  // namespace carat::internal
