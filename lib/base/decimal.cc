#include "lib/base/decimal.h"

#include <algorithm>

namespace carat::internal {
namespace {

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

}  // namespace

DecimalParts CutNumber(std::string_view text) {
  DecimalParts parts;
  std::size_t at = 0;
  const auto digits = [&] {
    const std::size_t begin = at;
    while (at < text.size() && IsDigit(text[at])) ++at;
    return text.substr(begin, at - begin);
  };
  if (at < text.size() && text[at] == '-') {
    parts.negative = true;
    ++at;
  }
  parts.whole = digits();
  if (at < text.size() && text[at] == '.') {
    parts.has_point = true;
    ++at;
    parts.fraction = digits();
  }
  if (at < text.size() && (text[at] | 0x20) == 'e') {
    parts.has_exponent = true;
    ++at;
    if (at < text.size() && (text[at] == '-' || text[at] == '+')) {
      parts.exponent_signed = true;
      parts.exponent_negative = text[at] == '-';
      ++at;
    }
    parts.exponent = digits();
  }
  return parts;
}

std::int64_t SaturatedExponent(std::string_view digits) {
  std::int64_t value = 0;
  for (const char digit : digits) value = std::min(value * 10 + (digit - '0'), kMostDecimalExponent);
  return value;
}

Decimal MakeDecimal(bool negative, std::string_view whole, std::string_view fraction, std::int64_t exponent) {
  Decimal result;
  result.digits = std::string(whole) + std::string(fraction);
  result.exponent = static_cast<std::int64_t>(whole.size()) + exponent;
  const std::size_t first = result.digits.find_first_not_of('0');
  if (first == std::string::npos) return {};
  result.digits.erase(0, first);
  result.exponent -= static_cast<std::int64_t>(first);
  result.digits.resize(result.digits.find_last_not_of('0') + 1);
  result.negative = negative;
  return result;
}

int CompareMagnitudes(const Decimal& a, const Decimal& b) {
  if (a.zero() || b.zero()) return static_cast<int>(b.zero()) - static_cast<int>(a.zero());
  if (a.exponent != b.exponent) return a.exponent < b.exponent ? -1 : 1;
  const int order = a.digits.compare(b.digits);
  return order < 0 ? -1 : order > 0 ? 1 : 0;
}

Decimal ParseDecimal(std::string_view text) {
  const DecimalParts parts = CutNumber(text);
  const std::int64_t exponent = SaturatedExponent(parts.exponent);
  return MakeDecimal(parts.negative, parts.whole, parts.fraction,
                     parts.exponent_negative ? -exponent : exponent);
}

int Compare(const Decimal& a, const Decimal& b) {
  const bool a_below = a.negative && !a.zero();
  const bool b_below = b.negative && !b.zero();
  if (a_below != b_below) return a_below ? -1 : 1;
  return a_below ? CompareMagnitudes(b, a) : CompareMagnitudes(a, b);
}

bool SameNumber(std::string_view a, std::string_view b) {
  return Compare(ParseDecimal(a), ParseDecimal(b)) == 0;
}

}  // namespace carat::internal
