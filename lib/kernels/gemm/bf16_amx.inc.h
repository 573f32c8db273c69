// bf16 products with tile registers, over `Tiles` of simd/amx.h and weights packed as bf16.inc.h packs them.
// One instruction multiplies 16 rows with 32 columns of 16 rows of weights, adds the products of even and of
// odd columns apart, and these two sums to the result: in the order of columns, 32 at a time. Rows and
// columns that do not fill a tile are padded with zeros, so a row gives the same result alone.

constexpr std::int64_t kStepColumns = 32;
constexpr std::int64_t kChunkK = 256;

// All eight tiles are as large as they can be: sums 0 to 3, rows 4 and 5, weights 6 and 7.
constexpr TileConfig Bf16TileConfig() {
  TileConfig config;
  for (int tile = 0; tile < 8; ++tile) {
    config.rows[tile] = kTileRows;
    config.row_bytes[tile] = 64;
  }
  return config;
}

// A chunk of columns of at most 32 rows of x, and of at most 64 rows of weights.
struct Chunk {
  const std::uint16_t* x;
  std::int64_t x_stride;
  std::int64_t steps;       // of 32 columns, the last perhaps padded
  const std::byte* packed;  // [pairs of columns, width]
  const std::byte* last;    // the same of the last step
  std::int64_t width;       // bytes
};

// One tile of rows, or two, by one of outputs, or two.
template <int kRowTiles, int kOutputTiles>
void MultiplyChunk(const Chunk& c, std::int64_t output, bool accumulate, float* y, std::int64_t y_stride) {
  const std::int64_t stride = 4 * y_stride;
  float* lower = y + kTileRows * y_stride;
  const auto each_sum = [&](auto one) {
    one.template operator()<0>(y);
    if constexpr (kOutputTiles == 2) one.template operator()<1>(y + 16);
    if constexpr (kRowTiles == 2) one.template operator()<2>(lower);
    if constexpr (kRowTiles == 2 && kOutputTiles == 2) one.template operator()<3>(lower + 16);
  };
  each_sum([&]<int tile>(const float* from) {
    if (accumulate) {
      Tiles::template Load<tile>(from, stride);
    } else {
      Tiles::template Zero<tile>();
    }
  });
  for (std::int64_t s = 0; s < c.steps; ++s) {
    const std::uint16_t* x = c.x + s * kStepColumns;
    const std::byte* w =
        (s + 1 < c.steps ? c.packed + s * (kStepColumns / 2) * c.width : c.last) + 4 * output;
    Tiles::template Load<4>(x, 2 * c.x_stride);
    Tiles::template Load<6>(w, c.width);
    Tiles::template DotBf16<0, 4, 6>();
    if constexpr (kOutputTiles == 2) {
      Tiles::template Load<7>(w + 64, c.width);
      Tiles::template DotBf16<1, 4, 7>();
    }
    if constexpr (kRowTiles == 2) {
      Tiles::template Load<5>(x + kTileRows * c.x_stride, 2 * c.x_stride);
      Tiles::template DotBf16<2, 5, 6>();
      if constexpr (kOutputTiles == 2) Tiles::template DotBf16<3, 5, 7>();
    }
  }
  each_sum([&]<int tile>(float* to) { Tiles::template Store<tile>(to, stride); });
}

// The same for `rows` and `outputs` up to 32, of which tiles may be filled in part.
void MultiplyPart(const Chunk& c, std::int64_t rows, std::int64_t output, std::int64_t outputs,
                  bool accumulate, float* y, std::int64_t y_stride) {
  alignas(64) float whole[32 * 32];
  const bool filled = rows % kTileRows == 0 && outputs % 16 == 0;
  float* to = filled ? y : whole;
  const std::int64_t stride = filled ? y_stride : 32;
  const auto bytes = static_cast<std::size_t>(4 * outputs);
  if (!filled && accumulate) {
    __builtin_memset(whole, 0, sizeof(whole));
    for (std::int64_t r = 0; r < rows; ++r) __builtin_memcpy(whole + 32 * r, y + r * y_stride, bytes);
  }
  if (rows > kTileRows) {
    if (outputs > 16) MultiplyChunk<2, 2>(c, output, accumulate, to, stride);
    if (outputs <= 16) MultiplyChunk<2, 1>(c, output, accumulate, to, stride);
  } else {
    if (outputs > 16) MultiplyChunk<1, 2>(c, output, accumulate, to, stride);
    if (outputs <= 16) MultiplyChunk<1, 1>(c, output, accumulate, to, stride);
  }
  if (filled) return;
  for (std::int64_t r = 0; r < rows; ++r) __builtin_memcpy(y + r * y_stride, whole + 32 * r, bytes);
}

