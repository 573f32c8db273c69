#include "lib/quant/scale_search.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace carat::internal {
namespace {

constexpr int kLanes = 8;
constexpr int kRefinements = 3;

// A sum over a group, in a fixed order that vectorises. Groups are whole numbers of lanes.
class LaneSum {
 public:
  void Add(int lane, float value) { lanes_[static_cast<std::size_t>(lane)] += value; }
  double Total() const {
    double total = 0;
    for (const float lane : lanes_) total += static_cast<double>(lane);
    return total;
  }

 private:
  std::array<float, kLanes> lanes_ = {};
};

// What a start of the search gives: the least-squares scale of its levels, and by how much that lowers the
// sum of squares.
struct Trial {
  double scale = 0;
  double gain = 0;
};

template <typename Levels>
Trial TryInverse(const float* values, int count, const Levels& levels, float inverse) {
  LaneSum value_level, level_level;
  for (int i = 0; i < count; i += kLanes) {
    for (int lane = 0; lane < kLanes; ++lane) {
      const float value = values[i + lane];
      const float level = levels.Nearest(value * inverse);
      value_level.Add(lane, value * level);
      level_level.Add(lane, level * level);
    }
  }
  const double squares = level_level.Total();
  if (squares <= 0) return {};
  const double product = value_level.Total();
  return {product / squares, product * product / squares};
}

template <typename Levels>
float SearchScale(const float* values, int count, const Levels& levels) {
  float extreme = 0;
  for (int i = 0; i < count; ++i) {
    if (std::fabs(values[i]) > std::fabs(extreme)) extreme = values[i];
  }
  // What is smaller has no inverse, and no float16 either.
  if (std::fabs(extreme) < std::numeric_limits<float>::min() * 256) return 0;
  constexpr int kStarts = 5;  // on either side
  Trial best;
  for (const float end : {levels.low, levels.high}) {
    // From a tenth part fewer levels than there are to as many more.
    const float step = std::max(0.16f, std::fabs(end) * 0.024f);
    for (int k = -kStarts; k <= kStarts; ++k) {
      const float inverse = (end + static_cast<float>(k) * step) / extreme;
      const Trial trial = TryInverse(values, count, levels, inverse);
      if (trial.gain > best.gain) best = trial;
    }
  }
  for (int round = 0; round < kRefinements && best.scale != 0; ++round) {
    const Trial trial = TryInverse(values, count, levels, static_cast<float>(1 / best.scale));
    if (!(trial.gain > best.gain)) break;
    best = trial;
  }
  return static_cast<float>(best.scale);
}

// Which entry is nearest to -128 + i/2 and everything up to the next of them.
using CodebookTable = std::array<std::uint8_t, 512>;

CodebookTable MakeCodebookTable() {
  CodebookTable table;
  std::size_t entry = 0;
  for (std::size_t i = 0; i < table.size(); ++i) {
    const double value = -128 + static_cast<double>(i) / 2;
    while (entry + 1 < kCodebook.size() && value >= (kCodebook[entry] + kCodebook[entry + 1]) / 2.0) ++entry;
    table[i] = static_cast<std::uint8_t>(entry);
  }
  return table;
}

// A line through the values: value = scale * level + offset, offset not above 0.
struct LineTrial {
  double scale = 0;
  double offset = 0;
  double error = std::numeric_limits<double>::infinity();
};

// Sums that every start shares.
struct ValueSums {
  double values;
  double squares;
};

ValueSums SumValues(const float* values, int count) {
  LaneSum sum, squares;
  for (int i = 0; i < count; i += kLanes) {
    for (int lane = 0; lane < kLanes; ++lane) {
      const float value = values[i + lane];
      sum.Add(lane, value);
      squares.Add(lane, value * value);
    }
  }
  return {sum.Total(), squares.Total()};
}

LineTrial TryLine(const float* values, int count, const ValueSums& sums, float most, float inverse,
                  float offset) {
  LaneSum level_sum, level_level, value_level;
  for (int i = 0; i < count; i += kLanes) {
    for (int lane = 0; lane < kLanes; ++lane) {
      const float value = values[i + lane];
      const float level = RoundSmall(Within((value - offset) * inverse, 0, most));
      level_sum.Add(lane, level);
      level_level.Add(lane, level * level);
      value_level.Add(lane, value * level);
    }
  }
  const double q = level_sum.Total(), qq = level_level.Total(), xq = value_level.Total();
  if (qq <= 0) return {};
  const double determinant = count * qq - q * q;
  LineTrial trial{xq / qq, 0, 0};
  if (determinant > 0) {
    const double line_offset = (qq * sums.values - q * xq) / determinant;
    if (line_offset < 0) trial = {(count * xq - sums.values * q) / determinant, line_offset, 0};
  }
  if (trial.scale <= 0) return {};
  trial.error = sums.squares - 2 * trial.scale * xq - 2 * trial.offset * sums.values +
                trial.scale * trial.scale * qq + 2 * trial.scale * trial.offset * q +
                count * trial.offset * trial.offset;
  return trial;
}

}  // namespace

int NearestInCodebook(float value) {
  static const CodebookTable table = MakeCodebookTable();
  const float place = (Within(value, -128, 127) + 128) * 2;
  return table[static_cast<std::size_t>(place)];
}

float FindScale(const float* values, int count, EvenLevels levels) {
  return SearchScale(values, count, levels);
}

float FindScale(const float* values, int count, CodebookLevels levels) {
  return SearchScale(values, count, levels);
}

ScaleAndMinimum FindScaleAndMinimum(const float* values, int count, int most) {
  const auto [least, greatest] = std::minmax_element(values, values + count);
  const float low = std::min(*least, 0.0f);
  const float range = *greatest - low;
  // All the same and not above zero, or too close together for an inverse, or too far apart for a float.
  if (range < std::numeric_limits<float>::min() * 256 || !std::isfinite(range)) {
    return {0, std::isfinite(range) ? -low : 0};
  }
  const auto levels = static_cast<float>(most);
  const ValueSums sums = SumValues(values, count);
  constexpr int kStarts = 6;
  const float step = std::max(0.16f, levels * 0.024f);
  LineTrial best;
  for (int k = -kStarts; k <= kStarts; ++k) {
    const float inverse = (levels + static_cast<float>(k) * step) / range;
    const LineTrial trial = TryLine(values, count, sums, levels, inverse, low);
    if (trial.error < best.error) best = trial;
  }
  for (int round = 0; round < kRefinements && best.scale > 0; ++round) {
    const LineTrial trial = TryLine(values, count, sums, levels, static_cast<float>(1 / best.scale),
                                    static_cast<float>(best.offset));
    if (!(trial.error < best.error)) break;
    best = trial;
  }
  if (!(best.scale > 0)) return {0, -low};
  return {static_cast<float>(best.scale), static_cast<float>(-best.offset)};
}

}  // namespace carat::internal
