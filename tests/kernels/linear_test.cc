// Products of any number of rows: the matrix library, our own kernels and the definition agree; threads
// change nothing.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "lib/base/cpu.h"
#include "lib/kernels/gemm.h"
#include "lib/kernels/kernels.h"

namespace carat::internal {
namespace {

struct Weights {
  std::vector<std::byte> bytes;
  MatrixView view;
};

Weights RandomWeights(std::mt19937& random, std::int64_t rows, std::int64_t cols, NumberFormat format) {
  std::normal_distribution<float> normal;
  Weights weights;
  weights.bytes.resize(static_cast<std::size_t>(rows * cols) * BytesPerValue(format) + 1);
  for (std::int64_t i = 0; i < rows * cols; ++i) {
    const float value = BFloat16ToFloat(FloatToBFloat16(normal(random)));
    std::byte* to = weights.bytes.data() + 1 + static_cast<std::size_t>(i) * BytesPerValue(format);
    if (format == NumberFormat::kF32) {
      std::memcpy(to, &value, 4);
    } else {
      const std::uint16_t bits = FloatToBFloat16(value);
      std::memcpy(to, &bits, 2);
    }
  }
  weights.view = {weights.bytes.data() + 1, format, rows, cols};
  return weights;
}

int ThreadsOfThisProcess() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("Threads:", 0) == 0) return std::stoi(line.substr(8));
  }
  return -1;
}

TEST(LinearTest, ManyRowsEqualTheDefinitionForAnyNumberOfThreads) {
  std::mt19937 random(7);
  const auto best = KernelsFor(*ChooseInstructionSet(InstructionSet::kAuto));
  ASSERT_TRUE(best.ok());
  for (int round = 0; round < 20; ++round) {
    const std::int64_t rows = std::uniform_int_distribution<std::int64_t>(1, 70)(random);
    const std::int64_t cols = std::uniform_int_distribution<std::int64_t>(1, 200)(random);
    const auto format = round % 2 == 0 ? NumberFormat::kBF16 : NumberFormat::kF32;
    const Weights a =
        RandomWeights(random, std::uniform_int_distribution<std::int64_t>(1, 150)(random), cols, format);
    const Weights b =
        RandomWeights(random, std::uniform_int_distribution<std::int64_t>(1, 70)(random), cols, format);
    std::normal_distribution<float> normal;
    std::vector<float> x(static_cast<std::size_t>(rows * cols));
    for (float& value : x) value = normal(random);

    std::vector<float> expected_a(rows * a.view.rows), expected_b(rows * b.view.rows);
    const auto& plain = PlainKernels();
    const auto define = [&](const Weights& w, std::vector<float>& y) {
      (format == NumberFormat::kF32 ? plain.product_f32 : plain.product_bf16)(
          x.data(), cols, rows, w.view.data, cols, w.view.rows, y.data(), w.view.rows, 0);
    };
    define(a, expected_a);
    define(b, expected_b);

    std::vector<float> first_a;
    for (int threads : {1, 2, 3}) {
      auto pool = ThreadPool::Create(threads);
      ASSERT_TRUE(pool.ok());
      const ParallelWork work(*pool);
      const auto engine = LinearEngine::Create(**best, work, cols, true);
      ASSERT_TRUE(engine.ok());
      std::vector<float> y_a(rows * a.view.rows, -1.0f), y_b(rows * b.view.rows, -1.0f);
      const LinearTarget targets[] = {{a.view, y_a.data(), a.view.rows}, {b.view, y_b.data(), b.view.rows}};
      ASSERT_TRUE(engine->Multiply(x.data(), cols, rows, targets).ok());
      const float tolerance = 3e-6f * std::sqrt(static_cast<float>(cols)) + 1e-6f;
      for (std::size_t i = 0; i < y_a.size(); ++i) ASSERT_NEAR(y_a[i], expected_a[i], tolerance);
      for (std::size_t i = 0; i < y_b.size(); ++i) ASSERT_NEAR(y_b[i], expected_b[i], tolerance);
      if (first_a.empty()) first_a = y_a;
      ASSERT_EQ(std::memcmp(first_a.data(), y_a.data(), y_a.size() * sizeof(float)), 0)
          << threads << " threads";
    }
  }
}

// Weights packed as they would be at load, and what they point into.
struct PackedWeights {
  LinearWeights weights;
  AlignedBytes bytes;
};

