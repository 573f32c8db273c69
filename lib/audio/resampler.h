// From one sample rate to another, piece by piece: libsamplerate behind one small class.
#ifndef CARAT_LIB_AUDIO_RESAMPLER_H_
#define CARAT_LIB_AUDIO_RESAMPLER_H_

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "carat/status.h"

namespace carat::internal {

class Resampler {
 public:
  // Equal rates pass samples through. Errors: RESOURCE_EXHAUSTED.
  static Result<Resampler> Create(std::int64_t from_rate, std::int64_t to_rate);

  // Appends to `output` what these samples complete. Pieces of any size give the same samples. Errors:
  // INTERNAL with the library's reason.
  Status Append(std::span<const float> samples, std::vector<float>& output);
  // Appends the rest: together there are OutputCount(samples so far).
  Status Finish(std::vector<float>& output);

  // How many samples `count` become: the duration's, rounded down.
  static std::int64_t OutputCount(std::int64_t count, std::int64_t from_rate, std::int64_t to_rate);

 private:
  struct State;
  struct Free {
    void operator()(State* state) const;
  };
  Status Run(std::span<const float> samples, bool last, std::vector<float>& output);

  std::int64_t from_rate_ = 1;
  std::int64_t to_rate_ = 1;
  std::int64_t taken_ = 0;
  std::int64_t given_ = 0;
  std::unique_ptr<State, Free> state_;  // null for equal rates
};

}  // namespace carat::internal

#endif  // CARAT_LIB_AUDIO_RESAMPLER_H_
