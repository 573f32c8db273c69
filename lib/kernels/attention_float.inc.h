// Attention over keys and values in float32 and bf16 (attention.h), written once over `Vec`. The include
// rules of simd/math.inc.h apply; elementwise.inc.h comes first.
//
// Every sum runs over elements, or positions, in order and in a lane of its own, so that it is the same in
// every tile.

// Scores of up to four queries, which become softmax weights.
template <int kQueries>
struct PageScores {
  float scores[kQueries][kPagePositions];
  std::uint16_t bf16[kQueries][kPagePositions];  // weights in bf16, for dot products
};

// From the first to one past the last position that any of these queries sees; first >= last: none.
struct KeyRange {
  std::int64_t first, last;
};
inline KeyRange SeenByAny(const AttentionPage& b, std::int64_t q, int queries) {
  KeyRange range{kPagePositions, 0};
  for (int i = 0; i < queries; ++i) {
    if (b.begin[q + i] >= b.end[q + i]) continue;
    if (b.begin[q + i] < range.first) range.first = b.begin[q + i];
    if (b.end[q + i] > range.last) range.last = b.end[q + i];
  }
  return range;
}

struct F32Cache {
  static const float* Query(const AttentionPage& b, std::int64_t q) {
    return static_cast<const float*>(b.queries) + q * b.head_dim;
  }
  // sum[i][j] += queries i with the keys of vector j.
  template <int kQueries, int kVectors>
  static void AddScores(const AttentionPage& b, std::int64_t q, std::int64_t k,
                        Vec (&sum)[kQueries][kVectors]) {
    const std::byte* keys = b.kv.keys + k * F32Source::kBytes;
    const float* query = Query(b, q);
    for (std::int64_t d = 0; d < b.head_dim; ++d) {
      Vec key[kVectors];
      for (int j = 0; j < kVectors; ++j)
        key[j] = F32Source::Load(keys + (d * kPagePositions + j * Vec::kWidth) * F32Source::kBytes);
      for (int i = 0; i < kQueries; ++i) {
        const Vec element = Vec::Set(query[i * b.head_dim + d]);
        for (int j = 0; j < kVectors; ++j) sum[i][j] = Vec::MultiplyAdd(element, key[j], sum[i][j]);
      }
    }
  }
  template <int kQueries, int kVectors>
  static void AddValues(const AttentionPage& b, const PageScores<kQueries>& page, std::int64_t first,
                        std::int64_t last, std::int64_t d, Vec (&sum)[kQueries][kVectors]) {
    const std::byte* values = b.kv.values + d * F32Source::kBytes;
    for (std::int64_t k = first; k < last; ++k) {
      Vec value[kVectors];
      for (int j = 0; j < kVectors; ++j)
        value[j] = F32Source::Load(values + (k * b.head_dim + j * Vec::kWidth) * F32Source::kBytes);
      for (int i = 0; i < kQueries; ++i) {
        const Vec weight = Vec::Set(page.scores[i][k]);
        for (int j = 0; j < kVectors; ++j) sum[i][j] = Vec::MultiplyAdd(weight, value[j], sum[i][j]);
      }
    }
  }
  // One element of the head.
  static float AddValue(const AttentionPage& b, const float* weights, std::int64_t first, std::int64_t last,
                        std::int64_t d, float sum) {
    for (std::int64_t k = first; k < last; ++k) {
      sum = __builtin_fmaf(weights[k], F32Source::One(b.kv.values + (k * b.head_dim + d) * F32Source::kBytes),
                           sum);
    }
    return sum;
  }
  template <int kQueries>
  static void PrepareWeights(PageScores<kQueries>&, std::int64_t, std::int64_t) {}
};

// Words of two bf16 numbers, taken apart.
struct Bf16Cache {
  static constexpr std::int64_t kWord = 4;

  static std::uint32_t Word(const std::byte* words, std::int64_t index) {
    std::uint32_t word;
    __builtin_memcpy(&word, words + index * kWord, kWord);
    return word;
  }
  static float LowOf(std::uint32_t word) { return __builtin_bit_cast(float, word << 16); }
  static float HighOf(std::uint32_t word) { return __builtin_bit_cast(float, word & 0xffff0000u); }

