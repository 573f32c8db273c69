// Added tokens: pieces that are found in the text before the model sees it.
#ifndef CARAT_LIB_TOKENIZER_ADDED_TOKENS_H_
#define CARAT_LIB_TOKENIZER_ADDED_TOKENS_H_

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace carat::internal {

struct AddedToken {
  std::string content;  // what is looked for
  std::int32_t id = 0;
  bool special = false;      // a control token
  bool normalized = false;   // looked for after normalisation, not before
  bool strip_left = false;   // takes the white space before it
  bool strip_right = false;  // takes the white space after it
  bool single_word = false;  // not inside a word
};

// A part of a text: an added token, or text for the model.
struct TextPart {
  static constexpr std::int32_t kText = -1;
  std::string_view text;
  std::int32_t id = kText;
};

// Finds added tokens from left to right, the longest where several begin. Immutable.
class AddedTokenFinder {
 public:
  AddedTokenFinder() = default;
  // No content may be empty.
  explicit AddedTokenFinder(std::vector<AddedToken> tokens);

  bool empty() const { return tokens_.empty(); }

  // Cuts a text, valid UTF-8, into parts and appends them. With find_special false a special token that is
  // found counts as text, all of it: nothing shorter is looked for inside, as in the reference.
  void Split(std::string_view text, bool find_special, std::vector<TextPart>* parts) const;

 private:
  // The longest token at the beginning of the text, or null.
  const AddedToken* LongestAt(std::string_view text) const;

  std::vector<AddedToken> tokens_;               // sorted by content, byte by byte
  std::array<std::uint32_t, 257> first_byte_{};  // where the tokens that begin with each byte begin
};

}  // namespace carat::internal

#endif  // CARAT_LIB_TOKENIZER_ADDED_TOKENS_H_
