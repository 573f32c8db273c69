// Attention over keys and values in floats, written once over `Vec`; a part of simd_kernels.inc.h.

// How scores and outputs of kQueries queries are summed over keys and values of one format. Every sum runs
// over elements, or positions, in order and in a lane of its own, so that it is the same in every tile.
struct F32Cache {
  // sum[i][j] += queries i with the keys of vector j.
  template <int kQueries, int kVectors>
  static void AddScores(const AttentionBlock& b, std::int64_t q, std::int64_t k,
                        Vec (&sum)[kQueries][kVectors]) {
    const std::byte* keys = static_cast<const std::byte*>(b.keys) + k * F32Source::kBytes;
    const float* query = b.queries + q * b.query_stride;
    for (std::int64_t d = 0; d < b.head_dim; ++d) {
      Vec key[kVectors];
      for (int j = 0; j < kVectors; ++j)
        key[j] = F32Source::Load(keys + (d * b.key_count + j * Vec::kWidth) * F32Source::kBytes);
      for (int i = 0; i < kQueries; ++i) {
        const Vec element = Vec::Set(query[i * b.query_stride + d]);
        for (int j = 0; j < kVectors; ++j) sum[i][j] = Vec::MultiplyAdd(element, key[j], sum[i][j]);
      }
    }
  }
  static float OneScore(const AttentionBlock& b, std::int64_t q, std::int64_t k) {
    const std::byte* keys = static_cast<const std::byte*>(b.keys) + k * F32Source::kBytes;
    float sum = 0;
    for (std::int64_t d = 0; d < b.head_dim; ++d)
      sum = __builtin_fmaf(b.queries[q * b.query_stride + d],
                           F32Source::One(keys + d * b.key_count * F32Source::kBytes), sum);
    return sum;
  }
  template <int kQueries, int kVectors>
  static void AddValues(const AttentionBlock& b, std::int64_t q, std::int64_t first, std::int64_t last,
                        std::int64_t d, Vec (&sum)[kQueries][kVectors]) {
    const std::byte* values = static_cast<const std::byte*>(b.values) + d * F32Source::kBytes;
    for (std::int64_t k = first; k < last; ++k) {
      Vec value[kVectors];
      for (int j = 0; j < kVectors; ++j)
        value[j] = F32Source::Load(values + (k * b.head_dim + j * Vec::kWidth) * F32Source::kBytes);
      for (int i = 0; i < kQueries; ++i) {
        const Vec weight = Vec::Set(b.scores[(q + i) * b.key_count + k]);
        for (int j = 0; j < kVectors; ++j) sum[i][j] = Vec::MultiplyAdd(weight, value[j], sum[i][j]);
      }
    }
  }
  static float OneValue(const AttentionBlock& b, std::int64_t q, std::int64_t first, std::int64_t last,
                        std::int64_t d, float sum) {
    for (std::int64_t k = first; k < last; ++k) {
      sum = __builtin_fmaf(
          b.scores[q * b.key_count + k],
          F32Source::One(static_cast<const std::byte*>(b.values) + (k * b.head_dim + d) * F32Source::kBytes),
          sum);
    }
    return sum;
  }
  template <int kQueries>
  static void PrepareQueries(const AttentionBlock&, std::int64_t) {}
  template <int kQueries>
  static void PrepareWeights(const AttentionBlock&, std::int64_t, std::int64_t, std::int64_t) {}
};

// Words of two bf16 numbers, taken apart.
struct Bf16Cache {
  static constexpr std::int64_t kWord = 4;

  static float LowOf(const void* words, std::int64_t index) {
    std::uint32_t word;
    __builtin_memcpy(&word, static_cast<const std::byte*>(words) + index * kWord, kWord);
    return __builtin_bit_cast(float, word << 16);
  }
  static float HighOf(const void* words, std::int64_t index) {
    std::uint32_t word;
    __builtin_memcpy(&word, static_cast<const std::byte*>(words) + index * kWord, kWord);
    return __builtin_bit_cast(float, word & 0xffff0000u);
  }