// y = x w^T, or y += x w^T, for `cols` columns, at most kChunkK, of packed weights.
void MultiplyRows(const std::uint16_t* x, std::int64_t x_stride, std::int64_t rows, const std::byte* packed,
                  std::int64_t cols, std::int64_t outputs, bool accumulate, float* y, std::int64_t y_stride) {
  alignas(64) std::uint16_t padded[32 * kChunkK];
  alignas(64) std::byte last[kStepColumns / 2 * kBf16N * 4];
  const std::int64_t width = (outputs + 15) / 16 * 64;
  const std::int64_t steps = (cols + kStepColumns - 1) / kStepColumns;
  Chunk c{x, x_stride, steps, packed, packed + (steps - 1) * (kStepColumns / 2) * width, width};
  const bool part_of_step = cols % kStepColumns != 0;
  if (part_of_step) {
    const std::int64_t pairs = (cols + 1) / 2 - (steps - 1) * (kStepColumns / 2);
    __builtin_memset(last, 0, sizeof(last));
    __builtin_memcpy(last, c.last, static_cast<std::size_t>(pairs * width));
    c.last = last;
  }
  for (std::int64_t r = 0; r < rows; r += 32) {
    const std::int64_t count = rows - r < 32 ? rows - r : 32;
    c.x = x + r * x_stride;
    c.x_stride = x_stride;
    if (part_of_step || count % kTileRows != 0) {
      __builtin_memset(padded, 0, sizeof(padded));
      for (std::int64_t i = 0; i < count; ++i)
        __builtin_memcpy(padded + i * kChunkK, c.x + i * x_stride, static_cast<std::size_t>(2 * cols));
      c.x = padded;
      c.x_stride = kChunkK;
    }
    for (std::int64_t n = 0; n < outputs; n += 32)
      MultiplyPart(c, count, n, outputs - n < 32 ? outputs - n : 32, accumulate, y + r * y_stride + n,
                   y_stride);
  }
}

StatusCode Bf16RunByTiles(const GemmShape& s, const void* x, const void* w, float* y, void*) {
  static constexpr TileConfig kConfig = Bf16TileConfig();
  const auto* rows = static_cast<const std::uint16_t*>(x);
  const auto* packed = static_cast<const std::byte*>(w);
  Tiles::Configure(kConfig);
  for (std::int64_t n = 0; n < s.n; n += kBf16N) {
    const std::int64_t count = s.n - n < kBf16N ? s.n - n : kBf16N;
    const std::int64_t width = (count + 15) / 16 * 64;
    for (std::int64_t k = 0; k < s.k; k += kChunkK) {
      MultiplyRows(rows + k, s.x_stride, s.m, packed + k / 2 * width, s.k - k < kChunkK ? s.k - k : kChunkK,
                   count, s.accumulate || k != 0, y + n, s.y_stride);
    }
    packed += Bf16PackedBytes(count, s.k);
  }
  Tiles::Release();
  return StatusCode{};
}

constexpr GemmKernels kBf16ByTiles = {.format = NumberFormat::kBF16,
                                      .mr = 768,
                                      .nr = kBf16N,
                                      .kc = kChunkK,
                                      // Rows of y a multiple of 4096 bytes apart would conflict in the cache.
                                      .gathers = true,
                                      .packed_bytes = Bf16PackedBytes,
                                      .scratch_bytes = NoScratch,
                                      .pack = Bf16Pack,
                                      .run = Bf16RunByTiles};
