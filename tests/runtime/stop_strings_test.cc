#include "lib/runtime/stop_strings.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace carat::internal {
namespace {

TEST(StopStringsTest, WithoutAnyEverythingPasses) {
  StopStrings stops({});
  EXPECT_EQ(stops.Add("abc"), "abc");
  EXPECT_EQ(stops.Finish(), "");
  EXPECT_FALSE(stops.found());
}

TEST(StopStringsTest, WhatMayBeABeginningIsHeldBack) {
  StopStrings stops({"STOP"});
  EXPECT_EQ(stops.Add("go ST"), "go ");
  EXPECT_EQ(stops.Add("A"), "STA");
  EXPECT_EQ(stops.Add("S"), "");
  EXPECT_EQ(stops.Finish(), "S");
  EXPECT_FALSE(stops.found());
}

TEST(StopStringsTest, TheFirstOneCounts) {
  StopStrings stops({"world", "lo w"});
  EXPECT_EQ(stops.Add("hello world"), "hel");
  EXPECT_TRUE(stops.found());
  EXPECT_EQ(stops.Add("more"), "");
  EXPECT_EQ(stops.Finish(), "");
}

// However a text is cut into pieces, what comes out is the text before the first stop string.
TEST(StopStringsTest, PiecesMakeNoDifference) {
  std::mt19937 random(3);
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    for (int i = 0; i < 30; ++i) text += "ab"[random() % 2];
    const std::vector<std::string> strings = {"aabb", "bbba", "abababa"};
    std::size_t first = std::string::npos;
    for (const std::string& stop : strings) first = std::min(first, text.find(stop));
    StopStrings stops(strings);
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t size = 1 + random() % 7;
      out += stops.Add(std::string_view(text).substr(at, size));
      at += size;
    }
    EXPECT_EQ(stops.found(), first != std::string::npos);
    out += stops.Finish();
    EXPECT_EQ(out, text.substr(0, first));
  }
}

}  // namespace
}  // namespace carat::internal
