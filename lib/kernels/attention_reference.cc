// Attention as it is defined. Over integers every fast form gives the same bits, exponential included.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>

#include "lib/base/tensor.h"
#include "lib/kernels/attention.h"

namespace carat::internal {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

// Below this a row, or what a page adds to a softmax, counts as nothing: inverses stay normal numbers.
constexpr float kNothing = 1e-30f;

// Weights further below the largest score than this are too small to matter, and stay normal numbers also
// when they are multiplied with a scale.
constexpr float kLowest = -60.0f;

// Sums of floats run in 16 lanes, which are then folded in halves.
constexpr std::int64_t kLanes = 16;

float Fold(float (&lanes)[kLanes]) {
  for (std::int64_t half = kLanes / 2; half > 0; half /= 2) {
    for (std::int64_t i = 0; i < half; ++i) lanes[i] += lanes[i + half];
  }
  return lanes[0];
}

std::int16_t Round(float x) {
  return static_cast<std::int16_t>(std::clamp(std::nearbyint(x), -32768.0f, 32767.0f));
}

// As simd/math.inc.h computes it.
float Exp(float x) {
  x = -87.0f > x ? -87.0f : x;
  x = 88.0f < x ? 88.0f : x;
  if (std::isnan(x)) return x;
  const float n = std::nearbyint(x * 1.44269504088896341f);
  float r = std::fma(n, -0.693359375f, x);
  r = std::fma(n, 2.12194440e-4f, r);
  float p = 1.9875691500e-4f;
  p = std::fma(p, r, 1.3981999507e-3f);
  p = std::fma(p, r, 8.3334519073e-3f);
  p = std::fma(p, r, 4.1665795894e-2f);
  p = std::fma(p, r, 1.6666665459e-1f);
  p = std::fma(p, r, 5.0000001201e-1f);
  p = std::fma(p, r * r, r) + 1.0f;
  return p * std::ldexp(1.0f, static_cast<int>(n));
}

float ExpBelow(float score, float max) {
  const float difference = score - max;
  return Exp(kLowest > difference ? kLowest : difference);
}

template <typename Integer>
constexpr KvFormat kFormatOf = sizeof(Integer) == 2 ? KvFormat::kInt16 : KvFormat::kInt8;

// The elements of a key that share a scale.
std::int64_t KeyBlock(KvFormat format, std::int64_t head_dim) {
  return format == KvFormat::kInt8 ? kByteKeyBlock : head_dim;
}

template <typename Integer>
void AttendQuery(const AttentionPage& b, std::int64_t q) {
  constexpr KvFormat kFormat = kFormatOf<Integer>;
  const auto* queries = static_cast<const std::int16_t*>(b.queries) + q * b.head_dim;
  const auto* keys = reinterpret_cast<const Integer*>(b.kv.keys);
  const auto* values = reinterpret_cast<const Integer*>(b.kv.values);
  const std::int64_t block = KeyBlock(kFormat, b.head_dim);
  float* output = b.output + q * b.head_dim;
  float scores[kPagePositions];
  float max = b.max[q];
  for (std::int64_t k = b.begin[q]; k < b.end[q]; ++k) {
    scores[k] = 0;
    for (std::int64_t first = 0; first < b.head_dim; first += block) {
      std::int64_t dot = 0;
      for (std::int64_t d = first; d < std::min(first + block, b.head_dim); ++d) {
        dot += std::int64_t{queries[d]} * keys[KeyIndex(kFormat, k, d)];
      }
      const float scale = b.query_scales[q] * b.kv.key_scales[first / block * kPagePositions + k];
      scores[k] = std::fma(static_cast<float>(dot), scale, scores[k]);
    }
    max = scores[k] > max ? scores[k] : max;
  }
  const float rescale = ExpBelow(b.max[q], max);
  b.max[q] = max;

  float weighted[kPagePositions] = {};
  float sums[kLanes] = {}, weighted_sums[kLanes] = {};
  float largest = 0;
  for (std::int64_t k = b.begin[q]; k < b.end[q]; ++k) {
    const float weight = ExpBelow(scores[k], max);
    weighted[k] = weight * b.kv.value_scales[k];
    sums[k % kLanes] += weight;
    weighted_sums[k % kLanes] += weighted[k];
    largest = weighted[k] > largest ? weighted[k] : largest;
  }
  const float sum = b.sum[q] * rescale;
  b.sum[q] = sum + Fold(sums);
  const IntegerScaling page = ScaleOfPage(Fold(weighted_sums), largest);
  for (std::int64_t d = 0; d < b.head_dim; ++d) {
    std::int64_t total = 0;
    for (std::int64_t k = b.begin[q]; k < b.end[q] && page.factor > 0; ++k) {
      total += std::int64_t{Round(weighted[k] * page.factor)} * values[ValueIndex(kFormat, b.head_dim, k, d)];
    }
    output[d] = std::fma(static_cast<float>(total), page.scale, output[d] * rescale);
  }
}

template <typename Integer>
void AttendIntegers(const AttentionPage& b) {
  for (std::int64_t q = 0; q < b.query_count; ++q) {
    if (b.begin[q] < b.end[q]) AttendQuery<Integer>(b, q);
  }
}

// What is left of 2^15.5 = 46340.9 for the rounding of n elements, each by at most a half and together by a
// norm of at most sqrt(n) / 2, and for the rounding of the sum of squares.
float NormBound(std::int64_t n) {
  return std::max(1.0f, 46000.0f - std::sqrt(static_cast<float>(n)));
}

IntegerScaling ScaleRow(const float* x, std::int64_t n, const RowBounds& bounds) {
  float squares[kLanes] = {};
  float largest = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    squares[i % kLanes] = std::fma(x[i], x[i], squares[i % kLanes]);
    if (std::abs(x[i]) > largest) largest = std::abs(x[i]);
  }
  return ScaleOfRow(Fold(squares), largest, n, bounds);
}

