#include "lib/chat/python_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdlib>

#include "absl/strings/str_format.h"
#include "lib/base/utf8.h"

namespace carat::internal {
namespace {

namespace dom = simdjson::dom;

struct CodePoint {
  char32_t code = 0;
  std::size_t length = 1;
};

// The first character of a text that is not empty; a byte that belongs to none counts as one.
CodePoint FirstOf(std::string_view text) {
  const std::size_t length = Utf8CharacterLength(text);
  const auto byte = [text](std::size_t i) {
    return static_cast<char32_t>(static_cast<unsigned char>(text[i]));
  };
  switch (length) {
    case 2:
      return {(byte(0) & 0x1F) << 6 | (byte(1) & 0x3F), 2};
    case 3:
      return {(byte(0) & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F), 3};
    case 4:
      return {(byte(0) & 0x07) << 18 | (byte(1) & 0x3F) << 12 | (byte(2) & 0x3F) << 6 | (byte(3) & 0x3F), 4};
    default:
      return {byte(0), 1};
  }
}

void AppendCodePoint(char32_t code, std::string* text) {
  const auto put = [text](char32_t byte) { *text += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else {  // the alphabets below all take two bytes
    put(0xC0 | code >> 6);
    put(0x80 | (code & 0x3F));
  }
}

bool IsWhiteSpaceCode(char32_t code) {
  return (code >= 0x09 && code <= 0x0D) || (code >= 0x1C && code <= 0x20) || code == 0x85 || code == 0xA0 ||
         code == 0x1680 || (code >= 0x2000 && code <= 0x200A) || code == 0x2028 || code == 0x2029 ||
         code == 0x202F || code == 0x205F || code == 0x3000;
}

char32_t LowerCode(char32_t code) {
  if (code >= 'A' && code <= 'Z') return code + 0x20;
  if (code >= 0xC0 && code <= 0xDE && code != 0xD7) return code + 0x20;
  if ((code >= 0x100 && code <= 0x12F) || (code >= 0x14A && code <= 0x177)) return code | 1;
  if (code >= 0x391 && code <= 0x3A9 && code != 0x3A2) return code + 0x20;
  if (code >= 0x400 && code <= 0x40F) return code + 0x50;
  if (code >= 0x410 && code <= 0x42F) return code + 0x20;
  return code;
}

char32_t UpperCode(char32_t code) {
  if (code >= 'a' && code <= 'z') return code - 0x20;
  if (code >= 0xE0 && code <= 0xFE && code != 0xF7) return code - 0x20;
  if ((code >= 0x100 && code <= 0x12F) || (code >= 0x14A && code <= 0x177)) return code & ~char32_t{1};
  if (code >= 0x3B1 && code <= 0x3C9 && code != 0x3C2) return code - 0x20;
  if (code >= 0x450 && code <= 0x45F) return code - 0x50;
  if (code >= 0x430 && code <= 0x44F) return code - 0x20;
  return code;
}

template <typename Change>
std::string ChangeCase(std::string_view text, Change change) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const CodePoint first = FirstOf(text);
    if (const char32_t changed = change(first.code); changed != first.code && first.length <= 2) {
      AppendCodePoint(changed, &out);
    } else {
      out += text.substr(0, first.length);
    }
    text.remove_prefix(first.length);
  }
  return out;
}

// repr() of a float: the shortest digits that give the number back, as a decimal fraction where its exponent
// is -4 .. 15.
std::string NumberText(double value) {
  std::array<char, 32> buffer;
  const auto end =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::scientific);
  const std::string_view text(buffer.data(), static_cast<std::size_t>(end.ptr - buffer.data()));
  const std::size_t e = text.find('e');
  if (e == std::string_view::npos) return std::string(text);
  const bool negative = text.front() == '-';
  std::string digits;
  for (const char c : text.substr(0, e)) {
    if (c >= '0' && c <= '9') digits += c;
  }
  const int exponent = std::atoi(std::string(text.substr(e + 1)).c_str());
  const auto count = static_cast<int>(digits.size());
  std::string out = negative ? "-" : "";
  if (exponent < -4 || exponent >= 16) {
    out += digits[0];
    if (count > 1) out.append(1, '.').append(digits, 1);
    return out + absl::StrFormat("e%c%02d", exponent < 0 ? '-' : '+', std::abs(exponent));
  }
  if (exponent < 0)
    return out.append("0.").append(static_cast<std::size_t>(-exponent - 1), '0').append(digits);
  const std::size_t whole = static_cast<std::size_t>(exponent) + 1;
  if (digits.size() <= whole) return out.append(digits).append(whole - digits.size(), '0').append(".0");
  return out.append(digits, 0, whole).append(1, '.').append(digits, whole);
}

