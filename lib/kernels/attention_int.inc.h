// Attention over keys and values in integers (attention.h), written once over `Vec`. The include rules of
// simd/math.inc.h apply; attention_float.inc.h comes first.

// Sums of floats run in 16 lanes, in as many vectors as it takes; see attention_reference.cc.
constexpr std::int64_t kLanes = 16;
constexpr int kParts = kLanes / Vec::kWidth;

struct SumLanes {
  Vec part[kParts];
};

inline SumLanes ZeroLanes() {
  SumLanes lanes;
  for (int i = 0; i < kParts; ++i) lanes.part[i] = Vec::Zero();
  return lanes;
}

inline float FoldLanes(SumLanes lanes) {
  for (int half = kParts / 2; half > 0; half /= 2) {
    for (int i = 0; i < half; ++i) lanes.part[i] = Vec::Add(lanes.part[i], lanes.part[i + half]);
  }
  return Vec::SumByHalves(lanes.part[0]);
}

inline IntegerScaling ScaleRow(const float* x, std::int64_t n, const RowBounds& bounds) {
  // The last values, followed by zeros.
  const std::int64_t whole = n / kLanes * kLanes;
  float tail[kLanes] = {};
  for (std::int64_t i = whole; i < n; ++i) tail[i - whole] = x[i];
  SumLanes squares = ZeroLanes();
  Vec largest = Vec::Zero();
  for (std::int64_t at = 0; at < n; at += kLanes) {
    const float* from = at < whole ? x + at : tail;
    for (int i = 0; i < kParts; ++i) {
      const Vec v = Vec::Load(from + i * Vec::kWidth);
      squares.part[i] = Vec::MultiplyAdd(v, v, squares.part[i]);
      largest = Vec::Max(Vec::Magnitude(v), largest);
    }
  }
  return ScaleOfRow(FoldLanes(squares), Vec::Largest(largest), n, bounds);
}

inline void RoundToInt16(const float* x, std::int64_t n, float factor, std::int16_t* to) {
  if (!(factor > 0)) {
    for (std::int64_t i = 0; i < n; ++i) to[i] = 0;
    return;
  }
  const Vec factors = Vec::Set(factor);
  std::int64_t i = 0;
  for (; i + Vec::kWidth <= n; i += Vec::kWidth)
    Vec::StoreInt16(to + i, Vec::Multiply(Vec::Load(x + i), factors));
  for (; i < n; ++i) {
    std::int16_t lanes[Vec::kWidth];
    Vec::StoreInt16(lanes, Vec::Multiply(Vec::Set(x[i]), factors));
    to[i] = lanes[0];
  }
}

// The elements of a key that share a scale.
template <typename Integer>
constexpr std::int64_t KeyBlock(std::int64_t head_dim) {
  return sizeof(Integer) == 1 ? kByteKeyBlock : head_dim;
}

// Queries taken together, and their scores and rounded weights.
template <int kQueries>
struct PageWork {
  float scores[kQueries][kPagePositions];
  std::int16_t weights[kQueries][kPagePositions];
  float rescale[kQueries];
  float scale[kQueries];  // of the weights
};

// Adds the products of elements first .. last - 1, a block, to the scores of positions from k on.
template <typename Integer, int kQueries>
inline void ScoreKeyBlock(const AttentionPage& b, std::int64_t q, std::int64_t k, std::int64_t first,
                          std::int64_t last, const float* key_scales, PageWork<kQueries>& work) {
  constexpr int kVectors = Vec::kSumVectors;
  Vec::Sums sum[kQueries][kVectors];
  for (int i = 0; i < kQueries; ++i) {
    for (int j = 0; j < kVectors; ++j) sum[i][j] = Vec::ZeroSums();
  }
  const Integer* keys = reinterpret_cast<const Integer*>(b.kv.keys) + 2 * k;
  const auto* queries = static_cast<const std::int16_t*>(b.queries) + q * b.head_dim;
  for (std::int64_t d = first; d < last; d += 2) {
    Vec::Pairs key[kVectors];
    for (int j = 0; j < kVectors; ++j)
      key[j] = Vec::LoadPairs(keys + d * kPagePositions + 2 * j * Vec::kWidth);
    for (int i = 0; i < kQueries; ++i) {
      const Vec::Pairs query = Vec::SetPairs(queries + i * b.head_dim + d);
      for (int j = 0; j < kVectors; ++j) sum[i][j] = Vec::AddProducts(sum[i][j], key[j], query);
    }
  }
  for (int i = 0; i < kQueries; ++i) {
    const Vec query_scale = Vec::Set(b.query_scales[q + i]);
    for (int j = 0; j < kVectors; ++j) {
      float* score = work.scores[i] + k + j * Vec::kWidth;
      const Vec scale = Vec::Multiply(query_scale, Vec::Load(key_scales + k + j * Vec::kWidth));
      const Vec before = first == 0 ? Vec::Zero() : Vec::Load(score);
      Vec::Store(score, Vec::MultiplyAdd(Vec::Total(sum[i][j]), scale, before));
    }
  }
}

