#include "lib/sampling/candidates.h"

#include <algorithm>
#include <array>

namespace carat {

Sampler::~Sampler() = default;

void Sampler::Accept(std::int32_t /*token*/, TokenOrigin /*origin*/) {}

void Sampler::Reset() {}

void CandidateList::Sort() noexcept {
  if (sorted_) return;
  internal::SortByRank(items());
  sorted_ = true;
}

void CandidateList::KeepHighest(std::size_t n) noexcept {
  if (sorted_ || n == 0) {
    Truncate(n);
    sorted_ = true;
  } else if (n >= size_) {
    Sort();
  } else {
    const std::span<Candidate> gathered(data_, internal::GatherHighest(items(), n, internal::kNever));
    if (gathered.size() > n) {
      std::nth_element(
          gathered.begin(), gathered.begin() + static_cast<std::ptrdiff_t>(n), gathered.end(),
          [](const Candidate& a, const Candidate& b) { return internal::RankOf(a) < internal::RankOf(b); });
    }
    Truncate(std::min(n, gathered.size()));
    Sort();
  }
}

namespace internal {
namespace {

bool Before(const Candidate& a, const Candidate& b) {
  return RankOf(a) < RankOf(b);
}

// The same, for what is gathered already: the n-th highest logit becomes the threshold.
std::size_t DropBelowNth(std::span<Candidate> items, std::size_t n, float& threshold) {
  const auto nth = items.begin() + static_cast<std::ptrdiff_t>(n - 1);
  std::nth_element(items.begin(), nth, items.end(), Before);
  threshold = nth->logit;
  const auto end = std::partition(nth, items.end(), [&](const Candidate& c) { return c.logit == threshold; });
  return static_cast<std::size_t>(end - items.begin());
}

}  // namespace

bool IsInOrder(std::span<const Candidate> items) noexcept {
  return std::is_sorted(items.begin(), items.end(), Before);
}

void SortByRank(std::span<Candidate> items) noexcept {
  std::sort(items.begin(), items.end(), Before);
}

float HighestLogit(const CandidateList& candidates) noexcept {
  const std::span<const Candidate> items = candidates.items();
  if (candidates.sorted() && !items.empty()) return items.front().logit;
  // Several at once: one alone would wait for the comparison before it.
  constexpr std::size_t kLanes = 8;
  std::array<float, kLanes> lanes;
  lanes.fill(kNever);
  std::size_t i = 0;
  for (; i + kLanes <= items.size(); i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const float logit = items[i + lane].logit;
      lanes[lane] = logit > lanes[lane] ? logit : lanes[lane];
    }
  }
  for (; i < items.size(); ++i) lanes[0] = items[i].logit > lanes[0] ? items[i].logit : lanes[0];
  return *std::max_element(lanes.begin(), lanes.end());
}

std::size_t GatherHighest(std::span<Candidate> items, std::size_t n, float lowest) noexcept {
  // The front holds those that may belong to the highest. When it has grown to twice what is needed, the
  // lower ones go and the threshold rises, so that few of a long list are ever moved.
  float threshold = lowest;
  std::size_t kept = 0;
  std::size_t limit = 2 * n;
  for (const Candidate& candidate : items) {
    if (!(candidate.logit >= threshold)) continue;
    items[kept++] = candidate;
    if (kept == limit) {
      kept = DropBelowNth(items.first(kept), n, threshold);
      limit = 2 * kept;
    }
  }
  return kept > n ? DropBelowNth(items.first(kept), n, threshold) : kept;
}

}  // namespace internal
}  // namespace carat
