// The blocks of GGUF's formats as they lie in a file, byte by byte, and the one reading of each: decoding
// (block_formats.cc) and packing (packed.cc) both call the members of these structs. Multi-byte fields are
// little-endian.
//
// A block is read in groups of 32 values, which become K-blocks of packed weights: a block of 32 values is
// one group, a block of 256 has eight. Every struct has
//   kFormat          the format of the block
//   Levels(group)    the 32 stored values of a group
//   Scales(group)    the scales of a group: HalfScales, or RelativeScales in blocks of 256 values
//   SuperScales()    in blocks of 256 values, the float16 scales that the relative ones multiply
//   Pairs(group)     in some blocks of 4 bits, the bytes of a group, which packing copies unchanged
// What a stored value means is written in PackedLayoutOf (packed.h): a weight is
// scale * (stored - offset) - minimum.
#ifndef CARAT_LIB_QUANT_BLOCK_TYPES_H_
#define CARAT_LIB_QUANT_BLOCK_TYPES_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "lib/base/tensor.h"

namespace carat::internal {

// A float16 in a block.
struct StoredHalf {
  std::uint8_t low = 0;
  std::uint8_t high = 0;

  float ToFloat() const { return Float16ToFloat(static_cast<std::uint16_t>(low | high << 8)); }
  StoredHalf Negated() const { return {low, static_cast<std::uint8_t>(high ^ 0x80)}; }
  static StoredHalf FromBits(std::uint16_t bits) {
    return {static_cast<std::uint8_t>(bits & 0xffu), static_cast<std::uint8_t>(bits >> 8)};
  }
  // The nearest; what lies outside the range becomes its largest value, so that no block decodes to infinity.
  static StoredHalf Nearest(float value) {
    constexpr float kLargest = 65504;
    return FromBits(FloatToFloat16(value > kLargest ? kLargest : (value < -kLargest ? -kLargest : value)));
  }
};

template <std::size_t kCount>
using Bytes = std::array<std::uint8_t, kCount>;

// Values of a group.
inline constexpr int kGroupSize = 32;

// The stored values of a group, before the format's offset is subtracted.
using GroupLevels = std::array<std::uint8_t, kGroupSize>;

// A scale and a minimum in float16; the minimum is zero where the format has none.
struct HalfScales {
  StoredHalf scale;
  StoredHalf minimum;  // is subtracted
};

// Integers that the scale and minimum of the super-block multiply: [0] for the first 16 values of a group,
// [1] for the last 16. A format with one scale for 32 values uses [0] alone.
struct RelativeScales {
  std::array<std::int8_t, 2> scales = {};
  std::array<std::int8_t, 2> minimums = {};
};

// Two values in a byte lie 16 apart in their group: value i in the low half of byte i, value i + 16 in the
// high half.
inline GroupLevels PairedNibbles(const std::uint8_t* quants) {
  GroupLevels levels;
  for (int i = 0; i < 16; ++i) {
    levels[i] = quants[i] & 0x0f;
    levels[i + 16] = quants[i] >> 4;
  }
  return levels;
}

// The inverse of PairedNibbles; bits above the fourth are left out.
inline Bytes<16> NibblePairs(const GroupLevels& levels) {
  Bytes<16> pairs;
  for (int i = 0; i < 16; ++i) pairs[i] = static_cast<std::uint8_t>((levels[i] & 0x0f) | levels[i + 16] << 4);
  return pairs;
}

// The fifth bit of value i is bit i of `bits`.
inline void AddFifthBits(const Bytes<4>& bits, GroupLevels& levels) {
  for (int i = 0; i < kGroupSize; i += 4) {
    // Four bits, seven apart from one copy to the next, so that each reaches a byte of its own.
    const std::uint32_t four = bits[i / 8] >> i % 8 & 15u;
    const std::uint32_t spread = four * 0x00204081u & 0x01010101u;
    std::uint32_t word;
    std::memcpy(&word, &levels[i], 4);
    word |= spread << 4;
    std::memcpy(&levels[i], &word, 4);
  }
}

// Bits of each value of a group from 32 bytes that several groups share: `count` bits, `shift` above the
// lowest bit of the byte, become the bits of the level from `to_bit` on.
inline void AddBits(const std::uint8_t* bytes, int shift, int count, int to_bit, GroupLevels& levels) {
  const int mask = (1 << count) - 1;
  for (int i = 0; i < kGroupSize; ++i) {
    levels[i] |= static_cast<std::uint8_t>((bytes[i] >> shift & mask) << to_bit);
  }
}

// The six-bit scales and minimums of eight groups: four of each have bytes of their own, whose two upper bits
// belong to the other four; the lower bits of those share a byte.
inline RelativeScales SixBitPair(const Bytes<12>& packed, int group) {
  const std::uint8_t* at = packed.data() + group;
  const int scale = group < 4 ? at[0] & 63 : (at[4] & 15) | at[-4] >> 6 << 4;
  const int minimum = group < 4 ? at[4] & 63 : at[4] >> 4 | at[0] >> 6 << 4;
  return {{static_cast<std::int8_t>(scale), 0}, {static_cast<std::int8_t>(minimum), 0}};
}

struct BlockQ4_0 {
  static constexpr NumberFormat kFormat = NumberFormat::kQ4_0;
  StoredHalf scale;
  Bytes<16> quants;  // 0..15, for -8..7

