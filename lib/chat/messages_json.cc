// Messages and tools from JSON.
#include <optional>
#include <string>

#include "carat/chat.h"
#include "lib/base/error.h"
#include "lib/base/guard.h"
#include "lib/base/json_tree.h"

namespace carat {
namespace {

using internal::InvalidArgument;
using internal::JsonMembers;
using internal::JsonTextOf;
using internal::JsonTree;
using internal::JsonValue;

class MessageReader {
 public:
  MessageReader(const ChatJsonOptions& options, std::string where)
      : options_(options), where_(std::move(where)) {}

  Result<ChatMessage> Read(const JsonValue& element) {
    CARAT_ASSIGN_OR_RETURN(const JsonMembers object, JsonMembers::From(element, where_));
    ChatMessage message;
    CARAT_ASSIGN_OR_RETURN(const auto role, object.String("role"));
    if (!role || role->empty()) return InvalidArgument("%s: it has no role", where_);
    message.role = *role;
    CARAT_RETURN_IF_ERROR(ReadContent(object, message));
    CARAT_RETURN_IF_ERROR(ReadReasoning(object, message));
    CARAT_RETURN_IF_ERROR(ReadCalls(object, message));
    CARAT_RETURN_IF_ERROR(ReadResponses(object, message));
    CARAT_ASSIGN_OR_RETURN(auto id, object.String("tool_call_id"));
    CARAT_ASSIGN_OR_RETURN(auto name, object.String("name"));
    message.tool_call_id = id.value_or("");
    message.name = name.value_or("");
    return message;
  }

 private:
  Status ReadContent(const JsonMembers& object, ChatMessage& message) {
    const auto content = object.Find("content");
    if (!content) {
      message.json = message.role == "tool";
      if (message.json) message.text = "null";
      return {};
    }
    if (content->is_string()) {
      message.text = std::string(content->text());
      return {};
    }
    if (content->is_array()) {
      for (std::size_t i = 0; i < content->size(); ++i)
        CARAT_RETURN_IF_ERROR(ReadPart((*content)[i], message));
      return {};
    }
    if (message.role != "tool" || content->is_object()) {
      return InvalidArgument(
          "%s: content must be a text, null or a list of parts%s", where_,
          message.role == "tool"
              ? "; a mapping as a tool's result goes into the tool_responses of the call's message"
              : "");
    }
    message.text = JsonTextOf(*content);
    message.json = true;
    return {};
  }

  Status ReadPart(const JsonValue& element, ChatMessage& message) {
    CARAT_ASSIGN_OR_RETURN(const JsonMembers part, JsonMembers::From(element, where_, "a part of content"));
    CARAT_ASSIGN_OR_RETURN(const auto type, part.String("type"));
    const std::string kind = type.value_or("");
    if (kind == "text") {
      CARAT_ASSIGN_OR_RETURN(const auto text, part.String("text"));
      message.parts.push_back({ChatPartKind::kText, text.value_or(""), std::nullopt});
      return {};
    }
    if (kind == "image" || kind == "image_url") return AddMedia(element, ChatPartKind::kImage, message);
    if (kind == "audio" || kind == "input_audio") return AddMedia(element, ChatPartKind::kAudio, message);
    if (kind == "video" || kind == "video_url") return AddMedia(element, ChatPartKind::kVideo, message);
    return InvalidArgument("%s: a part of content has the type '%s', which is none that is known", where_,
                           kind);
  }

  Status AddMedia(const JsonValue& part, ChatPartKind kind, ChatMessage& message) {
    ChatPart& added = message.parts.emplace_back();
    added.kind = kind;
    if (!options_.load_media) return {};
    CARAT_ASSIGN_OR_RETURN(added.media, options_.load_media(static_cast<MediaKind>(kind), JsonTextOf(part)));
    return {};
  }

  Status ReadReasoning(const JsonMembers& object, ChatMessage& message) {
    for (const char* key : {"reasoning", "reasoning_content"}) {
      CARAT_ASSIGN_OR_RETURN(const auto text, object.String(key));
      if (text && message.reasoning.empty()) message.reasoning = *text;
    }
    return {};
  }

  Status ReadCalls(const JsonMembers& object, ChatMessage& message) {
    const auto calls = object.Find("tool_calls");
    if (!calls) return {};
    if (!calls->is_array()) return InvalidArgument("%s: tool_calls must be a list", where_);
    for (std::size_t i = 0; i < calls->size(); ++i) {
      CARAT_ASSIGN_OR_RETURN(const JsonMembers call, JsonMembers::From((*calls)[i], where_, "a tool call"));
      CARAT_ASSIGN_OR_RETURN(const auto function, call.Object("function"));
      if (!function) return InvalidArgument("%s: a tool call has no function", where_);
      ToolCall& added = message.tool_calls.emplace_back();
      CARAT_ASSIGN_OR_RETURN(const auto id, call.String("id"));
      added.id = id.value_or("");
      CARAT_ASSIGN_OR_RETURN(const auto name, function->String("name"));
      if (!name || name->empty()) return InvalidArgument("%s: a tool call has no name", where_);
      added.name = *name;
      CARAT_RETURN_IF_ERROR(ReadArguments(*function, added));
    }
    return {};
  }

