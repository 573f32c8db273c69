// Number formats, and views of tensors in mapped files.
#ifndef CARAT_LIB_BASE_TENSOR_H_
#define CARAT_LIB_BASE_TENSOR_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace carat::internal {

// The first three hold single values. The others are GGUF's block formats: some values that share scales, as
// lib/quant decodes them.
enum class NumberFormat : std::uint8_t {
  kF32,
  kF16,
  kBF16,
  kQ4_0,
  kQ4_1,
  kQ5_0,
  kQ5_1,
  kQ8_0,
  kQ2_K,
  kQ3_K,
  kQ4_K,
  kQ5_K,
  kQ6_K,
  kIQ4_NL,
  kIQ4_XS,
};

// How a format lays out its values: `values` of them in `bytes`.
struct BlockLayout {
  std::int64_t values;
  std::int64_t bytes;
};

constexpr BlockLayout LayoutOf(NumberFormat format) {
  switch (format) {
    case NumberFormat::kF32:
      return {1, 4};
    case NumberFormat::kF16:
    case NumberFormat::kBF16:
      return {1, 2};
    case NumberFormat::kQ4_0:
    case NumberFormat::kIQ4_NL:
      return {32, 18};
    case NumberFormat::kQ4_1:
      return {32, 20};
    case NumberFormat::kQ5_0:
      return {32, 22};
    case NumberFormat::kQ5_1:
      return {32, 24};
    case NumberFormat::kQ8_0:
      return {32, 34};
    case NumberFormat::kQ2_K:
      return {256, 84};
    case NumberFormat::kQ3_K:
      return {256, 110};
    case NumberFormat::kQ4_K:
      return {256, 144};
    case NumberFormat::kQ5_K:
      return {256, 176};
    case NumberFormat::kQ6_K:
      return {256, 210};
    case NumberFormat::kIQ4_XS:
      return {256, 136};
  }
  return {1, 4};
}

// Whether single values can be addressed.
constexpr bool IsFloat(NumberFormat format) {
  return LayoutOf(format).values == 1;
}

// Of a format of single values.
constexpr std::size_t BytesPerValue(NumberFormat format) {
  return static_cast<std::size_t>(LayoutOf(format).bytes);
}

// Of `values` values, a multiple of the format's block.
constexpr std::size_t BytesOf(NumberFormat format, std::int64_t values) {
  const BlockLayout layout = LayoutOf(format);
  return static_cast<std::size_t>(values / layout.values * layout.bytes);
}

constexpr std::string_view NumberFormatName(NumberFormat format) {
  switch (format) {
    case NumberFormat::kF32:
      return "F32";
    case NumberFormat::kF16:
      return "F16";
    case NumberFormat::kBF16:
      return "BF16";
    case NumberFormat::kQ4_0:
      return "Q4_0";
    case NumberFormat::kQ4_1:
      return "Q4_1";
    case NumberFormat::kQ5_0:
      return "Q5_0";
    case NumberFormat::kQ5_1:
      return "Q5_1";
    case NumberFormat::kQ8_0:
      return "Q8_0";
    case NumberFormat::kQ2_K:
      return "Q2_K";
    case NumberFormat::kQ3_K:
      return "Q3_K";
    case NumberFormat::kQ4_K:
      return "Q4_K";
    case NumberFormat::kQ5_K:
      return "Q5_K";
    case NumberFormat::kQ6_K:
      return "Q6_K";
    case NumberFormat::kIQ4_NL:
      return "IQ4_NL";
    case NumberFormat::kIQ4_XS:
      return "IQ4_XS";
  }
  return "?";
}

// A matrix [rows, cols] of weights, row by row, somewhere in a mapped file; it need not be aligned. Does not
// own. In a block format cols is a multiple of the block.
struct MatrixView {
  const std::byte* data = nullptr;
  NumberFormat format = NumberFormat::kBF16;
  std::int64_t rows = 0;
  std::int64_t cols = 0;

  std::size_t row_bytes() const { return BytesOf(format, cols); }
  const std::byte* row(std::int64_t r) const { return data + static_cast<std::size_t>(r) * row_bytes(); }
  // Rows first .. first+count-1.
  MatrixView Rows(std::int64_t first, std::int64_t count) const { return {row(first), format, count, cols}; }
};

inline float BFloat16ToFloat(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

// Round to nearest, ties to even; NaN stays NaN.
inline std::uint16_t FloatToBFloat16(float value) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return static_cast<std::uint16_t>((bits >> 16) | 0x40u);
  return static_cast<std::uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

inline float Float16ToFloat(std::uint16_t bits) {
  const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x8000u) << 16;
  const std::uint32_t exponent = (bits >> 10) & 0x1fu;
  const std::uint32_t mantissa = bits & 0x3ffu;
  if (exponent == 0x1f) return std::bit_cast<float>(sign | 0x7f800000u | (mantissa << 13));
  if (exponent == 0) {
    // Subnormal: mantissa * 2^-24, exact in float32.
    const float magnitude = static_cast<float>(mantissa) * 0x1p-24f;
    return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(magnitude));
  }
  return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (mantissa << 13));
}

// Round to nearest, ties to even; beyond the range infinity; NaN stays NaN.
inline std::uint16_t FloatToFloat16(float value) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  const auto sign = static_cast<std::uint16_t>((bits >> 16) & 0x8000u);
  const std::uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return static_cast<std::uint16_t>(sign | 0x7e00u);
  if (magnitude >= 0x477ff000u) return static_cast<std::uint16_t>(sign | 0x7c00u);  // 65520 and above
  if (magnitude < 0x38800000u) {
    // Below 2^-14: a multiple of 2^-24. Adding 1/2 leaves that multiple, rounded, in the lowest bits.
    const float shifted = std::bit_cast<float>(magnitude) + 0.5f;
    return static_cast<std::uint16_t>(sign | (std::bit_cast<std::uint32_t>(shifted) - 0x3f000000u));
  }
  const std::uint32_t rounded = magnitude + 0xfffu + ((magnitude >> 13) & 1u);
  return static_cast<std::uint16_t>(sign | ((rounded - 0x38000000u) >> 13));
}

// One value of an unaligned array of single values.
inline float LoadValue(const std::byte* data, NumberFormat format, std::size_t index) {
  if (format == NumberFormat::kF32) {
    float value;
    std::memcpy(&value, data + 4 * index, 4);
    return value;
  }
  std::uint16_t bits;
  std::memcpy(&bits, data + 2 * index, 2);
  return format == NumberFormat::kBF16 ? BFloat16ToFloat(bits) : Float16ToFloat(bits);
}

}  // namespace carat::internal

#endif  // CARAT_LIB_BASE_TENSOR_H_