  const std::uint8_t* Pairs(int /*group*/) const { return quants.data(); }
  GroupLevels Levels(int group) const { return PairedNibbles(Pairs(group)); }
  HalfScales Scales(int /*group*/) const { return {scale, {}}; }
};

// In Q4_1 and Q5_1 the minimum is added.
struct BlockQ4_1 {
  static constexpr NumberFormat kFormat = NumberFormat::kQ4_1;
  StoredHalf scale;
  StoredHalf minimum;
  Bytes<16> quants;

  const std::uint8_t* Pairs(int /*group*/) const { return quants.data(); }
  GroupLevels Levels(int group) const { return PairedNibbles(Pairs(group)); }
  HalfScales Scales(int /*group*/) const { return {scale, minimum.Negated()}; }
};

struct BlockQ5_0 {
  static constexpr NumberFormat kFormat = NumberFormat::kQ5_0;
  StoredHalf scale;
  Bytes<4> high_bits;  // the fifth bit of value i is bit i
  Bytes<16> quants;

  GroupLevels Levels(int /*group*/) const {
    GroupLevels levels = PairedNibbles(quants.data());
    AddFifthBits(high_bits, levels);
    return levels;
  }
  HalfScales Scales(int /*group*/) const { return {scale, {}}; }
};

struct BlockQ5_1 {
  static constexpr NumberFormat kFormat = NumberFormat::kQ5_1;
  StoredHalf scale;
  StoredHalf minimum;
  Bytes<4> high_bits;
  Bytes<16> quants;

  GroupLevels Levels(int /*group*/) const {
    GroupLevels levels = PairedNibbles(quants.data());
    AddFifthBits(high_bits, levels);
    return levels;
  }
  HalfScales Scales(int /*group*/) const { return {scale, minimum.Negated()}; }
};

struct BlockQ8_0 {
  static constexpr NumberFormat kFormat = NumberFormat::kQ8_0;
  StoredHalf scale;
  Bytes<32> quants;  // signed

  GroupLevels Levels(int /*group*/) const {
    GroupLevels levels;
    for (int i = 0; i < kGroupSize; ++i) levels[i] = quants[i] ^ 0x80;  // 128 is added
    return levels;
  }
  HalfScales Scales(int /*group*/) const { return {scale, {}}; }
};

// The quants are numbers of the codebook's entries.
struct BlockIQ4_NL {
  static constexpr NumberFormat kFormat = NumberFormat::kIQ4_NL;
  StoredHalf scale;
  Bytes<16> quants;

  const std::uint8_t* Pairs(int /*group*/) const { return quants.data(); }
  GroupLevels Levels(int group) const { return PairedNibbles(Pairs(group)); }
  HalfScales Scales(int /*group*/) const { return {scale, {}}; }
};

// Blocks of 256 values: sub-blocks of 16 or 32 have small integer scales that the block's scale multiplies.
struct BlockQ2_K {
  static constexpr NumberFormat kFormat = NumberFormat::kQ2_K;
  Bytes<16> scales;  // of each 16 values: the scale in the low half, the minimum in the high half
  Bytes<64> quants;  // two bits each: value 128a + 32b + i in bits 2b of byte 32a + i
  StoredHalf scale;
  StoredHalf minimum;

