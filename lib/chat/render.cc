#include "lib/chat/render.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "lib/base/error.h"
#include "lib/chat/python_text.h"
#include "lib/chat/tool_text.h"

namespace carat::internal {
namespace {

// An assistant's text without the thoughts in it: between the ends of channels, what follows a beginning is
// one.
std::string WithoutThoughts(std::string_view text) {
  std::string kept;
  for (;;) {
    const std::size_t end = text.find(control::kEndChannel);
    const std::string_view piece = text.substr(0, end);
    kept += piece.substr(0, piece.find(control::kBeginChannel));
    if (end == std::string_view::npos) return kept;
    text.remove_prefix(end + control::kEndChannel.size());
  }
}

bool IsSystemRole(std::string_view role) {
  return role == "system" || role == "developer";
}

class Renderer {
 public:
  Renderer(std::span<const ChatMessage> messages, const ChatOptions& options)
      : messages_(messages), options_(options) {}

  Result<RenderedPrompt> Render() {
    CARAT_RETURN_IF_ERROR(Check());
    out_.Control(control::kBos);
    const bool system_first = !messages_.empty() && IsSystemRole(messages_.front().role);
    if (options_.thinking || !options_.tools.empty() || system_first)
      CARAT_RETURN_IF_ERROR(WriteSystemTurn(system_first));
    if (system_first) messages_ = messages_.subspan(1);
    for (std::size_t i = 0; i < messages_.size(); ++i) {
      if (messages_[i].role == "user") last_user_ = i + 1;
    }
    for (std::size_t i = 0; i < messages_.size(); ++i) {
      if (messages_[i].role != "tool") CARAT_RETURN_IF_ERROR(WriteMessage(i));
    }
    RenderedPrompt prompt;
    WriteGenerationPrompt(prompt);
    prompt.parts = out_.Take();
    prompt.continued = std::move(continued_);
    if (!prompt.begins_turn) prompt.lasting_parts = prompt.parts.size();
    return prompt;
  }

 private:
  // What the latest message ended with, where that matters to what follows.
  enum class Ending { kText, kCall, kResponse };

  Status Check() const {
    if (options_.form != ChatForm::kSmall && options_.form != ChatForm::kLarge)
      return InvalidArgument("the form of the prompt is neither the small nor the large one");
    for (std::size_t i = 0; i < messages_.size(); ++i) {
      if (messages_[i].role.empty()) return InvalidArgument("message %d has no role", i);
    }
    if (!options_.continue_last) return {};
    const ChatMessage last = messages_.empty() ? ChatMessage() : messages_.back();
    if (last.role != "assistant" || !last.tool_calls.empty() || !last.tool_responses.empty()) {
      return InvalidArgument(
          "continue_last is set, but the last message is not an assistant's, or it has tool calls");
    }
    return {};
  }

  Status WriteSystemTurn(bool has_message) {
    out_.Control(control::kBeginTurn).Text("system\n");
    if (options_.thinking) out_.Control(control::kThink).Text("\n");
    if (has_message) {
      const ChatMessage& message = messages_.front();
      if (message.parts.empty()) out_.Text(StripWhiteSpace(message.text));
      for (const ChatPart& part : message.parts) out_.Text(StripWhiteSpace(part.text)).Text(" ");
    }
    for (const ToolDefinition& tool : options_.tools) CARAT_RETURN_IF_ERROR(WriteDeclaration(tool, out_));
    out_.Control(control::kEndTurn).Text("\n");
    return {};
  }

  // The role of the next message in that direction that is no tool's; "" if there is none.
  std::string_view RoleBefore(std::size_t i) const {
    while (i-- > 0) {
      if (messages_[i].role != "tool") return messages_[i].role;
    }
    return "";
  }
  std::string_view RoleAfter(std::size_t i) const {
    while (++i < messages_.size()) {
      if (messages_[i].role != "tool") return messages_[i].role;
    }
    return "";
  }

  bool ShowsThought(std::size_t i) const {
    if (messages_[i].reasoning.empty()) return false;
    return i >= last_user_ || (options_.preserve_thinking && !messages_[i].tool_calls.empty());
  }

