// Products of float weights: small M, large M in every way that there is, and 16-bit integers, against their
// references.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "carat/status.h"
#include "lib/base/aligned_buffer.h"
#include "lib/base/tensor.h"
#include "tests/kernels/available_kernels.h"
#include "tests/kernels/emulated_matrices.h"
#include "tests/kernels/emulated_tiles.h"

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

class GemvTest : public testing::TestWithParam<const Kernels*> {
 protected:
  const GemvKernels& fast_ = GetParam()->gemv;
  Random random_{20240501};

  std::int64_t Size(std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(random_);
  }
};

TEST_P(GemvTest, EqualsTheReference) {
  for (int round = 0; round < 120; ++round) {
    const auto format = static_cast<NumberFormat>(round % 3);
    const std::int64_t m = Size(1, 9);
    // Every other one is a whole number of vectors, as models have it.
    const std::int64_t k = round % 2 == 0 ? Size(0, 300) : 64 * Size(1, 6);
    const std::int64_t n = Size(1, 20);
    const std::int64_t x_stride = k + Size(0, 5);
    const std::int64_t y_stride = n + Size(0, 5);
    const auto x = RandomFloats(random_, m * x_stride + 1);
    const auto w = Encode(RandomFloats(random_, n * k), format);
    std::vector<float> expected(m * y_stride, -7.0f);
    std::vector<float> actual = expected;
    std::vector<float> scratch(static_cast<std::size_t>(m * k) + 1);
    const auto pick = [&](const GemvKernels& gemv) {
      return format == NumberFormat::kF32 ? gemv.f32 : format == NumberFormat::kF16 ? gemv.f16 : gemv.bf16;
    };
    pick(kReferenceGemv)(x.data(), x_stride, m, w.data() + 1, k, n, expected.data(), y_stride, 0, nullptr);
    pick(fast_)(x.data(), x_stride, m, w.data() + 1, k, n, actual.data(), y_stride, y_stride % 2 * 64,
                scratch.data());
    const float tolerance = 2e-6f * std::sqrt(static_cast<float>(k) + 1) + 1e-6f;
    for (std::size_t i = 0; i < actual.size(); ++i)
      ASSERT_NEAR(actual[i], expected[i], tolerance) << "at " << i;
  }
}