  Status ReadArguments(const JsonMembers& function, ToolCall& call) {
    const auto arguments = function.Find("arguments");
    if (!arguments) return {};
    if (arguments->is_object()) {
      call.arguments = JsonTextOf(*arguments);
      return {};
    }
    if (!arguments->is_string() || !options_.arguments_as_text) {
      return InvalidArgument("%s: the arguments of the call of %s must be a JSON object, not %s", where_,
                             call.name,
                             arguments->is_string() ? "a text: parse it first" : JsonTextOf(*arguments));
    }
    const std::string_view text = arguments->text();
    if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) return {};
    CARAT_ASSIGN_OR_RETURN(const auto parsed,
                           JsonTree::Parse(text, where_ + ": the arguments of " + call.name));
    if (!parsed.root().is_object())
      return InvalidArgument("%s: the arguments of the call of %s are no JSON object", where_, call.name);
    call.arguments = JsonTextOf(parsed.root());
    return {};
  }

  Status ReadResponses(const JsonMembers& object, ChatMessage& message) {
    const auto responses = object.Find("tool_responses");
    if (!responses) return {};
    if (!responses->is_array()) return InvalidArgument("%s: tool_responses must be a list", where_);
    for (std::size_t i = 0; i < responses->size(); ++i) {
      CARAT_ASSIGN_OR_RETURN(const JsonMembers response,
                             JsonMembers::From((*responses)[i], where_, "a tool response"));
      CARAT_ASSIGN_OR_RETURN(const auto name, response.String("name"));
      const auto body = response.Find("response");
      message.tool_responses.push_back({name.value_or("unknown"), body ? JsonTextOf(*body) : "null"});
    }
    return {};
  }

  const ChatJsonOptions& options_;
  std::string where_;
};

Result<ToolDefinition> ReadTool(const JsonValue& element, std::size_t index) {
  const std::string where = absl::StrFormat("tool %d", index);
  CARAT_ASSIGN_OR_RETURN(const JsonMembers tool, JsonMembers::From(element, where));
  CARAT_ASSIGN_OR_RETURN(const auto function, tool.Object("function"));
  if (!function) return InvalidArgument("%s: it has no function", where);
  ToolDefinition definition;
  CARAT_ASSIGN_OR_RETURN(const auto name, function->String("name"));
  if (!name || name->empty()) return InvalidArgument("%s: it has no name", where);
  definition.name = *name;
  CARAT_ASSIGN_OR_RETURN(const auto description, function->String("description"));
  definition.description = description.value_or("");
  if (const auto parameters = function->Find("parameters")) definition.parameters = JsonTextOf(*parameters);
  if (const auto response = function->Find("response")) definition.response = JsonTextOf(*response);
  CARAT_ASSIGN_OR_RETURN(const auto strict, function->Boolean("strict"));
  definition.strict = strict.value_or(false);
  return definition;
}

}  // namespace

Result<std::vector<ChatMessage>> ParseChatMessages(std::string_view json,
                                                   const ChatJsonOptions& options) noexcept {
  return internal::Guard([&]() -> Result<std::vector<ChatMessage>> {
    CARAT_ASSIGN_OR_RETURN(const auto tree, JsonTree::Parse(json, "messages"));
    const JsonValue list = tree.root();
    if (!list.is_array()) return InvalidArgument("messages must be a list");
    std::vector<ChatMessage> messages;
    for (std::size_t i = 0; i < list.size(); ++i) {
      MessageReader reader(options, absl::StrFormat("message %d", i));
      CARAT_ASSIGN_OR_RETURN(ChatMessage message, reader.Read(list[i]));
      messages.push_back(std::move(message));
    }
    return messages;
  });
}

Result<std::vector<ToolDefinition>> ParseTools(std::string_view json) noexcept {
  return internal::Guard([&]() -> Result<std::vector<ToolDefinition>> {
    CARAT_ASSIGN_OR_RETURN(const auto tree, JsonTree::Parse(json, "tools"));
    const JsonValue list = tree.root();
    std::vector<ToolDefinition> tools;
    if (list.is_null()) return tools;
    if (!list.is_array()) return InvalidArgument("tools must be a list");
    for (std::size_t i = 0; i < list.size(); ++i) {
      CARAT_ASSIGN_OR_RETURN(ToolDefinition tool, ReadTool(list[i], i));
      tools.push_back(std::move(tool));
    }
    return tools;
  });
}

}  // namespace carat
