#include "lib/tokenizer/characters.h"

#include <algorithm>
#include <iterator>

namespace carat::internal {
namespace {

struct CodeRange {
  char32_t first, last;
};

constexpr CodeRange kWordRanges[] = {
#include "lib/tokenizer/word_ranges.inc"
};

}  // namespace

Character FirstCharacter(std::string_view text) {
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const char32_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  if (lead < 0xE0) return {(lead & 0x1F) << 6 | (byte(1) & 0x3F), 2};
  if (lead < 0xF0) return {(lead & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F), 3};
  return {(lead & 0x07) << 18 | (byte(1) & 0x3F) << 12 | (byte(2) & 0x3F) << 6 | (byte(3) & 0x3F), 4};
}

Character LastCharacter(std::string_view text) {
  std::size_t begin = text.size() - 1;
  while (begin > 0 && (static_cast<unsigned char>(text[begin]) & 0xC0) == 0x80) --begin;
  return FirstCharacter(text.substr(begin));
}

bool IsWhiteSpace(char32_t code) {
  return (code >= 0x09 && code <= 0x0D) || code == 0x20 || code == 0x85 || code == 0xA0 || code == 0x1680 ||
         (code >= 0x2000 && code <= 0x200A) || code == 0x2028 || code == 0x2029 || code == 0x202F ||
         code == 0x205F || code == 0x3000;
}

bool IsWordCharacter(char32_t code) {
  const auto* range = std::lower_bound(std::begin(kWordRanges), std::end(kWordRanges), code,
                                       [](const CodeRange& r, char32_t c) { return r.last < c; });
  return range != std::end(kWordRanges) && range->first <= code;
}

}  // namespace carat::internal
