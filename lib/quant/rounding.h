// Rounding to 4 bits while a model is loaded: Q4_0 blocks whose scales are chosen for the least error. Slower
// than the customary rounding of EncodeBlocks by a few candidates, and closer by a tenth.
#ifndef CARAT_LIB_QUANT_ROUNDING_H_
#define CARAT_LIB_QUANT_ROUNDING_H_

#include <cstddef>
#include <cstdint>

namespace carat::internal {

// `values` values, a multiple of 32, as Q4_0. Values that are not finite are read as zero.
void RoundToQ4_0(const float* from, std::int64_t values, std::byte* to);

}  // namespace carat::internal

#endif  // CARAT_LIB_QUANT_ROUNDING_H_
