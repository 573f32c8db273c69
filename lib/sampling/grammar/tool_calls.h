// Programs for JSON Schema and for calls of declared tools.
#ifndef CARAT_LIB_SAMPLING_GRAMMAR_TOOL_CALLS_H_
#define CARAT_LIB_SAMPLING_GRAMMAR_TOOL_CALLS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "carat/status.h"
#include "lib/sampling/grammar/program.h"

namespace carat::internal {

// A document for the schema. `closed_objects`: see JsonSchemaOptions. Errors: those of SchemaReader, and
// INVALID_ARGUMENT if no document fits.
Result<std::shared_ptr<const Program>> CompileJsonSchema(std::string_view schema, std::uint16_t most_spaces,
                                                         bool closed_objects);

// call:NAME{key:value,...} and the control token that ends it, for one of the tools. `whole`: one or more of
// these, each behind the control token that begins it. Errors: as above, naming the tool.
Result<std::shared_ptr<const Program>> CompileTools(std::string_view tools, bool whole, bool closed_objects);

// The pieces of Gemma 4's control tokens for tool calls.
inline constexpr std::string_view kStringToken = "<|\"|>";
inline constexpr std::string_view kCallBeginToken = "<|tool_call>";
inline constexpr std::string_view kCallEndToken = "<tool_call|>";

}  // namespace carat::internal

#endif  // CARAT_LIB_SAMPLING_GRAMMAR_TOOL_CALLS_H_
