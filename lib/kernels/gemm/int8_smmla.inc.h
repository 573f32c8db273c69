// Two rows or more with matrix instructions: the part of int8.inc.h that needs `Matrices`.
//
// One instruction multiplies eight columns of two rows of activations with two rows of weights. Weights are
// therefore arranged in octets of columns instead of k-quads: of the four rows of a vector, octet o is two
// registers, 2 * o of rows 0 and 1, 2 * o + 1 of rows 2 and 3. Their offset is subtracted, so that they are
// signed and sums need no correction. Results stay in registers of two rows by two columns until they are
// stored. Of an odd number of rows, the last one is computed twice and stored once.

static_assert(Vec::kWidth == 4);

// The four octets of the rows of vector j.
template <NumberFormat format>
inline void UnpackOctets(const std::byte* block, int j, Bytes* octets) {
  constexpr int kOffset = PackedLayoutOf(format).offset;
  Bytes quads[8];
  UnpackQuads<format>(block, j, quads);
  if constexpr (kOffset != 0) {
    for (int u = 0; u < 8; ++u) quads[u] = Quads::Subtract(quads[u], kOffset);
  }
  for (int u = 0; u < 8; u += 2) {
    octets[u] = Matrices::template ZipLower<4>(quads[u], quads[u + 1]);
    octets[u + 1] = Matrices::template ZipUpper<4>(quads[u], quads[u + 1]);
  }
}

// One K-block of two rows of activations.
struct PairBlock {
  Bytes octets[4];
  Vec scales;
  Vec minimum_factors[2];  // the negative sum of each group, times the scale
};

template <NumberFormat format>
inline void ReadPair(const QuantizedRows& x, std::int64_t first, std::int64_t second, std::int64_t block,
                     PairBlock* to) {
  const std::int8_t* values[2] = {x.values + first * x.k + block * kBlockK,
                                  x.values + second * x.k + block * kBlockK};
  for (int o = 0; o < 4; ++o) to->octets[o] = Matrices::LoadRows(values[0] + 8 * o, values[1] + 8 * o);
  const float scales[2] = {x.scales[first * (x.k / 32) + block], x.scales[second * (x.k / 32) + block]};
  to->scales = Matrices::EachRow(scales[0], scales[1]);
  if constexpr (PackedLayoutOf(format).minimums) {
    const std::int32_t* sums[2] = {NegativeSums<format>(x, first, block),
                                   NegativeSums<format>(x, second, block)};
    for (int g = 0; g < Traits<format>::kGroups; ++g) {
      to->minimum_factors[g] = Matrices::EachRow(scales[0] * static_cast<float>(sums[0][g]),
                                                 scales[1] * static_cast<float>(sums[1][g]));
    }
  }
}

// One K-block of `rows` rows from `first` on, in `pairs` pairs.
template <NumberFormat format>
inline void ReadPairs(const QuantizedRows& x, std::int64_t first, std::int64_t rows, int pairs,
                      std::int64_t block, PairBlock* to) {
  for (int p = 0; p < pairs; ++p)
    ReadPair<format>(x, first + 2 * p, first + (2 * p + 1 < rows ? 2 * p + 1 : 2 * p), block, to + p);
}

// What the sums of one group are multiplied with, for the two columns of each half of a vector.
template <NumberFormat format>
struct GroupScales {
  Vec scales[2];
  Vec minimums[2];

  void SetScales(Vec v) {
    scales[0] = Matrices::LowerHalves(v, v);
    scales[1] = Matrices::UpperHalves(v, v);
  }
  void SetMinimums(Vec v) {
    minimums[0] = Matrices::LowerHalves(v, v);
    minimums[1] = Matrices::UpperHalves(v, v);
  }
  // Adds what the sums of group g stand for.
  void Add(Ints sum, int half, const PairBlock& x, int g, Vec* result) const {
    *result = Vec::MultiplyAdd(Vec::Multiply(Quads::ToFloats(sum), scales[half]), x.scales, *result);
    if constexpr (PackedLayoutOf(format).minimums)
      *result = Vec::MultiplyAdd(minimums[half], x.minimum_factors[g], *result);
  }
};