std::int16_t RoundBy(float x, float factor) {
  return factor > 0 ? Round(x * factor) : std::int16_t{0};
}

void PrepareIntegerQueries(const float* queries, std::int64_t count, std::int64_t head_dim, void* to,
                           float* scales) {
  auto* rounded = static_cast<std::int16_t*>(to);
  for (std::int64_t i = 0; i < count; ++i) {
    const IntegerScaling scaling = ScaleRow(queries + i * head_dim, head_dim, QueryBounds(head_dim));
    scales[i] = scaling.scale;
    for (std::int64_t d = 0; d < head_dim; ++d)
      rounded[i * head_dim + d] = RoundBy(queries[i * head_dim + d], scaling.factor);
  }
}

template <typename Integer>
void StoreIntegerKey(const float* key, std::int64_t head_dim, std::int64_t slot, const KvPlanes& to) {
  constexpr KvFormat kFormat = kFormatOf<Integer>;
  auto* keys = reinterpret_cast<Integer*>(to.keys);
  const std::int64_t block = KeyBlock(kFormat, head_dim);
  for (std::int64_t first = 0; first < head_dim; first += block) {
    const std::int64_t last = std::min(first + block, head_dim);
    const IntegerScaling scaling = ScaleRow(key + first, last - first, KeyBounds(kFormat, head_dim));
    to.key_scales[first / block * kPagePositions + slot] = scaling.scale;
    for (std::int64_t d = first; d < last; ++d)
      keys[KeyIndex(kFormat, slot, d)] = static_cast<Integer>(RoundBy(key[d], scaling.factor));
  }
}

template <typename Integer>
void StoreIntegerValue(const float* value, std::int64_t head_dim, std::int64_t slot, const KvPlanes& to) {
  constexpr KvFormat kFormat = kFormatOf<Integer>;
  auto* values = reinterpret_cast<Integer*>(to.values);
  const IntegerScaling scaling = ScaleRow(value, head_dim, ValueBounds(kFormat));
  to.value_scales[slot] = scaling.scale;
  for (std::int64_t d = 0; d < head_dim; ++d)
    values[ValueIndex(kFormat, head_dim, slot, d)] = static_cast<Integer>(RoundBy(value[d], scaling.factor));
}

template <KvFormat kFormat>
void AttendFloats(const AttentionPage& b) {
  constexpr NumberFormat kNumber = kFormat == KvFormat::kF32 ? NumberFormat::kF32 : NumberFormat::kBF16;
  const auto load = [](const std::byte* plane, std::int64_t index) {
    return LoadValue(plane, kNumber, static_cast<std::size_t>(index));
  };
  for (std::int64_t q = 0; q < b.query_count; ++q) {
    if (b.begin[q] >= b.end[q]) continue;
    const float* query = static_cast<const float*>(b.queries) + q * b.head_dim;
    float scores[kPagePositions];
    float* output = b.output + q * b.head_dim;
    float max = b.max[q];
    for (std::int64_t k = b.begin[q]; k < b.end[q]; ++k) {
      double sum = 0;
      for (std::int64_t i = 0; i < b.head_dim; ++i) {
        sum += static_cast<double>(query[i]) * load(b.kv.keys, KeyIndex(kFormat, k, i));
      }
      scores[k] = static_cast<float>(sum);
      max = std::max(max, scores[k]);
    }
    const float rescale = std::exp(b.max[q] - max);
    b.max[q] = max;
    b.sum[q] *= rescale;
    for (std::int64_t i = 0; i < b.head_dim; ++i) output[i] *= rescale;
    for (std::int64_t k = b.begin[q]; k < b.end[q]; ++k) {
      const float weight = std::exp(scores[k] - max);
      b.sum[q] += weight;
      for (std::int64_t i = 0; i < b.head_dim; ++i) {
        output[i] += weight * load(b.kv.values, ValueIndex(kFormat, b.head_dim, k, i));
      }
    }
  }
}

