#include "lib/base/utf8.h"

#include <cstdint>

namespace carat::internal {
namespace {

struct LeadByte {
  std::size_t length = 0;                // of the character; 0 for a byte that begins none
  std::uint8_t low = 0x80, high = 0xBF;  // bounds of the second byte
};

LeadByte ReadLead(std::uint8_t byte) {
  if (byte < 0x80) return {1};
  if (byte < 0xC2) return {};
  if (byte < 0xE0) return {2};
  if (byte < 0xF0) {
    const std::uint8_t low = byte == 0xE0 ? 0xA0 : 0x80;
    const std::uint8_t high = byte == 0xED ? 0x9F : 0xBF;
    return {3, low, high};
  }
  if (byte > 0xF4) return {};
  const std::uint8_t low = byte == 0xF0 ? 0x90 : 0x80;
  const std::uint8_t high = byte == 0xF4 ? 0x8F : 0xBF;
  return {4, low, high};
}

// How many leading bytes of `text` fit the character that `lead` begins.
std::size_t MatchingBytes(std::string_view text, const LeadByte& lead) {
  std::size_t n = 1;
  while (n < lead.length && n < text.size()) {
    const auto byte = static_cast<std::uint8_t>(text[n]);
    const bool fits = n == 1 ? byte >= lead.low && byte <= lead.high : (byte & 0xC0) == 0x80;
    if (!fits) break;
    ++n;
  }
  return n;
}

}  // namespace

std::size_t Utf8CharacterLength(std::string_view text) {
  if (text.empty()) return 0;
  const LeadByte lead = ReadLead(static_cast<std::uint8_t>(text[0]));
  if (lead.length == 0) return 0;
  return MatchingBytes(text, lead) == lead.length ? lead.length : 0;
}

bool IsUtf8Prefix(std::string_view text) {
  if (text.empty()) return true;
  const LeadByte lead = ReadLead(static_cast<std::uint8_t>(text[0]));
  return text.size() < lead.length && MatchingBytes(text, lead) == text.size();
}

void AppendUtf8Character(char32_t code, std::string* text) {
  const auto put = [text](char32_t byte) { *text += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | code >> 6);
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3F));
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  }
}

bool IsValidUtf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t n = Utf8CharacterLength(text);
    if (n == 0) return false;
    text.remove_prefix(n);
  }
  return true;
}

std::string SanitizeUtf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::size_t n = Utf8CharacterLength(text);
    out += n == 0 ? kReplacementCharacter : text.substr(0, n);
    text.remove_prefix(n == 0 ? 1 : n);
  }
  return out;
}

}  // namespace carat::internal
