// The tensors that the towers of some configuration consist of, by their published names.
#ifndef CARAT_BENCH_TOWER_TENSORS_H_
#define CARAT_BENCH_TOWER_TENSORS_H_

#include <cstdint>
#include <vector>

#include "bench/text_tensors.h"
#include "lib/weights/audio_config.h"
#include "lib/weights/vision_config.h"

namespace carat::bench {

// Appended to `tensors`, with the projection into a text model of `text_hidden`.
void PlanVisionTensors(const internal::VisionConfig& config, std::int64_t text_hidden,
                       std::vector<PlannedTensor>& tensors);
void PlanAudioTensors(const internal::AudioConfig& config, std::int64_t text_hidden,
                      std::vector<PlannedTensor>& tensors);

}  // namespace carat::bench

#endif  // CARAT_BENCH_TOWER_TENSORS_H_
