// The tower's products: in 16-bit integers where that is faster and the matrix is large, else in float32.
#ifndef CARAT_LIB_AUDIO_AUDIO_PRODUCTS_H_
#define CARAT_LIB_AUDIO_AUDIO_PRODUCTS_H_

#include <cstddef>
#include <cstdint>

#include "carat/status.h"
#include "lib/kernels/int16_linear.h"
#include "lib/kernels/kernels.h"

namespace carat::internal {

// How the tower's products are computed.
enum class AudioPrecision {
  kFast,     // 16-bit integers where the processor has nothing faster: about 3e-4 of a soft token's size
  kFloat32,  // float32 always
};

class AudioProducts {
 public:
  // One that can only be assigned to.
  AudioProducts() = default;

  // For matrices of `least_cols` to `most_cols` columns. Errors: RESOURCE_EXHAUSTED.
  static Result<AudioProducts> Create(const KernelTable& kernels, const ParallelWork& work,
                                      std::int64_t least_cols, std::int64_t most_cols,
                                      AudioPrecision precision, bool use_matrix_library);

  // y[r, :] = weights x[r, :]. Errors: INTERNAL or RESOURCE_EXHAUSTED from the matrix library.
  Status Multiply(const float* x, std::int64_t x_stride, std::int64_t rows, const MatrixView& weights,
                  float* y, std::int64_t y_stride, Int16Rows& scratch) const;

  // The scratch for that many rows; empty if there are no integer products.
  Result<Int16Rows> MakeScratch(std::int64_t rows) const;

  // Whether a row's result is the same bits whatever rows are beside it.
  bool rows_are_independent() const { return uses_int16_; }

  const KernelTable& kernels() const { return float32_.kernels(); }
  const ParallelWork& work() const { return float32_.work(); }
  std::size_t memory_bytes() const { return float32_.memory_bytes() + int16_.memory_bytes(); }

 private:
  LinearEngine float32_;
  Int16Linear int16_;
  bool uses_int16_ = false;
  std::int64_t most_cols_ = 0;
};

}  // namespace carat::internal

#endif  // CARAT_LIB_AUDIO_AUDIO_PRODUCTS_H_
