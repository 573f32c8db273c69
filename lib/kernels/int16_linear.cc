#include "lib/kernels/int16_linear.h"

#include <algorithm>

#include "lib/base/checked.h"
#include "lib/base/error.h"

namespace carat::internal {
namespace {

// Outputs that one item of work computes: a segment of their weights fits the first-level cache beside a few
// rows of activations.
constexpr std::int64_t kGroups = 2;
constexpr std::int64_t kPanel = kGroups * kInt16Group;
// Rows whose sums are kept together, in the second-level cache.
constexpr std::int64_t kRows = 768;
// Rows that stay in the first-level cache meanwhile.
constexpr std::int64_t kTile = 12;

std::int64_t Segments(std::int64_t cols) {
  return (cols + kInt16Segment - 1) / kInt16Segment;
}

}  // namespace

struct Int16Linear::WorkerBuffers {
  float widened[kInt16Group * kInt16Segment];
  std::int16_t packed[kGroups][kInt16Segment * kInt16Group];
  float scales[kGroups][kInt16Group];
  float sums[kRows * kPanel];
};

const Int16Kernels* Int16KernelsBeside(const KernelTable& kernels) {
  return &kernels == Avx2Kernels() ? Avx2Int16Kernels() : nullptr;
}

Result<Int16Rows> Int16Rows::Create(std::int64_t rows, std::int64_t cols) {
  const auto scales = CheckedMultiply(rows, Segments(cols));
  const auto values = scales ? CheckedMultiply(*scales, kInt16Segment) : std::nullopt;
  if (!values) return ResourceExhausted("%d rows of %d columns are too large", rows, cols);
  constexpr char kPurpose[] = "activations as integers";
  Int16Rows buffer;
  CARAT_ASSIGN_OR_RETURN(
      buffer.values_, AlignedBuffer<std::int16_t>::Allocate(static_cast<std::uint64_t>(*values), kPurpose));
  CARAT_ASSIGN_OR_RETURN(buffer.scales_,
                         AlignedBuffer<float>::Allocate(static_cast<std::uint64_t>(*scales), kPurpose));
  return buffer;
}

Result<Int16Linear> Int16Linear::Create(const KernelTable& kernels, const Int16Kernels& int16,
                                        const ParallelWork& work) {
  Int16Linear linear;
  linear.kernels_ = &kernels;
  linear.int16_ = &int16;
  linear.work_ = &work;
  const auto size = static_cast<std::uint64_t>(work.workers()) * sizeof(WorkerBuffers);
  CARAT_ASSIGN_OR_RETURN(linear.buffers_, AlignedBuffer<std::byte>::Allocate(size, "packed weights"));
  return linear;
}

struct Int16Linear::Product {
  const std::int16_t* x;  // [segments, rows, kInt16Segment]
  const float* x_scales;  // [segments, rows]
  std::int64_t rows;
  const MatrixView& weights;
  float* y;
  std::int64_t y_stride;
};

// The weights of some outputs in one segment, as integers.
void Int16Linear::Pack(const MatrixView& weights, std::int64_t output, std::int64_t column, std::int64_t cols,
                       WorkerBuffers& buffers, std::int64_t group) const {
  const std::int64_t count = std::min(kInt16Group, weights.rows - output);
  const std::size_t offset = static_cast<std::size_t>(column) * BytesPerValue(weights.format);
  for (std::int64_t i = 0; i < count; ++i) {
    WidenRow(*kernels_, weights.row(output + i) + offset, weights.format, buffers.widened + i * kInt16Segment,
             cols);
  }
  int16_->pack(buffers.widened, kInt16Segment, count, cols, buffers.packed[group], buffers.scales[group]);
}

// kPanel outputs for some rows.
void Int16Linear::RunPanel(const Product& product, std::int64_t panel, std::int64_t first_row,
                           WorkerBuffers& buffers) const {
  const MatrixView& weights = product.weights;
  const std::int64_t first_output = panel * kPanel;
  const std::int64_t outputs = std::min(kPanel, weights.rows - first_output);
  const std::int64_t groups = (outputs + kInt16Group - 1) / kInt16Group;
  const std::int64_t rows = std::min(kRows, product.rows - first_row);
  std::fill_n(buffers.sums, rows * kPanel, 0.0f);
  for (std::int64_t segment = 0; segment < Segments(weights.cols); ++segment) {
    const std::int64_t column = segment * kInt16Segment;
    const std::int64_t cols = std::min(kInt16Segment, weights.cols - column);
    for (std::int64_t group = 0; group < groups; ++group) {
      Pack(weights, first_output + group * kInt16Group, column, cols, buffers, group);
    }
    // A few rows meet all groups before the next rows come, and so stay in the first-level cache.
    for (std::int64_t r = 0; r < rows; r += kTile) {
      const std::int64_t row = segment * product.rows + first_row + r;
      for (std::int64_t group = 0; group < groups; ++group) {
        int16_->multiply(product.x + row * kInt16Segment, product.x_scales + row, std::min(kTile, rows - r),
                         buffers.packed[group], buffers.scales[group], (cols + 1) / 2,
                         buffers.sums + r * kPanel + group * kInt16Group, kPanel);
      }
    }
  }
  for (std::int64_t r = 0; r < rows; ++r) {
    std::copy_n(buffers.sums + r * kPanel, outputs,
                product.y + (first_row + r) * product.y_stride + first_output);
  }
}

void Int16Linear::Multiply(const float* x, std::int64_t x_stride, std::int64_t rows,
                           const MatrixView& weights, float* y, std::int64_t y_stride,
                           Int16Rows& scratch) const {
  const std::int64_t segments = Segments(weights.cols);
  work_->For(rows, 4, [&](std::int64_t r, int) {
    for (std::int64_t segment = 0; segment < segments; ++segment) {
      const std::int64_t column = segment * kInt16Segment;
      const std::int64_t at = segment * rows + r;
      int16_->quantize(x + r * x_stride + column, std::min(kInt16Segment, weights.cols - column),
                       scratch.values_.data() + at * kInt16Segment, scratch.scales_.data() + at);
    }
  });
  const Product product{scratch.values_.data(), scratch.scales_.data(), rows, weights, y, y_stride};
  work_->For((weights.rows + kPanel - 1) / kPanel, [&](std::int64_t panel, int worker) {
    auto& buffers = reinterpret_cast<WorkerBuffers*>(buffers_.data())[worker];
    for (std::int64_t first = 0; first < rows; first += kRows) RunPanel(product, panel, first, buffers);
  });
}

}  // namespace carat::internal
