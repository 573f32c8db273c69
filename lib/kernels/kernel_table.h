// The arithmetic of carat as one table of functions, of which every instruction set fills in its own.
//
// All work on raw pointers to float32 unless said, need no alignment, take any sizes (also odd ones and
// zero), allocate nothing, and never fail. The order in which numbers are added is fixed for each entry, so
// that a result depends on its inputs alone: not on threads, nor on the rows computed beside it.
#ifndef CARAT_LIB_KERNELS_KERNEL_TABLE_H_
#define CARAT_LIB_KERNELS_KERNEL_TABLE_H_

#include <cstddef>
#include <cstdint>

#include "lib/kernels/integer_attention.h"

namespace carat::internal {

// Keys and values are stored like this.
enum class KvFormat : std::uint8_t { kF32, kBF16, kInt16, kInt8 };

// Softmax attention of several queries over one run of keys, continuing a running softmax. For each query:
// the largest score so far, the sum of exp(score - max), and the sum of exp(score - max) * value, from which
// the caller divides at the end. To begin: max = -infinity, sum = 0, output = 0.
struct AttentionBlock {
  const float* queries;  // [query_count, head_dim], query_stride apart
  std::int64_t query_stride;
  std::int64_t query_count;
  const void* keys;    // as kv_layout.h says, of key_count positions
  const void* values;  // the same
  KvFormat format;     // kF32 or kBF16
  std::int64_t key_count;
  std::int64_t head_dim;
  const std::int32_t* begin;  // [query_count]: the query sees keys begin[i] <= key < end[i]
  const std::int32_t* end;
  float* scores;          // scratch, [query_count, key_count]
  std::uint16_t* narrow;  // scratch, [4, head_dim + key_count]
  float* max;             // [query_count]
  float* sum;             // [query_count]
  float* output;          // [query_count, head_dim], output_stride apart
  std::int64_t output_stride;
};

struct KernelTable {
  // y[r * y_stride + n] = sum over k of x[r * x_stride + k] * w[n, k], for `rows` rows of x and `outputs`
  // rows of w, which is [outputs, cols], contiguous. w is prefetched that many bytes ahead; 0: not at all.
  // One for each number format of w.
  using Product = void (*)(const float* x, std::int64_t x_stride, std::int64_t rows, const std::byte* w,
                           std::int64_t cols, std::int64_t outputs, float* y, std::int64_t y_stride,
                           std::int64_t prefetch_bytes);
  Product product_f32;
  Product product_f16;
  Product product_bf16;

  // Conversions of n values.
  void (*widen_f16)(const std::byte* from, float* to, std::int64_t n);
  void (*widen_bf16)(const std::byte* from, float* to, std::int64_t n);
  void (*narrow_bf16)(const float* from, std::uint16_t* to, std::int64_t n);

  // y = x / sqrt(mean(x^2) + epsilon) * weight; no weight if null. y may be x.
  void (*rms_norm)(const float* x, const float* weight, std::int64_t n, float epsilon, float* y);
  // h += rms_norm(x): a sublayer's normed output joins the residual stream.
  void (*add_rms_norm)(float* h, const float* x, const float* weight, std::int64_t n, float epsilon);

  // Pairs (i, i + half), i < rotated, turn: x[i]*cos[i] - x[i+half]*sin[i] and x[i+half]*cos[i] +
  // x[i]*sin[i].
  void (*rope)(float* x, const float* cos, const float* sin, std::int64_t half, std::int64_t rotated);

  // out = gelu_tanh(gate) * up. out may be either.
  void (*gelu_multiply)(const float* gate, const float* up, float* out, std::int64_t n);

  // x = cap * tanh(x / cap)
  void (*softcap)(float* x, std::int64_t n, float cap);

  // y += a * x;  y *= a
  void (*add_scaled)(float* y, const float* x, float a, std::int64_t n);
  void (*scale)(float* y, float a, std::int64_t n);

  // Over keys and values in floats.
  void (*attend)(const AttentionBlock& block);

  // Over keys and values in integers: see integer_attention.h. All tables give the same bits.
  // How x, n values, becomes integers that keep within bounds. Of values that are not finite the factor is 0,
  // and the scale not a number.
  IntegerScaling (*scale_row)(const float* x, std::int64_t n, const RowBounds& bounds);
  // to = x * factor, to nearest, ties to even. 0, whatever x is, if the factor is.
  void (*round_int16)(const float* x, std::int64_t n, float factor, std::int16_t* to);
  void (*attend_int16)(const IntegerAttentionBlock& block);
  void (*attend_int8)(const IntegerAttentionBlock& block);
};

const KernelTable& PlainKernels();
// Null where they were not compiled. Calling them needs a processor that CpuSupports.
const KernelTable* Avx2Kernels();
const KernelTable* Avx512Kernels();
// The same, with dot products of integers in attention.
const KernelTable* Avx512VnniTable();
// The same once more, but for attention over keys and values in bf16, which rounds queries and weights to
// bf16 as well.
const KernelTable* Avx512Bf16Table();
// The same once more, for processors with AMX, so that what stands beside a table is found by it.
const KernelTable* AmxTable();
const KernelTable* NeonKernels();

}  // namespace carat::internal

#endif  // CARAT_LIB_KERNELS_KERNEL_TABLE_H_
