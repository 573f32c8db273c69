// Rendered parts of a conversation, as a prompt for a session.
#ifndef CARAT_LIB_RUNTIME_CHAT_PROMPT_H_
#define CARAT_LIB_RUNTIME_CHAT_PROMPT_H_

#include <cstdint>
#include <span>
#include <vector>

#include "carat/chat.h"
#include "carat/prompt.h"
#include "lib/chat/render.h"

namespace carat::internal {

// The options with the form decided.
ChatOptions WithForm(const ChatOptions& options, const ModelImpl& model);

// A prompt, and where in it a later prompt of the same conversation has the same tokens for certain.
struct ChatPrompt {
  Prompt prompt;
  std::int64_t lasting_size = 0;
  bool begins_turn = false;
  bool in_thought = false;
  // With continue_last: what the answer begins with, as tokens of its own.
  std::vector<std::int32_t> continued;
};

// Errors: those of RenderPrompt.
Result<ChatPrompt> MakeChatPrompt(const Model& model, std::span<const ChatMessage> messages,
                                  const ChatOptions& options);

}  // namespace carat::internal

#endif  // CARAT_LIB_RUNTIME_CHAT_PROMPT_H_
