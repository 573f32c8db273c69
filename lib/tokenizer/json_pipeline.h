// The parts of tokenizer.json around the model: they must be Gemma's, since the encoder has no others.
#ifndef CARAT_LIB_TOKENIZER_JSON_PIPELINE_H_
#define CARAT_LIB_TOKENIZER_JSON_PIPELINE_H_

#include <optional>
#include <string>

#include "carat/status.h"
#include "lib/base/json.h"

namespace carat::internal {

// Whether version, normalizer, pre_tokenizer, post_processor and decoder do what the encoder and
// Tokenizer::Decode do. truncation and padding are left to the host, as in the reference. Errors:
// UNIMPLEMENTED naming the part that differs; DATA_LOSS or INVALID_ARGUMENT for a part that is malformed.
Status CheckPipeline(const JsonObject& root);

// The name of the token that the post_processor puts in front of a text.
Result<std::optional<std::string>> TokenInFront(const JsonObject& root);

}  // namespace carat::internal

#endif  // CARAT_LIB_TOKENIZER_JSON_PIPELINE_H_