  GroupLevels Levels(int group) const {
    GroupLevels levels = {};
    AddBits(quants.data() + group / 4 * 32, group % 4 * 2, 2, 0, levels);
    return levels;
  }
  RelativeScales Scales(int group) const {
    RelativeScales found;
    for (int half = 0; half < 2; ++half) {
      const std::uint8_t both = scales[2 * group + half];
      found.scales[half] = static_cast<std::int8_t>(both & 15);
      found.minimums[half] = static_cast<std::int8_t>(both >> 4);
    }
    return found;
  }
  HalfScales SuperScales() const { return {scale, minimum}; }
};

struct BlockQ3_K {
  static constexpr NumberFormat kFormat = NumberFormat::kQ3_K;
  Bytes<32> high_bits;  // bit b of byte i: the third bit of value 32b + i, 0 for levels below zero
  Bytes<64> quants;     // the two lower bits, as in Q2_K
  Bytes<12> scales;  // sixteen of six bits, 32 added: the four lower bits of scale j and then those of j + 8
                     // in byte j, the two upper bits of j, j + 4, j + 8 and j + 12 in byte 8 + j
  StoredHalf scale;

  GroupLevels Levels(int group) const {
    GroupLevels levels = {};
    AddBits(quants.data() + group / 4 * 32, group % 4 * 2, 2, 0, levels);
    AddBits(high_bits.data(), group, 1, 2, levels);
    return levels;
  }
  RelativeScales Scales(int group) const {
    RelativeScales found;
    for (int half = 0; half < 2; ++half) {
      const int j = 2 * group + half;
      const int low = scales[j % 8] >> (j / 8 * 4) & 15;
      const int high = scales[8 + j % 4] >> (j / 4 * 2) & 3;
      found.scales[half] = static_cast<std::int8_t>((low | high << 4) - 32);
    }
    return found;
  }
  HalfScales SuperScales() const { return {scale, {}}; }
};

// In Q4_K and Q5_K the scales and minimums of eight sub-blocks of 32 take six bits each.
struct BlockQ4_K {
  static constexpr NumberFormat kFormat = NumberFormat::kQ4_K;
  StoredHalf scale;
  StoredHalf minimum;
  Bytes<12> scales;
  Bytes<128> quants;  // value 64a + i in the low half of byte 32a + i, 64a + 32 + i in the high half

  GroupLevels Levels(int group) const {
    GroupLevels levels = {};
    AddBits(quants.data() + group / 2 * 32, group % 2 * 4, 4, 0, levels);
    return levels;
  }
  RelativeScales Scales(int group) const { return SixBitPair(scales, group); }
  HalfScales SuperScales() const { return {scale, minimum}; }
};

struct BlockQ5_K {
  static constexpr NumberFormat kFormat = NumberFormat::kQ5_K;
  StoredHalf scale;
  StoredHalf minimum;
  Bytes<12> scales;
  Bytes<32> high_bits;  // bit b of byte i: the fifth bit of value 32b + i
  Bytes<128> quants;

  GroupLevels Levels(int group) const {
    GroupLevels levels = {};
    AddBits(quants.data() + group / 2 * 32, group % 2 * 4, 4, 0, levels);
    AddBits(high_bits.data(), group, 1, 4, levels);
    return levels;
  }
  RelativeScales Scales(int group) const { return SixBitPair(scales, group); }
  HalfScales SuperScales() const { return {scale, minimum}; }
};

struct BlockQ6_K {
  static constexpr NumberFormat kFormat = NumberFormat::kQ6_K;
  Bytes<128>
      low;  // four bits: value 128a + i in the low half of byte 64a + i, 128a + 64 + i in the high half
  Bytes<64> high;    // two bits: value 128a + 32b + i in bits 2b of byte 32a + i
  Bytes<16> scales;  // signed, of 16 values each
  StoredHalf scale;

