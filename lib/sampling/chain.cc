// SamplerChain: runs a row of samplers, and keeps what a host's own may do wrong from reaching the next.
#include <algorithm>
#include <exception>
#include <functional>
#include <limits>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "carat/sampler.h"
#include "lib/base/error.h"
#include "lib/base/guard.h"
#include "lib/sampling/built_in.h"
#include "lib/sampling/candidates.h"

namespace carat {
namespace {

using internal::FailedPrecondition;
using internal::Guard;
using internal::InvalidArgument;
using internal::OutOfRange;

struct Step {
  std::unique_ptr<Sampler> sampler;
  bool built_in;

  std::string name() const { return std::string(sampler->name()); }
};

// What f(sampler) returns; an exception becomes an error that names the sampler.
template <typename F>
auto CallSampler(const Step& step, F f) noexcept -> std::invoke_result_t<F, Sampler&> {
  return Guard([&]() -> std::invoke_result_t<F, Sampler&> {
    try {
      return f(*step.sampler);
    } catch (const std::bad_alloc&) {
      throw;
    } catch (const std::exception& e) {
      return internal::Internal("sampler '%s' threw: %s", step.name(), e.what());
    } catch (...) {
      return internal::Internal("sampler '%s' threw something that is no std::exception", step.name());
    }
  });
}

// A list as it was before a sampler saw it, to hold what the sampler leaves against.
struct Before {
  std::span<const Candidate> items;
  std::size_t vocabulary;
};

Status CheckStorage(const Step& step, const Before& before, const CandidateList& after) {
  const Candidate* const begin = after.items().data();
  const std::less_equal<> not_behind;  // also for pointers into different arrays
  if (after.size() <= before.items.size() && not_behind(before.items.data(), begin) &&
      not_behind(begin + after.size(), before.items.data() + before.items.size())) {
    return {};
  }
  return InvalidArgument(
      "sampler '%s' replaced the list of %d candidates by another of %d: it may only edit it", step.name(),
      before.items.size(), after.size());
}

Status CheckCandidates(const Step& step, const Before& before, const CandidateList& after) {
  for (const Candidate& candidate : after.items()) {
    if (!(candidate.logit < std::numeric_limits<float>::infinity())) {
      return InvalidArgument("sampler '%s' set the logit of token %d to %g", step.name(), candidate.token,
                             candidate.logit);
    }
    if (candidate.token < 0 || static_cast<std::size_t>(candidate.token) >= before.vocabulary) {
      return InvalidArgument("sampler '%s' put token %d on the list, but the vocabulary has %d tokens",
                             step.name(), candidate.token, before.vocabulary);
    }
  }
  return {};
}

Status CheckSelection(const Step& step, const CandidateList& after) {
  if (after.selected() == -1) return {};
  const auto items = after.items();
  const auto selected = std::find_if(items.begin(), items.end(), [&](const Candidate& candidate) {
    return candidate.token == after.selected();
  });
  if (selected == items.end()) {
    return InvalidArgument("sampler '%s' selected token %d, which is not among the %d candidates",
                           step.name(), after.selected(), after.size());
  }
  if (selected->logit == internal::kNever) {
    return InvalidArgument("sampler '%s' selected token %d, whose logit is -infinity", step.name(),
                           after.selected());
  }
  return {};
}

// What a host's sampler may leave behind. A list that only seems sorted is no error, but it is put right.
Status CheckEdit(const Step& step, const Before& before, CandidateList& after) {
  if (after.size() > 0) CARAT_RETURN_IF_ERROR(CheckStorage(step, before, after));
  CARAT_RETURN_IF_ERROR(CheckCandidates(step, before, after));
  CARAT_RETURN_IF_ERROR(CheckSelection(step, after));
  if (after.sorted() && !internal::IsInOrder(after.items())) after.set_sorted(false);
  return {};
}

Status RunStep(const Step& step, std::size_t vocabulary, CandidateList& candidates) {
  if (step.built_in) {
    CARAT_RETURN_IF_ERROR(step.sampler->Apply(candidates));
  } else {
    const Before before{candidates.items(), vocabulary};
    CARAT_RETURN_IF_ERROR(CallSampler(step, [&](Sampler& sampler) { return sampler.Apply(candidates); }));
    CARAT_RETURN_IF_ERROR(CheckEdit(step, before, candidates));
  }
  if (candidates.size() > 0) return {};
  return FailedPrecondition("sampler '%s' left no candidate", step.name());
}

// Fills the list with the whole vocabulary.
Status FillCandidates(std::span<const float> logits, std::vector<Candidate>& candidates) {
  if (logits.empty()) return InvalidArgument("there are no logits to sample from");
  if (logits.size() > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max())) {
    return InvalidArgument("%d logits are more than there can be token ids", logits.size());
  }
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  candidates.resize(logits.size());
  int wrong = 0;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    candidates[i] = {static_cast<std::int32_t>(i), logits[i]};
    wrong |= logits[i] < kInfinity ? 0 : 1;
  }
  if (wrong == 0) return {};
  const auto first =
      std::find_if(logits.begin(), logits.end(), [](float logit) { return !(logit < kInfinity); });
  return InvalidArgument("the logit of token %d is %g", first - logits.begin(), *first);
}

}  // namespace

