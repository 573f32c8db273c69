// Integer products, written once over a vector type and compiled once for each instruction set. A file like
// integer_avx2.cc defines, in its own anonymous namespace, `Lanes` with the operations used below and
// includes this. As in simd_kernels.inc.h, nothing with inline functions of the standard library may be
// included.
// Where there are tile registers, it defines `Tiles` and CARAT_TILES as well (integer_tiles.inc.h).
//
// Lanes::kLanes rows of weights stand beside each other in a vector, four columns each.

using Bytes = Lanes::Bytes;
using Ints = Lanes::Ints;
using Floats = Lanes::Floats;

constexpr int kVectors = kPanelRows / Lanes::kLanes;  // vectors across a panel

template <PackedKind kind>
struct Kind {
  static constexpr PackedLayout kLayout = LayoutOf(kind);
  static constexpr int kGroups = kTileColumns / kLayout.group;
  static constexpr int kUnits = kLayout.group / 4;
  // Values up to 255. Where there is no product of unsigned and signed bytes that cannot overflow, the offset
  // of 128 is taken off the value instead of the sum.
  static constexpr bool kWide = kLayout.offset == 128;
  static constexpr bool kOffsetInSum = kLayout.offset != 0 && !(kWide && Lanes::kWideIsSigned);
};

constexpr int LogOf(int power) {
  return power <= 1 ? 0 : 1 + LogOf(power / 2);
}

// Where vector j of a row group's 64-byte lines begins.
constexpr int LineOffset(int j) {
  return j * Lanes::kLanes % 16 * 4;
}

// The eight units of the rows of vector j.
template <PackedKind kind>
inline void UnpackUnits(const std::byte* tile, int j, Bytes* units) {
  constexpr PackedLayout kLayout = LayoutOf(kind);
  const std::byte* at = tile + j * Lanes::kLanes / 16 * kLayout.row_group_bytes() + LineOffset(j);
  if constexpr (kLayout.bits == 8) {
    for (int u = 0; u < 8; ++u) units[u] = Lanes::Load(at + 64 * u);
    return;
  }
  for (int v = 0; v < 4; ++v) {
    const Bytes both = Lanes::Load(at + 64 * v);
    units[v] = Lanes::And(both, 0x0f);
    units[v + 4] = Lanes::And(Lanes::template Right<4>(both), 0x0f);
  }
  if constexpr (kLayout.table) {
    for (int u = 0; u < 8; ++u) units[u] = Lanes::Nonlinear(units[u]);
  }
  if constexpr (kLayout.bits == 5) {
    const Bytes high = Lanes::Load(at + 256);
    units[0] = Lanes::Or(units[0], Lanes::And(Lanes::template Left<4>(high), 0x10));
    units[1] = Lanes::Or(units[1], Lanes::And(Lanes::template Left<3>(high), 0x10));
    units[2] = Lanes::Or(units[2], Lanes::And(Lanes::template Left<2>(high), 0x10));
    units[3] = Lanes::Or(units[3], Lanes::And(Lanes::template Left<1>(high), 0x10));
    units[4] = Lanes::Or(units[4], Lanes::And(high, 0x10));
    units[5] = Lanes::Or(units[5], Lanes::And(Lanes::template Right<1>(high), 0x10));
    units[6] = Lanes::Or(units[6], Lanes::And(Lanes::template Right<2>(high), 0x10));
    units[7] = Lanes::Or(units[7], Lanes::And(Lanes::template Right<3>(high), 0x10));
  }
  if constexpr (kLayout.bits == 6) {
    for (int half = 0; half < 2; ++half) {
      const Bytes high = Lanes::Load(at + 256 + 64 * half);
      Bytes* of = units + 4 * half;
      of[0] = Lanes::Or(of[0], Lanes::And(Lanes::template Left<4>(high), 0x30));
      of[1] = Lanes::Or(of[1], Lanes::And(Lanes::template Left<2>(high), 0x30));
      of[2] = Lanes::Or(of[2], Lanes::And(high, 0x30));
      of[3] = Lanes::Or(of[3], Lanes::And(Lanes::template Right<2>(high), 0x30));
    }
  }
}

