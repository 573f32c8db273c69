#include "lib/vision/resize.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "lib/base/checked.h"
#include "lib/base/error.h"

namespace carat::internal {
namespace {

constexpr std::int64_t kChannels = 3;
// Scratch of one worker, beside which a band's overlap with the next costs little.
constexpr std::int64_t kBandBytes = std::int64_t{4} << 20;
constexpr std::int64_t kTallestBand = 64;

// Keys' cubic convolution with a = -1/2, as it is used where neighbours are averaged.
double Cubic(double x) {
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

// The window of one output, and its weights in float64.
class AxisGeometry {
 public:
  AxisGeometry(std::int64_t from, std::int64_t to)
      : from_(from),
        scale_(static_cast<double>(from) / static_cast<double>(to)),
        support_(scale_ >= 1 ? 2 * scale_ : 2),
        inverse_(scale_ >= 1 ? 1 / scale_ : 1),
        most_(static_cast<std::int64_t>(std::ceil(support_)) * 2 + 1) {}

  std::int64_t First(std::int64_t i) const {
    return std::max<std::int64_t>(static_cast<std::int64_t>(Center(i) - support_ + 0.5), 0);
  }
  std::int64_t Count(std::int64_t i) const {
    const std::int64_t end = std::min(static_cast<std::int64_t>(Center(i) + support_ + 0.5), from_);
    return std::clamp<std::int64_t>(end - First(i), 0, most_);
  }
  std::int64_t most() const { return most_; }

  // Fills `weights`, Count(i) of them, whose sum is 1.
  void Weights(std::int64_t i, double* weights) const {
    const std::int64_t first = First(i);
    const std::int64_t count = Count(i);
    double total = 0;
    for (std::int64_t j = 0; j < count; ++j) {
      weights[j] = Cubic((static_cast<double>(j + first) - Center(i) + 0.5) * inverse_);
      total += weights[j];
    }
    if (total == 0) return;
    for (std::int64_t j = 0; j < count; ++j) weights[j] /= total;
  }

 private:
  double Center(std::int64_t i) const { return scale_ * (static_cast<double>(i) + 0.5); }

  std::int64_t from_;
  double scale_, support_, inverse_;
  std::int64_t most_;
};

// The most binary places with which the largest weight still fits 16 bits; no more than keep a sum of 8-bit
// pixels within 32 bits.
int PlacesFor(double largest) {
  int places = 0;
  while (places < 22) {
    const int next = static_cast<int>(0.5 + largest * static_cast<double>(1 << (places + 1)));
    if (next >= 1 << 15) break;
    ++places;
  }
  return places;
}

std::int16_t FixedPoint(double weight, int places) {
  const double scaled = weight * static_cast<double>(1 << places);
  return static_cast<std::int16_t>(static_cast<int>(scaled < 0 ? scaled - 0.5 : scaled + 0.5));
}

std::uint8_t ToByte(std::int32_t sum, int places) {
  return static_cast<std::uint8_t>(std::clamp(sum >> places, 0, 255));
}

void ResizeRow(const AxisWeights& axis, std::int64_t width, const std::uint8_t* from, std::uint8_t* to) {
  const std::int32_t half = 1 << (axis.places() - 1);
  for (std::int64_t x = 0; x < width; ++x) {
    const AxisWeights::Window window = axis.at(x);
    const std::uint8_t* pixel = from + kChannels * window.first;
    std::int32_t red = half;
    std::int32_t green = half;
    std::int32_t blue = half;
    for (std::int64_t j = 0; j < window.count; ++j, pixel += kChannels) {
      const std::int32_t weight = window.weights[j];
      red += weight * pixel[0];
      green += weight * pixel[1];
      blue += weight * pixel[2];
    }
    *to++ = ToByte(red, axis.places());
    *to++ = ToByte(green, axis.places());
    *to++ = ToByte(blue, axis.places());
  }
}

// One row of the result from rows `stride` apart, all of the result's width.
void CombineRows(const AxisWeights::Window& window, int places, const std::uint8_t* rows, std::int64_t stride,
                 std::int64_t bytes, std::int32_t* sums, std::uint8_t* to) {
  std::fill_n(sums, bytes, 1 << (places - 1));
  for (std::int64_t j = 0; j < window.count; ++j) {
    const std::uint8_t* row = rows + j * stride;
    const std::int32_t weight = window.weights[j];
    for (std::int64_t i = 0; i < bytes; ++i) sums[i] += weight * row[i];
  }
  for (std::int64_t i = 0; i < bytes; ++i) to[i] = ToByte(sums[i], places);
}

// Some rows of the result, and the rows of the input that they are made from.
struct Band {
  std::int64_t first, last;
  std::int64_t from_first, from_last;
};

Band BandAt(const AxisWeights& axis, std::int64_t rows, std::int64_t height, std::int64_t index) {
  Band band{index * height, std::min(rows, (index + 1) * height), std::numeric_limits<std::int64_t>::max(),
            0};
  for (std::int64_t y = band.first; y < band.last; ++y) {
    const AxisWeights::Window window = axis.at(y);
    band.from_first = std::min(band.from_first, window.first);
    band.from_last = std::max(band.from_last, window.first + window.count);
  }
  return band;
}

// What one worker needs for a band.
struct BandScratch {
  AlignedBuffer<std::uint8_t> rows;  // of the input, brought to the result's width
  AlignedBuffer<std::int32_t> sums;  // of one row
  AlignedBuffer<std::uint8_t> row;
};

class Resizer {
 public:
  Resizer(const ImageView& from, PictureSize to, const ParallelWork& work, const RowSink& sink)
      : from_(from), to_(to), bytes_(kChannels * to.width), work_(work), sink_(sink) {}

  Status Run() {
    const bool across = from_.width != to_.width;
    const bool down = from_.height != to_.height;
    if (across) {
      CARAT_ASSIGN_OR_RETURN(across_, AxisWeights::Create(from_.width, to_.width));
    }
    if (!down) return across ? WidenOrNarrow() : Copy();
    CARAT_ASSIGN_OR_RETURN(down_, AxisWeights::Create(from_.height, to_.height));
    return InBands(across);
  }

 private:
  Status Copy() const {
    for (std::int64_t y = 0; y < to_.height; ++y) sink_(y, from_.row(y));
    return {};
  }

  Status WidenOrNarrow() {
    CARAT_RETURN_IF_ERROR(Reserve(0));
    work_.For(to_.height, [&](std::int64_t y, int worker) {
      const BandScratch& scratch = scratch_[static_cast<std::size_t>(worker)];
      ResizeRow(across_, to_.width, from_.row(y), scratch.row.data());
      sink_(y, scratch.row.data());
    });
    return {};
  }

  Status InBands(bool across) {
    const std::int64_t height = BandHeight();
    const std::int64_t bands = (to_.height + height - 1) / height;
    std::int64_t most = 0;
    for (std::int64_t i = 0; i < bands; ++i) {
      const Band band = BandAt(down_, to_.height, height, i);
      most = std::max(most, band.from_last - band.from_first);
    }
    CARAT_RETURN_IF_ERROR(Reserve(across ? most : 0));
    work_.For(bands, [&](std::int64_t index, int worker) {
      const BandScratch& scratch = scratch_[static_cast<std::size_t>(worker)];
      const Band band = BandAt(down_, to_.height, height, index);
      if (across) {
        for (std::int64_t y = band.from_first; y < band.from_last; ++y) {
          ResizeRow(across_, to_.width, from_.row(y), scratch.rows.data() + (y - band.from_first) * bytes_);
        }
      }
      for (std::int64_t y = band.first; y < band.last; ++y) {
        const AxisWeights::Window window = down_.at(y);
        const std::uint8_t* rows = across ? scratch.rows.data() + (window.first - band.from_first) * bytes_
                                          : from_.row(window.first);
        CombineRows(window, down_.places(), rows, across ? bytes_ : from_.stride(), bytes_,
                    scratch.sums.data(), scratch.row.data());
        sink_(y, scratch.row.data());
      }
    });
    return {};
  }

  // As many rows of the result as keep the scratch small; one where even that is much.
  std::int64_t BandHeight() const {
    const double scale = static_cast<double>(from_.height) / static_cast<double>(to_.height);
    const double rows = static_cast<double>(kBandBytes) / static_cast<double>(bytes_);
    return std::clamp<std::int64_t>(static_cast<std::int64_t>(rows / scale) - 4, 1, kTallestBand);
  }

  Status Reserve(std::int64_t rows) {
    scratch_.resize(static_cast<std::size_t>(work_.workers()));
    const auto size = CheckedMultiply(rows, bytes_);
    if (!size) return ResourceExhausted("rows of a picture %d pixels high are too many", from_.height);
    for (BandScratch& scratch : scratch_) {
      CARAT_ASSIGN_OR_RETURN(scratch.rows, AlignedBuffer<std::uint8_t>::Allocate(
                                               static_cast<std::uint64_t>(*size), "rows of a picture"));
      CARAT_ASSIGN_OR_RETURN(scratch.sums, AlignedBuffer<std::int32_t>::Allocate(
                                               static_cast<std::uint64_t>(bytes_), "a row of a picture"));
      CARAT_ASSIGN_OR_RETURN(scratch.row, AlignedBuffer<std::uint8_t>::Allocate(
                                              static_cast<std::uint64_t>(bytes_), "a row of a picture"));
    }
    return {};
  }

  const ImageView& from_;
  PictureSize to_;
  std::int64_t bytes_;  // of a row of the result
  const ParallelWork& work_;
  const RowSink& sink_;
  AxisWeights across_, down_;
  std::vector<BandScratch> scratch_;  // one for each worker
};

}  // namespace

Result<AxisWeights> AxisWeights::Create(std::int64_t from, std::int64_t to) {
  constexpr char kPurpose[] = "weights for resizing a picture";
  const AxisGeometry geometry(from, to);
  AxisWeights axis;
  const auto outputs = static_cast<std::uint64_t>(to);
  CARAT_ASSIGN_OR_RETURN(axis.first_, AlignedBuffer<std::int64_t>::Allocate(outputs, kPurpose));
  CARAT_ASSIGN_OR_RETURN(axis.offset_, AlignedBuffer<std::int64_t>::Allocate(outputs + 1, kPurpose));
  CARAT_ASSIGN_OR_RETURN(const auto exact, AlignedBuffer<double>::Allocate(
                                               static_cast<std::uint64_t>(geometry.most()), kPurpose));
  double largest = 0;
  std::int64_t total = 0;
  for (std::int64_t i = 0; i < to; ++i) {
    geometry.Weights(i, exact.data());
    const std::int64_t count = geometry.Count(i);
    for (std::int64_t j = 0; j < count; ++j) largest = std::max(largest, exact.data()[j]);
    axis.first_[static_cast<std::size_t>(i)] = geometry.First(i);
    axis.offset_[static_cast<std::size_t>(i)] = total;
    total += count;
  }
  axis.offset_[static_cast<std::size_t>(to)] = total;
  axis.places_ = PlacesFor(largest);
  CARAT_ASSIGN_OR_RETURN(axis.weights_,
                         AlignedBuffer<std::int16_t>::Allocate(static_cast<std::uint64_t>(total), kPurpose));
  for (std::int64_t i = 0; i < to; ++i) {
    geometry.Weights(i, exact.data());
    const std::int64_t at = axis.offset_[static_cast<std::size_t>(i)];
    const std::int64_t count = geometry.Count(i);
    for (std::int64_t j = 0; j < count; ++j)
      axis.weights_.data()[at + j] = FixedPoint(exact.data()[j], axis.places_);
  }
  return axis;
}

Status ResizePicture(const ImageView& from, PictureSize to, const ParallelWork& work, const RowSink& sink) {
  return Resizer(from, to, work, sink).Run();
}

}  // namespace carat::internal
