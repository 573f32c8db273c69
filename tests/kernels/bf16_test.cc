// Products in bf16 against their definition: sums of products of rounded values.
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "lib/base/aligned_buffer.h"
#include "lib/base/cpu.h"
#include "lib/kernels/bf16_kernels.h"
#include "lib/kernels/kernels.h"
#include "tests/kernels/emulated_tiles.h"

namespace carat::internal {
namespace {

std::vector<std::uint16_t> RandomBf16(std::mt19937& random, std::int64_t count) {
  std::normal_distribution<float> normal;
  std::vector<std::uint16_t> values(static_cast<std::size_t>(count));
  for (std::uint16_t& value : values) value = FloatToBFloat16(normal(random));
  return values;
}

struct Shape {
  std::int64_t rows, outputs, cols;
  std::int64_t x_stride, w_stride, y_stride;
  bool transposed, accumulate;
};

Shape RandomShape(std::mt19937& random, bool odd_columns) {
  const auto pick = [&](std::int64_t most) {
    return std::uniform_int_distribution<std::int64_t>(1, most)(random);
  };
  Shape s{pick(40), pick(150), pick(400), 0, 0, 0, pick(2) == 1, pick(2) == 1};
  // Some have more columns than either way takes at a time.
  if (pick(5) == 1) s.cols += pick(2) * kBf16Columns - pick(2);
  if (!odd_columns) s.cols += s.cols % 2;
  s.x_stride = s.cols + 2 * pick(5);
  s.w_stride = (s.transposed ? s.outputs : s.cols) + pick(9);
  s.y_stride = s.outputs + pick(9);
  return s;
}

// By the formula, and the sum of the products' sizes: what rounding is measured by.
void Define(const Shape& s, const std::vector<std::uint16_t>& x, const std::vector<std::uint16_t>& w,
            const std::vector<float>& before, std::vector<double>& y, std::vector<double>& size) {
  for (std::int64_t r = 0; r < s.rows; ++r) {
    for (std::int64_t n = 0; n < s.outputs; ++n) {
      const auto at = static_cast<std::size_t>(r * s.y_stride + n);
      double sum = s.accumulate ? static_cast<double>(before[at]) : 0.0, total = std::abs(sum);
      for (std::int64_t k = 0; k < s.cols; ++k) {
        const auto of_w = static_cast<std::size_t>(s.transposed ? k * s.w_stride + n : n * s.w_stride + k);
        const double product =
            static_cast<double>(BFloat16ToFloat(x[static_cast<std::size_t>(r * s.x_stride + k)])) *
            static_cast<double>(BFloat16ToFloat(w[of_w]));
        sum += product;
        total += std::abs(product);
      }
      y[at] = sum;
      size[at] = total;
    }
  }
}

void ExpectNear(const Shape& s, const std::vector<float>& found, const std::vector<double>& expected,
                const std::vector<double>& size, const std::vector<float>& before) {
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (static_cast<std::int64_t>(i) % s.y_stride >= s.outputs) {
      ASSERT_EQ(found[i], before[i]) << "beside the results";
    } else {
      ASSERT_NEAR(static_cast<double>(found[i]), expected[i], 1e-6 * size[i] + 1e-30)
          << s.rows << " x " << s.cols << " by " << s.outputs << " at " << i;
    }
  }
}

class Bf16Test : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (GetParam() == "emulated") {
      kernels_ = &EmulatedBf16TileKernels();
      return;
    }
    const bool tiles = GetParam() == "tiles";
    const InstructionSet set = tiles ? InstructionSet::kAvx512Amx : InstructionSet::kAvx512Bf16;
    if (!CpuSupports(set)) {
      GTEST_SKIP()
          << (tiles ? "this processor has no AMX, or its operating system does not know of it: only the "
                      "emulated tiles are tested"
                    : "this processor has no bf16 dot products");
    }
    // Choosing is what permits the use of tile registers.
    const auto chosen = ChooseInstructionSet(set);
    ASSERT_TRUE(chosen.ok()) << chosen.status().ToString();
    kernels_ = Bf16KernelsFor(set);
    ASSERT_EQ(kernels_, tiles ? AmxBf16Kernels() : Avx512Bf16Kernels());
  }
  const Bf16Kernels* kernels_ = nullptr;
};

TEST_P(Bf16Test, PackedProductsEqualTheDefinition) {
  std::mt19937 random(11);
  for (int round = 0; round < 60; ++round) {
    const Shape s = RandomShape(random, /*odd_columns=*/true);
    const auto x = RandomBf16(random, s.rows * s.x_stride);
    const auto w = RandomBf16(random, (s.transposed ? s.cols : s.outputs) * s.w_stride);
    std::vector<float> before(static_cast<std::size_t>(s.rows * s.y_stride), 0.75f);
    std::vector<double> expected(before.size()), size(before.size());
    Define(s, x, w, before, expected, size);
    // Filled with NaN, so that what is read without having been packed shows.
    std::vector<std::byte> packed(Bf16PackedBytes(s.outputs, s.cols), std::byte{0xff});
    kernels_->pack(reinterpret_cast<const std::byte*>(w.data()), s.w_stride, s.outputs, s.cols, s.transposed,
                   packed.data());
    std::vector<float> found = before;
    kernels_->packed_product(x.data(), s.x_stride, s.rows, packed.data(), s.cols, s.outputs, found.data(),
                             s.y_stride, s.accumulate);
    ExpectNear(s, found, expected, size, before);
  }
}

TEST_P(Bf16Test, ProductsOfUnpackedWeightsHaveTheSameBits) {
  std::mt19937 random(12);
  auto scratch = AlignedBuffer<std::byte>::Allocate(kBf16ScratchBytes, "scratch");
  ASSERT_TRUE(scratch.ok());
  for (int round = 0; round < 30; ++round) {
    Shape s = RandomShape(random, /*odd_columns=*/false);
    s.outputs = std::min(s.outputs, kBf16Outputs);
    s.w_stride = s.cols;
    s.transposed = s.accumulate = false;
    const auto x = RandomBf16(random, s.rows * s.x_stride);
    const auto w = RandomBf16(random, s.outputs * s.w_stride);
    std::vector<float> whole(static_cast<std::size_t>(s.rows * s.y_stride), 0.75f), packed_whole = whole;
    kernels_->product(x.data(), s.x_stride, s.rows, reinterpret_cast<const std::byte*>(w.data()), s.cols,
                      s.outputs, whole.data(), s.y_stride, scratch->data());
    std::vector<std::byte> packed(Bf16PackedBytes(s.outputs, s.cols));
    kernels_->pack(reinterpret_cast<const std::byte*>(w.data()), s.w_stride, s.outputs, s.cols, false,
                   packed.data());
    // One row after the other: what is beside a row changes nothing.
    for (std::int64_t r = 0; r < s.rows; ++r) {
      kernels_->packed_product(x.data() + r * s.x_stride, s.x_stride, 1, packed.data(), s.cols, s.outputs,
                               packed_whole.data() + r * s.y_stride, s.y_stride, false);
    }
    ASSERT_EQ(whole, packed_whole);
  }
}

INSTANTIATE_TEST_SUITE_P(Kernels, Bf16Test, testing::Values("pairs", "tiles", "emulated"),
                         [](const auto& name) { return name.param; });

}  // namespace
}  // namespace carat::internal