  template <int kQueries, int kVectors>
  static void AddScores(const AttentionBlock& b, std::int64_t q, std::int64_t k,
                        Vec (&sum)[kQueries][kVectors]) {
    const std::byte* keys = static_cast<const std::byte*>(b.keys) + k * kWord;
    const float* query = b.queries + q * b.query_stride;
    for (std::int64_t d = 0; d < b.head_dim; d += 2) {
      Vec low[kVectors], high[kVectors];
      for (int j = 0; j < kVectors; ++j) {
        const std::byte* at = keys + (d / 2 * b.key_count + j * Vec::kWidth) * kWord;
        low[j] = Vec::LoadLow(at);
        high[j] = Vec::LoadHigh(at);
      }
      for (int i = 0; i < kQueries; ++i) {
        const Vec even = Vec::Set(query[i * b.query_stride + d]),
                  odd = Vec::Set(query[i * b.query_stride + d + 1]);
        for (int j = 0; j < kVectors; ++j)
          sum[i][j] = Vec::MultiplyAdd(odd, high[j], Vec::MultiplyAdd(even, low[j], sum[i][j]));
      }
    }
  }
  static float OneScore(const AttentionBlock& b, std::int64_t q, std::int64_t k) {
    float sum = 0;
    for (std::int64_t d = 0; d < b.head_dim; d += 2) {
      const float* query = b.queries + q * b.query_stride + d;
      const std::int64_t word = d / 2 * b.key_count + k;
      sum =
          __builtin_fmaf(query[1], HighOf(b.keys, word), __builtin_fmaf(query[0], LowOf(b.keys, word), sum));
    }
    return sum;
  }
  template <int kQueries, int kVectors>
  static void AddValues(const AttentionBlock& b, std::int64_t q, std::int64_t first, std::int64_t last,
                        std::int64_t d, Vec (&sum)[kQueries][kVectors]) {
    const std::byte* values = static_cast<const std::byte*>(b.values) + d * kWord;
    for (std::int64_t k = first; k < last; k += 2) {
      Vec low[kVectors], high[kVectors];
      for (int j = 0; j < kVectors; ++j) {
        const std::byte* at = values + (k / 2 * b.head_dim + j * Vec::kWidth) * kWord;
        low[j] = Vec::LoadLow(at);
        high[j] = Vec::LoadHigh(at);
      }
      for (int i = 0; i < kQueries; ++i) {
        const float* weights = b.scores + (q + i) * b.key_count + k;
        const Vec even = Vec::Set(weights[0]), odd = Vec::Set(weights[1]);
        for (int j = 0; j < kVectors; ++j)
          sum[i][j] = Vec::MultiplyAdd(odd, high[j], Vec::MultiplyAdd(even, low[j], sum[i][j]));
      }
    }
  }
  static float OneValue(const AttentionBlock& b, std::int64_t q, std::int64_t first, std::int64_t last,
                        std::int64_t d, float sum) {
    for (std::int64_t k = first; k < last; k += 2) {
      const float* weights = b.scores + q * b.key_count + k;
      const std::int64_t word = k / 2 * b.head_dim + d;
      sum = __builtin_fmaf(weights[1], HighOf(b.values, word),
                           __builtin_fmaf(weights[0], LowOf(b.values, word), sum));
    }
    return sum;
  }
  template <int kQueries>
  static void PrepareQueries(const AttentionBlock&, std::int64_t) {}
  template <int kQueries>
  static void PrepareWeights(const AttentionBlock&, std::int64_t, std::int64_t, std::int64_t) {}
};

#if defined(CARAT_BF16_DOT_PRODUCTS)
// The same with dot products of pairs. Needs whole vectors of positions and of the head.
struct Bf16DotCache {
  static constexpr std::int64_t kWord = 4;