// Scales, and minimums, of group g for the rows of vector j.
template <PackedKind kind>
inline Floats ScalesOf(const std::byte* header, const std::byte* tile, int g, int j) {
  constexpr PackedLayout kLayout = LayoutOf(kind);
  const std::byte* scales = tile + 4 * kLayout.row_group_bytes();
  if constexpr (!kLayout.header) return Lanes::LoadHalves(scales + 2 * Lanes::kLanes * j);
  return Lanes::Multiply(Lanes::LoadHalves(header + 2 * Lanes::kLanes * j),
                         Lanes::LoadInt8(scales + kPanelRows * g + Lanes::kLanes * j));
}
template <PackedKind kind>
inline Floats MinimumsOf(const std::byte* header, const std::byte* tile, int g, int j) {
  constexpr PackedLayout kLayout = LayoutOf(kind);
  const std::byte* minimums = tile + 4 * kLayout.row_group_bytes() + kLayout.scale_bytes();
  if constexpr (!kLayout.header) return Lanes::LoadHalves(minimums + 2 * Lanes::kLanes * j);
  return Lanes::Multiply(Lanes::LoadHalves(header + 2 * kPanelRows + 2 * Lanes::kLanes * j),
                         Lanes::LoadInt8(minimums + kPanelRows * g + Lanes::kLanes * j));
}

// The sum that a group begins with.
template <PackedKind kind>
inline Ints BeginSum(Ints negative_sum) {
  if constexpr (!Kind<kind>::kOffsetInSum) return Lanes::Zero();
  return Lanes::template ShiftLeft<LogOf(LayoutOf(kind).offset)>(negative_sum);
}

template <PackedKind kind>
inline Ints Dot(Ints sum, Bytes weights, Ints activations) {
  if constexpr (Kind<kind>::kWide) return Lanes::DotWide(sum, weights, activations);
  return Lanes::Dot(sum, weights, activations);
}

template <PackedKind kind>
inline const std::int32_t* NegativeSums(const QuantizedRows& x, std::int64_t row, std::int64_t tile) {
  const std::int64_t at = row * (x.cols / 32) + tile;
  return LayoutOf(kind).group == 32 ? x.negative_sums + at : x.negative_fine + 2 * at;
}

// A few rows: weights go from memory to registers and are used there.
template <PackedKind kind, int kRows>
void ProductFew(const std::byte* panel, const QuantizedRows& x, std::int64_t first, float* y,
                std::int64_t y_stride, std::int64_t outputs, std::int64_t prefetch_bytes) {
  using K = Kind<kind>;
  Floats result[kVectors][kRows];
  for (int j = 0; j < kVectors; ++j) {
    for (int r = 0; r < kRows; ++r) result[j][r] = Lanes::ZeroFloats();
  }
  const std::byte* header = panel;
  const std::int64_t tiles = x.cols / kTileColumns;
  for (std::int64_t t = 0; t < tiles; ++t) {
    if (K::kLayout.header && t % kHeaderTiles == 0) {
      header = panel;
      panel += K::kLayout.header_bytes();
    }
    const std::int8_t* values = x.values + first * x.cols + kTileColumns * t;
    for (int j = 0; j < kVectors; ++j) {
      if (prefetch_bytes > 0) {
        for (int line = 0; line < K::kLayout.tile_bytes(); line += 64 * kVectors)
          __builtin_prefetch(panel + prefetch_bytes + line + 64 * j);
      }
      Bytes units[8];
      UnpackUnits<kind>(panel, j, units);
      for (int g = 0; g < K::kGroups; ++g) {
        const Floats scales = ScalesOf<kind>(header, panel, g, j);
        for (int r = 0; r < kRows; ++r) {
          const Ints negative = Lanes::Broadcast(NegativeSums<kind>(x, first + r, t) + g);
          Ints sum = BeginSum<kind>(negative);
          for (int u = 0; u < K::kUnits; ++u) {
            const int unit = g * K::kUnits + u;
            sum = Dot<kind>(sum, units[unit], Lanes::Broadcast(values + r * x.cols + 4 * unit));
          }
          const Floats scale = Lanes::BroadcastFloat(x.scales + (first + r) * (x.cols / 32) + t);
          result[j][r] =
              Lanes::MultiplyAdd(Lanes::Multiply(Lanes::ToFloats(sum), scales), scale, result[j][r]);
          if constexpr (K::kLayout.minimums) {
            result[j][r] =
                Lanes::MultiplyAdd(MinimumsOf<kind>(header, panel, g, j),
                                   Lanes::Multiply(scale, Lanes::ToFloats(negative)), result[j][r]);
          }
        }
      }
    }
    panel += K::kLayout.tile_bytes();
  }
  for (int r = 0; r < kRows; ++r) {
    for (int j = 0; j < kVectors; ++j)
      Lanes::Store(y + r * y_stride + j * Lanes::kLanes, result[j][r], outputs - j * Lanes::kLanes);
  }
}

