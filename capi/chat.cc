// Messages, prompts made of them, and the parser of replies.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "capi/call.h"
#include "capi/carat.h"
#include "capi/chat.h"
#include "capi/handles.h"
#include "capi/sized_struct.h"
#include "carat/chat.h"

using carat::ChatMessage;
using carat::ChatOptions;
using carat::ChatPartKind;
using carat::Prompt;
using carat::ReplyEnd;
using carat::ReplyEvent;
using carat::ReplyParser;
using carat::Status;
using carat::ToolCall;
using carat::capi::Call;
using carat::capi::CheckStruct;
using carat::capi::InitStruct;
using carat::capi::IsEnumValue;
using carat::capi::LendText;
using carat::capi::Shared;
using carat::capi::TextOf;
using carat::capi::ToChatOptions;
using carat::capi::Turn;

struct carat_chat_messages {
  std::vector<ChatMessage> value;
};

struct carat_reply_parser {
  Shared<ReplyParser> core;
  ReplyEvent event;  // lent to the host until the next call
};

namespace carat::capi {

Result<ChatOptions> ToChatOptions(const carat_chat_options* given) {
  CARAT_ASSIGN_OR_RETURN(const carat_chat_options read, ReadOptions(given, "carat_chat_options"));
  CARAT_RETURN_IF_ERROR(IsEnumValue(read.form, CARAT_CHAT_FORM_LARGE, "carat_chat_options.form"));
  CARAT_ASSIGN_OR_RETURN(const std::string_view tools,
                         TextOf(read.tools, read.tools_size, "carat_chat_options.tools"));
  ChatOptions options;
  if (!tools.empty()) {
    CARAT_ASSIGN_OR_RETURN(options.tools, ParseTools(tools));
  }
  options.form = static_cast<ChatForm>(read.form);
  options.thinking = read.thinking != 0;
  options.preserve_thinking = read.preserve_thinking != 0;
  options.add_generation_prompt = read.no_generation_prompt == 0;
  options.continue_last = read.continue_last != 0;
  options.parse_special = read.parse_special != 0;
  return options;
}

carat_reply_event ToEvent(const ReplyEvent& event) {
  carat_reply_event filled = DefaultsOf<carat_reply_event>();
  filled.text = LendText(event.text, &filled.text_size);
  filled.call_id = LendText(event.call.id, &filled.call_id_size);
  filled.call_name = LendText(event.call.name, &filled.call_name_size);
  const bool complete = event.kind == ReplyEventKind::kToolCall;
  filled.call_arguments =
      LendText(complete ? std::string_view(event.call.arguments) : "", &filled.call_arguments_size);
  filled.problem = LendText(event.problem, &filled.problem_size);
  filled.kind = static_cast<carat_reply_event_kind>(event.kind);
  filled.index = event.index;
  filled.end = static_cast<carat_reply_end>(event.end);
  return filled;
}

}  // namespace carat::capi

carat_chat_form carat_model_chat_form(const carat_model* model) {
  return model == nullptr ? CARAT_CHAT_FORM_AUTO
                          : static_cast<carat_chat_form>(carat::ChatFormOf(model->value));
}

carat_status carat_chat_message_new(const char* role, size_t role_size, const char* text, size_t text_size,
                                    carat_chat_message** message, carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_CLEAR_OUTPUT(message);
    CARAT_ASSIGN_OR_RETURN(const std::string_view who, TextOf(role, role_size, "role"));
    CARAT_ASSIGN_OR_RETURN(const std::string_view what, TextOf(text, text_size, "text"));
    if (who.empty()) return carat::internal::InvalidArgument("the role is empty");
    auto made = std::make_unique<carat_chat_message>();
    made->value.role = who;
    made->value.text = what;
    made->shown_text = what;
    *message = made.release();
    return {};
  });
}

void carat_chat_message_free(carat_chat_message* message) {
  delete message;
}

carat_status carat_chat_message_add_text(carat_chat_message* message, const char* text, size_t text_size,
                                         carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_RETURN_IF_NULL(message);
    CARAT_ASSIGN_OR_RETURN(const std::string_view what, TextOf(text, text_size, "text"));
    message->value.parts.push_back({ChatPartKind::kText, std::string(what), std::nullopt});
    message->ShowText();
    return {};
  });
}

