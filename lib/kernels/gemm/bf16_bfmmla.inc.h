// bf16 products with matrix instructions, over `Vec`, `Quads` and `Matrices`. One instruction multiplies four
// columns of two rows of x with two rows of weights.
//
// Packed weights are panels of 64 rows (the last one of as many as are left, to a multiple of 8), within a
// panel [steps of four columns, pairs of rows], two rows by four columns in a register. What is beyond the
// rows and columns is zero.
//
// A result is a sum over the steps, in their order: y += p0 + p1, then y += p2 + p3, of a step's four
// products. It depends on no other row of x, nor on where K is cut, at multiples of four.
//
// What BFMMLA guarantees about rounding depends on FPCR.EBF. With 0, each of these additions rounds to odd:
// an inexact sum becomes the neighbour whose last bit is one. Subnormal inputs and results are zero. The
// other bits of FPCR have no influence, so every processor gives the same bits. This is how Linux starts
// programs, and all that a processor without FEAT_EBF16 does. With 1, additions round, and treat subnormal
// numbers, as FPCR says for other float32 instructions. Nothing here reads or changes FPCR. In both cases
// last bits differ from those of fused multiply-adds.

static_assert(Vec::kWidth == 4);

constexpr std::int64_t kPairStep = 4;
// K-block: the packed weights of a panel stay in the second-level cache, and eight rows of x, arranged, in
// the first-level cache.
constexpr std::int64_t kPairK = 1024;
// Columns of y whose sums stay in registers together.
constexpr std::int64_t kPairN = 8;

constexpr std::int64_t PairSteps(std::int64_t k) {
  return (k + kPairStep - 1) / kPairStep;
}

// Rows of a panel of n, with padding.
constexpr std::int64_t PairWidth(std::int64_t n) {
  return (n + kPairN - 1) / kPairN * kPairN;
}

constexpr std::size_t PairPackedBytes(std::int64_t n, std::int64_t k) {
  return static_cast<std::size_t>(PairWidth(n) * PairSteps(k) * kPairStep * 2);
}

// The first `columns` of four columns of two rows, zeros behind them. Null: a row of zeros.
inline Quads::Bytes ReadStep(const std::byte* first, const std::byte* second, std::int64_t columns) {
  if (columns >= kPairStep && first != nullptr && second != nullptr) return Matrices::LoadRows(first, second);
  std::byte padded[16] = {};
  const auto bytes = static_cast<std::size_t>(2 * (columns < kPairStep ? columns : kPairStep));
  if (first != nullptr) __builtin_memcpy(padded, first, bytes);
  if (second != nullptr) __builtin_memcpy(padded + 8, second, bytes);
  return Quads::Load(padded);
}

// Up to 64 rows of w, stride values apart, as one panel.
void PackPairsOfRows(const std::byte* w, std::int64_t stride, std::int64_t n, std::int64_t k, std::byte* to) {
  const std::int64_t pairs = PairWidth(n) / 2;
  for (std::int64_t pair = 0; pair < pairs; ++pair) {
    const std::byte* row = w + 4 * pair * stride;
    for (std::int64_t step = 0; step < PairSteps(k); ++step) {
      const std::byte* at = row + 2 * kPairStep * step;
      Quads::StoreBytes(to + 16 * (step * pairs + pair),
                        ReadStep(2 * pair < n ? at : nullptr, 2 * pair + 1 < n ? at + 2 * stride : nullptr,
                                 k - kPairStep * step));
    }
  }
}

// The same of w that lies as [k, n].
void PackPairsOfColumns(const std::byte* w, std::int64_t stride, std::int64_t n, std::int64_t k,
                        std::byte* to) {
  const std::int64_t width = PairWidth(n);
  for (std::int64_t step = 0; step < PairSteps(k); ++step) {
    for (std::int64_t first = 0; first < width; first += 8) {
      Quads::Bytes rows[kPairStep];
      for (std::int64_t i = 0; i < kPairStep; ++i) {
        std::byte padded[16] = {};
        const std::int64_t row = kPairStep * step + i;
        const std::byte* at = w + 2 * (row * stride + first);
        if (row < k && first + 8 > n) __builtin_memcpy(padded, at, static_cast<std::size_t>(2 * (n - first)));
        rows[i] = Quads::Load(row < k && first + 8 <= n ? at : padded);
      }
      std::byte* pairs = to + 8 * (step * width + first);
      const auto store = [pairs](int at, Quads::Bytes even, Quads::Bytes odd) {
        Quads::StoreBytes(pairs + 16 * at, Matrices::template ZipLower<2>(even, odd));
        Quads::StoreBytes(pairs + 16 * (at + 1), Matrices::template ZipUpper<2>(even, odd));
      };
      store(0, Matrices::template ZipLower<2>(rows[0], rows[2]),
            Matrices::template ZipLower<2>(rows[1], rows[3]));
      store(2, Matrices::template ZipUpper<2>(rows[0], rows[2]),
            Matrices::template ZipUpper<2>(rows[1], rows[3]));
    }
  }
}

void PairPack(const GemmShape& s, const void* w, void* packed) {
  const auto* from = static_cast<const std::byte*>(w);
  auto* to = static_cast<std::byte*>(packed);
  for (std::int64_t n = 0; n < s.n; n += kBf16N) {
    const std::int64_t count = s.n - n < kBf16N ? s.n - n : kBf16N;
    if (s.w_transposed) {
      PackPairsOfColumns(from + 2 * n, s.w_stride, count, s.k, to);
    } else {
      PackPairsOfRows(from + 2 * n * s.w_stride, s.w_stride, count, s.k, to);
    }
    to += PairPackedBytes(count, s.k);
  }
}

