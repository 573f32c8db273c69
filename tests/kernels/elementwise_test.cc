// Every elementwise kernel against its reference, over random sizes with odd edges.
#include "lib/kernels/elementwise.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "lib/base/tensor.h"
#include "tests/kernels/available_kernels.h"

namespace carat::internal {
namespace {

using Random = std::mt19937;

std::vector<float> RandomFloats(Random& random, std::int64_t n, float scale = 1.0f) {
  std::normal_distribution<float> normal(0.0f, scale);
  std::vector<float> values(static_cast<std::size_t>(n));
  for (float& value : values) value = normal(random);
  return values;
}

class ElementwiseTest : public testing::TestWithParam<const Kernels*> {
 protected:
  const ElementwiseKernels& fast_ = GetParam()->elementwise;
  const ElementwiseKernels& plain_ = kReferenceElementwise;
  Random random_{20240501};

  std::int64_t Size(std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(random_);
  }
};

TEST_P(ElementwiseTest, EveryHalfBecomesFloat32Exactly) {
  std::vector<std::uint16_t> all(65536);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::uint16_t>(i);
  const auto* bytes = reinterpret_cast<const std::byte*>(all.data());
  for (const bool brain : {false, true}) {
    std::vector<float> wide(all.size());
    (brain ? fast_.bf16_to_f32 : fast_.f16_to_f32)(bytes, wide.data(), 65535);
    for (std::size_t i = 0; i < 65535; ++i) {
      const float expected = brain ? BFloat16ToFloat(all[i]) : Float16ToFloat(all[i]);
      if (std::isnan(expected)) {
        ASSERT_TRUE(std::isnan(wide[i])) << i;
      } else {
        ASSERT_EQ(wide[i], expected) << i;
      }
    }
  }
}

TEST_P(ElementwiseTest, Bf16RoundsToNearestEven) {
  std::vector<float> values = RandomFloats(random_, 1001, 100.0f);
  values[3] = std::numeric_limits<float>::infinity();
  values[4] = -std::numeric_limits<float>::infinity();
  values[5] = std::numeric_limits<float>::quiet_NaN();
  values[6] = 1.00390625f;  // halfway between two, the even one is below
  values[7] = 1.01171875f;  // halfway, the even one is above
  values[8] = std::numeric_limits<float>::max();
  std::vector<std::uint16_t> narrow(values.size());
  fast_.f32_to_bf16(values.data(), narrow.data(), static_cast<std::int64_t>(values.size()));
  EXPECT_EQ(narrow[6], 0x3f80);
  EXPECT_EQ(narrow[7], 0x3f82);
  EXPECT_TRUE(std::isnan(BFloat16ToFloat(narrow[5])));
  for (std::size_t i = 0; i < values.size(); ++i) ASSERT_EQ(narrow[i], FloatToBFloat16(values[i])) << i;
}

TEST_P(ElementwiseTest, NormsEqualTheReference) {
  for (std::int64_t n : {1, 2, 7, 8, 15, 16, 17, 63, 64, 65, 96, 333, 1536}) {
    const auto x = RandomFloats(random_, n, 3.0f);
    const auto weight = RandomFloats(random_, n);
    const auto residual = RandomFloats(random_, n);
    for (const float* w : {weight.data(), static_cast<const float*>(nullptr)}) {
      std::vector<float> expected(n), actual(n);
      plain_.rms_norm(x.data(), w, n, 1e-6f, expected.data());
      fast_.rms_norm(x.data(), w, n, 1e-6f, actual.data());
      for (std::int64_t i = 0; i < n; ++i)
        ASSERT_NEAR(actual[i], expected[i], 2e-6f * (1 + std::fabs(expected[i])));
      expected = residual;
      actual = residual;
      plain_.add_rms_norm(expected.data(), x.data(), w, n, 1e-6f);
      fast_.add_rms_norm(actual.data(), x.data(), w, n, 1e-6f);
      for (std::int64_t i = 0; i < n; ++i)
        ASSERT_NEAR(actual[i], expected[i], 3e-6f * (1 + std::fabs(expected[i])));
    }
  }
}

TEST_P(ElementwiseTest, RopeTurnsPairsAndLeavesTheRest) {
  for (int round = 0; round < 40; ++round) {
    const std::int64_t half = Size(1, 140);
    const std::int64_t rotated = Size(0, half);
    const auto x = RandomFloats(random_, 2 * half);
    std::vector<float> cos(half), sin(half);
    for (std::int64_t i = 0; i < half; ++i) {
      const float angle = static_cast<float>(Size(0, 1000)) * 0.013f;
      cos[i] = std::cos(angle);
      sin[i] = std::sin(angle);
    }
    auto expected = x;
    auto actual = x;
    plain_.rope(expected.data(), cos.data(), sin.data(), half, rotated);
    fast_.rope(actual.data(), cos.data(), sin.data(), half, rotated);
    for (std::int64_t i = 0; i < 2 * half; ++i) {
      ASSERT_NEAR(actual[i], expected[i], 1e-6f);
      if (i % half >= rotated) {
        ASSERT_EQ(actual[i], x[i]);
      }
    }
  }
}

TEST_P(ElementwiseTest, ActivationsEqualTheReferenceOverTheWholeRange) {
  std::vector<float> x;
  for (float v = -120.0f; v <= 120.0f; v += 0.037f) x.push_back(v);
  for (float v = -1.0f; v <= 1.0f; v += 0.0013f) x.push_back(v);
  for (float v : {0.0f, -0.0f, 1e-30f, -1e-30f, 1e4f, -1e4f, 3e38f, -3e38f}) x.push_back(v);
  const auto n = static_cast<std::int64_t>(x.size());
  const auto up = RandomFloats(random_, n);
  std::vector<float> expected(x.size()), actual(x.size());
  plain_.gelu_multiply(x.data(), up.data(), expected.data(), n);
  fast_.gelu_multiply(x.data(), up.data(), actual.data(), n);
  for (std::size_t i = 0; i < x.size(); ++i) {
    ASSERT_NEAR(actual[i], expected[i], 1e-6f * (1 + std::fabs(expected[i]))) << "gelu of " << x[i];
  }
  expected = x;
  actual = x;
  plain_.softcap(expected.data(), n, 30.0f);
  fast_.softcap(actual.data(), n, 30.0f);
  for (std::size_t i = 0; i < x.size(); ++i)
    ASSERT_NEAR(actual[i], expected[i], 8e-6f) << "softcap of " << x[i];
}

TEST_P(ElementwiseTest, NotANumberIsNotHidden) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  std::vector<float> x(19, nan), up(19, 1.0f), out(19, 0.0f);
  fast_.gelu_multiply(x.data(), up.data(), out.data(), 19);
  fast_.softcap(x.data(), 19, 30.0f);
  for (int i = 0; i < 19; ++i) {
    EXPECT_TRUE(std::isnan(out[i])) << i;
    EXPECT_TRUE(std::isnan(x[i])) << i;
  }
}

TEST_P(ElementwiseTest, AddAndScale) {
  for (std::int64_t n : {0, 1, 5, 16, 31, 100}) {
    const auto x = RandomFloats(random_, n);
    auto expected = RandomFloats(random_, n);
    auto actual = expected;
    plain_.add_scaled(expected.data(), x.data(), 0.37f, n);
    fast_.add_scaled(actual.data(), x.data(), 0.37f, n);
    for (std::int64_t i = 0; i < n; ++i) ASSERT_NEAR(actual[i], expected[i], 1e-6f);
    plain_.scale(expected.data(), -1.5f, n);
    fast_.scale(actual.data(), -1.5f, n);
    for (std::int64_t i = 0; i < n; ++i) ASSERT_NEAR(actual[i], expected[i], 2e-6f);
  }
}

struct Softmax {
  std::vector<float> scores, max, sum, output;
};

TEST_P(ElementwiseTest, SoftmaxStepEqualsTheReference) {
  Random random(6);
  std::normal_distribution<float> normal(0, 4);
  {
    for (const std::int64_t keys : {1, 2, 7, 8, 16, 31, 33, 64, 100}) {
      constexpr std::int64_t kQueries = 3;
      constexpr std::int64_t kHead = 19;
      const std::int64_t stride = keys + 2;
      const float nothing = -std::numeric_limits<float>::infinity();
      Softmax plain{{},
                    std::vector<float>(kQueries, nothing),
                    std::vector<float>(kQueries, 0),
                    std::vector<float>(kQueries * kHead, 0)};
      Softmax fast = plain;
      for (int block = 0; block < 3; ++block) {
        plain.scores.resize(static_cast<std::size_t>(kQueries * stride));
        for (float& score : plain.scores) score = normal(random);
        fast.scores = plain.scores;
        const auto step = [&](const ElementwiseKernels& kernels, Softmax& s) {
          kernels.softmax_step(
              {s.scores.data(), stride, kQueries, keys, s.max.data(), s.sum.data(), s.output.data(), kHead});
        };
        step(plain_, plain);
        step(fast_, fast);
        for (std::int64_t q = 0; q < kQueries; ++q) {
          EXPECT_EQ(fast.max[static_cast<std::size_t>(q)], plain.max[static_cast<std::size_t>(q)]);
          EXPECT_NEAR(fast.sum[static_cast<std::size_t>(q)] / plain.sum[static_cast<std::size_t>(q)], 1,
                      3e-6);
          for (std::int64_t k = 0; k < stride; ++k) {
            const auto at = static_cast<std::size_t>(q * stride + k);
            EXPECT_NEAR(fast.scores[at], plain.scores[at], 3e-6 * std::abs(plain.scores[at])) << k;
          }
          for (std::int64_t d = 0; d < kHead; ++d) {
            const auto at = static_cast<std::size_t>(q * kHead + d);
            EXPECT_NEAR(fast.output[at], plain.output[at], 4e-6 * std::abs(plain.output[at]));
          }
        }
        for (std::size_t i = 0; i < plain.output.size(); ++i)
          fast.output[i] = plain.output[i] += normal(random);
      }
    }
  }
}

TEST_P(ElementwiseTest, ClippingKeepsNaNsAndInfiniteBounds) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  std::vector<float> x;
  for (int i = 0; i < 37; ++i) x.push_back(static_cast<float>(i) - 18);
  x[3] = std::numeric_limits<float>::quiet_NaN();
  x[36] = std::numeric_limits<float>::quiet_NaN();
  {
    for (const auto& [low, high] :
         {std::pair{-5.5f, 7.25f}, std::pair{-kInfinity, 1.0f}, std::pair{0.0f, kInfinity}}) {
      std::vector<float> found(x.size());
      fast_.clip(x.data(), found.data(), static_cast<std::int64_t>(x.size()), low, high);
      for (std::size_t i = 0; i < x.size(); ++i) {
        if (std::isnan(x[i])) {
          EXPECT_TRUE(std::isnan(found[i])) << i;
        } else {
          EXPECT_EQ(found[i], std::clamp(x[i], low, high)) << i;
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Machine, ElementwiseTest, testing::ValuesIn(AvailableKernels()),
                         [](const auto& kernels) { return KernelsName(*kernels.param); });

}  // namespace
}  // namespace carat::internal
