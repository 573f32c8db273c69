// The number formats of lib/base/tensor.h as plain code: what a block's bytes mean, and how values become
// one. The definition that every packed or vectorised form is tested against.
#ifndef CARAT_LIB_QUANT_BLOCK_FORMATS_H_
#define CARAT_LIB_QUANT_BLOCK_FORMATS_H_

#include <cstddef>
#include <cstdint>

#include "lib/base/tensor.h"

namespace carat::internal {

// `values` values, a multiple of the format's block, from bytes that need no alignment. Any bytes are
// allowed.
void DecodeBlocks(NumberFormat format, const std::byte* from, std::int64_t values, float* to);

// The block whose decoded values lie near: each format's customary rounding, written in lib/quant/README.md.
// Values that are not finite are read as zero.
void EncodeBlocks(NumberFormat format, const float* from, std::int64_t values, std::byte* to);

}  // namespace carat::internal

#endif  // CARAT_LIB_QUANT_BLOCK_FORMATS_H_