carat_status carat_chat_message_add_media(carat_chat_message* message, const carat_soft_tokens* soft_tokens,
                                          carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_RETURN_IF_NULL(message);
    CARAT_RETURN_IF_NULL(soft_tokens);
    message->value.parts.push_back(carat::MediaPart(soft_tokens->value));
    message->ShowText();
    return {};
  });
}

carat_status carat_chat_message_set_reasoning(carat_chat_message* message, const char* text, size_t text_size,
                                              carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_RETURN_IF_NULL(message);
    CARAT_ASSIGN_OR_RETURN(const std::string_view what, TextOf(text, text_size, "text"));
    message->value.reasoning = what;
    return {};
  });
}

carat_status carat_chat_message_add_tool_call(carat_chat_message* message, const char* id, size_t id_size,
                                              const char* name, size_t name_size, const char* arguments,
                                              size_t arguments_size, carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_RETURN_IF_NULL(message);
    CARAT_ASSIGN_OR_RETURN(const std::string_view call_id, TextOf(id, id_size, "id"));
    CARAT_ASSIGN_OR_RETURN(const std::string_view function, TextOf(name, name_size, "name"));
    CARAT_ASSIGN_OR_RETURN(const std::string_view json, TextOf(arguments, arguments_size, "arguments"));
    message->value.tool_calls.push_back(
        {std::string(call_id), std::string(function), json.empty() ? "{}" : std::string(json)});
    return {};
  });
}

carat_status carat_chat_message_set_result_of(carat_chat_message* message, const char* call_id,
                                              size_t call_id_size, int32_t json, carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_RETURN_IF_NULL(message);
    CARAT_ASSIGN_OR_RETURN(const std::string_view id, TextOf(call_id, call_id_size, "call_id"));
    message->value.tool_call_id = id;
    message->value.json = json != 0;
    return {};
  });
}

const char* carat_chat_message_role(const carat_chat_message* message, size_t* size) {
  return LendText(message == nullptr ? std::string_view() : message->value.role, size);
}

const char* carat_chat_message_text(const carat_chat_message* message, size_t* size) {
  return LendText(message == nullptr ? std::string_view() : message->shown_text, size);
}

const char* carat_chat_message_reasoning(const carat_chat_message* message, size_t* size) {
  return LendText(message == nullptr ? std::string_view() : message->value.reasoning, size);
}

size_t carat_chat_message_tool_call_count(const carat_chat_message* message) {
  return message == nullptr ? 0 : message->value.tool_calls.size();
}

namespace {

// A member of the index-th call, or nothing.
std::string_view OfCall(const carat_chat_message* message, size_t index, std::string ToolCall::*member) {
  if (message == nullptr || index >= message->value.tool_calls.size()) return {};
  return message->value.tool_calls[index].*member;
}

}  // namespace

const char* carat_chat_message_tool_call_id(const carat_chat_message* message, size_t index, size_t* size) {
  return LendText(OfCall(message, index, &ToolCall::id), size);
}

const char* carat_chat_message_tool_call_name(const carat_chat_message* message, size_t index, size_t* size) {
  return LendText(OfCall(message, index, &ToolCall::name), size);
}

const char* carat_chat_message_tool_call_arguments(const carat_chat_message* message, size_t index,
                                                   size_t* size) {
  return LendText(OfCall(message, index, &ToolCall::arguments), size);
}

carat_status carat_chat_messages_new(carat_chat_messages** messages, carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_CLEAR_OUTPUT(messages);
    *messages = new carat_chat_messages;
    return {};
  });
}

void carat_chat_messages_free(carat_chat_messages* messages) {
  delete messages;
}

size_t carat_chat_messages_size(const carat_chat_messages* messages) {
  return messages == nullptr ? 0 : messages->value.size();
}

carat_status carat_chat_messages_add(carat_chat_messages* messages, const carat_chat_message* message,
                                     carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_RETURN_IF_NULL(messages);
    CARAT_RETURN_IF_NULL(message);
    messages->value.push_back(message->value);
    return {};
  });
}

