// Products of blocks and the block kernels: every way equals the definition.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "lib/base/aligned_buffer.h"
#include "lib/base/cpu.h"
#include "lib/kernels/block_kernels.h"
#include "lib/kernels/block_product.h"
#include "lib/kernels/kernels.h"

namespace carat::internal {
namespace {

// Random numbers that bf16 holds exactly, in either format.
struct Numbers {
  std::vector<float> f32;
  std::vector<std::uint16_t> bf16;

  Numbers(std::mt19937& random, std::int64_t count) {
    std::normal_distribution<float> normal;
    for (std::int64_t i = 0; i < count; ++i) {
      bf16.push_back(FloatToBFloat16(normal(random)));
      f32.push_back(BFloat16ToFloat(bf16.back()));
    }
  }
  const void* as(NumberFormat format) const {
    return format == NumberFormat::kF32 ? static_cast<const void*>(f32.data()) : bf16.data();
  }
};

AlignedBuffer<std::byte> Bytes(std::size_t size) {
  return *AlignedBuffer<std::byte>::Allocate(size + 1, "a test");
}

// Runs the product by packing w with one and multiplying with its twin for that many rows.
std::vector<float> RunProduct(BlockMethod method, NumberFormat format, const Bf16Kernels* bf16,
                              const BlockShape& shape, const Numbers& x, const Numbers& w,
                              std::vector<float> y) {
  BlockShape packed_for = shape;
  packed_for.rows = shape.rows + 5;
  const auto packer = BlockProduct::Create(method, format, packed_for, bf16);
  EXPECT_TRUE(packer.ok()) << packer.status().ToString();
  if (!packer.ok()) return {};
  const BlockProduct product = packer->WithRows(shape.rows);
  const auto scratch = Bytes(product.scratch_bytes());
  const auto packed = Bytes(packer->packed_bytes());
  EXPECT_EQ(product.packed_bytes(), packer->packed_bytes());
  packer->Pack(w.as(format), packed.data());
  const void* weights = packer->packed_bytes() == 0 ? w.as(format) : packed.data();
  EXPECT_EQ(product.Run(x.as(format), weights, y.data(), scratch.data()), StatusCode::kOk);
  return y;
}

TEST(BlockProductTest, EveryMethodEqualsTheDefinition) {
  struct Way {
    BlockMethod method;
    NumberFormat format;
    const Bf16Kernels* bf16 = nullptr;
  };
  std::vector<Way> ways = {{BlockMethod::kPlain, NumberFormat::kBF16},
                           {BlockMethod::kLibrary, NumberFormat::kF32},
                           {BlockMethod::kWidened, NumberFormat::kBF16}};
  for (const InstructionSet set : AvailableInstructionSets()) {
    if (const Bf16Kernels* kernels = Bf16KernelsFor(set))
      ways.push_back({BlockMethod::kDotPairs, NumberFormat::kBF16, kernels});
  }
  std::mt19937 random(5);
  const auto pick = [&](std::int64_t most) {
    return std::uniform_int_distribution<std::int64_t>(1, most)(random);
  };
  for (int round = 0; round < 24; ++round) {
    BlockShape shape{pick(70), pick(90), pick(150), 0, 0, 0, round % 2 == 1, round % 4 >= 2};
    shape.x_stride = shape.cols + pick(9);
    shape.w_stride = (shape.w_transposed ? shape.outputs : shape.cols) + pick(9);
    shape.y_stride = shape.outputs + pick(9);
    const Numbers x(random, shape.rows * shape.x_stride);
    const Numbers w(random, (shape.w_transposed ? shape.cols : shape.outputs) * shape.w_stride);
    const Numbers before(random, shape.rows * shape.y_stride);
    const auto expected =
        RunProduct(BlockMethod::kPlain, NumberFormat::kF32, nullptr, shape, x, w, before.f32);
    for (const Way& way : ways) {
      const auto found = RunProduct(way.method, way.format, way.bf16, shape, x, w, before.f32);
      ASSERT_EQ(found.size(), expected.size());
      for (std::size_t i = 0; i < found.size(); ++i) {
        ASSERT_NEAR(found[i], expected[i], 1e-4) << "method " << static_cast<int>(way.method) << " at " << i;
        if (static_cast<std::int64_t>(i) % shape.y_stride >= shape.outputs) {
          ASSERT_EQ(found[i], before.f32[i]) << "beside the block";
        }
      }
    }
  }
}

TEST(BlockProductTest, RefusesWhatThereIsNot) {
  const BlockShape shape{4, 4, 4, 4, 4, 4, false, false};
  EXPECT_EQ(BlockProduct::Create(BlockMethod::kLibrary, NumberFormat::kBF16, shape).status().code(),
            StatusCode::kUnimplemented);
  EXPECT_EQ(BlockProduct::Create(BlockMethod::kWidened, NumberFormat::kF32, shape).status().code(),
            StatusCode::kUnimplemented);
  EXPECT_EQ(BlockProduct::Create(BlockMethod::kDotPairs, NumberFormat::kBF16, shape).status().code(),
            StatusCode::kUnimplemented);
}

std::vector<const BlockKernels*> FastKernels() {
  std::vector<const BlockKernels*> tables;
  for (const InstructionSet set : AvailableInstructionSets()) {
    if (set != InstructionSet::kPlain) tables.push_back(&BlockKernelsBeside(**KernelsFor(set)));
  }
  return tables;
}

TEST(BlockKernelsTest, BelongToTheirTable) {
  EXPECT_EQ(&BlockKernelsBeside(PlainKernels()), &PlainBlockKernels());
  for (const BlockKernels* table : FastKernels()) EXPECT_NE(table, &PlainBlockKernels());
}

struct Softmax {
  std::vector<float> scores, max, sum, output;
};

TEST(BlockKernelsTest, WeighingEqualsTheDefinition) {
  std::mt19937 random(6);
  std::normal_distribution<float> normal(0, 4);
  for (const BlockKernels* table : FastKernels()) {
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
        const auto step = [&](const BlockKernels& kernels, Softmax& s) {
          kernels.weigh(
              {s.scores.data(), stride, kQueries, keys, s.max.data(), s.sum.data(), s.output.data(), kHead});
        };
        step(PlainBlockKernels(), plain);
        step(*table, fast);
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

TEST(BlockKernelsTest, ClippingKeepsNaNsAndInfiniteBounds) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  std::vector<float> x;
  for (int i = 0; i < 37; ++i) x.push_back(static_cast<float>(i) - 18);
  x[3] = std::numeric_limits<float>::quiet_NaN();
  x[36] = std::numeric_limits<float>::quiet_NaN();
  std::vector<const BlockKernels*> tables = FastKernels();
  tables.push_back(&PlainBlockKernels());
  for (const BlockKernels* table : tables) {
    for (const auto& [low, high] :
         {std::pair{-5.5f, 7.25f}, std::pair{-kInfinity, 1.0f}, std::pair{0.0f, kInfinity}}) {
      std::vector<float> found(x.size());
      table->clip(x.data(), found.data(), static_cast<std::int64_t>(x.size()), low, high);
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

}  // namespace
}  // namespace carat::internal
