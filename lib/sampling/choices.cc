// The samplers that select a token: greedy, draw.
#include <algorithm>
#include <cstdint>
#include <random>
#include <span>
#include <vector>

#include "carat/sampler.h"
#include "lib/base/error.h"
#include "lib/sampling/built_in.h"
#include "lib/sampling/candidates.h"
#include "lib/sampling/mass.h"
#include "lib/sampling/ranges.h"

namespace carat {
namespace internal {
namespace {

Status NothingPossible(const CandidateList& candidates) {
  return FailedPrecondition("no token can come next: the logits of all %d candidates are -infinity",
                            candidates.size());
}

class GreedySampler final : public CopyableSampler<GreedySampler> {
 public:
  std::string_view name() const noexcept override { return "greedy"; }

  Status Apply(CandidateList& candidates) override {
    Candidate best{-1, kNever};
    for (const Candidate& candidate : candidates.items()) {
      if (!(candidate.logit >= best.logit)) continue;
      const bool tie = candidate.logit == best.logit;
      if (tie && (candidate.logit == kNever || candidate.token > best.token)) continue;
      best = candidate;
    }
    if (best.logit == kNever) return NothingPossible(candidates);
    candidates.Select(best.token);
    return {};
  }
};

class DrawSampler final : public CopyableSampler<DrawSampler> {
 public:
  explicit DrawSampler(std::uint64_t seed) : seed_(seed), generator_(seed) {}

  std::string_view name() const noexcept override { return "draw"; }

  Status Apply(CandidateList& candidates) override {
    const float highest = HighestLogit(candidates);
    if (highest == kNever) return NothingPossible(candidates);
    candidates.Select(Draw(candidates.items(), highest));
    return {};
  }

  void Reset() override { generator_.seed(seed_); }

 private:
  // In [0, 1), with 53 bits. Not std::uniform_real_distribution, which may differ between libraries.
  double Uniform() { return static_cast<double>(generator_() >> 11) * 0x1p-53; }

  // The candidate at which the running sum of masses goes beyond a random share of the total.
  std::int32_t Draw(std::span<const Candidate> items, float highest) {
    MassBlock masses;
    block_masses_.resize(MassBlocks(items));
    double total = 0;
    for (std::size_t i = 0; i < block_masses_.size(); ++i) {
      const auto block = BlockAt(items, i);
      ComputeMasses(block, highest, masses);
      block_masses_[i] = SumBlock(masses, block.size());
      total += block_masses_[i];
    }
    const double target = Uniform() * total;
    // Rounding may keep the sums from going beyond: then it is the last that is possible.
    double sum = 0;
    double before = 0;
    std::size_t drawn = 0;
    for (std::size_t i = 0; i < block_masses_.size() && !(sum > target); ++i) {
      if (!(block_masses_[i] > 0)) continue;
      drawn = i;
      before = sum;
      sum += block_masses_[i];
    }
    return DrawInBlock(BlockAt(items, drawn), highest, target - before);
  }

  static std::int32_t DrawInBlock(std::span<const Candidate> items, float highest, double target) {
    MassBlock masses;
    ComputeMasses(items, highest, masses);
    double sum = 0;
    std::size_t drawn = 0;
    for (std::size_t i = 0; i < items.size() && !(sum > target); ++i) {
      if (!(masses[i] > 0)) continue;
      drawn = i;
      sum += masses[i];
    }
    return items[drawn].token;
  }

  std::uint64_t seed_;
  std::mt19937_64 generator_;
  std::vector<double> block_masses_;  // kept from call to call, for its memory
};

}  // namespace
}  // namespace internal

namespace samplers {

using internal::Guard;
using internal::MakeSampler;
using SamplerResult = Result<std::unique_ptr<Sampler>>;

Result<std::unique_ptr<Sampler>> Greedy() noexcept {
  return Guard([]() -> SamplerResult { return MakeSampler<internal::GreedySampler>(); });
}

Result<std::unique_ptr<Sampler>> Draw(std::uint64_t seed) noexcept {
  return Guard([seed]() -> SamplerResult { return MakeSampler<internal::DrawSampler>(seed); });
}

}  // namespace samplers
}  // namespace carat
