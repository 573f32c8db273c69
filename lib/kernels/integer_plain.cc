// The definition of integer products, as loops.
#include <algorithm>
#include <cmath>

#include "lib/kernels/integer_kernels.h"

namespace carat::internal {
namespace {

void Quantize(const float* x, const QuantizedRows& to, std::int64_t row) {
  for (std::int64_t g = 0; g < to.cols / 32; ++g) {
    float largest = 0;
    for (int i = 0; i < 32; ++i) largest = std::max(largest, std::fabs(x[32 * g + i]));
    const float factor = largest > 0 ? 127.0f / largest : 0.0f;
    std::int32_t sums[2] = {0, 0};
    for (int i = 0; i < 32; ++i) {
      const float scaled = std::nearbyint(x[32 * g + i] * factor);
      // Written so that what is not a number becomes a bound.
      const float value = scaled < 127.0f ? (scaled > -127.0f ? scaled : -127.0f) : 127.0f;
      to.values[row * to.cols + 32 * g + i] = static_cast<std::int8_t>(value);
      sums[i / 16] += static_cast<std::int32_t>(value);
    }
    const std::int64_t at = row * (to.cols / 32) + g;
    to.scales[at] = largest / 127.0f;
    to.negative_sums[at] = -(sums[0] + sums[1]);
    to.negative_fine[2 * at] = -sums[0];
    to.negative_fine[2 * at + 1] = -sums[1];
  }
}

float One(PackedKind kind, const std::byte* panel, int n, const QuantizedRows& x, std::int64_t row) {
  const PackedLayout layout = LayoutOf(kind);
  const std::byte* header = panel;
  float result = 0;
  for (std::int64_t t = 0; t < x.cols / kTileColumns; ++t) {
    if (t % kHeaderTiles == 0) {
      header = panel;
      panel += layout.header_bytes();
    }
    UnpackedTile tile;
    UnpackTile(kind, header, panel, n, &tile);
    const std::int64_t at = row * (x.cols / 32) + t;
    for (int g = 0; g < kTileColumns / layout.group; ++g) {
      const std::int32_t negative = layout.group == 32 ? x.negative_sums[at] : x.negative_fine[2 * at + g];
      std::int32_t sum = layout.offset * negative;
      for (int c = layout.group * g; c < layout.group * (g + 1); ++c)
        sum += tile.values[c] * x.values[row * x.cols + 32 * t + c];
      result = std::fma(static_cast<float>(sum) * tile.scales[g], x.scales[at], result);
      if (layout.minimums)
        result = std::fma(tile.minimums[g], x.scales[at] * static_cast<float>(negative), result);
    }
    panel += layout.tile_bytes();
  }
  return result;
}

void Product(PackedKind kind, const std::byte* panel, const QuantizedRows& x, std::int64_t first,
             std::int64_t rows, float* y, std::int64_t y_stride, std::int64_t outputs, std::byte*,
             std::int64_t) {
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t n = 0; n < outputs; ++n)
      y[r * y_stride + n] = One(kind, panel, static_cast<int>(n), x, first + r);
  }
}

}  // namespace

const IntegerKernels& PlainIntegerKernels() {
  static constexpr IntegerKernels kKernels = {Quantize, Product};
  return kKernels;
}

}  // namespace carat::internal
