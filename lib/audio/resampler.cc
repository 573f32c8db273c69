#include "lib/audio/resampler.h"

#include <samplerate.h>

#include <algorithm>

#include "lib/base/error.h"

namespace carat::internal {

// The library's own state, under a name that the header can declare.
struct Resampler::State {
  SRC_STATE* state;
};

namespace {

// 121 dB, and flat up to 90 % of the lower rate's bandwidth.
constexpr int kConverter = SRC_SINC_MEDIUM_QUALITY;
constexpr std::size_t kPiece = 4096;

}  // namespace

void Resampler::Free::operator()(State* state) const {
  src_delete(state->state);
  delete state;
}

Result<Resampler> Resampler::Create(std::int64_t from_rate, std::int64_t to_rate) {
  Resampler resampler;
  resampler.from_rate_ = from_rate;
  resampler.to_rate_ = to_rate;
  if (from_rate == to_rate) return resampler;
  resampler.state_.reset(new State{nullptr});
  int error = 0;
  resampler.state_->state = src_new(kConverter, 1, &error);
  if (resampler.state_->state == nullptr) {
    return ResourceExhausted("cannot resample from %d to %d samples a second: %s", from_rate, to_rate,
                             src_strerror(error));
  }
  return resampler;
}

std::int64_t Resampler::OutputCount(std::int64_t count, std::int64_t from_rate, std::int64_t to_rate) {
  // In two parts, so that no product overflows.
  return count / from_rate * to_rate + count % from_rate * to_rate / from_rate;
}

Status Resampler::Run(std::span<const float> samples, bool last, std::vector<float>& output) {
  float piece[kPiece];
  for (;;) {
    SRC_DATA data = {};
    data.data_in = samples.data();
    data.input_frames = static_cast<long>(samples.size());
    data.data_out = piece;
    data.output_frames = static_cast<long>(kPiece);
    data.end_of_input = last ? 1 : 0;
    data.src_ratio = static_cast<double>(to_rate_) / static_cast<double>(from_rate_);
    const int error = src_process(state_->state, &data);
    if (error != 0) {
      return Internal("cannot resample from %d to %d samples a second: %s", from_rate_, to_rate_,
                      src_strerror(error));
    }
    samples = samples.subspan(static_cast<std::size_t>(data.input_frames_used));
    output.insert(output.end(), piece, piece + data.output_frames_gen);
    given_ += data.output_frames_gen;
    if (data.output_frames_gen == 0 && (samples.empty() || data.input_frames_used == 0)) return {};
  }
}

Status Resampler::Append(std::span<const float> samples, std::vector<float>& output) {
  taken_ += static_cast<std::int64_t>(samples.size());
  if (!state_) {
    output.insert(output.end(), samples.begin(), samples.end());
    return {};
  }
  return samples.empty() ? Status() : Run(samples, false, output);
}

Status Resampler::Finish(std::vector<float>& output) {
  if (!state_) return {};
  const float none = 0;
  CARAT_RETURN_IF_ERROR(Run({&none, 0}, true, output));
  // The library may round the duration the other way by a sample.
  const std::int64_t difference = OutputCount(taken_, from_rate_, to_rate_) - given_;
  const std::int64_t size = static_cast<std::int64_t>(output.size()) + difference;
  output.resize(static_cast<std::size_t>(std::max<std::int64_t>(0, size)));
  return {};
}

}  // namespace carat::internal
