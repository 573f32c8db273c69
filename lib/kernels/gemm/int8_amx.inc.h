// Large M with tile registers: the part of int8.inc.h that needs `Tiles`.
//
// Unpacked weights are what a tile takes: the eight k-quads of 16 rows of weights are eight rows of 64 bytes.
// So one instruction multiplies 16 rows of activations with 32 columns of 16 rows of weights. The rest is
// float arithmetic on its sums, in the order that gemm.h defines; it runs on the sums before, while the tiles
// compute the next.

static_assert(Vec::kWidth == 16 && kInt8M % 16 == 0);

// From this many rows on, though a block is computed as a whole.
constexpr std::int64_t kFewestTileRows = 9;

// Each of these and the one after it, in turns.
constexpr int kSumTile = 0, kActivationTile = 2, kWeightTile = 4;

// For groups of `group` columns.
constexpr TileConfig Int8TileConfig(int group) {
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

// 16 rows of activations, K-blocks of one super-block or fewer.
struct ActivationBlock {
  const std::int8_t* values;  // row 0
  std::int64_t stride;
  float scales[kBlocksPerSuper][kTileRows];
  float negative_sums[kBlocksPerSuper * 2][kTileRows];  // of each group, times the scale
  alignas(64) std::int8_t copy[kTileRows * kBlocksPerSuper * kBlockK];
};

// Rows beyond `rows` are zero.
template <NumberFormat format>
void GatherBlock(const QuantizedRows& x, std::int64_t row, std::int64_t rows, std::int64_t first_block,
                 std::int64_t blocks, ActivationBlock* to) {
  using T = Traits<format>;
  to->values = x.values + row * x.k + first_block * kBlockK;
  to->stride = x.k;
  if (rows < kTileRows) {
    constexpr std::int64_t kStride = kBlocksPerSuper * kBlockK;
    __builtin_memset(to->copy, 0, sizeof(to->copy));
    for (std::int64_t r = 0; r < rows; ++r)
      __builtin_memcpy(to->copy + r * kStride, to->values + r * x.k,
                       static_cast<std::size_t>(blocks * kBlockK));
    to->values = to->copy;
    to->stride = kStride;
  }
  for (std::int64_t r = 0; r < kTileRows; ++r) {
    for (std::int64_t t = 0; t < blocks; ++t) {
      const bool given = r < rows;
      const float scale = given ? x.scales[(row + r) * (x.k / 32) + first_block + t] : 0.0f;
      to->scales[t][r] = scale;
      if constexpr (T::kLayout.minimums) {
        const std::int32_t* sums = NegativeSums<format>(x, given ? row + r : row, first_block + t);
        for (int g = 0; g < T::kGroups; ++g)
          to->negative_sums[t * T::kGroups + g][r] = scale * static_cast<float>(sums[g]);
      }
    }
  }
}

// Integer sums of one group, of 16 rows of activations and 16 of weights.
template <NumberFormat format, int turn>
inline void TileGroup(const ActivationBlock& x, const std::byte* weights, std::int64_t group,
                      std::int32_t* to) {
  using T = Traits<format>;
  const std::int64_t block = group / T::kGroups, within = group % T::kGroups;
  Tiles::template Zero<kSumTile + turn>();
  Tiles::template Load<kActivationTile + turn>(x.values + block * kBlockK + within * T::kLayout.group,
                                               x.stride);
  Tiles::template Load<kWeightTile + turn>(weights + block * kUnpackedBlockBytes + within * T::kQuads * 64,
                                           64);
  Tiles::template DotInt8<kSumTile + turn, kActivationTile + turn, kWeightTile + turn>();
  Tiles::template Store<kSumTile + turn>(to, 64);
}

// Adds what the sums of one group stand for.
template <NumberFormat format>
inline void AddGroup(const ActivationBlock& x, const Unpacked& from, int j, std::int64_t group,
                     const std::int32_t* sums, Vec* result) {
  using T = Traits<format>;
  const float* activation_scales = x.scales[group / T::kGroups];
  const std::int64_t at = group * kPanelN + j * Vec::kWidth;
  const Vec scales = Vec::Load(from.scales + at);
#pragma GCC unroll 16
  for (int r = 0; r < kTileRows; ++r) {
    const Ints sum = Quads::LoadInts(sums + r * Vec::kWidth);
    result[r] = Vec::MultiplyAdd(Vec::Multiply(Quads::ToFloats(sum), scales), Vec::Set(activation_scales[r]),
                                 result[r]);
  }
  if constexpr (T::kLayout.minimums) {
    const Vec minimums = Vec::Load(from.minimums + at);
#pragma GCC unroll 16
    for (int r = 0; r < kTileRows; ++r)
      result[r] = Vec::MultiplyAdd(minimums, Vec::Set(x.negative_sums[group][r]), result[r]);
  }
}

// Adds the part of `blocks` unpacked K-blocks to the results of 16 rows, 64 apart, for the weights of vector
// j.
template <NumberFormat format>
void AddBlock(const ActivationBlock& x, const Unpacked& from, std::int64_t blocks, int j, float* results) {
  using T = Traits<format>;
  alignas(64) std::int32_t sums[2][kTileRows * Vec::kWidth];
  const std::byte* weights = from.values + j * 8 * 64;
  const std::int64_t groups = blocks * T::kGroups;
  Vec result[kTileRows];
  TileGroup<format, 0>(x, weights, 0, sums[0]);
#pragma GCC unroll 16
  for (int r = 0; r < kTileRows; ++r) result[r] = Vec::Load(results + r * kPanelN);
  std::int64_t g = 0;
  for (; g + 2 <= groups; g += 2) {
    TileGroup<format, 1>(x, weights, g + 1, sums[1]);
    AddGroup<format>(x, from, j, g, sums[0], result);
    if (g + 2 < groups) TileGroup<format, 0>(x, weights, g + 2, sums[0]);
    AddGroup<format>(x, from, j, g + 1, sums[1], result);
  }
  if (g < groups) AddGroup<format>(x, from, j, g, sums[0], result);
#pragma GCC unroll 16
  for (int r = 0; r < kTileRows; ++r) Vec::StoreFirst(results + r * kPanelN, result[r], Vec::kWidth);
}

// Takes the offset off the unpacked values: tiles multiply signed bytes, and then sums need no correction.
template <NumberFormat format>
void MakeSigned(std::byte* values, std::int64_t blocks) {
  constexpr int kOffset = PackedLayoutOf(format).offset;
  if constexpr (kOffset != 0) {
    for (std::int64_t at = 0; at < blocks * kUnpackedBlockBytes; at += 64)
      Quads::StoreBytes(values + at, Quads::Subtract(Quads::Load(values + at), kOffset));
  }
}

template <NumberFormat format>
void LargeMByTiles(const std::byte* panel, const QuantizedRows& x, std::int64_t first, std::int64_t m,
                   float* y, std::int64_t y_stride, std::int64_t n, std::byte* scratch) {
  constexpr PackedLayout kLayout = PackedLayoutOf(format);
  static constexpr TileConfig kConfig = Int8TileConfig(kLayout.group);
  const Unpacked unpacked = UnpackedIn(scratch);
  float* results = ResultsIn(scratch);
  const std::int64_t padded = (m + kTileRows - 1) / kTileRows * kTileRows;
  __builtin_memset(results, 0, static_cast<std::size_t>(padded * kPanelN) * sizeof(float));
  ActivationBlock activations;
  Tiles::Configure(kConfig);
  const std::int64_t blocks = x.k / kBlockK;
  for (std::int64_t t = 0; t < blocks; t += kBlocksPerSuper) {
    const std::int64_t count = blocks - t < kBlocksPerSuper ? blocks - t : kBlocksPerSuper;
    const std::byte* super = panel;
    panel += kLayout.super_bytes();
    Unpack<format>(super, panel, count, unpacked);
    MakeSigned<format>(unpacked.values, count);
    panel += count * kLayout.block_bytes();
    for (std::int64_t r = 0; r < m; r += kTileRows) {
      GatherBlock<format>(x, first + r, m - r < kTileRows ? m - r : kTileRows, t, count, &activations);
      for (int j = 0; j < kVectors; ++j)
        AddBlock<format>(activations, unpacked, count, j, results + r * kPanelN + j * Vec::kWidth);
    }
  }
  Tiles::Release();
  for (std::int64_t r = 0; r < m; ++r)
    __builtin_memcpy(y + r * y_stride, results + r * kPanelN, static_cast<std::size_t>(n) * sizeof(float));
}