template <typename Integer, int kQueries>
inline void ScorePositions(const AttentionPage& b, std::int64_t q, std::int64_t k, PageWork<kQueries>& work) {
  const std::int64_t block = KeyBlock<Integer>(b.head_dim);
  const float* scales = b.kv.key_scales;
  for (std::int64_t first = 0; first < b.head_dim; first += block, scales += kPagePositions) {
    const std::int64_t last = first + block < b.head_dim ? first + block : b.head_dim;
    ScoreKeyBlock<Integer, kQueries>(b, q, k, first, last, scales, work);
  }
}

// Scores of positions first .. last - 1, whole groups of lanes, to weights. What the query does not see may
// be anything, and is kept out by `seen`; null: it sees all.
template <int kQueries>
inline void SoftmaxPositions(const AttentionPage& b, std::int64_t q, int i, std::int64_t first,
                             std::int64_t last, const std::uint32_t* seen, PageWork<kQueries>& work) {
  float* scores = work.scores[i];
  const auto only_seen = [seen](std::int64_t k, Vec v, Vec otherwise) {
    return seen == nullptr ? v : Vec::Select(seen + k, v, otherwise);
  };
  Vec most = Vec::Set(b.max[q]);
  for (std::int64_t k = first; k < last; k += Vec::kWidth)
    most = Vec::Max(only_seen(k, Vec::Load(scores + k), most), most);
  const float max = Vec::Largest(most);
  const auto weigh = [max](Vec score) {
    return Exp(Vec::Max(Vec::Set(-60.0f), Vec::Subtract(score, Vec::Set(max))));
  };
  SumLanes sum = ZeroLanes(), weighted_sum = ZeroLanes();
  Vec largest = Vec::Zero();
  for (std::int64_t k = first; k < last; k += kLanes) {
    for (int part = 0; part < kParts; ++part) {
      const std::int64_t at = k + part * Vec::kWidth;
      const Vec weight = only_seen(at, weigh(Vec::Load(scores + at)), Vec::Zero());
      const Vec weighted =
          only_seen(at, Vec::Multiply(weight, Vec::Load(b.kv.value_scales + at)), Vec::Zero());
      Vec::Store(scores + at, weighted);
      sum.part[part] = Vec::Add(sum.part[part], weight);
      weighted_sum.part[part] = Vec::Add(weighted_sum.part[part], weighted);
      largest = Vec::Max(weighted, largest);
    }
  }
  const float rescale = ByVector(b.max[q], weigh);
  b.max[q] = max;
  b.sum[q] = b.sum[q] * rescale + FoldLanes(sum);
  work.rescale[i] = rescale;
  const IntegerScaling page = ScaleOfPage(FoldLanes(weighted_sum), Vec::Largest(largest));
  work.scale[i] = page.scale;
  const Vec factor = Vec::Set(page.factor);
  for (std::int64_t k = first; k < last; k += Vec::kWidth) {
    const Vec weight = page.factor > 0 ? Vec::Multiply(Vec::Load(scores + k), factor) : Vec::Zero();
    Vec::StoreInt16(work.weights[i] + k, weight);
  }
}