// So many rows at most go four at a time: the panel comes from a cache when it is read again, and unpacking
// it to memory costs more than doing it once or twice more.
constexpr std::int64_t kFewRows = 12;

template <PackedKind kind>
void ProductFewRows(const std::byte* panel, const QuantizedRows& x, std::int64_t first, std::int64_t rows,
                    float* y, std::int64_t y_stride, std::int64_t outputs, std::int64_t prefetch_bytes) {
  std::int64_t r = 0;
  const auto run = [&]<int kRows>() {
    for (; r + kRows <= rows; r += kRows) {
      ProductFew<kind, kRows>(panel, x, first + r, y + r * y_stride, y_stride, outputs,
                              r == 0 ? prefetch_bytes : 0);
    }
  };
  run.template operator()<4>();
  run.template operator()<3>();
  run.template operator()<2>();
  run.template operator()<1>();
}

// Up to kUnpackedTiles tiles, unpacked: values as units of bytes, scales and minimums as float32.
struct Unpacked {
  std::byte* values;  // [tiles, vectors, 8 units]
  float* scales;      // [tiles, groups, 64]
  float* minimums;

  template <PackedKind kind>
  Unpacked From(std::int64_t tile) const {
    const std::int64_t group = tile * Kind<kind>::kGroups * kPanelRows;
    return {values + tile * kUnpackedTileBytes, scales + group, minimums + group};
  }
};

// Where they are in the scratch of a product, and where its results so far.
inline Unpacked UnpackedIn(std::byte* scratch) {
  auto* scales = reinterpret_cast<float*>(scratch + kUnpackedTiles * kUnpackedTileBytes);
  return {scratch, scales, scales + kUnpackedTiles * 2 * kPanelRows};
}
inline float* ResultsIn(std::byte* scratch) {
  return UnpackedIn(scratch).minimums + kUnpackedTiles * 2 * kPanelRows;
}

template <PackedKind kind>
void Unpack(const std::byte* header, const std::byte* tile, std::int64_t tiles, const Unpacked& to) {
  using K = Kind<kind>;
  constexpr int kVectorBytes = Lanes::kLanes * 4;
  for (std::int64_t t = 0; t < tiles; ++t) {
    for (int j = 0; j < kVectors; ++j) {
      Bytes units[8];
      UnpackUnits<kind>(tile, j, units);
      std::byte* at = to.values + t * kUnpackedTileBytes + j * 8 * kVectorBytes;
      for (int u = 0; u < 8; ++u) Lanes::StoreBytes(at + u * kVectorBytes, units[u]);
      for (int g = 0; g < K::kGroups; ++g) {
        const std::int64_t scale = (t * K::kGroups + g) * kPanelRows + j * Lanes::kLanes;
        Lanes::Store(to.scales + scale, ScalesOf<kind>(header, tile, g, j), Lanes::kLanes);
        if constexpr (K::kLayout.minimums)
          Lanes::Store(to.minimums + scale, MinimumsOf<kind>(header, tile, g, j), Lanes::kLanes);
      }
    }
    tile += K::kLayout.tile_bytes();
  }
}

// Where results go: 64 of a row side by side, rows `stride` apart.
struct Results {
  float* data;
  std::int64_t stride;
  bool begun;  // there are sums of earlier tiles
};

