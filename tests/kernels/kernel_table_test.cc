// Every fast kernel against its plain twin, over random sizes with odd edges.
#include "lib/kernels/kernel_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "lib/base/cpu.h"
#include "lib/base/tensor.h"
#include "lib/kernels/kernels.h"
#include "lib/kernels/kv_layout.h"

namespace carat::internal {
namespace {

using Random = std::mt19937;

std::vector<float> RandomFloats(Random& random, std::int64_t n, float scale = 1.0f) {
  std::normal_distribution<float> normal(0.0f, scale);
  std::vector<float> values(static_cast<std::size_t>(n));
  for (float& value : values) value = normal(random);
  return values;
}

std::vector<std::byte> Encode(const std::vector<float>& values, NumberFormat format) {
  std::vector<std::byte> bytes(values.size() * BytesPerValue(format) + 1);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (format == NumberFormat::kF32) {
      std::memcpy(bytes.data() + 1 + 4 * i, &values[i], 4);
    } else if (format == NumberFormat::kBF16) {
      const std::uint16_t bits = FloatToBFloat16(values[i]);
      std::memcpy(bytes.data() + 1 + 2 * i, &bits, 2);
    } else {
      // Float16 numbers between 2^-14 and 2 with a random mantissa: enough for a product.
      const std::uint32_t bits = std::bit_cast<std::uint32_t>(values[i]);
      const auto half =
          static_cast<std::uint16_t>(((bits >> 16) & 0x8000u) | (0x3000u + ((bits >> 13) & 0x7ffu)));
      std::memcpy(bytes.data() + 1 + 2 * i, &half, 2);
    }
  }
  return bytes;  // the values begin at byte 1: weights in files are not aligned
}

class KernelTest : public testing::TestWithParam<InstructionSet> {
 protected:
  void SetUp() override {
    const auto table = KernelsFor(GetParam());
    ASSERT_TRUE(table.ok()) << table.status().ToString();
    fast_ = *table;
  }

  const KernelTable* fast_ = nullptr;
  const KernelTable& plain_ = PlainKernels();
  Random random_{20240501};

