// Encoding blocks of 32 values on an even lattice: Q4_0, Q4_1, Q5_0, Q5_1, Q8_0.
#include <algorithm>
#include <cmath>

#include "lib/quant/block_types.h"

namespace carat::internal {
namespace {

constexpr int kValues = kGroupSize;

Bytes<4> PackFifthBits(const GroupLevels& quants) {
  Bytes<4> bits = {};
  for (int i = 0; i < kValues; ++i) bits[i / 8] |= (quants[i] >> 4 & 1) << i % 8;
  return bits;
}

// The quant below `value`, at most `most`. Values that came from a scale out of range are held inside.
std::uint8_t Truncated(float value, int most) {
  if (!(value > 0)) return 0;
  return value >= static_cast<float>(most) ? static_cast<std::uint8_t>(most)
                                           : static_cast<std::uint8_t>(value);
}

float Inverse(float scale) {
  return scale == 0 ? 0 : 1 / scale;
}

// The value of largest magnitude, the first of several, becomes -offset exactly.
StoredHalf EncodeCentred(const float* from, int offset, GroupLevels& quants) {
  float extreme = 0;
  for (int i = 0; i < kValues; ++i) {
    if (std::fabs(from[i]) > std::fabs(extreme)) extreme = from[i];
  }
  const float scale = extreme / static_cast<float>(-offset);
  StoredHalf stored = StoredHalf::Nearest(scale);
  float inverse = Inverse(scale);
  // A scale too small to be stored: all values are zero, and so are written as zero.
  if (stored.ToFloat() == 0) {
    stored = StoredHalf::Nearest(-0.0f);
    inverse = 0;
  }
  const float shift = static_cast<float>(offset) + 0.5f;
  for (int i = 0; i < kValues; ++i) quants[i] = Truncated(from[i] * inverse + shift, 2 * offset - 1);
  return stored;
}

struct Line {
  StoredHalf scale;
  StoredHalf minimum;
};

// The least value becomes 0, the greatest `most`.
Line EncodeAboveMinimum(const float* from, int most, GroupLevels& quants) {
  const auto [least, greatest] = std::minmax_element(from, from + kValues);
  const float minimum = *least;
  const float scale = (*greatest - minimum) / static_cast<float>(most);
  const float inverse = Inverse(scale);
  for (int i = 0; i < kValues; ++i) quants[i] = Truncated((from[i] - minimum) * inverse + 0.5f, most);
  return {StoredHalf::Nearest(scale), StoredHalf::Nearest(minimum)};
}

}  // namespace

void Encode(const float* from, BlockQ4_0& block) {
  GroupLevels quants;
  block.scale = EncodeCentred(from, 8, quants);
  block.quants = NibblePairs(quants);
}

void Encode(const float* from, BlockQ4_1& block) {
  GroupLevels quants;
  const Line line = EncodeAboveMinimum(from, 15, quants);
  block.scale = line.scale;
  block.minimum = line.minimum;
  block.quants = NibblePairs(quants);
}

void Encode(const float* from, BlockQ5_0& block) {
  GroupLevels quants;
  block.scale = EncodeCentred(from, 16, quants);
  block.quants = NibblePairs(quants);
  block.high_bits = PackFifthBits(quants);
}

void Encode(const float* from, BlockQ5_1& block) {
  GroupLevels quants;
  const Line line = EncodeAboveMinimum(from, 31, quants);
  block.scale = line.scale;
  block.minimum = line.minimum;
  block.quants = NibblePairs(quants);
  block.high_bits = PackFifthBits(quants);
}

void Encode(const float* from, BlockQ8_0& block) {
  float largest = 0;
  for (int i = 0; i < kValues; ++i) largest = std::max(largest, std::fabs(from[i]));
  const float scale = largest / 127;
  block.scale = StoredHalf::Nearest(scale);
  const float inverse = block.scale.ToFloat() == 0 ? 0 : Inverse(scale);
  for (int i = 0; i < kValues; ++i) {
    const float rounded = std::round(std::clamp(from[i] * inverse, -127.0f, 127.0f));
    block.quants[i] = static_cast<std::uint8_t>(static_cast<std::int8_t>(rounded));
  }
}

}  // namespace carat::internal