// Adds the unpacked tiles' part to kRows rows of results.
template <PackedKind kind, int kRows>
void AddTiles(const Unpacked& from, std::int64_t first_tile, std::int64_t tiles, const QuantizedRows& x,
              std::int64_t row, const Results& results, float* to) {
  using K = Kind<kind>;
  constexpr int kPass = Lanes::kPassVectors;
  constexpr int kVectorBytes = Lanes::kLanes * 4;
  const std::int64_t groups = x.cols / 32;
  for (int pass = 0; pass < kVectors; pass += kPass) {
    Floats result[kPass][kRows];
    for (int j = 0; j < kPass; ++j) {
      for (int r = 0; r < kRows; ++r) {
        result[j][r] = results.begun ? Lanes::LoadFloats(to + r * results.stride + (pass + j) * Lanes::kLanes)
                                     : Lanes::ZeroFloats();
      }
    }
    for (std::int64_t t = 0; t < tiles; ++t) {
      const std::int8_t* values = x.values + row * x.cols + kTileColumns * (first_tile + t);
      const std::byte* weights = from.values + t * kUnpackedTileBytes + pass * 8 * kVectorBytes;
      for (int g = 0; g < K::kGroups; ++g) {
        Ints sum[kPass][kRows];
        for (int r = 0; r < kRows; ++r) {
          const Ints begin =
              BeginSum<kind>(Lanes::Broadcast(NegativeSums<kind>(x, row + r, first_tile + t) + g));
          for (int j = 0; j < kPass; ++j) sum[j][r] = begin;
        }
#pragma GCC unroll 8
        for (int u = 0; u < K::kUnits; ++u) {
          const int unit = g * K::kUnits + u;
          Bytes w[kPass];
          for (int j = 0; j < kPass; ++j)
            w[j] = Lanes::Keep(Lanes::Load(weights + (8 * j + unit) * kVectorBytes));
          for (int r = 0; r < kRows; ++r) {
            const Ints activations = Lanes::Broadcast(values + r * x.cols + 4 * unit);
            for (int j = 0; j < kPass; ++j) sum[j][r] = Dot<kind>(sum[j][r], w[j], activations);
          }
        }
        const std::int64_t at = (t * K::kGroups + g) * kPanelRows + pass * Lanes::kLanes;
        for (int r = 0; r < kRows; ++r) {
          const Floats scale = Lanes::BroadcastFloat(x.scales + (row + r) * groups + first_tile + t);
          for (int j = 0; j < kPass; ++j) {
            const Floats scales = Lanes::LoadFloats(from.scales + at + j * Lanes::kLanes);
            result[j][r] =
                Lanes::MultiplyAdd(Lanes::Multiply(Lanes::ToFloats(sum[j][r]), scales), scale, result[j][r]);
          }
          if constexpr (K::kLayout.minimums) {
            const Ints negative = Lanes::Broadcast(NegativeSums<kind>(x, row + r, first_tile + t) + g);
            const Floats scaled = Lanes::Multiply(scale, Lanes::ToFloats(negative));
            for (int j = 0; j < kPass; ++j) {
              result[j][r] = Lanes::MultiplyAdd(Lanes::LoadFloats(from.minimums + at + j * Lanes::kLanes),
                                                scaled, result[j][r]);
            }
          }
        }
      }
    }
    for (int j = 0; j < kPass; ++j) {
      for (int r = 0; r < kRows; ++r)
        Lanes::Store(to + r * results.stride + (pass + j) * Lanes::kLanes, result[j][r], Lanes::kLanes);
    }
  }
}

