// The public face of the kernels room: choosing a table, and products with weights of any number of rows.
#ifndef CARAT_LIB_KERNELS_KERNELS_H_
#define CARAT_LIB_KERNELS_KERNELS_H_

#include <cstdint>
#include <span>

#include "carat/model.h"
#include "carat/status.h"
#include "lib/base/aligned_buffer.h"
#include "lib/base/tensor.h"
#include "lib/base/thread_pool.h"
#include "lib/kernels/kernel_table.h"

namespace carat::internal {

// The table of a set that ChooseInstructionSet returned. Errors: UNIMPLEMENTED if it was not compiled in.
Result<const KernelTable*> KernelsFor(InstructionSet set);

// Values of one row: the kernel for `format`.
void WidenRow(const KernelTable& kernels, const std::byte* from, NumberFormat format, float* to,
              std::int64_t n);

// One product among several that share their input: y[r, :] = w x[r, :].
struct LinearTarget {
  MatrixView weights;  // [outputs, cols]
  float* y;            // [rows, outputs], y_stride apart
  std::int64_t y_stride;
};

// From this many rows on, a product goes through the matrix library on weights widened panel by panel; below,
// through our own kernels, which read each weight once.
inline constexpr std::int64_t kManyRows = 12;

// Products of activations with weights.
class LinearEngine {
 public:
  // One that can only be assigned to.
  LinearEngine() = default;

  // `max_cols` is the widest matrix that will come. `use_matrix_library` false keeps to the table's own
  // kernels, for testing.
  static Result<LinearEngine> Create(const KernelTable& kernels, const ParallelWork& work,
                                     std::int64_t max_cols, bool use_matrix_library);

  // All targets from the same x, [rows, cols], x_stride apart. The result of a row is the same for any number
  // of threads. Errors: INTERNAL or RESOURCE_EXHAUSTED from the matrix library.
  Status Multiply(const float* x, std::int64_t x_stride, std::int64_t rows,
                  std::span<const LinearTarget> targets) const;
  Status Multiply(const float* x, std::int64_t x_stride, std::int64_t rows, const MatrixView& weights,
                  float* y, std::int64_t y_stride) const;

  const KernelTable& kernels() const { return *kernels_; }
  const ParallelWork& work() const { return *work_; }
  std::size_t memory_bytes() const { return panels_.size() * sizeof(float); }

 private:
  const KernelTable* kernels_ = nullptr;
  const ParallelWork* work_ = nullptr;
  bool use_matrix_library_ = false;
  AlignedBuffer<float> panels_;  // one for each worker
  std::int64_t panel_size_ = 0;
};

}  // namespace carat::internal

#endif  // CARAT_LIB_KERNELS_KERNELS_H_
