// A prompt before it is encoded: control tokens by name, plain text, and media.
#ifndef CARAT_LIB_CHAT_PROMPT_PARTS_H_
#define CARAT_LIB_CHAT_PROMPT_PARTS_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "carat/chat.h"

namespace carat::internal {

// The control tokens of chat.
namespace control {
inline constexpr std::string_view kBos = "<bos>";
inline constexpr std::string_view kBeginTurn = "<|turn>", kEndTurn = "<turn|>";
inline constexpr std::string_view kBeginChannel = "<|channel>", kEndChannel = "<channel|>";
inline constexpr std::string_view kThink = "<|think|>";
inline constexpr std::string_view kBeginTool = "<|tool>", kEndTool = "<tool|>";
inline constexpr std::string_view kBeginCall = "<|tool_call>", kEndCall = "<tool_call|>";
inline constexpr std::string_view kBeginResponse = "<|tool_response>", kEndResponse = "<tool_response|>";
inline constexpr std::string_view kQuote = "<|\"|>";
inline constexpr std::string_view kImage = "<|image|>", kVideo = "<|video|>", kAudio = "<|audio|>";
}  // namespace control

struct PromptPart {
  enum class Kind { kText, kControl, kMedia };
  Kind kind = Kind::kText;
  std::string text;                 // of a control token its name, of media their placeholder's
  const ChatPart* media = nullptr;  // in the messages that were rendered
};

// Puts a prompt together. Texts side by side become one, since they are encoded as one.
class PromptWriter {
 public:
  PromptWriter& Text(std::string_view text);
  PromptWriter& Control(std::string_view name);
  // A text between quote tokens.
  PromptWriter& Literal(std::string_view text);
  PromptWriter& Media(const ChatPart& part);

  const std::vector<PromptPart>& parts() const { return parts_; }
  std::vector<PromptPart> Take() { return std::move(parts_); }

 private:
  std::vector<PromptPart> parts_;
};

}  // namespace carat::internal

#endif  // CARAT_LIB_CHAT_PROMPT_PARTS_H_
