// UTF-8: reading it one character at a time, and making it valid.
#ifndef CARAT_LIB_BASE_UTF8_H_
#define CARAT_LIB_BASE_UTF8_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace carat::internal {

inline constexpr std::string_view kReplacementCharacter = "\xEF\xBF\xBD";  // U+FFFD

// The length of the valid UTF-8 character at the beginning of `text` (no overlong forms, no surrogates, at
// most U+10FFFF); 0 if there is none.
std::size_t Utf8CharacterLength(std::string_view text);

// Whether the text could be the beginning of a longer valid character: "\xE2\x82" could, "\xE2\x28" could
// not.
bool IsUtf8Prefix(std::string_view text);

// Appends a character, which must be none of a surrogate pair and at most U+10FFFF.
void AppendUtf8Character(char32_t code, std::string* text);

bool IsValidUtf8(std::string_view text);

// The text with every byte that belongs to no valid character replaced by U+FFFD.
std::string SanitizeUtf8(std::string_view text);

}  // namespace carat::internal

#endif  // CARAT_LIB_BASE_UTF8_H_
