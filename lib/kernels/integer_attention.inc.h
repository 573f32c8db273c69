// Attention over keys and values in integers (integer_attention.h), written once over `Vec`; a part of
// simd_kernels.inc.h.

// Sums of floats run in 16 lanes, in as many vectors as it takes; see integer_attention_plain.cc.
constexpr std::int64_t kLanes = 16;
constexpr int kParts = kLanes / Vec::kWidth;

struct Lanes {
  Vec part[kParts];
};

inline Lanes ZeroLanes() {
  Lanes lanes;
  for (int i = 0; i < kParts; ++i) lanes.part[i] = Vec::Zero();
  return lanes;
}

inline float FoldLanes(Lanes lanes) {
  for (int half = kParts / 2; half > 0; half /= 2) {
    for (int i = 0; i < half; ++i) lanes.part[i] = Vec::Add(lanes.part[i], lanes.part[i + half]);
  }
  return Vec::SumByHalves(lanes.part[0]);
}

IntegerScaling MeasureRow(const float* x, std::int64_t n, const RowBounds& bounds) {
  // The last values, and zeros.
  const std::int64_t whole = n / kLanes * kLanes;
  float tail[kLanes] = {};
  for (std::int64_t i = whole; i < n; ++i) tail[i - whole] = x[i];
  Lanes squares = ZeroLanes();
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

void RoundInt16(const float* x, std::int64_t n, float factor, std::int16_t* to) {
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
inline void ScoreBlock(const IntegerAttentionBlock& b, std::int64_t q, std::int64_t k, std::int64_t first,
                       std::int64_t last, const float* key_scales, PageWork<kQueries>& work) {
  constexpr int kVectors = Vec::kSumVectors;
  Vec::Sums sum[kQueries][kVectors];
  for (int i = 0; i < kQueries; ++i) {
    for (int j = 0; j < kVectors; ++j) sum[i][j] = Vec::ZeroSums();
  }
  const Integer* keys = static_cast<const Integer*>(b.keys) + 2 * k;
  const std::int16_t* queries = b.queries + q * b.head_dim;
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
inline void ScorePositions(const IntegerAttentionBlock& b, std::int64_t q, std::int64_t k,
                           PageWork<kQueries>& work) {
  const std::int64_t block = KeyBlock(sizeof(Integer) == 1, b.head_dim);
  const float* scales = b.key_scales;
  for (std::int64_t first = 0; first < b.head_dim; first += block, scales += kPagePositions) {
    const std::int64_t last = first + block < b.head_dim ? first + block : b.head_dim;
    ScoreBlock<Integer, kQueries>(b, q, k, first, last, scales, work);
  }
}

// Scores of positions first .. last - 1, whole groups of lanes, to weights. What the query does not see may
// be anything, and is kept out by `seen`; null: it sees all.
template <int kQueries>
inline void WeighPositions(const IntegerAttentionBlock& b, std::int64_t q, int i, std::int64_t first,
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
  Lanes sum = ZeroLanes(), weighted_sum = ZeroLanes();
  Vec largest = Vec::Zero();
  for (std::int64_t k = first; k < last; k += kLanes) {
    for (int part = 0; part < kParts; ++part) {
      const std::int64_t at = k + part * Vec::kWidth;
      const Vec weight = only_seen(at, weigh(Vec::Load(scores + at)), Vec::Zero());
      const Vec weighted = only_seen(at, Vec::Multiply(weight, Vec::Load(b.value_scales + at)), Vec::Zero());
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
inline void WeighQuery(const IntegerAttentionBlock& b, std::int64_t q, int i, std::int64_t first,
                       std::int64_t last, PageWork<kQueries>& work) {
  const std::int64_t begin = b.begin[q];
  const std::int64_t end = b.end[q];
  if (begin >= end) {
    for (std::int64_t k = first; k < last; ++k) work.weights[i][k] = 0;
    return;
  }
  if (begin <= first && end >= last) return WeighPositions(b, q, i, first, last, nullptr, work);
  std::uint32_t seen[kPagePositions];
  for (std::int64_t k = first; k < last; ++k) seen[k] = k >= begin && k < end ? 0xffffffffu : 0;
  WeighPositions(b, q, i, first, last, seen, work);
}

// Adds the page's weighted values to kVectors vectors of the outputs.
template <typename Integer, int kQueries, int kVectors>
inline void GatherElements(const IntegerAttentionBlock& b, std::int64_t q, std::int64_t first,
                           std::int64_t last, std::int64_t d, const PageWork<kQueries>& work) {
  Vec::Sums sum[kQueries][kVectors];
  for (int i = 0; i < kQueries; ++i) {
    for (int j = 0; j < kVectors; ++j) sum[i][j] = Vec::ZeroSums();
  }
  const Integer* values = static_cast<const Integer*>(b.values) + 2 * d;
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
inline void GatherElement(const IntegerAttentionBlock& b, std::int64_t q, std::int64_t first,
                          std::int64_t last, std::int64_t d, const PageWork<kQueries>& work) {
  const Integer* values = static_cast<const Integer*>(b.values) + 2 * d;
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
inline void AttendPage(const IntegerAttentionBlock& b, std::int64_t q) {
  // The positions that any of these queries sees, in whole groups.
  auto [first, last] = SeenByAny(b, q, kQueries, kPagePositions);
  if (first >= last) return;
  constexpr std::int64_t kScored = Vec::kSumVectors * Vec::kWidth;
  constexpr std::int64_t kGroup = kScored > kLanes ? kScored : kLanes;
  first = first / kGroup * kGroup;
  last = (last + kGroup - 1) / kGroup * kGroup;
  PageWork<kQueries> work;
  for (std::int64_t k = first; k < last; k += kScored) ScorePositions<Integer, kQueries>(b, q, k, work);
  for (int i = 0; i < kQueries; ++i) WeighQuery(b, q + i, i, first, last, work);
  std::int64_t d = 0;
  for (; d + kScored <= b.head_dim; d += kScored)
    GatherElements<Integer, kQueries, Vec::kSumVectors>(b, q, first, last, d, work);
  for (; d + Vec::kWidth <= b.head_dim; d += Vec::kWidth)
    GatherElements<Integer, kQueries, 1>(b, q, first, last, d, work);
  for (; d < b.head_dim; ++d) GatherElement<Integer, kQueries>(b, q, first, last, d, work);
}

template <typename Integer>
void AttendIntegers(const IntegerAttentionBlock& b) {
  std::int64_t q = 0;
  for (; q + 4 <= b.query_count; q += 4) AttendPage<Integer, 4>(b, q);
  for (; q < b.query_count; ++q) AttendPage<Integer, 1>(b, q);
}