  template <int kQueries, int kVectors>
  static void AddScores(const AttentionPage& b, std::int64_t q, std::int64_t k,
                        Vec (&sum)[kQueries][kVectors]) {
    const std::byte* keys = b.kv.keys + k * kWord;
    const float* query = F32Cache::Query(b, q);
    for (std::int64_t d = 0; d < b.head_dim; d += 2) {
      Vec low[kVectors], high[kVectors];
      for (int j = 0; j < kVectors; ++j) {
        const std::byte* at = keys + (d / 2 * kPagePositions + j * Vec::kWidth) * kWord;
        low[j] = Vec::LoadLow(at);
        high[j] = Vec::LoadHigh(at);
      }
      for (int i = 0; i < kQueries; ++i) {
        const Vec even = Vec::Set(query[i * b.head_dim + d]), odd = Vec::Set(query[i * b.head_dim + d + 1]);
        for (int j = 0; j < kVectors; ++j)
          sum[i][j] = Vec::MultiplyAdd(odd, high[j], Vec::MultiplyAdd(even, low[j], sum[i][j]));
      }
    }
  }
  template <int kQueries, int kVectors>
  static void AddValues(const AttentionPage& b, const PageScores<kQueries>& page, std::int64_t first,
                        std::int64_t last, std::int64_t d, Vec (&sum)[kQueries][kVectors]) {
    const std::byte* values = b.kv.values + d * kWord;
    for (std::int64_t k = first; k < last; k += 2) {
      Vec low[kVectors], high[kVectors];
      for (int j = 0; j < kVectors; ++j) {
        const std::byte* at = values + (k / 2 * b.head_dim + j * Vec::kWidth) * kWord;
        low[j] = Vec::LoadLow(at);
        high[j] = Vec::LoadHigh(at);
      }
      for (int i = 0; i < kQueries; ++i) {
        const float* weights = page.scores[i] + k;
        const Vec even = Vec::Set(weights[0]), odd = Vec::Set(weights[1]);
        for (int j = 0; j < kVectors; ++j)
          sum[i][j] = Vec::MultiplyAdd(odd, high[j], Vec::MultiplyAdd(even, low[j], sum[i][j]));
      }
    }
  }
  static float AddValue(const AttentionPage& b, const float* weights, std::int64_t first, std::int64_t last,
                        std::int64_t d, float sum) {
    for (std::int64_t k = first; k < last; k += 2) {
      const std::uint32_t word = Word(b.kv.values, k / 2 * b.head_dim + d);
      sum = __builtin_fmaf(weights[k + 1], HighOf(word), __builtin_fmaf(weights[k], LowOf(word), sum));
    }
    return sum;
  }
  template <int kQueries>
  static void PrepareWeights(PageScores<kQueries>&, std::int64_t, std::int64_t) {}
};

#if defined(__AVX512BF16__)
// The same with dot products of pairs, for heads of whole vectors. Queries are prepared in bf16.
struct Bf16DotCache {
  static constexpr std::int64_t kWord = 4;

  template <int kQueries>
  static void PrepareWeights(PageScores<kQueries>& page, std::int64_t first, std::int64_t last) {
    for (int i = 0; i < kQueries; ++i) ToBf16(page.scores[i] + first, page.bf16[i] + first, last - first);
  }
  template <int kQueries, int kVectors>
  static void AddScores(const AttentionPage& b, std::int64_t q, std::int64_t k,
                        Vec (&sum)[kQueries][kVectors]) {
    const std::byte* keys = b.kv.keys + k * kWord;
    const auto* query = static_cast<const std::uint16_t*>(b.queries) + q * b.head_dim;
    for (std::int64_t d = 0; d < b.head_dim; d += 2) {
      Vec key[kVectors];
      for (int j = 0; j < kVectors; ++j)
        key[j] = Vec::LoadUnaligned(keys + (d / 2 * kPagePositions + j * Vec::kWidth) * kWord);
      for (int i = 0; i < kQueries; ++i) {
        const Vec pair = Vec::SetPair(query + i * b.head_dim + d);
        for (int j = 0; j < kVectors; ++j) sum[i][j] = Vec::DotPairs(sum[i][j], key[j], pair);
      }
    }
  }
  template <int kQueries, int kVectors>
  static void AddValues(const AttentionPage& b, const PageScores<kQueries>& page, std::int64_t first,
                        std::int64_t last, std::int64_t d, Vec (&sum)[kQueries][kVectors]) {
    const std::byte* values = b.kv.values + d * kWord;
    for (std::int64_t k = first; k < last; k += 2) {
      Vec value[kVectors];
      for (int j = 0; j < kVectors; ++j)
        value[j] = Vec::LoadUnaligned(values + (k / 2 * b.head_dim + j * Vec::kWidth) * kWord);
      for (int i = 0; i < kQueries; ++i) {
        const Vec pair = Vec::SetPair(page.bf16[i] + k);
        for (int j = 0; j < kVectors; ++j) sum[i][j] = Vec::DotPairs(sum[i][j], value[j], pair);
      }
    }
  }
  static float AddValue(const AttentionPage&, const float*, std::int64_t, std::int64_t, std::int64_t,
                        float sum) {
    return sum;  // heads are whole vectors
  }
};
#endif

