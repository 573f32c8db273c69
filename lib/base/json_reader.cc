#include "lib/base/json_reader.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <span>
#include <utility>

#include "absl/strings/str_format.h"
#include "lib/base/utf8.h"

namespace carat::internal {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
// Of fewer members each is compared with each.
constexpr std::size_t kFewMembers = 8;

bool IsSpace(char c) {
  return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

bool IsWordCharacter(char c) {
  return IsDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '+' || c == '-' ||
         c == '.';
}

bool IsHighSurrogate(std::uint32_t code) {
  return code >= 0xD800 && code <= 0xDBFF;
}

bool IsLowSurrogate(std::uint32_t code) {
  return code >= 0xDC00 && code <= 0xDFFF;
}

// Whether three bytes encode half of a surrogate pair, which UTF-8 does not have.
bool IsEncodedSurrogate(std::string_view text) {
  return text.size() >= 3 && text[0] == '\xED' && (static_cast<unsigned char>(text[1]) & 0xE0) == 0xA0 &&
         (static_cast<unsigned char>(text[2]) & 0xC0) == 0x80;
}

}  // namespace

bool JsonReader::Read() {
  if (text_.starts_with(kByteOrderMark)) at_ = kByteOrderMark.size();
  // All strings together are no longer than the text.
  data_.texts.reserve(text_.size());
  SkipSpace();
  if (AtEnd()) return Fail("it is empty");
  while (!done_) {
    if (!ReadValue() || !ReadAfterValue()) return false;
  }
  return true;
}

std::size_t JsonReader::line() const {
  const std::string_view before = text_.substr(0, problem_at_);
  return 1 + static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n'));
}

std::size_t JsonReader::column() const {
  std::string_view before = text_.substr(0, problem_at_);
  if (before.starts_with(kByteOrderMark)) before.remove_prefix(kByteOrderMark.size());
  before.remove_prefix(before.rfind('\n') + 1);  // npos + 1 is 0
  return 1 + static_cast<std::size_t>(std::count_if(before.begin(), before.end(), [](char c) {
           return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
         }));
}

bool JsonReader::Take(std::string_view word) {
  if (!text_.substr(at_).starts_with(word)) return false;
  at_ += word.size();
  return true;
}

void JsonReader::SkipSpace() {
  while (!AtEnd() && IsSpace(text_[at_])) ++at_;
}

bool JsonReader::Fail(std::string problem) {
  problem_ = std::move(problem);
  problem_at_ = at_;
  return false;
}

bool JsonReader::Expected(std::string_view what) {
  if (AtEnd()) return Fail(absl::StrFormat("expected %s, but the text ends", what));
  constexpr std::size_t kMostShown = 20;
  std::size_t end = at_;
  while (end < text_.size() && end - at_ < kMostShown && IsWordCharacter(text_[end])) ++end;
  if (end == at_) end += std::max<std::size_t>(1, Utf8CharacterLength(text_.substr(at_)));
  const std::string_view found = text_.substr(at_, end - at_);
  const auto byte = static_cast<unsigned char>(found[0]);
  if (byte < 0x20 || byte == 0x7F || !IsValidUtf8(found))
    return Fail(absl::StrFormat("expected %s, but found the byte 0x%02X", what, byte));
  return Fail(absl::StrFormat("expected %s, but found '%s'", what, found));
}

std::uint32_t JsonReader::AddNode() {
  const auto number = static_cast<std::uint32_t>(data_.nodes.size());
  JsonTreeData::Node& node = data_.nodes.emplace_back();
  node.key_begin = std::exchange(key_begin_, 0);
  node.key_size = std::exchange(key_size_, 0);
  if (!open_.empty()) {
    node.parent = open_.back().node;
    node.index = static_cast<std::uint32_t>(pending_.size() - open_.back().first_pending);
    pending_.push_back(number);
  }
  return number;
}

bool JsonReader::ReadValue() {
  switch (Peek()) {
    case '{':
      return OpenContainer(JsonKind::kObject);
    case '[':
      return OpenContainer(JsonKind::kArray);
    case '"': {
      std::uint32_t begin = 0;
      std::uint32_t size = 0;
      if (!ReadString(&begin, &size)) return false;
      JsonTreeData::Node& node = data_.nodes[AddNode()];
      node.kind = JsonKind::kString;
      node.begin = begin;
      node.size = size;
      return true;
    }
    case 't':
      return ReadWord("true", JsonKind::kTrue);
    case 'f':
      return ReadWord("false", JsonKind::kFalse);
    case 'n':
      return ReadWord("null", JsonKind::kNull);
    default:
      return IsDigit(Peek()) || Peek() == '-' ? ReadNumber() : Expected("a value");
  }
}

bool JsonReader::ReadWord(std::string_view word, JsonKind kind) {
  const std::string_view rest = text_.substr(at_);
  const bool whole =
      rest.starts_with(word) && (rest.size() == word.size() || !IsWordCharacter(rest[word.size()]));
  if (!whole) return Expected("a value");
  at_ += word.size();
  data_.nodes[AddNode()].kind = kind;
  return true;
}

bool JsonReader::ReadNumber() {
  const std::size_t begin = at_;
  const auto digits = [&] {
    const std::size_t first = at_;
    while (!AtEnd() && IsDigit(text_[at_])) ++at_;
    return at_ > first;
  };
  Take("-");
  const bool zero = Peek() == '0';
  const std::size_t whole = at_;
  if (!digits()) return Expected("a digit of a number");
  if (zero && at_ - whole > 1) {
    at_ = begin;
    return Fail("a number must not begin with 0 and another digit");
  }
  if (Take(".") && !digits()) return Expected("a digit behind the point of a number");
  if (Peek() == 'e' || Peek() == 'E') {
    ++at_;
    if (Peek() == '+' || Peek() == '-') ++at_;
    if (!digits()) return Expected("a digit of a number's exponent");
  }
  JsonTreeData::Node& node = data_.nodes[AddNode()];
  node.kind = JsonKind::kNumber;
  node.begin = static_cast<std::uint32_t>(data_.texts.size());
  node.size = static_cast<std::uint32_t>(at_ - begin);
  data_.texts += text_.substr(begin, at_ - begin);
  return true;
}

bool JsonReader::ReadString(std::uint32_t* begin, std::uint32_t* size) {
  const std::size_t quote = at_;
  ++at_;
  const std::size_t first = data_.texts.size();
  for (;;) {
    const std::size_t plain = at_;
    while (at_ < text_.size() && static_cast<unsigned char>(text_[at_]) < 0x80 && text_[at_] != '"' &&
           text_[at_] != '\\' && static_cast<unsigned char>(text_[at_]) >= 0x20)
      ++at_;
    data_.texts += text_.substr(plain, at_ - plain);
    if (AtEnd()) {
      at_ = quote;
      return Fail("the string that begins here has no end");
    }
    if (text_[at_] == '"') break;
    if (!ReadCharacter()) return false;
  }
  ++at_;
  *begin = static_cast<std::uint32_t>(first);
  *size = static_cast<std::uint32_t>(data_.texts.size() - first);
  return true;
}

// A character of a string that is not a plain one of ASCII.
bool JsonReader::ReadCharacter() {
  const auto byte = static_cast<unsigned char>(text_[at_]);
  if (byte == '\\') return ReadEscape();
  if (byte < 0x20)
    return Fail(
        absl::StrFormat("a string holds the control character U+%04X, which must be an escape", byte));
  const std::string_view rest = text_.substr(at_);
  if (IsEncodedSurrogate(rest)) {
    at_ += 3;
    data_.texts += kReplacementCharacter;
    return true;
  }
  const std::size_t length = Utf8CharacterLength(rest);
  if (length == 0) return Fail(absl::StrFormat("the byte 0x%02X is not UTF-8 here", byte));
  data_.texts += rest.substr(0, length);
  at_ += length;
  return true;
}

bool JsonReader::ReadEscape() {
  constexpr std::string_view kNames = "\"\\/bfnrt";
  constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
  ++at_;
  const char name = Peek();
  if (const std::size_t found = kNames.find(name); !AtEnd() && found != std::string_view::npos) {
    ++at_;
    data_.texts += kMeanings[found];
    return true;
  }
  if (name != 'u') return Expected("an escape (one of \" \\ / b f n r t u) behind \\");
  ++at_;
  std::uint32_t code = 0;
  if (!ReadHex(&code)) return false;
  if (IsHighSurrogate(code) && text_.substr(at_).starts_with("\\u")) {
    const std::size_t before = at_;
    at_ += 2;
    std::uint32_t low = 0;
    if (!ReadHex(&low)) return false;
    if (IsLowSurrogate(low)) {
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    } else {
      at_ = before;  // it stands for itself
    }
  }
  if (IsHighSurrogate(code) || IsLowSurrogate(code)) {
    data_.texts += kReplacementCharacter;
  } else {
    AppendUtf8Character(code, &data_.texts);
  }
  return true;
}

bool JsonReader::ReadHex(std::uint32_t* value) {
  *value = 0;
  for (int i = 0; i < 4; ++i) {
    const char c = Peek();
    const char letter = static_cast<char>(c | 0x20);
    if (IsDigit(c)) {
      *value = *value << 4 | static_cast<std::uint32_t>(c - '0');
    } else if (letter >= 'a' && letter <= 'f') {
      *value = *value << 4 | static_cast<std::uint32_t>(letter - 'a' + 10);
    } else {
      return Expected("four hexadecimal digits behind \\u");
    }
    ++at_;
  }
  return true;
}

bool JsonReader::ReadKey() {
  if (Peek() != '"') return Expected("a key in quotes");
  if (!ReadString(&key_begin_, &key_size_)) return false;
  SkipSpace();
  if (Peek() != ':') return Expected("':' behind a key");
  ++at_;
  SkipSpace();
  return true;
}

bool JsonReader::OpenContainer(JsonKind kind) {
  if (open_.size() >= deepest_) return Fail(absl::StrFormat("it is nested more than %d deep", deepest_));
  ++at_;
  const std::uint32_t node = AddNode();
  data_.nodes[node].kind = kind;
  open_.push_back({node, pending_.size()});
  return true;
}

void JsonReader::CloseContainer() {
  ++at_;
  const Open open = open_.back();
  open_.pop_back();
  if (data_.nodes[open.node].kind == JsonKind::kObject) DropEarlierKeys(open.first_pending);
  data_.nodes[open.node].begin = static_cast<std::uint32_t>(data_.children.size());
  data_.nodes[open.node].size = static_cast<std::uint32_t>(pending_.size() - open.first_pending);
  data_.children.insert(data_.children.end(),
                        pending_.begin() + static_cast<std::ptrdiff_t>(open.first_pending), pending_.end());
  pending_.resize(open.first_pending);
}

void JsonReader::DropEarlierKeys(std::size_t first_pending) {
  const std::span<std::uint32_t> members = std::span(pending_).subspan(first_pending);
  const auto key = [&](std::size_t i) {
    const JsonTreeData::Node& node = data_.nodes[members[i]];
    return std::string_view(data_.texts).substr(node.key_begin, node.key_size);
  };
  constexpr std::uint32_t kDropped = std::numeric_limits<std::uint32_t>::max();
  bool any = false;
  const auto replace = [&](std::size_t earlier, std::size_t later) {
    members[earlier] = members[later];
    members[later] = kDropped;
    any = true;
  };
  if (members.size() <= kFewMembers) {
    for (std::size_t later = 1; later < members.size(); ++later) {
      for (std::size_t i = 0; i < later; ++i) {
        if (members[i] == kDropped || key(i) != key(later)) continue;
        replace(i, later);
        break;
      }
    }
  } else {
    std::vector<std::size_t> order(members.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      const int compared = key(a).compare(key(b));
      return compared != 0 ? compared < 0 : a < b;
    });
    for (std::size_t i = 1, first = 0; i < order.size(); ++i) {
      if (key(order[i]) == key(order[first])) {
        replace(order[first], order[i]);
      } else {
        first = i;
      }
    }
  }
  if (!any) return;
  const auto begin = pending_.begin() + static_cast<std::ptrdiff_t>(first_pending);
  pending_.erase(std::remove(begin, pending_.end(), kDropped), pending_.end());
  for (std::size_t i = first_pending; i < pending_.size(); ++i)
    data_.nodes[pending_[i]].index = static_cast<std::uint32_t>(i - first_pending);
}

bool JsonReader::ReadAfterValue() {
  // Directly behind an opening bracket there may be nothing.
  bool opened = !open_.empty() && open_.back().node + 1 == data_.nodes.size();
  for (;;) {
    SkipSpace();
    if (open_.empty()) {
      done_ = true;
      return AtEnd() || Expected("the end of the text");
    }
    const bool object = data_.nodes[open_.back().node].kind == JsonKind::kObject;
    if (Peek() == (object ? '}' : ']')) {
      CloseContainer();
      opened = false;
      continue;
    }
    if (!opened) {
      if (Peek() != ',') return Expected(object ? "',' or '}'" : "',' or ']'");
      ++at_;
      SkipSpace();
    }
    return !object || ReadKey();
  }
}

}  // namespace carat::internal
