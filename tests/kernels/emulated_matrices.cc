#include "tests/kernels/emulated_matrices.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>

#include "lib/base/tensor.h"

#define CARAT_MATRICES

namespace carat::internal {
namespace {

constexpr std::size_t kPlainWidth = 4;
#include "tests/kernels/plain_vectors.inc.h"

#include "tests/kernels/emulated_matrices.inc.h"

#include "lib/kernels/gemm/int8.inc.h"

#include "lib/kernels/gemm/bf16_bfmmla.inc.h"

}  // namespace

const Int8Gemm& EmulatedInt8MatrixGemm() {
  return kInt8;
}

const GemmKernels& EmulatedBf16MatrixGemm() {
  return kBf16ByPairs;
}

}  // namespace carat::internal
