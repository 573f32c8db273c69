// Softmax attention over one page of the KV cache, for each format in which the cache keeps keys and values.
//
// Over float32 and bf16, sums are float32, taken in the order of elements or positions in a lane of their
// own. With bf16 dot-product instructions, queries and softmax weights are rounded to bf16 as well.
//
// Over int16 and int8, sums of products are integers, and so exact; floats are computed in one order
// everywhere. All instruction sets give the same bits.
//
//   score  = sum over key blocks of float(query . key) * (query scale * key scale)    query . key: integer
//   weight = exp(score - largest score), in float32; their sum is the softmax's
//   page   = sum over positions of round(weight * value scale / page scale) * value            integer
//   output = output * rescale + float(page) * page scale
//
// No sum leaves 32 bits, in whatever order it is taken. Queries and keys are rounded so that the 2-norms of
// both stay below 2^15.5: by the Cauchy-Schwarz inequality, the products of any part of their elements then
// add up to less than 2^31. The weights of a page add up to at most 65535, and no value exceeds 32767.
//
// 16 bits are more than float16 has: with 256 elements, a row's rounding error is about 1e-4 of each
// element's root mean square.
#ifndef CARAT_LIB_KERNELS_ATTENTION_H_
#define CARAT_LIB_KERNELS_ATTENTION_H_

#include <cstddef>
#include <cstdint>

#include "lib/kernels/kv_layout.h"

namespace carat::internal {

// Queries of one KV head and one page of its keys and values, continuing a running softmax. For each query:
// the largest score so far, the sum of exp(score - max), and the sum of exp(score - max) * value, from which
// the caller divides at the end. To begin: max = -infinity, sum = 0, output = 0.
struct AttentionPage {
  const void* queries;        // what prepare_queries filled
  const float* query_scales;  // the same
  std::int64_t query_count;
  KvPlanes kv;
  std::int64_t head_dim;
  const std::int32_t* begin;  // [query_count]: the query sees positions begin[i] <= k < end[i] of the page
  const std::int32_t* end;
  float* max;     // [query_count]
  float* sum;     // [query_count]
  float* output;  // [query_count, head_dim]
};

// Everything that depends on the format of a cache. A further format is one more codec, and a line of
// KvSizesOf.
struct KvCodec {
  KvFormat format;

  // Writes a key or a value of `head_dim` elements to place `slot` of a page.
  void (*store_key)(const float* key, std::int64_t head_dim, std::int64_t slot, const KvPlanes& to);
  void (*store_value)(const float* value, std::int64_t head_dim, std::int64_t slot, const KvPlanes& to);

  // Queries, [count, head_dim], in the form that attend_page takes: at most 4 bytes for each element, and a
  // scale for each query.
  void (*prepare_queries)(const float* queries, std::int64_t count, std::int64_t head_dim, void* to,
                          float* scales);

  void (*attend_page)(const AttentionPage& page);
};

// The codecs of one instruction set, in the order of KvFormat.
struct KvCodecs {
  KvCodec of_format[kKvFormats];

  const KvCodec& operator[](KvFormat format) const { return of_format[static_cast<int>(format)]; }
};

extern const KvCodecs kReferenceKvCodecs;

// Rounding to integers, which all instruction sets share.

// How numbers become integers: integer = round(number * factor), number = integer * scale.
struct IntegerScaling {
  float factor;  // 0: all integers are 0
  float scale;
};

// What a row of integers must not exceed.
struct RowBounds {
  float largest;  // each magnitude
  float norm;     // the row's 2-norm; infinity: does not matter
};

// For heads of this size. A key of 8 bits is scaled block by block.
RowBounds QueryBounds(std::int64_t head_dim);
RowBounds KeyBounds(KvFormat format, std::int64_t head_dim);
RowBounds ValueBounds(KvFormat format);

// The scaling of a row whose squares have this sum and whose largest magnitude is this. If the row is not
// finite, the scale is NaN, and so is what is computed with the row.
IntegerScaling ScaleOfRow(float sum_of_squares, float largest, std::int64_t n, const RowBounds& bounds);
// The scaling of the softmax weights of a page.
IntegerScaling ScaleOfPage(float sum, float largest);

}  // namespace carat::internal

#endif  // CARAT_LIB_KERNELS_ATTENTION_H_
