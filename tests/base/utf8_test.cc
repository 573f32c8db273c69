#include "lib/base/utf8.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace carat::internal {
namespace {

// The encoding of a code point, by the definition.
std::string Encode(std::uint32_t c) {
  const auto tail = [&](int shift) { return static_cast<char>(0x80 | (c >> shift & 0x3F)); };
  if (c < 0x80) return {static_cast<char>(c)};
  if (c < 0x800) return {static_cast<char>(0xC0 | c >> 6), tail(0)};
  if (c < 0x10000) return {static_cast<char>(0xE0 | c >> 12), tail(6), tail(0)};
  return {static_cast<char>(0xF0 | c >> 18), tail(12), tail(6), tail(0)};
}

TEST(Utf8, EveryCharacter) {
  for (std::uint32_t c = 0; c <= 0x10FFFF; ++c) {
    const bool surrogate = c >= 0xD800 && c <= 0xDFFF;
    const std::string text = Encode(c);
    ASSERT_EQ(Utf8CharacterLength(text + "x"), surrogate ? 0 : text.size()) << std::hex << c;
    for (std::size_t cut = 1; cut < text.size(); ++cut) {
      ASSERT_EQ(Utf8CharacterLength(text.substr(0, cut)), 0u) << std::hex << c;
      // The first byte of a surrogate also begins valid characters, the first two do not.
      ASSERT_EQ(IsUtf8Prefix(text.substr(0, cut)), !surrogate || cut == 1) << std::hex << c;
    }
    ASSERT_FALSE(IsUtf8Prefix(text)) << std::hex << c;
  }
}

TEST(Utf8, InvalidBeginnings) {
  const std::string_view invalid[] = {
      "",         "\x80",     "\xBF",         "\xC0\x80",         "\xC1\xBF",         "\xE0\x9F\xBF",
      "\xE2\x28", "\xC3\x28", "\xED\xA0\x80", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80",
      "\xFE",     "\xFF",     "\xE2\x82\x28", "\xF0\x9F\x98\x28"};
  for (const std::string_view text : invalid) EXPECT_EQ(Utf8CharacterLength(text), 0u) << text;
}

TEST(Utf8, Prefixes) {
  for (const std::string_view text : {"", "\xC3", "\xE2", "\xE2\x82", "\xF0", "\xF0\x9F", "\xF0\x9F\x98"}) {
    EXPECT_TRUE(IsUtf8Prefix(text)) << text.size();
  }
  for (const std::string_view text : {"a", "\x80", "\xC0", "\xE2\x28", "\xE0\x80", "\xED\xA0", "\xF4\x90",
                                      "\xF5", "\xE2\x82\xAC", "\xC3\xA9\xC3"}) {
    EXPECT_FALSE(IsUtf8Prefix(text)) << text;
  }
}

TEST(Utf8, WholeTexts) {
  EXPECT_TRUE(IsValidUtf8(""));
  EXPECT_TRUE(IsValidUtf8("plain"));
  EXPECT_TRUE(IsValidUtf8("gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x98\x80"));
  EXPECT_TRUE(IsValidUtf8(std::string_view("\0", 1)));
  EXPECT_FALSE(IsValidUtf8("cut \xE2\x82"));
  EXPECT_FALSE(IsValidUtf8("\xFF plain"));
}

TEST(Utf8, SanitizeReplacesByteByByte) {
  const std::string r(kReplacementCharacter);
  EXPECT_EQ(SanitizeUtf8(""), "");
  EXPECT_EQ(SanitizeUtf8("gr\xC3\xBC\xC3\x9F"), "gr\xC3\xBC\xC3\x9F");
  EXPECT_EQ(SanitizeUtf8("a\xFF"
                         "b"),
            "a" + r + "b");
  EXPECT_EQ(SanitizeUtf8("\xE2\x82"), r + r);
  EXPECT_EQ(SanitizeUtf8("\xE2\x82\xE2\x82\xAC"), r + r + "\xE2\x82\xAC");
  EXPECT_EQ(SanitizeUtf8("\xED\xA0\x80"), r + r + r);
}

TEST(Utf8, SanitizedTextIsValidWhateverTheBytes) {
  for (std::uint32_t i = 0; i < 1u << 16; ++i) {
    const std::string text = {'\xF0', static_cast<char>(i), static_cast<char>(i >> 8), '\x80', 'a'};
    const std::string clean = SanitizeUtf8(text);
    ASSERT_TRUE(IsValidUtf8(clean)) << i;
    ASSERT_EQ(clean.back(), 'a') << i;
  }
}

}  // namespace
}  // namespace carat::internal
