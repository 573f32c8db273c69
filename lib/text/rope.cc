#include "lib/text/rope.h"

#include <cmath>

namespace carat::internal {

std::vector<float> InverseFrequencies(const RopeConfig& rope, std::int64_t head_dim) {
  std::vector<float> speeds(static_cast<std::size_t>(rope.rotated_pairs));
  for (std::size_t i = 0; i < speeds.size(); ++i) {
    const float exponent = static_cast<float>(2 * i) / static_cast<float>(head_dim);
    const auto power = static_cast<float>(std::pow(rope.theta, static_cast<double>(exponent)));
    speeds[i] = 1.0f / power / static_cast<float>(rope.factor);
  }
  return speeds;
}

void FillRope(std::span<const float> speeds, std::span<const std::int64_t> positions, float* cos,
              float* sin) {
  for (const std::int64_t position : positions) {
    for (const float speed : speeds) {
      const float angle = static_cast<float>(position) * speed;
      *cos++ = static_cast<float>(std::cos(static_cast<double>(angle)));
      *sin++ = static_cast<float>(std::sin(static_cast<double>(angle)));
    }
  }
}

}  // namespace carat::internal
