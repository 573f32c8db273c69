#include "lib/kernels/staged_matmul.h"

#include "lib/base/aligned_buffer.h"

namespace carat::internal {
namespace {

std::size_t ToCacheLine(std::size_t bytes) {
  return (bytes + kCacheLine - 1) / kCacheLine * kCacheLine;
}

}  // namespace

const GemmKernels& BlockGemm(const Kernels& kernels, MatMulPrecision precision) {
  const bool bf16 = precision == MatMulPrecision::kBf16;
  if (kernels.set == InstructionSet::kPlain) {
    return ReferenceGemm(bf16 ? NumberFormat::kBF16 : NumberFormat::kF32);
  }
  if (!bf16) return LibraryGemm();
  return kernels.bf16 != nullptr ? *kernels.bf16 : WidenedBf16Gemm();
}

StagedMatMul::StagedMatMul(const GemmKernels& gemm, Cut m, Cut n, std::int64_t k, std::int64_t x_stride,
                           std::int64_t y_stride)
    : gemm_(&gemm), m_(m), n_(n), k_(k), x_stride_(x_stride), y_stride_(y_stride == 0 ? n.block : y_stride) {
  std::size_t bytes = gemm.packed_bytes(n.block, k);
  if (bytes == 0) bytes = static_cast<std::size_t>(n.block * k) * BytesPerValue(gemm.format);
  panel_bytes_ = ToCacheLine(bytes);
  scratch_bytes_ = ToCacheLine(gemm.scratch_bytes(m.block, k));
}

void StagedMatMul::Stage(const Kernels& kernels, const MatrixView& weights, std::int64_t panel,
                         std::byte* staging) const noexcept {
  std::byte* to = staging + static_cast<std::size_t>(panel) * panel_bytes_;
  const std::byte* from = weights.row(n_.first(panel));
  const std::int64_t n = n_.length(panel);
  // Weights that need no packing are staged as well: in float32, or side by side.
  if (gemm_->format == NumberFormat::kF32) {
    RowToF32(kernels, from, weights.format, reinterpret_cast<float*>(to), n * k_);
    return;
  }
  if (gemm_->packed_bytes(n, k_) == 0) {
    std::copy_n(from, static_cast<std::size_t>(n * k_) * BytesPerValue(gemm_->format), to);
    return;
  }
  gemm_->pack({.n = n, .k = k_, .w_stride = k_}, from, to);
}

StatusCode StagedMatMul::Run(std::int64_t row_block, std::int64_t panel, const void* x,
                             const std::byte* staging, float* y, void* scratch) const noexcept {
  const GemmShape shape{.m = m_.length(row_block),
                        .n = n_.length(panel),
                        .k = k_,
                        .x_stride = x_stride_,
                        .w_stride = k_,
                        .y_stride = y_stride_};
  return gemm_->run(shape, x, staging + static_cast<std::size_t>(panel) * panel_bytes_, y, scratch);
}

}  // namespace carat::internal
