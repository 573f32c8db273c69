// The audio tower's part of config.json, and how sound is prepared for it: processor_config.json.
#ifndef CARAT_LIB_WEIGHTS_AUDIO_CONFIG_H_
#define CARAT_LIB_WEIGHTS_AUDIO_CONFIG_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "carat/status.h"

namespace carat::internal {

// From samples to log-mel features. The defaults are those of the released models.
struct MelConfig {
  std::int64_t sample_rate = 16000;
  std::int64_t frame_length = 320;  // samples under the window
  std::int64_t hop_length = 160;    // samples from one frame to the next
  std::int64_t fft_length = 512;
  std::int64_t bins = 128;
  double min_frequency = 0;
  double max_frequency = 8000;
  double floor = 1e-3;  // what is added before the logarithm
  double input_scale = 1;
  std::int64_t pad_multiple = 128;  // a clip is padded with zeros to a multiple of that many samples
  std::int64_t max_milliseconds = 30000;

  std::int64_t max_samples() const { return sample_rate * max_milliseconds / 1000; }
  bool operator==(const MelConfig&) const = default;
};

struct AudioConfig {
  std::int64_t hidden_size = 0;
  std::int64_t layers = 0;
  std::int64_t attention_heads = 0;
  std::int64_t head_dim = 0;
  std::int64_t visible_positions = 0;  // that a query sees: itself and those before it
  double attention_softcap = 0;
  std::int64_t conv_kernel = 0;     // of the light convolution, over time
  double residual_weight = 0;       // of the feed-forwards
  std::int64_t first_channels = 0;  // of the subsampling convolutions
  std::int64_t second_channels = 0;
  std::int64_t output_size = 0;  // of the tower, before the projection into the text model
  bool clipped_linears = false;
  double rms_norm_epsilon = 1e-6;
  MelConfig mel;

  // The feed-forwards' width: the reference has no key for it.
  std::int64_t feed_forward_size() const { return 4 * hidden_size; }
};

// Reads config.json and, if it exists, processor_config.json of a folder. Absent if the model has no audio
// tower. Errors: NOT_FOUND, DATA_LOSS, INVALID_ARGUMENT naming file, key, expected and found; UNIMPLEMENTED
// for towers or features that carat does not run.
Result<std::optional<AudioConfig>> ReadAudioConfig(const std::string& folder);

// The same from texts (`processor_text` may be empty); `source` is the folder that errors name.
Result<std::optional<AudioConfig>> ParseAudioConfig(std::string_view config_text,
                                                    std::string_view processor_text,
                                                    const std::string& source);

}  // namespace carat::internal

#endif  // CARAT_LIB_WEIGHTS_AUDIO_CONFIG_H_
