// Quantised weights as the kernels read them: the values of a file's blocks, unchanged, in another order.
//
// A matrix is cut into panels of 64 rows, a panel into tiles of 32 columns. A tile holds, for each of its
// four groups of 16 rows, the stored values four columns at a time, so that one 64-byte vector has four
// columns of 16 rows, as dot-product instructions want them; then the scales of its 64 rows. A panel is one
// run of bytes, read from its first to its last:
//
//   [header of 8 tiles, if scales are relative] tile tile ... [header] tile ...
//   tile:      4 x row group, scales, minimums
//   row group: 4 x 64 bytes of nibbles, unit v in the lower half and unit v + 4 in the upper (unit u: columns
//              4u .. 4u+3), then what lies above the nibble: for 5 bits 64 bytes, bit u of each for unit u;
//              for 6 bits 2 x 64 bytes, two bits for each of four units. With 8 bits it is 8 x 64 bytes, a
//              unit each.
//   scales:    float16 for each row; relative ones int8 for each row and group of 32 or 16 columns, times the
//              float16 of the header
//
// A weight is scale * (stored - offset) - minimum. Rows beyond the matrix have scale 0; columns are whole
// tiles.
#ifndef CARAT_LIB_QUANT_PACKED_H_
#define CARAT_LIB_QUANT_PACKED_H_

#include <cstddef>
#include <cstdint>

#include "lib/base/tensor.h"

namespace carat::internal {

inline constexpr int kPanelRows = 64;
inline constexpr int kTileColumns = 32;
inline constexpr int kHeaderTiles = 8;

// How values and scales are stored.
enum class PackedKind : std::uint8_t {
  k4,             // Q4_0
  k4Minimum,      // Q4_1
  k4Table,        // IQ4_NL: indices into kNonlinearValues
  k4TableHeader,  // IQ4_XS
  k4Header,       // Q4_K: relative scales and minimums
  k4HeaderFine,   // Q2_K: the same for 16 columns
  k4SignedFine,   // Q3_K: relative scales for 16 columns
  k5,             // Q5_0
  k5Minimum,      // Q5_1
  k5Header,       // Q5_K
  k6SignedFine,   // Q6_K
  k8,             // Q8_0
};

// What IQ4_NL and IQ4_XS index, plus 128.
inline constexpr std::uint8_t kNonlinearValues[16] = {1,   24,  45,  63,  79,  93,  106, 118,
                                                      129, 141, 153, 166, 181, 197, 217, 241};

struct PackedLayout {
  int bits;       // of a stored value
  int offset;     // subtracted from it
  int group;      // columns that share a scale, 32 or 16
  bool header;    // scales are relative to a header's
  bool minimums;  // minimums follow the scales
  bool table;     // stored values are indices

  constexpr int row_group_bytes() const { return 64 * bits; }
  constexpr int scale_bytes() const { return kPanelRows * (header ? kTileColumns / group : 2); }
  constexpr int tile_bytes() const { return 4 * row_group_bytes() + scale_bytes() * (minimums ? 2 : 1); }
  constexpr int header_bytes() const { return header ? kPanelRows * (minimums ? 4 : 2) : 0; }
};

constexpr PackedLayout LayoutOf(PackedKind kind) {
  switch (kind) {
    case PackedKind::k4:
      return {4, 8, 32, false, false, false};
    case PackedKind::k4Minimum:
      return {4, 0, 32, false, true, false};
    case PackedKind::k4Table:
      return {4, 128, 32, false, false, true};
    case PackedKind::k4TableHeader:
      return {4, 128, 32, true, false, true};
    case PackedKind::k4Header:
      return {4, 0, 32, true, true, false};
    case PackedKind::k4HeaderFine:
      return {4, 0, 16, true, true, false};
    case PackedKind::k4SignedFine:
      return {4, 4, 16, true, false, false};
    case PackedKind::k5:
      return {5, 16, 32, false, false, false};
    case PackedKind::k5Minimum:
      return {5, 0, 32, false, true, false};
    case PackedKind::k5Header:
      return {5, 0, 32, true, true, false};
    case PackedKind::k6SignedFine:
      return {6, 32, 16, true, false, false};
    case PackedKind::k8:
      return {8, 128, 32, false, false, false};
  }
  return {8, 128, 32, false, false, false};
}

// The kind that holds a block format. Not for formats of single values.
PackedKind PackedKindOf(NumberFormat format);

// Bytes of a panel of `cols` columns, a multiple of the format's block.
constexpr std::int64_t PanelBytes(PackedKind kind, std::int64_t cols) {
  const PackedLayout layout = LayoutOf(kind);
  const std::int64_t tiles = (cols + kTileColumns - 1) / kTileColumns;
  const std::int64_t headers = (tiles + kHeaderTiles - 1) / kHeaderTiles;
  return tiles * layout.tile_bytes() + headers * layout.header_bytes();
}

// Packs `count` rows, at most 64, of a matrix in a block format into PanelBytes at `to`.
void PackPanel(const MatrixView& weights, std::int64_t first_row, std::int64_t count, std::byte* to);

// One row's part of a tile, the plain way: the definition of the layout.
struct UnpackedTile {
  std::uint8_t values[kTileColumns];  // before the offset is subtracted
  float scales[2];                    // of each `group` columns
  float minimums[2];
};
// `header` is the one before the tile, if the kind has any.
void UnpackTile(PackedKind kind, const std::byte* header, const std::byte* tile, int row, UnpackedTile* to);

// One row of a panel as float32.
void UnpackRow(PackedKind kind, const std::byte* panel, std::int64_t cols, int row, float* to);

}  // namespace carat::internal

#endif  // CARAT_LIB_QUANT_PACKED_H_
