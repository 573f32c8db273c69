// The samplers that select a token: greedy, draw.
#include <algorithm>
#include <array>
#include <cstdint>
#include <random>
#include <span>

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

  // The candidate at which the running sum of masses goes beyond a random share of the total. Sums of groups
  // tell where to look, so that all but one group are computed once.
  std::int32_t Draw(std::span<const Candidate> items, float highest) {
    constexpr std::size_t kMaxGroups = 1024;
    const std::size_t blocks = MassBlocks(items);
    const std::size_t group_size = (blocks + kMaxGroups - 1) / kMaxGroups;  // in blocks
    std::array<double, kMaxGroups> storage;
    const std::span<double> groups(storage.data(), (blocks + group_size - 1) / group_size);
    std::fill(groups.begin(), groups.end(), 0.0);
    MassBlock masses;
    for (std::size_t i = 0; i < blocks; ++i) {
      const auto block = BlockAt(items, i);
      ComputeMasses(block, highest, masses);
      groups[i / group_size] += SumBlock(masses, block.size());
    }
    double total = 0;
    for (const double mass : groups) total += mass;

    Walk walk(Uniform() * total);
    for (std::size_t i = 0; i < groups.size() && !walk.arrived(); ++i) walk.Pass(i, groups[i]);
    const std::size_t begin = walk.place() * group_size * kMassBlock;
    const auto group = items.subspan(begin, std::min(group_size * kMassBlock, items.size() - begin));
    Walk inside(walk.left());
    for (std::size_t i = 0; i < group.size() && !inside.arrived(); ++i) {
      inside.Pass(i, MassOf(group[i], highest));
    }
    return group[inside.place()].token;
  }

  // Adds masses until their sum goes beyond the target. Rounding may keep it from that: then the place is the
  // last that has any.
  class Walk {
   public:
    explicit Walk(double target) : target_(target) {}

    void Pass(std::size_t place, double mass) {
      if (!(mass > 0)) return;
      place_ = place;
      before_ = sum_;
      sum_ += mass;
    }
    bool arrived() const { return sum_ > target_; }
    std::size_t place() const { return place_; }
    // How much of the target is left at the place.
    double left() const { return target_ - before_; }

   private:
    double target_;
    double sum_ = 0;
    double before_ = 0;
    std::size_t place_ = 0;
  };

  std::uint64_t seed_;
  std::mt19937_64 generator_;
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
