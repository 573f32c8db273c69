#include "lib/audio/audio_products.h"

#include "lib/base/error.h"

namespace carat::internal {
namespace {

// Below this, rounding and packing cost more than they save, and a tower takes no time anyway.
constexpr std::int64_t kLeastInt16Columns = 512;

}  // namespace

Result<AudioProducts> AudioProducts::Create(const KernelTable& kernels, const ParallelWork& work,
                                            std::int64_t least_cols, std::int64_t most_cols,
                                            AudioPrecision precision, bool use_matrix_library) {
  AudioProducts products;
  products.most_cols_ = most_cols;
  const Int16Kernels* int16 = Int16KernelsBeside(kernels);
  products.uses_int16_ =
      precision == AudioPrecision::kFast && int16 != nullptr && least_cols >= kLeastInt16Columns;
  CARAT_ASSIGN_OR_RETURN(
      products.float32_,
      LinearEngine::Create(kernels, work, most_cols, use_matrix_library && !products.uses_int16_));
  if (products.uses_int16_) {
    CARAT_ASSIGN_OR_RETURN(products.int16_, Int16Linear::Create(kernels, *int16, work));
  }
  return products;
}

Status AudioProducts::Multiply(const float* x, std::int64_t x_stride, std::int64_t rows,
                               const MatrixView& weights, float* y, std::int64_t y_stride,
                               Int16Rows& scratch) const {
  if (!uses_int16_) return float32_.Multiply(x, x_stride, rows, weights, y, y_stride);
  int16_.Multiply(x, x_stride, rows, weights, y, y_stride, scratch);
  return {};
}

Result<Int16Rows> AudioProducts::MakeScratch(std::int64_t rows) const {
  if (!uses_int16_) return Int16Rows();
  return Int16Rows::Create(rows, most_cols_);
}

}  // namespace carat::internal