// Many rows: as many tiles at a time as the second-level cache keeps near are unpacked, and used by all rows.
template <PackedKind kind>
void ProductMany(const std::byte* panel, const QuantizedRows& x, std::int64_t first, std::int64_t rows,
                 float* y, std::int64_t y_stride, std::int64_t outputs, std::byte* scratch) {
  constexpr PackedLayout kLayout = LayoutOf(kind);
  const Unpacked unpacked = UnpackedIn(scratch);
  Results results{y, y_stride, false};
  if (outputs < kPanelRows) results = {ResultsIn(scratch), kPanelRows, false};
  const std::int64_t tiles = x.cols / kTileColumns;
  for (std::int64_t t = 0; t < tiles; t += kUnpackedTiles) {
    const std::int64_t count = tiles - t < kUnpackedTiles ? tiles - t : kUnpackedTiles;
    for (std::int64_t at = 0; at < count; at += kHeaderTiles) {
      const std::int64_t some = count - at < kHeaderTiles ? count - at : kHeaderTiles;
      Unpack<kind>(panel, panel + kLayout.header_bytes(), some, unpacked.From<kind>(at));
      panel += kLayout.header_bytes() + some * kLayout.tile_bytes();
    }
    // While the rows are multiplied, the tiles that are unpacked next come into the second-level cache.
    const std::int64_t lines_a_row = count * kLayout.tile_bytes() / 64 / rows + 1;
    std::int64_t r = 0;
    const auto run = [&]<int kRows>() {
      for (; r + kRows <= rows; r += kRows) {
        for (std::int64_t line = r * lines_a_row; line < (r + kRows) * lines_a_row; ++line)
          __builtin_prefetch(panel + 64 * line, 0, 2);
        AddTiles<kind, kRows>(unpacked, t, count, x, first + r, results, results.data + r * results.stride);
      }
    };
    run.template operator()<Lanes::kTogether>();
    run.template operator()<2>();
    run.template operator()<1>();
    results.begun = true;
  }
  if (outputs == kPanelRows) return;
  for (std::int64_t r = 0; r < rows; ++r)
    __builtin_memcpy(y + r * y_stride, results.data + r * kPanelRows,
                     static_cast<std::size_t>(outputs) * sizeof(float));
}

#if defined(CARAT_TILES)
#include "lib/kernels/integer_tiles.inc.h"
#endif

template <PackedKind kind>
void ProductOf(const std::byte* panel, const QuantizedRows& x, std::int64_t first, std::int64_t rows,
               float* y, std::int64_t y_stride, std::int64_t outputs, std::byte* scratch,
               std::int64_t prefetch_bytes) {
#if defined(CARAT_TILES)
  if (rows >= kFewestTileRows)
    return ProductTiles<kind>(panel, x, first, rows, y, y_stride, outputs, scratch);
#endif
  if (rows <= kFewRows)
    return ProductFewRows<kind>(panel, x, first, rows, y, y_stride, outputs, prefetch_bytes);
  ProductMany<kind>(panel, x, first, rows, y, y_stride, outputs, scratch);
}

void Product(PackedKind kind, const std::byte* panel, const QuantizedRows& x, std::int64_t first,
             std::int64_t rows, float* y, std::int64_t y_stride, std::int64_t outputs, std::byte* scratch,
             std::int64_t prefetch_bytes) {
  switch (kind) {
#define CARAT_KIND(name) \
  case PackedKind::name: \
    return ProductOf<PackedKind::name>(panel, x, first, rows, y, y_stride, outputs, scratch, prefetch_bytes)
    CARAT_KIND(k4);
    CARAT_KIND(k4Minimum);
    CARAT_KIND(k4Table);
    CARAT_KIND(k4TableHeader);
    CARAT_KIND(k4Header);
    CARAT_KIND(k4HeaderFine);
    CARAT_KIND(k4SignedFine);
    CARAT_KIND(k5);
    CARAT_KIND(k5Minimum);
    CARAT_KIND(k5Header);
    CARAT_KIND(k6SignedFine);
    CARAT_KIND(k8);
#undef CARAT_KIND
  }
}

void Quantize(const float* x, const QuantizedRows& to, std::int64_t row) {
  for (std::int64_t g = 0; g < to.cols / 32; ++g) {
    const float largest = Lanes::LargestMagnitude(x + 32 * g);
    const float factor = largest > 0 ? 127.0f / largest : 0.0f;
    std::int32_t sums[2];
    Lanes::QuantizeGroup(x + 32 * g, factor, to.values + row * to.cols + 32 * g, sums);
    const std::int64_t at = row * (to.cols / 32) + g;
    to.scales[at] = largest / 127.0f;
    to.negative_sums[at] = -(sums[0] + sums[1]);
    to.negative_fine[2 * at] = -sums[0];
    to.negative_fine[2 * at + 1] = -sums[1];
  }
}

constexpr IntegerKernels kTable = {Quantize, Product};