  static std::uint16_t* Queries(const AttentionBlock& b, int i) { return b.narrow + i * b.head_dim; }
  static std::uint16_t* Weights(const AttentionBlock& b, int i) {
    return b.narrow + 4 * b.head_dim + i * b.key_count;
  }
  template <int kQueries>
  static void PrepareQueries(const AttentionBlock& b, std::int64_t q) {
    for (int i = 0; i < kQueries; ++i)
      NarrowBf16(b.queries + (q + i) * b.query_stride, Queries(b, i), b.head_dim);
  }
  template <int kQueries>
  static void PrepareWeights(const AttentionBlock& b, std::int64_t q, std::int64_t first, std::int64_t last) {
    for (int i = 0; i < kQueries; ++i)
      NarrowBf16(b.scores + (q + i) * b.key_count + first, Weights(b, i) + first, last - first);
  }
  template <int kQueries, int kVectors>
  static void AddScores(const AttentionBlock& b, std::int64_t, std::int64_t k,
                        Vec (&sum)[kQueries][kVectors]) {
    const std::byte* keys = static_cast<const std::byte*>(b.keys) + k * kWord;
    for (std::int64_t d = 0; d < b.head_dim; d += 2) {
      Vec key[kVectors];
      for (int j = 0; j < kVectors; ++j)
        key[j] = Vec::LoadUnaligned(keys + (d / 2 * b.key_count + j * Vec::kWidth) * kWord);
      for (int i = 0; i < kQueries; ++i) {
        const Vec pair = Vec::SetPair(Queries(b, i) + d);
        for (int j = 0; j < kVectors; ++j) sum[i][j] = Vec::DotPairs(sum[i][j], key[j], pair);
      }
    }
  }
  static float OneScore(const AttentionBlock&, std::int64_t, std::int64_t) { return 0; }
  template <int kQueries, int kVectors>
  static void AddValues(const AttentionBlock& b, std::int64_t, std::int64_t first, std::int64_t last,
                        std::int64_t d, Vec (&sum)[kQueries][kVectors]) {
    const std::byte* values = static_cast<const std::byte*>(b.values) + d * kWord;
    for (std::int64_t k = first; k < last; k += 2) {
      Vec value[kVectors];
      for (int j = 0; j < kVectors; ++j)
        value[j] = Vec::LoadUnaligned(values + (k / 2 * b.head_dim + j * Vec::kWidth) * kWord);
      for (int i = 0; i < kQueries; ++i) {
        const Vec pair = Vec::SetPair(Weights(b, i) + k);
        for (int j = 0; j < kVectors; ++j) sum[i][j] = Vec::DotPairs(sum[i][j], value[j], pair);
      }
    }
  }
  static float OneValue(const AttentionBlock&, std::int64_t, std::int64_t, std::int64_t, std::int64_t,
                        float sum) {
    return sum;
  }
};
#endif

template <typename Cache, int kQueries, int kVectors>
inline void ScoreTile(const AttentionBlock& b, std::int64_t q, std::int64_t k) {
  Vec sum[kQueries][kVectors];
  for (int i = 0; i < kQueries; ++i) {
    for (int j = 0; j < kVectors; ++j) sum[i][j] = Vec::Zero();
  }
  Cache::AddScores(b, q, k, sum);
  for (int i = 0; i < kQueries; ++i) {
    for (int j = 0; j < kVectors; ++j)
      Vec::Store(b.scores + (q + i) * b.key_count + k + j * Vec::kWidth, sum[i][j]);
  }
}

// Vectors across a tile: with the queries as many sums as the registers hold.
constexpr int kTileVectors = Vec::kManyRegisters ? 4 : 2;

template <typename Cache, int kQueries>
inline void ScoreRows(const AttentionBlock& b, std::int64_t q, std::int64_t first, std::int64_t last) {
  std::int64_t k = first;
  for (; k + kTileVectors * Vec::kWidth <= last; k += kTileVectors * Vec::kWidth)
    ScoreTile<Cache, kQueries, kTileVectors>(b, q, k);
  for (; k + Vec::kWidth <= last; k += Vec::kWidth) ScoreTile<Cache, kQueries, 1>(b, q, k);
  for (; k < last; ++k) {
    for (int i = 0; i < kQueries; ++i) b.scores[(q + i) * b.key_count + k] = Cache::OneScore(b, q + i, k);
  }
}

// Turns the scores of one query into weights exp(score - max), zero where it sees nothing, and rescales what
// the query has gathered so far.
inline void WeighScores(const AttentionBlock& b, std::int64_t q, std::int64_t first, std::int64_t last) {
  float* scores = b.scores + q * b.key_count;
  const std::int64_t begin = b.begin[q];
  const std::int64_t end = b.end[q];
  for (std::int64_t k = first; k < last; ++k) {
    if (k < begin || k >= end) scores[k] = 0;
  }
  if (begin >= end) return;
  float max = b.max[q];
  for (std::int64_t k = begin; k < end; ++k) max = scores[k] > max ? scores[k] : max;
  const auto weigh = [max](Vec v) { return Exp(Vec::Subtract(v, Vec::Set(max))); };
  float sum = 0;
  std::int64_t k = begin;
  for (; k + Vec::kWidth <= end; k += Vec::kWidth) Vec::Store(scores + k, weigh(Vec::Load(scores + k)));
  for (; k < end; ++k) scores[k] = ByVector(scores[k], weigh);
  for (k = begin; k < end; ++k) sum += scores[k];
  // The first block finds -infinity, and nothing gathered.
  const float rescale = ByVector(b.max[q] - max, Exp);
  b.sum[q] = b.sum[q] * rescale + sum;
  b.max[q] = max;
  Scale(b.output + q * b.output_stride, rescale, b.head_dim);
}

