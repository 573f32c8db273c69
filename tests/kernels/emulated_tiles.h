// AMX tile registers in plain C++, so that what uses them is tested on machines that have none.
#ifndef CARAT_TESTS_KERNELS_EMULATED_TILES_H_
#define CARAT_TESTS_KERNELS_EMULATED_TILES_H_

#include "lib/kernels/bf16_kernels.h"
#include "lib/kernels/integer_kernels.h"

namespace carat::internal {

// What integer_amx.cc computes, with emulated tiles and vectors.
const IntegerKernels& EmulatedTileKernels();
// What bf16_amx.cc computes.
const Bf16Kernels& EmulatedBf16TileKernels();

}  // namespace carat::internal

#endif  // CARAT_TESTS_KERNELS_EMULATED_TILES_H_
