// A product of many rows with one weight matrix, cut into equal blocks that the caller runs as items of its
// own parallel work: for encoders, which do more with a block's result than store it. The weights are staged
// first: brought, panel by panel, to the form that the GEMM kernels take.
#ifndef CARAT_LIB_KERNELS_STAGED_MATMUL_H_
#define CARAT_LIB_KERNELS_STAGED_MATMUL_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "carat/status.h"
#include "lib/base/tensor.h"
#include "lib/kernels/matmul.h"

namespace carat::internal {

// A length cut into pieces of `block`, the last of which may be shorter. Where it is cut depends on nothing
// except the length, so that results do not depend on how many workers there are.
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

// The GEMM kernels for blocks of activations: bf16 ones for kBf16, else float32 ones. kBf16 on a processor
// without bf16 dot products computes the same numbers through float32. Not for kInt16.
const GemmKernels& BlockGemm(const Kernels& kernels, MatMulPrecision precision);

class StagedMatMul {
 public:
  // Empty; assign another before use.
  StagedMatMul() = default;

  // y = x w^T for [n.total, k] weights. `y_stride` 0: results go to a tile of the worker's own, n.block
  // apart.
  StagedMatMul(const GemmKernels& gemm, Cut m, Cut n, std::int64_t k, std::int64_t x_stride,
               std::int64_t y_stride);

  const Cut& rows() const { return m_; }
  const Cut& panels() const { return n_; }
  std::int64_t k() const { return k_; }
  // Items of work.
  std::int64_t items() const { return m_.count() * n_.count(); }

  std::size_t staging_bytes() const { return panel_bytes_ * static_cast<std::size_t>(n_.count()); }
  // Scratch that Run needs, one for each thread, aligned to a cache line.
  std::size_t scratch_bytes() const { return scratch_bytes_; }

  void Stage(const Kernels& kernels, const MatrixView& weights, std::int64_t panel,
             std::byte* staging) const noexcept;
  // Rows of block `row_block` times panel `panel`; x and y are those of the block's first row. Errors:
  // INTERNAL or RESOURCE_EXHAUSTED from the matrix library.
  StatusCode Run(std::int64_t row_block, std::int64_t panel, const void* x, const std::byte* staging,
                 float* y, void* scratch) const noexcept;

 private:
  const GemmKernels* gemm_ = nullptr;
  Cut m_, n_;
  std::int64_t k_ = 0;
  std::int64_t x_stride_ = 0;
  std::int64_t y_stride_ = 0;
  std::size_t panel_bytes_ = 0;
  std::size_t scratch_bytes_ = 0;
};

}  // namespace carat::internal

#endif  // CARAT_LIB_KERNELS_STAGED_MATMUL_H_
