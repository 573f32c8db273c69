// Integer products of many rows with tile registers: the part of integer_kernels.inc.h that needs `Tiles`.
//
// Unpacked weights are what a tile wants already: the eight units of 16 outputs are eight rows of 64 bytes.
// So one instruction multiplies 16 rows of activations with 32 columns of 16 outputs. The rest is float
// arithmetic on its sums, in the order that integer_kernels.h defines; it runs on the sums before, while the
// tiles compute the next.

static_assert(Lanes::kLanes == 16 && kProductRows % 16 == 0);

constexpr int kTileRows = 16;
// From this many rows on, though a block is computed as a whole.
constexpr std::int64_t kFewestTileRows = 9;

// Each of these and the one after it, in turns.
constexpr int kSumTile = 0, kActivationTile = 2, kWeightTile = 4;

// For groups of `group` columns.
constexpr TileConfig IntegerTileConfig(int group) {
  TileConfig config;
  for (const int tile : {0, 1}) {
    config.rows[kSumTile + tile] = config.rows[kActivationTile + tile] = kTileRows;
    config.row_bytes[kSumTile + tile] = 64;
    config.row_bytes[kActivationTile + tile] = static_cast<std::uint16_t>(group);
    config.rows[kWeightTile + tile] = static_cast<std::uint8_t>(group / 4);
    config.row_bytes[kWeightTile + tile] = 64;
  }
  return config;
}

// 16 rows of activations, 8 tiles of columns or fewer.
struct ActivationBlock {
  const std::int8_t* values;  // row 0
  std::int64_t stride;
  float scales[kHeaderTiles][kTileRows];
  float negative_sums[kHeaderTiles * 2][kTileRows];  // of each group, times the scale
  alignas(64) std::int8_t copy[kTileRows * kHeaderTiles * kTileColumns];
};

// Rows beyond `rows` are zero.
template <PackedKind kind>
void GatherBlock(const QuantizedRows& x, std::int64_t row, std::int64_t rows, std::int64_t first_tile,
                 std::int64_t tiles, ActivationBlock* to) {
  using K = Kind<kind>;
  to->values = x.values + row * x.cols + first_tile * kTileColumns;
  to->stride = x.cols;
  if (rows < kTileRows) {
    constexpr std::int64_t kStride = kHeaderTiles * kTileColumns;
    __builtin_memset(to->copy, 0, sizeof(to->copy));
    for (std::int64_t r = 0; r < rows; ++r)
      __builtin_memcpy(to->copy + r * kStride, to->values + r * x.cols,
                       static_cast<std::size_t>(tiles * kTileColumns));
    to->values = to->copy;
    to->stride = kStride;
  }
  for (std::int64_t r = 0; r < kTileRows; ++r) {
    for (std::int64_t t = 0; t < tiles; ++t) {
      const bool given = r < rows;
      const float scale = given ? x.scales[(row + r) * (x.cols / 32) + first_tile + t] : 0.0f;
      to->scales[t][r] = scale;
      if constexpr (K::kLayout.minimums) {
        const std::int32_t* sums = NegativeSums<kind>(x, given ? row + r : row, first_tile + t);
        for (int g = 0; g < K::kGroups; ++g)
          to->negative_sums[t * K::kGroups + g][r] = scale * static_cast<float>(sums[g]);
      }
    }
  }
}

// Sums of one group, of 16 rows and 16 outputs.
template <PackedKind kind, int turn>
inline void DotGroup(const ActivationBlock& x, const std::byte* weights, std::int64_t group,
                     std::int32_t* to) {
  using K = Kind<kind>;
  const std::int64_t tile = group / K::kGroups, within = group % K::kGroups;
  Tiles::template Zero<kSumTile + turn>();
  Tiles::template Load<kActivationTile + turn>(x.values + tile * kTileColumns + within * K::kLayout.group,
                                               x.stride);
  Tiles::template Load<kWeightTile + turn>(weights + tile * kUnpackedTileBytes + within * K::kUnits * 64, 64);
  Tiles::template DotInt8<kSumTile + turn, kActivationTile + turn, kWeightTile + turn>();
  Tiles::template Store<kSumTile + turn>(to, 64);
}

