// Products of quantised activations with packed weights (lib/quant/packed.h), in integers within a group of
// columns. One table for each instruction set; all give the same bits:
//
//   sum    = dot of stored weights and activations, minus offset * sum of activations     (integer)
//   result = fused multiply-add of (float(sum) * weight scale), activation scale, result
//   result = fused multiply-add of minimum, (activation scale * -float(sum of activations)), result
//
// over groups of columns, ascending. So a row's result is the same on every machine, for any number of
// threads, and alone or among other rows.
#ifndef CARAT_LIB_KERNELS_INTEGER_KERNELS_H_
#define CARAT_LIB_KERNELS_INTEGER_KERNELS_H_

#include <cstddef>
#include <cstdint>

#include "lib/quant/packed.h"

namespace carat::internal {

// Rows of activations, quantised: x = scale * value for each 32 columns. Does not own.
struct QuantizedRows {
  std::int8_t* values;          // [rows, cols], within -127 .. 127
  float* scales;                // [rows, cols / 32]
  std::int32_t* negative_sums;  // [rows, cols / 32]: minus the sum of values, of 32 columns
  std::int32_t* negative_fine;  // [rows, cols / 16]: of 16 columns
  std::int64_t cols;            // a multiple of 32
};

// Rows of one product at most, tiles that are unpacked at a time, and the scratch it needs: unpacked values,
// scales and minimums, and results so far of 64 outputs for all rows, where they cannot gather in y.
inline constexpr std::int64_t kProductRows = 512;
inline constexpr std::int64_t kUnpackedTiles = 64;
inline constexpr std::int64_t kUnpackedTileBytes = kPanelRows * kTileColumns;
inline constexpr std::int64_t kIntegerScratchBytes =
    kUnpackedTiles * (kUnpackedTileBytes + 2 * 2 * kPanelRows * 4) + kProductRows * kPanelRows * 4;

struct IntegerKernels {
  // Quantises row `row` of x: scale = largest magnitude / 127, values rounded to nearest, ties to even. A row
  // with values that are not finite gives rubbish, but defined rubbish.
  void (*quantize)(const float* x, const QuantizedRows& to, std::int64_t row);

  // y[r * y_stride + n] for n < outputs (at most 64) and rows first .. first + rows - 1 (at most
  // kProductRows), from one panel. `scratch` is kIntegerScratchBytes, aligned to a cache line; y's row 0 is
  // row `first`. With few rows the panel is prefetched that many bytes ahead; 0: not at all.
  void (*product)(PackedKind kind, const std::byte* panel, const QuantizedRows& x, std::int64_t first,
                  std::int64_t rows, float* y, std::int64_t y_stride, std::int64_t outputs,
                  std::byte* scratch, std::int64_t prefetch_bytes);
};

const IntegerKernels& PlainIntegerKernels();
// Null where they were not compiled.
const IntegerKernels* Avx2IntegerKernels();
const IntegerKernels* Avx512VnniIntegerKernels();
const IntegerKernels* AmxIntegerKernels();
const IntegerKernels* NeonIntegerKernels();
const IntegerKernels* NeonDotIntegerKernels();

}  // namespace carat::internal

#endif  // CARAT_LIB_KERNELS_INTEGER_KERNELS_H_
