// Bicubic resizing of 8-bit RGB with antialiasing, equal in every value to what the reference does.
#ifndef CARAT_LIB_VISION_RESIZE_H_
#define CARAT_LIB_VISION_RESIZE_H_

#include <cstdint>
#include <functional>

#include "carat/status.h"
#include "lib/base/aligned_buffer.h"
#include "lib/base/thread_pool.h"
#include "lib/vision/picture.h"

namespace carat::internal {

// How the pixels of one axis are made from those of another length: output i is a weighted sum of the inputs
// first .. first+count-1. Weights are 16-bit fixed-point numbers, of as many binary places as the largest
// allows: the reference's arithmetic, on which the last bit of a result depends.
class AxisWeights {
 public:
  struct Window {
    std::int64_t first;
    std::int64_t count;
    const std::int16_t* weights;
  };

  // Both lengths are at least 1. Errors: RESOURCE_EXHAUSTED.
  static Result<AxisWeights> Create(std::int64_t from, std::int64_t to);

  Window at(std::int64_t i) const {
    const auto index = static_cast<std::size_t>(i);
    return {first_[index], offset_[index + 1] - offset_[index], weights_.data() + offset_[index]};
  }
  int places() const { return places_; }

 private:
  AlignedBuffer<std::int64_t> first_, offset_;
  AlignedBuffer<std::int16_t> weights_;
  int places_ = 0;
};

// Receives row y of the result, width * 3 bytes; called once for every row, from several workers at once.
using RowSink = std::function<void(std::int64_t y, const std::uint8_t* row)>;

// Resizes `from`, a valid view, to `to`, rows in bands that workers take. A side that has the right length
// already is left as it is. Errors: RESOURCE_EXHAUSTED.
Status ResizePicture(const ImageView& from, PictureSize to, const ParallelWork& work, const RowSink& sink);

}  // namespace carat::internal

#endif  // CARAT_LIB_VISION_RESIZE_H_
