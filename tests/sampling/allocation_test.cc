// Memory: none is asked for while sampling, and its lack is an error like any other.
#include "carat/sampler.h"
#include "gtest/gtest.h"
#include "tests/sampling/counted_new.h"
#include "tests/sampling/reference.h"

namespace carat::test {
namespace {

const SamplingOptions kEverything{.temperature = 0.8F,
                                  .top_k = 50,
                                  .top_p = 0.97F,
                                  .min_p = 0.001F,
                                  .typical_p = 0.98F,
                                  .repetition_penalty = 1.1F,
                                  .penalty_window = 6,
                                  .logit_bias = {{3, 1.5F}}};

std::vector<float> Logits(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<float> bell(0, 2);
  std::vector<float> logits(20000);
  for (float& logit : logits) logit = bell(random);
  return logits;
}

TEST(AllocationTest, SamplingAgainAllocatesNothing) {
  const std::vector<SamplingOptions> all = {{},
                                            {.temperature = 0},
                                            {.top_k = 64, .top_p = 0.95F},
                                            {.top_p = 0.95F},
                                            {.typical_p = 0.9F},
                                            {.min_p = 0.05F},
                                            kEverything};
  const std::vector<float> first = Logits(1);
  const std::vector<float> hard(first.size(), 1.0F);  // all lie where the cut is
  for (const SamplingOptions& options : all) {
    Result<SamplerChain> chain = SamplerChain::Create(options);
    ASSERT_TRUE(chain.ok() && chain->Sample(hard).ok());
    const int before = allocations;
    const bool sampled = chain->Sample(first).ok() && chain->Sample(hard).ok();
    EXPECT_EQ(allocations, before);
    EXPECT_TRUE(sampled);
  }
}

// Runs `call` with memory for 0, 1, 2, ... allocations until it succeeds, and returns how often it did not.
template <typename Call>
int FailuresUntilSuccess(Call call) {
  for (int n = 0; n < 1000; ++n) {
    allowed = n;
    const StatusCode code = call();
    allowed = -1;
    if (code == StatusCode::kOk) return n;
    EXPECT_EQ(code, StatusCode::kResourceExhausted);
  }
  return -1;
}

TEST(AllocationTest, OutOfMemoryIsAnError) {
  EXPECT_GT(FailuresUntilSuccess([] { return SamplerChain::Create(kEverything).status().code(); }), 5);
  const std::vector<float> logits = Logits(2);
  Result<SamplerChain> chain = SamplerChain::Create(kEverything);
  ASSERT_TRUE(chain.ok());
  EXPECT_GT(FailuresUntilSuccess([&] { return chain->Sample(logits).status().code(); }), 1);
  EXPECT_GT(FailuresUntilSuccess([&] { return chain->Accept(77).code(); }), 0);
  EXPECT_GT(FailuresUntilSuccess([&] { return chain->Clone().status().code(); }), 5);
  SamplerChain empty;
  EXPECT_GT(FailuresUntilSuccess([&] {
              const StatusCode code = empty.Sample(logits).status().code();
              return code == StatusCode::kFailedPrecondition ? StatusCode::kOk : code;
            }),
            0);
}

}  // namespace
}  // namespace carat::test
