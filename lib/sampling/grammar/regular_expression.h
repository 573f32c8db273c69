// Patterns of JSON Schema (a subset of ECMA 262, with flag u) as automata.
#ifndef CARAT_LIB_SAMPLING_GRAMMAR_REGULAR_EXPRESSION_H_
#define CARAT_LIB_SAMPLING_GRAMMAR_REGULAR_EXPRESSION_H_

#include <memory>
#include <string_view>

#include "carat/status.h"
#include "lib/sampling/grammar/text_automaton.h"

namespace carat::internal {

// The texts in which the pattern is found somewhere, as JSON Schema asks for; ^ and $ anchor it. Known are
// alternation, groups, classes, . \d \w \s and their complements, escapes, and all repetitions. Errors:
// UNIMPLEMENTED for look-around, back references, \b and \p, INVALID_ARGUMENT for what is no pattern, both
// with the place in it; RESOURCE_EXHAUSTED.
Result<std::shared_ptr<const TextAutomaton>> CompilePattern(std::string_view pattern);

// The texts of a `format`; null for a name that is not known.
Result<std::shared_ptr<const TextAutomaton>> CompileFormat(std::string_view format);

}  // namespace carat::internal

#endif  // CARAT_LIB_SAMPLING_GRAMMAR_REGULAR_EXPRESSION_H_
