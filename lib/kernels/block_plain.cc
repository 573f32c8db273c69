// The definition of the block kernels, and which go with which table.
#include <algorithm>
#include <cmath>

#include "lib/kernels/block_kernels.h"

namespace carat::internal {
namespace {

void Weigh(const ScoreBlock& b) {
  for (std::int64_t q = 0; q < b.query_count; ++q) {
    float* scores = b.scores + q * b.stride;
    float max = b.max[q];
    for (std::int64_t k = 0; k < b.key_count; ++k) max = std::max(max, scores[k]);
    double sum = 0;
    for (std::int64_t k = 0; k < b.key_count; ++k) {
      const double weight = std::exp(static_cast<double>(scores[k]) - static_cast<double>(max));
      scores[k] = static_cast<float>(weight);
      sum += weight;
    }
    const double keep = std::exp(static_cast<double>(b.max[q]) - static_cast<double>(max));
    b.sum[q] = static_cast<float>(static_cast<double>(b.sum[q]) * keep + sum);
    b.max[q] = max;
    float* output = b.output + q * b.head_dim;
    for (std::int64_t d = 0; d < b.head_dim; ++d) output[d] *= static_cast<float>(keep);
  }
}

void Clip(const float* from, float* to, std::int64_t n, float low, float high) {
  for (std::int64_t i = 0; i < n; ++i) {
    const float raised = from[i] < low ? low : from[i];
    to[i] = raised > high ? high : raised;
  }
}

constexpr BlockKernels kTable = {.weigh = Weigh, .clip = Clip};

}  // namespace

const BlockKernels& PlainBlockKernels() {
  return kTable;
}

const BlockKernels& BlockKernelsBeside(const KernelTable& kernels) {
  if (&kernels == Avx2Kernels() && Avx2BlockKernels() != nullptr) return *Avx2BlockKernels();
  const bool avx512 = &kernels == Avx512Kernels() || &kernels == Avx512VnniTable() ||
                      &kernels == Avx512Bf16Table() || &kernels == AmxTable();
  if (avx512 && Avx512BlockKernels() != nullptr) return *Avx512BlockKernels();
  if (&kernels == NeonKernels() && NeonBlockKernels() != nullptr) return *NeonBlockKernels();
  return PlainBlockKernels();
}

}  // namespace carat::internal
