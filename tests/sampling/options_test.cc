// What Create makes of options, and what it refuses.
#include <string>

#include "carat/sampler.h"
#include "gtest/gtest.h"
#include "tests/sampling/reference.h"

namespace carat::test {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

std::vector<std::string> NamesOf(const SamplingOptions& options) {
  const Result<SamplerChain> chain = SamplerChain::Create(options);
  EXPECT_TRUE(chain.ok()) << chain.status().ToString();
  std::vector<std::string> names;
  for (std::size_t i = 0; i < chain->size(); ++i) names.emplace_back(chain->name(i));
  EXPECT_EQ(chain->name(chain->size()), "");
  return names;
}

using Names = std::vector<std::string>;

TEST(CreateTest, LeavesOutWhatIsOff) {
  EXPECT_EQ(NamesOf({}), (Names{"draw"}));
  EXPECT_EQ(NamesOf({.temperature = 0}), (Names{"greedy"}));
  EXPECT_EQ(NamesOf({.top_k = 64, .top_p = 0.95F}), (Names{"top-k", "top-p", "draw"}));
  EXPECT_EQ(NamesOf({.temperature = 0, .top_k = 64, .top_p = 0.95F, .presence_penalty = 1}),
            (Names{"penalties", "greedy"}));
  EXPECT_EQ(NamesOf({.frequency_penalty = -1}), (Names{"penalties", "draw"}));
  EXPECT_EQ(NamesOf({.penalty_window = 5}), (Names{"draw"}));
}

TEST(CreateTest, HasTheReferencesOrder) {
  const SamplingOptions options{.temperature = 0.5F,
                                .top_k = 1,
                                .top_p = 0.5F,
                                .min_p = 0.5F,
                                .typical_p = 0.5F,
                                .repetition_penalty = 2,
                                .logit_bias = {{1, 1}}};
  EXPECT_EQ(NamesOf(options),
            (Names{"logit-bias", "penalties", "temperature", "top-k", "top-p", "min-p", "typical", "draw"}));
}

TEST(CreateTest, TakesTheEdgesOfTheRanges) {
  for (const float p : {0.0F, 1.0F}) {
    EXPECT_TRUE(SamplerChain::Create({.top_p = p}).ok());
    EXPECT_TRUE(SamplerChain::Create({.min_p = p}).ok());
  }
  EXPECT_TRUE(SamplerChain::Create({.temperature = 1e-40F}).ok());
  EXPECT_TRUE(SamplerChain::Create({.top_k = std::numeric_limits<std::int32_t>::max()}).ok());
  EXPECT_TRUE(SamplerChain::Create({.repetition_penalty = 1e-30F, .penalty_window = 2147483647}).ok());
  EXPECT_TRUE(SamplerChain::Create({.logit_bias = {{2147483647, kNever}}}).ok());
}

struct Wrong {
  SamplingOptions options;
  const char* option;
  const char* value;
};

TEST(CreateTest, RefusesWhatIsOutOfRangeByNameAndValue) {
  const std::vector<Wrong> all = {
      {{.temperature = -0.5F}, "temperature", "-0.5"},
      {{.temperature = kNan}, "temperature", "nan"},
      {{.temperature = kInfinity}, "temperature", "inf"},
      {{.top_k = -3}, "top_k", "-3"},
      {{.top_p = -0.25F}, "top_p", "-0.25"},
      {{.top_p = 1.5F}, "top_p", "1.5"},
      {{.top_p = kNan}, "top_p", "nan"},
      {{.min_p = -1}, "min_p", "-1"},
      {{.min_p = 1.25F}, "min_p", "1.25"},
      {{.min_p = kNan}, "min_p", "nan"},
      {{.typical_p = 0}, "typical_p", "0"},
      {{.typical_p = 1.5F}, "typical_p", "1.5"},
      {{.typical_p = kNan}, "typical_p", "nan"},
      {{.repetition_penalty = 0}, "repetition_penalty", "0"},
      {{.repetition_penalty = -2}, "repetition_penalty", "-2"},
      {{.repetition_penalty = kInfinity}, "repetition_penalty", "inf"},
      {{.frequency_penalty = kNan}, "frequency_penalty", "nan"},
      {{.presence_penalty = -kInfinity}, "presence_penalty", "-inf"},
      {{.penalty_window = -7}, "penalty_window", "-7"},
      {{.logit_bias = {{3, 1}, {-4, 1}}}, "logit_bias", "-4"},
      {{.logit_bias = {{3, kInfinity}}}, "logit_bias", "inf"},
      {{.logit_bias = {{3, kNan}}}, "logit_bias", "nan"},
      // Greedy choice does not look at these, but a wrong value is a mistake all the same.
      {{.temperature = 0, .top_p = 9}, "top_p", "9"},
      {{.temperature = 0, .top_k = -1}, "top_k", "-1"},
  };
  for (const Wrong& wrong : all) {
    const Result<SamplerChain> chain = SamplerChain::Create(wrong.options);
    ASSERT_FALSE(chain.ok()) << wrong.option << " " << wrong.value;
    EXPECT_EQ(chain.status().code(), StatusCode::kInvalidArgument);
    const std::string& message = chain.status().message();
    EXPECT_EQ(message.find(wrong.option), 0U) << message;
    EXPECT_NE(message.find(std::string(wrong.value).insert(0, 1, ' ')), std::string::npos) << message;
    EXPECT_NE(message.find("must "), std::string::npos) << message;
  }
}

TEST(SamplersTest, RefuseWhatIsOutOfRange) {
  const std::vector<std::pair<std::int32_t, float>> bias = {{-1, 0}};
  EXPECT_EQ(samplers::LogitBias(bias).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(samplers::Penalties(0, 0, 0, 0).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(samplers::Penalties(1, 0, 0, -1).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(samplers::Temperature(-1).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(samplers::TopK(-1).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(samplers::TopP(1.01F).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(samplers::MinP(-0.01F).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(samplers::Typical(0).status().code(), StatusCode::kInvalidArgument);
}

TEST(SamplersTest, HaveTheirNamesAndCloneThem) {
  const std::vector<std::pair<std::int32_t, float>> bias = {{1, 0}};
  std::vector<Result<std::unique_ptr<Sampler>>> all;
  all.push_back(samplers::LogitBias(bias));
  all.push_back(samplers::Penalties(1, 0, 0, 0));
  all.push_back(samplers::Temperature(1));
  all.push_back(samplers::TopK(1));
  all.push_back(samplers::TopP(1));
  all.push_back(samplers::MinP(1));
  all.push_back(samplers::Typical(1));
  all.push_back(samplers::Greedy());
  all.push_back(samplers::Draw(1));
  const Names names = {"logit-bias", "penalties", "temperature", "top-k", "top-p",
                       "min-p",      "typical",   "greedy",      "draw"};
  ASSERT_EQ(all.size(), names.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    ASSERT_TRUE(all[i].ok());
    EXPECT_EQ((*all[i])->name(), names[i]);
    const auto clone = (*all[i])->Clone();
    ASSERT_TRUE(clone.ok());
    EXPECT_EQ((*clone)->name(), names[i]);
  }
}

}  // namespace
}  // namespace carat::test
