// Kernels over the elements of rows: conversions, norms, RoPE, activations, the softmax step of blocks.
//
// All work on raw pointers to float32 unless said, need no alignment, take any sizes (also odd ones and
// zero), allocate nothing, and never fail. The order in which numbers are added is fixed for each kernel, so
// that a result depends on its inputs alone.
#ifndef CARAT_LIB_KERNELS_ELEMENTWISE_H_
#define CARAT_LIB_KERNELS_ELEMENTWISE_H_

#include <cstddef>
#include <cstdint>

namespace carat::internal {

// One step of a running softmax of several queries over a block of scores. For each query: the largest score
// so far, the sum of exp(score - max) and, in `output`, the sum of exp(score - max) * value before this
// block. To begin: max = -infinity, sum = 0, output = 0.
struct ScoreBlock {
  float* scores;  // [query_count, key_count], stride apart; become exp(score - max)
  std::int64_t stride;
  std::int64_t query_count;
  std::int64_t key_count;
  float* max;     // [query_count]
  float* sum;     // [query_count]
  float* output;  // [query_count, head_dim], contiguous; is rescaled to the new max
  std::int64_t head_dim;
};

struct ElementwiseKernels {
  // Conversions of n values. To bf16: to nearest, ties to even; NaN stays NaN.
  void (*f16_to_f32)(const std::byte* from, float* to, std::int64_t n);
  void (*bf16_to_f32)(const std::byte* from, float* to, std::int64_t n);
  void (*f32_to_bf16)(const float* from, std::uint16_t* to, std::int64_t n);

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

  // to = min(max(from, low), high). `to` may be `from`. A NaN stays one.
  void (*clip)(const float* from, float* to, std::int64_t n, float low, float high);

  void (*softmax_step)(const ScoreBlock& block);
};

extern const ElementwiseKernels kReferenceElementwise;

}  // namespace carat::internal

#endif  // CARAT_LIB_KERNELS_ELEMENTWISE_H_
