// Attention over pages of every format: close to the reference, over integers the same bits from every
// instruction set, and no overflow whatever the rows are.
#include "lib/kernels/attention.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "lib/base/tensor.h"
#include "tests/kernels/available_kernels.h"

namespace carat::internal {
namespace {

using Random = std::mt19937;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::vector<float> RandomFloats(Random& random, std::int64_t n, float scale = 1.0f) {
  std::normal_distribution<float> normal(0.0f, scale);
  std::vector<float> values(static_cast<std::size_t>(n));
  for (float& value : values) value = normal(random);
  return values;
}

// Queries, and keys and values of whole pages; each query sees begin <= position < end.
struct Input {
  std::int64_t queries, pages, head_dim;
  std::vector<float> q, k, v;
  std::vector<std::int64_t> begin, end;

  std::int64_t positions() const { return pages * kPagePositions; }
};

Input RandomInput(Random& random, std::int64_t queries, std::int64_t pages, std::int64_t head_dim) {
  Input in{queries, pages, head_dim, {}, {}, {}, {}, {}};
  in.q = RandomFloats(random, queries * head_dim, 4.0f / std::sqrt(static_cast<float>(head_dim)));
  in.k = RandomFloats(random, in.positions() * head_dim);
  in.v = RandomFloats(random, in.positions() * head_dim);
  std::uniform_int_distribution<std::int64_t> position(0, in.positions());
  for (std::int64_t i = 0; i < queries; ++i) {
    const std::int64_t a = position(random), b = position(random);  // sometimes empty
    in.begin.push_back(std::min(a, b));
    in.end.push_back(std::max(a, b));
  }
  return in;
}

// One page as the cache keeps it.
struct Page {
  std::vector<float> keys, values, key_scales, value_scales;  // the planes are bytes in floats

  Page(const KvCodec& codec, const float* k, const float* v, std::int64_t head_dim)
      : keys(static_cast<std::size_t>(kPagePositions * head_dim)),
        values(keys.size()),
        key_scales(static_cast<std::size_t>(kPagePositions * KvSizesOf(codec.format, head_dim).key_scales)),
        value_scales(static_cast<std::size_t>(kPagePositions)) {
    for (std::int64_t i = 0; i < kPagePositions; ++i) {
      codec.store_key(k + i * head_dim, head_dim, i, planes());
      codec.store_value(v + i * head_dim, head_dim, i, planes());
    }
  }
  KvPlanes planes() {
    return {reinterpret_cast<std::byte*>(keys.data()), reinterpret_cast<std::byte*>(values.data()),
            key_scales.data(), value_scales.data()};
  }
};

// Outputs before the division, and the sums they would be divided by.
struct Attended {
  std::vector<float> output, sum, max;
  bool operator==(const Attended& other) const {
    const auto same = [](const std::vector<float>& a, const std::vector<float>& b) {
      return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
    };
    return same(output, other.output) && same(sum, other.sum) && same(max, other.max);
  }
};

Attended Attend(const KvCodec& codec, const Input& in, std::int64_t first, std::int64_t count) {
  const std::int64_t head_dim = in.head_dim;
  Attended result{std::vector<float>(static_cast<std::size_t>(count * head_dim)),
                  std::vector<float>(static_cast<std::size_t>(count)),
                  std::vector<float>(static_cast<std::size_t>(count), -kInfinity)};
  std::vector<float> queries(result.output.size()), scales(static_cast<std::size_t>(count));
  codec.prepare_queries(in.q.data() + first * head_dim, count, head_dim, queries.data(), scales.data());
  for (std::int64_t page = 0; page < in.pages; ++page) {
    const std::int64_t at = page * kPagePositions;
    Page kept(codec, in.k.data() + at * head_dim, in.v.data() + at * head_dim, head_dim);
    std::vector<std::int32_t> begin, end;
    for (std::int64_t i = first; i < first + count; ++i) {
      const auto clamp = [&](std::int64_t position) {
        return static_cast<std::int32_t>(std::clamp<std::int64_t>(position - at, 0, kPagePositions));
      };
      begin.push_back(clamp(in.begin[static_cast<std::size_t>(i)]));
      end.push_back(clamp(in.end[static_cast<std::size_t>(i)]));
    }
    codec.attend_page({.queries = queries.data(),
                       .query_scales = scales.data(),
                       .query_count = count,
                       .kv = kept.planes(),
                       .head_dim = head_dim,
                       .begin = begin.data(),
                       .end = end.data(),
                       .max = result.max.data(),
                       .sum = result.sum.data(),
                       .output = result.output.data()});
  }
  return result;
}

// Attention in float64, with keys and values as `round` makes them.
template <typename Round>
std::vector<double> Exact(const Input& in, Round round) {
  std::vector<double> output(static_cast<std::size_t>(in.queries * in.head_dim));
  for (std::int64_t i = 0; i < in.queries; ++i) {
    std::vector<double> weights;
    double max = -kInfinity, sum = 0;
    const std::int64_t begin = in.begin[static_cast<std::size_t>(i)],
                       end = in.end[static_cast<std::size_t>(i)];
    for (std::int64_t k = begin; k < end; ++k) {
      double score = 0;
      for (std::int64_t d = 0; d < in.head_dim; ++d)
        score += static_cast<double>(in.q[static_cast<std::size_t>(i * in.head_dim + d)]) *
                 round(in.k[static_cast<std::size_t>(k * in.head_dim + d)]);
      weights.push_back(score);
      max = std::max(max, score);
    }
    for (double& weight : weights) sum += weight = std::exp(weight - max);
    for (std::int64_t k = begin; k < end; ++k) {
      for (std::int64_t d = 0; d < in.head_dim; ++d)
        output[static_cast<std::size_t>(i * in.head_dim + d)] +=
            weights[static_cast<std::size_t>(k - begin)] / sum *
            round(in.v[static_cast<std::size_t>(k * in.head_dim + d)]);
    }
  }
  return output;
}

template <typename A, typename B>
double RelativeError(const A& actual, const B& exact) {
  double error = 0, size = 0;
  for (std::size_t i = 0; i < exact.size(); ++i) {
    error += (actual[i] - exact[i]) * (actual[i] - exact[i]);
    size += exact[i] * exact[i];
  }
  return std::sqrt(error / size);
}

class AttentionTest : public testing::TestWithParam<const Kernels*> {
 protected:
  std::int64_t Size(std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(random_);
  }
  const KvCodec& Fast(KvFormat format) const { return GetParam()->kv[format]; }

