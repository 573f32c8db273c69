// Products of quantised weights: packing keeps every value, and each instruction set gives the bits of the
// reference.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "lib/base/aligned_buffer.h"
#include "lib/quant/block_types.h"
#include "tests/kernels/available_kernels.h"
#include "tests/kernels/emulated_matrices.h"
#include "tests/kernels/emulated_tiles.h"

namespace carat::internal {
namespace {

constexpr NumberFormat kFormats[] = {NumberFormat::kQ4_0, NumberFormat::kQ4_1,   NumberFormat::kQ5_0,
                                     NumberFormat::kQ5_1, NumberFormat::kQ8_0,   NumberFormat::kQ2_K,
                                     NumberFormat::kQ3_K, NumberFormat::kQ4_K,   NumberFormat::kQ5_K,
                                     NumberFormat::kQ6_K, NumberFormat::kIQ4_NL, NumberFormat::kIQ4_XS};

// Random bytes are valid blocks, except that scales may be infinite or NaN.
std::vector<std::byte> RandomBlocks(std::mt19937& random, NumberFormat format, std::int64_t values) {
  std::vector<std::byte> bytes(BytesOf(format, values));
  for (std::byte& b : bytes) b = static_cast<std::byte>(random());
  ChangeHalves(format, bytes, [&](StoredHalf& half) {
    half.high = static_cast<std::uint8_t>((random() & 0x80) | (0x18 + random() % 16));
  });
  return bytes;
}

struct Rows {
  std::vector<std::int8_t> values;
  std::vector<float> scales;
  std::vector<std::int32_t> sums, fine;
  QuantizedRows view;

  Rows(const Int8Gemm& kernels, const std::vector<float>& x, std::int64_t rows, std::int64_t cols)
      : values(static_cast<std::size_t>(rows * cols)),
        scales(values.size() / 32),
        sums(values.size() / 32),
        fine(values.size() / 16),
        view{values.data(), scales.data(), sums.data(), fine.data(), cols} {
    for (std::int64_t r = 0; r < rows; ++r) kernels.quantize(x.data() + r * cols, view, r);
  }
};

// Those of every instruction set here, and the emulated ones.
std::vector<const Int8Gemm*> FastKernels() {
  std::vector<const Int8Gemm*> all = {&EmulatedInt8TileGemm(), &EmulatedInt8MatrixGemm()};
  for (const Kernels* kernels : AvailableKernels()) {
    if (kernels->set != InstructionSet::kPlain) all.push_back(&kernels->int8);
  }
  return all;
}

std::vector<float> RandomRows(std::mt19937& random, std::int64_t count) {
  std::normal_distribution<float> normal;
  std::vector<float> x(static_cast<std::size_t>(count));
  for (float& value : x) value = normal(random) * (random() % 64 == 0 ? 20.0f : 1.0f);
  for (std::size_t i = 0; i < x.size() && i < 32; ++i) x[i] = 0;  // a group of zeros
  return x;
}

TEST(Int8GemmTest, QuantisedActivationsAreTheSameEverywhere) {
  std::mt19937 random(3);
  const auto x = RandomRows(random, 3 * 320);
  const Rows expected(kReferenceInt8Gemm, x, 3, 320);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const float back = static_cast<float>(expected.values[i]) * expected.scales[i / 32];
    ASSERT_LE(std::fabs(back - x[i]), 0.5001f * expected.scales[i / 32]);
  }
  for (std::size_t g = 0; g < expected.sums.size(); ++g) {
    int sum = 0;
    for (std::size_t i = 0; i < 32; ++i) sum += expected.values[32 * g + i];
    ASSERT_EQ(expected.sums[g], -sum);
    ASSERT_EQ(expected.fine[2 * g] + expected.fine[2 * g + 1], -sum);
  }
  for (const Int8Gemm* kernels : FastKernels()) {
    const Rows got(*kernels, x, 3, 320);
    EXPECT_EQ(got.values, expected.values);
    EXPECT_EQ(got.scales, expected.scales);
    EXPECT_EQ(got.sums, expected.sums);
    EXPECT_EQ(got.fine, expected.fine);
  }
}

class Int8ProductTest : public testing::TestWithParam<NumberFormat> {};

TEST_P(Int8ProductTest, EverySetGivesTheBitsOfTheReference) {
  const NumberFormat format = GetParam();
  std::mt19937 random(11 + static_cast<unsigned>(format));
  const auto scratch = AlignedBuffer<std::byte>::Allocate(kInt8ScratchBytes, "a test");
  ASSERT_TRUE(scratch.ok());
  for (const std::int64_t rows : {1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 13, 14, 16, 17, 31, 37}) {
    const std::int64_t values = LayoutOf(format).values;
    std::int64_t blocks = 1 + static_cast<std::int64_t>(random()) % (values == 32 ? 20 : 3);
    // More columns than are unpacked at a time.
    if (rows % 5 == 1) blocks += kUnpackedBlocks * kBlockK / values;
    const std::int64_t cols = blocks * values;
    const std::int64_t outputs = rows % 3 == 0 || rows == 13 ? kPanelN : 1 + random() % 64;
    const std::int64_t y_stride = outputs + rows % 4;
    const auto bytes = RandomBlocks(random, format, outputs * cols);
    const MatrixView weights{bytes.data(), format, outputs, cols};
    std::vector<std::byte> panel(static_cast<std::size_t>(PackedPanelBytes(format, cols)), std::byte{0xff});
    PackPanel(weights, 0, outputs, panel.data());
    const auto x = RandomRows(random, rows * cols);
    const Rows quantized(kReferenceInt8Gemm, x, rows, cols);
    std::vector<float> expected(static_cast<std::size_t>(rows * y_stride) + 64, -2);
    kReferenceInt8Gemm.run(format, panel.data(), quantized.view, 0, rows, expected.data(), y_stride, outputs,
                           scratch->data(), 0);
    // The reference itself, against products in float64 of what the packed bytes say.
    std::vector<float> row(static_cast<std::size_t>(cols));
    for (std::int64_t n = 0; n < outputs; ++n) {
      UnpackRow(format, panel.data(), cols, static_cast<int>(n), row.data());
      for (std::int64_t r = 0; r < rows; ++r) {
        double sum = 0, magnitude = 0;
        for (std::int64_t k = 0; k < cols; ++k) {
          const auto i = static_cast<std::size_t>(r * cols + k);
          const double term = static_cast<double>(row[static_cast<std::size_t>(k)]) * quantized.values[i] *
                              quantized.scales[i / 32];
          sum += term;
          magnitude += std::fabs(term);
        }
        ASSERT_NEAR(expected[static_cast<std::size_t>(r * y_stride + n)], sum, 2e-6 * magnitude + 1e-6);
      }
    }
    for (const Int8Gemm* kernels : FastKernels()) {
      // Beside the outputs and beyond the rows nothing is written.
      std::vector<float> got(expected.size(), -2);
      kernels->run(format, panel.data(), quantized.view, 0, rows, got.data(), y_stride, outputs,
                   scratch->data(), rows % 2 == 1 ? 0 : 4096);
      for (std::size_t i = 0; i < expected.size(); ++i)
        ASSERT_EQ(got[i], expected[i]) << rows << " rows, value " << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, Int8ProductTest, testing::ValuesIn(kFormats),
                         [](const auto& format) { return std::string(NumberFormatName(format.param)); });

}  // namespace
}  // namespace carat::internal