// repr() of a text.
std::string Quoted(std::string_view text) {
  const bool double_quotes =
      text.find('\'') != std::string_view::npos && text.find('"') == std::string_view::npos;
  const char quote = double_quotes ? '"' : '\'';
  std::string out(1, quote);
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == quote || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || byte == 0x7F) {
      out += absl::StrFormat("\\x%02x", byte);
    } else {
      out += c;
    }
  }
  return out + quote;
}

// repr() of any value.
std::string Representation(const dom::element& value) {
  switch (value.type()) {
    case dom::element_type::ARRAY: {
      std::string out = "[";
      for (const dom::element item : dom::array(value)) {
        if (out.size() > 1) out += ", ";
        out += Representation(item);
      }
      return out + "]";
    }
    case dom::element_type::OBJECT: {
      std::string out = "{";
      for (const auto [key, member] : dom::object(value)) {
        if (out.size() > 1) out += ", ";
        out += Quoted(key) + ": " + Representation(member);
      }
      return out + "}";
    }
    case dom::element_type::STRING:
      return Quoted(std::string_view(value));
    case dom::element_type::INT64:
      return absl::StrFormat("%d", std::int64_t(value));
    case dom::element_type::UINT64:
      return absl::StrFormat("%d", std::uint64_t(value));
    case dom::element_type::DOUBLE:
      return NumberText(double(value));
    case dom::element_type::BOOL:
      return bool(value) ? "True" : "False";
    case dom::element_type::NULL_VALUE:
      return "None";
  }
  return "";
}

}  // namespace

std::string_view StripLeadingWhiteSpace(std::string_view text) {
  while (!text.empty()) {
    const CodePoint first = FirstOf(text);
    if (!IsWhiteSpaceCode(first.code)) break;
    text.remove_prefix(first.length);
  }
  return text;
}

std::string_view StripWhiteSpace(std::string_view text) {
  text = StripLeadingWhiteSpace(text);
  while (!text.empty()) {
    std::size_t begin = text.size() - 1;
    while (begin > 0 && text.size() - begin < 4 && (static_cast<unsigned char>(text[begin]) & 0xC0) == 0x80)
      --begin;
    const CodePoint last = FirstOf(text.substr(begin));
    if (begin + last.length != text.size() || !IsWhiteSpaceCode(last.code)) break;
    text.remove_suffix(last.length);
  }
  return text;
}

std::string UpperCase(std::string_view text) {
  return ChangeCase(text, UpperCode);
}

std::string LowerCase(std::string_view text) {
  return ChangeCase(text, LowerCode);
}

std::string PythonText(const dom::element& value) {
  if (value.is_string()) return std::string(std::string_view(value));
  return Representation(value);
}

bool IsTruthy(const dom::element& value) {
  switch (value.type()) {
    case dom::element_type::ARRAY:
      return dom::array(value).size() > 0;
    case dom::element_type::OBJECT:
      return dom::object(value).size() > 0;
    case dom::element_type::STRING:
      return !std::string_view(value).empty();
    case dom::element_type::INT64:
      return std::int64_t(value) != 0;
    case dom::element_type::UINT64:
      return std::uint64_t(value) != 0;
    case dom::element_type::DOUBLE:
      return double(value) != 0;
    case dom::element_type::BOOL:
      return bool(value);
    case dom::element_type::NULL_VALUE:
      return false;
  }
  return false;
}

std::vector<std::pair<std::string_view, dom::element>> SortedMembers(const dom::object& object) {
  std::vector<std::pair<std::string, std::pair<std::string_view, dom::element>>> by_lower_case;
  for (const auto [key, value] : object) by_lower_case.push_back({LowerCase(key), {key, value}});
  std::stable_sort(by_lower_case.begin(), by_lower_case.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::pair<std::string_view, dom::element>> members;
  members.reserve(by_lower_case.size());
  for (const auto& [lower, member] : by_lower_case) members.push_back(member);
  return members;
}

}  // namespace carat::internal
