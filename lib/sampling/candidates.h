// The order of candidates, and passes over a list of them.
#ifndef CARAT_LIB_SAMPLING_CANDIDATES_H_
#define CARAT_LIB_SAMPLING_CANDIDATES_H_

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include "carat/sampler.h"

namespace carat::internal {

inline constexpr float kNever = -std::numeric_limits<float>::infinity();

// Where a candidate stands: lower is further in front. The highest logit comes first, equal ones by lower id,
// NaN last. A total order on whatever a host wrote, so that sorting is safe.
inline std::uint64_t RankOf(const Candidate& candidate) noexcept {
  // As an integer a negative float32 grows away from zero already; a positive one is turned round.
  const auto bits = std::bit_cast<std::uint32_t>(candidate.logit + 0.0F);  // -0 becomes 0
  const std::uint32_t positive = (bits >> 31) - 1;                         // all ones, or 0 for negative
  std::uint32_t descending = bits ^ (positive >> 1);
  if (std::isnan(candidate.logit)) descending = 0xFFFFFFFFU;
  return std::uint64_t{descending} << 32 | static_cast<std::uint32_t>(candidate.token);
}

// Whether the list stands in the order of RankOf.
bool IsInOrder(std::span<const Candidate> items) noexcept;

// The highest logit; kNever for none.
float HighestLogit(const CandidateList& candidates) noexcept;

// Moves those with at least the n-th highest logit (n > 0) to the front, in no particular order, and returns
// how many they are: n, or more if others tie with the n-th, or fewer where not so many have at least
// `lowest`. The rest of the list is lost, unless the answer is 0. Linear.
std::size_t GatherHighest(std::span<Candidate> items, std::size_t n, float lowest) noexcept;

// Sorts by RankOf.
void SortByRank(std::span<Candidate> items) noexcept;

// Drops those that `keep` does not want. The order stays.
template <typename Predicate>
void KeepIf(CandidateList& candidates, Predicate keep) noexcept {
  Candidate* const data = candidates.items().data();
  std::size_t kept = 0;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const Candidate candidate = data[i];
    data[kept] = candidate;
    kept += keep(candidate) ? 1 : 0;
  }
  candidates.Truncate(kept);
}

}  // namespace carat::internal

#endif  // CARAT_LIB_SAMPLING_CANDIDATES_H_