TEST_P(GemvTest, ARowIsTheSameAloneAndAmongOthers) {
  for (const std::int64_t k : {203, 192}) {
    const std::int64_t m = 7, n = 13;
    const auto x = RandomFloats(random_, m * k);
    const auto w = Encode(RandomFloats(random_, n * k), NumberFormat::kBF16);
    std::vector<float> together(m * n), scratch(m * k);
    fast_.bf16(x.data(), k, m, w.data() + 1, k, n, together.data(), n, 0, scratch.data());
    for (std::int64_t r = 0; r < m; ++r) {
      std::vector<float> alone(n);
      fast_.bf16(x.data() + r * k, k, 1, w.data() + 1, k, n, alone.data(), n, 4096, scratch.data());
      for (std::int64_t i = 0; i < n; ++i) ASSERT_EQ(alone[i], together[r * n + i]);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Machine, GemvTest, testing::ValuesIn(AvailableKernels()),
                         [](const auto& kernels) { return KernelsName(*kernels.param); });

// One way to multiply blocks.
struct Way {
  std::string name;
  const GemmKernels* gemm;
};

std::vector<Way> Ways() {
  std::vector<Way> ways = {{"library", &LibraryGemm()},
                           {"widened", &WidenedBf16Gemm()},
                           {"reference_bf16", &ReferenceGemm(NumberFormat::kBF16)},
                           {"emulated_tiles", &EmulatedBf16TileGemm()},
                           {"emulated_matrices", &EmulatedBf16MatrixGemm()}};
  for (const Kernels* kernels : AvailableKernels()) {
    if (kernels->bf16 != nullptr) ways.push_back({KernelsName(*kernels), kernels->bf16});
  }
  return ways;
}

// Random numbers that bf16 holds exactly, in either format.
struct Numbers {
  std::vector<float> f32;
  std::vector<std::uint16_t> bf16;

  Numbers(Random& random, std::int64_t count) {
    std::normal_distribution<float> normal;
    for (std::int64_t i = 0; i < count; ++i) {
      bf16.push_back(FloatToBFloat16(normal(random)));
      f32.push_back(BFloat16ToFloat(bf16.back()));
    }
  }
  const void* As(NumberFormat format) const {
    return format == NumberFormat::kF32 ? static_cast<const void*>(f32.data()) : bf16.data();
  }
};

AlignedBuffer<std::byte> Bytes(std::size_t size) {
  return *AlignedBuffer<std::byte>::Allocate(size + 1, "a test");
}

class GemmTest : public testing::TestWithParam<Way> {
 protected:
  GemmShape RandomShape() {
    const auto pick = [&](std::int64_t most) {
      return std::uniform_int_distribution<std::int64_t>(1, most)(random_);
    };
    GemmShape s{.m = pick(70), .n = pick(150), .k = pick(400)};
    // Some have more columns than any way takes at a time, by one more or less.
    if (pick(5) == 1) s.k += pick(2) * 2048 - pick(2);
    s.w_transposed = pick(2) == 1;
    s.accumulate = pick(2) == 1;
    s.x_stride = s.k + 2 * pick(5);
    s.w_stride = (s.w_transposed ? s.n : s.k) + pick(9);
    s.y_stride = s.n + pick(9);
    return s;
  }

  // Packs w and multiplies m rows of x.
  void Run(const GemmShape& shape, const Numbers& x, std::int64_t first, const Numbers& w, float* y) const {
    const GemmKernels& gemm = *GetParam().gemm;
    const auto packed = Bytes(gemm.packed_bytes(shape.n, shape.k));
    const auto scratch = Bytes(gemm.scratch_bytes(shape.m, shape.k));
    gemm.pack(shape, w.As(gemm.format), packed.data());
    const void* weights = gemm.packed_bytes(shape.n, shape.k) == 0 ? w.As(gemm.format) : packed.data();
    const auto* rows = static_cast<const std::byte*>(x.As(gemm.format)) +
                       static_cast<std::size_t>(first * shape.x_stride) * BytesPerValue(gemm.format);
    ASSERT_EQ(gemm.run(shape, rows, weights, y, scratch.data()), StatusCode::kOk);
  }

  Random random_{11};
};

TEST_P(GemmTest, EqualsTheReference) {
  for (int round = 0; round < 60; ++round) {
    const GemmShape s = RandomShape();
    const Numbers x(random_, s.m * s.x_stride);
    const Numbers w(random_, (s.w_transposed ? s.k : s.n) * s.w_stride);
    const std::vector<float> before(static_cast<std::size_t>(s.m * s.y_stride), 0.75f);
    std::vector<float> expected = before, found = before, size = before;
    const GemmKernels& reference = ReferenceGemm(NumberFormat::kF32);
    ASSERT_EQ(reference.run(s, x.f32.data(), w.f32.data(), expected.data(), nullptr), StatusCode::kOk);
    Run(s, x, 0, w, found.data());
    for (std::int64_t r = 0; r < s.m; ++r) {
      for (std::int64_t n = 0; n < s.y_stride; ++n) {
        const auto at = static_cast<std::size_t>(r * s.y_stride + n);
        if (n >= s.n) {
          ASSERT_EQ(found[at], before[at]) << "beside the results";
          continue;
        }
        // Rounding is measured by the sum of the products' sizes.
        double total = 1;
        for (std::int64_t k = 0; k < s.k; ++k) {
          const std::int64_t of_w = s.w_transposed ? k * s.w_stride + n : n * s.w_stride + k;
          total += std::abs(static_cast<double>(x.f32[static_cast<std::size_t>(r * s.x_stride + k)]) *
                            static_cast<double>(w.f32[static_cast<std::size_t>(of_w)]));
        }
        ASSERT_NEAR(found[at], expected[at], 1e-6 * total)
            << s.m << " x " << s.k << " by " << s.n << " at " << r << ", " << n;
      }
    }
  }
}

// bf16_bfmmla.inc.h says how matrix instructions round, which the emulated ones follow.
TEST(MatrixInstructionsTest, GiveTheBitsOfTheEmulatedOnes) {
  if (!CpuSupports(InstructionSet::kNeonI8mm)) GTEST_SKIP() << "this machine has no matrix instructions";
  Random random(31);
  const GemmShape s{.m = 11, .n = 37, .k = 2055, .x_stride = 2056, .w_stride = 2055, .y_stride = 37};
  const Numbers x(random, s.m * s.x_stride), w(random, s.n * s.w_stride);
  std::vector<float> y[2];
  for (int i = 0; i < 2; ++i) {
    const GemmKernels& gemm =
        i == 0 ? EmulatedBf16MatrixGemm() : *KernelsFor(InstructionSet::kNeonI8mm)->bf16;
    const auto packed = Bytes(gemm.packed_bytes(s.n, s.k));
    gemm.pack(s, w.bf16.data(), packed.data());
    y[i].resize(static_cast<std::size_t>(s.m * s.y_stride));
    ASSERT_EQ(gemm.run(s, x.bf16.data(), packed.data(), y[i].data(), nullptr), StatusCode::kOk);
  }
  EXPECT_EQ(y[0], y[1]);
}

// Not for the library, which chooses its kernels by shape.
TEST_P(GemmTest, ARowIsTheSameAloneAndAmongOthers) {
  if (GetParam().name == "library" || GetParam().name == "widened")
    GTEST_SKIP() << "rows depend on the shape of the product";
  for (int round = 0; round < 20; ++round) {
    GemmShape s = RandomShape();
    const Numbers x(random_, s.m * s.x_stride);
    const Numbers w(random_, (s.w_transposed ? s.k : s.n) * s.w_stride);
    std::vector<float> together(static_cast<std::size_t>(s.m * s.y_stride), 0.75f), alone = together;
    Run(s, x, 0, w, together.data());
    const std::int64_t rows = s.m;
    s.m = 1;
    for (std::int64_t r = 0; r < rows; ++r) Run(s, x, r, w, alone.data() + r * s.y_stride);
    ASSERT_EQ(together, alone);
  }
}

INSTANTIATE_TEST_SUITE_P(Machine, GemmTest, testing::ValuesIn(Ways()),
                         [](const auto& way) { return way.param.name; });

TEST(GemmLibraryTest, StartsNoThreads) {
  const auto threads = [] {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);) {
      if (line.rfind("Threads:", 0) == 0) return std::stoi(line.substr(8));
    }
    return -1;
  };
  const int before = threads();
  std::vector<float> x(256 * 512, 0.5f), w(256 * 512, 0.25f), y(256 * 256);
  const GemmShape shape{.m = 256, .n = 256, .k = 512, .x_stride = 512, .w_stride = 512, .y_stride = 256};
  ASSERT_EQ(LibraryGemm().run(shape, x.data(), w.data(), y.data(), nullptr), StatusCode::kOk);
  EXPECT_FLOAT_EQ(y[77], 64.0f);
  EXPECT_EQ(threads(), before);
}

