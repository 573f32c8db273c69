#include "lib/quant/super_blocks.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "lib/quant/scale_search.h"

namespace carat::internal {
namespace {

constexpr int kRounds = 2;  // of adjusting scales and block scale in turns

std::int8_t RoundWithin(double value, int low, int high) {
  return static_cast<std::int8_t>(
      std::clamp(std::nearbyint(value), static_cast<double>(low), static_cast<double>(high)));
}

// Levels and squared error of a group under a given scale.
template <typename Levels>
float SetLevels(const float* values, int count, const Levels& levels, float scale, std::int8_t* to) {
  const float inverse = scale == 0 ? 0 : 1 / scale;
  // A scale too small for an inverse: every level is as good.
  if (scale == 0 || !std::isfinite(inverse)) {
    float error = 0;
    const float nearest_zero = levels.Nearest(0);
    for (int i = 0; i < count; ++i) {
      to[i] = static_cast<std::int8_t>(nearest_zero);
      error += values[i] * values[i];
    }
    return error;
  }
  float error = 0;
  for (int i = 0; i < count; ++i) {
    const float level = levels.Nearest(values[i] * inverse);
    const float difference = values[i] - scale * level;
    to[i] = static_cast<std::int8_t>(level);
    error += difference * difference;
  }
  return error;
}

// One format without minima.
template <typename Levels>
class CentredEncoder {
 public:
  CentredEncoder(const float* values, int group, const Levels& levels, int low_scale, int high_scale)
      : values_(values), group_(group), levels_(levels), low_(low_scale), high_(high_scale) {}

  SuperBlock Encode() {
    FindScales();
    for (int round = 0; round <= kRounds; ++round) {
      const float error = SetGroups();
      if (error < best_error_) {
        best_error_ = error;
        best_ = block_;
      }
      if (round < kRounds) AdjustScale();
    }
    return best_;
  }

 private:
  int groups() const { return kSuperBlock / group_; }

  void FindScales() {
    float extreme = 0;
    for (int g = 0; g < groups(); ++g) {
      wanted_[g] = FindScale(values_ + g * group_, group_, levels_);
      if (std::fabs(wanted_[g]) > std::fabs(extreme)) extreme = wanted_[g];
    }
    block_.scale = StoredHalf::Nearest(extreme / static_cast<float>(low_));
  }

  // The integer scale of each group that leaves the least error, of those about the wanted one.
  float SetGroups() {
    const float scale = block_.scale.ToFloat();
    float total = 0;
    for (int g = 0; g < groups(); ++g) {
      const float* values = values_ + g * group_;
      const std::int8_t middle = scale == 0 ? std::int8_t{0} : RoundWithin(wanted_[g] / scale, low_, high_);
      float least = 0;
      bool found = false;
      for (int candidate = std::max(low_, middle - 1); candidate <= std::min(high_, middle + 1);
           ++candidate) {
        std::array<std::int8_t, kLargestGroup> levels;
        const float error =
            SetLevels(values, group_, levels_, scale * static_cast<float>(candidate), levels.data());
        if (found && error >= least) continue;
        found = true;
        least = error;
        block_.scales[g] = static_cast<std::int8_t>(candidate);
        std::copy_n(levels.begin(), group_, block_.levels.begin() + g * group_);
      }
      total += least;
    }
    return total;
  }

  // The block scale of least squares for these levels.
  void AdjustScale() {
    double product = 0, squares = 0;
    for (int i = 0; i < kSuperBlock; ++i) {
      const double unit = static_cast<double>(block_.scales[i / group_]) * block_.levels[i];
      product += unit * static_cast<double>(values_[i]);
      squares += unit * unit;
    }
    if (squares > 0) block_.scale = StoredHalf::Nearest(static_cast<float>(product / squares));
  }

  const float* values_;
  int group_;
  Levels levels_;
  int low_, high_;
  std::array<float, 16> wanted_ = {};
  SuperBlock block_, best_;
  float best_error_ = std::numeric_limits<float>::infinity();
};

// A format with minima.
class MinimumEncoder {
 public:
  MinimumEncoder(const float* values, const MinimumFormat& format) : values_(values), format_(format) {}

  SuperBlock Encode() {
    FindLines();
    for (int round = 0; round <= kRounds; ++round) {
      const float error = SetGroups();
      if (error < best_error_) {
        best_error_ = error;
        best_ = block_;
      }
      if (round < kRounds) AdjustLine();
    }
    return best_;
  }

 private:
  int groups() const { return kSuperBlock / format_.group; }

