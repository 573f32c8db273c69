#include "lib/runtime/generation_impl.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "lib/base/error.h"

namespace carat::internal {
namespace {

constexpr std::int32_t kMaxTopLogprobs = 100;

using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

Status CheckOptions(const GenerationOptions& options) {
  if (options.max_new_tokens < -1) {
    return InvalidArgument("max_new_tokens is %d, but must be -1 (no limit) or at least 0",
                           options.max_new_tokens);
  }
  if (options.top_logprobs < 0 || options.top_logprobs > kMaxTopLogprobs) {
    return InvalidArgument("top_logprobs is %d, but must lie in 0 .. %d", options.top_logprobs,
                           kMaxTopLogprobs);
  }
  for (std::size_t i = 0; i < options.stop_strings.size(); ++i) {
    if (options.stop_strings[i].empty()) return InvalidArgument("stop_strings[%d] is empty", i);
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<GenerationImpl>> GenerationImpl::Start(Session& session, const Prompt* prompt,
                                                              std::span<const std::int32_t> tokens,
                                                              const GenerationOptions& options) {
  if (session.impl() == nullptr) return FailedPrecondition("this session has been moved from");
  CARAT_RETURN_IF_ERROR(CheckOptions(options));
  auto generation = std::unique_ptr<GenerationImpl>(new GenerationImpl(session, options));
  CARAT_RETURN_IF_ERROR(generation->Prepare(prompt, tokens));
  return generation;
}

Status GenerationImpl::Prepare(const Prompt* prompt, std::span<const std::int32_t> tokens) {
  if (prompt != nullptr) tokens = prompt->tokens();
  const Model model = session_.model();
  stop_tokens_ = options_.stop_tokens;
  if (options_.stop_at_model_stop_tokens) {
    const auto own = model.stop_tokens();
    stop_tokens_.insert(stop_tokens_.end(), own.begin(), own.end());
  }
  std::sort(stop_tokens_.begin(), stop_tokens_.end());
  if (options_.chain == nullptr) {
    CARAT_ASSIGN_OR_RETURN(own_chain_,
                           SamplerChain::Create(options_.sampling.value_or(model.default_sampling())));
    // A chain of our own has not seen what the session already holds.
    for (const std::int32_t token : session_.tokens()) {
      CARAT_RETURN_IF_ERROR(own_chain_.Accept(token, TokenOrigin::kPrompt));
    }
  }
  const auto start = Clock::now();
  if (!tokens.empty()) {
    PrefillOptions prefill;
    prefill.progress = options_.prompt_progress;
    CARAT_RETURN_IF_ERROR(prompt != nullptr ? session_.Prefill(*prompt, prefill)
                                            : session_.Prefill(tokens, prefill));
  } else {
    const auto logits = session_.LastLogits();
    if (!logits.ok()) return logits.status();
  }
  for (const std::int32_t token : tokens) CARAT_RETURN_IF_ERROR(chain().Accept(token, TokenOrigin::kPrompt));
  stats_.prompt_tokens = static_cast<std::int64_t>(tokens.size());
  stats_.prompt_seconds = SecondsSince(start);
  began_ = Clock::now();
  return {};
}

StopReason GenerationImpl::StopReasonOf(std::int32_t token) const {
  if (std::binary_search(stop_tokens_.begin(), stop_tokens_.end(), token)) return StopReason::kStopToken;
  if (stats_.generated_tokens == options_.max_new_tokens) return StopReason::kMaxTokens;
  if (session_.position() == session_.context_size()) return StopReason::kContextFull;
  return StopReason::kNone;
}

void GenerationImpl::FindTopLogprobs(std::span<const float> logits, std::int32_t token,
                                     GenerationStep& step) {
  if (options_.top_logprobs == 0) return;
  const float max = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit) - max);
  const double log_sum = max + std::log(sum);
  const auto logprob = [&](std::size_t id) { return static_cast<float>(logits[id] - log_sum); };

  const std::size_t count = std::min(static_cast<std::size_t>(options_.top_logprobs), logits.size());
  std::vector<Candidate> candidates(logits.size());
  for (std::size_t i = 0; i < logits.size(); ++i) candidates[i] = {static_cast<std::int32_t>(i), logits[i]};
  CandidateList list(candidates.data(), candidates.size());
  list.KeepHighest(count);
  top_.clear();
  for (const Candidate& candidate : list.items()) {
    top_.push_back({candidate.token, logprob(static_cast<std::size_t>(candidate.token))});
  }
  step.logprob = logprob(static_cast<std::size_t>(token));
  step.top = top_;
}

GenerationStep GenerationImpl::Finish(GenerationStep step, StopReason reason) {
  finished_ = true;
  if (reason != StopReason::kStopString) {
    text_ += stop_strings_.Add(decoder_.Finish());
    if (stop_strings_.found()) reason = StopReason::kStopString;
    text_ += stop_strings_.Finish();
  }
  step.text = text_;
  step.stop = reason;
  stats_.generation_seconds = SecondsSince(began_);
  return step;
}

Result<GenerationStep> GenerationImpl::Next() {
  if (finished_) return FailedPrecondition("the generation has ended");
  text_.clear();
  if (options_.max_new_tokens == 0) return Finish({}, StopReason::kMaxTokens);
  if (pending_ >= 0) {
    Status status = session_.Decode(pending_);
    if (status.code() == StatusCode::kCancelled) return Finish({}, StopReason::kCancelled);
    CARAT_RETURN_IF_ERROR(std::move(status));
    pending_ = -1;
  }
  CARAT_ASSIGN_OR_RETURN(const std::span<const float> logits, session_.LastLogits());
  CARAT_ASSIGN_OR_RETURN(const std::int32_t token, chain().Sample(logits));
  if (token < 0 || static_cast<std::size_t>(token) >= logits.size()) {
    return OutOfRange("a sampler selected token %d, but ids lie in 0 .. %d", token, logits.size() - 1);
  }
  CARAT_RETURN_IF_ERROR(chain().Accept(token));
  pending_ = token;
  ++stats_.generated_tokens;
  stats_.generation_seconds = SecondsSince(began_);

  GenerationStep step;
  step.token = token;
  FindTopLogprobs(logits, token, step);
  const StopReason reason = StopReasonOf(token);
  // The text of a stop token is the model's business, not the reader's, unless asked for.
  if (reason != StopReason::kStopToken || options_.show_special) {
    CARAT_ASSIGN_OR_RETURN(const std::string piece, decoder_.Next(token));
    text_ = stop_strings_.Add(piece);
    if (stop_strings_.found()) return Finish(step, StopReason::kStopString);
  }
  if (reason != StopReason::kNone) return Finish(step, reason);
  step.text = text_;
  return step;
}

}  // namespace carat::internal
