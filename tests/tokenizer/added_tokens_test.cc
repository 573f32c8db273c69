#include "lib/tokenizer/added_tokens.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "lib/tokenizer/characters.h"

namespace carat::internal {
namespace {

AddedToken Token(std::int32_t id, std::string content) {
  AddedToken token;
  token.id = id;
  token.content = std::move(content);
  return token;
}

// "text|1:<a>|text": plain parts, and tokens with their ids.
std::string Split(std::vector<AddedToken> tokens, std::string_view text, bool find_special = true) {
  std::vector<TextPart> parts;
  AddedTokenFinder(std::move(tokens)).Split(text, find_special, &parts);
  std::string out;
  for (const TextPart& part : parts) {
    if (!out.empty()) out += '|';
    if (part.id != TextPart::kText) out.append(std::to_string(part.id)).append(":");
    out += part.text;
  }
  return out;
}

TEST(AddedTokenFinderTest, FindsTheLeftmostAndOfTheseTheLongest) {
  const std::vector<AddedToken> tokens = {Token(1, "ab"), Token(2, "abcd"), Token(3, "bcde"), Token(4, "b")};
  EXPECT_EQ(Split(tokens, ""), "");
  EXPECT_EQ(Split(tokens, "xyz"), "xyz");
  EXPECT_EQ(Split(tokens, "abcde"), "2:abcd|e");
  EXPECT_EQ(Split(tokens, "abcx"), "1:ab|cx");
  EXPECT_EQ(Split(tokens, "xbcdex"), "x|3:bcde|x");
  EXPECT_EQ(Split(tokens, "xbcd"), "x|4:b|cd");
  EXPECT_EQ(Split(tokens, "abab"), "1:ab|1:ab");
}

TEST(AddedTokenFinderTest, WorksOnAnyBytes) {
  const std::vector<AddedToken> tokens = {Token(1, "\u00E9"), Token(2, std::string("\0", 1)),
                                          Token(3, "\U0010FFFF")};
  EXPECT_EQ(Split(tokens, "a\u00E9\u00E8"), "a|1:\u00E9|\u00E8");
  EXPECT_EQ(Split(tokens, "\U0010FFFF"), "3:\U0010FFFF");
  EXPECT_EQ(Split(tokens, std::string("\0a", 2)), std::string("2:\0|a", 5));
}

TEST(AddedTokenFinderTest, ASpecialTokenAsTextHidesWhatIsInsideIt) {
  std::vector<AddedToken> tokens = {Token(1, "<x\ny>"), Token(2, "\n")};
  tokens[0].special = true;
  EXPECT_EQ(Split(tokens, "a<x\ny>\nb"), "a|1:<x\ny>|2:\n|b");
  EXPECT_EQ(Split(tokens, "a<x\ny>\nb", /*find_special=*/false), "a<x\ny>|2:\n|b");
}

TEST(AddedTokenFinderTest, StripsWhiteSpace) {
  AddedToken left = Token(1, "<l>"), right = Token(2, "<r>");
  left.strip_left = right.strip_right = true;
  const std::vector<AddedToken> tokens = {left, right};
  EXPECT_EQ(Split(tokens, "a \t<l> b"), "a|1: \t<l>| b");
  EXPECT_EQ(Split(tokens, "a <r>\u3000\n b"), "a |2:<r>\u3000\n |b");
  EXPECT_EQ(Split(tokens, "<r>  <l>"), "2:<r>  |1:<l>");
  EXPECT_EQ(Split(tokens, " <l>"), "1: <l>");
}

TEST(AddedTokenFinderTest, WhiteSpaceThatWasTakenIsSearchedAllTheSame) {
  AddedToken right = Token(1, "<r>"), newline = Token(2, "\n");
  right.strip_right = true;
  EXPECT_EQ(Split({right, newline}, "<r> \n b"), "1:<r> \n |2:\n| b");
  newline.strip_left = true;
  EXPECT_EQ(Split({right, newline}, "<r>\nb"), "1:<r>\n|b");
}

TEST(AddedTokenFinderTest, SingleWords) {
  AddedToken word = Token(1, "word");
  word.single_word = true;
  EXPECT_EQ(Split({word}, "word words sword word"), "1:word| words sword |1:word");
  EXPECT_EQ(Split({word}, "(word)"), "(|1:word|)");
  EXPECT_EQ(Split({word}, "\u00E9word"), "\u00E9word");
  EXPECT_EQ(Split({word}, "word\u0301"), "word\u0301");
  EXPECT_EQ(Split({word}, "word\u2581"), "1:word|\u2581");
  EXPECT_EQ(Split({word}, "wordword"), "wordword");
}

TEST(CharactersTest, ReadsCharactersFromBothEnds) {
  const std::pair<char32_t, std::string_view> characters[] = {{0x0, std::string_view("\0", 1)},
                                                              {0x7F, "\x7F"},
                                                              {0x80, "\xC2\x80"},
                                                              {0x7FF, "\xDF\xBF"},
                                                              {0x800, "\xE0\xA0\x80"},
                                                              {0xFFFF, "\xEF\xBF\xBF"},
                                                              {0x10000, "\xF0\x90\x80\x80"},
                                                              {0x10FFFF, "\xF4\x8F\xBF\xBF"}};
  for (const auto& [code, bytes] : characters) {
    std::string text("z");
    text.append(bytes).append("z");
    const std::string_view view = text;
    EXPECT_EQ(FirstCharacter(view.substr(1)).code, code);
    EXPECT_EQ(FirstCharacter(view.substr(1)).length, bytes.size());
    EXPECT_EQ(LastCharacter(view.substr(0, view.size() - 1)).code, code);
  }
}

TEST(CharactersTest, KnowsWordsAndSpaces) {
  for (const char32_t code : {U'a', U'Z', U'_', U'0', U'\u00E9', U'\u4F60', U'\u0301', U'\u200D', U'\u0967'})
    EXPECT_TRUE(IsWordCharacter(code)) << static_cast<unsigned>(code);
  for (const char32_t code :
       {U' ', U'-', U'/', U':', U'@', U'\u2581', U'\u00A0', U'\U0001F600', U'\U0010FFFF'})
    EXPECT_FALSE(IsWordCharacter(code)) << static_cast<unsigned>(code);
  for (const char32_t code : {U' ', U'\t', U'\r', U'\u0085', U'\u00A0', U'\u2028', U'\u3000'})
    EXPECT_TRUE(IsWhiteSpace(code)) << static_cast<unsigned>(code);
  for (const char32_t code : {U'a', U'\u2581', U'\u200B', U'\uFEFF', U'\u001F'})
    EXPECT_FALSE(IsWhiteSpace(code)) << static_cast<unsigned>(code);
}

}  // namespace
}  // namespace carat::internal
