#include "lib/kernels/stream_prefetch.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <iterator>
#include <vector>

#include "lib/base/error.h"

namespace carat::internal {
namespace {

// One measurement reads about so much. All distances together read more than caches hold before any weights
// come again.
constexpr std::size_t kPortionBytes = std::size_t{16} << 20;
constexpr int kRounds = 5;

// Multiplies one row with weights that it takes in turns.
class Stream {
 public:
  Stream(const MatMul& matmul, std::span<const WeightMatrix* const> weights)
      : matmul_(matmul), weights_(weights) {}

  Status Reserve() {
    std::int64_t k = 0, n = 0;
    for (const WeightMatrix* matrix : weights_) {
      k = std::max(k, matrix->k());
      n = std::max(n, matrix->rows());
    }
    CARAT_ASSIGN_OR_RETURN(x_,
                           AlignedBuffer<float>::Allocate(static_cast<std::uint64_t>(k), "a measurement"));
    CARAT_ASSIGN_OR_RETURN(y_,
                           AlignedBuffer<float>::Allocate(static_cast<std::uint64_t>(n), "a measurement"));
    CARAT_ASSIGN_OR_RETURN(scratch_, matmul_.MakeScratch(1, k));
    std::fill_n(x_.data(), k, 1.0f);
    return {};
  }

  // Bytes a second over the next portion.
  Result<double> Next() {
    std::size_t bytes = 0;
    const auto begin = std::chrono::steady_clock::now();
    while (bytes < kPortionBytes) {
      const WeightMatrix& matrix = *weights_[next_++ % weights_.size()];
      CARAT_RETURN_IF_ERROR(
          matmul_.Multiply(x_.data(), matrix.k(), 1, matrix, y_.data(), matrix.rows(), scratch_));
      bytes += matrix.bytes();
    }
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
    return static_cast<double>(bytes) / std::max(seconds.count(), 1e-9);
  }

 private:
  const MatMul& matmul_;
  std::span<const WeightMatrix* const> weights_;
  std::size_t next_ = 0;
  AlignedBuffer<float> x_, y_;
  MatMulScratch scratch_;
};

}  // namespace

Result<std::int64_t> MeasureStreamPrefetch(MatMul& matmul, std::span<const WeightMatrix* const> weights) {
  std::size_t bytes = 0;
  for (const WeightMatrix* matrix : weights) bytes += matrix->bytes();
  if (bytes < kLeastMeasuredBytes) return matmul.prefetch_bytes();
  Stream stream(matmul, weights);
  CARAT_RETURN_IF_ERROR(stream.Reserve());
  CARAT_RETURN_IF_ERROR(stream.Next().status());  // wakes the workers
  std::array<double, std::size(kPrefetchDistances)> best = {};
  for (int round = 0; round < kRounds; ++round) {
    for (std::size_t i = 0; i < best.size(); ++i) {
      matmul.set_prefetch_bytes(kPrefetchDistances[i]);
      CARAT_ASSIGN_OR_RETURN(const double rate, stream.Next());
      // Other programs only ever slow a measurement down.
      best[i] = std::max(best[i], rate);
    }
  }
  const auto fastest = std::max_element(best.begin(), best.end()) - best.begin();
  matmul.set_prefetch_bytes(kPrefetchDistances[fastest]);
  return matmul.prefetch_bytes();
}

}  // namespace carat::internal
