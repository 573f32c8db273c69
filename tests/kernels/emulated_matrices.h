// The matrix instructions of 64-bit ARM in plain C++, so that what uses them is tested on machines that have
// none.
#ifndef CARAT_TESTS_KERNELS_EMULATED_MATRICES_H_
#define CARAT_TESTS_KERNELS_EMULATED_MATRICES_H_

#include "lib/kernels/gemm/gemm.h"

namespace carat::internal {

// What targets/neon_i8mm.cc computes, with emulated instructions.
const Int8Gemm& EmulatedInt8MatrixGemm();
const GemmKernels& EmulatedBf16MatrixGemm();

}  // namespace carat::internal

#endif  // CARAT_TESTS_KERNELS_EMULATED_MATRICES_H_
