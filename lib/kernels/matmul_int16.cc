// MatMul in 16-bit integers.
#include <algorithm>

#include "lib/base/checked.h"
#include "lib/base/error.h"
#include "lib/kernels/matmul.h"

namespace carat::internal {
namespace {

// N of one item of work: a segment of the weights fits the first-level cache beside a few rows of
// activations.
constexpr std::int64_t kGroups = 2;
constexpr std::int64_t kBlockN = kGroups * kInt16N;
// Rows whose sums are kept together, in the second-level cache.
constexpr std::int64_t kBlockM = 768;
// Rows that stay in the first-level cache meanwhile.
constexpr std::int64_t kTileM = 12;

std::int64_t Segments(std::int64_t k) {
  return (k + kInt16K - 1) / kInt16K;
}

struct WorkerBuffers {
  float widened[kInt16N * kInt16K];
  std::int16_t packed[kGroups][kInt16K * kInt16N];
  float scales[kGroups][kInt16N];
  float sums[kBlockM * kBlockN];
};

// Activations as integers.
struct Int16Rows {
  const std::int16_t* values;  // [segments, m, kInt16K]
  const float* scales;         // [segments, m]
  std::int64_t m;
};

// Packs n rows of weights in one segment.
void PackSegment(const Kernels& kernels, const MatrixView& weights, std::int64_t n, std::int64_t column,
                 std::int64_t k, WorkerBuffers& buffers, std::int64_t group) {
  const std::int64_t count = std::min(kInt16N, weights.rows - n);
  const std::size_t offset = static_cast<std::size_t>(column) * BytesPerValue(weights.format);
  for (std::int64_t i = 0; i < count; ++i)
    RowToF32(kernels, weights.row(n + i) + offset, weights.format, buffers.widened + i * kInt16K, k);
  kernels.int16->pack(buffers.widened, kInt16K, count, k, buffers.packed[group], buffers.scales[group]);
}

// kBlockN rows of weights, from `first_n`, with kBlockM rows of activations, from `first_m`.
void MultiplyBlock(const Kernels& kernels, const Int16Rows& x, const MatMulTarget& target,
                   std::int64_t first_n, std::int64_t first_m, WorkerBuffers& buffers) {
  const MatrixView& weights = target.weights.view;
  const std::int64_t n = std::min(kBlockN, weights.rows - first_n);
  const std::int64_t groups = (n + kInt16N - 1) / kInt16N;
  const std::int64_t m = std::min(kBlockM, x.m - first_m);
  std::fill_n(buffers.sums, m * kBlockN, 0.0f);
  for (std::int64_t segment = 0; segment < Segments(weights.cols); ++segment) {
    const std::int64_t column = segment * kInt16K;
    const std::int64_t k = std::min(kInt16K, weights.cols - column);
    for (std::int64_t group = 0; group < groups; ++group)
      PackSegment(kernels, weights, first_n + group * kInt16N, column, k, buffers, group);
    // A few rows meet all groups before the next rows come, and so stay in the first-level cache.
    for (std::int64_t r = 0; r < m; r += kTileM) {
      const std::int64_t row = segment * x.m + first_m + r;
      for (std::int64_t group = 0; group < groups; ++group) {
        kernels.int16->run(x.values + row * kInt16K, x.scales + row, std::min(kTileM, m - r),
                           buffers.packed[group], buffers.scales[group], (k + 1) / 2,
                           buffers.sums + r * kBlockN + group * kInt16N, kBlockN);
      }
    }
  }
  for (std::int64_t r = 0; r < m; ++r)
    std::copy_n(buffers.sums + r * kBlockN, n, target.y + (first_m + r) * target.y_stride + first_n);
}

}  // namespace

std::size_t MatMul::Int16WorkerBytes() {
  return sizeof(WorkerBuffers);
}

Status MatMul::ReserveInt16(std::int64_t m, std::int64_t k, MatMulScratch& scratch) {
  const auto scales = CheckedMultiply(m, Segments(k));
  const auto values = scales ? CheckedMultiply(*scales, kInt16K) : std::nullopt;
  if (!values) return ResourceExhausted("%d rows of %d columns are too large", m, k);
  constexpr char kPurpose[] = "activations as integers";
  CARAT_ASSIGN_OR_RETURN(
      scratch.shorts_, AlignedBuffer<std::int16_t>::Allocate(static_cast<std::uint64_t>(*values), kPurpose));
  CARAT_ASSIGN_OR_RETURN(scratch.short_scales_,
                         AlignedBuffer<float>::Allocate(static_cast<std::uint64_t>(*scales), kPurpose));
  return {};
}

void MatMul::MultiplyInInt16(const float* x, std::int64_t x_stride, std::int64_t m, Targets targets,
                             const MatMulScratch& scratch) const {
  const std::int64_t k = targets.front().weights.k();
  const std::int64_t segments = Segments(k);
  std::int16_t* values = scratch.shorts_.data();
  float* scales = scratch.short_scales_.data();
  work_->For(m, 4, [&](std::int64_t r, int) {
    for (std::int64_t segment = 0; segment < segments; ++segment) {
      const std::int64_t column = segment * kInt16K;
      const std::int64_t at = segment * m + r;
      kernels_->int16->quantize(x + r * x_stride + column, std::min(kInt16K, k - column),
                                values + at * kInt16K, scales + at);
    }
  });
  const Int16Rows rows{values, scales, m};
  for (const MatMulTarget& target : targets) {
    work_->For((target.weights.view.rows + kBlockN - 1) / kBlockN, [&](std::int64_t block, int worker) {
      auto& buffers = *reinterpret_cast<WorkerBuffers*>(WorkerScratch(worker));
      for (std::int64_t first = 0; first < m; first += kBlockM)
        MultiplyBlock(*kernels_, rows, target, block * kBlockN, first, buffers);
    });
  }
}

}  // namespace carat::internal
