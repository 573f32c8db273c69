// The grammar notation GBNF.
#ifndef CARAT_LIB_SAMPLING_GRAMMAR_GBNF_H_
#define CARAT_LIB_SAMPLING_GRAMMAR_GBNF_H_

#include <memory>
#include <string_view>

#include "carat/status.h"
#include "lib/sampling/grammar/program.h"

namespace carat::internal {

// Errors: INVALID_ARGUMENT with the line for what is no grammar, for a rule that is missing, begins with
// itself or never ends; RESOURCE_EXHAUSTED.
Result<std::shared_ptr<const Program>> CompileGbnf(std::string_view text, std::string_view root);

}  // namespace carat::internal

#endif  // CARAT_LIB_SAMPLING_GRAMMAR_GBNF_H_
