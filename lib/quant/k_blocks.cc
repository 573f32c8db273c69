// Encoding Q2_K to Q6_K: putting the bits where the blocks' Levels and Scales read them.
#include "lib/quant/block_types.h"
#include "lib/quant/super_blocks.h"

namespace carat::internal {
namespace {

// Two bits of each value, 32 values to a plane of bits, four planes to 32 bytes.
void SetTwoBits(int bits, int i, Bytes<64>& packed) {
  packed[i / 128 * 32 + i % 32] |= static_cast<std::uint8_t>((bits & 3) << (i % 128 / 32 * 2));
}

// One bit of each value, 32 values to a plane.
void SetOneBit(int bit, int i, Bytes<32>& packed) {
  packed[i % 32] |= static_cast<std::uint8_t>((bit & 1) << (i / 32));
}

// Four bits of each value; `run` values in the low halves, the next `run` in the high halves.
template <int kRun>
void SetFourBits(int bits, int i, Bytes<128>& packed) {
  packed[i / (2 * kRun) * kRun + i % kRun] |= static_cast<std::uint8_t>((bits & 15) << (i / kRun % 2 * 4));
}

// The scales and minima of Q4_K and Q5_K, as SixBitPair reads them.
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

Bytes<12> PackScalesOfQ3K(const SuperBlock& block) {
  Bytes<12> packed = {};
  for (int g = 0; g < 16; ++g) {
    const int scale = block.scales[g] + 32;
    packed[g % 8] |= static_cast<std::uint8_t>((scale & 15) << (g / 8 * 4));
    packed[8 + g % 4] |= static_cast<std::uint8_t>((scale >> 4) << (g / 4 * 2));
  }
  return packed;
}

}  // namespace

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
