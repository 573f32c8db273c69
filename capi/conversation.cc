// Conversations.
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "capi/call.h"
#include "capi/carat.h"
#include "capi/chat.h"
#include "capi/handles.h"
#include "capi/options.h"
#include "capi/sized_struct.h"
#include "carat/conversation.h"

using carat::Conversation;
using carat::ConversationOptions;
using carat::Reply;
using carat::ReplyEvent;
using carat::ReplyOptions;
using carat::ReplyStats;
using carat::Result;
using carat::Status;
using carat::capi::ArrayOf;
using carat::capi::Call;
using carat::capi::CheckStruct;
using carat::capi::DefaultsOf;
using carat::capi::FillStruct;
using carat::capi::InitStruct;
using carat::capi::ReadOptions;
using carat::capi::Shared;
using carat::capi::TextOf;
using carat::capi::ToChatOptions;
using carat::capi::ToEvent;
using carat::capi::Turn;

struct carat_conversation {
  std::shared_ptr<Shared<Conversation>> core;
  ReplyEvent event;  // lent to the host until the next call
};

namespace {

// Runs `body(conversation)` with the conversation kept alive and to itself.
template <typename Body>
Status WithConversation(const carat_conversation* conversation, Body&& body) {
  CARAT_RETURN_IF_NULL(conversation);
  const std::shared_ptr<Shared<Conversation>> core = conversation->core;
  const Turn turn(core->busy, "conversation");
  CARAT_RETURN_IF_ERROR(turn.status());
  return body(core->value);
}

// What a host asked for, and a hold on its sampler while that is cloned.
struct Request {
  ReplyOptions options;
  std::shared_ptr<Shared<std::unique_ptr<carat::Sampler>>> constraint;
};

Result<Request> ToRequest(const carat_reply_options* given) {
  CARAT_ASSIGN_OR_RETURN(const carat_reply_options read, ReadOptions(given, "carat_reply_options"));
  CARAT_ASSIGN_OR_RETURN(
      const std::span<const carat_text> stop_strings,
      ArrayOf(read.stop_strings, read.stop_string_count, "carat_reply_options.stop_strings"));
  Request request;
  ReplyOptions& options = request.options;
  options.max_new_tokens = read.max_new_tokens;
  options.thinking_budget = read.thinking_budget;
  options.loop_tokens = read.loop_tokens;
  options.continue_last = read.continue_last != 0;
  if (read.sampling != nullptr) {
    CARAT_ASSIGN_OR_RETURN(options.sampling, carat::capi::ToSamplingOptions(read.sampling));
  }
  if (read.constraint != nullptr) {
    request.constraint = read.constraint->core;
    options.constraint = request.constraint->value.get();
    if (options.constraint == nullptr) {
      return carat::internal::FailedPrecondition("carat_reply_options.constraint went into a chain");
    }
  }
  if (read.answer != nullptr) options.answer = read.answer->value;
  CARAT_ASSIGN_OR_RETURN(const std::string_view tool,
                         TextOf(read.tool_name, read.tool_name_size, "carat_reply_options.tool_name"));
  options.tool_name = tool;
  options.tool_choice = static_cast<carat::ToolChoice>(read.tool_choice);
  options.single_tool_call = read.single_tool_call != 0;
  options.free_tool_calls = read.free_tool_calls != 0;
  options.closed_objects = read.closed_objects != 0;
  for (const carat_text& text : stop_strings) {
    CARAT_ASSIGN_OR_RETURN(const std::string_view stop,
                           TextOf(text.data, text.size, "an element of carat_reply_options.stop_strings"));
    options.stop_strings.emplace_back(stop);
  }
  options.prompt_progress = carat::capi::ToProgress(read.prompt_progress, read.prompt_progress_user_data);
  return request;
}

}  // namespace

carat_status carat_reply_options_init(carat_reply_options* options, size_t struct_size) {
  return InitStruct(options, struct_size);
}

carat_status carat_reply_stats_init(carat_reply_stats* stats, size_t struct_size) {
  return InitStruct(stats, struct_size);
}

carat_status carat_conversation_new(const carat_model* model, const carat_chat_options* options,
                                    const carat_session_options* session_options,
                                    carat_conversation** conversation, carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_CLEAR_OUTPUT(conversation);
    CARAT_RETURN_IF_NULL(model);
    ConversationOptions how;
    CARAT_ASSIGN_OR_RETURN(how.chat, ToChatOptions(options));
    CARAT_ASSIGN_OR_RETURN(how.session, carat::capi::ToSessionOptions(session_options));
    CARAT_ASSIGN_OR_RETURN(Conversation made, Conversation::Create(model->value, how));
    *conversation = new carat_conversation{std::make_shared<Shared<Conversation>>(std::move(made)), {}};
    return {};
  });
}

void carat_conversation_free(carat_conversation* conversation) {
  delete conversation;
}

carat_status carat_conversation_add_message(carat_conversation* conversation,
                                            const carat_chat_message* message, carat_error* error) {
  return Call(error, [&] {
    return WithConversation(conversation, [&](Conversation& inside) -> Status {
      CARAT_RETURN_IF_NULL(message);
      return inside.AddMessage(message->value);
    });
  });
}

carat_status carat_conversation_add_user(carat_conversation* conversation, const char* text, size_t text_size,
                                         carat_error* error) {
  return Call(error, [&] {
    return WithConversation(conversation, [&](Conversation& inside) -> Status {
      CARAT_ASSIGN_OR_RETURN(const std::string_view what, TextOf(text, text_size, "text"));
      return inside.AddUser(what);
    });
  });
}

