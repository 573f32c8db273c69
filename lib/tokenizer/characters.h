// What a character is, as far as tokenizers ask.
#ifndef CARAT_LIB_TOKENIZER_CHARACTERS_H_
#define CARAT_LIB_TOKENIZER_CHARACTERS_H_

#include <cstddef>
#include <string_view>

namespace carat::internal {

inline constexpr std::string_view kSpaceSymbol =
    "\xE2\x96\x81";  // U+2581, which stands for a space in pieces

struct Character {
  char32_t code = 0;
  std::size_t length = 0;  // in bytes
};

// The character at the beginning, and the one at the end, of a text that is valid UTF-8 and not empty.
Character FirstCharacter(std::string_view text);
Character LastCharacter(std::string_view text);

bool IsWhiteSpace(char32_t code);

// Whether the character is part of a word: letters, marks, digits and joiners, as \w says in the reference.
bool IsWordCharacter(char32_t code);

}  // namespace carat::internal

#endif  // CARAT_LIB_TOKENIZER_CHARACTERS_H_
