// Weights as products take them: mapped (as they lie in the file), packed, or a stack of matrices of one
// shape.
#ifndef CARAT_LIB_KERNELS_WEIGHT_MATRIX_H_
#define CARAT_LIB_KERNELS_WEIGHT_MATRIX_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "carat/status.h"
#include "lib/base/aligned_buffer.h"
#include "lib/base/tensor.h"
#include "lib/base/thread_pool.h"
#include "lib/kernels/kernels.h"
#include "lib/quant/packed.h"

namespace carat::internal {

// A matrix [N, K], or several of the same shape one after the other, of which Rows() takes some. Does not
// own.
struct WeightMatrix {
  WeightMatrix() = default;
  // NOLINTNEXTLINE(google-explicit-constructor): a MatrixView converts implicitly
  WeightMatrix(const MatrixView& matrix) : view(matrix), unit_rows(matrix.rows) {}
  WeightMatrix(const MatrixView& stack, std::int64_t rows_of_each) : view(stack), unit_rows(rows_of_each) {}

  MatrixView view;                    // as stored
  const std::byte* panels = nullptr;  // as packed, if it is: of each unit PanelsOfUnit() packed panels
  NumberFormat format = NumberFormat::kQ4_0;  // of the packed panels
  std::int64_t panel_bytes = 0;
  std::int64_t unit_rows = 0;

  std::int64_t rows() const { return view.rows; }
  std::int64_t k() const { return view.cols; }
  bool packed() const { return panels != nullptr; }
  std::int64_t PanelsOfUnit() const { return (unit_rows + kPanelN - 1) / kPanelN; }
  std::int64_t Panels() const { return unit_rows == 0 ? 0 : rows() / unit_rows * PanelsOfUnit(); }
  // Bytes that a product reads.
  std::size_t bytes() const {
    return packed() ? static_cast<std::size_t>(Panels() * panel_bytes)
                    : static_cast<std::size_t>(view.rows) * view.row_bytes();
  }

  // Whole units: rows first .. first+count-1, both multiples of unit_rows.
  WeightMatrix Rows(std::int64_t first, std::int64_t count) const {
    WeightMatrix part = *this;
    part.view = view.Rows(first, count);
    if (packed()) part.panels += first / unit_rows * PanelsOfUnit() * panel_bytes;
    return part;
  }
  // The first `count` rows of the first unit; where `count` does not reach its end, a multiple of kPanelN.
  WeightMatrix Beginning(std::int64_t count) const {
    WeightMatrix part = *this;
    part.view = view.Rows(0, count);
    part.unit_rows = count;
    return part;
  }
};

// Weights to be packed: in their own format if that is one of blocks, else rounded to `format` first.
struct PackRequest {
  WeightMatrix* weights;
  NumberFormat format;
};

// Bytes that `weights` take when packed.
std::uint64_t PackedBytes(const PackRequest& request);

// Packs all of them into one piece of memory, which the caller keeps, and points them there. If `mapped`, the
// weights must lie in read-only file mappings, whose pages are given back as packing proceeds. `progress`
// gets bytes done and to do. Errors: RESOURCE_EXHAUSTED, CANCELLED.
Result<AlignedBytes> PackWeights(std::span<const PackRequest> requests, const Kernels& kernels,
                                 const ParallelWork& work, bool mapped,
                                 const std::function<bool(std::int64_t, std::int64_t)>& progress);

}  // namespace carat::internal

#endif  // CARAT_LIB_KERNELS_WEIGHT_MATRIX_H_
