// The adapter to oneDNN: the one file that knows which version there is and how it threads.
#ifndef CARAT_LIB_KERNELS_GEMM_H_
#define CARAT_LIB_KERNELS_GEMM_H_

#include <cstdint>

#include "carat/status.h"

namespace carat::internal {

// y[r, n] = sum over k of x[r, k] * w[n, k], float32, rows x_stride, w_stride and y_stride apart. Runs on the
// calling thread alone: no team of threads is started.
StatusCode Gemm(std::int64_t rows, std::int64_t outputs, std::int64_t cols, const float* x,
                std::int64_t x_stride, const float* w, std::int64_t w_stride, float* y,
                std::int64_t y_stride) noexcept;

}  // namespace carat::internal

#endif  // CARAT_LIB_KERNELS_GEMM_H_