// Small M: weights go from memory to registers and are used there.
template <NumberFormat format, int kPairs>
void SmallMByPairs(const std::byte* panel, const QuantizedRows& x, std::int64_t first, std::int64_t rows,
                   float* y, std::int64_t y_stride, std::int64_t n, std::int64_t prefetch_bytes) {
  using T = Traits<format>;
  Vec result[kVectors][kPairs][2];
  for (auto& of_vector : result) {
    for (auto& pair : of_vector) pair[0] = pair[1] = Vec::Zero();
  }
  const std::byte* super = panel;
  const std::int64_t blocks = x.k / kBlockK;
  for (std::int64_t t = 0; t < blocks; ++t) {
    if (T::kLayout.super_scales && t % kBlocksPerSuper == 0) {
      super = panel;
      panel += T::kLayout.super_bytes();
    }
    PairBlock activations[kPairs];
    ReadPairs<format>(x, first, rows, kPairs, t, activations);
    for (int j = 0; j < kVectors; ++j) {
      if (prefetch_bytes > 0) {
        for (int line = 0; line < T::kLayout.block_bytes(); line += 64 * kVectors)
          __builtin_prefetch(panel + prefetch_bytes + line + 64 * j);
      }
      Bytes octets[8];
      UnpackOctets<format>(panel, j, octets);
      for (int g = 0; g < T::kGroups; ++g) {
        GroupScales<format> scales;
        scales.SetScales(ScalesOf<format>(super, panel, g, j));
        if constexpr (T::kLayout.minimums) scales.SetMinimums(MinimumsOf<format>(super, panel, g, j));
        for (int p = 0; p < kPairs; ++p) {
          for (int half = 0; half < 2; ++half) {
            Ints sum = Quads::Zero();
            for (int u = g * T::kQuads; u < (g + 1) * T::kQuads; u += 2)
              sum = Matrices::DotInt8(sum, activations[p].octets[u / 2], octets[u + half]);
            scales.Add(sum, half, activations[p], g, &result[j][p][half]);
          }
        }
      }
    }
    panel += T::kLayout.block_bytes();
  }
  for (std::int64_t r = 0; r < rows; ++r) {
    for (int j = 0; j < kVectors; ++j) {
      const Vec* pair = result[j][r / 2];
      const Vec row =
          r % 2 == 0 ? Matrices::LowerHalves(pair[0], pair[1]) : Matrices::UpperHalves(pair[0], pair[1]);
      Vec::StoreFirst(y + r * y_stride + j * Vec::kWidth, row, n - j * Vec::kWidth);
    }
  }
}

// Four rows at a time, directly on the packed panel. A last row that is alone takes dot products.
template <NumberFormat format>
void RunSmallMByPairs(const std::byte* panel, const QuantizedRows& x, std::int64_t first, std::int64_t m,
                      float* y, std::int64_t y_stride, std::int64_t n, std::int64_t prefetch_bytes) {
  for (std::int64_t r = 0; r < m; r += 4) {
    const std::int64_t rows = m - r < 4 ? m - r : 4;
    const std::int64_t prefetch = r == 0 ? prefetch_bytes : 0;
    float* to = y + r * y_stride;
    if (rows > 2) {
      SmallMByPairs<format, 2>(panel, x, first + r, rows, to, y_stride, n, prefetch);
    } else if (rows == 2) {
      SmallMByPairs<format, 1>(panel, x, first + r, rows, to, y_stride, n, prefetch);
    } else {
      SmallM<format, 1>(panel, x, first + r, to, y_stride, n, prefetch);
    }
  }
}

// Pairs of rows whose sums stay in registers together.
constexpr int kMostPairs = 4;