  void FindLines() {
    float scale = 0, minimum = 0;
    for (int g = 0; g < groups(); ++g) {
      wanted_[g] = FindScaleAndMinimum(values_ + g * format_.group, format_.group, format_.most_level);
      scale = std::max(scale, wanted_[g].scale);
      minimum = std::max(minimum, wanted_[g].minimum);
    }
    const auto most = static_cast<float>(format_.most_scale);
    block_.scale = StoredHalf::Nearest(scale / most);
    block_.minimum = StoredHalf::Nearest(minimum / most);
  }

  // For each group the pair of integers that leaves the least error, of those about the wanted pair.
  float SetGroups() {
    const float scale = block_.scale.ToFloat(), minimum = block_.minimum.ToFloat();
    float total = 0;
    for (int g = 0; g < groups(); ++g) {
      const int s = scale == 0 ? 0 : RoundWithin(wanted_[g].scale / scale, 0, format_.most_scale);
      const int m = minimum == 0 ? 0 : RoundWithin(wanted_[g].minimum / minimum, 0, format_.most_scale);
      float least = std::numeric_limits<float>::infinity();
      for (int ds = -1; ds <= 1; ++ds) {
        for (int dm = -1; dm <= 1; ++dm) {
          if (!Storable(s + ds) || !Storable(m + dm)) continue;
          const float error = TryGroup(g, s + ds, m + dm, scale, minimum, least);
          least = std::min(least, error);
        }
      }
      total += least;
    }
    return total;
  }

  bool Storable(int integer) const { return integer >= 0 && integer <= format_.most_scale; }

  // The error of the group with these integers; if it is below `least`, they and their levels are kept.
  float TryGroup(int g, int s, int m, float scale, float minimum, float least) {
    const float offset = minimum * static_cast<float>(m);
    std::array<float, kLargestGroup> raised;
    for (int i = 0; i < format_.group; ++i) raised[i] = values_[g * format_.group + i] + offset;
    std::array<std::int8_t, kLargestGroup> levels;
    const EvenLevels even = {0, static_cast<float>(format_.most_level)};
    const float error =
        SetLevels(raised.data(), format_.group, even, scale * static_cast<float>(s), levels.data());
    if (!(error < least)) return error;
    block_.scales[g] = static_cast<std::int8_t>(s);
    block_.minima[g] = static_cast<std::int8_t>(m);
    std::copy_n(levels.begin(), format_.group, block_.levels.begin() + g * format_.group);
    return error;
  }

  // Block scale and minimum of least squares for these levels.
  void AdjustLine() {
    double uu = 0, uv = 0, vv = 0, xu = 0, xv = 0;
    for (int i = 0; i < kSuperBlock; ++i) {
      const int g = i / format_.group;
      const double u = static_cast<double>(block_.scales[g]) * block_.levels[i];
      const double v = -static_cast<double>(block_.minima[g]);
      const auto x = static_cast<double>(values_[i]);
      uu += u * u, uv += u * v, vv += v * v, xu += x * u, xv += x * v;
    }
    const double determinant = uu * vv - uv * uv;
    if (determinant > 1e-9 * uu * vv && determinant > 0) {
      const double scale = (xu * vv - xv * uv) / determinant;
      const double minimum = (xv * uu - xu * uv) / determinant;
      if (scale > 0 && minimum > 0) {
        block_.scale = StoredHalf::Nearest(static_cast<float>(scale));
        block_.minimum = StoredHalf::Nearest(static_cast<float>(minimum));
      }
    } else if (vv == 0 && uu > 0 && xu > 0) {
      block_.scale = StoredHalf::Nearest(static_cast<float>(xu / uu));
    }
  }

  const float* values_;
  MinimumFormat format_;
  std::array<ScaleAndMinimum, 16> wanted_ = {};
  SuperBlock block_, best_;
  float best_error_ = std::numeric_limits<float>::infinity();
};

}  // namespace

SuperBlock EncodeWithMinima(const float* values, const MinimumFormat& format) {
  return MinimumEncoder(values, format).Encode();
}

SuperBlock EncodeCentred(const float* values, const CentredFormat& format) {
  const EvenLevels levels = {static_cast<float>(format.low_level), static_cast<float>(format.high_level)};
  return CentredEncoder(values, format.group, levels, format.low_scale, format.high_scale).Encode();
}

SuperBlock EncodeByCodebook(const float* values, int low_scale, int high_scale) {
  return CentredEncoder(values, kLargestGroup, CodebookLevels(), low_scale, high_scale).Encode();
}

}  // namespace carat::internal
