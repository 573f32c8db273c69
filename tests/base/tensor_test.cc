// Conversions, all values of them, against arithmetic that is written down independently.
#include "lib/base/tensor.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

namespace carat::internal {
namespace {

// What sign, exponent and mantissa of a small float mean: exact in double.
double Meaning(std::uint32_t bits, int exponent_bits, int mantissa_bits) {
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const std::uint32_t mantissa = bits & ((1u << mantissa_bits) - 1);
  const int exponent = static_cast<int>(bits >> mantissa_bits & ((1u << exponent_bits) - 1));
  const bool negative = bits >> (exponent_bits + mantissa_bits) & 1;
  const double fraction = std::ldexp(static_cast<double>(mantissa), -mantissa_bits);
  double value;
  if (exponent == (1 << exponent_bits) - 1) {
    value =
        mantissa == 0 ? std::numeric_limits<double>::infinity() : std::numeric_limits<double>::quiet_NaN();
  } else if (exponent == 0) {
    value = std::ldexp(fraction, 1 - bias);
  } else {
    value = std::ldexp(1 + fraction, exponent - bias);
  }
  return negative ? -value : value;
}

void ExpectSame(float found, double expected, std::uint32_t bits) {
  if (std::isnan(expected)) {
    ASSERT_TRUE(std::isnan(found)) << bits;
    return;
  }
  ASSERT_EQ(static_cast<double>(found), expected) << bits;
  ASSERT_EQ(std::signbit(found), std::signbit(expected)) << bits;
}

TEST(BFloat16, EveryValueToFloat) {
  for (std::uint32_t bits = 0; bits < 1u << 16; ++bits) {
    ExpectSame(BFloat16ToFloat(static_cast<std::uint16_t>(bits)), Meaning(bits, 8, 7), bits);
  }
}

TEST(Float16, EveryValueToFloat) {
  for (std::uint32_t bits = 0; bits < 1u << 16; ++bits) {
    ExpectSame(Float16ToFloat(static_cast<std::uint16_t>(bits)), Meaning(bits, 5, 10), bits);
  }
}

TEST(BFloat16, EveryValueComesBack) {
  for (std::uint32_t bits = 0; bits < 1u << 16; ++bits) {
    const float value = BFloat16ToFloat(static_cast<std::uint16_t>(bits));
    const std::uint16_t back = FloatToBFloat16(value);
    if (std::isnan(value)) {
      ASSERT_TRUE(std::isnan(BFloat16ToFloat(back))) << bits;
      ASSERT_EQ(back >> 15, bits >> 15) << bits;
    } else {
      ASSERT_EQ(back, bits);
    }
  }
}

// The nearest bf16 to a finite float, ties to the even one, found by comparing distances.
std::uint16_t Nearest(float value) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  const auto below = static_cast<std::uint16_t>(bits >> 16);  // towards zero
  const auto above = static_cast<std::uint16_t>(below + 1);   // away from zero; infinity counts as 2^128
  const double magnitude = std::fabs(static_cast<double>(value));
  const double low = std::fabs(Meaning(below, 8, 7));
  double high = std::fabs(Meaning(above, 8, 7));
  if (std::isinf(high)) high = std::ldexp(1.0, 128);
  if (magnitude - low < high - magnitude) return below;
  if (magnitude - low > high - magnitude) return above;
  return below % 2 == 0 ? below : above;
}

TEST(BFloat16, RoundsToNearestEven) {
  EXPECT_EQ(FloatToBFloat16(1.0f), 0x3F80);
  EXPECT_EQ(FloatToBFloat16(1.00390625f), 0x3F80);  // halfway between 1 and 1.0078125: the even one
  EXPECT_EQ(FloatToBFloat16(1.01171875f), 0x3F82);  // halfway between 1.0078125 and 1.015625
  EXPECT_EQ(FloatToBFloat16(-0.0f), 0x8000);
  EXPECT_EQ(FloatToBFloat16(std::numeric_limits<float>::max()), 0x7F80);
  EXPECT_EQ(FloatToBFloat16(std::numeric_limits<float>::infinity()), 0x7F80);
  EXPECT_EQ(FloatToBFloat16(std::numeric_limits<float>::denorm_min()), 0);
  std::mt19937_64 random(7);
  for (int i = 0; i < 300000; ++i) {
    auto bits = static_cast<std::uint32_t>(random());
    if (i % 3 == 0) bits = (bits & 0xFFFF0000u) | 0x8000u;  // ties
    const float value = std::bit_cast<float>(bits);
    if (!std::isfinite(value)) continue;
    ASSERT_EQ(FloatToBFloat16(value), Nearest(value)) << bits;
  }
}

TEST(BFloat16, NotANumberStaysOne) {
  for (const std::uint32_t bits :
       {0x7F800001u, 0x7FBFFFFFu, 0x7FC00000u, 0x7FFFFFFFu, 0xFF800001u, 0xFFFFFFFFu}) {
    EXPECT_TRUE(std::isnan(BFloat16ToFloat(FloatToBFloat16(std::bit_cast<float>(bits))))) << bits;
  }
}

TEST(LoadValue, ReadsUnalignedValues) {
  std::vector<std::byte> bytes(17);
  const float floats[] = {1.5f, -2.25f, 1e-30f};
  std::memcpy(bytes.data() + 1, floats, sizeof(floats));
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(LoadValue(bytes.data() + 1, NumberFormat::kF32, i), floats[i]);
  }
  const std::uint16_t halves[] = {0x3C00, 0xC000, 0x3F80};  // as f16: 1, -2, 1.875; as bf16: 2^-7, -2, 1
  std::memcpy(bytes.data() + 3, halves, sizeof(halves));
  EXPECT_EQ(LoadValue(bytes.data() + 3, NumberFormat::kF16, 0), 1.0f);
  EXPECT_EQ(LoadValue(bytes.data() + 3, NumberFormat::kF16, 1), -2.0f);
  EXPECT_EQ(LoadValue(bytes.data() + 3, NumberFormat::kF16, 2), 1.875f);
  EXPECT_EQ(LoadValue(bytes.data() + 3, NumberFormat::kBF16, 0), 0.0078125f);
  EXPECT_EQ(LoadValue(bytes.data() + 3, NumberFormat::kBF16, 1), -2.0f);
  EXPECT_EQ(LoadValue(bytes.data() + 3, NumberFormat::kBF16, 2), 1.0f);
}

