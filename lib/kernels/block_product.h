// Products of blocks of fixed shape, in float32 or in bf16 with float32 sums: for towers, whose work is cut
// into equal blocks that many workers take. The second file, beside gemm.cc, that includes oneDNN.
#ifndef CARAT_LIB_KERNELS_BLOCK_PRODUCT_H_
#define CARAT_LIB_KERNELS_BLOCK_PRODUCT_H_

#include <cstddef>
#include <cstdint>

#include "carat/status.h"
#include "lib/base/tensor.h"
#include "lib/kernels/bf16_kernels.h"

namespace carat::internal {

enum class BlockMethod : std::uint8_t {
  kPlain,     // loops, sums in float64: the definition
  kLibrary,   // the matrix library's float32 products, on w as it lies
  kDotPairs,  // our own bf16 products, on packed w, for processors with bf16 dot products
  kWidened,   // bf16 by way of float32 products: the numbers of kDotPairs on processors without bf16
};

// y = x w^T, or y += x w^T.
struct BlockShape {
  std::int64_t rows = 0;     // of x and y
  std::int64_t outputs = 0;  // columns of y
  std::int64_t cols = 0;     // of x
  std::int64_t x_stride = 0;
  std::int64_t w_stride = 0;
  std::int64_t y_stride = 0;
  bool w_transposed = false;  // w is [cols, outputs], else [outputs, cols]
  bool accumulate = false;
};

// Light to copy. Any number of threads may run one at once.
class BlockProduct {
 public:
  // One that can only be assigned to.
  BlockProduct() = default;

  // `format` of x and w is kF32 or kBF16; `bf16` are the kernels of kDotPairs. Errors: UNIMPLEMENTED if the
  // method has no such products here.
  static Result<BlockProduct> Create(BlockMethod method, NumberFormat format, const BlockShape& shape,
                                     const Bf16Kernels* bf16 = nullptr);

  // The same for another number of rows, with w packed as for this one.
  BlockProduct WithRows(std::int64_t rows) const;

  // Bytes that Pack fills; 0: w is used as it lies.
  std::size_t packed_bytes() const { return packed_bytes_; }
  // Bytes of scratch that Run needs, one for each thread, aligned to a cache line.
  std::size_t scratch_bytes() const { return scratch_bytes_; }

  void Pack(const void* w, void* packed) const noexcept;
  // `w` is what Pack filled, or w itself if there is nothing to pack. INTERNAL or RESOURCE_EXHAUSTED: the
  // matrix library failed.
  StatusCode Run(const void* x, const void* w, float* y, void* scratch) const noexcept;

  const BlockShape& shape() const { return shape_; }

 private:
  BlockMethod method_ = BlockMethod::kPlain;
  NumberFormat format_ = NumberFormat::kF32;
  const Bf16Kernels* bf16_ = nullptr;
  BlockShape shape_;
  std::size_t packed_bytes_ = 0;
  std::size_t scratch_bytes_ = 0;
};

}  // namespace carat::internal

#endif  // CARAT_LIB_KERNELS_BLOCK_PRODUCT_H_
