// Products of activations with weights of any format, in 16-bit integers; see int16.h for what that means.
#ifndef CARAT_LIB_KERNELS_INT16_LINEAR_H_
#define CARAT_LIB_KERNELS_INT16_LINEAR_H_

#include <cstddef>
#include <cstdint>

#include "carat/status.h"
#include "lib/base/aligned_buffer.h"
#include "lib/base/tensor.h"
#include "lib/base/thread_pool.h"
#include "lib/kernels/int16.h"
#include "lib/kernels/kernels.h"

namespace carat::internal {

// The kernels for a table of KernelsFor, or null where 16-bit products are not the fastest ones: with
// AVX-512, float32 is as fast or there is something better.
const Int16Kernels* Int16KernelsBeside(const KernelTable& kernels);

// Activations as integers: a buffer that one caller reuses for all its products.
class Int16Rows {
 public:
  // For up to that many rows and columns. Errors: RESOURCE_EXHAUSTED.
  static Result<Int16Rows> Create(std::int64_t rows, std::int64_t cols);

  std::size_t memory_bytes() const {
    return values_.size() * sizeof(std::int16_t) + scales_.size() * sizeof(float);
  }

 private:
  friend class Int16Linear;
  AlignedBuffer<std::int16_t> values_;
  AlignedBuffer<float> scales_;
};

class Int16Linear {
 public:
  // One that can only be assigned to.
  Int16Linear() = default;

  // Errors: RESOURCE_EXHAUSTED.
  static Result<Int16Linear> Create(const KernelTable& kernels, const Int16Kernels& int16,
                                    const ParallelWork& work);

  // y[r, :] = weights x[r, :]. A row's result is the same bits whatever rows are beside it and for any number
  // of threads. `rows` and the columns are at most those of `scratch`.
  void Multiply(const float* x, std::int64_t x_stride, std::int64_t rows, const MatrixView& weights, float* y,
                std::int64_t y_stride, Int16Rows& scratch) const;

  std::size_t memory_bytes() const { return buffers_.size(); }

 private:
  struct Product;
  struct WorkerBuffers;
  void Pack(const MatrixView& weights, std::int64_t output, std::int64_t column, std::int64_t cols,
            WorkerBuffers& buffers, std::int64_t group) const;
  void RunPanel(const Product& product, std::int64_t panel, std::int64_t first_row,
                WorkerBuffers& buffers) const;

  const KernelTable* kernels_ = nullptr;
  const Int16Kernels* int16_ = nullptr;
  const ParallelWork* work_ = nullptr;
  AlignedBuffer<std::byte> buffers_;  // one WorkerBuffers for each worker
};

}  // namespace carat::internal

#endif  // CARAT_LIB_KERNELS_INT16_LINEAR_H_
