// Reading tokenizer.model.
#ifndef CARAT_LIB_TOKENIZER_TOKENIZER_MODEL_H_
#define CARAT_LIB_TOKENIZER_TOKENIZER_MODEL_H_

#include <string>
#include <string_view>

#include "carat/status.h"
#include "lib/tokenizer/tokenizer_table.h"

namespace carat::internal {

// Special are the control pieces and the unknown piece. User-defined pieces are text that the model matches
// as a whole, whatever EncodeOptions says. Errors: DATA_LOSS for a file that is malformed, UNIMPLEMENTED
// naming the setting that is not Gemma's,
// RESOURCE_EXHAUSTED. `source` names the bytes in them: the path, usually.
Result<TokenizerTable::Parts> ReadTokenizerModel(std::string_view bytes, const std::string& source);

}  // namespace carat::internal

#endif  // CARAT_LIB_TOKENIZER_TOKENIZER_MODEL_H_
