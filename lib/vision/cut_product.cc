#include "lib/vision/cut_product.h"

#include "lib/base/aligned_buffer.h"
#include "lib/base/error.h"
#include "lib/kernels/kernels.h"

namespace carat::internal {
namespace {

std::size_t ToCacheLine(std::size_t bytes) {
  return (bytes + kCacheLine - 1) / kCacheLine * kCacheLine;
}

}  // namespace

Result<std::array<BlockProduct, 4>> MakeProducts(const ProductKind& kind, BlockShape full,
                                                 std::int64_t BlockShape::*which, const Cut& rows,
                                                 const Cut& other) {
  std::array<BlockProduct, 4> products;
  const std::int64_t lengths[] = {other.block, other.length(other.count() - 1)};
  for (std::size_t i = 0; i < 2; ++i) {
    full.rows = rows.block;
    full.*which = lengths[i];
    CARAT_ASSIGN_OR_RETURN(products[2 * i], BlockProduct::Create(kind.method, kind.format, full, kind.bf16));
    products[2 * i + 1] = products[2 * i].WithRows(rows.length(rows.count() - 1));
  }
  return products;
}

Result<CutProduct> CutProduct::Create(const ProductKind& kind, Cut rows, Cut outputs, std::int64_t cols,
                                      std::int64_t x_stride, std::int64_t y_stride) {
  CutProduct product;
  product.rows_ = rows;
  product.panels_ = outputs;
  product.cols_ = cols;
  product.format_ = kind.format;
  BlockShape shape;
  shape.cols = cols;
  shape.x_stride = x_stride;
  shape.w_stride = cols;
  shape.y_stride = y_stride == 0 ? outputs.block : y_stride;
  CARAT_ASSIGN_OR_RETURN(product.products_, MakeProducts(kind, shape, &BlockShape::outputs, rows, outputs));
  for (const BlockProduct& one : product.products_) {
    product.panel_bytes_ = std::max(product.panel_bytes_, ToCacheLine(one.packed_bytes()));
    product.scratch_bytes_ = std::max(product.scratch_bytes_, one.scratch_bytes());
  }
  product.scratch_bytes_ = ToCacheLine(product.scratch_bytes_);
  if (kind.format == NumberFormat::kF32)
    product.panel_bytes_ = ToCacheLine(static_cast<std::size_t>(outputs.block * cols) * sizeof(float));
  return product;
}

void CutProduct::Stage(const KernelTable& kernels, const MatrixView& weights, std::int64_t panel,
                       std::byte* staging) const noexcept {
  if (panel_bytes_ == 0) return;
  std::byte* to = staging + static_cast<std::size_t>(panel) * panel_bytes_;
  const std::byte* from = weights.row(panels_.first(panel));
  if (format_ == NumberFormat::kBF16) return Product(0, panel).Pack(from, to);
  WidenRow(kernels, from, weights.format, reinterpret_cast<float*>(to), panels_.length(panel) * cols_);
}

StatusCode CutProduct::Run(std::int64_t row_block, std::int64_t panel, const void* x,
                           const MatrixView& weights, const std::byte* staging, float* y,
                           void* scratch) const noexcept {
  const std::byte* w = panel_bytes_ == 0 ? weights.row(panels_.first(panel))
                                         : staging + static_cast<std::size_t>(panel) * panel_bytes_;
  return Product(row_block, panel).Run(x, w, y, scratch);
}

}  // namespace carat::internal
