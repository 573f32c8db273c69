// Numbers of JSON as exact decimals, never rounded.
#ifndef CARAT_LIB_BASE_DECIMAL_H_
#define CARAT_LIB_BASE_DECIMAL_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace carat::internal {

// 0.DIGITS times 10 to the exponent.
struct Decimal {
  bool negative = false;
  std::string digits;  // without zeros at either end; empty for zero
  std::int64_t exponent = 0;

  bool zero() const { return digits.empty(); }
  bool IsInteger() const { return exponent >= static_cast<std::int64_t>(digits.size()); }
};

// Exponents beyond this are taken for it.
inline constexpr std::int64_t kMostDecimalExponent = 1'000'000'000'000;

// A number's text, cut into its parts. `text` may be only the beginning of one.
struct DecimalParts {
  bool negative = false;
  std::string_view whole, fraction, exponent;
  bool has_point = false, has_exponent = false, exponent_negative = false, exponent_signed = false;
};
DecimalParts CutNumber(std::string_view text);

// An exponent's digits to an integer that stops growing at kMostDecimalExponent.
std::int64_t SaturatedExponent(std::string_view digits);

// WHOLE.FRACTION times 10 to the exponent.
Decimal MakeDecimal(bool negative, std::string_view whole, std::string_view fraction, std::int64_t exponent);
// The value of a JSON number.
Decimal ParseDecimal(std::string_view text);

// Below 0, 0 or above 0, as a is less than, equal to or greater than b.
int Compare(const Decimal& a, const Decimal& b);
// The same without the signs.
int CompareMagnitudes(const Decimal& a, const Decimal& b);

// Whether two JSON numbers have the same value.
bool SameNumber(std::string_view a, std::string_view b);

}  // namespace carat::internal

#endif  // CARAT_LIB_BASE_DECIMAL_H_
