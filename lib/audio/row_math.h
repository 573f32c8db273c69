// Small arithmetic on rows that the tower's parts share. Loops that a compiler turns into vectors by itself,
// and the kernel table for the rest.
#ifndef CARAT_LIB_AUDIO_ROW_MATH_H_
#define CARAT_LIB_AUDIO_ROW_MATH_H_

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "lib/audio/audio_weights.h"
#include "lib/kernels/kernels.h"

namespace carat::internal {

inline bool Clips(const ClipRange& range) {
  return std::isfinite(range.low) || std::isfinite(range.high);
}

inline void Clip(float* x, std::int64_t n, const ClipRange& range) {
  if (!Clips(range)) return;
  const float low = range.low;
  const float high = range.high;
  for (std::int64_t i = 0; i < n; ++i) {
    const float raised = x[i] > low ? x[i] : low;
    x[i] = raised < high ? raised : high;
  }
}

// body(first, count, s) for pieces of x, where s is 2 tanh(x / 2), so that sigmoid(x) = 0.5 + 0.25 s.
template <typename Body>
void ForSigmoids(const Kernels& kernels, const float* x, std::int64_t n, Body&& body) {
  constexpr std::int64_t kPiece = 512;
  float s[kPiece];
  for (std::int64_t first = 0; first < n; first += kPiece) {
    const std::int64_t count = std::min(kPiece, n - first);
    std::copy_n(x + first, count, s);
    kernels.elementwise.softcap(s, count, 2.0f);
    body(first, count, s);
  }
}

// x = x * sigmoid(x)
inline void Silu(const Kernels& kernels, float* x, std::int64_t n) {
  ForSigmoids(kernels, x, n, [x](std::int64_t first, std::int64_t count, const float* s) {
    for (std::int64_t i = 0; i < count; ++i) x[first + i] *= 0.5f + 0.25f * s[i];
  });
}

// out = a * sigmoid(gate)
inline void MultiplyBySigmoid(const Kernels& kernels, const float* a, const float* gate, float* out,
                              std::int64_t n) {
  ForSigmoids(kernels, gate, n, [a, out](std::int64_t first, std::int64_t count, const float* s) {
    for (std::int64_t i = 0; i < count; ++i) out[first + i] = a[first + i] * (0.5f + 0.25f * s[i]);
  });
}

}  // namespace carat::internal

#endif  // CARAT_LIB_AUDIO_ROW_MATH_H_
