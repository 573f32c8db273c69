// Attention over keys and values that the cache keeps as integers of 16 or 8 bits, one page of positions at a
// time. Sums of products are integers, and so exact; floats are computed in one order everywhere. All
// instruction sets give the same bits.
//
//   score  = sum over blocks of float(query . key) * (query scale * key scale)    query . key: integer
//   weight = exp(score - largest score), in float32; their sum is the softmax's
//   page   = sum over positions of round(weight * value scale / page scale) * value            integer
//   output = output * rescale + float(page) * page scale
//
// No sum leaves 32 bits, in whatever order it is taken. Queries and keys are rounded so that the 2-norms of
// both stay below 2^15.5: by the Cauchy-Schwarz inequality, the products of any part of their elements then
// add up to less than 2^31. The weights of a page add up to at most 65535, and no value exceeds 32767.
//
// A key of 16 bits is one block. In 8 bits each 32 elements are one and have a scale of their own: some
// elements of keys are much larger than others, and would cost these their precision.
//
// 16 bits are more than float16 has: with 256 elements, a row's rounding error is about 1e-4 of each
// element's root mean square.
#ifndef CARAT_LIB_KERNELS_INTEGER_ATTENTION_H_
#define CARAT_LIB_KERNELS_INTEGER_ATTENTION_H_

#include <cstdint>

namespace carat::internal {

// Positions in a page of the cache.
inline constexpr std::int64_t kPagePositions = 64;

// Elements of a key in 8 bits that share a scale.
inline constexpr std::int64_t kByteKeyBlock = 32;

constexpr std::int64_t KeyBlock(bool bytes, std::int64_t head_dim) {
  return bytes ? kByteKeyBlock : head_dim;
}
constexpr std::int64_t KeyBlocks(bool bytes, std::int64_t head_dim) {
  return bytes ? (head_dim + kByteKeyBlock - 1) / kByteKeyBlock : 1;
}

// What a row of integers must not exceed.
struct RowBounds {
  float largest;  // each magnitude
  float norm;     // the row's 2-norm; infinity: does not matter
};

// For heads of this size, and blocks of keys.
RowBounds QueryBounds(std::int64_t head_dim);
RowBounds KeyBounds(bool bytes, std::int64_t head_dim);
RowBounds ValueBounds(bool bytes);

// Queries of one KV head and one page of its keys and values, continuing a running softmax as AttentionBlock
// does.
struct IntegerAttentionBlock {
  const std::int16_t* queries;  // [query_count, head_dim], rounded within QueryBounds
  const float* query_scales;    // [query_count]
  std::int64_t query_count;
  const void* keys;           // as kv_layout.h says, int16 or int8
  const float* key_scales;    // [KeyBlocks, kPagePositions]
  const void* values;         // the same
  const float* value_scales;  // [kPagePositions]
  std::int64_t head_dim;      // even
  const std::int32_t* begin;  // [query_count]: the query sees positions begin[i] <= k < end[i] of the page
  const std::int32_t* end;
  float* max;     // [query_count]
  float* sum;     // [query_count]
  float* output;  // [query_count, head_dim]
};

// How numbers become integers: integer = round(number * factor), number = integer * scale.
struct IntegerScaling {
  float factor;  // 0: all integers are 0
  float scale;
};

// The definitions; KernelTable has the fast forms beside them and says what they do.
IntegerScaling ScaleRow(const float* x, std::int64_t n, const RowBounds& bounds);
void RoundToInt16(const float* x, std::int64_t n, float factor, std::int16_t* to);
void AttendInt16(const IntegerAttentionBlock& block);
void AttendInt8(const IntegerAttentionBlock& block);

// Of a row whose squares have this sum and whose largest magnitude is this. Not finite: the scale is not a
// number, and what is computed with the row is none either.
IntegerScaling ScaleOfRow(float sum_of_squares, float largest, std::int64_t n, const RowBounds& bounds);
// Of the weights of a page.
IntegerScaling ScaleOfPage(float sum, float largest);

}  // namespace carat::internal

#endif  // CARAT_LIB_KERNELS_INTEGER_ATTENTION_H_
