// The tower's products: in bf16 or 16-bit integers where that is faster and the matrices are large, else in
// float32.
#ifndef CARAT_LIB_AUDIO_AUDIO_PRODUCTS_H_
#define CARAT_LIB_AUDIO_AUDIO_PRODUCTS_H_

#include <cstddef>
#include <cstdint>

#include "carat/status.h"
#include "lib/audio/audio_weights.h"
#include "lib/kernels/int16_linear.h"
#include "lib/kernels/kernels.h"

namespace carat::internal {

// How the tower's products are computed.
enum class AudioPrecision {
  kFast,     // bf16 where the processor multiplies that faster (2e-2 of a soft token's size), 16-bit integers
             // where it has AVX2 alone (3e-4)
  kFloat32,  // float32 always
};

// What products need for the rows of a block.
struct AudioProductScratch {
  Int16Rows integers;
  LinearScratch narrow;

  std::size_t memory_bytes() const { return integers.memory_bytes() + narrow.memory_bytes(); }
};

class AudioProducts {
 public:
  // One that can only be assigned to.
  AudioProducts() = default;

  // For the products of `weights`. Errors: RESOURCE_EXHAUSTED.
  static Result<AudioProducts> Create(const KernelTable& kernels, const ParallelWork& work,
                                      const AudioWeights& weights, AudioPrecision precision,
                                      bool use_matrix_library);

  // y[r, :] = weights x[r, :]. Errors: INTERNAL or RESOURCE_EXHAUSTED from the matrix library.
  Status Multiply(const float* x, std::int64_t x_stride, std::int64_t rows, const MatrixView& weights,
                  float* y, std::int64_t y_stride, AudioProductScratch& scratch) const;

  // The scratch for that many rows. Errors: RESOURCE_EXHAUSTED.
  Result<AudioProductScratch> MakeScratch(std::int64_t rows) const;

  // Whether a row's result is the same bits whatever rows are beside it.
  bool rows_are_independent() const { return way_ != Way::kFloat32; }

  const KernelTable& kernels() const { return linear_.kernels(); }
  const ParallelWork& work() const { return linear_.work(); }
  std::size_t memory_bytes() const { return linear_.memory_bytes() + int16_.memory_bytes(); }

 private:
  enum class Way : std::uint8_t { kFloat32, kInt16, kBf16 };

  LinearEngine linear_;
  Int16Linear int16_;
  Way way_ = Way::kFloat32;
  std::int64_t most_cols_ = 0;
};

}  // namespace carat::internal

#endif  // CARAT_LIB_AUDIO_AUDIO_PRODUCTS_H_