struct SamplerChain::Impl {
  std::vector<Step> steps;
  std::vector<Candidate> candidates;  // kept from call to call, for its memory
  bool in_use = false;
};

namespace {

// Marks a chain as in use, so that a sampler that calls its own chain gets an error.
class Use {
 public:
  explicit Use(bool& in_use) : in_use_(in_use), nested_(std::exchange(in_use, true)) {}
  ~Use() { in_use_ = nested_; }
  Use(const Use&) = delete;
  Use& operator=(const Use&) = delete;

  Status status() const {
    if (!nested_) return {};
    return FailedPrecondition("a sampler called the chain that it belongs to");
  }

 private:
  bool& in_use_;
  bool nested_;
};

// f(sampler) for every sampler, whatever becomes of the others; the first error.
template <typename F>
Status CallEach(const std::vector<Step>& steps, F f) {
  Status first;
  for (const Step& step : steps) {
    Status status = CallSampler(step, [&](Sampler& sampler) {
      f(sampler);
      return Status();
    });
    if (first.ok()) first = std::move(status);
  }
  return first;
}

Result<std::unique_ptr<Sampler>> CloneSampler(const Step& step) {
  auto clone = CallSampler(step, [](const Sampler& sampler) { return sampler.Clone(); });
  if (clone.ok() && *clone == nullptr) {
    return InvalidArgument("sampler '%s' cloned itself into a null pointer", step.name());
  }
  return clone;
}

}  // namespace

SamplerChain::SamplerChain() noexcept = default;
SamplerChain::~SamplerChain() = default;
SamplerChain::SamplerChain(SamplerChain&&) noexcept = default;
SamplerChain& SamplerChain::operator=(SamplerChain&&) noexcept = default;

Status SamplerChain::Insert(std::size_t index, std::unique_ptr<Sampler> sampler) noexcept {
  return Guard([&]() -> Status {
    if (sampler == nullptr) return InvalidArgument("the sampler to insert is null");
    if (impl_ == nullptr) impl_ = std::make_unique<Impl>();
    const Use use(impl_->in_use);
    CARAT_RETURN_IF_ERROR(use.status());
    std::vector<Step>& steps = impl_->steps;
    if (index > steps.size()) {
      return OutOfRange("cannot insert sampler '%s' at %d: the chain has %d samplers",
                        std::string(sampler->name()), index, steps.size());
    }
    const bool built_in = sampler->built_in_;
    steps.insert(steps.begin() + static_cast<std::ptrdiff_t>(index), Step{std::move(sampler), built_in});
    return {};
  });
}

Status SamplerChain::Append(std::unique_ptr<Sampler> sampler) noexcept {
  return Insert(size(), std::move(sampler));
}

std::size_t SamplerChain::size() const noexcept {
  return impl_ == nullptr ? 0 : impl_->steps.size();
}

std::string_view SamplerChain::name(std::size_t index) const noexcept {
  return index < size() ? impl_->steps[index].sampler->name() : std::string_view();
}

Result<std::int32_t> SamplerChain::Sample(std::span<const float> logits) noexcept {
  return Guard([&]() -> Result<std::int32_t> {
    if (impl_ == nullptr) impl_ = std::make_unique<Impl>();
    const Use use(impl_->in_use);
    CARAT_RETURN_IF_ERROR(use.status());
    CARAT_RETURN_IF_ERROR(FillCandidates(logits, impl_->candidates));
    CandidateList candidates(impl_->candidates.data(), impl_->candidates.size());
    for (const Step& step : impl_->steps) {
      CARAT_RETURN_IF_ERROR(RunStep(step, logits.size(), candidates));
      if (candidates.selected() != -1) return candidates.selected();
    }
    return FailedPrecondition("none of the chain's %d samplers selected a token", impl_->steps.size());
  });
}

Status SamplerChain::Accept(std::int32_t token, TokenOrigin origin) noexcept {
  return Guard([&]() -> Status {
    if (token < 0) return InvalidArgument("token %d cannot be accepted: token ids are not below 0", token);
    if (origin != TokenOrigin::kPrompt && origin != TokenOrigin::kGenerated) {
      return InvalidArgument("origin is %d, which is none of the enumeration", static_cast<int>(origin));
    }
    if (impl_ == nullptr) return {};
    const Use use(impl_->in_use);
    CARAT_RETURN_IF_ERROR(use.status());
    return CallEach(impl_->steps, [&](Sampler& sampler) { sampler.Accept(token, origin); });
  });
}

Status SamplerChain::Reset() noexcept {
  return Guard([&]() -> Status {
    if (impl_ == nullptr) return {};
    const Use use(impl_->in_use);
    CARAT_RETURN_IF_ERROR(use.status());
    return CallEach(impl_->steps, [](Sampler& sampler) { sampler.Reset(); });
  });
}

Result<SamplerChain> SamplerChain::Clone() const noexcept {
  return Guard([&]() -> Result<SamplerChain> {
    SamplerChain copy;
    if (impl_ == nullptr) return copy;
    const Use use(impl_->in_use);
    CARAT_RETURN_IF_ERROR(use.status());
    for (const Step& step : impl_->steps) {
      CARAT_ASSIGN_OR_RETURN(auto sampler, CloneSampler(step));
      CARAT_RETURN_IF_ERROR(copy.Append(std::move(sampler)));
    }
    return copy;
  });
}

}  // namespace carat
