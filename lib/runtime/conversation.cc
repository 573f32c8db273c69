#include "carat/conversation.h"

#include "lib/base/error.h"
#include "lib/base/guard.h"
#include "lib/runtime/conversation_impl.h"
#include "lib/runtime/session_impl.h"

namespace carat {

using internal::ConversationImpl;
using internal::Guard;

namespace {

Status MovedFrom() {
  return internal::FailedPrecondition("this conversation has been moved from");
}

}  // namespace

Conversation::Conversation(std::unique_ptr<ConversationImpl> impl) noexcept : impl_(std::move(impl)) {}
Conversation::~Conversation() = default;
Conversation::Conversation(Conversation&&) noexcept = default;
Conversation& Conversation::operator=(Conversation&&) noexcept = default;

Result<Conversation> Conversation::Create(const Model& model, const ConversationOptions& options) noexcept {
  return Guard([&]() -> Result<Conversation> {
    auto impl = ConversationImpl::Create(model, options);
    if (!impl.ok()) return impl.status();
    return Conversation(*std::move(impl));
  });
}

Status Conversation::AddMessage(ChatMessage message) noexcept {
  return Guard([&] { return impl_ ? impl_->AddMessage(std::move(message)) : MovedFrom(); });
}

Status Conversation::AddUser(std::string_view text) noexcept {
  return Guard(
      [&] { return impl_ ? impl_->AddMessage({.role = "user", .text = std::string(text)}) : MovedFrom(); });
}

Status Conversation::AddToolResult(std::string_view call_id, std::string_view result, bool json) noexcept {
  return Guard([&] { return impl_ ? impl_->AddToolResult(call_id, result, json) : MovedFrom(); });
}

const std::vector<ChatMessage>& Conversation::messages() const noexcept {
  static const std::vector<ChatMessage> kNone;
  return impl_ ? impl_->messages() : kNone;
}

Status Conversation::Truncate(std::size_t count) noexcept {
  return Guard([&] { return impl_ ? impl_->Truncate(count) : MovedFrom(); });
}

Status Conversation::SetChatOptions(const ChatOptions& options) noexcept {
  return Guard([&] { return impl_ ? impl_->SetChatOptions(options) : MovedFrom(); });
}

const ChatOptions& Conversation::chat_options() const noexcept {
  static const ChatOptions kDefaults;
  return impl_ ? impl_->chat_options() : kDefaults;
}

Status Conversation::Start(const ReplyOptions& options) noexcept {
  return Guard([&] { return impl_ ? impl_->Start(options) : MovedFrom(); });
}

Result<ReplyEvent> Conversation::Next() noexcept {
  return Guard([&]() -> Result<ReplyEvent> {
    if (!impl_) return MovedFrom();
    return impl_->Next();
  });
}

Status Conversation::Stop() noexcept {
  return Guard([&] { return impl_ ? impl_->Stop() : MovedFrom(); });
}

Result<Reply> Conversation::Run(const ReplyOptions& options,
                                const std::function<bool(const ReplyEvent&)>& on_event) noexcept {
  return Guard([&]() -> Result<Reply> {
    if (!impl_) return MovedFrom();
    return impl_->Run(options, on_event);
  });
}

const ReplyStats& Conversation::stats() const noexcept {
  static const ReplyStats kNothing;
  return impl_ ? impl_->stats() : kNothing;
}

const Session& Conversation::session() const noexcept {
  static const Session kNone{nullptr};
  return impl_ ? impl_->session() : kNone;
}

void Conversation::Cancel() noexcept {
  if (impl_) impl_->session().Cancel();
}

void Conversation::ClearCancel() noexcept {
  if (impl_) impl_->session().ClearCancel();
}

}  // namespace carat
