// The towers' configurations, whatever the container: from a folder's files, or from the keys of a GGUF file.
#ifndef CARAT_LIB_WEIGHTS_TOWER_CONFIG_H_
#define CARAT_LIB_WEIGHTS_TOWER_CONFIG_H_

#include <optional>

#include "carat/status.h"
#include "lib/weights/audio_config.h"
#include "lib/weights/checkpoint.h"
#include "lib/weights/vision_config.h"

namespace carat::internal {

// Absent if the checkpoint has no such tower. Errors: those of ReadVisionConfig and ReadAudioConfig of a
// folder.
Result<std::optional<VisionConfig>> ReadVisionConfig(const Checkpoint& checkpoint);
Result<VisionBudgets> ReadVisionBudgets(const Checkpoint& checkpoint);
Result<std::optional<AudioConfig>> ReadAudioConfig(const Checkpoint& checkpoint);

}  // namespace carat::internal

#endif  // CARAT_LIB_WEIGHTS_TOWER_CONFIG_H_
