#include "lib/base/json_text.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <limits>

#include "absl/strings/str_format.h"
#include "lib/base/utf8.h"

namespace carat::internal {

void AppendJsonText(std::string_view text, std::string* json) {
  std::string valid;
  if (!IsValidUtf8(text)) {
    valid = SanitizeUtf8(text);
    text = valid;
  }
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      *json += '\\';
      *json += c;
    } else if (c == '\n') {
      *json += "\\n";
    } else if (c == '\r') {
      *json += "\\r";
    } else if (c == '\t') {
      *json += "\\t";
    } else if (byte < 0x20) {
      absl::StrAppendFormat(json, "\\u%04x", byte);
    } else {
      *json += c;
    }
  }
}

bool IsJsonNumber(std::string_view text) {
  std::size_t at = 0;
  const auto digits = [&] {
    const std::size_t begin = at;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
    return at - begin;
  };
  if (at < text.size() && text[at] == '-') ++at;
  const std::size_t whole = at;
  const std::size_t whole_digits = digits();
  if (whole_digits == 0 || (whole_digits > 1 && text[whole] == '0')) return false;
  if (at < text.size() && text[at] == '.') {
    ++at;
    if (digits() == 0) return false;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    if (digits() == 0) return false;
  }
  return at == text.size();
}

double JsonDouble(std::string_view number) {
  double value = 0;
  const auto end = std::from_chars(number.data(), number.data() + number.size(), value);
  if (end.ec != std::errc::result_out_of_range) return value;
  // Too large or too small: the exponent says which, counted from the first digit that is not 0.
  const bool negative = number.starts_with('-');
  if (negative) number.remove_prefix(1);
  const std::size_t e = number.find_first_of("eE");
  const std::string_view mantissa = number.substr(0, e);
  std::int64_t exponent = 0;
  if (e != std::string_view::npos) {
    std::string_view digits = number.substr(e + 1);
    const bool down = digits.starts_with('-');
    if (down || digits.starts_with('+')) digits.remove_prefix(1);
    constexpr std::int64_t kFarBeyond = 1'000'000'000'000;
    for (const char digit : digits) exponent = std::min(exponent * 10 + (digit - '0'), kFarBeyond);
    if (down) exponent = -exponent;
  }
  const std::size_t point = std::min(mantissa.find('.'), mantissa.size());
  const std::size_t first = mantissa.find_first_not_of("0.");
  if (first == std::string_view::npos) return negative ? -0.0 : 0.0;
  exponent += static_cast<std::int64_t>(point) - static_cast<std::int64_t>(first);
  const double magnitude = exponent > 0 ? std::numeric_limits<double>::infinity() : 0.0;
  return negative ? -magnitude : magnitude;
}

}  // namespace carat::internal
