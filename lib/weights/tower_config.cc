#include "lib/weights/tower_config.h"

#include "lib/base/error.h"

namespace carat::internal {

Result<std::optional<VisionConfig>> ReadVisionConfig(const Checkpoint& checkpoint) {
  if (checkpoint.is_gguf()) return checkpoint.towers().vision;
  return ReadVisionConfig(checkpoint.folder());
}

Result<VisionBudgets> ReadVisionBudgets(const Checkpoint& checkpoint) {
  if (checkpoint.is_gguf()) return checkpoint.towers().budgets;
  return ReadVisionBudgets(checkpoint.folder());
}

Result<std::optional<AudioConfig>> ReadAudioConfig(const Checkpoint& checkpoint) {
  if (checkpoint.is_gguf()) return checkpoint.towers().audio;
  return ReadAudioConfig(checkpoint.folder());
}

}  // namespace carat::internal
