#include "lib/kernels/weight_matrix.h"

#include <algorithm>
#include <atomic>
#include <vector>

#include "lib/base/checked.h"
#include "lib/base/error.h"
#include "lib/base/page_release.h"
#include "lib/kernels/kernels.h"
#include "lib/quant/block_formats.h"
#include "lib/quant/rounding.h"

namespace carat::internal {
namespace {

NumberFormat PackedFormat(const PackRequest& request) {
  return IsFloat(request.weights->view.format) ? request.format : request.weights->view.format;
}

// A worker's room for rounding a panel: 64 rows as float32 and as blocks.
class Rounding {
 public:
  static Result<Rounding> Create(std::int64_t cols, int workers) {
    Rounding rounding;
    rounding.cols_ = cols;
    const auto values = CheckedMultiply<std::int64_t>(cols, workers);
    if (!values) return ResourceExhausted("weights of %d columns are too wide", cols);
    CARAT_ASSIGN_OR_RETURN(rounding.row_, AlignedBuffer<float>::Allocate(static_cast<std::uint64_t>(*values),
                                                                         "rounding weights"));
    // No block format takes more than 5 bytes for 4 values.
    CARAT_ASSIGN_OR_RETURN(rounding.blocks_,
                           AlignedBuffer<std::byte>::Allocate(
                               2 * kPanelN * static_cast<std::uint64_t>(*values), "rounding weights"));
    return rounding;
  }

  // Rows of `from` as blocks of `format`.
  MatrixView Round(const Kernels& kernels, const MatrixView& from, NumberFormat format, int worker) const {
    float* row = row_.data() + worker * cols_;
    std::byte* blocks = blocks_.data() + worker * cols_ * 2 * kPanelN;
    const MatrixView rounded{blocks, format, from.rows, from.cols};
    for (std::int64_t r = 0; r < from.rows; ++r) {
      RowToF32(kernels, from.row(r), from.format, row, from.cols);
      std::byte* to = blocks + static_cast<std::size_t>(r) * rounded.row_bytes();
      if (format == NumberFormat::kQ4_0) {
        RoundToQ4_0(row, from.cols, to);
      } else {
        EncodeBlocks(format, row, from.cols, to);
      }
    }
    return rounded;
  }

 private:
  std::int64_t cols_ = 0;
  AlignedBuffer<float> row_;
  AlignedBuffer<std::byte> blocks_;
};

// The source row that panel p begins with; of the panel after the last one, the number of rows.
std::int64_t FirstRow(const WeightMatrix& weights, std::int64_t p) {
  return p / weights.PanelsOfUnit() * weights.unit_rows + p % weights.PanelsOfUnit() * kPanelN;
}

// Panel p of the stack, from source rows of its own unit.
void PackOne(const PackRequest& request, const Kernels& kernels, const Rounding& rounding, std::int64_t p,
             std::byte* to, int worker) {
  const WeightMatrix& weights = *request.weights;
  const std::int64_t first = FirstRow(weights, p);
  const std::int64_t count = std::min<std::int64_t>(kPanelN, weights.unit_rows - first % weights.unit_rows);
  if (!IsFloat(weights.view.format)) return PackPanel(weights.view, first, count, to);
  PackPanel(rounding.Round(kernels, weights.view.Rows(first, count), request.format, worker), 0, count, to);
}

}  // namespace

std::uint64_t PackedBytes(const PackRequest& request) {
  const WeightMatrix& weights = *request.weights;
  return static_cast<std::uint64_t>(weights.Panels()) *
         static_cast<std::uint64_t>(PackedPanelBytes(PackedFormat(request), weights.k()));
}

Result<AlignedBytes> PackWeights(std::span<const PackRequest> requests, const Kernels& kernels,
                                 const ParallelWork& work, bool mapped,
                                 const std::function<bool(std::int64_t, std::int64_t)>& progress) {
  std::uint64_t total = 0;
  std::int64_t widest = 0;
  for (const PackRequest& request : requests) {
    total += PackedBytes(request);
    widest = std::max(widest, request.weights->k());
  }
  CARAT_ASSIGN_OR_RETURN(AlignedBytes memory, AlignedBytes::Allocate(total, 1, "packed weights"));
  CARAT_ASSIGN_OR_RETURN(const Rounding rounding, Rounding::Create(widest, work.workers()));
  memory.AdviseHugePages();

  // Pages of the source go back after each portion, so that both copies are never there in whole.
  constexpr std::int64_t kPortion = std::int64_t{16} << 20;
  auto* at = static_cast<std::byte*>(memory.data());
  std::int64_t done = 0;
  for (const PackRequest& request : requests) {
    WeightMatrix& weights = *request.weights;
    const NumberFormat format = PackedFormat(request);
    const std::int64_t bytes = PackedPanelBytes(format, weights.k());
    const std::int64_t panels = weights.Panels();
    const std::int64_t together = std::max<std::int64_t>(1, kPortion / bytes);
    for (std::int64_t first = 0; first < panels; first += together) {
      const std::int64_t count = std::min(together, panels - first);
      work.For(count, [&](std::int64_t i, int worker) {
        PackOne(request, kernels, rounding, first + i, at + (first + i) * bytes, worker);
      });
      if (mapped) {
        const std::int64_t from = FirstRow(weights, first), to = FirstRow(weights, first + count);
        ReleaseMappedPages(weights.view.row(from),
                           static_cast<std::size_t>(to - from) * weights.view.row_bytes());
      }
      done += count * bytes;
      if (progress && !progress(done, static_cast<std::int64_t>(total)))
        return Cancelled("loading was stopped by the progress callback");
    }
    weights.format = format;
    weights.panel_bytes = bytes;
    weights.panels = at;
    at += panels * bytes;
  }
  return memory;
}

}  // namespace carat::internal
