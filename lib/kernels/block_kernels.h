// Kernels of attention in blocks and of clipped products; see kernel_table.h for what holds for all kernels.
#ifndef CARAT_LIB_KERNELS_BLOCK_KERNELS_H_
#define CARAT_LIB_KERNELS_BLOCK_KERNELS_H_

#include <cstdint>

#include "carat/model.h"
#include "lib/kernels/kernel_table.h"

namespace carat::internal {

// One step of a running softmax of several queries over a block of scores. For each query: the largest score
// so far, the sum of exp(score - max) and, in `output`, the sum of exp(score - max) * value before this
// block. To begin: max = -infinity, sum = 0, output = 0.
struct ScoreBlock {
  float* scores;  // [query_count, key_count], stride apart; become exp(score - max)
  std::int64_t stride;
  std::int64_t query_count;
  std::int64_t key_count;
  float* max;     // [query_count]
  float* sum;     // [query_count]
  float* output;  // [query_count, head_dim], contiguous; is brought to the new max
  std::int64_t head_dim;
};

struct BlockKernels {
  void (*weigh)(const ScoreBlock& block);

  // to = min(max(from, low), high). `to` may be `from`. A NaN stays one.
  void (*clip)(const float* from, float* to, std::int64_t n, float low, float high);
};

const BlockKernels& PlainBlockKernels();
// Null where they were not compiled. Calling them needs a processor that CpuSupports.
const BlockKernels* Avx2BlockKernels();
const BlockKernels* Avx512BlockKernels();
const BlockKernels* NeonBlockKernels();

// Those of the same instruction set as a table of KernelsFor.
const BlockKernels& BlockKernelsBeside(const KernelTable& kernels);

}  // namespace carat::internal

#endif  // CARAT_LIB_KERNELS_BLOCK_KERNELS_H_
