// Number formats, and views of tensors in mapped files.
#ifndef CARAT_LIB_BASE_TENSOR_H_
#define CARAT_LIB_BASE_TENSOR_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace carat::internal {

enum class NumberFormat : std::uint8_t { kF32, kF16, kBF16 };

constexpr std::size_t BytesPerValue(NumberFormat format) {
  return format == NumberFormat::kF32 ? 4 : 2;
}

constexpr std::string_view NumberFormatName(NumberFormat format) {
  switch (format) {
    case NumberFormat::kF32:
      return "F32";
    case NumberFormat::kF16:
      return "F16";
    case NumberFormat::kBF16:
      return "BF16";
  }
  return "?";
}

// A matrix [rows, cols] of weights, row by row, somewhere in a mapped file; it need not be aligned. Does not
// own.
struct MatrixView {
  const std::byte* data = nullptr;
  NumberFormat format = NumberFormat::kBF16;
  std::int64_t rows = 0;
  std::int64_t cols = 0;

  std::size_t row_bytes() const { return static_cast<std::size_t>(cols) * BytesPerValue(format); }
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

// One value of an unaligned array.
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
