// The public face of the kernels room: choosing a table, and products with weights of any number of rows.
#ifndef CARAT_LIB_KERNELS_KERNELS_H_
#define CARAT_LIB_KERNELS_KERNELS_H_

#include <algorithm>
#include <cstdint>
#include <span>

#include "carat/model.h"
#include "carat/status.h"
#include "lib/base/aligned_buffer.h"
#include "lib/base/tensor.h"
#include "lib/base/thread_pool.h"
#include "lib/kernels/bf16_kernels.h"
#include "lib/kernels/integer_kernels.h"
#include "lib/kernels/kernel_table.h"
#include "lib/kernels/linear_weights.h"

namespace carat::internal {

// The table of a set that ChooseInstructionSet returned. Errors: UNIMPLEMENTED if it was not compiled in.
Result<const KernelTable*> KernelsFor(InstructionSet set);

// The bf16 products of that set, or null if it has none; the same by a table of KernelsFor.
const Bf16Kernels* Bf16KernelsFor(InstructionSet set);
const Bf16Kernels* Bf16KernelsBeside(const KernelTable& kernels);

// The integer products of that set; those of a lesser one where it has none of its own.
const IntegerKernels* IntegerKernelsFor(InstructionSet set);

// Values of one row: the kernel for `format`.
void WidenRow(const KernelTable& kernels, const std::byte* from, NumberFormat format, float* to,
              std::int64_t n);

// One product among several that share their input: y[r, :] = w x[r, :].
struct LinearTarget {
  LinearWeights weights;  // [outputs, cols]
  float* y;               // [rows, outputs], y_stride apart
  std::int64_t y_stride;
  // Of x only these rows, of which the first is y's first; 0: all.
  std::int64_t first_row = 0;
  std::int64_t row_count = 0;
};

// Makes a row of a product's input just before it is quantised: a norm or an activation, whose result then
// need not go through memory. Refers to the function, which must outlive it.
class RowMaker {
 public:
  RowMaker() = default;  // rows are there already
  template <typename Function>
  RowMaker(const Function& function)  // NOLINT: a function is one
      : function_(&function),
        call_([](const void* made_by, std::int64_t row) { (*static_cast<const Function*>(made_by))(row); }) {}

  void operator()(std::int64_t row) const {
    if (call_ != nullptr) call_(function_, row);
  }
  bool makes() const { return call_ != nullptr; }

 private:
  const void* function_ = nullptr;
  void (*call_)(const void* function, std::int64_t row) = nullptr;
};

// Room for quantised activations: what products with packed weights need beside the engine. One for each
// session, since it is used across parallel loops.
class LinearScratch {
 public:
  // For `rows` rows of at most `cols` columns.
  static Result<LinearScratch> Create(std::int64_t rows, std::int64_t cols);

  std::uint16_t* bf16() const { return reinterpret_cast<std::uint16_t*>(values_.data()); }
  // The buffers as rows of `cols` columns.
  QuantizedRows Rows(std::int64_t cols) const {
    return {values_.data(), scales_.data(), sums_.data(), fine_.data(), cols};
  }
  std::size_t memory_bytes() const {
    return values_.size() + 4 * (scales_.size() + sums_.size() + fine_.size());
  }

 private:
  AlignedBuffer<std::int8_t> values_;  // or as many bf16 values: two bytes for each
  AlignedBuffer<float> scales_;
  AlignedBuffer<std::int32_t> sums_, fine_;
};

// From this many rows on, a product goes through the matrix library on weights widened panel by panel; below,
// through our own kernels, which read each weight once.
inline constexpr std::int64_t kManyRows = 12;

// Room of one worker in either kind of product.
inline constexpr std::int64_t kProductScratchBytes = std::max(kIntegerScratchBytes, kBf16ScratchBytes);

// Products of activations with weights.
class LinearEngine {
 public:
  // One that can only be assigned to.
  LinearEngine() = default;

  // `max_cols` is the widest matrix that will come. `use_matrix_library` false keeps to the table's own
  // kernels, for testing.
  static Result<LinearEngine> Create(const KernelTable& kernels, const ParallelWork& work,
                                     std::int64_t max_cols, bool use_matrix_library,
                                     const IntegerKernels* integer_kernels = nullptr,
                                     const Bf16Kernels* bf16_kernels = nullptr);

  // All targets from the same x, [rows, cols], x_stride apart. The result of a row is the same for any number
  // of threads, and with packed weights also for any number of rows. Packed weights need integer kernels and
  // scratch of that many rows and columns. `make` makes the rows of x first. Errors: INTERNAL or
  // RESOURCE_EXHAUSTED from the matrix library.
  Status Multiply(const float* x, std::int64_t x_stride, std::int64_t rows,
                  std::span<const LinearTarget> targets, const LinearScratch& scratch = {},
                  const RowMaker& make = {}) const;
  Status Multiply(const float* x, std::int64_t x_stride, std::int64_t rows, const LinearWeights& weights,
                  float* y, std::int64_t y_stride, const LinearScratch& scratch = {},
                  const RowMaker& make = {}) const;

  // The same in bf16 whatever the number of rows: a row's result does not depend on those beside it. Needs
  // bf16 kernels, bf16 weights of an even number of columns, and scratch.
  void MultiplyInBf16(const float* x, std::int64_t x_stride, std::int64_t rows,
                      std::span<const LinearTarget> targets, const LinearScratch& scratch) const;

  const KernelTable& kernels() const { return *kernels_; }
  const ParallelWork& work() const { return *work_; }
  std::size_t memory_bytes() const { return panels_.size() * sizeof(float) + unpacked_.size(); }

 private:
  void MultiplyPacked(const QuantizedRows& x, std::int64_t rows, std::span<const LinearTarget> targets) const;
  Status MultiplyFloat(const float* x, std::int64_t x_stride, std::int64_t rows,
                       std::span<const LinearTarget> targets, const LinearScratch& scratch) const;
  // Targets of all rows together, those of some one by one.
  Status MultiplyAnyFloat(const float* x, std::int64_t x_stride, std::int64_t rows,
                          std::span<const LinearTarget> targets, const LinearScratch& scratch) const;

  const KernelTable* kernels_ = nullptr;
  const ParallelWork* work_ = nullptr;
  bool use_matrix_library_ = false;
  std::int64_t prefetch_bytes_ = 0;
  AlignedBuffer<float> panels_;  // one for each worker
  std::int64_t panel_size_ = 0;
  const IntegerKernels* integer_kernels_ = nullptr;
  const Bf16Kernels* bf16_kernels_ = nullptr;
  AlignedBuffer<std::byte> unpacked_;  // kProductScratchBytes for each worker
};

}  // namespace carat::internal

#endif  // CARAT_LIB_KERNELS_KERNELS_H_
