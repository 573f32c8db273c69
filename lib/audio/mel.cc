#include "lib/audio/mel.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>
#include <unsupported/Eigen/FFT>

namespace carat::internal {

// In float64, so that the transform adds no noise of its own.
class MelExtractor::Scratch {
 public:
  explicit Scratch(std::int64_t size)
      : input(static_cast<std::size_t>(size)), output(static_cast<std::size_t>(size / 2 + 1)) {
    fft.SetFlag(Eigen::FFT<double>::HalfSpectrum);
    Transform();  // makes the tables now: later calls allocate nothing
  }

  void Transform() { fft.fwd(output.data(), input.data(), static_cast<Eigen::Index>(input.size())); }

  Eigen::FFT<double> fft;
  std::vector<double> input;
  std::vector<std::complex<double>> output;
};

namespace {

double ToMel(double frequency) {
  return 2595 * std::log10(1 + frequency / 700);
}

double ToFrequency(double mel) {
  return 700 * (std::pow(10.0, mel / 2595) - 1);
}

}  // namespace

void MelExtractor::FreeScratch::operator()(Scratch* scratch) const {
  delete scratch;
}

MelExtractor::MelExtractor(const MelConfig& config) : config_(config) {
  window_.resize(static_cast<std::size_t>(config.frame_length));
  const double step = 2 * std::numbers::pi / static_cast<double>(config.frame_length);
  for (std::size_t i = 0; i < window_.size(); ++i) {
    window_[i] = static_cast<float>(0.5 - 0.5 * std::cos(step * static_cast<double>(i)));
  }
  MakeFilters();
}

void MelExtractor::MakeFilters() {
  const std::int64_t frequencies = config_.fft_length / 2 + 1;
  // The reference's half of an odd rate is rounded down.
  const double spacing = static_cast<double>(config_.sample_rate / 2) / static_cast<double>(frequencies - 1);
  const double low = ToMel(config_.min_frequency);
  const double high = ToMel(config_.max_frequency);
  const auto corner = [&](std::int64_t i) {
    return ToFrequency(low + (high - low) * static_cast<double>(i) / static_cast<double>(config_.bins + 1));
  };
  filters_.reserve(static_cast<std::size_t>(config_.bins));
  for (std::int64_t bin = 0; bin < config_.bins; ++bin) {
    const double left = corner(bin);
    const double middle = corner(bin + 1);
    const double right = corner(bin + 2);
    Filter filter{0, weights_.size(), weights_.size()};
    for (std::int64_t i = 0; i < frequencies; ++i) {
      const double frequency = spacing * static_cast<double>(i);
      const double weight =
          std::min((frequency - left) / (middle - left), (right - frequency) / (right - middle));
      if (!(weight > 0)) continue;
      if (filter.begin == filter.end) filter.first = i;
      weights_.push_back(weight);
      ++filter.end;
    }
    filters_.push_back(filter);
  }
}

MelExtractor::ScratchPointer MelExtractor::MakeScratch() const {
  return ScratchPointer(new Scratch(config_.fft_length));
}

void MelExtractor::Extract(Scratch& scratch, const float* samples, float* mel) const {
  const auto scale = static_cast<float>(config_.input_scale);
  for (std::size_t i = 0; i < window_.size(); ++i) {
    // Rounded to float32 as the reference rounds it: in quiet bins that is what shows.
    scratch.input[i] = samples[i] * scale * window_[i];
  }
  scratch.Transform();
  // Magnitudes take the place of the input, whose tail is zero again afterwards.
  double* magnitude = scratch.input.data();
  for (std::size_t i = 0; i < scratch.output.size(); ++i) {
    magnitude[i] = std::sqrt(std::norm(scratch.output[i]));
  }
  for (std::size_t bin = 0; bin < filters_.size(); ++bin) {
    const Filter& filter = filters_[bin];
    double sum = 0;
    for (std::size_t i = filter.begin; i < filter.end; ++i) {
      sum += weights_[i] * magnitude[filter.first + static_cast<std::int64_t>(i - filter.begin)];
    }
    mel[bin] = static_cast<float>(std::log(sum + config_.floor));
  }
  if (scratch.output.size() > window_.size()) {
    std::fill(scratch.input.begin() + static_cast<std::ptrdiff_t>(window_.size()),
              scratch.input.begin() + static_cast<std::ptrdiff_t>(scratch.output.size()), 0.0);
  }
}

MelStream::MelStream(const MelExtractor& extractor, const ParallelWork& work)
    : extractor_(extractor), work_(work) {
  for (int i = 0; i < work.workers(); ++i) scratch_.push_back(extractor.MakeScratch());
  pending_.assign(static_cast<std::size_t>(extractor.config().frame_length / 2), 0.0f);
}

void MelStream::Append(std::span<const float> samples) {
  const MelConfig& config = extractor_.config();
  pending_.insert(pending_.end(), samples.begin(), samples.end());
  sample_count_ += static_cast<std::int64_t>(samples.size());
  const std::int64_t beyond = static_cast<std::int64_t>(pending_.size()) - (config.frame_length + 1);
  if (beyond < 0) return;
  const std::int64_t count = beyond / config.hop_length + 1;
  frames_.resize(static_cast<std::size_t>((frame_count_ + count) * config.bins));
  float* to = frames_.data() + frame_count_ * config.bins;
  work_.For(count, 8, [&](std::int64_t i, int worker) {
    extractor_.Extract(*scratch_[static_cast<std::size_t>(worker)], pending_.data() + i * config.hop_length,
                       to + i * config.bins);
  });
  frame_count_ += count;
  pending_.erase(pending_.begin(), pending_.begin() + count * config.hop_length);
}

FrameCounts CountFrames(const MelConfig& config, std::int64_t samples) {
  const auto fitting = [&](std::int64_t length) {
    const std::int64_t beyond = config.frame_length / 2 + length - (config.frame_length + 1);
    return beyond < 0 ? 0 : beyond / config.hop_length + 1;
  };
  const std::int64_t padded = (samples + config.pad_multiple - 1) / config.pad_multiple * config.pad_multiple;
  return {fitting(padded), fitting(samples)};
}

}  // namespace carat::internal
