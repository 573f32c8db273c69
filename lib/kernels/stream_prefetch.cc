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
constexpr std::size_t kSliceBytes = std::size_t{4} << 20;
constexpr std::size_t kRounds = 5;

// The beginning of a matrix.
WeightMatrix Slice(const WeightMatrix& matrix) {
  const auto row = static_cast<std::int64_t>(matrix.bytes() / static_cast<std::size_t>(matrix.rows()));
  const std::int64_t most = static_cast<std::int64_t>(kSliceBytes) / std::max<std::int64_t>(1, row);
  if (matrix.unit_rows <= most) return matrix.Beginning(matrix.unit_rows);
  return matrix.Beginning(std::max<std::int64_t>(kPanelN, most / kPanelN * kPanelN));
}

// Multiplies one row with weights that it takes in turns.
class Stream {
 public:
  explicit Stream(const MatMul& matmul) : matmul_(matmul) {}

  Status Reserve(std::span<const WeightMatrix* const> weights) {
    std::int64_t k = 0, n = 0;
    for (const WeightMatrix* matrix : weights) {
      if (matrix->rows() == 0) continue;
      slices_.push_back(Slice(*matrix));
      k = std::max(k, matrix->k());
      n = std::max(n, slices_.back().rows());
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
      const WeightMatrix& matrix = slices_[next_++ % slices_.size()];
      CARAT_RETURN_IF_ERROR(
          matmul_.Multiply(x_.data(), matrix.k(), 1, matrix, y_.data(), matrix.rows(), scratch_));
      bytes += matrix.bytes();
    }
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
    return static_cast<double>(bytes) / std::max(seconds.count(), 1e-9);
  }

 private:
  const MatMul& matmul_;
  std::vector<WeightMatrix> slices_;
  std::size_t next_ = 0;
  AlignedBuffer<float> x_, y_;
  MatMulScratch scratch_;
};

}  // namespace

Result<std::int64_t> MeasureStreamPrefetch(MatMul& matmul, std::span<const WeightMatrix* const> weights) {
  std::size_t bytes = 0;
  for (const WeightMatrix* matrix : weights) bytes += matrix->bytes();
  if (bytes < kLeastMeasuredBytes || matmul.kernels().set == InstructionSet::kPlain)
    return matmul.prefetch_bytes();
  Stream stream(matmul);
  CARAT_RETURN_IF_ERROR(stream.Reserve(weights));
  CARAT_RETURN_IF_ERROR(stream.Next().status());  // wakes the workers
  std::array<double, std::size(kPrefetchDistances)> best = {};
  for (std::size_t round = 0; round < kRounds; ++round) {
    for (std::size_t i = 0; i < best.size(); ++i) {
      // In another order each round, so that no distance always meets the same weights.
      const std::size_t which = (i + round) % best.size();
      matmul.set_prefetch_bytes(kPrefetchDistances[which]);
      CARAT_ASSIGN_OR_RETURN(const double rate, stream.Next());
      // Other programs only ever slow a measurement down.
      best[which] = std::max(best[which], rate);
    }
  }
  const auto fastest = std::max_element(best.begin(), best.end()) - best.begin();
  matmul.set_prefetch_bytes(kPrefetchDistances[fastest]);
  return matmul.prefetch_bytes();
}

}  // namespace carat::internal
