#include "lib/chat/python_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <span>
#include <utility>

#include "absl/strings/str_format.h"
#include "lib/base/decimal.h"
#include "lib/base/json_text.h"
#include "lib/base/utf8.h"

namespace carat::internal {
namespace {

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

// The last one of a text that is not empty.
CodePoint LastOf(std::string_view text) {
  std::size_t begin = text.size() - 1;
  while (begin > 0 && text.size() - begin < 4 && (static_cast<unsigned char>(text[begin]) & 0xC0) == 0x80)
    --begin;
  const CodePoint last = FirstOf(text.substr(begin));
  if (begin + last.length == text.size()) return last;
  return {static_cast<char32_t>(static_cast<unsigned char>(text.back())), 1};
}

bool IsWhiteSpaceCode(char32_t code) {
  return (code >= 0x09 && code <= 0x0D) || (code >= 0x1C && code <= 0x20) || code == 0x85 || code == 0xA0 ||
         code == 0x1680 || (code >= 0x2000 && code <= 0x200A) || code == 0x2028 || code == 0x2029 ||
         code == 0x202F || code == 0x205F || code == 0x3000;
}

// Characters first, first + step ... last, which differ from their other case by `difference`.
struct CaseRange {
  char32_t first, last;
  std::int32_t step, difference;
};
// A character that becomes several.
struct CaseString {
  char32_t code;
  std::string_view text;
};
struct CodeRange {
  char32_t first, last;
};
#include "lib/chat/python_characters.inc"

// The range that a code may lie in; null if there is none.
template <typename Range>
const Range* Find(std::span<const Range> ranges, char32_t code) {
  const auto behind =
      std::upper_bound(ranges.begin(), ranges.end(), code,
                       [](char32_t value, const Range& range) { return value < range.first; });
  if (behind == ranges.begin()) return nullptr;
  const Range& range = *std::prev(behind);
  return code <= range.last ? &range : nullptr;
}

bool IsIn(std::span<const CodeRange> ranges, char32_t code) {
  return Find(ranges, code) != nullptr;
}

struct CaseTable {
  std::span<const CaseRange> ranges;
  std::span<const CaseString> strings;
};

void AppendInCase(const CaseTable& table, char32_t code, std::string_view character, std::string* out) {
  const auto string = std::find_if(table.strings.begin(), table.strings.end(),
                                   [code](const auto& s) { return s.code == code; });
  const CaseRange* range = Find(table.ranges, code);
  if (string != table.strings.end()) {
    *out += string->text;
  } else if (range != nullptr && (code - range->first) % static_cast<char32_t>(range->step) == 0) {
    AppendUtf8Character(static_cast<char32_t>(static_cast<std::int32_t>(code) + range->difference), out);
  } else {
    *out += character;
  }
}

// Whether a capital sigma between two texts is written as one that ends a word: behind a cased letter and
// before none, where characters like an apostrophe have no say.
bool IsFinalSigma(std::string_view before, std::string_view after) {
  CodePoint last;
  do {
    if (before.empty()) return false;
    last = LastOf(before);
    before.remove_suffix(last.length);
  } while (IsIn(kIgnoredByCase, last.code));
  if (!IsIn(kCased, last.code)) return false;
  while (!after.empty()) {
    const CodePoint first = FirstOf(after);
    if (!IsIn(kIgnoredByCase, first.code)) return !IsIn(kCased, first.code);
    after.remove_prefix(first.length);
  }
  return true;
}

// repr() of a float that is finite: the shortest digits that give the number back, as a decimal fraction
// where its exponent is -4 .. 15.
std::string FloatText(double value) {
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

// A number: as Python prints it, unless digits would get lost.
std::string NumberText(std::string_view number) {
  if (number.find_first_of(".eE") == std::string_view::npos)
    return std::string(number == "-0" ? std::string_view("0") : number);
  const double value = JsonDouble(number);
  if (!std::isfinite(value)) return std::string(number);
  std::string text = FloatText(value);
  return SameNumber(text, number) ? text : std::string(number);
}

// repr() of a text.
std::string Quoted(std::string_view text) {
  const bool double_quotes =
      text.find('\'') != std::string_view::npos && text.find('"') == std::string_view::npos;
  const char quote = double_quotes ? '"' : '\'';
  std::string out(1, quote);
  while (!text.empty()) {
    const CodePoint first = FirstOf(text);
    const std::string_view character = text.substr(0, first.length);
    text.remove_prefix(first.length);
    if (character[0] == quote || character[0] == '\\') {
      out.append("\\").append(character);
    } else if (character == "\n") {
      out += "\\n";
    } else if (character == "\r") {
      out += "\\r";
    } else if (character == "\t") {
      out += "\\t";
    } else if (!IsIn(kNotPrintable, first.code)) {
      out += character;
    } else if (first.code < 0x100) {
      out += absl::StrFormat("\\x%02x", static_cast<std::uint32_t>(first.code));
    } else if (first.code < 0x10000) {
      out += absl::StrFormat("\\u%04x", static_cast<std::uint32_t>(first.code));
    } else {
      out += absl::StrFormat("\\U%08x", static_cast<std::uint32_t>(first.code));
    }
  }
  return out + quote;
}

// repr() of a value; of an array or object only the opening bracket.
std::string BeginOfRepresentation(const JsonValue& value) {
  switch (value.kind()) {
    case JsonKind::kArray:
      return "[";
    case JsonKind::kObject:
      return "{";
    case JsonKind::kString:
      return Quoted(value.text());
    case JsonKind::kNumber:
      return NumberText(value.text());
    case JsonKind::kTrue:
      return "True";
    case JsonKind::kFalse:
      return "False";
    case JsonKind::kNull:
      return "None";
  }
  return "";
}

// repr() of any value.
std::string Representation(const JsonValue& value) {
  struct Open {
    JsonValue value;
    std::size_t next = 0;
  };
  std::vector<Open> open;
  std::string out = BeginOfRepresentation(value);
  if (value.is_array() || value.is_object()) open.push_back({value});
  while (!open.empty()) {
    Open& now = open.back();
    if (now.next == now.value.size()) {
      out += now.value.is_array() ? ']' : '}';
      open.pop_back();
      continue;
    }
    if (now.next > 0) out += ", ";
    const JsonValue child = now.value[now.next++];
    if (now.value.is_object()) out += Quoted(child.key()) + ": ";
    out += BeginOfRepresentation(child);
    if (child.is_array() || child.is_object()) open.push_back({child});
  }
  return out;
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
    const CodePoint last = LastOf(text);
    if (!IsWhiteSpaceCode(last.code)) break;
    text.remove_suffix(last.length);
  }
  return text;
}

std::string UpperCase(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const CodePoint first = FirstOf(text);
    AppendInCase({kUpper, kUpperStrings}, first.code, text.substr(0, first.length), &out);
    text.remove_prefix(first.length);
  }
  return out;
}

std::string LowerCase(std::string_view text) {
  constexpr char32_t kCapitalSigma = 0x3A3;
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint first = FirstOf(text.substr(at));
    const std::string_view character = text.substr(at, first.length);
    at += first.length;
    if (first.code == kCapitalSigma && IsFinalSigma(text.substr(0, at - first.length), text.substr(at))) {
      out += "\u03C2";
    } else {
      AppendInCase({kLower, kLowerStrings}, first.code, character, &out);
    }
  }
  return out;
}

std::string PythonText(const JsonValue& value) {
  if (value.is_string()) return std::string(value.text());
  return Representation(value);
}

bool IsTruthy(const JsonValue& value) {
  switch (value.kind()) {
    case JsonKind::kArray:
    case JsonKind::kObject:
      return value.size() > 0;
    case JsonKind::kString:
      return !value.text().empty();
    case JsonKind::kNumber:
      return JsonDouble(value.text()) != 0;
    case JsonKind::kTrue:
      return true;
    case JsonKind::kFalse:
    case JsonKind::kNull:
      return false;
  }
  return false;
}

std::vector<JsonValue> SortedMembers(const JsonValue& object) {
  std::vector<std::pair<std::string, JsonValue>> by_lower_case;
  by_lower_case.reserve(object.size());
  for (std::size_t i = 0; i < object.size(); ++i)
    by_lower_case.emplace_back(LowerCase(object[i].key()), object[i]);
  std::stable_sort(by_lower_case.begin(), by_lower_case.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<JsonValue> members;
  members.reserve(by_lower_case.size());
  for (const auto& [lower, member] : by_lower_case) members.push_back(member);
  return members;
}

}  // namespace carat::internal
