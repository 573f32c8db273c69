// Encoding 256 values whose groups have small integer scales of their own, before bits are packed: the same
// for all formats of that kind.
#ifndef CARAT_LIB_QUANT_SUPER_BLOCKS_H_
#define CARAT_LIB_QUANT_SUPER_BLOCKS_H_

#include <array>
#include <cstdint>

#include "lib/quant/block_types.h"

namespace carat::internal {

inline constexpr int kSuperBlock = 256;

// value = scale * scales[group] * levels[i] - minimum * minima[group]; the second part where a format has it.
struct SuperBlock {
  StoredHalf scale;
  StoredHalf minimum;
  std::array<std::int8_t, 16> scales = {};
  std::array<std::int8_t, 16> minima = {};
  std::array<std::int8_t, kSuperBlock> levels = {};
};

// What a format with minima can store: levels 0..most_level, scales and minima 0..most_scale.
struct MinimumFormat {
  int group;  // values of each
  int most_level;
  int most_scale;
};
SuperBlock EncodeWithMinima(const float* values, const MinimumFormat& format);

// What a format without can: levels low_level..high_level, scales low_scale..high_scale (low_scale < 0).
struct CentredFormat {
  int group;
  int low_level;
  int high_level;
  int low_scale;
  int high_scale;
};
SuperBlock EncodeCentred(const float* values, const CentredFormat& format);

// Groups of 32, levels of the codebook: the values of the entries are what `levels` holds.
SuperBlock EncodeByCodebook(const float* values, int low_scale, int high_scale);

}  // namespace carat::internal

#endif  // CARAT_LIB_QUANT_SUPER_BLOCKS_H_
