// The model and the added tokens of tokenizer.json.
#ifndef CARAT_LIB_TOKENIZER_JSON_MODEL_H_
#define CARAT_LIB_TOKENIZER_JSON_MODEL_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "carat/status.h"
#include "lib/base/json.h"
#include "lib/tokenizer/added_tokens.h"
#include "lib/tokenizer/bpe_encoder.h"
#include "lib/tokenizer/vocabulary.h"

namespace carat::internal {

// All of these: DATA_LOSS or INVALID_ARGUMENT for what is malformed, with file and key.

// model.vocab, pieces by id; they point into the document. The ids must be 0 .. n-1, each once.
Result<std::vector<std::string_view>> ReadModelPieces(const JsonObject& model);

// added_tokens. A token that is no piece of the model must have the id that the reference gives it, the next
// free one; its content is appended to `pieces`, which hold the model's pieces.
Result<std::vector<AddedToken>> ReadAddedTokens(const JsonObject& root,
                                                std::vector<std::string_view>* pieces);

// The model's options. Errors: UNIMPLEMENTED too, naming the option.
Result<BpeSettings> ReadModelSettings(const JsonObject& model, const Vocabulary& vocabulary,
                                      std::int32_t model_size);

// model.merges: a list of ["a", "b"], or of "a b".
Result<std::vector<MergeRule>> ReadMerges(const JsonObject& model, const Vocabulary& vocabulary,
                                          std::int32_t model_size);

}  // namespace carat::internal

#endif  // CARAT_LIB_TOKENIZER_JSON_MODEL_H_
