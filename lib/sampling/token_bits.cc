#include "lib/sampling/token_bits.h"

#include <algorithm>
#include <bit>

#include "lib/sampling/candidates.h"

namespace carat::internal {
namespace {

bool IsSet(std::span<const std::uint64_t> bits, std::int32_t token) {
  const auto index = static_cast<std::size_t>(token);
  return token >= 0 && index / 64 < bits.size() && (bits[index / 64] >> (index % 64) & 1) != 0;
}

// Calls f(index) for every bit that is set, until it returns false.
template <typename F>
bool ForEachBit(std::span<const std::uint64_t> bits, F f) {
  for (std::size_t word = 0; word < bits.size(); ++word) {
    for (std::uint64_t rest = bits[word]; rest != 0; rest &= rest - 1) {
      if (!f(word * 64 + static_cast<std::size_t>(std::countr_zero(rest)))) return false;
    }
  }
  return true;
}

// Whether the candidate of a token stands where it does in the vocabulary, as all do when a chain begins.
bool IsInItsPlace(std::span<const Candidate> items, std::size_t index) {
  return index < items.size() && static_cast<std::size_t>(items[index].token) == index;
}

}  // namespace

void KeepTokens(CandidateList& candidates, std::span<const std::uint64_t> bits) noexcept {
  const std::span<Candidate> items = candidates.items();
  if (!ForEachBit(bits, [&](std::size_t index) { return IsInItsPlace(items, index); })) {
    return KeepIf(candidates, [&](const Candidate& candidate) { return IsSet(bits, candidate.token); });
  }
  // Only those that stay need be looked at.
  std::size_t kept = 0;
  ForEachBit(bits, [&](std::size_t index) {
    items[kept++] = items[index];
    return true;
  });
  candidates.Truncate(kept);
}

void ForbidTokens(CandidateList& candidates, std::span<const std::int32_t> tokens) noexcept {
  const std::span<Candidate> items = candidates.items();
  const auto in_its_place = [&](std::int32_t token) {
    return token >= 0 && IsInItsPlace(items, static_cast<std::size_t>(token));
  };
  if (candidates.sorted() || !std::all_of(tokens.begin(), tokens.end(), in_its_place)) {
    return KeepIf(candidates, [&](const Candidate& candidate) {
      return std::find(tokens.begin(), tokens.end(), candidate.token) == tokens.end();
    });
  }
  for (const std::int32_t token : tokens) items[static_cast<std::size_t>(token)].logit = kNever;
}

}  // namespace carat::internal