// Adds what the sums of one group stand for.
template <PackedKind kind>
inline void AddGroup(const ActivationBlock& x, const Unpacked& from, int j, std::int64_t group,
                     const std::int32_t* sums, Floats* result) {
  using K = Kind<kind>;
  const float* activation_scales = x.scales[group / K::kGroups];
  const std::int64_t at = group * kPanelRows + j * Lanes::kLanes;
  const Floats scales = Lanes::LoadFloats(from.scales + at);
#pragma GCC unroll 16
  for (int r = 0; r < kTileRows; ++r) {
    const Ints sum = Lanes::LoadInts(sums + r * Lanes::kLanes);
    result[r] = Lanes::MultiplyAdd(Lanes::Multiply(Lanes::ToFloats(sum), scales),
                                   Lanes::BroadcastFloat(activation_scales + r), result[r]);
  }
  if constexpr (K::kLayout.minimums) {
    const Floats minimums = Lanes::LoadFloats(from.minimums + at);
#pragma GCC unroll 16
    for (int r = 0; r < kTileRows; ++r)
      result[r] = Lanes::MultiplyAdd(minimums, Lanes::BroadcastFloat(x.negative_sums[group] + r), result[r]);
  }
}

// Adds `tiles` unpacked tiles' part for 16 rows and the outputs of vector j to results, 64 apart.
template <PackedKind kind>
void AddBlock(const ActivationBlock& x, const Unpacked& from, std::int64_t tiles, int j, float* results) {
  using K = Kind<kind>;
  alignas(64) std::int32_t sums[2][kTileRows * Lanes::kLanes];
  const std::byte* weights = from.values + j * 8 * 64;
  const std::int64_t groups = tiles * K::kGroups;
  Floats result[kTileRows];
  DotGroup<kind, 0>(x, weights, 0, sums[0]);
#pragma GCC unroll 16
  for (int r = 0; r < kTileRows; ++r) result[r] = Lanes::LoadFloats(results + r * kPanelRows);
  std::int64_t g = 0;
  for (; g + 2 <= groups; g += 2) {
    DotGroup<kind, 1>(x, weights, g + 1, sums[1]);
    AddGroup<kind>(x, from, j, g, sums[0], result);
    if (g + 2 < groups) DotGroup<kind, 0>(x, weights, g + 2, sums[0]);
    AddGroup<kind>(x, from, j, g + 1, sums[1], result);
  }
  if (g < groups) AddGroup<kind>(x, from, j, g, sums[0], result);
#pragma GCC unroll 16
  for (int r = 0; r < kTileRows; ++r) Lanes::Store(results + r * kPanelRows, result[r], Lanes::kLanes);
}

// Takes the offset off the unpacked values: tiles multiply signed bytes, and then sums need no correction.
template <PackedKind kind>
void MakeSigned(std::byte* values, std::int64_t tiles) {
  constexpr int kOffset = LayoutOf(kind).offset;
  if constexpr (kOffset != 0) {
    for (std::int64_t at = 0; at < tiles * kUnpackedTileBytes; at += 64)
      Lanes::StoreBytes(values + at, Lanes::Subtract(Lanes::Load(values + at), kOffset));
  }
}

template <PackedKind kind>
void ProductTiles(const std::byte* panel, const QuantizedRows& x, std::int64_t first, std::int64_t rows,
                  float* y, std::int64_t y_stride, std::int64_t outputs, std::byte* scratch) {
  constexpr PackedLayout kLayout = LayoutOf(kind);
  static constexpr TileConfig kConfig = IntegerTileConfig(kLayout.group);
  const Unpacked unpacked = UnpackedIn(scratch);
  float* results = ResultsIn(scratch);
  const std::int64_t blocks = (rows + kTileRows - 1) / kTileRows;
  __builtin_memset(results, 0, static_cast<std::size_t>(blocks * kTileRows * kPanelRows) * sizeof(float));
  ActivationBlock block;
  Tiles::Configure(kConfig);
  const std::int64_t tiles = x.cols / kTileColumns;
  for (std::int64_t t = 0; t < tiles; t += kHeaderTiles) {
    const std::int64_t count = tiles - t < kHeaderTiles ? tiles - t : kHeaderTiles;
    const std::byte* header = panel;
    panel += kLayout.header_bytes();
    Unpack<kind>(header, panel, count, unpacked);
    MakeSigned<kind>(unpacked.values, count);
    panel += count * kLayout.tile_bytes();
    for (std::int64_t r = 0; r < rows; r += kTileRows) {
      GatherBlock<kind>(x, first + r, rows - r < kTileRows ? rows - r : kTileRows, t, count, &block);
      for (int j = 0; j < kVectors; ++j)
        AddBlock<kind>(block, unpacked, count, j, results + r * kPanelRows + j * Lanes::kLanes);
    }
  }
  Tiles::Release();
  for (std::int64_t r = 0; r < rows; ++r)
    __builtin_memcpy(y + r * y_stride, results + r * kPanelRows,
                     static_cast<std::size_t>(outputs) * sizeof(float));
}
