#include "lib/quant/rounding.h"

#include <cmath>
#include <cstring>

#include "lib/quant/block_types.h"
#include "lib/quant/scale_search.h"

namespace carat::internal {
namespace {

constexpr int kValues = kGroupSize;

// How well levels -8 .. 7 times some scale fit: the scale is that of least squares for the levels that
// `inverse` gives. What is left of the squares is sum(x^2) - gain.
struct Fit {
  float scale = 0;
  float gain = 0;
};

Fit TryInverse(const float* x, float inverse) {
  float across[8] = {}, square[8] = {};
  for (int i = 0; i < kValues; i += 8) {
    for (int j = 0; j < 8; ++j) {
      const float level = RoundSmall(Within(x[i + j] * inverse, -8.0f, 7.0f));
      across[j] += x[i + j] * level;
      square[j] += level * level;
    }
  }
  float xl = 0, ll = 0;
  for (int j = 0; j < 8; ++j) {
    xl += across[j];
    ll += square[j];
  }
  return ll > 0 ? Fit{xl / ll, xl * xl / ll} : Fit{};
}

void RoundBlock(const float* from, std::byte* to) {
  float x[kValues];
  float extreme = 0;
  for (int i = 0; i < kValues; ++i) {
    x[i] = std::isfinite(from[i]) ? from[i] : 0;
    if (std::fabs(x[i]) > std::fabs(extreme)) extreme = x[i];
  }
  Fit best;
  if (extreme != 0) {
    // From cutting the extreme off to leaving room above it; -8 reaches further than 7.
    for (const float reach : {-8.0f, -8.7f, -7.4f, 7.0f, 7.6f, -9.6f}) {
      const Fit fit = TryInverse(x, reach / extreme);
      if (fit.gain > best.gain) best = fit;
    }
  }
  // The scale is stored as float16; levels are then the nearest for what it became.
  BlockQ4_0 block;
  block.scale = StoredHalf::Nearest(std::isfinite(best.scale) ? best.scale : 0);
  const float stored = block.scale.ToFloat();
  const float inverse = stored != 0 ? 1.0f / stored : 0;
  GroupLevels levels;
  for (int i = 0; i < kValues; ++i) {
    levels[i] = static_cast<std::uint8_t>(RoundSmall(Within(x[i] * inverse, -8.0f, 7.0f)) + 8);
  }
  block.quants = NibblePairs(levels);
  std::memcpy(to, &block, sizeof(block));
}

}  // namespace

void RoundToQ4_0(const float* from, std::int64_t values, std::byte* to) {
  for (std::int64_t i = 0; i < values; i += kValues, to += sizeof(BlockQ4_0)) RoundBlock(from + i, to);
}

}  // namespace carat::internal
