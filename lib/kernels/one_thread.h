// Keeps oneDNN to the calling thread.
#ifndef CARAT_LIB_KERNELS_ONE_THREAD_H_
#define CARAT_LIB_KERNELS_ONE_THREAD_H_

#include <dnnl_config.h>

#if DNNL_CPU_THREADING_RUNTIME == DNNL_RUNTIME_OMP
#include <omp.h>
#endif

namespace carat::internal {

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
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int before_;
#else
  OneThread() {}
  ~OneThread() {}
#endif
};

}  // namespace carat::internal

#endif  // CARAT_LIB_KERNELS_ONE_THREAD_H_
