// Cheap random weights: a table of values drawn once, of which tensors are made piece by piece.
#ifndef CARAT_BENCH_RANDOM_VALUES_H_
#define CARAT_BENCH_RANDOM_VALUES_H_

#include <cstdint>
#include <functional>
#include <random>
#include <span>
#include <vector>

#include "bench/text_tensors.h"
#include "carat/status.h"

namespace carat::bench {

// Not for statistics: a large tensor repeats the table at varying offsets. Enough for measuring.
class RandomValues {
 public:
  explicit RandomValues(std::uint64_t seed);

  // Hands `count` bf16 values of the distribution to `write`, in pieces of at most some hundred kilobytes.
  // Errors: those of `write`.
  Status Generate(const Distribution& values, std::uint64_t count,
                  const std::function<Status(std::span<const std::uint16_t>)>& write);

 private:
  // The first `size` entries of the table as bf16 values of the distribution.
  void Fill(const Distribution& values, std::uint64_t size);

  std::mt19937_64 random_;
  std::vector<float> uniform_;  // in [0, 1)
  std::vector<float> normal_;   // deviation 1
  std::vector<std::uint16_t> scaled_;
};

}  // namespace carat::bench

#endif  // CARAT_BENCH_RANDOM_VALUES_H_
