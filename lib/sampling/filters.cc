// The samplers that drop candidates: top-k, top-p, min-p, typical.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
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

// The order of top-p: highest first.
struct ByLogit {
  float highest;

  double distance(const Candidate& candidate) const { return static_cast<double>(highest) - candidate.logit; }
  std::uint64_t key(const Candidate& candidate) const { return RankOf(candidate); }
};

// The order of typical: nearest to the entropy first. A candidate's surprise is log(sum) - (logit - highest),
// and the entropy is the mean surprise: the logarithm falls out of their difference.
struct ByTypicality {
  float highest;
  double mean;  // of logit - highest

  double distance(const Candidate& candidate) const {
    return std::fabs(mean - (static_cast<double>(candidate.logit) - highest));
  }
  std::uint64_t key(const Candidate& candidate) const {
    return std::bit_cast<std::uint64_t>(distance(candidate));  // the sign is 0
  }
};

// Keeps those that tie with the k-th too, as the reference does.
class TopKSampler final : public CopyableSampler<TopKSampler> {
 public:
  explicit TopKSampler(std::int32_t k) : k_(static_cast<std::size_t>(k)) {}

  std::string_view name() const noexcept override { return "top-k"; }

  Status Apply(CandidateList& candidates) override {
    const std::span<Candidate> items = candidates.items();
    if (k_ == 0 || k_ >= items.size()) return {};
    if (candidates.sorted()) {
      std::size_t kept = k_;
      while (kept < items.size() && items[kept].logit == items[k_ - 1].logit) ++kept;
      candidates.Truncate(kept);
      return {};
    }
    // Those that may never come are left out, or else they would all tie where a mask leaves fewer than k.
    const std::size_t kept = GatherHighest(items, k_, std::numeric_limits<float>::lowest());
    if (kept == 0) return {};
    SortByRank(items.first(kept));
    candidates.Truncate(kept);
    candidates.set_sorted(true);
    return {};
  }

 private:
  std::size_t k_;
};

class TopPSampler final : public CopyableSampler<TopPSampler> {
 public:
  explicit TopPSampler(float p) : p_(p) {}

  std::string_view name() const noexcept override { return "top-p"; }

  Status Apply(CandidateList& candidates) override {
    const float highest = HighestLogit(candidates);
    if (p_ == 1 || highest == kNever) return {};
    if (candidates.sorted()) {
      candidates.Truncate(HeadReachingMass(candidates.items(), highest));
    } else {
      const std::uint64_t last = cut_.Find(candidates.items(), highest, p_, ByLogit{highest});
      KeepIf(candidates, [last](const Candidate& candidate) { return RankOf(candidate) <= last; });
    }
    return {};
  }

 private:
  // How many of a sorted list it takes, at least one.
  std::size_t HeadReachingMass(std::span<const Candidate> items, float highest) const {
    const double target = p_ * TotalMass(items, highest);
    double sum = 0;
    std::size_t taken = 0;
    do {
      sum += MassOf(items[taken++], highest);
    } while (sum < target && taken < items.size());
    return taken;
  }

  double p_;
  MassCut cut_;
};

class MinPSampler final : public CopyableSampler<MinPSampler> {
 public:
  explicit MinPSampler(float p) : p_(p), difference_(std::log(p_)) {}

  std::string_view name() const noexcept override { return "min-p"; }

  Status Apply(CandidateList& candidates) override {
    const float highest = HighestLogit(candidates);
    if (p_ == 0 || highest == kNever) return {};
    KeepIf(candidates,
           [this, highest](const Candidate& candidate) { return IsProbable(candidate, highest); });
    return {};
  }

 private:
  // The logarithm decides all that is not close; what is close must not depend on the machine's logarithm.
  bool IsProbable(const Candidate& candidate, float highest) const {
    constexpr double kClose = 1e-6;
    const double difference = static_cast<double>(candidate.logit) - highest;
    if (difference > difference_ + kClose) return true;
    if (difference < difference_ - kClose) return false;
    return ExpOfNegative(difference) >= p_;
  }

  double p_;
  double difference_;  // of a logit to the highest, where the probability is p_ times the highest
};

// Keeps those that are as far from the entropy as the last one too, as the reference does.
class TypicalSampler final : public CopyableSampler<TypicalSampler> {
 public:
  explicit TypicalSampler(float p) : p_(p) {}

  std::string_view name() const noexcept override { return "typical"; }

  Status Apply(CandidateList& candidates) override {
    const float highest = HighestLogit(candidates);
    if (p_ == 1 || highest == kNever) return {};
    const ByTypicality order{highest, MeanExponent(candidates.items(), highest)};
    const std::uint64_t last = cut_.Find(candidates.items(), highest, p_, order);
    KeepIf(candidates, [&](const Candidate& candidate) { return order.key(candidate) <= last; });
    return {};
  }

 private:
  // The mean of logit - highest, each with its probability.
  static double MeanExponent(std::span<const Candidate> items, float highest) {
    double total = 0;
    double weighted = 0;
    MassBlock masses;
    MassBlock exponents;
    for (std::size_t i = 0; i < MassBlocks(items); ++i) {
      const auto block = BlockAt(items, i);
      ComputeMasses(block, highest, masses);
      total += SumBlock(masses, block.size());
      ComputeExponents(block, highest, exponents);
      for (std::size_t j = 0; j < block.size(); ++j) exponents[j] *= masses[j];
      weighted += SumBlock(exponents, block.size());
    }
    return weighted / total;
  }

  double p_;
  MassCut cut_;
};

}  // namespace
}  // namespace internal

namespace samplers {

using internal::Guard;
using internal::MakeSampler;
using SamplerResult = Result<std::unique_ptr<Sampler>>;

Result<std::unique_ptr<Sampler>> TopK(std::int32_t k) noexcept {
  return Guard([&]() -> SamplerResult {
    CARAT_RETURN_IF_ERROR(internal::CheckTopK(k));
    return MakeSampler<internal::TopKSampler>(k);
  });
}

Result<std::unique_ptr<Sampler>> TopP(float p) noexcept {
  return Guard([&]() -> SamplerResult {
    CARAT_RETURN_IF_ERROR(internal::CheckTopP(p));
    return MakeSampler<internal::TopPSampler>(p);
  });
}

Result<std::unique_ptr<Sampler>> MinP(float p) noexcept {
  return Guard([&]() -> SamplerResult {
    CARAT_RETURN_IF_ERROR(internal::CheckMinP(p));
    return MakeSampler<internal::MinPSampler>(p);
  });
}

Result<std::unique_ptr<Sampler>> Typical(float p) noexcept {
  return Guard([&]() -> SamplerResult {
    CARAT_RETURN_IF_ERROR(internal::CheckTypical(p));
    return MakeSampler<internal::TypicalSampler>(p);
  });
}

}  // namespace samplers
}  // namespace carat
