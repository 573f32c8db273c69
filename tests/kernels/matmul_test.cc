// Products of any number of rows: the matrix library, our own kernels and the reference agree; threads change
// nothing.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "lib/kernels/matmul.h"
#include "lib/kernels/staged_matmul.h"
#include "lib/kernels/stream_prefetch.h"
#include "tests/kernels/available_kernels.h"

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

const Kernels& BestKernels() {
  return *KernelsFor(*ChooseInstructionSet(InstructionSet::kAuto));
}

TEST(MatMulTest, LargeMEqualsTheReferenceForAnyNumberOfThreads) {
  std::mt19937 random(7);
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
    const auto define = [&](const Weights& w, std::vector<float>& y) {
      (format == NumberFormat::kF32 ? kReferenceGemv.f32 : kReferenceGemv.bf16)(
          x.data(), cols, rows, w.view.data, cols, w.view.rows, y.data(), w.view.rows, 0, nullptr);
    };
    define(a, expected_a);
    define(b, expected_b);

    std::vector<float> first_a;
    for (int threads : {1, 2, 3}) {
      auto pool = ThreadPool::Create(threads);
      ASSERT_TRUE(pool.ok());
      const ParallelWork work(*pool);
      const auto matmul = MatMul::Create(BestKernels(), work, {.max_k = cols});
      ASSERT_TRUE(matmul.ok());
      std::vector<float> y_a(rows * a.view.rows, -1.0f), y_b(rows * b.view.rows, -1.0f);
      const MatMulTarget targets[] = {{a.view, y_a.data(), a.view.rows}, {b.view, y_b.data(), b.view.rows}};
      ASSERT_TRUE(matmul->Multiply(x.data(), cols, rows, targets, {}).ok());
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
  WeightMatrix weights;
  AlignedBytes bytes;
};

PackedWeights Pack(const Weights& from, const ParallelWork& work) {
  PackedWeights packed;
  packed.weights = from.view;
  const PackRequest request{&packed.weights, NumberFormat::kQ8_0};
  auto bytes = PackWeights({&request, 1}, kPlainKernels, work, false, nullptr);
  EXPECT_TRUE(bytes.ok());
  if (bytes.ok()) packed.bytes = *std::move(bytes);
  return packed;
}

// As experts use it: each target takes some rows of the input, which are made when they are needed.
TEST(MatMulTest, TargetsOfSomeRowsAndRowsMadeOnTheWay) {
  std::mt19937 random(17);
  const Kernels& kernels = BestKernels();
  const bool bf16 = kernels.bf16 != nullptr;
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
    const auto matmul =
        MatMul::Create(kernels, work,
                       {.precision = bf16 ? MatMulPrecision::kBf16 : MatMulPrecision::kFloat32,
                        .quantized_weights = true,
                        .max_k = cols});
    ASSERT_TRUE(matmul.ok());
    const auto scratch = matmul->MakeScratch(rows, cols);
    ASSERT_TRUE(scratch.ok());
    const PackedWeights packed_a = Pack(a, work), packed_b = Pack(b, work);
    for (const bool packed : {false, true}) {
      const WeightMatrix of_a = packed ? packed_a.weights : WeightMatrix(a.view);
      const WeightMatrix of_b = packed ? packed_b.weights : WeightMatrix(b.view);
      // Rows alone, which are there already.
      std::vector<float> expected(static_cast<std::size_t>(rows * outputs));
      for (std::int64_t r = 0; r < rows; ++r) {
        ASSERT_TRUE(matmul
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
      const MatMulTarget targets[] = {{of_a, y.data(), outputs, 0, 5},
                                      {of_b, y.data() + 5 * outputs, outputs, 5, rows - 5}};
      ASSERT_TRUE(matmul->Multiply(x.data(), cols, rows, targets, *scratch, make).ok());
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

TEST(MatMulTest, AbsurdSizesAreAnError) {
  auto pool = ThreadPool::Create(2);
  ASSERT_TRUE(pool.ok());
  const ParallelWork work(*pool);
  const auto matmul = MatMul::Create(BestKernels(), work, {.max_k = std::int64_t{1} << 60});
  ASSERT_FALSE(matmul.ok());
  EXPECT_EQ(matmul.status().code(), StatusCode::kResourceExhausted);
}

// In every precision whose rows are independent, a row is the same bits alone, among others and for any
// number of threads, and close to the reference.
TEST(MatMulTest, IndependentRowsAreTheSameAloneAndAmongOthers) {
  std::mt19937 random(23);
  std::normal_distribution<float> normal;
  const std::int64_t rows = 33, k = 700, n = 150;
  std::vector<float> x(static_cast<std::size_t>(rows * k));
  for (float& value : x) value = normal(random);
  const Weights w = RandomWeights(random, n, k, NumberFormat::kBF16);
  std::vector<float> expected(static_cast<std::size_t>(rows * n));
  kReferenceGemv.bf16(x.data(), k, rows, w.view.data, k, n, expected.data(), n, 0, nullptr);
  for (const Kernels* kernels : AvailableKernels()) {
    for (const auto precision :
         {MatMulPrecision::kFloat32, MatMulPrecision::kBf16, MatMulPrecision::kInt16}) {
      if (precision == MatMulPrecision::kBf16 && kernels->bf16 == nullptr) continue;
      if (precision == MatMulPrecision::kInt16 && kernels->int16 == nullptr) continue;
      SCOPED_TRACE(KernelsName(*kernels) + " " + std::to_string(static_cast<int>(precision)));
      std::vector<float> together;
      for (const int threads : {1, 3}) {
        auto pool = ThreadPool::Create(threads);
        ASSERT_TRUE(pool.ok());
        const ParallelWork work(*pool);
        const auto matmul = MatMul::Create(
            *kernels, work, {.precision = precision, .rows_are_independent = true, .max_k = k});
        ASSERT_TRUE(matmul.ok());
        const auto scratch = matmul->MakeScratch(rows, k);
        ASSERT_TRUE(scratch.ok());
        std::vector<float> y(expected.size(), -1);
        ASSERT_TRUE(matmul->Multiply(x.data(), k, rows, w.view, y.data(), n, *scratch).ok());
        if (together.empty()) together = y;
        ASSERT_EQ(y, together) << threads << " threads";
        std::vector<float> alone(expected.size(), -1);
        for (std::int64_t r = 0; r < rows; ++r) {
          ASSERT_TRUE(
              matmul->Multiply(x.data() + r * k, k, 1, w.view, alone.data() + r * n, n, *scratch).ok());
        }
        ASSERT_EQ(alone, together);
      }
      // Of the results' root mean square, sqrt(k).
      const float tolerance = precision == MatMulPrecision::kFloat32 ? 1e-4f
                              : precision == MatMulPrecision::kInt16 ? 3e-2f
                                                                     : 0.5f;
      for (std::size_t i = 0; i < expected.size(); ++i) ASSERT_NEAR(together[i], expected[i], tolerance);
    }
  }
}

TEST(StreamPrefetchTest, IsOneOfTheDistancesAndChangesNoResult) {
  auto pool = ThreadPool::Create(2);
  ASSERT_TRUE(pool.ok());
  const ParallelWork work(*pool);
  std::mt19937 random(31);
  constexpr std::int64_t kK = 2048, kN = 512;
  const Weights weights = RandomWeights(random, kN, kK, NumberFormat::kBF16);
  const PackedWeights packed = Pack(weights, work);
  for (const WeightMatrix& matrix : {WeightMatrix(weights.view), packed.weights}) {
    auto matmul =
        MatMul::Create(BestKernels(), work, {.quantized_weights = true, .max_k = kK, .prefetch_bytes = 77});
    ASSERT_TRUE(matmul.ok());
    const auto scratch = matmul->MakeScratch(1, kK);
    ASSERT_TRUE(scratch.ok());
    std::vector<float> x(kK, 0.25f), expected;
    for (const std::int64_t distance : kPrefetchDistances) {
      matmul->set_prefetch_bytes(distance);
      std::vector<float> y(kN);
      ASSERT_TRUE(matmul->Multiply(x.data(), kK, 1, matrix, y.data(), kN, *scratch).ok());
      if (expected.empty()) expected = y;
      EXPECT_EQ(y, expected) << distance;
    }
    // Too little to measure: as it was.
    matmul->set_prefetch_bytes(77);
    const std::vector<const WeightMatrix*> few(3, &matrix);
    EXPECT_EQ(*MeasureStreamPrefetch(*matmul, few), 77);
    const std::vector<const WeightMatrix*> many(kLeastMeasuredBytes / matrix.bytes() + 1, &matrix);
    const std::int64_t best = *MeasureStreamPrefetch(*matmul, many);
    EXPECT_EQ(matmul->prefetch_bytes(), best);
    if (BestKernels().set == InstructionSet::kPlain) {
      EXPECT_EQ(best, 77) << "the reference does not prefetch";
    } else {
      EXPECT_EQ(std::count(std::begin(kPrefetchDistances), std::end(kPrefetchDistances), best), 1) << best;
    }
  }
}

// Float and quantised targets of one input, in either order; and more rows than any kernel takes at a time.
TEST(MatMulTest, MixedTargetsAndManyRows) {
  auto pool = ThreadPool::Create(2);
  ASSERT_TRUE(pool.ok());
  const ParallelWork work(*pool);
  std::mt19937 random(37);
  std::normal_distribution<float> normal;
  constexpr std::int64_t kK = 96, kN = 70, kM = 771;
  const Weights weights = RandomWeights(random, kN, kK, NumberFormat::kBF16);
  const PackedWeights packed = Pack(weights, work);
  std::vector<float> x(static_cast<std::size_t>(kM * kK));
  for (float& value : x) value = normal(random);
  for (const Kernels* kernels : AvailableKernels()) {
    for (const auto precision :
         {MatMulPrecision::kFloat32, MatMulPrecision::kBf16, MatMulPrecision::kInt16}) {
      if (precision == MatMulPrecision::kBf16 && kernels->bf16 == nullptr) continue;
      if (precision == MatMulPrecision::kInt16 && kernels->int16 == nullptr) continue;
      SCOPED_TRACE(KernelsName(*kernels) + " " + std::to_string(static_cast<int>(precision)));
      const auto matmul = MatMul::Create(
          *kernels, work,
          {.precision = precision, .rows_are_independent = true, .quantized_weights = true, .max_k = kK});
      ASSERT_TRUE(matmul.ok());
      const auto scratch = matmul->MakeScratch(kM, kK);
      ASSERT_TRUE(scratch.ok());
      const auto size = static_cast<std::size_t>(kM * kN);
      std::vector<float> y[2][2];
      for (int order = 0; order < 2; ++order) {
        for (auto& of_kind : y[order]) of_kind.assign(size, -1);
        MatMulTarget targets[2] = {{WeightMatrix(weights.view), y[order][0].data(), kN},
                                   {packed.weights, y[order][1].data(), kN}};
        if (order == 1) std::swap(targets[0], targets[1]);
        ASSERT_TRUE(matmul->Multiply(x.data(), kK, kM, targets, *scratch).ok());
      }
      EXPECT_EQ(y[0][0], y[1][0]);
      EXPECT_EQ(y[0][1], y[1][1]);
      // Some rows alone, at the ends of what kernels take together.
      for (const std::int64_t r : {std::int64_t{0}, std::int64_t{511}, std::int64_t{512}, std::int64_t{767},
                                   std::int64_t{768}, kM - 1}) {
        std::vector<float> alone(kN);
        for (int kind = 0; kind < 2; ++kind) {
          const WeightMatrix& matrix = kind == 0 ? WeightMatrix(weights.view) : packed.weights;
          ASSERT_TRUE(matmul->Multiply(x.data() + r * kK, kK, 1, matrix, alone.data(), kN, *scratch).ok());
          for (std::int64_t n = 0; n < kN; ++n)
            ASSERT_EQ(y[0][kind][static_cast<std::size_t>(r * kN + n)], alone[static_cast<std::size_t>(n)])
                << r << " " << kind;
        }
      }
      // And 8-bit weights are near the float ones.
      for (std::size_t i = 0; i < size; ++i) ASSERT_NEAR(y[0][0][i], y[0][1][i], 0.7f);
    }
  }
}

TEST(StagedMatMulTest, BlocksTogetherAreTheProduct) {
  std::mt19937 random(29);
  std::normal_distribution<float> normal;
  for (const Kernels* kernels : AvailableKernels()) {
    for (const auto precision : {MatMulPrecision::kFloat32, MatMulPrecision::kBf16}) {
      const std::int64_t m = 75, n = 210, k = 96, x_stride = 100;
      const Weights w = RandomWeights(random, n, k, NumberFormat::kBF16);
      const GemmKernels& gemm = BlockGemm(*kernels, precision);
      std::vector<float> x(static_cast<std::size_t>(m * x_stride));
      for (float& value : x) value = BFloat16ToFloat(FloatToBFloat16(normal(random)));
      std::vector<std::uint16_t> x_bf16(x.size());
      kReferenceElementwise.f32_to_bf16(x.data(), x_bf16.data(), static_cast<std::int64_t>(x.size()));
      std::vector<float> expected(static_cast<std::size_t>(m * n)), y(expected.size(), -1);
      kReferenceGemv.bf16(x.data(), x_stride, m, w.view.data, k, n, expected.data(), n, 0, nullptr);
      const StagedMatMul product(gemm, Cut::Evenly(m, 32, 1), Cut::Evenly(n, 64, 16), k, x_stride, n);
      const auto staging = AlignedBuffer<std::byte>::Allocate(product.staging_bytes(), "a test");
      const auto scratch = AlignedBuffer<std::byte>::Allocate(product.scratch_bytes() + 1, "a test");
      ASSERT_TRUE(staging.ok() && scratch.ok());
      for (std::int64_t panel = 0; panel < product.panels().count(); ++panel)
        product.Stage(*kernels, w.view, panel, staging->data());
      for (std::int64_t item = 0; item < product.items(); ++item) {
        const std::int64_t block = item / product.panels().count(), panel = item % product.panels().count();
        const std::int64_t first = product.rows().first(block);
        const void* rows = gemm.format == NumberFormat::kF32
                               ? static_cast<const void*>(x.data() + first * x_stride)
                               : x_bf16.data() + first * x_stride;
        ASSERT_EQ(product.Run(block, panel, rows, staging->data(),
                              y.data() + first * n + product.panels().first(panel), scratch->data()),
                  StatusCode::kOk);
      }
      for (std::size_t i = 0; i < y.size(); ++i)
        ASSERT_NEAR(y[i], expected[i], 1e-4f) << KernelsName(*kernels);
    }
  }
}

}  // namespace
}  // namespace carat::internal