template <typename Cache, int kQueries, int kVectors>
inline void ScoreTile(const AttentionPage& b, std::int64_t q, std::int64_t k, PageScores<kQueries>& page) {
  Vec sum[kQueries][kVectors];
  for (int i = 0; i < kQueries; ++i) {
    for (int j = 0; j < kVectors; ++j) sum[i][j] = Vec::Zero();
  }
  Cache::AddScores(b, q, k, sum);
  for (int i = 0; i < kQueries; ++i) {
    for (int j = 0; j < kVectors; ++j) Vec::Store(page.scores[i] + k + j * Vec::kWidth, sum[i][j]);
  }
}

// Vectors across a tile: with the queries as many sums as the registers hold.
constexpr int kTileVectors = Vec::kManyRegisters ? 4 : 2;

// Turns the scores of one query into softmax weights exp(score - max), zero where it sees nothing, and
// rescales what the query has gathered so far.
inline void SoftmaxScores(const AttentionPage& b, std::int64_t q, float* scores, std::int64_t first,
                          std::int64_t last) {
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
  // The first page finds -infinity, and nothing gathered.
  const float rescale = ByVector(b.max[q] - max, Exp);
  b.sum[q] = b.sum[q] * rescale + sum;
  b.max[q] = max;
  Scale(b.output + q * b.head_dim, rescale, b.head_dim);
}

// Adds weighted values to the outputs of kQueries queries, kVectors vectors of the head at a time.
template <typename Cache, int kQueries, int kVectors>
inline void AccumulateVTile(const AttentionPage& b, std::int64_t q, const PageScores<kQueries>& page,
                            std::int64_t first, std::int64_t last, std::int64_t d) {
  Vec sum[kQueries][kVectors];
  for (int i = 0; i < kQueries; ++i) {
    for (int j = 0; j < kVectors; ++j)
      sum[i][j] = Vec::Load(b.output + (q + i) * b.head_dim + d + j * Vec::kWidth);
  }
  Cache::AddValues(b, page, first, last, d, sum);
  for (int i = 0; i < kQueries; ++i) {
    for (int j = 0; j < kVectors; ++j)
      Vec::Store(b.output + (q + i) * b.head_dim + d + j * Vec::kWidth, sum[i][j]);
  }
}

template <typename Cache, int kQueries>
inline void AccumulateV(const AttentionPage& b, std::int64_t q, const PageScores<kQueries>& page,
                        std::int64_t first, std::int64_t last) {
  std::int64_t d = 0;
  for (; d + kTileVectors * Vec::kWidth <= b.head_dim; d += kTileVectors * Vec::kWidth)
    AccumulateVTile<Cache, kQueries, kTileVectors>(b, q, page, first, last, d);
  for (; d + Vec::kWidth <= b.head_dim; d += Vec::kWidth)
    AccumulateVTile<Cache, kQueries, 1>(b, q, page, first, last, d);
  for (; d < b.head_dim; ++d) {
    for (int i = 0; i < kQueries; ++i) {
      float& output = b.output[(q + i) * b.head_dim + d];
      output = Cache::AddValue(b, page.scores[i], first, last, d, output);
    }
  }
}

