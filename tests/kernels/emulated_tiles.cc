#include "tests/kernels/emulated_tiles.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>

#include "lib/base/tensor.h"
#include "lib/kernels/tile_config.h"

#define CARAT_TILES

namespace carat::internal {
namespace {

#include "tests/kernels/emulated_tiles.inc.h"

#include "tests/kernels/plain_lanes.inc.h"

#include "lib/kernels/integer_kernels.inc.h"

}  // namespace

const IntegerKernels& EmulatedTileKernels() {
  return kTable;
}

}  // namespace carat::internal
