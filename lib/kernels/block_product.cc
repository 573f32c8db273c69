#include "lib/kernels/block_product.h"

#include <dnnl.h>

#include <string>

#include "lib/base/error.h"
#include "lib/kernels/one_thread.h"

namespace carat::internal {
namespace {

StatusCode CodeOf(dnnl_status_t status) {
  if (status == dnnl_success) return StatusCode::kOk;
  if (status == dnnl_out_of_memory) return StatusCode::kResourceExhausted;
  return status == dnnl_unimplemented ? StatusCode::kUnimplemented : StatusCode::kInternal;
}

// Consecutive values of w along the longer side of its layout.
std::int64_t StoredRows(const BlockShape& s) {
  return s.w_transposed ? s.cols : s.outputs;
}
std::int64_t StoredCols(const BlockShape& s) {
  return s.w_transposed ? s.outputs : s.cols;
}

float LoadAt(const void* data, NumberFormat format, std::int64_t index) {
  return LoadValue(static_cast<const std::byte*>(data), format, static_cast<std::size_t>(index));
}

void RunPlain(const BlockShape& s, NumberFormat format, const void* x, const void* w, float* y) {
  for (std::int64_t r = 0; r < s.rows; ++r) {
    for (std::int64_t n = 0; n < s.outputs; ++n) {
      double sum = s.accumulate ? static_cast<double>(y[r * s.y_stride + n]) : 0.0;
      for (std::int64_t k = 0; k < s.cols; ++k) {
        const std::int64_t at = s.w_transposed ? k * s.w_stride + n : n * s.w_stride + k;
        sum += static_cast<double>(LoadAt(x, format, r * s.x_stride + k)) *
               static_cast<double>(LoadAt(w, format, at));
      }
      y[r * s.y_stride + n] = static_cast<float>(sum);
    }
  }
}

StatusCode RunLibrary(const BlockShape& s, const float* x, std::int64_t x_stride, const float* w,
                      std::int64_t w_stride, float* y) {
  const OneThread one_thread;
  return CodeOf(dnnl_sgemm('N', s.w_transposed ? 'N' : 'T', s.rows, s.outputs, s.cols, 1.0f, x, x_stride, w,
                           w_stride, s.accumulate ? 1.0f : 0.0f, y, s.y_stride));
}

// bf16 rows to float32 ones without gaps.
void WidenRows(const void* from, std::int64_t rows, std::int64_t cols, std::int64_t stride, float* to) {
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t i = 0; i < cols; ++i)
      to[r * cols + i] = LoadAt(from, NumberFormat::kBF16, r * stride + i);
  }
}

std::size_t Floats(std::int64_t rows, std::int64_t cols) {
  return static_cast<std::size_t>(rows) * static_cast<std::size_t>(cols) * sizeof(float);
}

}  // namespace

Result<BlockProduct> BlockProduct::Create(BlockMethod method, NumberFormat format, const BlockShape& shape,
                                          const Bf16Kernels* bf16_kernels) {
  const bool bf16 = format == NumberFormat::kBF16;
  const bool needs_bf16 = method == BlockMethod::kWidened || method == BlockMethod::kDotPairs;
  if ((method == BlockMethod::kLibrary && bf16) || (needs_bf16 && !bf16)) {
    return Unimplemented("there are no such products of %s blocks", std::string(NumberFormatName(format)));
  }
  if (method == BlockMethod::kDotPairs && bf16_kernels == nullptr)
    return Unimplemented("this processor or this build of carat has no bf16 dot products");
  BlockProduct product;
  product.method_ = method;
  product.bf16_ = bf16_kernels;
  product.format_ = format;
  product.shape_ = shape;
  if (method == BlockMethod::kWidened) {
    product.packed_bytes_ = Floats(shape.outputs, shape.cols);
    product.scratch_bytes_ = Floats(shape.rows, shape.cols);
  }
  if (method == BlockMethod::kDotPairs) product.packed_bytes_ = Bf16PackedBytes(shape.outputs, shape.cols);
  return product;
}

BlockProduct BlockProduct::WithRows(std::int64_t rows) const {
  BlockProduct product = *this;
  product.shape_.rows = rows;
  if (method_ == BlockMethod::kWidened) product.scratch_bytes_ = Floats(rows, shape_.cols);
  return product;
}

void BlockProduct::Pack(const void* w, void* packed) const noexcept {
  if (method_ == BlockMethod::kWidened)
    return WidenRows(w, StoredRows(shape_), StoredCols(shape_), shape_.w_stride, static_cast<float*>(packed));
  if (method_ != BlockMethod::kDotPairs) return;
  bf16_->pack(static_cast<const std::byte*>(w), shape_.w_stride, shape_.outputs, shape_.cols,
              shape_.w_transposed, static_cast<std::byte*>(packed));
}

StatusCode BlockProduct::Run(const void* x, const void* w, float* y, void* scratch) const noexcept {
  switch (method_) {
    case BlockMethod::kPlain:
      RunPlain(shape_, format_, x, w, y);
      return StatusCode::kOk;
    case BlockMethod::kLibrary:
      return RunLibrary(shape_, static_cast<const float*>(x), shape_.x_stride, static_cast<const float*>(w),
                        shape_.w_stride, y);
    case BlockMethod::kWidened:
      WidenRows(x, shape_.rows, shape_.cols, shape_.x_stride, static_cast<float*>(scratch));
      return RunLibrary(shape_, static_cast<const float*>(scratch), shape_.cols, static_cast<const float*>(w),
                        StoredCols(shape_), y);
    case BlockMethod::kDotPairs:
      bf16_->packed_product(static_cast<const std::uint16_t*>(x), shape_.x_stride, shape_.rows,
                            static_cast<const std::byte*>(w), shape_.cols, shape_.outputs, y, shape_.y_stride,
                            shape_.accumulate);
      return StatusCode::kOk;
  }
  return StatusCode::kInternal;
}

}  // namespace carat::internal
