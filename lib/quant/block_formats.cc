#include "lib/quant/block_formats.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "lib/quant/block_types.h"
#include "lib/quant/packed.h"

namespace carat::internal {
namespace {

constexpr std::int64_t kLargestBlock = 256;

float Finite(float value) {
  return std::isfinite(value) ? value : 0;
}

void EncodeFloats(NumberFormat format, const float* from, std::int64_t values, std::byte* to) {
  const std::size_t size = BytesPerValue(format);
  for (std::int64_t i = 0; i < values; ++i, to += size) {
    const float value = Finite(from[i]);
    if (format == NumberFormat::kF32) {
      std::memcpy(to, &value, size);
    } else if (format == NumberFormat::kBF16) {
      const std::uint16_t bits = FloatToBFloat16(value);
      std::memcpy(to, &bits, size);
    } else {
      const StoredHalf half = StoredHalf::Nearest(value);
      std::memcpy(to, &half, size);
    }
  }
}

// The scale and minimum of each 16 or 32 values of a group as float32.
struct FloatScales {
  std::array<float, 2> scales = {};
  std::array<float, 2> minimums = {};
};

template <typename Block>
FloatScales ScalesOf(const Block& block, int group) {
  FloatScales found;
  if constexpr (PackedLayoutOf(Block::kFormat).super_scales) {
    const HalfScales super = block.SuperScales();
    const RelativeScales relative = block.Scales(group);
    for (int half = 0; half < 2; ++half) {
      found.scales[half] = super.scale.ToFloat() * static_cast<float>(relative.scales[half]);
      found.minimums[half] = super.minimum.ToFloat() * static_cast<float>(relative.minimums[half]);
    }
  } else {
    const HalfScales halves = block.Scales(group);
    found.scales[0] = halves.scale.ToFloat();
    found.minimums[0] = halves.minimum.ToFloat();
  }
  return found;
}

template <typename Block>
void Decode(const Block& block, float* to) {
  constexpr PackedLayout kLayout = PackedLayoutOf(Block::kFormat);
  for (int g = 0; g < kGroupsOf<Block>; ++g) {
    GroupLevels levels = block.Levels(g);
    if constexpr (kLayout.table) {
      for (std::uint8_t& level : levels) level = kNonlinearValues[level];
    }
    const FloatScales scales = ScalesOf(block, g);
    for (int i = 0; i < kGroupSize; ++i, ++to) {
      *to = scales.scales[i / kLayout.group] * static_cast<float>(levels[i] - kLayout.offset);
      if (kLayout.minimums) *to -= scales.minimums[i / kLayout.group];
    }
  }
}

}  // namespace

void DecodeBlocks(NumberFormat format, const std::byte* from, std::int64_t values, float* to) {
  if (IsFloat(format)) {
    for (std::int64_t i = 0; i < values; ++i) to[i] = LoadValue(from, format, static_cast<std::size_t>(i));
    return;
  }
  const BlockLayout layout = LayoutOf(format);
  AllBlocks::With(format, [&](auto block) {
    for (std::int64_t done = 0; done < values; done += layout.values, from += layout.bytes) {
      Decode(BlockAt<decltype(block)>(from), to + done);
    }
  });
}

void EncodeBlocks(NumberFormat format, const float* from, std::int64_t values, std::byte* to) {
  if (IsFloat(format)) return EncodeFloats(format, from, values, to);
  const BlockLayout layout = LayoutOf(format);
  AllBlocks::With(format, [&](auto block) {
    std::array<float, kLargestBlock> finite;
    for (std::int64_t done = 0; done < values; done += layout.values, to += layout.bytes) {
      std::transform(from + done, from + done + layout.values, finite.begin(), Finite);
      Encode(finite.data(), block);
      std::memcpy(to, &block, sizeof(block));
    }
  });
}

}  // namespace carat::internal