  // Queries alone are the same bits as together.
  void ExpectIndependent(KvFormat format, const Input& in, const Attended& together) const {
    for (std::int64_t i = 0; i < in.queries; ++i) {
      const Attended alone = Attend(Fast(format), in, i, 1);
      ASSERT_EQ(std::memcmp(alone.output.data(), together.output.data() + i * in.head_dim,
                            static_cast<std::size_t>(in.head_dim) * sizeof(float)),
                0);
      ASSERT_EQ(alone.sum[0], together.sum[static_cast<std::size_t>(i)]);
    }
  }

  // Fast and reference give the same bits.
  void ExpectSame(KvFormat format, const Input& in) const {
    const Attended together = Attend(Fast(format), in, 0, in.queries);
    ASSERT_TRUE(together == Attend(kReferenceKvCodecs[format], in, 0, in.queries))
        << "head of " << in.head_dim << ", " << in.queries << " queries, " << in.pages << " pages";
    ExpectIndependent(format, in, together);
  }

  Random random_{20250607};
};

TEST_P(AttentionTest, FloatsAreCloseToTheReference) {
  for (int round = 0; round < 60; ++round) {
    const std::int64_t head_dim = round % 4 == 1 ? 16 * Size(1, 5) : 2 * Size(1, 40);
    const Input in = RandomInput(random_, Size(1, 11), Size(1, 3), head_dim);
    const auto format = round % 2 == 0 ? KvFormat::kF32 : KvFormat::kBF16;
    const Attended expected = Attend(kReferenceKvCodecs[format], in, 0, in.queries);
    const Attended actual = Attend(Fast(format), in, 0, in.queries);
    // Dot products of pairs round queries and weights to bf16.
    const InstructionSet set = GetParam()->set;
    const bool rounds = format == KvFormat::kBF16 &&
                        (set == InstructionSet::kAvx512Bf16 || set == InstructionSet::kAvx512Amx);
    const float tolerance = rounds ? 1.5e-1f : 6e-5f;
    for (std::size_t i = 0; i < actual.output.size(); ++i) {
      const std::size_t query = i / static_cast<std::size_t>(head_dim);
      const float sum = expected.sum[query] > 0 ? expected.sum[query] : 1.0f;
      const float fast_sum = actual.sum[query] > 0 ? actual.sum[query] : 1.0f;
      ASSERT_NEAR(actual.output[i] / fast_sum, expected.output[i] / sum, tolerance) << "at " << i;
    }
    ExpectIndependent(format, in, actual);
  }
}

TEST_P(AttentionTest, IntegersEqualTheReferenceInEveryBit) {
  for (int round = 0; round < 40; ++round) {
    const std::int64_t head_dim = round % 4 == 0 ? 16 * Size(1, 12) : 2 * Size(1, 70);
    const Input in = RandomInput(random_, Size(1, 9), Size(1, 3), head_dim);
    ExpectSame(KvFormat::kInt16, in);
    ExpectSame(KvFormat::kInt8, in);
  }
}

// A row as the cache keeps it in integers: as a key or as a value.
struct Rounded {
  std::vector<std::int16_t> integers;
  float scale;
};
Rounded RoundRow(const KvCodec& codec, bool key, const std::vector<float>& row) {
  const auto n = static_cast<std::int64_t>(row.size());
  std::vector<std::byte> plane(row.size() * static_cast<std::size_t>(2 * kPagePositions));
  std::vector<float> scales(static_cast<std::size_t>(kPagePositions * KvSizesOf(codec.format, n).key_scales));
  const KvPlanes planes{plane.data(), plane.data(), scales.data(), scales.data()};
  constexpr std::int64_t kSlot = 5;
  (key ? codec.store_key : codec.store_value)(row.data(), n, kSlot, planes);
  Rounded rounded{std::vector<std::int16_t>(row.size()), scales[kSlot]};
  for (std::int64_t d = 0; d < n; ++d) {
    const std::int64_t at = key ? KeyIndex(codec.format, kSlot, d) : ValueIndex(codec.format, n, kSlot, d);
    rounded.integers[static_cast<std::size_t>(d)] =
        codec.format == KvFormat::kInt8 ? reinterpret_cast<const std::int8_t*>(plane.data())[at]
                                        : reinterpret_cast<const std::int16_t*>(plane.data())[at];
  }
  return rounded;
}

TEST_P(AttentionTest, RowsAreRoundedWithinTheirBounds) {
  struct Kind {
    KvFormat format;
    bool key;
  };
  for (const std::int64_t n : {2, 20, 64, 128, 256, 500, 512, 1024, 16384, 65536}) {
    std::vector<std::vector<float>> rows = {std::vector<float>(static_cast<std::size_t>(n), 0.0f),
                                            std::vector<float>(static_cast<std::size_t>(n), 3.3f),
                                            RandomFloats(random_, n), RandomFloats(random_, n, 1e-25f),
                                            RandomFloats(random_, n, 1e25f)};
    rows[0][static_cast<std::size_t>(n / 2)] = -7.0f;
    // As many roundings upwards as there can be: just above a half of the step, which the first one sets.
    rows.push_back(std::vector<float>(static_cast<std::size_t>(n), 0.5001f));
    rows.back()[0] = 32767.0f;
    for (const auto& row : rows) {
      for (const Kind kind :
           {Kind{KvFormat::kInt16, true}, Kind{KvFormat::kInt16, false}, Kind{KvFormat::kInt8, false}}) {
        const RowBounds bounds = kind.key ? KeyBounds(kind.format, n) : ValueBounds(kind.format);
        const Rounded fast = RoundRow(Fast(kind.format), kind.key, row);
        const Rounded plain = RoundRow(kReferenceKvCodecs[kind.format], kind.key, row);
        ASSERT_EQ(fast.scale, plain.scale);
        ASSERT_EQ(fast.integers, plain.integers);
        double norm = 0;
        int largest = 0;
        for (std::size_t i = 0; i < fast.integers.size(); ++i) {
          norm += static_cast<double>(fast.integers[i]) * fast.integers[i];
          largest = std::max(largest, std::abs(static_cast<int>(fast.integers[i])));
          ASSERT_NEAR(fast.integers[i], static_cast<double>(row[i]) / static_cast<double>(fast.scale), 0.51);
        }
        EXPECT_LE(largest, static_cast<int>(bounds.largest));
        if (bounds.norm < kInfinity) {
          EXPECT_LE(norm, 2147483647.0);
          // And no more room is given away than need be, where squares can be summed in float32: a large
          // element, or a large norm.
          if (n <= 1024 && fast.scale > 1e-10f && fast.scale < 1e10f) {
            EXPECT_TRUE(largest > 32700 || norm > 2.08e9) << n << ": " << largest << ", " << norm;
          }
        } else {
          EXPECT_EQ(largest, static_cast<int>(bounds.largest));
        }
      }
    }
  }
}

// Rows whose products are as large as they can be, of both signs. The reference sums in 64 bits.
TEST_P(AttentionTest, NoSumOverflows) {
  for (const std::int64_t head_dim : {2, 64, 256, 512, 1024}) {
    Input in = RandomInput(random_, 9, 2, head_dim);
    const auto fill = [&](std::vector<float>& rows, std::int64_t row, int kind, float sign) {
      for (std::int64_t d = 0; d < head_dim; ++d) {
        float& x = rows[static_cast<std::size_t>(row * head_dim + d)];
        if (kind == 0) x = d == head_dim / 2 ? sign : 0.0f;              // one element alone
        if (kind == 1) x = sign;                                         // all the same
        if (kind == 2) x = d % 2 == 0 ? sign : -sign;                    // of alternating sign
        if (kind == 3) x = d < head_dim / 2 ? sign : 0.5001f * -sign;    // two halves that cancel
        if (kind == 4) x = sign * (d == 0 ? 1.0f : 0.5001f / 32767.0f);  // rounded upwards
      }
    };
    for (std::int64_t i = 0; i < in.queries; ++i) {
      fill(in.q, i, static_cast<int>(i % 5), i < 5 ? 1e-3f : -1e-3f);
      in.begin[static_cast<std::size_t>(i)] = 0;
      in.end[static_cast<std::size_t>(i)] = in.positions();
    }
    for (std::int64_t k = 0; k < in.positions(); ++k) {
      fill(in.k, k, static_cast<int>(k % 5), k % 2 == 0 ? 1e-3f : -1e-3f);
      // Alike in all positions and all scores alike: the largest sums of weighted values there can be.
      fill(in.v, k, 1, -1.0f);
    }
    ExpectSame(KvFormat::kInt16, in);
    ExpectSame(KvFormat::kInt8, in);
    const Attended attended = Attend(Fast(KvFormat::kInt16), in, 0, in.queries);
    for (std::size_t i = 0; i < attended.output.size(); ++i)
      ASSERT_NEAR(attended.output[i] / attended.sum[i / static_cast<std::size_t>(head_dim)], -1.0f, 1e-3f);
  }
}

TEST_P(AttentionTest, IsClose) {
  double int16 = 0, int8 = 0, bf16 = 0;
  for (const std::int64_t head_dim : {64, 256, 512}) {
    Input in = RandomInput(random_, 8, 3, head_dim);
    for (std::int64_t i = 0; i < in.queries; ++i) {
      in.begin[static_cast<std::size_t>(i)] = i;
      in.end[static_cast<std::size_t>(i)] = in.positions() - i;
    }
    const auto exact = Exact(in, [](float x) { return x; });
    const auto error_of = [&](const Attended& attended) {
      std::vector<float> divided = attended.output;
      for (std::size_t i = 0; i < divided.size(); ++i)
        divided[i] /= attended.sum[i / static_cast<std::size_t>(head_dim)];
      return RelativeError(divided, exact);
    };
    int16 = std::max(int16, error_of(Attend(Fast(KvFormat::kInt16), in, 0, in.queries)));
    int8 = std::max(int8, error_of(Attend(Fast(KvFormat::kInt8), in, 0, in.queries)));
    bf16 = std::max(
        bf16, RelativeError(Exact(in, [](float x) { return BFloat16ToFloat(FloatToBFloat16(x)); }), exact));
  }
  RecordProperty("int16", std::to_string(int16));
  RecordProperty("int8", std::to_string(int8));
  RecordProperty("bf16", std::to_string(bf16));
  EXPECT_LT(int16, 4e-4);
  EXPECT_LT(10 * int16, bf16);
  EXPECT_LT(int8, 5e-2);
}

// What is not finite stays visible, whatever else is in the row, and touches no other row. (Undefined
// conversions would be found by the sanitizers.)
TEST_P(AttentionTest, RowsThatAreNotFiniteAreNoNumbers) {
  for (const float wrong : {std::numeric_limits<float>::quiet_NaN(), kInfinity, -kInfinity}) {
    for (int where = 0; where < 3; ++where) {
      Input in = RandomInput(random_, 5, 1, 40);
      for (std::size_t i = 0; i < 5; ++i) {
        in.begin[i] = 0;
        in.end[i] = i == 4 ? 30 : kPagePositions;
      }
      std::vector<float>& rows = where == 0 ? in.q : where == 1 ? in.k : in.v;
      const std::size_t row = where == 0 ? 1 : 33;
      rows[row * 40 + 7] = wrong;
      const Attended attended = Attend(Fast(KvFormat::kInt16), in, 0, 5);
      for (std::size_t i = 0; i < 5; ++i) {
        const bool touched = where == 0 ? i == 1 : i != 4;
        ASSERT_EQ(std::isnan(attended.output[i * 40] / attended.sum[i]), touched) << where << " " << i;
      }
    }
  }
  // Sums of squares leave the range of float32 here, but the rows are finite.
  for (const float size : {1e-42f, 1e-35f, 1e-22f, 1e22f, 1e38f}) {
    const std::vector<float> row(24, size);
    const Rounded rounded = RoundRow(Fast(KvFormat::kInt16), true, row);
    const double number = static_cast<double>(rounded.integers[5]) * static_cast<double>(rounded.scale);
    EXPECT_NEAR(number, size < 1e-30f ? 0.0 : static_cast<double>(size), 1e-3 * static_cast<double>(size));
  }
}

INSTANTIATE_TEST_SUITE_P(Machine, AttentionTest, testing::ValuesIn(AvailableKernels()),
                         [](const auto& kernels) { return KernelsName(*kernels.param); });

}  // namespace
}  // namespace carat::internal
