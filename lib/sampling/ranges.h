// Which values the options may have. Each error names the option, its value and its range.
#ifndef CARAT_LIB_SAMPLING_RANGES_H_
#define CARAT_LIB_SAMPLING_RANGES_H_

#include <cstdint>
#include <span>
#include <utility>

#include "carat/sampler.h"
#include "carat/status.h"

namespace carat::internal {

Status CheckTemperature(float temperature);
Status CheckTopK(std::int32_t k);
Status CheckTopP(float p);
Status CheckMinP(float p);
Status CheckTypical(float p);
Status CheckPenalties(float repetition, float frequency, float presence, std::int32_t window);
Status CheckLogitBias(std::span<const std::pair<std::int32_t, float>> bias);

// All of them.
Status CheckOptions(const SamplingOptions& options);

}  // namespace carat::internal

#endif  // CARAT_LIB_SAMPLING_RANGES_H_
