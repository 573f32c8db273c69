#include "lib/sampling/ranges.h"

#include <cmath>
#include <limits>

#include "lib/base/error.h"

namespace carat::internal {

// The comparisons are such that NaN fails them.

Status CheckTemperature(float temperature) {
  if (temperature >= 0 && std::isfinite(temperature)) return {};
  return InvalidArgument("temperature is %g, but must be finite and not below 0", temperature);
}

Status CheckTopK(std::int32_t k) {
  if (k >= 0) return {};
  return InvalidArgument("top_k is %d, but must not be below 0 (0 is off)", k);
}

Status CheckTopP(float p) {
  if (p >= 0 && p <= 1) return {};
  return InvalidArgument("top_p is %g, but must lie in [0, 1] (1 is off)", p);
}

Status CheckMinP(float p) {
  if (p >= 0 && p <= 1) return {};
  return InvalidArgument("min_p is %g, but must lie in [0, 1] (0 is off)", p);
}

Status CheckTypical(float p) {
  if (p > 0 && p <= 1) return {};
  return InvalidArgument("typical_p is %g, but must lie in (0, 1] (1 is off)", p);
}

Status CheckPenalties(float repetition, float frequency, float presence, std::int32_t window) {
  if (!(repetition > 0) || !std::isfinite(repetition)) {
    return InvalidArgument("repetition_penalty is %g, but must be finite and above 0 (1 is off)", repetition);
  }
  if (!std::isfinite(frequency)) {
    return InvalidArgument("frequency_penalty is %g, but must be finite (0 is off)", frequency);
  }
  if (!std::isfinite(presence)) {
    return InvalidArgument("presence_penalty is %g, but must be finite (0 is off)", presence);
  }
  if (window < 0) {
    return InvalidArgument("penalty_window is %d, but must not be below 0 (0 is all tokens)", window);
  }
  return {};
}

Status CheckLogitBias(std::span<const std::pair<std::int32_t, float>> bias) {
  for (const auto& [token, value] : bias) {
    if (token < 0) {
      return InvalidArgument("logit_bias has a value for token %d, but its tokens must not be below 0",
                             token);
    }
    if (!(value < std::numeric_limits<float>::infinity())) {
      return InvalidArgument("logit_bias of token %d is %g, but must be finite or -infinity", token, value);
    }
  }
  return {};
}

Status CheckOptions(const SamplingOptions& options) {
  CARAT_RETURN_IF_ERROR(CheckTemperature(options.temperature));
  CARAT_RETURN_IF_ERROR(CheckTopK(options.top_k));
  CARAT_RETURN_IF_ERROR(CheckTopP(options.top_p));
  CARAT_RETURN_IF_ERROR(CheckMinP(options.min_p));
  CARAT_RETURN_IF_ERROR(CheckTypical(options.typical_p));
  CARAT_RETURN_IF_ERROR(CheckPenalties(options.repetition_penalty, options.frequency_penalty,
                                       options.presence_penalty, options.penalty_window));
  return CheckLogitBias(options.logit_bias);
}

}  // namespace carat::internal
