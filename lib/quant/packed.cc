#include "lib/quant/packed.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace carat::internal {
namespace {

// One row's share of a tile: stored values, and scales as the tile keeps them.
struct RowTile {
  std::array<std::uint8_t, kBlockK> values{};
  std::array<std::uint16_t, 2> halves{};  // scale and minimum, float16
  std::array<std::int8_t, 2> scales{};    // relative, of each 16 columns (with groups of 32 the first counts)
  std::array<std::int8_t, 2> minimums{};
};

std::uint16_t Half(const std::byte* at) {
  std::uint16_t bits;
  std::memcpy(&bits, at, 2);
  return bits;
}

std::uint8_t Byte(const std::byte* at) {
  return std::to_integer<std::uint8_t>(*at);
}

// 16 bytes hold columns 0 .. 15 in their lower halves and 16 .. 31 in their upper ones.
void ReadNibbles(const std::byte* from, RowTile& tile) {
  for (std::size_t i = 0; i < 16; ++i) {
    const std::uint8_t both = Byte(from + i);
    tile.values[i] = both & 15;
    tile.values[i + 16] = both >> 4;
  }
}

void AddFifthBits(const std::byte* from, RowTile& tile) {
  std::uint32_t bits;
  std::memcpy(&bits, from, 4);
  for (std::size_t i = 0; i < 32; ++i) tile.values[i] |= static_cast<std::uint8_t>((bits >> i & 1) << 4);
}

// Blocks of 32. Returns what is read of a block at `from`.
void ReadBlock32(NumberFormat format, const std::byte* from, RowTile& tile) {
  tile.halves[0] = Half(from);
  switch (format) {
    case NumberFormat::kQ4_1:
      tile.halves[1] = Half(from + 2) ^ 0x8000;  // it is added there, subtracted here
      return ReadNibbles(from + 4, tile);
    case NumberFormat::kQ5_0:
      ReadNibbles(from + 6, tile);
      return AddFifthBits(from + 2, tile);
    case NumberFormat::kQ5_1:
      tile.halves[1] = Half(from + 2) ^ 0x8000;
      ReadNibbles(from + 8, tile);
      return AddFifthBits(from + 4, tile);
    case NumberFormat::kQ8_0:
      for (std::size_t i = 0; i < 32; ++i) tile.values[i] = Byte(from + 2 + i) ^ 0x80;
      return;
    default:
      return ReadNibbles(from + 2, tile);
  }
}

// The 6-bit scale and minimum of group g of Q4_K and Q5_K, in 12 bytes.
void ReadSixBits(const std::byte* from, int g, RowTile& tile) {
  const auto at = [&](int i) { return Byte(from + i); };
  if (g < 4) {
    tile.scales[0] = static_cast<std::int8_t>(at(g) & 63);
    tile.minimums[0] = static_cast<std::int8_t>(at(g + 4) & 63);
    return;
  }
  tile.scales[0] = static_cast<std::int8_t>((at(g + 4) & 15) | (at(g - 4) >> 6 << 4));
  tile.minimums[0] = static_cast<std::int8_t>((at(g + 4) >> 4) | (at(g) >> 6 << 4));
}

void ReadQ2K(const std::byte* block, int g, RowTile& tile) {
  const std::byte* values = block + 16 + 32 * (g / 4);
  const int shift = 2 * (g % 4);
  for (int i = 0; i < 32; ++i) tile.values[static_cast<std::size_t>(i)] = Byte(values + i) >> shift & 3;
  for (int half = 0; half < 2; ++half) {
    const std::uint8_t both = Byte(block + 2 * g + half);
    tile.scales[static_cast<std::size_t>(half)] = static_cast<std::int8_t>(both & 15);
    tile.minimums[static_cast<std::size_t>(half)] = static_cast<std::int8_t>(both >> 4);
  }
}

void ReadQ3K(const std::byte* block, int g, RowTile& tile) {
  const std::byte* values = block + 32 + 32 * (g / 4);
  const int shift = 2 * (g % 4);
  for (int i = 0; i < 32; ++i) {
    const int high = Byte(block + i) >> g & 1;
    tile.values[static_cast<std::size_t>(i)] =
        static_cast<std::uint8_t>((Byte(values + i) >> shift & 3) | high << 2);
  }
  const std::byte* scales = block + 96;
  for (int half = 0; half < 2; ++half) {
    const int j = 2 * g + half;
    const int low = j < 8 ? Byte(scales + j) & 15 : Byte(scales + j - 8) >> 4;
    const int high = Byte(scales + 8 + j % 4) >> (2 * (j / 4)) & 3;
    tile.scales[static_cast<std::size_t>(half)] = static_cast<std::int8_t>((low | high << 4) - 32);
  }
}

// Q4_K and Q5_K: a byte holds a column of an even group and one of the odd group after it.
void ReadPairedNibbles(const std::byte* values, int g, RowTile& tile) {
  const std::byte* from = values + 32 * (g / 2);
  const int shift = 4 * (g % 2);
  for (int i = 0; i < 32; ++i) tile.values[static_cast<std::size_t>(i)] = Byte(from + i) >> shift & 15;
}

void ReadQ6K(const std::byte* block, int g, RowTile& tile) {
  const std::byte* low = block + 64 * (g / 4) + 32 * (g % 2);
  const std::byte* high = block + 128 + 32 * (g / 4);
  const int low_shift = g % 4 < 2 ? 0 : 4;
  const int high_shift = 2 * (g % 4);
  for (int i = 0; i < 32; ++i) {
    tile.values[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(
        (Byte(low + i) >> low_shift & 15) | (Byte(high + i) >> high_shift & 3) << 4);
  }
  std::memcpy(tile.scales.data(), block + 192 + 2 * g, 2);
}

// Blocks of 256: their group g of 32 columns.
void ReadBlock256(NumberFormat format, const std::byte* block, int g, RowTile& tile) {
  switch (format) {
    case NumberFormat::kQ2_K:
      return ReadQ2K(block, g, tile);
    case NumberFormat::kQ3_K:
      return ReadQ3K(block, g, tile);
    case NumberFormat::kQ4_K:
      ReadSixBits(block + 4, g, tile);
      return ReadPairedNibbles(block + 16, g, tile);
    case NumberFormat::kQ5_K:
      ReadSixBits(block + 4, g, tile);
      ReadPairedNibbles(block + 48, g, tile);
      for (int i = 0; i < 32; ++i)
        tile.values[static_cast<std::size_t>(i)] |=
            static_cast<std::uint8_t>((Byte(block + 16 + i) >> g & 1) << 4);
      return;
    case NumberFormat::kQ6_K:
      return ReadQ6K(block, g, tile);
    default: {  // IQ4_XS
      const int low = Byte(block + 4 + g / 2) >> (4 * (g % 2)) & 15;
      const int high = Half(block + 2) >> (2 * g) & 3;
      tile.scales[0] = static_cast<std::int8_t>((low | high << 4) - 32);
      return ReadNibbles(block + 8 + 16 * g, tile);
    }
  }
}

// The float16 scale, and minimum, of a whole block of 256.
std::array<std::uint16_t, 2> HeaderOf(NumberFormat format, const std::byte* block) {
  switch (format) {
    case NumberFormat::kQ2_K:
      return {Half(block + 80), Half(block + 82)};
    case NumberFormat::kQ3_K:
      return {Half(block + 108), 0};
    case NumberFormat::kQ6_K:
      return {Half(block + 208), 0};
    case NumberFormat::kIQ4_XS:
      return {Half(block), 0};
    default:
      return {Half(block), Half(block + 2)};
  }
}

void PutHalf(std::byte* to, std::uint16_t bits) {
  std::memcpy(to, &bits, 2);
}

// Puts a row's values into its lanes of a tile.
void PutValues(const PackedLayout& layout, const RowTile& row, int r, std::byte* tile) {
  std::byte* group = tile + r / 16 * layout.lane_group_bytes() + r % 16 * 4;
  const std::uint8_t* values = row.values.data();
  if (layout.bits == 8) {
    for (int unit = 0; unit < 8; ++unit) std::memcpy(group + 64 * unit, values + 4 * unit, 4);
    return;
  }
  for (int v = 0; v < 4; ++v) {
    std::uint32_t low, high;
    std::memcpy(&low, values + 4 * v, 4);
    std::memcpy(&high, values + 16 + 4 * v, 4);
    const std::uint32_t both = (low & 0x0f0f0f0fu) | (high & 0x0f0f0f0fu) << 4;
    std::memcpy(group + 64 * v, &both, 4);
  }
  if (layout.bits == 5) {
    for (int i = 0; i < 4; ++i) {
      std::uint8_t bits = 0;
      for (int unit = 0; unit < 8; ++unit)
        bits |= static_cast<std::uint8_t>((values[4 * unit + i] >> 4) << unit);
      group[256 + i] = std::byte{bits};
    }
  }
  if (layout.bits == 6) {
    for (int half = 0; half < 2; ++half) {
      std::uint32_t bits = 0;
      for (int u = 0; u < 4; ++u) {
        std::uint32_t unit;
        std::memcpy(&unit, values + 16 * half + 4 * u, 4);
        bits |= (unit >> 4 & 0x03030303u) << (2 * u);
      }
      std::memcpy(group + 256 + 64 * half, &bits, 4);
    }
  }
}

void PutScales(const PackedLayout& layout, const RowTile& row, int r, std::byte* tile) {
  std::byte* scales = tile + 4 * layout.lane_group_bytes();
  std::byte* minimums = scales + layout.scale_bytes();
  if (!layout.super_scales) {
    PutHalf(scales + 2 * r, row.halves[0]);
    if (layout.minimums) PutHalf(minimums + 2 * r, row.halves[1]);
    return;
  }
  for (int i = 0; i < kBlockK / layout.group; ++i) {
    const auto half = static_cast<std::size_t>(i);
    scales[kPanelN * i + r] = static_cast<std::byte>(row.scales[half]);
    if (layout.minimums) minimums[kPanelN * i + r] = static_cast<std::byte>(row.minimums[half]);
  }
}

// Q4_0 already pairs column i with i + 16 in a byte: its words go straight into place.
void PackQ4_0Tile(const std::byte* const* rows, std::int64_t count, std::int64_t tile_index,
                  std::byte* tile) {
  for (std::int64_t r = 0; r < count; ++r) {
    const std::byte* block = rows[r] + tile_index * 18;
    std::byte* group = tile + r / 16 * 256 + r % 16 * 4;
    for (int v = 0; v < 4; ++v) std::memcpy(group + 64 * v, block + 2 + 4 * v, 4);
    std::memcpy(tile + 1024 + 2 * r, block, 2);
  }
}

}  // namespace

void PackPanel(const MatrixView& weights, std::int64_t first_row, std::int64_t count, std::byte* to) {
  const PackedLayout layout = PackedLayoutOf(weights.format);
  const BlockLayout block = LayoutOf(weights.format);
  const std::int64_t tiles = weights.cols / kBlockK;
  if (count < kPanelN)
    std::memset(to, 0, static_cast<std::size_t>(PackedPanelBytes(weights.format, weights.cols)));
  const std::byte* rows[kPanelN];
  for (std::int64_t r = 0; r < count; ++r) rows[r] = weights.row(first_row + r);

  for (std::int64_t t = 0; t < tiles; ++t) {
    if (layout.super_scales && t % kBlocksPerSuper == 0) {
      for (std::int64_t r = 0; r < count; ++r) {
        const auto halves = HeaderOf(weights.format, rows[r] + t / kBlocksPerSuper * block.bytes);
        PutHalf(to + 2 * r, halves[0]);
        if (layout.minimums) PutHalf(to + 2 * (kPanelN + r), halves[1]);
      }
      to += layout.super_bytes();
    }
    if (weights.format == NumberFormat::kQ4_0) {
      PackQ4_0Tile(rows, count, t, to);
    } else {
      for (std::int64_t r = 0; r < count; ++r) {
        RowTile row;
        if (layout.super_scales) {
          ReadBlock256(weights.format, rows[r] + t / kBlocksPerSuper * block.bytes,
                       static_cast<int>(t % kBlocksPerSuper), row);
        } else {
          ReadBlock32(weights.format, rows[r] + t * block.bytes, row);
        }
        PutValues(layout, row, static_cast<int>(r), to);
        PutScales(layout, row, static_cast<int>(r), to);
      }
    }
    to += layout.block_bytes();
  }
}

void UnpackBlock(NumberFormat format, const std::byte* header, const std::byte* tile, int row,
                 UnpackedBlock* to) {
  const PackedLayout layout = PackedLayoutOf(format);
  const std::byte* lanes = tile + row / 16 * layout.lane_group_bytes() + row % 16 * 4;
  for (int c = 0; c < kBlockK; ++c) {
    const int unit = c / 4, i = c % 4;
    int value;
    if (layout.bits == 8) {
      value = Byte(lanes + 64 * unit + i);
    } else {
      value = Byte(lanes + 64 * (unit % 4) + i) >> (unit < 4 ? 0 : 4) & 15;
    }
    if (layout.bits == 5) value |= (Byte(lanes + 256 + i) >> unit & 1) << 4;
    if (layout.bits == 6) value |= (Byte(lanes + 256 + 64 * (unit / 4) + i) >> (2 * (unit % 4)) & 3) << 4;
    if (layout.table) value = kNonlinearValues[value];
    to->values[c] = static_cast<std::uint8_t>(value);
  }
  const std::byte* scales = tile + 4 * layout.lane_group_bytes();
  const std::byte* minimums = scales + layout.scale_bytes();
  for (int g = 0; g < kBlockK / layout.group; ++g) {
    to->minimums[g] = 0;
    if (!layout.super_scales) {
      to->scales[g] = Float16ToFloat(Half(scales + 2 * row));
      if (layout.minimums) to->minimums[g] = Float16ToFloat(Half(minimums + 2 * row));
      continue;
    }
    const int at = kPanelN * g + row;
    const auto scale = static_cast<std::int8_t>(Byte(scales + at));
    to->scales[g] = Float16ToFloat(Half(header + 2 * row)) * static_cast<float>(scale);
    if (!layout.minimums) continue;
    to->minimums[g] =
        Float16ToFloat(Half(header + 2 * (kPanelN + row))) * static_cast<float>(Byte(minimums + at));
  }
}

void UnpackRow(NumberFormat format, const std::byte* panel, std::int64_t cols, int row, float* to) {
  const PackedLayout layout = PackedLayoutOf(format);
  const std::byte* header = panel;
  for (std::int64_t t = 0; t < cols / kBlockK; ++t) {
    if (t % kBlocksPerSuper == 0) {
      header = panel;
      panel += layout.super_bytes();
    }
    UnpackedBlock tile;
    UnpackBlock(format, header, panel, row, &tile);
    for (int c = 0; c < kBlockK; ++c) {
      const int g = c / layout.group;
      *to++ = tile.scales[g] * static_cast<float>(tile.values[c] - layout.offset) - tile.minimums[g];
    }
    panel += layout.block_bytes();
  }
}

}  // namespace carat::internal
