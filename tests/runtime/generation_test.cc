#include "carat/generation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>
#include <vector>

namespace carat {
namespace {

// The demo checkpoint: it has a text to recite, so its words can be looked for.
class GenerationTest : public testing::Test {
 protected:
  GenerationTest() {
    EncodeOptions options;
    options.add_bos = true;
    prompt_ = *model_.tokenizer().Encode("In the beginning God created", options);
    options_.sampling = SamplingOptions{.temperature = 0};
    options_.max_new_tokens = 24;
  }

  GenerationResult Run(const GenerationOptions& options) {
    auto session = *Session::Create(model_);
    auto result = Generate(session, prompt_, options);
    EXPECT_TRUE(result.ok()) << result.status().ToString();
    return *result;
  }

  Model model_ = *Model::Load(CARAT_DEMO_MODEL, {.threads = 2, .precision = Precision::kFloat32});
  std::vector<std::int32_t> prompt_;
  GenerationOptions options_;
};

TEST_F(GenerationTest, PiecesMakeUpTheText) {
  auto session = *Session::Create(model_);
  std::string streamed;
  std::int64_t steps = 0;
  const auto result = Generate(session, prompt_, options_, [&](const GenerationStep& step) {
    streamed += step.text;
    ++steps;
    return true;
  });
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(streamed, result->text);
  EXPECT_EQ(result->tokens.size(), 24u);
  EXPECT_EQ(result->stop, StopReason::kMaxTokens);
  EXPECT_EQ(result->stats.generated_tokens, 24);
  EXPECT_EQ(result->stats.prompt_tokens, static_cast<std::int64_t>(prompt_.size()));
  EXPECT_GT(result->stats.prompt_seconds, 0.0);
  EXPECT_EQ(*model_.tokenizer().Decode(result->tokens, {.skip_special = true}), result->text);
  // The last token costs nothing: it has not been read.
  EXPECT_EQ(session.position(), static_cast<std::int64_t>(prompt_.size()) + 23);
}

TEST_F(GenerationTest, SameSeedSameText) {
  options_.sampling = SamplingOptions{.temperature = 3, .seed = 7};
  const auto first = Run(options_);
  EXPECT_EQ(Run(options_).tokens, first.tokens);
  options_.sampling->seed = 8;
  EXPECT_NE(Run(options_).tokens, first.tokens);
}

TEST_F(GenerationTest, StopsBeforeAStopString) {
  const std::string whole = Run(options_).text;
  ASSERT_GT(whole.size(), 12u);
  const std::string stop = whole.substr(7, 4);
  options_.stop_strings = {"never occurs", stop};
  const auto result = Run(options_);
  EXPECT_EQ(result.stop, StopReason::kStopString);
  EXPECT_EQ(result.text, whole.substr(0, whole.find(stop)));
}

TEST_F(GenerationTest, StopsAtAToken) {
  const auto whole = Run(options_);
  const std::int32_t stop = whole.tokens[5];
  const auto first = std::find(whole.tokens.begin(), whole.tokens.end(), stop) - whole.tokens.begin();
  options_.stop_tokens = {stop};
  const auto result = Run(options_);
  EXPECT_EQ(result.stop, StopReason::kStopToken);
  EXPECT_EQ(result.tokens.size(), static_cast<std::size_t>(first) + 1);
  EXPECT_EQ(result.tokens.back(), stop);
}

TEST_F(GenerationTest, StopsWhenTheContextIsFull) {
  const auto size = static_cast<std::int64_t>(prompt_.size()) + 4;
  auto session = *Session::Create(model_, {.context_size = size});
  options_.max_new_tokens = -1;
  const auto result = Generate(session, prompt_, options_);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->stop, StopReason::kContextFull);
  EXPECT_EQ(result->tokens.size(), 5u);
  EXPECT_EQ(session.position(), size);
}

TEST_F(GenerationTest, CallbackAndCancelStopIt) {
  auto session = *Session::Create(model_);
  int steps = 0;
  auto result = Generate(session, prompt_, options_, [&](const GenerationStep&) { return ++steps < 3; });
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->stop, StopReason::kCancelled);
  EXPECT_EQ(result->tokens.size(), 3u);

