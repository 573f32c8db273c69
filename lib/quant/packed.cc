#include "lib/quant/packed.h"

#include <cstring>

#include "lib/quant/block_types.h"

namespace carat::internal {
namespace {

static_assert(kGroupSize == kBlockK);

// A line is 64 bytes: four for each of 16 rows. The bits of a stored value are kept in planes, one for each
// bit that is set in `bits`, the widest first: 5 bits are a plane of four bits and a plane of one bit. A
// plane of w bits takes w lines, and each byte of it has the bits of 8 / w k-quads.
constexpr int kLineBytes = 64;

// Where the bits of a k-quad lie in such a plane. Nibbles pair a k-quad with the fourth after it, as most
// file formats do; other planes take k-quads in turn.
struct PlanePlace {
  int line;
  int shift;
};

constexpr PlanePlace PlaceOf(int quad, int plane_bits) {
  if (plane_bits == 4) return {quad % 4, quad / 4 * 4};
  const int quads = 8 / plane_bits;
  return {quad / quads, quad % quads * plane_bits};
}

// Puts bits from..from+kPlaneBits-1 of a row's levels into its lanes; `from` is also the number of lines in
// front of the plane.
template <int kPlaneBits>
void PutPlane(const GroupLevels& levels, int from, std::byte* lanes) {
  constexpr std::uint32_t kMask = 0x01010101u * ((1u << kPlaneBits) - 1);
  std::uint32_t lines[kPlaneBits] = {};
  for (int quad = 0; quad < kBlockK / 4; ++quad) {
    std::uint32_t values;
    std::memcpy(&values, levels.data() + 4 * quad, 4);
    const PlanePlace place = PlaceOf(quad, kPlaneBits);
    lines[place.line] |= (values >> from & kMask) << place.shift;
  }
  for (int line = 0; line < kPlaneBits; ++line) {
    std::memcpy(lanes + kLineBytes * (from + line), &lines[line], 4);
  }
}

// A plane of four bits. `pairs` has values i and i + 16 in byte i.
void PutPairs(const std::uint8_t* pairs, std::byte* lanes) {
  for (int line = 0; line < 4; ++line) std::memcpy(lanes + kLineBytes * line, pairs + 4 * line, 4);
}

// All planes of `kBits` bits; the planes in front of one are the higher bits of `kBits`.
template <int kBits>
void PutLevels(const GroupLevels& levels, std::byte* lanes) {
  if constexpr ((kBits & 8) != 0) PutPlane<8>(levels, 0, lanes);
  if constexpr ((kBits & 4) != 0) PutPairs(NibblePairs(levels).data(), lanes);
  if constexpr ((kBits & 2) != 0) PutPlane<2>(levels, kBits & 12, lanes);
  if constexpr ((kBits & 1) != 0) PutPlane<1>(levels, kBits & 14, lanes);
}

// Scales of one row: float16, of a K-block or of a super-block.
void PutScales(const PackedLayout& layout, const HalfScales& scales, int row, std::byte* to) {
  std::memcpy(to + 2 * row, &scales.scale, 2);
  if (layout.minimums) std::memcpy(to + 2 * (kPanelN + row), &scales.minimum, 2);
}

// Relative scales.
void PutScales(const PackedLayout& layout, const RelativeScales& scales, int row, std::byte* to) {
  const int groups = kBlockK / layout.group;
  for (int g = 0; g < groups; ++g) {
    to[kPanelN * g + row] = static_cast<std::byte>(scales.scales[g]);
    if (layout.minimums) to[kPanelN * (groups + g) + row] = static_cast<std::byte>(scales.minimums[g]);
  }
}

// One row's part of a K-block.
template <typename Block>
void PackGroup(const Block& block, int group, int row, std::byte* to) {
  constexpr PackedLayout kLayout = PackedLayoutOf(Block::kFormat);
  std::byte* lanes = to + row / 16 * kLayout.lane_group_bytes() + row % 16 * 4;
  if constexpr (requires { block.Pairs(group); }) {
    PutPairs(block.Pairs(group), lanes);
  } else {
    PutLevels<kLayout.bits>(block.Levels(group), lanes);
  }
  PutScales(kLayout, block.Scales(group), row, to + 4 * kLayout.lane_group_bytes());
}

// One row's part of the K-blocks of one block, and of the super-block scales in front of them.
template <typename Block>
void PackBlock(const std::byte* from, int row, std::byte* to) {
  constexpr PackedLayout kLayout = PackedLayoutOf(Block::kFormat);
  static_assert(kGroupsOf<Block> == (kLayout.super_scales ? kBlocksPerSuper : 1));
  const auto& block = BlockAt<Block>(from);
  if constexpr (kLayout.super_scales) PutScales(kLayout, block.SuperScales(), row, to);
  to += kLayout.super_bytes();
  for (int g = 0; g < kGroupsOf<Block>; ++g) PackGroup(block, g, row, to + g * kLayout.block_bytes());
}

template <typename Block>
void PackRows(const MatrixView& weights, std::int64_t first_row, std::int64_t count, std::byte* to) {
  constexpr PackedLayout kLayout = PackedLayoutOf(Block::kFormat);
  const std::int64_t blocks = weights.cols / LayoutOf(Block::kFormat).values;
  const std::byte* rows[kPanelN];
  for (std::int64_t r = 0; r < count; ++r) rows[r] = weights.row(first_row + r);
  for (std::int64_t b = 0; b < blocks; ++b) {
    for (std::int64_t r = 0; r < count; ++r) {
      PackBlock<Block>(rows[r] + b * static_cast<std::int64_t>(sizeof(Block)), static_cast<int>(r), to);
    }
    to += kLayout.super_bytes() + kGroupsOf<Block> * kLayout.block_bytes();
  }
}

std::uint8_t Byte(const std::byte* at) {
  return std::to_integer<std::uint8_t>(*at);
}

float Half(const std::byte* at) {
  StoredHalf half;
  std::memcpy(&half, at, 2);
  return half.ToFloat();
}

// The inverse of PutPlane. The bits of `values` from `from` on must be zero before.
template <int kPlaneBits>
void TakePlane(const std::byte* lanes, int from, std::uint8_t* values) {
  constexpr std::uint32_t kMask = 0x01010101u * ((1u << kPlaneBits) - 1);
  for (int quad = 0; quad < kBlockK / 4; ++quad) {
    const PlanePlace place = PlaceOf(quad, kPlaneBits);
    std::uint32_t line, taken;
    std::memcpy(&line, lanes + kLineBytes * (from + place.line), 4);
    std::memcpy(&taken, values + 4 * quad, 4);
    taken |= (line >> place.shift & kMask) << from;
    std::memcpy(values + 4 * quad, &taken, 4);
  }
}

void TakeLevels(const std::byte* lanes, int bits, std::uint8_t* values) {
  std::memset(values, 0, kBlockK);
  if ((bits & 8) != 0) TakePlane<8>(lanes, 0, values);
  if ((bits & 4) != 0) TakePlane<4>(lanes, bits & 8, values);
  if ((bits & 2) != 0) TakePlane<2>(lanes, bits & 12, values);
  if ((bits & 1) != 0) TakePlane<1>(lanes, bits & 14, values);
}

}  // namespace

void PackPanel(const MatrixView& weights, std::int64_t first_row, std::int64_t count, std::byte* to) {
  if (count < kPanelN) {
    std::memset(to, 0, static_cast<std::size_t>(PackedPanelBytes(weights.format, weights.cols)));
  }
  AllBlocks::With(weights.format,
                  [&](auto block) { PackRows<decltype(block)>(weights, first_row, count, to); });
}

void UnpackBlock(NumberFormat format, const std::byte* super, const std::byte* block, int row,
                 UnpackedBlock* to) {
  const PackedLayout layout = PackedLayoutOf(format);
  const std::byte* lanes = block + row / 16 * layout.lane_group_bytes() + row % 16 * 4;
  TakeLevels(lanes, layout.bits, to->values);
  if (layout.table) {
    for (std::uint8_t& value : to->values) value = kNonlinearValues[value];
  }
  const std::byte* scales = block + 4 * layout.lane_group_bytes();
  const std::byte* minimums = scales + layout.scale_bytes();
  for (int g = 0; g < kBlockK / layout.group; ++g) {
    to->minimums[g] = 0;
    if (!layout.super_scales) {
      to->scales[g] = Half(scales + 2 * row);
      if (layout.minimums) to->minimums[g] = Half(minimums + 2 * row);
      continue;
    }
    const int at = kPanelN * g + row;
    to->scales[g] = Half(super + 2 * row) * static_cast<float>(static_cast<std::int8_t>(Byte(scales + at)));
    if (layout.minimums) {
      to->minimums[g] = Half(super + 2 * (kPanelN + row)) * static_cast<float>(Byte(minimums + at));
    }
  }
}

void UnpackRow(NumberFormat format, const std::byte* panel, std::int64_t k, int row, float* to) {
  const PackedLayout layout = PackedLayoutOf(format);
  const std::byte* super = panel;
  for (std::int64_t b = 0; b < k / kBlockK; ++b) {
    if (b % kBlocksPerSuper == 0) {
      super = panel;
      panel += layout.super_bytes();
    }
    UnpackedBlock block;
    UnpackBlock(format, super, panel, row, &block);
    for (int c = 0; c < kBlockK; ++c) {
      const int g = c / layout.group;
      *to++ = block.scales[g] * static_cast<float>(block.values[c] - layout.offset) - block.minimums[g];
    }
    panel += layout.block_bytes();
  }
}

}  // namespace carat::internal
