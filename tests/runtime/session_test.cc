#include "carat/session.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <string>
#include <thread>
#include <vector>

namespace carat {
namespace {

std::vector<std::int32_t> SomeTokens(std::size_t count) {
  std::vector<std::int32_t> tokens(count);
  for (std::size_t i = 0; i < count; ++i)
    tokens[i] = static_cast<std::int32_t>(24 + (i * i * 31 + i * 7) % 600);
  return tokens;
}

std::vector<float> Copy(std::span<const float> values) {
  return {values.begin(), values.end()};
}

void ExpectClose(std::span<const float> a, std::span<const float> b, float tolerance) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) ASSERT_NEAR(a[i], b[i], tolerance) << "logit " << i;
}

class SessionTest : public testing::Test {
 protected:
  Model model_ = *Model::Load(std::string(CARAT_TEST_DATA) + "/tiny-e2b",
                              {.threads = 2, .precision = Precision::kFloat32});
};

TEST_F(SessionTest, LogitsOfWantedPositions) {
  const auto tokens = SomeTokens(50);
  auto all = *Session::Create(model_, {.prompt_chunk = 16});
  PrefillOptions options;
  options.logits = WantedLogits::kAll;
  ASSERT_TRUE(all.Prefill(tokens, options).ok());
  ASSERT_EQ(all.logits_count(), 50u);

  auto some = *Session::Create(model_, {.prompt_chunk = 16});
  options.logits = WantedLogits::kListed;
  options.positions = {0, 15, 16, 40};
  ASSERT_TRUE(some.Prefill(tokens, options).ok());
  ASSERT_EQ(some.logits_count(), 4u);
  for (std::size_t i = 0; i < 4; ++i) {
    ExpectClose(*some.Logits(i), *all.Logits(static_cast<std::size_t>(options.positions[i])), 5e-4f);
  }
  EXPECT_EQ(some.Logits(4).status().code(), StatusCode::kOutOfRange);

  auto none = *Session::Create(model_);
  options = {};
  options.logits = WantedLogits::kNone;
  ASSERT_TRUE(none.Prefill(tokens, options).ok());
  EXPECT_EQ(none.logits_count(), 0u);
  EXPECT_EQ(none.LastLogits().status().code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(none.position(), 50);
}

TEST_F(SessionTest, WrongCallsLeaveItAsItWas) {
  auto session = *Session::Create(model_, {.context_size = 20});
  ASSERT_TRUE(session.Prefill(SomeTokens(10)).ok());
  const auto before = Copy(*session.LastLogits());
  EXPECT_EQ(session.Prefill({}).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(session.Prefill(std::vector<std::int32_t>{5, -1}).code(), StatusCode::kOutOfRange);
  EXPECT_EQ(session.Prefill(std::vector<std::int32_t>{640}).code(), StatusCode::kOutOfRange);
  EXPECT_EQ(session.Prefill(SomeTokens(11)).code(), StatusCode::kResourceExhausted);
  PrefillOptions options;
  options.logits = WantedLogits::kListed;
  for (const std::vector<std::int64_t>& positions : {std::vector<std::int64_t>{2},
                                                     std::vector<std::int64_t>{1, 0},
                                                     std::vector<std::int64_t>{-1},
                                                     {0, 0}}) {
    options.positions = positions;
    EXPECT_EQ(session.Prefill(SomeTokens(2), options).code(), StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(session.Rewind(11).status().code(), StatusCode::kOutOfRange);
  EXPECT_EQ(session.Rewind(-1).status().code(), StatusCode::kOutOfRange);
  EXPECT_EQ(session.position(), 10);
  const auto after = *session.LastLogits();
  EXPECT_TRUE(std::equal(before.begin(), before.end(), after.begin()));
  ASSERT_TRUE(session.Prefill(SomeTokens(10)).ok());
  EXPECT_EQ(session.Decode(30).code(), StatusCode::kResourceExhausted);
}

// Rewinding by a little keeps the cache, by a lot reads again; either way it goes on as if it had never gone
// further.
TEST_F(SessionTest, RewindThenGoOn) {
  const auto tokens = SomeTokens(400);
  const std::span<const std::int32_t> all(tokens);
  for (const std::int64_t to : {399, 390, 300, 37, 1, 0}) {
    auto straight = *Session::Create(model_, {.prompt_chunk = 32});
    if (to > 0) ASSERT_TRUE(straight.Prefill(all.first(static_cast<std::size_t>(to))).ok());
    auto rewound = *Session::Create(model_, {.prompt_chunk = 32});
    ASSERT_TRUE(rewound.Prefill(tokens).ok());
    const auto result = rewound.Rewind(to);
    ASSERT_TRUE(result.ok());
    EXPECT_EQ(result->position, to);
    EXPECT_EQ(rewound.position(), to);
    EXPECT_EQ(rewound.LastLogits().status().code(), StatusCode::kFailedPrecondition);
    if (to >= 390) EXPECT_EQ(result->kept, to);
    if (to == 37) EXPECT_EQ(result->kept, 0);
    for (const std::int32_t next : {77, 78, 79}) {
      ASSERT_TRUE(straight.Decode(next).ok());
      ASSERT_TRUE(rewound.Decode(next).ok());
      ExpectClose(*rewound.LastLogits(), *straight.LastLogits(), 1e-3f);
    }
    EXPECT_EQ(rewound.position(), to + 3);
  }
}

TEST_F(SessionTest, CloneGoesItsOwnWay) {
  auto session = *Session::Create(model_);
  ASSERT_TRUE(session.Prefill(SomeTokens(60)).ok());
  auto clone = session.Clone();
  ASSERT_TRUE(clone.ok());
  EXPECT_EQ(clone->position(), 60);
  EXPECT_TRUE(
      std::equal(session.LastLogits()->begin(), session.LastLogits()->end(), clone->LastLogits()->begin()));
  ASSERT_TRUE(session.Decode(100).ok());
  ASSERT_TRUE(clone->Decode(200).ok());
  ASSERT_TRUE(clone->Decode(201).ok());
  auto straight = *Session::Create(model_);
  ASSERT_TRUE(straight.Prefill(SomeTokens(60)).ok());
  ASSERT_TRUE(straight.Decode(200).ok());
  ASSERT_TRUE(straight.Decode(201).ok());
  EXPECT_TRUE(
      std::equal(straight.LastLogits()->begin(), straight.LastLogits()->end(), clone->LastLogits()->begin()));
  EXPECT_EQ(session.position(), 61);
}

TEST_F(SessionTest, ProgressComesAfterEachChunkAndCanStop) {
  auto session = *Session::Create(model_, {.prompt_chunk = 16});
  std::vector<std::int64_t> seen;
  PrefillOptions options;
  options.progress = [&](std::int64_t done, std::int64_t total) {
    EXPECT_EQ(total, 50);
    seen.push_back(done);
    return done < 32;
  };
  EXPECT_EQ(session.Prefill(SomeTokens(50), options).code(), StatusCode::kCancelled);
  EXPECT_EQ(seen, (std::vector<std::int64_t>{16, 32}));
  EXPECT_EQ(session.position(), 32);
  // What was read stays, and the rest can follow.
  const auto tokens = SomeTokens(50);
  ASSERT_TRUE(session.Prefill(std::span(tokens).subspan(32)).ok());
  auto straight = *Session::Create(model_, {.prompt_chunk = 16});
  ASSERT_TRUE(straight.Prefill(tokens).ok());
  ExpectClose(*session.LastLogits(), *straight.LastLogits(), 5e-4f);
}

TEST_F(SessionTest, CancelStopsTheNextCallOnce) {
  auto session = *Session::Create(model_);
  ASSERT_TRUE(session.Prefill(SomeTokens(5)).ok());
  session.Cancel();
  EXPECT_EQ(session.Decode(30).code(), StatusCode::kCancelled);
  EXPECT_EQ(session.position(), 5);
  EXPECT_TRUE(session.Decode(30).ok());
  session.Cancel();
  session.ClearCancel();
  EXPECT_TRUE(session.Decode(31).ok());
  EXPECT_EQ(session.position(), 7);
}

TEST_F(SessionTest, CancelFromAnotherThread) {
  auto session = *Session::Create(model_, {.prompt_chunk = 4});
  std::atomic<bool> reading{false};
  PrefillOptions options;
  options.progress = [&](std::int64_t, std::int64_t) {
    reading = true;
    return true;
  };
  std::thread canceller([&] {
    while (!reading) std::this_thread::yield();
    session.Cancel();
  });
  const Status status = session.Prefill(SomeTokens(4000), options);
  canceller.join();
  EXPECT_EQ(status.code(), StatusCode::kCancelled);
  EXPECT_LT(session.position(), 4000);
  EXPECT_GT(session.position(), 0);
}

TEST_F(SessionTest, TwoSessionsOnTwoThreads) {
  const auto tokens = SomeTokens(120);
  auto alone = *Session::Create(model_);
  ASSERT_TRUE(alone.Prefill(tokens).ok());
  const auto expected = Copy(*alone.LastLogits());
  std::vector<std::thread> threads;
  std::vector<std::vector<float>> results(2);
  for (auto& result : results) {
    threads.emplace_back([&] {
      auto session = *Session::Create(model_);
      if (session.Prefill(tokens).ok()) result = Copy(*session.LastLogits());
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(results[0], expected);
  EXPECT_EQ(results[1], expected);
}

TEST_F(SessionTest, HiddenStatesOfEveryLayer) {
  auto session = *Session::Create(model_, {.prompt_chunk = 16});
  std::vector<std::int64_t> positions_of_layer(11, 0);
  PrefillOptions options;
  options.hidden_states = [&](std::int32_t layer, std::int64_t first, std::int64_t count,
                              std::span<const float> states) {
    ASSERT_LE(layer, 10);
    EXPECT_EQ(first, positions_of_layer[static_cast<std::size_t>(layer)]);
    positions_of_layer[static_cast<std::size_t>(layer)] += count;
    EXPECT_EQ(states.size(), static_cast<std::size_t>(count) * 96);
  };
  ASSERT_TRUE(session.Prefill(SomeTokens(40), options).ok());
  for (const std::int64_t positions : positions_of_layer) EXPECT_EQ(positions, 40);
  auto plain = *Session::Create(model_, {.prompt_chunk = 16});
  ASSERT_TRUE(plain.Prefill(SomeTokens(40)).ok());
  ExpectClose(*session.LastLogits(), *plain.LastLogits(), 5e-4f);
}

}  // namespace
}  // namespace carat
