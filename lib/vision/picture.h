// Pictures as the vision room takes them in, and as the tower reads them.
#ifndef CARAT_LIB_VISION_PICTURE_H_
#define CARAT_LIB_VISION_PICTURE_H_

#include <cstdint>

#include "carat/status.h"
#include "lib/base/aligned_buffer.h"
#include "lib/base/thread_pool.h"
#include "lib/weights/vision_config.h"

namespace carat::internal {

struct PictureSize {
  std::int64_t width = 0;
  std::int64_t height = 0;

  bool operator==(const PictureSize&) const = default;
};

// Pixels of the caller: rows of R, G, B bytes from top to bottom, stride_bytes apart. Does not own.
struct ImageView {
  const std::uint8_t* rgb = nullptr;
  std::int32_t width = 0;
  std::int32_t height = 0;
  std::int64_t stride_bytes = 0;  // 0: 3 * width

  std::int64_t stride() const { return stride_bytes == 0 ? std::int64_t{3} * width : stride_bytes; }
  const std::uint8_t* row(std::int64_t y) const { return rgb + y * stride(); }
  PictureSize size() const { return {width, height}; }
};

// The longest side that is taken: far beyond every camera, and so short that tables for one stay small.
inline constexpr std::int32_t kLongestSide = 1 << 24;

// A picture as the tower reads it: patches of 8-bit pixels, row by row; inside a patch the order is row,
// column, channel.
struct PreparedPicture {
  std::int64_t patches_across = 0;
  std::int64_t patches_down = 0;
  std::int64_t patch_values = 0;
  std::int64_t soft_tokens = 0;
  AlignedBuffer<std::uint8_t> pixels;  // [patches(), patch_values]

  struct Position {
    std::int32_t x, y;
    bool operator==(const Position&) const = default;
  };
  std::int64_t patches() const { return patches_across * patches_down; }
  Position position(std::int64_t patch) const {
    return {static_cast<std::int32_t>(patch % patches_across),
            static_cast<std::int32_t>(patch / patches_across)};
  }
  const std::uint8_t* patch(std::int64_t i) const { return pixels.data() + i * patch_values; }
};

// The size that a picture is brought to: about the same shape, sides that are multiples of what is pooled
// into one soft token, and at most `budget` soft tokens. Errors: INVALID_ARGUMENT for a budget there is not,
// for sizes below 1 or above kLongestSide, and where nothing would be left of either side.
Result<PictureSize> PreparedSize(PictureSize from, std::int64_t budget, const VisionConfig& config);

// Resizes and cuts into patches. Errors: those of PreparedSize, INVALID_ARGUMENT for a view that cannot be,
// for more patches along a side than the tower has positions, RESOURCE_EXHAUSTED.
Result<PreparedPicture> PreparePicture(const ImageView& view, std::int64_t budget, const VisionConfig& config,
                                       const ParallelWork& work);

}  // namespace carat::internal

#endif  // CARAT_LIB_VISION_PICTURE_H_