  ASSERT_TRUE(session.Rewind(0).ok());
  auto run = Generation::Start(session, prompt_, options_);
  ASSERT_TRUE(run.ok());
  ASSERT_TRUE(run->Next().ok());
  session.Cancel();
  const auto last = run->Next();
  ASSERT_TRUE(last.ok());
  EXPECT_EQ(last->stop, StopReason::kCancelled);
  EXPECT_EQ(last->token, -1);
  EXPECT_EQ(run->Next().status().code(), StatusCode::kFailedPrecondition);
}

TEST_F(GenerationTest, TopLogprobsAreLogProbabilities) {
  auto session = *Session::Create(model_);
  options_.top_logprobs = 5;
  auto run = Generation::Start(session, prompt_, options_);
  ASSERT_TRUE(run.ok());
  const auto logits = *session.LastLogits();
  double sum = 0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit));
  const auto step = run->Next();
  ASSERT_TRUE(step.ok());
  ASSERT_EQ(step->top.size(), 5u);
  EXPECT_EQ(step->top[0].token, step->token);
  EXPECT_FLOAT_EQ(step->top[0].logprob, step->logprob);
  for (std::size_t i = 0; i < 5; ++i) {
    const auto id = static_cast<std::size_t>(step->top[i].token);
    EXPECT_NEAR(step->top[i].logprob, logits[id] - std::log(sum), 1e-5);
    if (i > 0) EXPECT_LE(step->top[i].logprob, step->top[i - 1].logprob);
  }
}

TEST_F(GenerationTest, AHostsSamplerAnywhereInTheChain) {
  // Forbids every other token, and counts what it is told.
  class EvenOnly final : public Sampler {
   public:
    std::string_view name() const noexcept override { return "even only"; }
    Status Apply(CandidateList& candidates) override {
      for (Candidate& candidate : candidates.items()) {
        if (candidate.token % 2 != 0) candidate.logit = -INFINITY;
      }
      candidates.set_sorted(false);
      return {};
    }
    Result<std::unique_ptr<Sampler>> Clone() const override {
      return std::unique_ptr<Sampler>(std::make_unique<EvenOnly>());
    }
  };
  auto chain = SamplerChain::Create({.temperature = 0});
  ASSERT_TRUE(chain.ok());
  ASSERT_TRUE(chain->Insert(0, std::make_unique<EvenOnly>()).ok());
  options_.chain = &*chain;
  for (const std::int32_t token : Run(options_).tokens) EXPECT_EQ(token % 2, 0);
}

TEST_F(GenerationTest, AThrowingSamplerIsAnError) {
  class Thrower final : public Sampler {
   public:
    std::string_view name() const noexcept override { return "thrower"; }
    Status Apply(CandidateList&) override { throw std::runtime_error("the host's own trouble"); }
    Result<std::unique_ptr<Sampler>> Clone() const override {
      return Status(StatusCode::kUnimplemented, "no");
    }
  };
  auto chain = SamplerChain::Create({});
  ASSERT_TRUE(chain->Insert(0, std::make_unique<Thrower>()).ok());
  options_.chain = &*chain;
  auto session = *Session::Create(model_);
  const auto result = Generate(session, prompt_, options_);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.status().code(), StatusCode::kInternal);
  EXPECT_NE(result.status().message().find("the host's own trouble"), std::string::npos);
}

TEST_F(GenerationTest, WrongOptionsAreErrors) {
  auto session = *Session::Create(model_);
  const auto expect_invalid = [&](const GenerationOptions& options) {
    const auto result = Generate(session, prompt_, options);
    EXPECT_EQ(result.status().code(), StatusCode::kInvalidArgument) << result.status().ToString();
  };
  GenerationOptions options;
  options.max_new_tokens = -2;
  expect_invalid(options);
  options = {};
  options.top_logprobs = 101;
  expect_invalid(options);
  options = {};
  options.stop_strings = {"x", ""};
  expect_invalid(options);
  options = {};
  options.sampling = SamplingOptions{.top_p = 1.5f};
  expect_invalid(options);
  EXPECT_EQ(session.position(), 0);
  EXPECT_EQ(Generate(session, {}, {}).status().code(), StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace carat
