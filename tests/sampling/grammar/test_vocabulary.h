// A small vocabulary, and ways to run texts through a grammar with it.
#ifndef CARAT_TESTS_SAMPLING_GRAMMAR_TEST_VOCABULARY_H_
#define CARAT_TESTS_SAMPLING_GRAMMAR_TEST_VOCABULARY_H_

#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "carat/grammar.h"

namespace carat::test {

inline constexpr std::int32_t kStop = 1;
inline constexpr std::int32_t kQuote = 2;      // <|"|>
inline constexpr std::int32_t kCallBegin = 3;  // <|tool_call>
inline constexpr std::int32_t kCallEnd = 4;    // <tool_call|>
inline constexpr std::int32_t kThoughtBegin = 5;
inline constexpr std::int32_t kThoughtEnd = 6;
inline constexpr std::int32_t kFirstByte = 7;  // then one token for each byte

// Control tokens, all bytes, and pieces as a vocabulary has them: words, JSON's marks together, parts of
// characters.
const GrammarVocabulary& TestVocabulary();
std::string_view BytesOf(std::int32_t token);

// The first token with these bytes.
std::optional<std::int32_t> TokenWith(std::string_view bytes);

bool IsSet(std::span<const std::uint64_t> mask, std::int32_t token);

// The token of one byte.
inline std::int32_t ByteToken(char byte) {
  return kFirstByte + static_cast<unsigned char>(byte);
}

// A random way of cutting a text into tokens of the vocabulary.
std::vector<std::int32_t> Cut(std::string_view text, std::mt19937_64& random);

// Whether the grammar admits the text: every token is in its mask and can be accepted, and the stop token is
// in the last. Fails the test where mask and acceptance disagree.
bool Admits(const Grammar& grammar, std::string_view text, std::mt19937_64& random);
// The same, byte by byte and without masks.
bool AdmitsBytes(const Grammar& grammar, std::string_view text);

// A constraint with the test vocabulary.
GrammarConstraint Constrain(const Grammar& grammar, const ConstraintOptions& options = {});

// Goes on by single bytes to an end, with the schema's strings as what may help. Nothing where, after some
// thousand, none was found.
std::optional<std::string> FindEnd(const GrammarConstraint& constraint, std::string_view schema);

}  // namespace carat::test

#endif  // CARAT_TESTS_SAMPLING_GRAMMAR_TEST_VOCABULARY_H_