PackedWeights Pack(const Weights& from, const ParallelWork& work) {
  PackedWeights packed;
  packed.weights = from.view;
  const PackRequest request{&packed.weights, NumberFormat::kQ8_0};
  auto bytes = PackWeights({&request, 1}, PlainKernels(), work, false, nullptr);
  EXPECT_TRUE(bytes.ok());
  if (bytes.ok()) packed.bytes = *std::move(bytes);
  return packed;
}

// As experts use it: each target takes some rows of the input, which are made when they are needed.
TEST(LinearTest, TargetsOfSomeRowsAndRowsMadeOnTheWay) {
  std::mt19937 random(17);
  const auto set = *ChooseInstructionSet(InstructionSet::kAuto);
  const auto kernels = KernelsFor(set);
  ASSERT_TRUE(kernels.ok());
  const std::int64_t rows = 21, cols = 96, outputs = 70;
  std::normal_distribution<float> normal;
  std::vector<float> source(static_cast<std::size_t>(rows * cols));
  for (float& value : source) value = normal(random);
  const Weights a = RandomWeights(random, outputs, cols, NumberFormat::kBF16);
  const Weights b = RandomWeights(random, outputs, cols, NumberFormat::kBF16);
  for (const int threads : {1, 3}) {
    auto pool = ThreadPool::Create(threads);
    ASSERT_TRUE(pool.ok());
    const ParallelWork work(*pool);
    const auto engine =
        LinearEngine::Create(**kernels, work, cols, false, IntegerKernelsFor(set), Bf16KernelsFor(set));
    ASSERT_TRUE(engine.ok());
    const auto scratch = LinearScratch::Create(rows, cols);
    ASSERT_TRUE(scratch.ok());
    const PackedWeights packed_a = Pack(a, work), packed_b = Pack(b, work);
    for (const bool packed : {false, true}) {
      const LinearWeights of_a = packed ? packed_a.weights : LinearWeights(a.view);
      const LinearWeights of_b = packed ? packed_b.weights : LinearWeights(b.view);
      // Rows alone, which are there already.
      std::vector<float> expected(static_cast<std::size_t>(rows * outputs));
      for (std::int64_t r = 0; r < rows; ++r) {
        ASSERT_TRUE(engine
                        ->Multiply(source.data() + r * cols, cols, 1, r < 5 ? of_a : of_b,
                                   expected.data() + r * outputs, outputs, *scratch)
                        .ok());
      }
      std::vector<float> x(source.size(), 1e30f), y(expected.size(), -1);
      std::vector<int> made(static_cast<std::size_t>(rows));
      const auto make = [&](std::int64_t r) {
        ++made[static_cast<std::size_t>(r)];
        std::memcpy(x.data() + r * cols, source.data() + r * cols, cols * sizeof(float));
      };
      const LinearTarget targets[] = {{of_a, y.data(), outputs, 0, 5},
                                      {of_b, y.data() + 5 * outputs, outputs, 5, rows - 5}};
      ASSERT_TRUE(engine->Multiply(x.data(), cols, rows, targets, *scratch, make).ok());
      EXPECT_EQ(made, std::vector<int>(static_cast<std::size_t>(rows), 1));
      // Integers give the same bits for any number of rows; 16 rows of floats may go in bf16.
      for (std::size_t i = 0; i < y.size(); ++i) {
        if (packed) {
          ASSERT_EQ(y[i], expected[i]) << i;
        } else {
          ASSERT_NEAR(y[i], expected[i], 0.15) << i;
        }
      }
    }
  }
}

TEST(LinearTest, TheMatrixLibraryStartsNoThreads) {
  const int before = ThreadsOfThisProcess();
  std::vector<float> x(256 * 512, 0.5f), w(256 * 512, 0.25f), y(256 * 256);
  ASSERT_EQ(Gemm(256, 256, 512, x.data(), 512, w.data(), 512, y.data(), 256), StatusCode::kOk);
  EXPECT_FLOAT_EQ(y[77], 64.0f);
  EXPECT_EQ(ThreadsOfThisProcess(), before);
}

TEST(LinearTest, AbsurdSizesAreAnError) {
  auto pool = ThreadPool::Create(2);
  ASSERT_TRUE(pool.ok());
  const ParallelWork work(*pool);
  const auto engine = LinearEngine::Create(PlainKernels(), work, std::int64_t{1} << 60, true);
  ASSERT_FALSE(engine.ok());
  EXPECT_EQ(engine.status().code(), StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace carat::internal
