#include "carat/session.h"

#include "lib/base/error.h"
#include "lib/base/guard.h"
#include "lib/runtime/prompt_impl.h"
#include "lib/runtime/session_impl.h"

namespace carat {

using internal::Guard;
using internal::SessionImpl;

namespace {

Status MovedFrom() {
  return internal::FailedPrecondition("this session has been moved from");
}

}  // namespace

Session::Session(std::unique_ptr<SessionImpl> impl) noexcept : impl_(std::move(impl)) {}
Session::~Session() = default;
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;

Result<Session> Session::Create(const Model& model, const SessionOptions& options) noexcept {
  return Guard([&]() -> Result<Session> {
    if (!model.impl()) return internal::FailedPrecondition("this model has been moved from");
    auto impl = SessionImpl::Create(model.impl(), options);
    if (!impl.ok()) return impl.status();
    return Session(*std::move(impl));
  });
}

Status Session::Prefill(std::span<const std::int32_t> tokens, const PrefillOptions& options) noexcept {
  return Guard([&] { return impl_ ? impl_->Prefill(tokens, {}, options) : MovedFrom(); });
}

Status Session::Prefill(const Prompt& prompt, const PrefillOptions& options) noexcept {
  return Guard([&]() -> Status {
    if (!impl_) return MovedFrom();
    if (prompt.data() == nullptr) return internal::FailedPrecondition("this prompt has been moved from");
    if (prompt.data()->model != impl_->model()) {
      return internal::InvalidArgument("this prompt was made for another model than the session's");
    }
    return impl_->Prefill(prompt.data()->tokens, prompt.data()->runs, options);
  });
}

Status Session::Decode(std::int32_t token) noexcept {
  return Guard([&] { return impl_ ? impl_->Prefill({&token, 1}, {}, {}) : MovedFrom(); });
}

std::size_t Session::logits_count() const noexcept {
  return impl_ ? impl_->logits_count() : 0;
}

Result<std::span<const float>> Session::Logits(std::size_t index) const noexcept {
  return Guard([&]() -> Result<std::span<const float>> {
    if (!impl_) return MovedFrom();
    if (index >= impl_->logits_count()) {
      return internal::OutOfRange("there are logits of %d positions, and no index %d", impl_->logits_count(),
                                  index);
    }
    return impl_->Logits(index);
  });
}

Result<std::span<const float>> Session::LastLogits() const noexcept {
  return Guard([&]() -> Result<std::span<const float>> {
    if (!impl_) return MovedFrom();
    if (impl_->logits_count() == 0) {
      return internal::FailedPrecondition(
          "there are no logits: nothing has been read since the session began or rewound, "
          "or none were wanted");
    }
    return impl_->Logits(impl_->logits_count() - 1);
  });
}

Result<RewindResult> Session::Rewind(std::int64_t position) noexcept {
  return Guard([&]() -> Result<RewindResult> {
    if (!impl_) return MovedFrom();
    return impl_->Rewind(position);
  });
}

Status Session::Mark() noexcept {
  return Guard([&] { return impl_ ? impl_->Mark() : MovedFrom(); });
}

Result<Session> Session::Clone() const noexcept {
  return Guard([&]() -> Result<Session> {
    if (!impl_) return MovedFrom();
    auto copy = impl_->Clone();
    if (!copy.ok()) return copy.status();
    return Session(*std::move(copy));
  });
}

std::span<const std::int32_t> Session::tokens() const noexcept {
  if (!impl_) return {};
  return impl_->tokens();
}
std::int64_t Session::position() const noexcept {
  return impl_ ? impl_->position() : 0;
}
std::int64_t Session::context_size() const noexcept {
  return impl_ ? impl_->plan().context_size : 0;
}
KvType Session::kv_type() const noexcept {
  return impl_ ? impl_->plan().kv_type : KvType::kAuto;
}
std::int32_t Session::prompt_chunk() const noexcept {
  return impl_ ? static_cast<std::int32_t>(impl_->plan().chunk) : 0;
}
std::uint64_t Session::memory_bytes() const noexcept {
  return impl_ ? impl_->memory_bytes() : 0;
}
Model Session::model() const noexcept {
  return Model(impl_ ? impl_->model() : nullptr);
}

void Session::Cancel() noexcept {
  if (impl_) impl_->Cancel();
}
void Session::ClearCancel() noexcept {
  if (impl_) impl_->ClearCancel();
}

}  // namespace carat
