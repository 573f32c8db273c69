// What a tokenizer.json holds, in the terms of GGUF: for writing it there.
#ifndef CARAT_LIB_TOKENIZER_TOKENIZER_CONTENTS_H_
#define CARAT_LIB_TOKENIZER_TOKENIZER_CONTENTS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "carat/status.h"

namespace carat::internal {

struct TokenizerContents {
  std::vector<std::string> pieces;  // by id
  std::vector<std::int64_t> types;  // GgufPieceType
  std::vector<std::string> merges;  // "left right"
  std::optional<std::int32_t> unknown;
  std::optional<std::int32_t> bos;
};

// Of the tokenizer.json in a folder. Errors: those of Tokenizer::Load; UNIMPLEMENTED for what GGUF cannot
// say, and if there is only a tokenizer.model.
Result<TokenizerContents> ReadTokenizerContents(const std::string& folder);

}  // namespace carat::internal

#endif  // CARAT_LIB_TOKENIZER_TOKENIZER_CONTENTS_H_
