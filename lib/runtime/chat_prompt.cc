#include "lib/runtime/chat_prompt.h"

#include <cstdint>
#include <vector>

#include "lib/base/error.h"
#include "lib/base/guard.h"
#include "lib/chat/encode.h"
#include "lib/runtime/model_impl.h"

namespace carat::internal {

ChatOptions WithForm(const ChatOptions& options, const ModelImpl& model) {
  ChatOptions decided = options;
  if (decided.form == ChatForm::kAuto) decided.form = model.chat_form();
  return decided;
}

Result<ChatPrompt> MakeChatPrompt(const Model& model, std::span<const ChatMessage> messages,
                                  const ChatOptions& options) {
  if (!model.impl()) return FailedPrecondition("this model has been moved from");
  const ChatOptions decided = WithForm(options, *model.impl());
  CARAT_ASSIGN_OR_RETURN(const RenderedPrompt rendered, RenderParts(messages, decided));
  const PartEncoder encoder(model.impl()->tokenizer(), decided.parse_special);
  ChatPrompt made{Prompt(model), 0, rendered.begins_turn, rendered.in_thought, {}};
  std::vector<std::int32_t> ids;
  for (std::size_t i = 0; i < rendered.parts.size(); ++i) {
    if (i == rendered.lasting_parts) made.lasting_size = made.prompt.size();
    const PromptPart& part = rendered.parts[i];
    if (part.kind == PromptPart::Kind::kMedia) {
      if (!part.media->media) return InvalidArgument("a media part of a message has no soft tokens");
      CARAT_RETURN_IF_ERROR(made.prompt.AddMedia(*part.media->media));
      continue;
    }
    ids.clear();
    CARAT_RETURN_IF_ERROR(encoder.Append(part, &ids));
    CARAT_RETURN_IF_ERROR(made.prompt.AddTokens(ids));
  }
  CARAT_RETURN_IF_ERROR(encoder.Append({PromptPart::Kind::kText, rendered.continued}, &made.continued));
  if (rendered.lasting_parts >= rendered.parts.size()) made.lasting_size = made.prompt.size();
  return made;
}

}  // namespace carat::internal

namespace carat {

ChatForm ChatFormOf(const Model& model) noexcept {
  return model.impl() ? model.impl()->chat_form() : ChatForm::kAuto;
}

Result<Prompt> RenderPrompt(const Model& model, std::span<const ChatMessage> messages,
                            const ChatOptions& options) noexcept {
  return internal::Guard([&]() -> Result<Prompt> {
    CARAT_ASSIGN_OR_RETURN(auto made, internal::MakeChatPrompt(model, messages, options));
    return std::move(made.prompt);
  });
}

}  // namespace carat
