#include "lib/kernels/gemm.h"

#include <dnnl.h>

#if DNNL_CPU_THREADING_RUNTIME == DNNL_RUNTIME_OMP
#include <omp.h>
#endif

namespace carat::internal {
namespace {

// oneDNN takes as many threads as OpenMP would; inside this scope, on this thread, that is one. The host's
// own setting comes back afterwards, since the thread may be the host's.
class OneThread {
 public:
#if DNNL_CPU_THREADING_RUNTIME == DNNL_RUNTIME_OMP
  OneThread() : before_(omp_get_max_threads()) {
    if (before_ != 1) omp_set_num_threads(1);
  }
  ~OneThread() {
    if (before_ != 1) omp_set_num_threads(before_);
  }

 private:
  int before_;
#endif
};

}  // namespace

StatusCode Gemm(std::int64_t rows, std::int64_t outputs, std::int64_t cols, const float* x,
                std::int64_t x_stride, const float* w, std::int64_t w_stride, float* y,
                std::int64_t y_stride) noexcept {
  const OneThread one_thread;
  const dnnl_status_t status =
      dnnl_sgemm('N', 'T', rows, outputs, cols, 1.0f, x, x_stride, w, w_stride, 0.0f, y, y_stride);
  if (status == dnnl_success) return StatusCode::kOk;
  return status == dnnl_out_of_memory ? StatusCode::kResourceExhausted : StatusCode::kInternal;
}

}  // namespace carat::internal
