// Cutting long recordings where nobody speaks.
#include <algorithm>
#include <cmath>
#include <vector>

#include "lib/audio/audio.h"
#include "lib/base/error.h"

namespace carat::internal {
namespace {

// Loudness is measured in steps of 20 ms, and a place is as loud as the 300 ms around it: shorter gaps lie
// inside words.
constexpr double kStepSeconds = 0.02;
constexpr std::int64_t kStepsAround = 7;  // on each side

// No piece is shorter: what is some milliseconds over the limit is no piece of its own.
constexpr double kShortestSeconds = 0.5;

class Cutter {
 public:
  explicit Cutter(const SoundView& sound)
      : sound_(sound),
        step_(std::max<std::int64_t>(1,
                                     std::llround(kStepSeconds * static_cast<double>(sound.format().rate)))) {
    MeasureSteps();
  }

  std::vector<SoundPiece> Cut(std::int64_t longest) const {
    std::vector<SoundPiece> pieces;
    const std::int64_t shortest = std::min<std::int64_t>(
        longest / 2, std::llround(kShortestSeconds * static_cast<double>(sound_.format().rate)));
    std::int64_t first = 0;
    while (sound_.frames() - first > longest) {
      // In the piece's second half, so that pieces are few, and before what must be left.
      const std::int64_t latest = std::min(first + longest, sound_.frames() - shortest);
      const std::int64_t at = Quietest(first + longest / 2, latest);
      pieces.push_back({first, at - first});
      first = at;
    }
    if (sound_.frames() > first) pieces.push_back({first, sound_.frames() - first});
    return pieces;
  }

 private:
  // before_[i] is the energy of all steps before step i.
  void MeasureSteps() {
    const std::int64_t steps = (sound_.frames() + step_ - 1) / step_;
    before_.assign(static_cast<std::size_t>(steps + 1), 0);
    std::vector<float> mono(static_cast<std::size_t>(step_));
    for (std::int64_t i = 0; i < steps; ++i) {
      const std::int64_t count = std::min(step_, sound_.frames() - i * step_);
      sound_.ToMono(i * step_, count, mono.data());
      double energy = 0;
      for (std::int64_t j = 0; j < count; ++j) energy += static_cast<double>(mono[j]) * mono[j];
      before_[i + 1] = before_[i] + energy;
    }
  }

  double LoudnessAround(std::int64_t boundary) const {
    const auto steps = static_cast<std::int64_t>(before_.size()) - 1;
    const std::int64_t from = std::max<std::int64_t>(0, boundary - kStepsAround);
    const std::int64_t to = std::min(steps, boundary + kStepsAround);
    return (before_[to] - before_[from]) / static_cast<double>(std::max<std::int64_t>(1, to - from));
  }

  // The boundary between steps in [low, high] with the least loudness around it, the latest of equals;
  // `high` itself if there is no boundary.
  std::int64_t Quietest(std::int64_t low, std::int64_t high) const {
    std::int64_t best = high;
    double least = HUGE_VAL;
    for (std::int64_t boundary = (low + step_ - 1) / step_; boundary * step_ <= high; ++boundary) {
      if (boundary * step_ == 0) continue;
      const double loudness = LoudnessAround(boundary);
      if (loudness > least) continue;
      least = loudness;
      best = boundary * step_;
    }
    return best;
  }

  const SoundView& sound_;
  std::int64_t step_;
  std::vector<double> before_;
};

}  // namespace

Result<std::vector<SoundPiece>> CutAtQuietPlaces(const SoundView& sound, std::int64_t longest) {
  CARAT_RETURN_IF_ERROR(sound.Check());
  if (longest < sound.format().rate / 10) {
    return InvalidArgument("pieces of at most %d samples are wanted, but must have %d or more", longest,
                           sound.format().rate / 10);
  }
  return Cutter(sound).Cut(longest);
}

}  // namespace carat::internal
