// Q2_K to Q6_K: where the bits lie.
#include "lib/quant/block_types.h"
#include "lib/quant/super_blocks.h"

namespace carat::internal {
namespace {

using Levels = std::array<std::int8_t, kSuperBlock>;

// Two bits of each value, 32 values to a plane of bits, four planes to 32 bytes.
int TwoBits(const Bytes<64>& packed, int i) {
  return packed[i / 128 * 32 + i % 32] >> (i % 128 / 32 * 2) & 3;
}

void SetTwoBits(int bits, int i, Bytes<64>& packed) {
  packed[i / 128 * 32 + i % 32] |= static_cast<std::uint8_t>((bits & 3) << (i % 128 / 32 * 2));
}

// One bit of each value, 32 values to a plane.
int OneBit(const Bytes<32>& packed, int i) {
  return packed[i % 32] >> (i / 32) & 1;
}

void SetOneBit(int bit, int i, Bytes<32>& packed) {
  packed[i % 32] |= static_cast<std::uint8_t>((bit & 1) << (i / 32));
}

// Four bits of each value; `run` values in the low halves, the next `run` in the high halves.
template <int kRun>
int FourBits(const Bytes<128>& packed, int i) {
  return packed[i / (2 * kRun) * kRun + i % kRun] >> (i / kRun % 2 * 4) & 15;
}

template <int kRun>
void SetFourBits(int bits, int i, Bytes<128>& packed) {
  packed[i / (2 * kRun) * kRun + i % kRun] |= static_cast<std::uint8_t>((bits & 15) << (i / kRun % 2 * 4));
}

// The six-bit scales and minima of Q4_K and Q5_K: four of each have bytes of their own, whose two upper bits
// belong to the other four; the lower bits of those share a byte.
struct ScalePair {
  int scale;
  int minimum;
};

ScalePair PairOf(const Bytes<12>& packed, int g) {
  if (g < 4) return {packed[g] & 63, packed[g + 4] & 63};
  return {(packed[g + 4] & 15) | (packed[g - 4] >> 6) << 4, packed[g + 4] >> 4 | (packed[g] >> 6) << 4};
}

Bytes<12> PackPairs(const SuperBlock& block) {
  Bytes<12> packed = {};
  for (int g = 0; g < 4; ++g) {
    const int scale = block.scales[g + 4], minimum = block.minima[g + 4];
    packed[g] = static_cast<std::uint8_t>(block.scales[g] | (scale >> 4) << 6);
    packed[g + 4] = static_cast<std::uint8_t>(block.minima[g] | (minimum >> 4) << 6);
    packed[g + 8] = static_cast<std::uint8_t>((scale & 15) | (minimum & 15) << 4);
  }
  return packed;
}

// The sixteen six-bit scales of Q3_K, 32 added: the four lower bits two to a byte, then the two upper bits
// four to a byte.
int ScaleOfQ3K(const Bytes<12>& packed, int g) {
  const int low = packed[g % 8] >> (g / 8 * 4) & 15;
  const int high = packed[8 + g % 4] >> (g / 4 * 2) & 3;
  return (low | high << 4) - 32;
}

Bytes<12> PackScalesOfQ3K(const SuperBlock& block) {
  Bytes<12> packed = {};
  for (int g = 0; g < 16; ++g) {
    const int scale = block.scales[g] + 32;
    packed[g % 8] |= static_cast<std::uint8_t>((scale & 15) << (g / 8 * 4));
    packed[8 + g % 4] |= static_cast<std::uint8_t>((scale >> 4) << (g / 4 * 2));
  }
  return packed;
}

// A sub-block's values from its scale and minimum.
void DecodeGroup(float scale, float minimum, const std::int8_t* levels, int count, float* to) {
  for (int i = 0; i < count; ++i) to[i] = scale * static_cast<float>(levels[i]) - minimum;
}

void DecodeGroup(float scale, const std::int8_t* levels, int count, float* to) {
  for (int i = 0; i < count; ++i) to[i] = scale * static_cast<float>(levels[i]);
}

// Eight sub-blocks as Q4_K and Q5_K have them.
void DecodePairs(const StoredHalf& scale, const StoredHalf& minimum, const Bytes<12>& packed,
                 const Levels& levels, float* to) {
  for (int g = 0; g < 8; ++g) {
    const ScalePair pair = PairOf(packed, g);
    DecodeGroup(scale.ToFloat() * static_cast<float>(pair.scale),
                minimum.ToFloat() * static_cast<float>(pair.minimum), levels.data() + 32 * g, 32,
                to + 32 * g);
  }
}

}  // namespace

void Decode(const BlockQ2_K& block, float* to) {
  Levels levels;
  for (int i = 0; i < kSuperBlock; ++i) levels[i] = static_cast<std::int8_t>(TwoBits(block.quants, i));
  for (int g = 0; g < 16; ++g) {
    DecodeGroup(block.scale.ToFloat() * static_cast<float>(block.scales[g] & 15),
                block.minimum.ToFloat() * static_cast<float>(block.scales[g] >> 4), levels.data() + 16 * g,
                16, to + 16 * g);
  }
}

void Decode(const BlockQ3_K& block, float* to) {
  Levels levels;
  for (int i = 0; i < kSuperBlock; ++i) {
    levels[i] =
        static_cast<std::int8_t>(TwoBits(block.quants, i) - (OneBit(block.high_bits, i) != 0 ? 0 : 4));
  }
  for (int g = 0; g < 16; ++g) {
    DecodeGroup(block.scale.ToFloat() * static_cast<float>(ScaleOfQ3K(block.scales, g)),
                levels.data() + 16 * g, 16, to + 16 * g);
  }
}

void Decode(const BlockQ4_K& block, float* to) {
  Levels levels;
  for (int i = 0; i < kSuperBlock; ++i) levels[i] = static_cast<std::int8_t>(FourBits<32>(block.quants, i));
  DecodePairs(block.scale, block.minimum, block.scales, levels, to);
}

void Decode(const BlockQ5_K& block, float* to) {
  Levels levels;
  for (int i = 0; i < kSuperBlock; ++i) {
    levels[i] = static_cast<std::int8_t>(FourBits<32>(block.quants, i) | OneBit(block.high_bits, i) << 4);
  }
  DecodePairs(block.scale, block.minimum, block.scales, levels, to);
}

void Decode(const BlockQ6_K& block, float* to) {
  Levels levels;
  for (int i = 0; i < kSuperBlock; ++i) {
    levels[i] = static_cast<std::int8_t>((FourBits<64>(block.low, i) | TwoBits(block.high, i) << 4) - 32);
  }
  for (int g = 0; g < 16; ++g) {
    DecodeGroup(block.scale.ToFloat() * static_cast<float>(static_cast<std::int8_t>(block.scales[g])),
                levels.data() + 16 * g, 16, to + 16 * g);
  }
}

void Encode(const float* from, BlockQ2_K& block) {
  const SuperBlock found = EncodeWithMinima(from, {16, 3, 15});
  block = {};
  block.scale = found.scale;
  block.minimum = found.minimum;
  for (int g = 0; g < 16; ++g) {
    block.scales[g] = static_cast<std::uint8_t>(found.scales[g] | found.minima[g] << 4);
  }
  for (int i = 0; i < kSuperBlock; ++i) SetTwoBits(found.levels[i], i, block.quants);
}

void Encode(const float* from, BlockQ3_K& block) {
  const SuperBlock found = EncodeCentred(from, {16, -4, 3, -32, 31});
  block = {};
  block.scale = found.scale;
  block.scales = PackScalesOfQ3K(found);
  for (int i = 0; i < kSuperBlock; ++i) {
    const int raised = found.levels[i] + 4;
    SetTwoBits(raised, i, block.quants);
    SetOneBit(raised >> 2, i, block.high_bits);
  }
}

void Encode(const float* from, BlockQ4_K& block) {
  const SuperBlock found = EncodeWithMinima(from, {32, 15, 63});
  block = {};
  block.scale = found.scale;
  block.minimum = found.minimum;
  block.scales = PackPairs(found);
  for (int i = 0; i < kSuperBlock; ++i) SetFourBits<32>(found.levels[i], i, block.quants);
}

void Encode(const float* from, BlockQ5_K& block) {
  const SuperBlock found = EncodeWithMinima(from, {32, 31, 63});
  block = {};
  block.scale = found.scale;
  block.minimum = found.minimum;
  block.scales = PackPairs(found);
  for (int i = 0; i < kSuperBlock; ++i) {
    SetFourBits<32>(found.levels[i], i, block.quants);
    SetOneBit(found.levels[i] >> 4, i, block.high_bits);
  }
}

void Encode(const float* from, BlockQ6_K& block) {
  const SuperBlock found = EncodeCentred(from, {16, -32, 31, -128, 127});
  block = {};
  block.scale = found.scale;
  for (int g = 0; g < 16; ++g) block.scales[g] = static_cast<std::uint8_t>(found.scales[g]);
  for (int i = 0; i < kSuperBlock; ++i) {
    const int raised = found.levels[i] + 32;
    SetFourBits<64>(raised, i, block.low);
    SetTwoBits(raised >> 4, i, block.high);
  }
}

}  // namespace carat::internal
