// AMX tile registers in plain C++, so that what uses them is tested on machines that have none.
#ifndef CARAT_TESTS_KERNELS_EMULATED_TILES_H_
#define CARAT_TESTS_KERNELS_EMULATED_TILES_H_

#include "lib/kernels/gemm/gemm.h"

namespace carat::internal {

// What targets/avx512_amx.cc computes, with emulated tiles and vectors.
const Int8Gemm& EmulatedInt8TileGemm();
const GemmKernels& EmulatedBf16TileGemm();

}  // namespace carat::internal

#endif  // CARAT_TESTS_KERNELS_EMULATED_TILES_H_
