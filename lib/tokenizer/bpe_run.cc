#include "lib/tokenizer/bpe_run.h"

#include <algorithm>
#include <functional>

namespace carat::internal {
namespace {

// Up to this many symbols, looking through all pairs for the best is faster than a queue.
constexpr std::size_t kShortSegment = 32;

}  // namespace

BpeRun::Merge BpeRun::MergeOf(std::int32_t left, std::int32_t right) const {
  const Merge* merge = model_.Find(left, right);
  return merge == nullptr ? Merge() : *merge;
}

void BpeRun::Add(std::int32_t id, bool character) {
  if (!symbols_.empty()) {
    const Merge* merge = model_.Find(symbols_.back(), id);
    if (merge == nullptr && (!model_.bytes_merge_ || (character && last_is_character_))) {
      EndSegment();
    } else {
      merges_.push_back(merge == nullptr ? Merge() : *merge);
    }
  }
  symbols_.push_back(id);
  last_is_character_ = character;
}

void BpeRun::EndSegment() {
  if (symbols_.size() <= kShortSegment) {
    MergeShort();
  } else {
    MergeLong();
  }
  symbols_.clear();
  merges_.clear();
}

void BpeRun::MergeShort() {
  while (!merges_.empty()) {
    const auto best = std::min_element(merges_.begin(), merges_.end(),
                                       [](const Merge& a, const Merge& b) { return a.rank < b.rank; });
    if (best->rank == BpeModel::kNoRank) break;
    const auto i = static_cast<std::size_t>(best - merges_.begin());
    symbols_[i] = best->product;
    symbols_.erase(symbols_.begin() + static_cast<std::ptrdiff_t>(i) + 1);
    merges_.erase(best);
    if (i > 0) merges_[i - 1] = MergeOf(symbols_[i - 1], symbols_[i]);
    if (i < merges_.size()) merges_[i] = MergeOf(symbols_[i], symbols_[i + 1]);
  }
  ids_.insert(ids_.end(), symbols_.begin(), symbols_.end());
}

// The queue holds rank and place of pairs, lowest rank and then leftmost first. An entry whose pair has been
// merged away or has another rank by now is skipped.
void BpeRun::MergeLong() {
  constexpr auto kEnd = std::numeric_limits<std::uint32_t>::max();
  const auto size = static_cast<std::uint32_t>(symbols_.size());
  merges_.push_back({});  // of the last symbol, which has no right neighbour
  next_.resize(size);
  previous_.resize(size);
  queue_.clear();
  for (std::uint32_t i = 0; i < size; ++i) {
    next_[i] = i + 1 < size ? i + 1 : kEnd;
    previous_[i] = i - 1;  // kEnd for the first
    if (merges_[i].rank != BpeModel::kNoRank) {
      queue_.push_back(static_cast<std::uint64_t>(merges_[i].rank) << 32 | i);
    }
  }
  std::make_heap(queue_.begin(), queue_.end(), std::greater<>());
  const auto set_merge = [this](std::uint32_t i, const Merge& merge) {
    merges_[i] = merge;
    if (merge.rank == BpeModel::kNoRank) return;
    queue_.push_back(static_cast<std::uint64_t>(merge.rank) << 32 | i);
    std::push_heap(queue_.begin(), queue_.end(), std::greater<>());
  };
  while (!queue_.empty()) {
    const auto rank = static_cast<std::uint32_t>(queue_.front() >> 32);
    const auto left = static_cast<std::uint32_t>(queue_.front() & kEnd);
    std::pop_heap(queue_.begin(), queue_.end(), std::greater<>());
    queue_.pop_back();
    if (merges_[left].rank != rank) continue;
    const std::uint32_t right = next_[left];
    const std::uint32_t after = next_[right];
    symbols_[left] = merges_[left].product;
    merges_[right] = {};
    next_[left] = after;
    if (after != kEnd) previous_[after] = left;
    set_merge(left, after == kEnd ? Merge() : MergeOf(symbols_[left], symbols_[after]));
    const std::uint32_t before = previous_[left];
    if (before != kEnd) set_merge(before, MergeOf(symbols_[before], symbols_[left]));
  }
  for (std::uint32_t i = 0; i != kEnd; i = next_[i]) ids_.push_back(symbols_[i]);
}

}  // namespace carat::internal