// Adds the unpacked K-blocks' part to `rows` rows of results, the last of kPairs pairs perhaps half filled.
// x is [blocks, kPairs].
template <NumberFormat format, int kPairs>
void AddPairs(const PairBlock* x, const Unpacked& from, std::int64_t blocks, std::int64_t rows,
              const Results& results, float* to) {
  using T = Traits<format>;
  constexpr int kVectorBytes = Vec::kWidth * 4;
  float* row[kPairs][2];
  for (int p = 0; p < kPairs; ++p) {
    row[p][0] = to + 2 * p * results.stride;
    row[p][1] = 2 * p + 1 < rows ? row[p][0] + results.stride : row[p][0];
  }
  for (int j = 0; j < kVectors; ++j) {
    const int column = j * static_cast<int>(Vec::kWidth);
    Vec result[kPairs][2];
    for (int p = 0; p < kPairs; ++p) {
      result[p][0] = result[p][1] = Vec::Zero();
      if (!results.begun) continue;
      const Vec first = Vec::Load(row[p][0] + column), second = Vec::Load(row[p][1] + column);
      result[p][0] = Matrices::LowerHalves(first, second);
      result[p][1] = Matrices::UpperHalves(first, second);
    }
    for (std::int64_t t = 0; t < blocks; ++t) {
      const PairBlock* activations = x + t * kPairs;
      const std::byte* weights = from.values + t * kUnpackedBlockBytes + j * 8 * kVectorBytes;
      for (int g = 0; g < T::kGroups; ++g) {
        Ints sum[kPairs][2];
        for (int p = 0; p < kPairs; ++p) sum[p][0] = sum[p][1] = Quads::Zero();
#pragma GCC unroll 4
        for (int u = g * T::kQuads; u < (g + 1) * T::kQuads; u += 2) {
          const Bytes lower = Quads::Load(weights + u * kVectorBytes);
          const Bytes upper = Quads::Load(weights + (u + 1) * kVectorBytes);
          for (int p = 0; p < kPairs; ++p) {
            sum[p][0] = Matrices::DotInt8(sum[p][0], activations[p].octets[u / 2], lower);
            sum[p][1] = Matrices::DotInt8(sum[p][1], activations[p].octets[u / 2], upper);
          }
        }
        const std::int64_t at = (t * T::kGroups + g) * kPanelN + column;
        GroupScales<format> scales;
        scales.SetScales(Vec::Load(from.scales + at));
        if constexpr (T::kLayout.minimums) scales.SetMinimums(Vec::Load(from.minimums + at));
        for (int p = 0; p < kPairs; ++p) {
          for (int half = 0; half < 2; ++half)
            scales.Add(sum[p][half], half, activations[p], g, &result[p][half]);
        }
      }
    }
    // The copy of a row is stored first, and then the row itself, which is the same.
    for (int p = 0; p < kPairs; ++p) {
      Vec::StoreFirst(row[p][1] + column, Matrices::UpperHalves(result[p][0], result[p][1]), Vec::kWidth);
      Vec::StoreFirst(row[p][0] + column, Matrices::LowerHalves(result[p][0], result[p][1]), Vec::kWidth);
    }
  }
}

template <NumberFormat format, int kPairs>
void AddRowsByPairs(const Unpacked& from, std::int64_t first_block, std::int64_t blocks,
                    const QuantizedRows& x, std::int64_t row, std::int64_t rows, const Results& results,
                    float* to) {
  PairBlock activations[kUnpackedBlocks * kPairs];
  for (std::int64_t t = 0; t < blocks; ++t)
    ReadPairs<format>(x, row, rows, kPairs, first_block + t, activations + t * kPairs);
  AddPairs<format, kPairs>(activations, from, blocks, rows, results, to);
}

// Large M: unpack as many K-blocks as fit in the second-level cache, then multiply all rows with them.
template <NumberFormat format>
void LargeMByPairs(const std::byte* panel, const QuantizedRows& x, std::int64_t first, std::int64_t m,
                   float* y, std::int64_t y_stride, std::int64_t n, std::byte* scratch) {
  const Unpacked unpacked = UnpackedIn(scratch);
  Results results{y, y_stride, false};
  if (n < kPanelN) results = {ResultsIn(scratch), kPanelN, false};
  const std::int64_t blocks = x.k / kBlockK;
  for (std::int64_t t = 0; t < blocks; t += kUnpackedBlocks) {
    const std::int64_t count = blocks - t < kUnpackedBlocks ? blocks - t : kUnpackedBlocks;
    panel = UnpackSupers<format, UnpackOctets<format>>(panel, count, unpacked);
    // While the rows are multiplied, the K-blocks that are unpacked next are prefetched.
    const std::int64_t lines_a_row = count * PackedLayoutOf(format).block_bytes() / 64 / m + 1;
    for (std::int64_t r = 0; r < m; r += 2 * kMostPairs) {
      const std::int64_t rows = m - r < 2 * kMostPairs ? m - r : 2 * kMostPairs;
      for (std::int64_t line = r * lines_a_row; line < (r + rows) * lines_a_row; ++line)
        __builtin_prefetch(panel + 64 * line, 0, 2);
      const auto run = [&]<int kPairs>() {
        AddRowsByPairs<format, kPairs>(unpacked, t, count, x, first + r, rows, results,
                                       results.data + r * results.stride);
      };
      if (rows > 6) {
        run.template operator()<4>();
      } else if (rows > 4) {
        run.template operator()<3>();
      } else if (rows > 2) {
        run.template operator()<2>();
      } else {
        run.template operator()<1>();
      }
    }
    results.begun = true;
  }
  if (n == kPanelN) return;
  for (std::int64_t r = 0; r < m; ++r)
    __builtin_memcpy(y + r * y_stride, results.data + r * kPanelN,
                     static_cast<std::size_t>(n) * sizeof(float));
}
