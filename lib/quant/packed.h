// Quantised weights as the GEMM kernels read them: the values of a file's blocks, unchanged, in another
// order.
//
// A matrix of N rows and K columns is cut into packed panels of 64 rows, a panel into K-blocks of 32 columns.
// A K-block holds four lane groups of 16 rows; within one, the stored values of four columns (a k-quad, what
// one lane of a dot-product instruction takes) stand together, so that one 64-byte vector has four columns of
// 16 rows. The scales of the 64 rows follow. A panel is one run of bytes, read from its first to its last:
//
//   [super-block scales, if scales are relative] 8 x K-block [super-block scales] 8 x K-block ...
//   K-block:    4 x lane group, scales, minimums
//   lane group: 4 x 64 bytes of nibbles, k-quad v in the lower half and k-quad v + 4 in the upper (k-quad u:
//               columns 4u .. 4u+3), then the bits above the nibble: for 5 bits 64 bytes, bit u of each for
//               k-quad u; for 6 bits 2 x 64 bytes, two bits for each of four k-quads. With 8 bits it is
//               8 x 64 bytes, one k-quad each.
//   scales:     float16 for each row; relative ones int8 for each row and group of 32 or 16 columns, times
//               the float16 of the super-block
//
// A weight is scale * (stored - offset) - minimum. Rows beyond the matrix have scale 0; K is a whole number
// of K-blocks.
#ifndef CARAT_LIB_QUANT_PACKED_H_
#define CARAT_LIB_QUANT_PACKED_H_

#include <cstddef>
#include <cstdint>

#include "lib/base/tensor.h"

namespace carat::internal {

inline constexpr int kPanelN = 64;
inline constexpr int kBlockK = 32;
// K-blocks that share super-block scales.
inline constexpr int kBlocksPerSuper = 8;

// The values that IQ4_NL and IQ4_XS index, plus 128.
inline constexpr std::uint8_t kNonlinearValues[16] = {1,   24,  45,  63,  79,  93,  106, 118,
                                                      129, 141, 153, 166, 181, 197, 217, 241};

// How the values and scales of one format are packed.
struct PackedLayout {
  int bits;           // of a stored value
  int offset;         // subtracted from it
  int group;          // columns that share a scale, 32 or 16
  bool super_scales;  // scales are relative to those of a super-block
  bool minimums;      // minimums follow the scales
  bool table;         // stored values are indices into kNonlinearValues

  constexpr int lane_group_bytes() const { return 64 * bits; }
  constexpr int scale_bytes() const { return kPanelN * (super_scales ? kBlockK / group : 2); }
  constexpr int block_bytes() const { return 4 * lane_group_bytes() + scale_bytes() * (minimums ? 2 : 1); }
  constexpr int super_bytes() const { return super_scales ? kPanelN * (minimums ? 4 : 2) : 0; }
};

// For the block formats; formats of single values are not packed.
constexpr PackedLayout PackedLayoutOf(NumberFormat format) {
  switch (format) {
    case NumberFormat::kQ4_0:
      return {4, 8, 32, false, false, false};
    case NumberFormat::kQ4_1:
      return {4, 0, 32, false, true, false};
    case NumberFormat::kIQ4_NL:
      return {4, 128, 32, false, false, true};
    case NumberFormat::kIQ4_XS:
      return {4, 128, 32, true, false, true};
    case NumberFormat::kQ4_K:
      return {4, 0, 32, true, true, false};
    case NumberFormat::kQ2_K:
      return {4, 0, 16, true, true, false};
    case NumberFormat::kQ3_K:
      return {4, 4, 16, true, false, false};
    case NumberFormat::kQ5_0:
      return {5, 16, 32, false, false, false};
    case NumberFormat::kQ5_1:
      return {5, 0, 32, false, true, false};
    case NumberFormat::kQ5_K:
      return {5, 0, 32, true, true, false};
    case NumberFormat::kQ6_K:
      return {6, 32, 16, true, false, false};
    default:  // Q8_0
      return {8, 128, 32, false, false, false};
  }
}

// Bytes of a packed panel of `k` columns, a multiple of the format's block.
constexpr std::int64_t PackedPanelBytes(NumberFormat format, std::int64_t k) {
  const PackedLayout layout = PackedLayoutOf(format);
  const std::int64_t blocks = (k + kBlockK - 1) / kBlockK;
  const std::int64_t supers = (blocks + kBlocksPerSuper - 1) / kBlocksPerSuper;
  return blocks * layout.block_bytes() + supers * layout.super_bytes();
}

// Packs `count` rows, at most 64, of a matrix in a block format into PackedPanelBytes at `to`.
void PackPanel(const MatrixView& weights, std::int64_t first_row, std::int64_t count, std::byte* to);

// One row's part of a K-block, as the layout defines it: the reference of every faster reading.
struct UnpackedBlock {
  std::uint8_t values[kBlockK];  // before the offset is subtracted
  float scales[2];               // of each `group` columns
  float minimums[2];
};
// `super` is where the block's super-block scales lie, if the format has any.
void UnpackBlock(NumberFormat format, const std::byte* super, const std::byte* block, int row,
                 UnpackedBlock* to);

// One row of a packed panel as float32.
void UnpackRow(NumberFormat format, const std::byte* panel, std::int64_t k, int row, float* to);

}  // namespace carat::internal

#endif  // CARAT_LIB_QUANT_PACKED_H_
