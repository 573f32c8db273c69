// Weights as products take them: as they lie in the file, or packed.
#ifndef CARAT_LIB_KERNELS_LINEAR_WEIGHTS_H_
#define CARAT_LIB_KERNELS_LINEAR_WEIGHTS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "carat/status.h"
#include "lib/base/aligned_buffer.h"
#include "lib/base/tensor.h"
#include "lib/base/thread_pool.h"
#include "lib/kernels/kernel_table.h"
#include "lib/quant/packed.h"

namespace carat::internal {

// A matrix, or several of the same shape one after the other, of which Rows() takes some. Does not own.
struct LinearWeights {
  LinearWeights() = default;
  LinearWeights(const MatrixView& matrix)
      : view(matrix), unit_rows(matrix.rows) {}  // NOLINT: they are the same
  LinearWeights(const MatrixView& stack, std::int64_t rows_of_each) : view(stack), unit_rows(rows_of_each) {}

  MatrixView view;                    // as stored
  const std::byte* panels = nullptr;  // as packed, if it is: of each unit PanelsOfUnit() panels
  PackedKind kind = PackedKind::k4;
  std::int64_t panel_bytes = 0;
  std::int64_t unit_rows = 0;

  std::int64_t rows() const { return view.rows; }
  std::int64_t cols() const { return view.cols; }
  bool packed() const { return panels != nullptr; }
  std::int64_t PanelsOfUnit() const { return (unit_rows + kPanelRows - 1) / kPanelRows; }
  std::int64_t Panels() const { return unit_rows == 0 ? 0 : rows() / unit_rows * PanelsOfUnit(); }
  // What a product reads.
  std::size_t bytes() const {
    return packed() ? static_cast<std::size_t>(Panels() * panel_bytes)
                    : static_cast<std::size_t>(view.rows) * view.row_bytes();
  }

  // Whole units: rows first .. first+count-1, both multiples of unit_rows.
  LinearWeights Rows(std::int64_t first, std::int64_t count) const {
    LinearWeights part = *this;
    part.view = view.Rows(first, count);
    if (packed()) part.panels += first / unit_rows * PanelsOfUnit() * panel_bytes;
    return part;
  }
};

// Weights to be packed, in their own format if that is one of blocks, else rounded to `format` first.
struct PackRequest {
  LinearWeights* weights;
  NumberFormat format;
};

// What `weights` take when packed.
std::uint64_t PackedBytes(const PackRequest& request);

// Packs all of them into one piece of memory, which the caller keeps, and points them there. The pages they
// came from are given back as it goes if `mapped`: then they must lie in read-only file mappings. `progress`
// gets bytes done and to do. Errors: RESOURCE_EXHAUSTED, CANCELLED.
Result<AlignedBytes> PackWeights(std::span<const PackRequest> requests, const KernelTable& kernels,
                                 const ParallelWork& work, bool mapped,
                                 const std::function<bool(std::int64_t, std::int64_t)>& progress);

}  // namespace carat::internal

#endif  // CARAT_LIB_KERNELS_LINEAR_WEIGHTS_H_
