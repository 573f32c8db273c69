// Integer products with AMX tiles for many rows, and as with AVX-512 VNNI for few.
#include "lib/kernels/integer_kernels.h"
#include "lib/kernels/tile_config.h"

#if defined(__AMX_INT8__) && defined(__AVX512VNNI__)

#include <immintrin.h>

#define CARAT_TILES

namespace carat::internal {
namespace {

#include "lib/kernels/amx_tiles.inc.h"

#include "lib/kernels/avx512_lanes.inc.h"

#include "lib/kernels/integer_kernels.inc.h"

}  // namespace

const IntegerKernels* AmxIntegerKernels() {
  return &kTable;
}

}  // namespace carat::internal

#else

namespace carat::internal {
const IntegerKernels* AmxIntegerKernels() {
  return nullptr;
}
}  // namespace carat::internal

#endif
