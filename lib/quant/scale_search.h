// The search for scales: given values and the levels that a format has, the scale (and minimum) whose nearest
// levels lie closest in the sum of squares. A start is tried for each of a range of scales around the one
// that just covers the values; from the best, levels and least squares take turns.
#ifndef CARAT_LIB_QUANT_SCALE_SEARCH_H_
#define CARAT_LIB_QUANT_SCALE_SEARCH_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "lib/quant/packed.h"

namespace carat::internal {

// Values of a sub-block: at most this many.
inline constexpr int kLargestGroup = 32;

// The nearest integer, ties to even, for magnitudes below 2^22. Unlike std::round it compiles to two
// additions.
inline float RoundSmall(float value) {
  constexpr float kShift = 12582912;  // 1.5 * 2^23
  return (value + kShift) - kShift;
}

// `value` within low..high; what is no number becomes `low`.
inline float Within(float value, float low, float high) {
  const float raised = value > low ? value : low;
  return raised > high ? high : raised;
}

// Levels low..high of an even lattice: value = scale * level.
struct EvenLevels {
  float low;
  float high;

  float Nearest(float value) const { return RoundSmall(Within(value, low, high)); }
};

// The sixteen levels of IQ4_NL and IQ4_XS.
inline constexpr auto kCodebook = [] {
  std::array<std::int8_t, 16> levels = {};
  for (std::size_t i = 0; i < levels.size(); ++i) {
    levels[i] = static_cast<std::int8_t>(kNonlinearValues[i] - 128);
  }
  return levels;
}();

// Which of them is nearest.
int NearestInCodebook(float value);

struct CodebookLevels {
  float low = kCodebook.front();
  float high = kCodebook.back();

  float Nearest(float value) const { return kCodebook[static_cast<std::size_t>(NearestInCodebook(value))]; }
};

// The scale of `count` values; 0 if all are zero.
float FindScale(const float* values, int count, EvenLevels levels);
float FindScale(const float* values, int count, CodebookLevels levels);

// value = scale * level - minimum, with levels 0..most, scale and minimum not negative.
struct ScaleAndMinimum {
  float scale;
  float minimum;
};
ScaleAndMinimum FindScaleAndMinimum(const float* values, int count, int most);

}  // namespace carat::internal

#endif  // CARAT_LIB_QUANT_SCALE_SEARCH_H_
