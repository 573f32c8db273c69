// Tools in a prompt: their declarations, calls and results.
#ifndef CARAT_LIB_CHAT_TOOL_TEXT_H_
#define CARAT_LIB_CHAT_TOOL_TEXT_H_

#include <string_view>

#include "carat/chat.h"
#include "lib/chat/prompt_parts.h"

namespace carat::internal {

// <|tool>declaration:NAME{...}<tool|>. Errors: INVALID_ARGUMENT naming the tool.
Status WriteDeclaration(const ToolDefinition& tool, PromptWriter& out);

// <|tool_call>call:NAME{...}<tool_call|>. Errors: INVALID_ARGUMENT if the arguments are no JSON object.
Status WriteCall(const ToolCall& call, PromptWriter& out);

// <|tool_response>response:NAME{value:TEXT}<tool_response|>.
void WriteTextResponse(std::string_view name, std::string_view text, PromptWriter& out);

// The same of JSON: an object's members one by one, anything else as the value. Errors: INVALID_ARGUMENT.
Status WriteJsonResponse(std::string_view name, std::string_view json, PromptWriter& out);

}  // namespace carat::internal

#endif  // CARAT_LIB_CHAT_TOOL_TEXT_H_
