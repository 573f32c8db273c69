#include "lib/chat/prompt_parts.h"

namespace carat::internal {

PromptWriter& PromptWriter::Text(std::string_view text) {
  if (text.empty()) return *this;
  if (parts_.empty() || parts_.back().kind != PromptPart::Kind::kText) {
    parts_.push_back({PromptPart::Kind::kText, {}, nullptr});
  }
  parts_.back().text += text;
  return *this;
}

PromptWriter& PromptWriter::Control(std::string_view name) {
  parts_.push_back({PromptPart::Kind::kControl, std::string(name), nullptr});
  return *this;
}

PromptWriter& PromptWriter::Literal(std::string_view text) {
  return Control(control::kQuote).Text(text).Control(control::kQuote);
}

PromptWriter& PromptWriter::Media(const ChatPart& part) {
  std::string_view placeholder = control::kImage;
  if (part.kind == ChatPartKind::kVideo) placeholder = control::kVideo;
  if (part.kind == ChatPartKind::kAudio) placeholder = control::kAudio;
  parts_.push_back({PromptPart::Kind::kMedia, std::string(placeholder), &part});
  return *this;
}

}  // namespace carat::internal
