// A product of many rows with a large matrix, cut into equal blocks: each is one item of parallel work.
#ifndef CARAT_LIB_VISION_CUT_PRODUCT_H_
#define CARAT_LIB_VISION_CUT_PRODUCT_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "carat/status.h"
#include "lib/base/tensor.h"
#include "lib/kernels/block_product.h"
#include "lib/kernels/kernel_table.h"

namespace carat::internal {

// A length cut into pieces of `block`, the last of which may be shorter. Where it is cut depends on nothing
// but the length, so that results do not depend on how many workers there are.
struct Cut {
  std::int64_t total = 0;
  std::int64_t block = 1;

  // Into as few pieces of at most about `most` as there can be, all about equal and multiples of `multiple`.
  static Cut Evenly(std::int64_t total, std::int64_t most, std::int64_t multiple) {
    const std::int64_t pieces = std::max<std::int64_t>(1, (total + most - 1) / most);
    const std::int64_t equal = (total + pieces - 1) / pieces;
    return {total, std::min(total, (equal + multiple - 1) / multiple * multiple)};
  }

  std::int64_t count() const { return (total + block - 1) / block; }
  std::int64_t first(std::int64_t i) const { return i * block; }
  std::int64_t length(std::int64_t i) const { return std::min(block, total - i * block); }
};

// How numbers are multiplied, for a whole tower.
struct ProductKind {
  BlockMethod method = BlockMethod::kPlain;
  NumberFormat format = NumberFormat::kF32;  // of activations and weights inside products
  const Bf16Kernels* bf16 = nullptr;         // of kDotPairs
};

// y = x w^T for a matrix w of a checkpoint. Before use, each panel of w (some of its rows) is staged: brought
// to the form that products take.
class CutProduct {
 public:
  CutProduct() = default;

  // `y_stride` 0: results go to a tile of the worker's own, outputs.block apart.
  static Result<CutProduct> Create(const ProductKind& kind, Cut rows, Cut outputs, std::int64_t cols,
                                   std::int64_t x_stride, std::int64_t y_stride);

  const Cut& rows() const { return rows_; }
  const Cut& panels() const { return panels_; }
  std::int64_t cols() const { return cols_; }
  // Items of work.
  std::int64_t items() const { return rows_.count() * panels_.count(); }

  std::size_t staging_bytes() const { return panel_bytes_ * static_cast<std::size_t>(panels_.count()); }
  std::size_t scratch_bytes() const { return scratch_bytes_; }

  void Stage(const KernelTable& kernels, const MatrixView& weights, std::int64_t panel,
             std::byte* staging) const noexcept;
  // Rows of block `row_block` times panel `panel`; x and y are those of the block's first row.
  StatusCode Run(std::int64_t row_block, std::int64_t panel, const void* x, const MatrixView& weights,
                 const std::byte* staging, float* y, void* scratch) const noexcept;

 private:
  const BlockProduct& Product(std::int64_t row_block, std::int64_t panel) const {
    const std::size_t last_rows = rows_.length(row_block) < rows_.block ? 1 : 0;
    const std::size_t last_panel = panels_.length(panel) < panels_.block ? 1 : 0;
    return products_[2 * last_panel + last_rows];
  }

  Cut rows_, panels_;
  std::int64_t cols_ = 0;
  NumberFormat format_ = NumberFormat::kF32;
  std::array<BlockProduct, 4> products_;  // full and last rows of full panels, the same of the last panel
  std::size_t panel_bytes_ = 0;           // 0: weights are used where they lie
  std::size_t scratch_bytes_ = 0;
};

// All four combinations of a product with full or shorter rows, and full or shorter length of `which`, made
// from the full one.
Result<std::array<BlockProduct, 4>> MakeProducts(const ProductKind& kind, BlockShape full,
                                                 std::int64_t BlockShape::*which, const Cut& rows,
                                                 const Cut& other);

}  // namespace carat::internal

#endif  // CARAT_LIB_VISION_CUT_PRODUCT_H_