carat_status carat_chat_messages_add_json(carat_chat_messages* messages, const char* json, size_t json_size,
                                          int32_t arguments_as_text, carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_RETURN_IF_NULL(messages);
    CARAT_ASSIGN_OR_RETURN(const std::string_view text, TextOf(json, json_size, "json"));
    carat::ChatJsonOptions options;
    options.arguments_as_text = arguments_as_text != 0;
    CARAT_ASSIGN_OR_RETURN(const auto parsed, carat::ParseChatMessages(text, options));
    messages->value.insert(messages->value.end(), parsed.begin(), parsed.end());
    return {};
  });
}

carat_status carat_chat_options_init(carat_chat_options* options, size_t struct_size) {
  return InitStruct(options, struct_size);
}

carat_status carat_chat_text(const carat_chat_messages* messages, const carat_chat_options* options,
                             carat_string** text, carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_CLEAR_OUTPUT(text);
    CARAT_RETURN_IF_NULL(messages);
    CARAT_ASSIGN_OR_RETURN(const ChatOptions how, ToChatOptions(options));
    CARAT_ASSIGN_OR_RETURN(std::string rendered, carat::RenderChatText(messages->value, how));
    *text = new carat_string{std::move(rendered)};
    return {};
  });
}

carat_status carat_chat_prompt(const carat_model* model, const carat_chat_messages* messages,
                               const carat_chat_options* options, carat_prompt** prompt, carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_CLEAR_OUTPUT(prompt);
    CARAT_RETURN_IF_NULL(model);
    CARAT_RETURN_IF_NULL(messages);
    CARAT_ASSIGN_OR_RETURN(const ChatOptions how, ToChatOptions(options));
    CARAT_ASSIGN_OR_RETURN(Prompt rendered, carat::RenderPrompt(model->value, messages->value, how));
    *prompt = new carat_prompt{std::move(rendered)};
    return {};
  });
}

carat_status carat_json_quote(const char* text, size_t text_size, carat_string** json, carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_CLEAR_OUTPUT(json);
    CARAT_ASSIGN_OR_RETURN(const std::string_view given, TextOf(text, text_size, "text"));
    *json = new carat_string{carat::JsonQuote(given)};
    return {};
  });
}

carat_status carat_reply_event_init(carat_reply_event* event, size_t struct_size) {
  return InitStruct(event, struct_size);
}

carat_status carat_reply_parser_new(const carat_tokenizer* tokenizer, int32_t in_thought,
                                    carat_reply_parser** parser, carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_CLEAR_OUTPUT(parser);
    CARAT_RETURN_IF_NULL(tokenizer);
    *parser = new carat_reply_parser{
        Shared<ReplyParser>(ReplyParser(tokenizer->value, {.in_thought = in_thought != 0})), {}};
    return {};
  });
}

void carat_reply_parser_free(carat_reply_parser* parser) {
  delete parser;
}

carat_status carat_reply_parser_feed(carat_reply_parser* parser, int32_t token, carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_RETURN_IF_NULL(parser);
    const Turn turn(parser->core.busy, "reply parser");
    CARAT_RETURN_IF_ERROR(turn.status());
    return parser->core.value.Feed(token);
  });
}

carat_status carat_reply_parser_finish(carat_reply_parser* parser, carat_reply_end reason,
                                       carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_RETURN_IF_NULL(parser);
    CARAT_RETURN_IF_ERROR(IsEnumValue(reason, CARAT_REPLY_LOOP, "reason"));
    const Turn turn(parser->core.busy, "reply parser");
    CARAT_RETURN_IF_ERROR(turn.status());
    return parser->core.value.Finish(static_cast<ReplyEnd>(reason));
  });
}

carat_status carat_reply_parser_next(carat_reply_parser* parser, carat_reply_event* event, int32_t* found,
                                     carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_RETURN_IF_NULL(found);
    *found = 0;
    CARAT_RETURN_IF_NULL(parser);
    CARAT_RETURN_IF_ERROR(CheckStruct(event, "carat_reply_event"));
    const Turn turn(parser->core.busy, "reply parser");
    CARAT_RETURN_IF_ERROR(turn.status());
    std::optional<ReplyEvent> next = parser->core.value.NextEvent();
    if (!next) return {};
    parser->event = *std::move(next);
    carat::capi::FillStruct(event, carat::capi::ToEvent(parser->event));
    *found = 1;
    return {};
  });
}
