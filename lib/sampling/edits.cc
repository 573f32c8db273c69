// The samplers that change logits: bias, penalties, temperature.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "carat/sampler.h"
#include "lib/base/error.h"
#include "lib/sampling/built_in.h"
#include "lib/sampling/candidates.h"
#include "lib/sampling/ranges.h"

namespace carat {
namespace internal {
namespace {

// A sum or quotient that left float32 comes back to its edge: infinity has a meaning of its own.
float Bounded(float logit) {
  constexpr float kMax = std::numeric_limits<float>::max();
  return std::clamp(logit, -kMax, kMax);
}

// By token. Not abseil's map, which destroys itself wrongly when memory runs out.
template <typename Value>
using TokenMap = std::unordered_map<std::int32_t, Value>;

// Calls edit(candidate, value) for each candidate whose token is a key of the map.
template <typename Value, typename Edit>
void EditByToken(CandidateList& candidates, const TokenMap<Value>& by_token, Edit edit) {
  const std::span<Candidate> items = candidates.items();
  const auto in_its_place = [&](const auto& entry) {
    const auto index = static_cast<std::size_t>(entry.first);
    return index < items.size() && items[index].token == entry.first;
  };
  candidates.set_sorted(candidates.sorted() && by_token.empty());
  // The vocabulary in its own order, as a chain begins: nothing needs to be searched.
  if (std::all_of(by_token.begin(), by_token.end(), in_its_place)) {
    for (const auto& [token, value] : by_token) edit(items[static_cast<std::size_t>(token)], value);
    return;
  }
  for (Candidate& candidate : items) {
    if (const auto found = by_token.find(candidate.token); found != by_token.end()) {
      edit(candidate, found->second);
    }
  }
}

class LogitBiasSampler final : public CopyableSampler<LogitBiasSampler> {
 public:
  explicit LogitBiasSampler(std::span<const std::pair<std::int32_t, float>> bias) {
    for (const auto& [token, value] : bias) {
      float& sum = bias_[token];
      sum = Add(sum, value);
    }
  }

  std::string_view name() const noexcept override { return "logit-bias"; }

  Status Apply(CandidateList& candidates) override {
    EditByToken(candidates, bias_,
                [](Candidate& candidate, float bias) { candidate.logit = Add(candidate.logit, bias); });
    return {};
  }

 private:
  static float Add(float a, float b) { return a == kNever || b == kNever ? kNever : Bounded(a + b); }

  TokenMap<float> bias_;
};

class PenaltiesSampler final : public CopyableSampler<PenaltiesSampler> {
 public:
  PenaltiesSampler(float repetition, float frequency, float presence, std::int32_t window)
      : repetition_(repetition),
        frequency_(frequency),
        presence_(presence),
        window_(static_cast<std::size_t>(window)) {}

  std::string_view name() const noexcept override { return "penalties"; }

  Status Apply(CandidateList& candidates) override {
    EditByToken(candidates, uses_,
                [this](Candidate& candidate, const Uses& uses) { Penalize(candidate, uses); });
    return {};
  }

  void Accept(std::int32_t token, TokenOrigin origin) override {
    const Event event{token, origin == TokenOrigin::kGenerated};
    Uses& uses = uses_[token];
    if (window_ > 0) Remember(event);
    ++uses.all;
    uses.generated += event.generated ? 1 : 0;
  }

  void Reset() override {
    uses_.clear();
    latest_.clear();
    oldest_ = 0;
  }

 private:
  // How often a token occurs among those that are looked at.
  struct Uses {
    std::int64_t all = 0;
    std::int64_t generated = 0;
  };
  struct Event {
    std::int32_t token;
    bool generated;
  };

  // The reference's repetition penalty first, then those of the OpenAI API.
  void Penalize(Candidate& candidate, const Uses& uses) const {
    if (uses.all == 0 || candidate.logit == kNever) return;
    float logit = candidate.logit;
    logit = Bounded(logit < 0 ? logit * repetition_ : logit / repetition_);
    if (uses.generated > 0) {
      logit = Bounded(logit - frequency_ * static_cast<float>(uses.generated));
      logit = Bounded(logit - presence_);
    }
    candidate.logit = logit;
  }

  // Puts the event into the ring of the latest, and takes out the one that it pushes from the window.
  void Remember(const Event& event) {
    if (latest_.size() < window_) {
      latest_.push_back(event);
      return;
    }
    const Event forgotten = std::exchange(latest_[oldest_], event);
    oldest_ = (oldest_ + 1) % window_;
    const auto uses = uses_.find(forgotten.token);
    --uses->second.all;
    uses->second.generated -= forgotten.generated ? 1 : 0;
    if (uses->second.all == 0 && forgotten.token != event.token) uses_.erase(uses);
  }

  float repetition_, frequency_, presence_;
  std::size_t window_;  // 0: all
  TokenMap<Uses> uses_;
  std::vector<Event> latest_;  // a ring once it has window_ events; unused without a window
  std::size_t oldest_ = 0;
};

class TemperatureSampler final : public CopyableSampler<TemperatureSampler> {
 public:
  explicit TemperatureSampler(float temperature) : temperature_(temperature) {}

  std::string_view name() const noexcept override { return "temperature"; }

  Status Apply(CandidateList& candidates) override {
    if (temperature_ == 0) {
      candidates.KeepHighest(1);
    } else if (temperature_ < 1 && std::isinf(HighestLogit(candidates) / temperature_)) {
      DivideBelowHighest(candidates);
    } else if (temperature_ != 1) {
      for (Candidate& candidate : candidates.items()) candidate.logit /= temperature_;
    }
    return {};
  }

 private:
  // The same distribution where the quotients leave float32.
  void DivideBelowHighest(CandidateList& candidates) const {
    const float highest = HighestLogit(candidates);
    if (highest == kNever) return;
    for (Candidate& candidate : candidates.items()) {
      candidate.logit = (candidate.logit - highest) / temperature_;
    }
  }

  float temperature_;
};

}  // namespace
}  // namespace internal

namespace samplers {

using internal::Guard;
using internal::MakeSampler;
using SamplerResult = Result<std::unique_ptr<Sampler>>;

Result<std::unique_ptr<Sampler>> LogitBias(std::span<const std::pair<std::int32_t, float>> bias) noexcept {
  return Guard([&]() -> SamplerResult {
    CARAT_RETURN_IF_ERROR(internal::CheckLogitBias(bias));
    return MakeSampler<internal::LogitBiasSampler>(bias);
  });
}

Result<std::unique_ptr<Sampler>> Penalties(float repetition, float frequency, float presence,
                                           std::int32_t window) noexcept {
  return Guard([&]() -> SamplerResult {
    CARAT_RETURN_IF_ERROR(internal::CheckPenalties(repetition, frequency, presence, window));
    return MakeSampler<internal::PenaltiesSampler>(repetition, frequency, presence, window);
  });
}

Result<std::unique_ptr<Sampler>> Temperature(float temperature) noexcept {
  return Guard([&]() -> SamplerResult {
    CARAT_RETURN_IF_ERROR(internal::CheckTemperature(temperature));
    return MakeSampler<internal::TemperatureSampler>(temperature);
  });
}

}  // namespace samplers
}  // namespace carat
