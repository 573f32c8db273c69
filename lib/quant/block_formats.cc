#include "lib/quant/block_formats.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "lib/quant/block_types.h"

namespace carat::internal {
namespace {

constexpr std::int64_t kLargestBlock = 256;

float Finite(float value) {
  return std::isfinite(value) ? value : 0;
}

// Calls `function` with an empty block of the format's type.
template <typename Function>
void WithBlockOf(NumberFormat format, Function&& function) {
  switch (format) {
    case NumberFormat::kQ4_0:
      return function(BlockQ4_0());
    case NumberFormat::kQ4_1:
      return function(BlockQ4_1());
    case NumberFormat::kQ5_0:
      return function(BlockQ5_0());
    case NumberFormat::kQ5_1:
      return function(BlockQ5_1());
    case NumberFormat::kQ8_0:
      return function(BlockQ8_0());
    case NumberFormat::kQ2_K:
      return function(BlockQ2_K());
    case NumberFormat::kQ3_K:
      return function(BlockQ3_K());
    case NumberFormat::kQ4_K:
      return function(BlockQ4_K());
    case NumberFormat::kQ5_K:
      return function(BlockQ5_K());
    case NumberFormat::kQ6_K:
      return function(BlockQ6_K());
    case NumberFormat::kIQ4_NL:
      return function(BlockIQ4_NL());
    case NumberFormat::kIQ4_XS:
      return function(BlockIQ4_XS());
    case NumberFormat::kF32:
    case NumberFormat::kF16:
    case NumberFormat::kBF16:
      return;
  }
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

}  // namespace

void DecodeBlocks(NumberFormat format, const std::byte* from, std::int64_t values, float* to) {
  if (IsFloat(format)) {
    for (std::int64_t i = 0; i < values; ++i) to[i] = LoadValue(from, format, static_cast<std::size_t>(i));
    return;
  }
  const BlockLayout layout = LayoutOf(format);
  WithBlockOf(format, [&](auto block) {
    for (std::int64_t done = 0; done < values; done += layout.values, from += layout.bytes) {
      std::memcpy(&block, from, sizeof(block));
      Decode(block, to + done);
    }
  });
}

void EncodeBlocks(NumberFormat format, const float* from, std::int64_t values, std::byte* to) {
  if (IsFloat(format)) return EncodeFloats(format, from, values, to);
  const BlockLayout layout = LayoutOf(format);
  WithBlockOf(format, [&](auto block) {
    std::array<float, kLargestBlock> finite;
    for (std::int64_t done = 0; done < values; done += layout.values, to += layout.bytes) {
      std::transform(from + done, from + done + layout.values, finite.begin(), Finite);
      Encode(finite.data(), block);
      std::memcpy(to, &block, sizeof(block));
    }
  });
}

// The blocks are what the table of sizes says.
static_assert(sizeof(BlockQ4_0) == BytesOf(NumberFormat::kQ4_0, 32));
static_assert(sizeof(BlockQ4_1) == BytesOf(NumberFormat::kQ4_1, 32));
static_assert(sizeof(BlockQ5_0) == BytesOf(NumberFormat::kQ5_0, 32));
static_assert(sizeof(BlockQ5_1) == BytesOf(NumberFormat::kQ5_1, 32));
static_assert(sizeof(BlockQ8_0) == BytesOf(NumberFormat::kQ8_0, 32));
static_assert(sizeof(BlockIQ4_NL) == BytesOf(NumberFormat::kIQ4_NL, 32));
static_assert(sizeof(BlockQ2_K) == BytesOf(NumberFormat::kQ2_K, 256));
static_assert(sizeof(BlockQ3_K) == BytesOf(NumberFormat::kQ3_K, 256));
static_assert(sizeof(BlockQ4_K) == BytesOf(NumberFormat::kQ4_K, 256));
static_assert(sizeof(BlockQ5_K) == BytesOf(NumberFormat::kQ5_K, 256));
static_assert(sizeof(BlockQ6_K) == BytesOf(NumberFormat::kQ6_K, 256));
static_assert(sizeof(BlockIQ4_XS) == BytesOf(NumberFormat::kIQ4_XS, 256));

}  // namespace carat::internal
