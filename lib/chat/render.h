// Messages to a prompt, as the published chat templates of 2026-07-09 write it.
#ifndef CARAT_LIB_CHAT_RENDER_H_
#define CARAT_LIB_CHAT_RENDER_H_

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "carat/chat.h"
#include "lib/chat/prompt_parts.h"

namespace carat::internal {

struct RenderedPrompt {
  // They point into the messages.
  std::vector<PromptPart> parts;
  // If a model's turn was begun: how many of the parts come before what only a prompt has, an empty or an
  // opened thought. Later prompts have the same parts there, whatever is answered.
  std::size_t lasting_parts = 0;
  bool begins_turn = false;
  // The prompt ends inside a thought.
  bool in_thought = false;
  // With continue_last: the text that the answer begins with.
  std::string continued;
};

// Errors: INVALID_ARGUMENT. `options.form` must not be kAuto.
Result<RenderedPrompt> RenderParts(std::span<const ChatMessage> messages, const ChatOptions& options);

// As the template would print it.
std::string PartsAsText(std::span<const PromptPart> parts);

}  // namespace carat::internal

#endif  // CARAT_LIB_CHAT_RENDER_H_
