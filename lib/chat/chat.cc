// The functions of carat/chat.h that need no model.
#include "carat/chat.h"

#include "lib/base/error.h"
#include "lib/base/guard.h"
#include "lib/base/json_text.h"
#include "lib/chat/encode.h"
#include "lib/chat/render.h"

namespace carat {

using internal::Guard;

Result<std::string> RenderChatText(std::span<const ChatMessage> messages,
                                   const ChatOptions& options) noexcept {
  return Guard([&]() -> Result<std::string> {
    CARAT_ASSIGN_OR_RETURN(const auto prompt, internal::RenderParts(messages, options));
    return internal::PartsAsText(prompt.parts);
  });
}

Result<std::vector<std::int32_t>> RenderChatTokens(const Tokenizer& tokenizer,
                                                   std::span<const ChatMessage> messages,
                                                   const ChatOptions& options) noexcept {
  return Guard([&]() -> Result<std::vector<std::int32_t>> {
    CARAT_ASSIGN_OR_RETURN(const auto prompt, internal::RenderParts(messages, options));
    const internal::PartEncoder encoder(tokenizer, options.parse_special);
    std::vector<std::int32_t> ids;
    for (const internal::PromptPart& part : prompt.parts) CARAT_RETURN_IF_ERROR(encoder.Append(part, &ids));
    return ids;
  });
}

std::string JsonQuote(std::string_view text) {
  std::string quoted = "\"";
  internal::AppendJsonText(text, &quoted);
  return quoted + '"';
}

}  // namespace carat