  Status WriteMessage(std::size_t i) {
    const ChatMessage& message = messages_[i];
    const bool assistant = message.role == "assistant";
    ending_ = Ending::kText;
    if (!(assistant && RoleBefore(i) == "assistant"))
      out_.Control(control::kBeginTurn).Text(assistant ? "model" : message.role).Text("\n");
    if (ShowsThought(i)) {
      out_.Control(control::kBeginChannel).Text("thought\n").Text(message.reasoning).Text("\n");
      out_.Control(control::kEndChannel);
    }
    for (const ToolCall& call : message.tool_calls) {
      CARAT_RETURN_IF_ERROR(WriteCall(call, out_));
      ending_ = Ending::kCall;
    }
    CARAT_RETURN_IF_ERROR(WriteResponses(i));
    const bool last = i + 1 == messages_.size();
    // An answer without thinking begins after an empty thought, so one that is to be continued does too.
    if (last && options_.continue_last && WantsEmptyThought() && !ShowsThought(i)) WriteEmptyThought();
    const bool has_content = WriteContent(message, last && options_.continue_last);
    if (last && options_.continue_last) return {};
    if (ending_ == Ending::kCall) {
      out_.Control(control::kBeginResponse);
    } else if (assistant && RoleAfter(i) == "assistant") {
      // The next one goes on in this turn.
    } else if (ending_ != Ending::kResponse || has_content || !RoleAfter(i).empty()) {
      out_.Control(control::kEndTurn).Text("\n");
    }
    return {};
  }

  Status WriteResponses(std::size_t i) {
    const ChatMessage& message = messages_[i];
    for (const ToolResponse& response : message.tool_responses) {
      CARAT_RETURN_IF_ERROR(WriteJsonResponse(response.name, response.response, out_));
      ending_ = Ending::kResponse;
    }
    if (!message.tool_responses.empty() || message.tool_calls.empty()) return {};
    for (std::size_t k = i + 1; k < messages_.size() && messages_[k].role == "tool"; ++k) {
      CARAT_RETURN_IF_ERROR(WriteToolMessage(messages_[k], message.tool_calls));
      ending_ = Ending::kResponse;
    }
    return {};
  }

  // The last of several calls with the same id counts, as in the template; so do calls without one for a
  // result without one.
  static std::string_view NameOf(const ChatMessage& result, std::span<const ToolCall> calls) {
    std::string_view name = result.name.empty() ? std::string_view("unknown") : result.name;
    for (const ToolCall& call : calls) {
      if (call.id == result.tool_call_id) name = call.name;
    }
    return name;
  }

  Status WriteToolMessage(const ChatMessage& result, std::span<const ToolCall> calls) {
    const std::string_view name = NameOf(result, calls);
    if (result.json && result.parts.empty()) return WriteJsonResponse(name, result.text, out_);
    std::string text = result.text;
    if (!result.parts.empty()) {
      text.clear();
      for (const ChatPart& part : result.parts) text += part.kind == ChatPartKind::kText ? part.text : "";
    }
    WriteTextResponse(name, text, out_);
    for (const ChatPart& part : result.parts) {
      if (part.kind != ChatPartKind::kText) out_.Media(part);
    }
    return {};
  }

  // Returns whether there was anything. `open_ended`: white space at the end is part of the beginning.
  bool WriteContent(const ChatMessage& message, bool open_ended) {
    bool any = false;
    const auto text = [&](std::string_view given, bool keep_end) {
      const std::string kept = message.role == "assistant" ? WithoutThoughts(given) : std::string(given);
      const std::string_view stripped = keep_end ? StripLeadingWhiteSpace(kept) : StripWhiteSpace(kept);
      any = any || !stripped.empty();
      out_.Text(stripped);
      if (open_ended) continued_ += stripped;
    };
    if (message.parts.empty()) text(message.text, open_ended);
    for (const ChatPart& part : message.parts) {
      if (part.kind == ChatPartKind::kText) {
        text(part.text, open_ended && &part == &message.parts.back());
      } else {
        out_.Media(part);
        any = true;
        ending_ = Ending::kText;
      }
    }
    return any;
  }

  bool WantsEmptyThought() const { return options_.form == ChatForm::kLarge && !options_.thinking; }
  void WriteEmptyThought() {
    out_.Control(control::kBeginChannel).Text("thought\n").Control(control::kEndChannel);
  }

  void WriteGenerationPrompt(RenderedPrompt& prompt) {
    if (!options_.add_generation_prompt || options_.continue_last) return;
    if (ending_ == Ending::kText) {
      out_.Control(control::kBeginTurn).Text("model\n");
      prompt.begins_turn = true;
      prompt.lasting_parts = out_.parts().size();
      if (WantsEmptyThought()) WriteEmptyThought();
    } else if (ending_ == Ending::kResponse && options_.thinking) {
      out_.Control(control::kBeginChannel).Text("thought\n");
      prompt.in_thought = true;
    }
  }

  std::span<const ChatMessage> messages_;
  const ChatOptions& options_;
  PromptWriter out_;
  std::string continued_;
  std::size_t last_user_ = 0;  // one past the last user message
  Ending ending_ = Ending::kText;
};

}  // namespace

Result<RenderedPrompt> RenderParts(std::span<const ChatMessage> messages, const ChatOptions& options) {
  return Renderer(messages, options).Render();
}

std::string PartsAsText(std::span<const PromptPart> parts) {
  std::string text;
  for (const PromptPart& part : parts) text += part.text;
  return text;
}

}  // namespace carat::internal