// Adds weighted values to the outputs of kQueries queries, kVectors vectors of the head at a time.
template <typename Cache, int kQueries, int kVectors>
inline void GatherTile(const AttentionBlock& b, std::int64_t q, std::int64_t first, std::int64_t last,
                       std::int64_t d) {
  Vec sum[kQueries][kVectors];
  for (int i = 0; i < kQueries; ++i) {
    for (int j = 0; j < kVectors; ++j)
      sum[i][j] = Vec::Load(b.output + (q + i) * b.output_stride + d + j * Vec::kWidth);
  }
  Cache::AddValues(b, q, first, last, d, sum);
  for (int i = 0; i < kQueries; ++i) {
    for (int j = 0; j < kVectors; ++j)
      Vec::Store(b.output + (q + i) * b.output_stride + d + j * Vec::kWidth, sum[i][j]);
  }
}

template <typename Cache, int kQueries>
inline void GatherRows(const AttentionBlock& b, std::int64_t q, std::int64_t first, std::int64_t last) {
  std::int64_t d = 0;
  for (; d + kTileVectors * Vec::kWidth <= b.head_dim; d += kTileVectors * Vec::kWidth)
    GatherTile<Cache, kQueries, kTileVectors>(b, q, first, last, d);
  for (; d + Vec::kWidth <= b.head_dim; d += Vec::kWidth)
    GatherTile<Cache, kQueries, 1>(b, q, first, last, d);
  for (; d < b.head_dim; ++d) {
    for (int i = 0; i < kQueries; ++i) {
      float& output = b.output[(q + i) * b.output_stride + d];
      output = Cache::OneValue(b, q + i, first, last, d, output);
    }
  }
}

// From the first to one past the last key that any of these queries sees; first >= last: none.
struct KeyRange {
  std::int64_t first, last;
};
template <typename Block>
inline KeyRange SeenByAny(const Block& b, std::int64_t q, int queries, std::int64_t keys) {
  KeyRange range{keys, 0};
  for (int i = 0; i < queries; ++i) {
    if (b.begin[q + i] >= b.end[q + i]) continue;
    if (b.begin[q + i] < range.first) range.first = b.begin[q + i];
    if (b.end[q + i] > range.last) range.last = b.end[q + i];
  }
  return range;
}

template <typename Cache, int kQueries>
inline void AttendQueries(const AttentionBlock& b, std::int64_t q) {
  // The keys that any of these queries sees, in whole vectors. Keys that one of them does not see weigh
  // exactly nothing in it, and so a query's result does not depend on its neighbours.
  auto [first, last] = SeenByAny(b, q, kQueries, b.key_count);
  if (first >= last) return;
  first = first / Vec::kWidth * Vec::kWidth;
  last = (last + Vec::kWidth - 1) / Vec::kWidth * Vec::kWidth;
  if (last > b.key_count) last = b.key_count;
  Cache::template PrepareQueries<kQueries>(b, q);
  ScoreRows<Cache, kQueries>(b, q, first, last);
  for (int i = 0; i < kQueries; ++i) WeighScores(b, q + i, first, last);
  Cache::template PrepareWeights<kQueries>(b, q, first, last);
  GatherRows<Cache, kQueries>(b, q, first, last);
}

template <typename Cache>
void AttendAll(const AttentionBlock& b) {
  std::int64_t q = 0;
  for (; q + 4 <= b.query_count; q += 4) AttendQueries<Cache, 4>(b, q);
  for (; q < b.query_count; ++q) AttendQueries<Cache, 1>(b, q);
}

void Attend(const AttentionBlock& b) {
  if (b.format == KvFormat::kF32) return AttendAll<F32Cache>(b);
#if defined(CARAT_BF16_DOT_PRODUCTS)
  if (b.key_count % Vec::kWidth == 0 && b.head_dim % Vec::kWidth == 0) return AttendAll<Bf16DotCache>(b);
#endif
  AttendAll<Bf16Cache>(b);
}
