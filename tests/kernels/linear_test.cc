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
