// The blocks of GGUF's formats as they lie in a file, byte by byte, and what each format's code offers.
// Multi-byte fields are little-endian.
#ifndef CARAT_LIB_QUANT_BLOCK_TYPES_H_
#define CARAT_LIB_QUANT_BLOCK_TYPES_H_

#include <array>
#include <cstdint>

#include "lib/base/tensor.h"

namespace carat::internal {

// A float16 in a block.
struct StoredHalf {
  std::uint8_t low = 0;
  std::uint8_t high = 0;

  float ToFloat() const { return Float16ToFloat(static_cast<std::uint16_t>(low | high << 8)); }
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

// Two values in a byte lie 16 apart in the block: value i in the low half of byte i, value i + 16 in the high
// half.
struct BlockQ4_0 {
  StoredHalf scale;
  Bytes<16> quants;  // 0..15, for -8..7
};

struct BlockQ4_1 {
  StoredHalf scale;
  StoredHalf minimum;
  Bytes<16> quants;
};

struct BlockQ5_0 {
  StoredHalf scale;
  Bytes<4> high_bits;  // the fifth bit of value i is bit i
  Bytes<16> quants;
};

struct BlockQ5_1 {
  StoredHalf scale;
  StoredHalf minimum;
  Bytes<4> high_bits;
  Bytes<16> quants;
};

struct BlockQ8_0 {
  StoredHalf scale;
  Bytes<32> quants;  // signed
};

// The quants are numbers of the codebook's entries.
struct BlockIQ4_NL {
  StoredHalf scale;
  Bytes<16> quants;
};

// Blocks of 256 values: sub-blocks of 16 or 32 have small integer scales that the block's scale multiplies.
struct BlockQ2_K {
  Bytes<16> scales;  // of each 16 values: the scale in the low half, the minimum in the high half
  Bytes<64> quants;  // two bits each: value 128a + 32b + i in bits 2b of byte 32a + i
  StoredHalf scale;
  StoredHalf minimum;
};

struct BlockQ3_K {
  Bytes<32> high_bits;  // bit b of byte i: the third bit of value 32b + i, inverted sense: 0 takes 4 off
  Bytes<64> quants;     // the two lower bits, as in Q2_K
  Bytes<12> scales;     // sixteen of six bits
  StoredHalf scale;
};

// In Q4_K and Q5_K the scales and minima of eight sub-blocks of 32 take six bits each.
struct BlockQ4_K {
  StoredHalf scale;
  StoredHalf minimum;
  Bytes<12> scales;
  Bytes<128> quants;  // value 64a + i in the low half of byte 32a + i, 64a + 32 + i in the high half
};

struct BlockQ5_K {
  StoredHalf scale;
  StoredHalf minimum;
  Bytes<12> scales;
  Bytes<32> high_bits;  // bit b of byte i: the fifth bit of value 32b + i
  Bytes<128> quants;
};

struct BlockQ6_K {
  Bytes<128>
      low;  // four bits: value 128a + i in the low half of byte 64a + i, 128a + 64 + i in the high half
  Bytes<64> high;    // two bits: value 128a + 32b + i in bits 2b of byte 32a + i
  Bytes<16> scales;  // signed, of 16 values each
  StoredHalf scale;
};

struct BlockIQ4_XS {
  StoredHalf scale;
  Bytes<2> scales_high;  // two bits each
  Bytes<4> scales_low;   // four bits each, of eight sub-blocks of 32
  Bytes<128> quants;     // in each sub-block as in IQ4_NL
};

// Of one block: `to` and `from` have as many values as the format's block. Values to encode are finite.
void Decode(const BlockQ4_0& block, float* to);
void Decode(const BlockQ4_1& block, float* to);
void Decode(const BlockQ5_0& block, float* to);
void Decode(const BlockQ5_1& block, float* to);
void Decode(const BlockQ8_0& block, float* to);
void Decode(const BlockQ2_K& block, float* to);
void Decode(const BlockQ3_K& block, float* to);
void Decode(const BlockQ4_K& block, float* to);
void Decode(const BlockQ5_K& block, float* to);
void Decode(const BlockQ6_K& block, float* to);
void Decode(const BlockIQ4_NL& block, float* to);
void Decode(const BlockIQ4_XS& block, float* to);

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
