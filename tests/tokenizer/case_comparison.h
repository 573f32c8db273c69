// Holding a tokenizer to a file of cases. The comparison uses nothing but carat/tokenizer.h.
//
// A file of cases is JSON: {"source": ..., "cases": [{"text": ..., "ids": [...], "decoded": ...,
// "decoded_skip": ..., "ids_plain": [...]}, ...]}. `ids` is the text with special tokens found in it,
// `decoded` these ids as text, `decoded_skip` the same without special tokens, `ids_plain` (may be absent)
// the text with special tokens taken as text. A case without `text` is about decoding alone.
#ifndef CARAT_TESTS_TOKENIZER_CASE_COMPARISON_H_
#define CARAT_TESTS_TOKENIZER_CASE_COMPARISON_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "carat/tokenizer.h"

namespace carat::testing {

struct TokenizerCase {
  std::optional<std::string> text;
  std::vector<std::int32_t> ids;
  std::optional<std::vector<std::int32_t>> plain_ids;
  std::string decoded;
  std::string decoded_skip;
};

Result<std::vector<TokenizerCase>> ReadTokenizerCases(const std::string& path);

// A sentence for everything in which the tokenizer differs from the case: ids, decoded text, both kinds of
// streaming.
std::vector<std::string> Differences(const Tokenizer& tokenizer, const TokenizerCase& expected);

// The text that a StreamDecoder gives for the ids, or the reason why it is wrong: an error, or a piece that
// is not valid UTF-8 by itself.
Result<std::string> Stream(const Tokenizer& tokenizer, const std::vector<std::int32_t>& ids,
                           const DecodeOptions& options);

}  // namespace carat::testing

#endif  // CARAT_TESTS_TOKENIZER_CASE_COMPARISON_H_
