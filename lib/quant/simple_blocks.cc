// Blocks of 32 values on an even lattice: Q4_0, Q4_1, Q5_0, Q5_1, Q8_0.
#include <algorithm>
#include <cmath>

#include "lib/quant/block_types.h"

namespace carat::internal {
namespace {

constexpr int kValues = 32;
constexpr int kHalf = kValues / 2;

// Quants of up to eight bits, one a byte.
using Quants = std::array<std::uint8_t, kValues>;

Quants Nibbles(const Bytes<16>& packed) {
  Quants quants;
  for (int i = 0; i < kHalf; ++i) {
    quants[i] = packed[i] & 0x0f;
    quants[i + kHalf] = packed[i] >> 4;
  }
  return quants;
}

// The four lower bits of each.
Bytes<16> PackNibbles(const Quants& quants) {
  Bytes<16> packed;
  for (int i = 0; i < kHalf; ++i) {
    packed[i] = static_cast<std::uint8_t>((quants[i] & 0x0f) | (quants[i + kHalf] & 0x0f) << 4);
  }
  return packed;
}

Quants FiveBits(const Bytes<16>& packed, const Bytes<4>& high_bits) {
  Quants quants = Nibbles(packed);
  for (int i = 0; i < kValues; ++i) quants[i] |= ((high_bits[i / 8] >> i % 8) & 1) << 4;
  return quants;
}

Bytes<4> PackFifthBits(const Quants& quants) {
  Bytes<4> bits = {};
  for (int i = 0; i < kValues; ++i) bits[i / 8] |= (quants[i] >> 4 & 1) << i % 8;
  return bits;
}

// Values without a minimum, whose quants have `offset` added.
void DecodeCentred(const Quants& quants, int offset, float scale, float* to) {
  for (int i = 0; i < kValues; ++i) to[i] = scale * static_cast<float>(quants[i] - offset);
}

void DecodeAboveMinimum(const Quants& quants, float scale, float minimum, float* to) {
  for (int i = 0; i < kValues; ++i) to[i] = scale * static_cast<float>(quants[i]) + minimum;
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
StoredHalf EncodeCentred(const float* from, int offset, Quants& quants) {
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
Line EncodeAboveMinimum(const float* from, int most, Quants& quants) {
  const auto [least, greatest] = std::minmax_element(from, from + kValues);
  const float minimum = *least;
  const float scale = (*greatest - minimum) / static_cast<float>(most);
  const float inverse = Inverse(scale);
  for (int i = 0; i < kValues; ++i) quants[i] = Truncated((from[i] - minimum) * inverse + 0.5f, most);
  return {StoredHalf::Nearest(scale), StoredHalf::Nearest(minimum)};
}

}  // namespace

void Decode(const BlockQ4_0& block, float* to) {
  DecodeCentred(Nibbles(block.quants), 8, block.scale.ToFloat(), to);
}

void Decode(const BlockQ4_1& block, float* to) {
  DecodeAboveMinimum(Nibbles(block.quants), block.scale.ToFloat(), block.minimum.ToFloat(), to);
}

void Decode(const BlockQ5_0& block, float* to) {
  DecodeCentred(FiveBits(block.quants, block.high_bits), 16, block.scale.ToFloat(), to);
}

void Decode(const BlockQ5_1& block, float* to) {
  DecodeAboveMinimum(FiveBits(block.quants, block.high_bits), block.scale.ToFloat(), block.minimum.ToFloat(),
                     to);
}

void Decode(const BlockQ8_0& block, float* to) {
  const float scale = block.scale.ToFloat();
  for (int i = 0; i < kValues; ++i)
    to[i] = scale * static_cast<float>(static_cast<std::int8_t>(block.quants[i]));
}

void Encode(const float* from, BlockQ4_0& block) {
  Quants quants;
  block.scale = EncodeCentred(from, 8, quants);
  block.quants = PackNibbles(quants);
}

void Encode(const float* from, BlockQ4_1& block) {
  Quants quants;
  const Line line = EncodeAboveMinimum(from, 15, quants);
  block.scale = line.scale;
  block.minimum = line.minimum;
  block.quants = PackNibbles(quants);
}

void Encode(const float* from, BlockQ5_0& block) {
  Quants quants;
  block.scale = EncodeCentred(from, 16, quants);
  block.quants = PackNibbles(quants);
  block.high_bits = PackFifthBits(quants);
}

void Encode(const float* from, BlockQ5_1& block) {
  Quants quants;
  const Line line = EncodeAboveMinimum(from, 31, quants);
  block.scale = line.scale;
  block.minimum = line.minimum;
  block.quants = PackNibbles(quants);
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
