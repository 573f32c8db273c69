// Reading tokenizer.json.
#ifndef CARAT_LIB_TOKENIZER_TOKENIZER_JSON_H_
#define CARAT_LIB_TOKENIZER_TOKENIZER_JSON_H_

#include "carat/status.h"
#include "lib/base/json.h"
#include "lib/tokenizer/tokenizer_table.h"

namespace carat::internal {

// Errors: DATA_LOSS for a file that is malformed or contradicts itself, UNIMPLEMENTED naming the part of the
// pipeline that is not Gemma's, RESOURCE_EXHAUSTED.
Result<TokenizerTable::Parts> ReadTokenizerJson(const JsonDocument& document);

}  // namespace carat::internal

#endif  // CARAT_LIB_TOKENIZER_TOKENIZER_JSON_H_