template <int kQueries>
inline void SoftmaxQuery(const AttentionPage& b, std::int64_t q, int i, std::int64_t first, std::int64_t last,
                         PageWork<kQueries>& work) {
  const std::int64_t begin = b.begin[q];
  const std::int64_t end = b.end[q];
  if (begin >= end) {
    for (std::int64_t k = first; k < last; ++k) work.weights[i][k] = 0;
    return;
  }
  if (begin <= first && end >= last) return SoftmaxPositions(b, q, i, first, last, nullptr, work);
  std::uint32_t seen[kPagePositions];
  for (std::int64_t k = first; k < last; ++k) seen[k] = k >= begin && k < end ? 0xffffffffu : 0;
  SoftmaxPositions(b, q, i, first, last, seen, work);
}

// Adds the page's weighted values to kVectors vectors of the outputs.
template <typename Integer, int kQueries, int kVectors>
inline void AccumulateVectors(const AttentionPage& b, std::int64_t q, std::int64_t first, std::int64_t last,
                              std::int64_t d, const PageWork<kQueries>& work) {
  Vec::Sums sum[kQueries][kVectors];
  for (int i = 0; i < kQueries; ++i) {
    for (int j = 0; j < kVectors; ++j) sum[i][j] = Vec::ZeroSums();
  }
  const Integer* values = reinterpret_cast<const Integer*>(b.kv.values) + 2 * d;
  for (std::int64_t k = first; k < last; k += 2) {
    Vec::Pairs value[kVectors];
    for (int j = 0; j < kVectors; ++j)
      value[j] = Vec::LoadPairs(values + k * b.head_dim + 2 * j * Vec::kWidth);
    for (int i = 0; i < kQueries; ++i) {
      const Vec::Pairs weight = Vec::SetPairs(work.weights[i] + k);
      for (int j = 0; j < kVectors; ++j) sum[i][j] = Vec::AddProducts(sum[i][j], value[j], weight);
    }
  }
  for (int i = 0; i < kQueries; ++i) {
    if (b.begin[q + i] >= b.end[q + i]) continue;
    float* output = b.output + (q + i) * b.head_dim + d;
    for (int j = 0; j < kVectors; ++j) {
      float* at = output + j * Vec::kWidth;
      Vec::Store(at, Vec::MultiplyAdd(Vec::Total(sum[i][j]), Vec::Set(work.scale[i]),
                                      Vec::Multiply(Vec::Load(at), Vec::Set(work.rescale[i]))));
    }
  }
}

// The elements of the head that fill no vector.
template <typename Integer, int kQueries>
inline void AccumulateElement(const AttentionPage& b, std::int64_t q, std::int64_t first, std::int64_t last,
                              std::int64_t d, const PageWork<kQueries>& work) {
  const Integer* values = reinterpret_cast<const Integer*>(b.kv.values) + 2 * d;
  for (int i = 0; i < kQueries; ++i) {
    if (b.begin[q + i] >= b.end[q + i]) continue;
    std::int32_t sum = 0;
    for (std::int64_t k = first; k < last; k += 2) {
      sum += work.weights[i][k] * values[k * b.head_dim];
      sum += work.weights[i][k + 1] * values[k * b.head_dim + 1];
    }
    float& output = b.output[(q + i) * b.head_dim + d];
    output = __builtin_fmaf(static_cast<float>(sum), work.scale[i], output * work.rescale[i]);
  }
}

template <typename Integer, int kQueries>
inline void AttendPage(const AttentionPage& b, std::int64_t q) {
  // The positions that any of these queries sees, in whole groups.
  auto [first, last] = SeenByAny(b, q, kQueries);
  if (first >= last) return;
  constexpr std::int64_t kScored = Vec::kSumVectors * Vec::kWidth;
  constexpr std::int64_t kGroup = kScored > kLanes ? kScored : kLanes;
  first = first / kGroup * kGroup;
  last = (last + kGroup - 1) / kGroup * kGroup;
  PageWork<kQueries> work;
  for (std::int64_t k = first; k < last; k += kScored) ScorePositions<Integer, kQueries>(b, q, k, work);
  for (int i = 0; i < kQueries; ++i) SoftmaxQuery(b, q + i, i, first, last, work);
  std::int64_t d = 0;
  for (; d + kScored <= b.head_dim; d += kScored)
    AccumulateVectors<Integer, kQueries, Vec::kSumVectors>(b, q, first, last, d, work);
  for (; d + Vec::kWidth <= b.head_dim; d += Vec::kWidth)
    AccumulateVectors<Integer, kQueries, 1>(b, q, first, last, d, work);
  for (; d < b.head_dim; ++d) AccumulateElement<Integer, kQueries>(b, q, first, last, d, work);
}

