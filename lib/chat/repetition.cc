#include "lib/chat/repetition.h"

#include <algorithm>

namespace carat::internal {

RepetitionFinder::RepetitionFinder(std::int32_t length)
    : length_(static_cast<std::size_t>(std::max(0, length))),
      latest_(length_ == 0 ? 0 : std::max<std::size_t>(1, length_ / kRepeats)),
      equal_since_(latest_.size()) {}

bool RepetitionFinder::Add(std::int32_t token) {
  const std::size_t longest = latest_.size();
  if (longest == 0) return false;
  bool repeats = false;
  for (std::size_t period = 1; period <= std::min(longest, count_); ++period) {
    std::size_t& equal = equal_since_[period - 1];
    equal = latest_[(count_ - period) % longest] == token ? equal + 1 : 0;
    // The first run has nothing before it that it could equal.
    repeats = repeats || (equal + period >= length_ && equal + period >= kRepeats * period);
  }
  latest_[count_ % longest] = token;
  ++count_;
  return repeats;
}

}  // namespace carat::internal