void PrepareFloatQueries(const float* queries, std::int64_t count, std::int64_t head_dim, void* to, float*) {
  std::memcpy(to, queries, static_cast<std::size_t>(count * head_dim) * sizeof(float));
}

// One number of a plane.
template <KvFormat kFormat>
void StoreNumber(std::byte* plane, std::int64_t index, float value) {
  if constexpr (kFormat == KvFormat::kF32) {
    std::memcpy(plane + 4 * index, &value, 4);
  } else {
    const std::uint16_t bits = FloatToBFloat16(value);
    std::memcpy(plane + 2 * index, &bits, 2);
  }
}

template <KvFormat kFormat>
void StoreFloatKey(const float* key, std::int64_t head_dim, std::int64_t slot, const KvPlanes& to) {
  for (std::int64_t d = 0; d < head_dim; ++d)
    StoreNumber<kFormat>(to.keys, KeyIndex(kFormat, slot, d), key[d]);
}

template <KvFormat kFormat>
void StoreFloatValue(const float* value, std::int64_t head_dim, std::int64_t slot, const KvPlanes& to) {
  for (std::int64_t d = 0; d < head_dim; ++d)
    StoreNumber<kFormat>(to.values, ValueIndex(kFormat, head_dim, slot, d), value[d]);
}

}  // namespace

RowBounds QueryBounds(std::int64_t head_dim) {
  return {32767.0f, NormBound(head_dim)};
}

// A row of bytes has a norm of at most 127 sqrt(n), less than the bound for any head below 130,000.
RowBounds KeyBounds(KvFormat format, std::int64_t head_dim) {
  return format == KvFormat::kInt8 ? ValueBounds(format) : QueryBounds(head_dim);
}

RowBounds ValueBounds(KvFormat format) {
  return {format == KvFormat::kInt8 ? 127.0f : 32767.0f, std::numeric_limits<float>::infinity()};
}

IntegerScaling ScaleOfRow(float sum_of_squares, float largest, std::int64_t n, const RowBounds& bounds) {
  if (std::isnan(sum_of_squares) || std::isinf(largest)) return {0, kNaN};
  if (!(largest > kNothing)) return {0, 0};
  // Squares of very small and very large numbers are lost: then what the norm can be at most.
  const bool usable = sum_of_squares > kNothing && sum_of_squares < 1e38f;
  const float by_norm = usable ? bounds.norm / std::sqrt(sum_of_squares)
                               : bounds.norm / std::sqrt(static_cast<float>(n)) / largest;
  const float factor = std::min(bounds.largest / largest, by_norm);
  return {factor, 1.0f / factor};
}

IntegerScaling ScaleOfPage(float sum, float largest) {
  if (std::isnan(sum) || sum > 1e38f) return {0, kNaN};
  if (!(sum > kNothing)) return {0, 0};
  // Rounding adds at most a half for each of 64 positions.
  const float factor = std::min(32767.0f / largest, 65400.0f / sum);
  return {factor, 1.0f / factor};
}

constexpr KvCodecs kReferenceKvCodecs = {{
    {KvFormat::kF32, StoreFloatKey<KvFormat::kF32>, StoreFloatValue<KvFormat::kF32>, PrepareFloatQueries,
     AttendFloats<KvFormat::kF32>},
    {KvFormat::kBF16, StoreFloatKey<KvFormat::kBF16>, StoreFloatValue<KvFormat::kBF16>, PrepareFloatQueries,
     AttendFloats<KvFormat::kBF16>},
    {KvFormat::kInt16, StoreIntegerKey<std::int16_t>, StoreIntegerValue<std::int16_t>, PrepareIntegerQueries,
     AttendIntegers<std::int16_t>},
    {KvFormat::kInt8, StoreIntegerKey<std::int8_t>, StoreIntegerValue<std::int8_t>, PrepareIntegerQueries,
     AttendIntegers<std::int8_t>},
}};

}  // namespace carat::internal