template <typename Integer>
void AttendIntegers(const AttentionPage& b) {
  std::int64_t q = 0;
  for (; q + 4 <= b.query_count; q += 4) AttendPage<Integer, 4>(b, q);
  for (; q < b.query_count; ++q) AttendPage<Integer, 1>(b, q);
}

void PrepareIntegerQueries(const float* queries, std::int64_t count, std::int64_t head_dim, void* to,
                           float* scales) {
  auto* rounded = static_cast<std::int16_t*>(to);
  const RowBounds bounds = QueryBounds(head_dim);
  for (std::int64_t i = 0; i < count; ++i) {
    const IntegerScaling scaling = ScaleRow(queries + i * head_dim, head_dim, bounds);
    scales[i] = scaling.scale;
    RoundToInt16(queries + i * head_dim, head_dim, scaling.factor, rounded + i * head_dim);
  }
}

template <typename Integer>
constexpr KvFormat kFormatOf = sizeof(Integer) == 1 ? KvFormat::kInt8 : KvFormat::kInt16;

// Calls store(element, integer) for each element of a row that is scaled as a whole, and returns its scale.
template <typename Store>
inline float ForEachInteger(const float* row, std::int64_t n, const RowBounds& bounds, Store store) {
  constexpr std::int64_t kPiece = 64;
  std::int16_t rounded[kPiece];
  const IntegerScaling scaling = ScaleRow(row, n, bounds);
  for (std::int64_t first = 0; first < n; first += kPiece) {
    const std::int64_t count = n - first < kPiece ? n - first : kPiece;
    RoundToInt16(row + first, count, scaling.factor, rounded);
    for (std::int64_t i = 0; i < count; ++i) store(first + i, rounded[i]);
  }
  return scaling.scale;
}

template <typename Integer>
void StoreIntegerKey(const float* key, std::int64_t head_dim, std::int64_t slot, const KvPlanes& to) {
  auto* keys = reinterpret_cast<Integer*>(to.keys);
  const std::int64_t block = KeyBlock<Integer>(head_dim);
  const RowBounds bounds = KeyBounds(kFormatOf<Integer>, head_dim);
  for (std::int64_t first = 0; first < head_dim; first += block) {
    const std::int64_t count = head_dim - first < block ? head_dim - first : block;
    to.key_scales[first / block * kPagePositions + slot] =
        ForEachInteger(key + first, count, bounds, [&](std::int64_t d, std::int16_t rounded) {
          keys[KeyIndex(kFormatOf<Integer>, slot, first + d)] = static_cast<Integer>(rounded);
        });
  }
}

template <typename Integer>
void StoreIntegerValue(const float* value, std::int64_t head_dim, std::int64_t slot, const KvPlanes& to) {
  auto* values = reinterpret_cast<Integer*>(to.values);
  to.value_scales[slot] = ForEachInteger(
      value, head_dim, ValueBounds(kFormatOf<Integer>), [&](std::int64_t d, std::int16_t rounded) {
        values[ValueIndex(kFormatOf<Integer>, head_dim, slot, d)] = static_cast<Integer>(rounded);
      });
}

// In the order of KvFormat.
constexpr KvCodecs kKvCodecs = {{
    {KvFormat::kF32, StoreF32Key, StoreF32Value, PrepareF32Queries, AttendF32},
    {KvFormat::kBF16, StoreBf16Key, StoreBf16Value, PrepareBf16Queries, AttendBf16},
    {KvFormat::kInt16, StoreIntegerKey<std::int16_t>, StoreIntegerValue<std::int16_t>, PrepareIntegerQueries,
     AttendIntegers<std::int16_t>},
    {KvFormat::kInt8, StoreIntegerKey<std::int8_t>, StoreIntegerValue<std::int8_t>, PrepareIntegerQueries,
     AttendIntegers<std::int8_t>},
}};
