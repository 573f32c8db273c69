#include "carat/generation.h"

#include "lib/base/error.h"
#include "lib/base/guard.h"
#include "lib/runtime/generation_impl.h"

namespace carat {

using internal::GenerationImpl;
using internal::Guard;

Generation::Generation(std::unique_ptr<GenerationImpl> impl) noexcept : impl_(std::move(impl)) {}
Generation::~Generation() = default;
Generation::Generation(Generation&&) noexcept = default;
Generation& Generation::operator=(Generation&&) noexcept = default;

Result<Generation> Generation::Start(Session& session, std::span<const std::int32_t> prompt,
                                     const GenerationOptions& options) noexcept {
  return Guard([&]() -> Result<Generation> {
    auto impl = GenerationImpl::Start(session, nullptr, prompt, options);
    if (!impl.ok()) return impl.status();
    return Generation(*std::move(impl));
  });
}

Result<Generation> Generation::Start(Session& session, const Prompt& prompt,
                                     const GenerationOptions& options) noexcept {
  return Guard([&]() -> Result<Generation> {
    auto impl = GenerationImpl::Start(session, &prompt, {}, options);
    if (!impl.ok()) return impl.status();
    return Generation(*std::move(impl));
  });
}

Result<GenerationStep> Generation::Next() noexcept {
  return Guard([&]() -> Result<GenerationStep> {
    if (!impl_) return internal::FailedPrecondition("this generation has been moved from");
    return impl_->Next();
  });
}

const GenerationStats& Generation::stats() const noexcept {
  static const GenerationStats kNothing;
  return impl_ ? impl_->stats() : kNothing;
}

namespace {

Result<GenerationResult> RunToEnd(Result<Generation> run,
                                  const std::function<bool(const GenerationStep&)>& on_step) {
  if (!run.ok()) return run.status();
  GenerationResult result;
  while (result.stop == StopReason::kNone) {
    CARAT_ASSIGN_OR_RETURN(const GenerationStep step, run->Next());
    if (step.token >= 0) result.tokens.push_back(step.token);
    result.text += step.text;
    result.stop = step.stop;
    const bool go_on = !on_step || on_step(step);
    if (!go_on && result.stop == StopReason::kNone) result.stop = StopReason::kCancelled;
  }
  result.stats = run->stats();
  return result;
}

}  // namespace

Result<GenerationResult> Generate(Session& session, std::span<const std::int32_t> prompt,
                                  const GenerationOptions& options,
                                  const std::function<bool(const GenerationStep&)>& on_step) noexcept {
  return Guard([&] { return RunToEnd(Generation::Start(session, prompt, options), on_step); });
}

Result<GenerationResult> Generate(Session& session, const Prompt& prompt, const GenerationOptions& options,
                                  const std::function<bool(const GenerationStep&)>& on_step) noexcept {
  return Guard([&] { return RunToEnd(Generation::Start(session, prompt, options), on_step); });
}

}  // namespace carat
