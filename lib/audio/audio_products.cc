#include "lib/audio/audio_products.h"

#include "lib/base/error.h"

namespace carat::internal {
namespace {

// Below this, rounding and packing cost more than they save, and a tower takes no time anyway.
constexpr std::int64_t kLeastFastColumns = 512;

}  // namespace

Result<AudioProducts> AudioProducts::Create(const KernelTable& kernels, const ParallelWork& work,
                                            const AudioWeights& weights, AudioPrecision precision,
                                            bool use_matrix_library) {
  AudioProducts products;
  products.most_cols_ = weights.MaxColumns();
  const Int16Kernels* int16 = Int16KernelsBeside(kernels);
  const Bf16Kernels* bf16 = Bf16KernelsBeside(kernels);
  if (precision == AudioPrecision::kFast && weights.MinColumns() >= kLeastFastColumns) {
    if (bf16 != nullptr && weights.FitBf16Products()) {
      products.way_ = Way::kBf16;
    } else if (int16 != nullptr) {
      products.way_ = Way::kInt16;
    }
  }
  const bool library = use_matrix_library && products.way_ == Way::kFloat32;
  CARAT_ASSIGN_OR_RETURN(products.linear_,
                         LinearEngine::Create(kernels, work, products.most_cols_, library, nullptr,
                                              products.way_ == Way::kBf16 ? bf16 : nullptr));
  if (products.way_ == Way::kInt16) {
    CARAT_ASSIGN_OR_RETURN(products.int16_, Int16Linear::Create(kernels, *int16, work));
  }
  return products;
}

Status AudioProducts::Multiply(const float* x, std::int64_t x_stride, std::int64_t rows,
                               const MatrixView& weights, float* y, std::int64_t y_stride,
                               AudioProductScratch& scratch) const {
  const LinearTarget target{weights, y, y_stride};
  switch (way_) {
    case Way::kInt16:
      int16_.Multiply(x, x_stride, rows, weights, y, y_stride, scratch.integers);
      return {};
    case Way::kBf16:
      linear_.MultiplyInBf16(x, x_stride, rows, {&target, 1}, scratch.narrow);
      return {};
    case Way::kFloat32:
      break;
  }
  return linear_.Multiply(x, x_stride, rows, {&target, 1});
}

Result<AudioProductScratch> AudioProducts::MakeScratch(std::int64_t rows) const {
  AudioProductScratch scratch;
  if (way_ == Way::kInt16) {
    CARAT_ASSIGN_OR_RETURN(scratch.integers, Int16Rows::Create(rows, most_cols_));
  }
  if (way_ == Way::kBf16) {
    CARAT_ASSIGN_OR_RETURN(scratch.narrow, LinearScratch::Create(rows, most_cols_));
  }
  return scratch;
}

}  // namespace carat::internal
