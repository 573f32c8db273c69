// How far ahead loops that stream weights should prefetch. Processors differ: a distance that gains a fifth
// on one costs a fifth on another, whose own prefetching it disturbs.
#ifndef CARAT_LIB_KERNELS_STREAM_PREFETCH_H_
#define CARAT_LIB_KERNELS_STREAM_PREFETCH_H_

#include <cstdint>
#include <span>

#include "carat/status.h"
#include "lib/kernels/matmul.h"

namespace carat::internal {

// The distances among which MeasureStreamPrefetch chooses.
inline constexpr std::int64_t kPrefetchDistances[] = {0, 1024, 2048, 4096};

// The largest distance that a host may set.
inline constexpr std::int64_t kMostPrefetchBytes = 65536;

// Streams beginnings of `weights` through `matmul` at each distance, as a decode step does, and returns the
// fastest. It reads some 350 megabytes, which takes 10 to 50 ms. `weights` must be in memory already; with
// less than kLeastMeasuredBytes of them, or kernels that never prefetch, nothing is measured and the distance
// that `matmul` has is returned. Leaves `matmul` with the distance returned. Errors: RESOURCE_EXHAUSTED.
inline constexpr std::size_t kLeastMeasuredBytes = std::size_t{128} << 20;
Result<std::int64_t> MeasureStreamPrefetch(MatMul& matmul, std::span<const WeightMatrix* const> weights);

}  // namespace carat::internal

#endif  // CARAT_LIB_KERNELS_STREAM_PREFETCH_H_