carat_status carat_conversation_add_tool_result(carat_conversation* conversation, const char* call_id,
                                                size_t call_id_size, const char* result, size_t result_size,
                                                int32_t json, carat_error* error) {
  return Call(error, [&] {
    return WithConversation(conversation, [&](Conversation& inside) -> Status {
      CARAT_ASSIGN_OR_RETURN(const std::string_view id, TextOf(call_id, call_id_size, "call_id"));
      CARAT_ASSIGN_OR_RETURN(const std::string_view what, TextOf(result, result_size, "result"));
      return inside.AddToolResult(id, what, json != 0);
    });
  });
}

size_t carat_conversation_message_count(const carat_conversation* conversation) {
  return conversation == nullptr ? 0 : conversation->core->value.messages().size();
}

carat_status carat_conversation_get_message(const carat_conversation* conversation, size_t index,
                                            carat_chat_message** message, carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_CLEAR_OUTPUT(message);
    return WithConversation(conversation, [&](Conversation& inside) -> Status {
      if (index >= inside.messages().size()) {
        return carat::internal::OutOfRange("there is no message %d: the conversation has %d", index,
                                           inside.messages().size());
      }
      auto copy = std::make_unique<carat_chat_message>(carat_chat_message{inside.messages()[index], {}});
      copy->ShowText();
      *message = copy.release();
      return {};
    });
  });
}

carat_status carat_conversation_truncate(carat_conversation* conversation, size_t count, carat_error* error) {
  return Call(error, [&] {
    return WithConversation(conversation, [&](Conversation& inside) { return inside.Truncate(count); });
  });
}

carat_status carat_conversation_set_options(carat_conversation* conversation,
                                            const carat_chat_options* options, carat_error* error) {
  return Call(error, [&] {
    return WithConversation(conversation, [&](Conversation& inside) -> Status {
      CARAT_ASSIGN_OR_RETURN(const carat::ChatOptions how, ToChatOptions(options));
      return inside.SetChatOptions(how);
    });
  });
}

carat_status carat_conversation_start(carat_conversation* conversation, const carat_reply_options* options,
                                      carat_error* error) {
  return Call(error, [&] {
    return WithConversation(conversation, [&](Conversation& inside) -> Status {
      CARAT_ASSIGN_OR_RETURN(const Request request, ToRequest(options));
      return inside.Start(request.options);
    });
  });
}

carat_status carat_conversation_next(carat_conversation* conversation, carat_reply_event* event,
                                     carat_error* error) {
  return Call(error, [&] {
    return WithConversation(conversation, [&](Conversation& inside) -> Status {
      CARAT_RETURN_IF_ERROR(CheckStruct(event, "carat_reply_event"));
      CARAT_ASSIGN_OR_RETURN(conversation->event, inside.Next());
      FillStruct(event, ToEvent(conversation->event));
      return {};
    });
  });
}

carat_status carat_conversation_stop(carat_conversation* conversation, carat_error* error) {
  return Call(error, [&] {
    return WithConversation(conversation, [](Conversation& inside) { return inside.Stop(); });
  });
}

carat_status carat_conversation_run(carat_conversation* conversation, const carat_reply_options* options,
                                    carat_reply_callback on_event, void* user_data, carat_reply_end* end,
                                    carat_error* error) {
  return Call(error, [&]() -> Status {
    if (end != nullptr) *end = CARAT_REPLY_RUNNING;
    return WithConversation(conversation, [&](Conversation& inside) -> Status {
      CARAT_ASSIGN_OR_RETURN(const Request request, ToRequest(options));
      std::function<bool(const ReplyEvent&)> callback;
      if (on_event != nullptr) {
        callback = [&](const ReplyEvent& event) {
          const carat_reply_event filled = ToEvent(event);
          return on_event(user_data, &filled) != 0;
        };
      }
      CARAT_ASSIGN_OR_RETURN(const Reply reply, inside.Run(request.options, callback));
      if (end != nullptr) *end = static_cast<carat_reply_end>(reply.end);
      return {};
    });
  });
}

carat_status carat_conversation_get_stats(const carat_conversation* conversation, carat_reply_stats* stats,
                                          carat_error* error) {
  return Call(error, [&] {
    return WithConversation(conversation, [&](Conversation& inside) -> Status {
      CARAT_RETURN_IF_ERROR(CheckStruct(stats, "carat_reply_stats"));
      const ReplyStats& from = inside.stats();
      carat_reply_stats filled = DefaultsOf<carat_reply_stats>();
      filled.prompt_tokens = from.prompt_tokens;
      filled.reused_tokens = from.reused_tokens;
      filled.generated_tokens = from.generated_tokens;
      filled.thought_tokens = from.thought_tokens;
      filled.prompt_seconds = from.prompt_seconds;
      filled.generation_seconds = from.generation_seconds;
      FillStruct(stats, filled);
      return {};
    });
  });
}

int64_t carat_conversation_position(const carat_conversation* conversation) {
  return conversation == nullptr ? 0 : conversation->core->value.session().position();
}

int64_t carat_conversation_context_size(const carat_conversation* conversation) {
  return conversation == nullptr ? 0 : conversation->core->value.session().context_size();
}

uint64_t carat_conversation_memory_bytes(const carat_conversation* conversation) {
  return conversation == nullptr ? 0 : conversation->core->value.session().memory_bytes();
}

void carat_conversation_cancel(carat_conversation* conversation) {
  if (conversation != nullptr) conversation->core->value.Cancel();
}

void carat_conversation_clear_cancel(carat_conversation* conversation) {
  if (conversation != nullptr) conversation->core->value.ClearCancel();
}
