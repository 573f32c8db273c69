#include "lib/runtime/stop_strings.h"

#include <algorithm>
#include <utility>

namespace carat::internal {

std::string StopStrings::Add(std::string_view piece) {
  if (found_) return {};
  held_ += piece;
  std::size_t first = std::string::npos;
  for (const std::string& stop : strings_) first = std::min(first, held_.find(stop));
  if (first != std::string::npos) {
    found_ = true;
    std::string certain = held_.substr(0, first);
    held_.clear();
    return certain;
  }
  const std::size_t certain_size = held_.size() - PossibleBeginning();
  std::string certain = held_.substr(0, certain_size);
  held_.erase(0, certain_size);
  return certain;
}

std::string StopStrings::Finish() {
  return std::exchange(held_, std::string());
}

std::size_t StopStrings::PossibleBeginning() const {
  std::size_t longest = 0;
  for (const std::string& stop : strings_) {
    for (std::size_t n = std::min(stop.size() - 1, held_.size()); n > longest; --n) {
      if (held_.compare(held_.size() - n, n, stop, 0, n) == 0) longest = n;
    }
  }
  return longest;
}

}  // namespace carat::internal
