// Products of activations with weight matrices, on all threads: level two, above the blocks of gemm/.
//
// y[M, N] = x[M, K] w[N, K]^T. MatMul cuts M, N and K into blocks, packs weights where the kernels want it,
// and shares the blocks among the workers. Small M (decode) streams each weight once; large M (prefill)
// reuses it from the caches.
#ifndef CARAT_LIB_KERNELS_MATMUL_H_
#define CARAT_LIB_KERNELS_MATMUL_H_

#include <cstdint>
#include <span>

#include "carat/status.h"
#include "lib/base/aligned_buffer.h"
#include "lib/base/thread_pool.h"
#include "lib/kernels/kernels.h"
#include "lib/kernels/weight_matrix.h"

namespace carat::internal {

// What float weights are multiplied in. Quantised weights always go through integers.
enum class MatMulPrecision : std::uint8_t {
  kAuto,  // the fastest here; each user of it says with which error
  kFloat32,
  kBf16,   // both factors in bf16, sums in float32
  kInt16,  // both factors in 16-bit integers (gemm/gemm.h)
};

// One product among several that share their input: y[r, :] = w x[r, :].
struct MatMulTarget {
  WeightMatrix weights;  // [N, K]
  float* y;              // [M, N], y_stride apart
  std::int64_t y_stride;
  // Of x only these rows, of which the first is y's first; -1: all.
  std::int64_t first_row = 0;
  std::int64_t row_count = -1;
};

// Optional producer of input rows, called once per row just before it is read, e.g. an RMS norm, so the row
// is still in cache. Non-owning: the function must outlive it.
class RowProducer {
 public:
  RowProducer() = default;  // rows are there already
  template <typename Function>
  RowProducer(
      const Function& function)  // NOLINT(google-explicit-constructor): a function converts implicitly
      : function_(&function), call_([](const void* producer, std::int64_t row) {
          (*static_cast<const Function*>(producer))(row);
        }) {}

  void operator()(std::int64_t row) const {
    if (call_ != nullptr) call_(function_, row);
  }
  explicit operator bool() const { return call_ != nullptr; }

 private:
  const void* function_ = nullptr;
  void (*call_)(const void* function, std::int64_t row) = nullptr;
};

// Room for activations in the form that kernels take. Each caller of Multiply that may run at the same time
// as another needs its own. MatMul::MakeScratch makes it.
class MatMulScratch {
 public:
  std::size_t memory_bytes() const;

 private:
  friend class MatMul;
  // The 8-bit buffers as rows of `k` columns.
  QuantizedRows Quantized(std::int64_t k) const {
    return {bytes_.data(), scales_.data(), sums_.data(), fine_sums_.data(), k};
  }

  AlignedBuffer<std::int8_t> bytes_;       // 8-bit activations, or two bytes for each bf16 one
  AlignedBuffer<float> scales_;            // of 32 columns
  AlignedBuffer<std::int32_t> sums_;       // of 32 columns
  AlignedBuffer<std::int32_t> fine_sums_;  // of 16 columns
  AlignedBuffer<std::int16_t> shorts_;     // 16-bit activations
  AlignedBuffer<float> short_scales_;
};

struct MatMulOptions {
  // Not kAuto. kBf16 and kInt16 need kernels that have them.
  MatMulPrecision precision = MatMulPrecision::kFloat32;
  // A row's result with float weights must not depend on the number of rows. With quantised weights it never
  // does.
  bool rows_are_independent = false;
  bool quantized_weights = false;  // such weights will come
  std::int64_t max_k = 0;          // K of the widest float weights that will come
  // Loops that stream weights prefetch so far ahead; 0: not at all.
  std::int64_t prefetch_bytes = 0;
};

class MatMul {
 public:
  // Empty; assign a created one before use.
  MatMul() = default;

  // `kernels` and `work` must outlive it. Errors: RESOURCE_EXHAUSTED; INTERNAL for a precision that the
  // kernels do not have.
  static Result<MatMul> Create(const Kernels& kernels, const ParallelWork& work,
                               const MatMulOptions& options);

  // All targets from the same x, [m, K], x_stride apart. The result of a row is the same for any number of
  // threads; see MatMulOptions for the number of rows. `scratch` was made for as many rows and columns.
  // `produce` makes the rows of x first. Errors: INTERNAL or RESOURCE_EXHAUSTED from the matrix library.
  Status Multiply(const float* x, std::int64_t x_stride, std::int64_t m,
                  std::span<const MatMulTarget> targets, const MatMulScratch& scratch,
                  const RowProducer& produce = {}) const;
  Status Multiply(const float* x, std::int64_t x_stride, std::int64_t m, const WeightMatrix& weights,
                  float* y, std::int64_t y_stride, const MatMulScratch& scratch,
                  const RowProducer& produce = {}) const;

  // Scratch for up to `m` rows of `k` columns. Errors: RESOURCE_EXHAUSTED.
  Result<MatMulScratch> MakeScratch(std::int64_t m, std::int64_t k) const;

  const Kernels& kernels() const { return *kernels_; }
  const ParallelWork& work() const { return *work_; }
  bool rows_are_independent() const { return options_.rows_are_independent; }
  std::int64_t max_k() const { return options_.max_k; }
  std::int64_t prefetch_bytes() const { return options_.prefetch_bytes; }
  // Not while a product runs. Results do not depend on it.
  void set_prefetch_bytes(std::int64_t bytes) { options_.prefetch_bytes = bytes; }
  std::size_t memory_bytes() const { return worker_scratch_.size(); }

 private:
  using Targets = std::span<const MatMulTarget>;

  std::byte* WorkerScratch(int worker) const { return worker_scratch_.data() + worker * worker_bytes_; }
  void MultiplyQuantized(const QuantizedRows& x, std::int64_t m, Targets targets) const;
  // Targets of all rows together, those of some rows one by one.
  Status MultiplyFloat(const float* x, std::int64_t x_stride, std::int64_t m, Targets targets,
                       const MatMulScratch& scratch) const;
  Status MultiplyAllRows(const float* x, std::int64_t x_stride, std::int64_t m, Targets targets,
                         const MatMulScratch& scratch) const;
  // Rows that one call of a GEMV kernel takes.
  std::int64_t GemvRows() const;
  void MultiplyByGemv(const float* x, std::int64_t x_stride, std::int64_t m, Targets targets) const;
  void MultiplyInBf16(const float* x, std::int64_t x_stride, std::int64_t m, Targets targets,
                      const MatMulScratch& scratch) const;
  Status MultiplyByLibrary(const float* x, std::int64_t x_stride, std::int64_t m, Targets targets) const;
  // matmul_int16.cc
  void MultiplyInInt16(const float* x, std::int64_t x_stride, std::int64_t m, Targets targets,
                       const MatMulScratch& scratch) const;
  static std::size_t Int16WorkerBytes();
  static Status ReserveInt16(std::int64_t m, std::int64_t k, MatMulScratch& scratch);

  const Kernels* kernels_ = nullptr;
  const ParallelWork* work_ = nullptr;
  MatMulOptions options_;
  bool use_library_ = false;
  AlignedBuffer<std::byte> worker_scratch_;  // worker_bytes_ for each worker
  std::int64_t worker_bytes_ = 0;
};

}  // namespace carat::internal

#endif  // CARAT_LIB_KERNELS_MATMUL_H_