// A block of y, of which eight rows and eight columns or fewer are computed at a time.
struct PairBlockOfY {
  float* y;
  std::int64_t stride;
  std::int64_t rows;
  std::int64_t columns;
  bool accumulate;

  // Four columns of a row; what is beyond the block is zero and not stored.
  Vec Load(std::int64_t row, std::int64_t column) const {
    if (!accumulate || row >= rows) return Vec::Zero();
    const float* at = y + row * stride + column;
    if (column + Vec::kWidth <= columns) return Vec::Load(at);
    float four[Vec::kWidth] = {};
    for (std::int64_t i = 0; column + i < columns; ++i) four[i] = at[i];
    return Vec::Load(four);
  }
  void Store(std::int64_t row, std::int64_t column, Vec v) const {
    if (row < rows) Vec::StoreFirst(y + row * stride + column, v, columns - column);
  }
};

// x is [steps, kPairs], `weights` the first of four pairs, `stride` bytes from one step to the next.
template <int kPairs>
void MultiplyPairs(const Quads::Bytes* x, std::int64_t steps, const std::byte* weights, std::int64_t stride,
                   const PairBlockOfY& to) {
  constexpr int kColumns = kPairN / 2;
  Vec sum[kPairs][kColumns];
  for (int p = 0; p < kPairs; ++p) {
    for (int c = 0; c < kColumns; c += 2) {
      const Vec first = to.Load(2 * p, 2 * c), second = to.Load(2 * p + 1, 2 * c);
      sum[p][c] = Matrices::LowerHalves(first, second);
      sum[p][c + 1] = Matrices::UpperHalves(first, second);
    }
  }
  for (std::int64_t step = 0; step < steps; ++step) {
    Quads::Bytes w[kColumns];
    for (int c = 0; c < kColumns; ++c) w[c] = Quads::Load(weights + step * stride + 16 * c);
    for (int p = 0; p < kPairs; ++p) {
      for (int c = 0; c < kColumns; ++c) sum[p][c] = Matrices::DotBf16(sum[p][c], x[step * kPairs + p], w[c]);
    }
  }
  for (int p = 0; p < kPairs; ++p) {
    for (int c = 0; c < kColumns; c += 2) {
      to.Store(2 * p, 2 * c, Matrices::LowerHalves(sum[p][c], sum[p][c + 1]));
      to.Store(2 * p + 1, 2 * c, Matrices::UpperHalves(sum[p][c], sum[p][c + 1]));
    }
  }
}

// Up to 2 * kPairs rows, and k columns, at most kPairK, of one panel.
template <int kPairs>
void MultiplyRowsByPairs(const std::byte* x, std::int64_t x_stride, std::int64_t k, const std::byte* packed,
                         PairBlockOfY to) {
  Quads::Bytes arranged[kPairK / kPairStep * kPairs];
  const std::int64_t steps = PairSteps(k);
  for (std::int64_t step = 0; step < steps; ++step) {
    for (std::int64_t p = 0; p < kPairs; ++p) {
      const std::byte* at = x + 2 * (2 * p * x_stride + kPairStep * step);
      arranged[step * kPairs + p] =
          ReadStep(at, 2 * p + 1 < to.rows ? at + 2 * x_stride : nullptr, k - kPairStep * step);
    }
  }
  const std::int64_t width = PairWidth(to.columns);
  for (std::int64_t n = 0; n < width; n += kPairN) {
    MultiplyPairs<kPairs>(arranged, steps, packed + 8 * n, 8 * width, to);
    to.y += kPairN;
    to.columns -= kPairN;
  }
}

StatusCode PairRun(const GemmShape& s, const void* x, const void* w, float* y, void*) {
  const auto* packed = static_cast<const std::byte*>(w);
  for (std::int64_t n = 0; n < s.n; n += kBf16N) {
    const std::int64_t count = s.n - n < kBf16N ? s.n - n : kBf16N;
    for (std::int64_t k = 0; k < s.k || k == 0; k += kPairK) {
      const std::int64_t columns = s.k - k < kPairK ? s.k - k : kPairK;
      const std::byte* weights = packed + 2 * k * PairWidth(count);
      for (std::int64_t r = 0; r < s.m; r += 8) {
        const std::byte* rows = static_cast<const std::byte*>(x) + 2 * (r * s.x_stride + k);
        const PairBlockOfY to{y + r * s.y_stride + n, s.y_stride, s.m - r < 8 ? s.m - r : 8, count,
                              s.accumulate || k > 0};
        if (to.rows > 4) {
          MultiplyRowsByPairs<4>(rows, s.x_stride, columns, weights, to);
        } else if (to.rows > 2) {
          MultiplyRowsByPairs<2>(rows, s.x_stride, columns, weights, to);
        } else {
          MultiplyRowsByPairs<1>(rows, s.x_stride, columns, weights, to);
        }
      }
    }
    packed += PairPackedBytes(count, s.k);
  }
  return StatusCode{};
}

std::size_t NoPairScratch(std::int64_t, std::int64_t) {
  return 0;
}

constexpr GemmKernels kBf16ByPairs = {.format = NumberFormat::kBF16,
                                      .mr = 768,
                                      .nr = kBf16N,
                                      .kc = kPairK,
                                      .gathers = false,
                                      .packed_bytes = PairPackedBytes,
                                      .scratch_bytes = NoPairScratch,
                                      .pack = PairPack,
                                      .run = PairRun};
