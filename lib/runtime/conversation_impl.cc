#include "lib/runtime/conversation_impl.h"

#include <algorithm>
#include <utility>

#include "lib/base/error.h"
#include "lib/chat/control_tokens.h"
#include "lib/chat/prompt_parts.h"

namespace carat::internal {

Result<std::unique_ptr<ConversationImpl>> ConversationImpl::Create(const Model& model,
                                                                   const ConversationOptions& options) {
  if (!model.impl()) return FailedPrecondition("this model has been moved from");
  for (const std::string_view name : {control::kBos, control::kBeginTurn, control::kEndTurn})
    CARAT_RETURN_IF_ERROR(ControlToken(model.tokenizer(), name).status());
  CARAT_ASSIGN_OR_RETURN(Session session, Session::Create(model, options.session));
  return std::unique_ptr<ConversationImpl>(new ConversationImpl(std::move(session), options.chat));
}

Status ConversationImpl::NoReply() const {
  if (reply_ == nullptr) return {};
  return FailedPrecondition(
      "a reply is running: take its events to the end, or stop it, before anything changes");
}

Status ConversationImpl::AddMessage(ChatMessage message) {
  CARAT_RETURN_IF_ERROR(NoReply());
  if (message.role.empty()) return InvalidArgument("the message has no role");
  messages_.push_back(std::move(message));
  return {};
}

namespace {

// The last message of an assistant's that only results follow; null if there is none.
const ChatMessage* LastCaller(const std::vector<ChatMessage>& messages) {
  for (auto message = messages.rbegin(); message != messages.rend(); ++message) {
    if (message->role != "tool") return message->role == "assistant" ? &*message : nullptr;
  }
  return nullptr;
}

}  // namespace

Status ConversationImpl::AddToolResult(std::string_view call_id, std::string_view result, bool json) {
  CARAT_RETURN_IF_ERROR(NoReply());
  const ChatMessage* caller = LastCaller(messages_);
  const auto is_it = [call_id](const ToolCall& call) { return call.id == call_id; };
  if (caller == nullptr || !std::any_of(caller->tool_calls.begin(), caller->tool_calls.end(), is_it))
    return NotFound("the last reply has no call with the id '%s'", std::string(call_id));
  ChatMessage message{.role = "tool", .text = std::string(result), .tool_call_id = std::string(call_id)};
  message.json = json;
  messages_.push_back(std::move(message));
  return {};
}

Status ConversationImpl::Truncate(std::size_t count) {
  CARAT_RETURN_IF_ERROR(NoReply());
  if (count > messages_.size())
    return OutOfRange("cannot keep %d messages: the conversation has %d", count, messages_.size());
  messages_.resize(count);
  return {};
}

Status ConversationImpl::SetChatOptions(const ChatOptions& options) {
  CARAT_RETURN_IF_ERROR(NoReply());
  chat_ = options;
  return {};
}

Status ConversationImpl::CheckResults() const {
  const ChatMessage* caller = LastCaller(messages_);
  if (caller == nullptr || !caller->tool_responses.empty()) return {};
  std::size_t results = 0;
  for (auto message = messages_.rbegin(); message != messages_.rend() && message->role == "tool"; ++message)
    ++results;
  if (results >= caller->tool_calls.size()) return {};
  return FailedPrecondition("%d tool calls have %d results: add the others first", caller->tool_calls.size(),
                            results);
}

Status ConversationImpl::Start(const ReplyOptions& options) {
  CARAT_RETURN_IF_ERROR(NoReply());
  CARAT_RETURN_IF_ERROR(CheckResults());
  auto reply = RunningReply::Start(session_, messages_, chat_, options, grammars_, calls_, stats_);
  if (!reply.ok()) return reply.status();
  reply_ = *std::move(reply);
  continues_last_ = options.continue_last;
  return {};
}

void ConversationImpl::Keep() {
  ChatMessage message = reply_->message();
  calls_ += reply_->calls_begun();
  reply_.reset();
  if (!continues_last_) {
    messages_.push_back(std::move(message));
    return;
  }
  ChatMessage& last = messages_.back();
  if (last.parts.empty()) {
    last.text += message.text;
  } else {
    last.parts.push_back({ChatPartKind::kText, std::move(message.text), std::nullopt});
  }
  last.reasoning += message.reasoning;
  last.tool_calls = std::move(message.tool_calls);
}

Result<ReplyEvent> ConversationImpl::Next() {
  if (reply_ == nullptr) return FailedPrecondition("no reply is running");
  auto event = reply_->Next();
  if (!event.ok()) {
    reply_.reset();
  } else if (event->kind == ReplyEventKind::kEnd) {
    Keep();
  }
  return event;
}

Status ConversationImpl::Stop() {
  if (reply_ == nullptr) return {};
  CARAT_RETURN_IF_ERROR(reply_->Stop());
  Keep();
  return {};
}

Result<Reply> ConversationImpl::Run(const ReplyOptions& options,
                                    const std::function<bool(const ReplyEvent&)>& on_event) {
  CARAT_RETURN_IF_ERROR(Start(options));
  Reply reply;
  while (reply.end == ReplyEnd::kNone) {
    auto event = reply_->Next();
    if (!event.ok()) {
      reply_.reset();
      return event.status();
    }
    const bool go_on = !on_event || on_event(*event);
    reply.end = event->end;
    if (!go_on && reply.end == ReplyEnd::kNone) {
      CARAT_RETURN_IF_ERROR(reply_->Stop());
      reply.end = ReplyEnd::kCancelled;
    }
  }
  reply.message = reply_->message();
  reply.malformed_calls = reply_->malformed_calls();
  reply.stats = stats_;
  Keep();
  return reply;
}

}  // namespace carat::internal