class Int16Test : public testing::TestWithParam<const Kernels*> {
 protected:
  Random random_{20251103};
};

// Rows of a segment: ordinary ones, zeros, one large element, very small and very large numbers.
std::vector<float> Int16Row(Random& random, std::int64_t k, int kind) {
  auto row = RandomFloats(random, k, kind == 3 ? 1e-30f : kind == 4 ? 1e15f : 1.0f);
  if (kind == 1) std::fill(row.begin(), row.end(), 0.0f);
  if (kind == 2) row[static_cast<std::size_t>(k / 2)] = 1e6f;
  return row;
}

TEST_P(Int16Test, GivesTheBitsOfTheReference) {
  const Int16Gemm& fast = *GetParam()->int16;
  for (int round = 0; round < 200; ++round) {
    const std::int64_t k = round % 3 == 0 ? kInt16K : 1 + static_cast<std::int64_t>(random_() % kInt16K);
    const std::int64_t m = 1 + static_cast<std::int64_t>(random_() % 14);
    const std::int64_t n = round % 2 == 0 ? kInt16N : 1 + static_cast<std::int64_t>(random_() % kInt16N);
    const std::int64_t pairs = (k + 1) / 2, w_stride = k + static_cast<std::int64_t>(random_() % 3);
    const auto size = static_cast<std::size_t>(m * kInt16K);
    std::vector<std::int16_t> x[2] = {std::vector<std::int16_t>(size, -3),
                                      std::vector<std::int16_t>(size, -3)};
    std::vector<float> x_scales[2] = {std::vector<float>(static_cast<std::size_t>(m)), {}};
    x_scales[1] = x_scales[0];
    std::vector<float> rows;
    for (std::int64_t r = 0; r < m; ++r) {
      const auto row = Int16Row(random_, k, static_cast<int>((round + r) % 5));
      rows.insert(rows.end(), row.begin(), row.end());
    }
    const Int16Gemm* gemm[2] = {&kReferenceInt16Gemm, &fast};
    auto w = RandomFloats(random_, n * w_stride, round % 7 == 0 ? 1e-20f : 0.05f);
    std::vector<std::int16_t> packed[2];
    std::vector<float> scales[2], y[2];
    for (int i = 0; i < 2; ++i) {
      for (std::int64_t r = 0; r < m; ++r)
        gemm[i]->quantize(rows.data() + r * k, k, x[i].data() + r * kInt16K, x_scales[i].data() + r);
      packed[i].assign(static_cast<std::size_t>(pairs * 2 * kInt16N), -5);
      scales[i].assign(static_cast<std::size_t>(kInt16N), -5);
      gemm[i]->pack(w.data(), w_stride, n, k, packed[i].data(), scales[i].data());
      const std::int64_t y_stride = kInt16N + 3;
      y[i].assign(static_cast<std::size_t>(m * y_stride), 0.5f);
      gemm[i]->run(x[i].data(), x_scales[i].data(), m, packed[i].data(), scales[i].data(), pairs, y[i].data(),
                   y_stride);
    }
    ASSERT_EQ(x[0], x[1]) << "quantised activations";
    ASSERT_EQ(x_scales[0], x_scales[1]);
    ASSERT_EQ(packed[0], packed[1]) << "packed weights";
    ASSERT_EQ(scales[0], scales[1]);
    ASSERT_EQ(y[0], y[1]) << m << " x " << k << " by " << n;
    // And the reference is close to the product itself.
    for (std::int64_t r = 0; r < m; ++r) {
      for (std::int64_t i = 0; i < n; ++i) {
        double sum = 0, x_norm = 0, w_norm = 0;
        for (std::int64_t t = 0; t < k; ++t) {
          const double a = rows[static_cast<std::size_t>(r * k + t)];
          const double b = w[static_cast<std::size_t>(i * w_stride + t)];
          sum += a * b;
          x_norm += a * a;
          w_norm += b * b;
        }
        const double found = y[0][static_cast<std::size_t>(r * (kInt16N + 3) + i)] - 0.5;
        ASSERT_NEAR(found, sum, 2e-3 * std::sqrt(x_norm * w_norm) + 1e-7);
      }
    }
  }
}

TEST_P(Int16Test, WhatIsNotFiniteIsNoNumber) {
  const Int16Gemm& fast = *GetParam()->int16;
  for (const float wrong :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    std::vector<float> row(40, 1.0f);
    row[7] = wrong;
    std::vector<std::int16_t> q(64);
    float scale = 0;
    fast.quantize(row.data(), 40, q.data(), &scale);
    EXPECT_TRUE(std::isnan(scale));
  }
}

std::vector<const Kernels*> KernelsWithInt16() {
  std::vector<const Kernels*> all;
  for (const Kernels* kernels : AvailableKernels()) {
    if (kernels->int16 != nullptr) all.push_back(kernels);
  }
  return all;
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Int16Test);
INSTANTIATE_TEST_SUITE_P(Machine, Int16Test, testing::ValuesIn(KernelsWithInt16()),
                         [](const auto& kernels) { return KernelsName(*kernels.param); });

}  // namespace
}  // namespace carat::internal