  std::int64_t Size(std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(random_);
  }
};

TEST_P(KernelTest, ProductsEqualThePlainOnes) {
  for (int round = 0; round < 120; ++round) {
    const auto format = static_cast<NumberFormat>(round % 3);
    const std::int64_t rows = Size(1, 9);
    const std::int64_t cols = Size(0, 300);
    const std::int64_t outputs = Size(1, 20);
    const std::int64_t x_stride = cols + Size(0, 5);
    const std::int64_t y_stride = outputs + Size(0, 5);
    const auto x = RandomFloats(random_, rows * x_stride + 1);
    const auto w = Encode(RandomFloats(random_, outputs * cols), format);
    std::vector<float> expected(rows * y_stride, -7.0f);
    std::vector<float> actual = expected;
    const auto pick = [&](const KernelTable& t) {
      return format == NumberFormat::kF32 ? t.product_f32
                                          : (format == NumberFormat::kF16 ? t.product_f16 : t.product_bf16);
    };
    pick(plain_)(x.data(), x_stride, rows, w.data() + 1, cols, outputs, expected.data(), y_stride, 0);
    pick (*fast_)(x.data(), x_stride, rows, w.data() + 1, cols, outputs, actual.data(), y_stride,
                  y_stride % 2 * 64);
    const float tolerance = 2e-6f * std::sqrt(static_cast<float>(cols) + 1) + 1e-6f;
    for (std::size_t i = 0; i < actual.size(); ++i)
      ASSERT_NEAR(actual[i], expected[i], tolerance) << "at " << i;
  }
}

TEST_P(KernelTest, ARowIsTheSameAloneAndAmongOthers) {
  const std::int64_t rows = 7, cols = 203, outputs = 13;
  const auto x = RandomFloats(random_, rows * cols);
  const auto w = Encode(RandomFloats(random_, outputs * cols), NumberFormat::kBF16);
  std::vector<float> together(rows * outputs);
  fast_->product_bf16(x.data(), cols, rows, w.data() + 1, cols, outputs, together.data(), outputs, 0);
  for (std::int64_t r = 0; r < rows; ++r) {
    std::vector<float> alone(outputs);
    fast_->product_bf16(x.data() + r * cols, cols, 1, w.data() + 1, cols, outputs, alone.data(), outputs,
                        4096);
    for (std::int64_t n = 0; n < outputs; ++n) ASSERT_EQ(alone[n], together[r * outputs + n]);
  }
}

TEST_P(KernelTest, EveryHalfIsWidenedExactly) {
  std::vector<std::uint16_t> all(65536);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::uint16_t>(i);
  const auto* bytes = reinterpret_cast<const std::byte*>(all.data());
  for (const bool brain : {false, true}) {
    std::vector<float> wide(all.size());
    (brain ? fast_->widen_bf16 : fast_->widen_f16)(bytes, wide.data(), 65535);
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

TEST_P(KernelTest, NarrowingRoundsToNearestEven) {
  std::vector<float> values = RandomFloats(random_, 1001, 100.0f);
  values[3] = std::numeric_limits<float>::infinity();
  values[4] = -std::numeric_limits<float>::infinity();
  values[5] = std::numeric_limits<float>::quiet_NaN();
  values[6] = 1.00390625f;  // halfway between two, the even one is below
  values[7] = 1.01171875f;  // halfway, the even one is above
  values[8] = std::numeric_limits<float>::max();
  std::vector<std::uint16_t> narrow(values.size());
  fast_->narrow_bf16(values.data(), narrow.data(), static_cast<std::int64_t>(values.size()));
  EXPECT_EQ(narrow[6], 0x3f80);
  EXPECT_EQ(narrow[7], 0x3f82);
  EXPECT_TRUE(std::isnan(BFloat16ToFloat(narrow[5])));
  for (std::size_t i = 0; i < values.size(); ++i) ASSERT_EQ(narrow[i], FloatToBFloat16(values[i])) << i;
}

TEST_P(KernelTest, NormsEqualThePlainOnes) {
  for (std::int64_t n : {1, 2, 7, 8, 15, 16, 17, 63, 64, 65, 96, 333, 1536}) {
    const auto x = RandomFloats(random_, n, 3.0f);
    const auto weight = RandomFloats(random_, n);
    const auto residual = RandomFloats(random_, n);
    for (const float* w : {weight.data(), static_cast<const float*>(nullptr)}) {
      std::vector<float> expected(n), actual(n);
      plain_.rms_norm(x.data(), w, n, 1e-6f, expected.data());
      fast_->rms_norm(x.data(), w, n, 1e-6f, actual.data());
      for (std::int64_t i = 0; i < n; ++i)
        ASSERT_NEAR(actual[i], expected[i], 2e-6f * (1 + std::fabs(expected[i])));
      expected = residual;
      actual = residual;
      plain_.add_rms_norm(expected.data(), x.data(), w, n, 1e-6f);
      fast_->add_rms_norm(actual.data(), x.data(), w, n, 1e-6f);
      for (std::int64_t i = 0; i < n; ++i)
        ASSERT_NEAR(actual[i], expected[i], 3e-6f * (1 + std::fabs(expected[i])));
    }
  }
}

TEST_P(KernelTest, RopeTurnsPairsAndLeavesTheRest) {
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
    fast_->rope(actual.data(), cos.data(), sin.data(), half, rotated);
    for (std::int64_t i = 0; i < 2 * half; ++i) {
      ASSERT_NEAR(actual[i], expected[i], 1e-6f);
      if (i % half >= rotated) {
        ASSERT_EQ(actual[i], x[i]);
      }
    }
  }
}

TEST_P(KernelTest, ActivationsEqualThePlainOnesOverTheWholeRange) {
  std::vector<float> x;
  for (float v = -120.0f; v <= 120.0f; v += 0.037f) x.push_back(v);
  for (float v = -1.0f; v <= 1.0f; v += 0.0013f) x.push_back(v);
  for (float v : {0.0f, -0.0f, 1e-30f, -1e-30f, 1e4f, -1e4f, 3e38f, -3e38f}) x.push_back(v);
  const auto n = static_cast<std::int64_t>(x.size());
  const auto up = RandomFloats(random_, n);
  std::vector<float> expected(x.size()), actual(x.size());
  plain_.gelu_multiply(x.data(), up.data(), expected.data(), n);
  fast_->gelu_multiply(x.data(), up.data(), actual.data(), n);
  for (std::size_t i = 0; i < x.size(); ++i) {
    ASSERT_NEAR(actual[i], expected[i], 1e-6f * (1 + std::fabs(expected[i]))) << "gelu of " << x[i];
  }
  expected = x;
  actual = x;
  plain_.softcap(expected.data(), n, 30.0f);
  fast_->softcap(actual.data(), n, 30.0f);
  for (std::size_t i = 0; i < x.size(); ++i)
    ASSERT_NEAR(actual[i], expected[i], 8e-6f) << "softcap of " << x[i];
}

TEST_P(KernelTest, NotANumberIsNotHidden) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  std::vector<float> x(19, nan), up(19, 1.0f), out(19, 0.0f);
  fast_->gelu_multiply(x.data(), up.data(), out.data(), 19);
  fast_->softcap(x.data(), 19, 30.0f);
  for (int i = 0; i < 19; ++i) {
    EXPECT_TRUE(std::isnan(out[i])) << i;
    EXPECT_TRUE(std::isnan(x[i])) << i;
  }
}

TEST_P(KernelTest, AddAndScale) {
  for (std::int64_t n : {0, 1, 5, 16, 31, 100}) {
    const auto x = RandomFloats(random_, n);
    auto expected = RandomFloats(random_, n);
    auto actual = expected;
    plain_.add_scaled(expected.data(), x.data(), 0.37f, n);
    fast_->add_scaled(actual.data(), x.data(), 0.37f, n);
    for (std::int64_t i = 0; i < n; ++i) ASSERT_NEAR(actual[i], expected[i], 1e-6f);
    plain_.scale(expected.data(), -1.5f, n);
    fast_->scale(actual.data(), -1.5f, n);
    for (std::int64_t i = 0; i < n; ++i) ASSERT_NEAR(actual[i], expected[i], 2e-6f);
  }
}

// Attention over keys given in one run or in several.
struct AttentionInput {
  std::int64_t queries, keys, head_dim;
  std::vector<float> q, k, v;
  std::vector<std::int32_t> begin, end;
};

std::vector<float> RunAttention(const KernelTable& table, const AttentionInput& in, KvFormat format,
                                std::int64_t step, std::int64_t first_query, std::int64_t query_count) {
  const NumberFormat number = format == KvFormat::kF32 ? NumberFormat::kF32 : NumberFormat::kBF16;
  std::vector<float> max(query_count, -std::numeric_limits<float>::infinity()), sum(query_count, 0.0f);
  std::vector<float> output(query_count * in.head_dim, 0.0f), scores(query_count * step);
  std::vector<std::uint16_t> narrow(4 * (in.head_dim + step));
  for (std::int64_t at = 0; at < in.keys; at += step) {
    const std::int64_t count = std::min(step, in.keys - at);
    std::vector<std::int32_t> begin(query_count), end(query_count);
    for (std::int64_t i = 0; i < query_count; ++i) {
      begin[i] =
          static_cast<std::int32_t>(std::clamp<std::int64_t>(in.begin[first_query + i] - at, 0, count));
      end[i] = static_cast<std::int32_t>(std::clamp<std::int64_t>(in.end[first_query + i] - at, 0, count));
    }
    std::vector<float> k(count * in.head_dim), v(count * in.head_dim);
    for (std::int64_t i = 0; i < count; ++i) {
      for (std::int64_t d = 0; d < in.head_dim; ++d) {
        k[KeyIndex(format, count, i, d)] = in.k[(at + i) * in.head_dim + d];
        v[ValueIndex(format, in.head_dim, i, d)] = in.v[(at + i) * in.head_dim + d];
      }
    }
    const auto keys = Encode(k, number);
    const auto values = Encode(v, number);
    AttentionBlock block{.queries = in.q.data() + first_query * in.head_dim,
                         .query_stride = in.head_dim,
                         .query_count = query_count,
                         .keys = keys.data() + 1,
                         .values = values.data() + 1,
                         .format = format,
                         .key_count = count,
                         .head_dim = in.head_dim,
                         .begin = begin.data(),
                         .end = end.data(),
                         .scores = scores.data(),
                         .narrow = narrow.data(),
                         .max = max.data(),
                         .sum = sum.data(),
                         .output = output.data(),
                         .output_stride = in.head_dim};
    table.attend(block);
  }
  for (std::int64_t i = 0; i < query_count; ++i) {
    for (std::int64_t d = 0; d < in.head_dim; ++d) output[i * in.head_dim + d] /= sum[i] > 0 ? sum[i] : 1.0f;
  }
  return output;
}

TEST_P(KernelTest, AttentionEqualsThePlainOneAndDoesNotDependOnNeighbours) {
  for (int round = 0; round < 60; ++round) {
    AttentionInput in{.queries = Size(1, 11),
                      .keys = 2 * Size(1, 75),
                      .head_dim = round % 4 == 1 ? 16 * Size(1, 5) : 2 * Size(1, 40),
                      .q = {},
                      .k = {},
                      .v = {},
                      .begin = {},
                      .end = {}};
    in.q = RandomFloats(random_, in.queries * in.head_dim, 0.4f);
    in.k = RandomFloats(random_, in.keys * in.head_dim);
    in.v = RandomFloats(random_, in.keys * in.head_dim);
    for (std::int64_t i = 0; i < in.queries; ++i) {
      const std::int64_t a = Size(0, in.keys), b = Size(0, in.keys);  // sometimes empty
      in.begin.push_back(static_cast<std::int32_t>(std::min(a, b)));
      in.end.push_back(static_cast<std::int32_t>(std::max(a, b)));
    }
    const auto format = round % 2 == 0 ? KvFormat::kF32 : KvFormat::kBF16;
    const std::int64_t step = round % 3 == 0 ? in.keys : 64;
    const auto expected = RunAttention(plain_, in, format, in.keys, 0, in.queries);
    const auto actual = RunAttention(*fast_, in, format, step, 0, in.queries);
    // Dot products of pairs round queries and weights to bf16.
    const bool rounds = Includes(GetParam(), InstructionSet::kAvx512Bf16) && format == KvFormat::kBF16;
    const float tolerance = rounds ? 3e-2f : 2e-5f;
    for (std::size_t i = 0; i < actual.size(); ++i)
      ASSERT_NEAR(actual[i], expected[i], tolerance) << "at " << i;
    for (std::int64_t i = 0; i < in.queries; ++i) {
      const auto alone = RunAttention(*fast_, in, format, step, i, 1);
      for (std::int64_t d = 0; d < in.head_dim; ++d) ASSERT_EQ(alone[d], actual[i * in.head_dim + d]);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Machine, KernelTest, testing::ValuesIn(AvailableInstructionSets()),
                         [](const auto& set) { return std::string(InstructionSetName(set.param)); });

}  // namespace
}  // namespace carat::internal