TEST(MatrixView, Rows) {
  std::vector<std::byte> bytes(5 * 3 * 2);
  const MatrixView matrix{bytes.data(), NumberFormat::kBF16, 5, 3};
  EXPECT_EQ(matrix.row_bytes(), 6u);
  EXPECT_EQ(matrix.row(4), bytes.data() + 24);
  const MatrixView part = matrix.Rows(1, 2);
  EXPECT_EQ(part.data, bytes.data() + 6);
  EXPECT_EQ(part.rows, 2);
  EXPECT_EQ(part.cols, 3);
  EXPECT_EQ((MatrixView{nullptr, NumberFormat::kF32, 2, 8}.row_bytes()), 32u);
}

TEST(NumberFormat, NamesAndSizes) {
  EXPECT_EQ(NumberFormatName(NumberFormat::kF32), "F32");
  EXPECT_EQ(NumberFormatName(NumberFormat::kF16), "F16");
  EXPECT_EQ(NumberFormatName(NumberFormat::kBF16), "BF16");
  EXPECT_EQ(BytesPerValue(NumberFormat::kF32), 4u);
  EXPECT_EQ(BytesPerValue(NumberFormat::kF16), 2u);
  EXPECT_EQ(BytesPerValue(NumberFormat::kBF16), 2u);
}

}  // namespace
}  // namespace carat::internal
