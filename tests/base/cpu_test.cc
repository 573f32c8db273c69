#include "lib/base/cpu.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): setenv

#include <string>
#include <vector>

namespace carat::internal {
namespace {

// The environment variable for as long as it lives, and what it was before afterwards.
class ScopedInstructionSet {
 public:
  explicit ScopedInstructionSet(const char* value) {
    if (const char* old = getenv(kName)) old_ = old;
    if (value != nullptr) {
      setenv(kName, value, 1);
    } else {
      unsetenv(kName);
    }
  }
  ~ScopedInstructionSet() {
    if (old_.empty()) {
      unsetenv(kName);
    } else {
      setenv(kName, old_.c_str(), 1);
    }
  }
  ScopedInstructionSet(const ScopedInstructionSet&) = delete;
  ScopedInstructionSet& operator=(const ScopedInstructionSet&) = delete;

 private:
  static constexpr const char* kName = "CARAT_INSTRUCTION_SET";
  std::string old_;
};

TEST(InstructionSet, Names) {
  EXPECT_EQ(InstructionSetName(InstructionSet::kAuto), "auto");
  EXPECT_EQ(InstructionSetName(InstructionSet::kPlain), "plain");
  EXPECT_EQ(InstructionSetName(InstructionSet::kAvx2), "avx2");
  EXPECT_EQ(InstructionSetName(InstructionSet::kAvx512), "avx512");
  EXPECT_EQ(InstructionSetName(InstructionSet::kAvx512Vnni), "avx512vnni");
  EXPECT_EQ(InstructionSetName(InstructionSet::kAvx512Bf16), "avx512bf16");
  EXPECT_EQ(InstructionSetName(InstructionSet::kAvx512Amx), "avx512amx");
  EXPECT_EQ(InstructionSetName(InstructionSet::kNeon), "neon");
  EXPECT_EQ(InstructionSetName(InstructionSet::kNeonDot), "neondot");
  EXPECT_EQ(InstructionSetName(InstructionSet::kAvx2Vnni), "avx2vnni");
  EXPECT_EQ(InstructionSetName(InstructionSet::kNeonI8mm), "neoni8mm");
  EXPECT_EQ(InstructionSetName(static_cast<InstructionSet>(99)), "unknown");
}

TEST(InstructionSet, AvailableOnesAreSupportedAndBestLast) {
  const std::vector<InstructionSet> sets = AvailableInstructionSets();
  ASSERT_FALSE(sets.empty());
  EXPECT_EQ(sets.front(), InstructionSet::kPlain);
  for (std::size_t i = 0; i < sets.size(); ++i) {
    EXPECT_TRUE(CpuSupports(sets[i]));
    if (i > 0) {
      EXPECT_NE(sets[i - 1], sets[i]);
    }
  }
  EXPECT_FALSE(CpuSupports(static_cast<InstructionSet>(99)));
}

TEST(InstructionSet, AutoIsTheBest) {
  for (const char* value : {static_cast<const char*>(nullptr), "", "auto"}) {
    const ScopedInstructionSet environment(value);
    const auto chosen = ChooseInstructionSet(InstructionSet::kAuto);
    ASSERT_TRUE(chosen.ok()) << chosen.status().ToString();
    EXPECT_EQ(*chosen, AvailableInstructionSets().back());
  }
}

TEST(InstructionSet, EnvironmentReplacesAutoOnly) {
  const ScopedInstructionSet environment("plain");
  EXPECT_EQ(*ChooseInstructionSet(InstructionSet::kAuto), InstructionSet::kPlain);
  const InstructionSet best = AvailableInstructionSets().back();
  EXPECT_EQ(*ChooseInstructionSet(best), best);
}

TEST(InstructionSet, UnknownNameInTheEnvironment) {
  const ScopedInstructionSet environment("avx9000");
  const Status status = ChooseInstructionSet(InstructionSet::kAuto).status();
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_NE(status.message().find("avx9000"), std::string::npos) << status.message();
}

TEST(InstructionSet, WhatTheMachineLacksIsRefused) {
  const ScopedInstructionSet environment(nullptr);
  for (int number = 1; number <= static_cast<int>(InstructionSet::kNeonI8mm); ++number) {
    const auto set = static_cast<InstructionSet>(number);
    const auto chosen = ChooseInstructionSet(set);
    if (CpuSupports(set)) {
      EXPECT_EQ(*chosen, set);
    } else {
      EXPECT_EQ(chosen.status().code(), StatusCode::kUnimplemented);
    }
  }
  EXPECT_EQ(ChooseInstructionSet(static_cast<InstructionSet>(99)).status().code(),
            StatusCode::kInvalidArgument);
}

TEST(StreamPrefetch, OptionAndEnvironment) {
  constexpr std::int64_t kMost = 65536;
  ASSERT_EQ(unsetenv("CARAT_STREAM_PREFETCH"), 0);
  EXPECT_FALSE(StreamPrefetchSetting(0, kMost)->has_value());
  EXPECT_EQ(StreamPrefetchSetting(-1, kMost)->value(), 0);
  EXPECT_EQ(StreamPrefetchSetting(1, kMost)->value(), 1);
  EXPECT_EQ(StreamPrefetchSetting(kMost, kMost)->value(), kMost);
  for (const std::int64_t wrong : {std::int64_t{-2}, kMost + 1})
    EXPECT_EQ(StreamPrefetchSetting(wrong, kMost).status().code(), StatusCode::kInvalidArgument) << wrong;
  for (const char* measured : {"", "auto"}) {
    ASSERT_EQ(setenv("CARAT_STREAM_PREFETCH", measured, 1), 0);
    EXPECT_FALSE(StreamPrefetchSetting(0, kMost)->has_value());
  }
  ASSERT_EQ(setenv("CARAT_STREAM_PREFETCH", "off", 1), 0);
  EXPECT_EQ(StreamPrefetchSetting(0, kMost)->value(), 0);
  ASSERT_EQ(setenv("CARAT_STREAM_PREFETCH", "1536", 1), 0);
  EXPECT_EQ(StreamPrefetchSetting(0, kMost)->value(), 1536);
  EXPECT_EQ(StreamPrefetchSetting(-1, kMost)->value(), 0) << "an option is stronger than the environment";
  for (const char* wrong : {"far", "12x", "-1", "0", "0x10", "99999999999999999999"}) {
    ASSERT_EQ(setenv("CARAT_STREAM_PREFETCH", wrong, 1), 0);
    const Status status = StreamPrefetchSetting(0, kMost).status();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    EXPECT_NE(status.message().find(wrong), std::string::npos) << status.message();
  }
  ASSERT_EQ(unsetenv("CARAT_STREAM_PREFETCH"), 0);
}

TEST(AvailableProcessors, FollowsTheAffinity) {
  cpu_set_t before;
  ASSERT_EQ(sched_getaffinity(0, sizeof(before), &before), 0);
  EXPECT_EQ(AvailableProcessors(), CPU_COUNT(&before));
  cpu_set_t one;
  CPU_ZERO(&one);
  for (int i = 0; i < CPU_SETSIZE && CPU_COUNT(&one) == 0; ++i) {
    if (CPU_ISSET(i, &before)) CPU_SET(i, &one);
  }
  ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
  EXPECT_EQ(AvailableProcessors(), 1);
  ASSERT_EQ(sched_setaffinity(0, sizeof(before), &before), 0);
}

}  // namespace
}  // namespace carat::internal
