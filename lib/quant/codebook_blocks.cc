// Encoding IQ4_NL and IQ4_XS: four bits that name one of sixteen unevenly spaced levels.
#include <cmath>

#include "lib/quant/block_types.h"
#include "lib/quant/scale_search.h"
#include "lib/quant/super_blocks.h"

namespace carat::internal {
namespace {

constexpr int kGroup = 32;
constexpr int kHalf = kGroup / 2;

// Of the sub-block's 32 levels, which are entries of the codebook.
void PackGroup(const std::int8_t* levels, std::uint8_t* quants) {
  for (int i = 0; i < kHalf; ++i) {
    quants[i] =
        static_cast<std::uint8_t>(NearestInCodebook(levels[i]) | NearestInCodebook(levels[i + kHalf]) << 4);
  }
}

}  // namespace

void Encode(const float* from, BlockIQ4_NL& block) {
  block.scale = StoredHalf::Nearest(FindScale(from, kGroup, CodebookLevels()));
  const float scale = block.scale.ToFloat();
  const float inverse = scale == 0 ? 0 : 1 / scale;
  std::array<std::int8_t, kGroup> levels;
  for (int i = 0; i < kGroup; ++i) {
    levels[i] = static_cast<std::int8_t>(CodebookLevels().Nearest(from[i] * inverse));
  }
  PackGroup(levels.data(), block.quants.data());
}

void Encode(const float* from, BlockIQ4_XS& block) {
  const SuperBlock found = EncodeByCodebook(from, -32, 31);
  block = {};
  block.scale = found.scale;
  for (int g = 0; g < kSuperBlock / kGroup; ++g) {
    const int scale = found.scales[g] + 32;
    block.scales_low[g / 2] |= static_cast<std::uint8_t>((scale & 15) << (g % 2 * 4));
    block.scales_high[g / 4] |= static_cast<std::uint8_t>((scale >> 4) << (g % 4 * 2));
    PackGroup(found.levels.data() + g * kGroup, block.quants.data() + g * kHalf);
  }
}

}  // namespace carat::internal