  GroupLevels Levels(int group) const {
    GroupLevels levels = {};
    AddBits(low.data() + group / 4 * 64 + group % 2 * 32, group / 2 % 2 * 4, 4, 0, levels);
    AddBits(high.data() + group / 4 * 32, group % 4 * 2, 2, 4, levels);
    return levels;
  }
  RelativeScales Scales(int group) const {
    return {{static_cast<std::int8_t>(scales[2 * group]), static_cast<std::int8_t>(scales[2 * group + 1])},
            {}};
  }
  HalfScales SuperScales() const { return {scale, {}}; }
};

struct BlockIQ4_XS {
  static constexpr NumberFormat kFormat = NumberFormat::kIQ4_XS;
  StoredHalf scale;
  Bytes<2> scales_high;  // two bits each
  Bytes<4> scales_low;   // four bits each, of eight sub-blocks of 32
  Bytes<128> quants;     // in each sub-block as in IQ4_NL

  const std::uint8_t* Pairs(int group) const { return quants.data() + group * 16; }
  GroupLevels Levels(int group) const { return PairedNibbles(Pairs(group)); }
  RelativeScales Scales(int group) const {
    const int low = scales_low[group / 2] >> (group % 2 * 4) & 15;
    const int high = scales_high[group / 4] >> (group % 4 * 2) & 3;
    return {{static_cast<std::int8_t>((low | high << 4) - 32), 0}, {}};
  }
  HalfScales SuperScales() const { return {scale, {}}; }
};

// The block at `at`, read where it lies: its bytes need no alignment.
template <typename Block>
const Block& BlockAt(const std::byte* at) {
  static_assert(alignof(Block) == 1 && sizeof(Block) == LayoutOf(Block::kFormat).bytes);
  return *reinterpret_cast<const Block*>(at);
}

template <typename Block>
inline constexpr int kGroupsOf = static_cast<int>(LayoutOf(Block::kFormat).values) / kGroupSize;

template <typename... Blocks>
struct BlockList {
  // Calls `function` with an empty block of the format.
  template <typename Function>
  static void With(NumberFormat format, Function&& function) {
    static_cast<void>(((format == Blocks::kFormat && (function(Blocks()), true)) || ...));
  }
};

// All block formats. For a format of single values, With() does nothing.
using AllBlocks = BlockList<BlockQ4_0, BlockQ4_1, BlockQ5_0, BlockQ5_1, BlockQ8_0, BlockQ2_K, BlockQ3_K,
                            BlockQ4_K, BlockQ5_K, BlockQ6_K, BlockIQ4_NL, BlockIQ4_XS>;

// Calls `change` with every float16 scale and minimum of whole blocks, which it may change. For tests: random
// bytes are valid blocks, except that random float16 scales may be infinite or NaN.
template <typename Change>
void ChangeHalves(NumberFormat format, std::span<std::byte> blocks, Change&& change) {
  AllBlocks::With(format, [&](auto block) {
    for (std::size_t at = 0; at + sizeof(block) <= blocks.size(); at += sizeof(block)) {
      std::memcpy(&block, &blocks[at], sizeof(block));
      change(block.scale);
      if constexpr (requires { block.minimum; }) change(block.minimum);
      std::memcpy(&blocks[at], &block, sizeof(block));
    }
  });
}

// Of one block: `from` has as many values as the block, all of them finite.
void Encode(const float* from, BlockQ4_0& block);
void Encode(const float* from, BlockQ4_1& block);
void Encode(const float* from, BlockQ5_0& block);
void Encode(const float* from, BlockQ5_1& block);
void Encode(const float* from, BlockQ8_0& block);
void Encode(const float* from, BlockQ2_K& block);
void Encode(const float* from, BlockQ3_K& block);
void Encode(const float* from, BlockQ4_K& block);
void Encode(const float* from, BlockQ5_K& block);
void Encode(const float* from, BlockQ6_K& block);
void Encode(const float* from, BlockIQ4_NL& block);
void Encode(const float* from, BlockIQ4_XS& block);

}  // namespace carat::internal

#endif  // CARAT_LIB_QUANT_BLOCK_TYPES_H_
