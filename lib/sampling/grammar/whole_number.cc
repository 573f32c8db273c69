#include "lib/sampling/grammar/whole_number.h"

#include <algorithm>
#include <utility>

namespace carat::internal {
namespace {

__extension__ using Wide = unsigned __int128;

std::uint64_t Digit(char c) {
  return static_cast<std::uint64_t>(c - '0');
}

std::uint64_t PowerOfTenModulo(std::uint64_t exponent, std::uint64_t m) {
  Wide result = 1 % m;
  for (Wide base = 10 % m; exponent > 0; exponent /= 2) {
    if (exponent % 2 != 0) result = result * base % m;
    base = base * base % m;
  }
  return static_cast<std::uint64_t>(result);
}

}  // namespace

int CompareWhole(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return a.size() < b.size() ? -1 : 1;
  return a.compare(b);
}

std::string PlusWhole(std::string_view a, std::uint64_t b) {
  std::string sum(a);
  std::uint64_t carry = b;
  for (std::size_t i = sum.size(); i > 0 && carry > 0; --i) {
    // The carry is below 2^64 - 10 after the first digit, and far below from then on.
    const std::uint64_t digit = Digit(sum[i - 1]) + carry % 10;
    sum[i - 1] = static_cast<char>('0' + digit % 10);
    carry = carry / 10 + digit / 10;
  }
  std::string front;
  for (; carry > 0; carry /= 10) front += static_cast<char>('0' + carry % 10);
  std::reverse(front.begin(), front.end());
  return front + sum;
}

std::string MinusOne(std::string_view a) {
  std::string difference(a);
  std::size_t i = difference.size();
  while (difference[i - 1] == '0') difference[--i] = '9';
  --difference[i - 1];
  difference.erase(0, std::min(difference.find_first_not_of('0'), difference.size()));
  return difference;
}

std::uint64_t ModuloOf(std::string_view a, std::uint64_t m) {
  Wide remainder = 0;
  for (const char digit : a) remainder = (remainder * 10 + Digit(digit)) % m;
  return static_cast<std::uint64_t>(remainder);
}

std::string WholePart(const Decimal& value, int scale, bool* exact) {
  const std::int64_t length = std::max<std::int64_t>(value.exponent + scale, 0);
  const auto digits = static_cast<std::int64_t>(value.digits.size());
  *exact = value.zero() || value.exponent + scale >= digits;
  if (value.zero()) return "";
  std::string whole = value.digits.substr(0, static_cast<std::size_t>(std::min(length, digits)));
  whole.resize(static_cast<std::size_t>(length), '0');
  return whole;
}

bool IsMultiple(const Decimal& value, int scale, std::uint64_t m) {
  if (value.zero()) return true;
  const std::int64_t zeros = value.exponent + scale - static_cast<std::int64_t>(value.digits.size());
  if (zeros < 0) return false;
  const Wide product =
      Wide{ModuloOf(value.digits, m)} * PowerOfTenModulo(static_cast<std::uint64_t>(zeros), m);
  return product % m == 0;
}

}  // namespace carat::internal
