#include "lib/vision/picture.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "lib/base/checked.h"
#include "lib/base/error.h"
#include "lib/vision/resize.h"

namespace carat::internal {
namespace {

constexpr std::int64_t kChannels = 3;

Status CheckSize(PictureSize size) {
  const auto outside = [](std::int64_t side) { return side < 1 || side > kLongestSide; };
  if (!outside(size.width) && !outside(size.height)) return {};
  return InvalidArgument("a picture is %d x %d pixels, but each side must lie in 1 .. %d", size.width,
                         size.height, kLongestSide);
}

Status CheckView(const ImageView& view) {
  if (view.rgb == nullptr) return InvalidArgument("a picture's pixels are null");
  CARAT_RETURN_IF_ERROR(CheckSize(view.size()));
  if (view.stride() < kChannels * view.width) {
    return InvalidArgument("a picture's rows are %d bytes apart, but one takes %d", view.stride_bytes,
                           kChannels * view.width);
  }
  if (CheckedMultiply<std::int64_t>(view.stride(), view.height)) return {};
  return InvalidArgument("a picture's rows are %d bytes apart, which for %d rows cannot be addressed",
                         view.stride_bytes, view.height);
}

// The side of a picture that is so much longer than the other that this one came out as nothing.
std::int64_t LongSide(std::int64_t length, std::int64_t other, std::int64_t multiple, std::int64_t budget) {
  const auto ratio =
      static_cast<std::int64_t>(std::floor(static_cast<double>(length) / static_cast<double>(other)));
  return std::min(ratio, budget) * multiple;
}

// The pieces of one row of pixels go to the patches that it crosses.
void CutRow(const std::uint8_t* row, std::int64_t y, std::int64_t patch_size, PreparedPicture& picture) {
  const std::int64_t piece = kChannels * patch_size;
  std::uint8_t* to = picture.pixels.data() + y / patch_size * picture.patches_across * picture.patch_values +
                     y % patch_size * piece;
  for (std::int64_t i = 0; i < picture.patches_across; ++i) {
    std::memcpy(to + i * picture.patch_values, row + i * piece, static_cast<std::size_t>(piece));
  }
}

}  // namespace

Result<PictureSize> PreparedSize(PictureSize from, std::int64_t budget, const VisionConfig& config) {
  CARAT_RETURN_IF_ERROR(CheckVisionBudget(budget));
  CARAT_RETURN_IF_ERROR(CheckSize(from));
  const std::int64_t multiple = config.side_multiple();
  const std::int64_t most = budget * multiple * multiple;  // pixels
  const double factor = std::sqrt(static_cast<double>(most) / static_cast<double>(from.width * from.height));
  const auto side = [&](std::int64_t length) {
    const double ideal = factor * static_cast<double>(length);
    return static_cast<std::int64_t>(std::floor(ideal / static_cast<double>(multiple))) * multiple;
  };
  PictureSize to{side(from.width), side(from.height)};
  if (to.width == 0 && to.height == 0) {
    return InvalidArgument("nothing is left of a picture of %d x %d pixels at %d soft tokens", from.width,
                           from.height, budget);
  }
  if (to.height == 0) {
    to = {LongSide(from.width, from.height, multiple, budget), multiple};
  } else if (to.width == 0) {
    to = {multiple, LongSide(from.height, from.width, multiple, budget)};
  }
  if (to.width * to.height > most) {
    return InvalidArgument("a picture of %d x %d pixels becomes %d x %d, which is more than %d soft tokens",
                           from.width, from.height, to.width, to.height, budget);
  }
  return to;
}

Result<PreparedPicture> PreparePicture(const ImageView& view, std::int64_t budget, const VisionConfig& config,
                                       const ParallelWork& work) {
  CARAT_RETURN_IF_ERROR(CheckView(view));
  CARAT_ASSIGN_OR_RETURN(const PictureSize size, PreparedSize(view.size(), budget, config));
  PreparedPicture picture;
  picture.patches_across = size.width / config.patch_size;
  picture.patches_down = size.height / config.patch_size;
  picture.patch_values = config.patch_values();
  picture.soft_tokens = picture.patches() / config.patches_per_token();
  const std::int64_t longest = std::max(picture.patches_across, picture.patches_down);
  if (longest > config.position_embedding_size) {
    return InvalidArgument(
        "a picture of %d x %d pixels has %d patches along a side, but the vision tower has only %d positions",
        view.width, view.height, longest, config.position_embedding_size);
  }
  CARAT_ASSIGN_OR_RETURN(
      picture.pixels,
      AlignedBuffer<std::uint8_t>::Allocate(
          static_cast<std::uint64_t>(picture.patches() * picture.patch_values), "a prepared picture"));
  CARAT_RETURN_IF_ERROR(ResizePicture(view, size, work, [&](std::int64_t y, const std::uint8_t* row) {
    CutRow(row, y, config.patch_size, picture);
  }));
  return picture;
}

}  // namespace carat::internal