template <typename Cache, int kQueries>
inline void AttendQueries(const AttentionPage& b, std::int64_t q) {
  // The positions that any of these queries sees, in whole vectors. Positions that one of them does not see
  // have weight zero in it, and so a query's result does not depend on its neighbours.
  auto [first, last] = SeenByAny(b, q, kQueries);
  if (first >= last) return;
  first = first / Vec::kWidth * Vec::kWidth;
  last = (last + Vec::kWidth - 1) / Vec::kWidth * Vec::kWidth;
  PageScores<kQueries> page;
  std::int64_t k = first;
  for (; k + kTileVectors * Vec::kWidth <= last; k += kTileVectors * Vec::kWidth)
    ScoreTile<Cache, kQueries, kTileVectors>(b, q, k, page);
  for (; k < last; k += Vec::kWidth) ScoreTile<Cache, kQueries, 1>(b, q, k, page);
  for (int i = 0; i < kQueries; ++i) SoftmaxScores(b, q + i, page.scores[i], first, last);
  Cache::PrepareWeights(page, first, last);
  AccumulateV<Cache, kQueries>(b, q, page, first, last);
}

template <typename Cache>
void AttendFloats(const AttentionPage& b) {
  std::int64_t q = 0;
  for (; q + 4 <= b.query_count; q += 4) AttendQueries<Cache, 4>(b, q);
  for (; q < b.query_count; ++q) AttendQueries<Cache, 1>(b, q);
}

void AttendF32(const AttentionPage& b) {
  AttendFloats<F32Cache>(b);
}

// Whether bf16 attention over this head uses dot products of pairs.
inline bool UsesBf16Dot(std::int64_t head_dim) {
#if defined(__AVX512BF16__)
  return head_dim % Vec::kWidth == 0;
#else
  return head_dim < 0;
#endif
}

void AttendBf16(const AttentionPage& b) {
#if defined(__AVX512BF16__)
  if (UsesBf16Dot(b.head_dim)) return AttendFloats<Bf16DotCache>(b);
#endif
  AttendFloats<Bf16Cache>(b);
}

void PrepareF32Queries(const float* queries, std::int64_t count, std::int64_t head_dim, void* to, float*) {
  __builtin_memcpy(to, queries, static_cast<std::size_t>(count * head_dim) * sizeof(float));
}

void PrepareBf16Queries(const float* queries, std::int64_t count, std::int64_t head_dim, void* to,
                        float* scales) {
  if (!UsesBf16Dot(head_dim)) return PrepareF32Queries(queries, count, head_dim, to, scales);
  ToBf16(queries, static_cast<std::uint16_t*>(to), count * head_dim);
}

void StoreF32Key(const float* key, std::int64_t head_dim, std::int64_t slot, const KvPlanes& to) {
  for (std::int64_t d = 0; d < head_dim; ++d)
    __builtin_memcpy(to.keys + KeyIndex(KvFormat::kF32, slot, d) * 4, key + d, 4);
}

void StoreF32Value(const float* value, std::int64_t head_dim, std::int64_t slot, const KvPlanes& to) {
  __builtin_memcpy(to.values + ValueIndex(KvFormat::kF32, head_dim, slot, 0) * 4, value,
                   static_cast<std::size_t>(head_dim) * sizeof(float));
}

// Calls store(element, bf16 bits) for each element of a row.
template <typename Store>
inline void ForEachBf16(const float* row, std::int64_t head_dim, Store store) {
  constexpr std::int64_t kPiece = 64;
  std::uint16_t bits[kPiece];
  for (std::int64_t first = 0; first < head_dim; first += kPiece) {
    const std::int64_t count = head_dim - first < kPiece ? head_dim - first : kPiece;
    ToBf16(row + first, bits, count);
    for (std::int64_t i = 0; i < count; ++i) store(first + i, bits[i]);
  }
}

void StoreBf16Key(const float* key, std::int64_t head_dim, std::int64_t slot, const KvPlanes& to) {
  auto* keys = reinterpret_cast<std::uint16_t*>(to.keys);
  ForEachBf16(key, head_dim,
              [&](std::int64_t d, std::uint16_t bits) { keys[KeyIndex(KvFormat::kBF16, slot, d)] = bits; });
}

void StoreBf16Value(const float* value, std::int64_t head_dim, std::int64_t slot, const KvPlanes& to) {
  auto* values = reinterpret_cast<std::uint16_t*>(to.values);
  ForEachBf16(value, head_dim, [&](std::int64_t d, std::uint16_t bits) {
    values[ValueIndex(KvFormat::kBF16, head_dim, slot, d)] = bits;
  });
}
