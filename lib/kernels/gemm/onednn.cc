// Products by oneDNN: the one file that includes it, and knows which version there is and how it threads.
#include <dnnl.h>

#include "carat/status.h"
#include "lib/kernels/gemm/gemm.h"

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
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int before_;
#else
  OneThread() {}
  ~OneThread() {}
#endif
};

StatusCode CodeOf(dnnl_status_t status) {
  if (status == dnnl_success) return StatusCode::kOk;
  return status == dnnl_out_of_memory ? StatusCode::kResourceExhausted : StatusCode::kInternal;
}

StatusCode Sgemm(const GemmShape& s, const float* x, std::int64_t x_stride, const float* w,
                 std::int64_t w_stride, float* y) {
  const OneThread one_thread;
  return CodeOf(dnnl_sgemm('N', s.w_transposed ? 'N' : 'T', s.m, s.n, s.k, 1.0f, x, x_stride, w, w_stride,
                           s.accumulate ? 1.0f : 0.0f, y, s.y_stride));
}

std::size_t NoBytes(std::int64_t, std::int64_t) {
  return 0;
}
void NoPack(const GemmShape&, const void*, void*) {}

StatusCode RunF32(const GemmShape& s, const void* x, const void* w, float* y, void*) {
  return Sgemm(s, static_cast<const float*>(x), s.x_stride, static_cast<const float*>(w), s.w_stride, y);
}

// Rows of bf16 as float32 without gaps.
void ToF32(const void* from, std::int64_t rows, std::int64_t cols, std::int64_t stride, float* to) {
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t i = 0; i < cols; ++i)
      to[r * cols + i] = LoadValue(static_cast<const std::byte*>(from), NumberFormat::kBF16,
                                   static_cast<std::size_t>(r * stride + i));
  }
}

std::size_t F32Bytes(std::int64_t rows, std::int64_t cols) {
  return static_cast<std::size_t>(rows) * static_cast<std::size_t>(cols) * sizeof(float);
}

void PackWidened(const GemmShape& s, const void* w, void* packed) {
  ToF32(w, s.w_transposed ? s.k : s.n, s.w_transposed ? s.n : s.k, s.w_stride, static_cast<float*>(packed));
}

StatusCode RunWidened(const GemmShape& s, const void* x, const void* w, float* y, void* scratch) {
  auto* rows = static_cast<float*>(scratch);
  ToF32(x, s.m, s.k, s.x_stride, rows);
  return Sgemm(s, rows, s.k, static_cast<const float*>(w), s.w_transposed ? s.n : s.k, y);
}

// The library is near its full speed at blocks of this size.
constexpr std::int64_t kBlockN = 64;

constexpr GemmKernels kF32 = {.format = NumberFormat::kF32,
                              .mr = 256,
                              .nr = kBlockN,
                              .kc = std::int64_t{1} << 40,
                              .gathers = false,
                              .packed_bytes = NoBytes,
                              .scratch_bytes = NoBytes,
                              .pack = NoPack,
                              .run = RunF32};

constexpr GemmKernels kWidened = {.format = NumberFormat::kBF16,
                                  .mr = 256,
                                  .nr = kBlockN,
                                  .kc = std::int64_t{1} << 40,
                                  .gathers = false,
                                  .packed_bytes = F32Bytes,
                                  .scratch_bytes = F32Bytes,
                                  .pack = PackWidened,
                                  .run = RunWidened};

}  // namespace

const GemmKernels& LibraryGemm() {
  return kF32;
}

const GemmKernels& WidenedBf16Gemm() {
  return kWidened;
}

}  // namespace carat::internal
