// A GGUF file of vision and audio towers ("mmproj"): its keys, and how its tensors differ from a folder's.
#ifndef CARAT_LIB_WEIGHTS_GGUF_GGUF_TOWERS_H_
#define CARAT_LIB_WEIGHTS_GGUF_GGUF_TOWERS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "carat/status.h"
#include "lib/gguf/gguf.h"
#include "lib/gguf/gguf_writer.h"
#include "lib/weights/audio_config.h"
#include "lib/weights/gguf/gguf_model.h"
#include "lib/weights/vision_config.h"

namespace carat::internal {

// What a file of towers holds.
struct GgufTowers {
  std::optional<VisionConfig> vision;
  VisionBudgets budgets;
  std::optional<AudioConfig> audio;
};

// Reads the keys, and where they leave it to them, the shapes of tensors. The towers must project into a text
// decoder of that width; `model` names it in errors. Errors: INVALID_ARGUMENT, NOT_FOUND naming file, key,
// expected and found; UNIMPLEMENTED for towers that carat does not run.
Result<GgufTowers> ReadGgufTowers(const GgufFile& file, std::int64_t text_width, const std::string& model);

// The towers that lie inside the file of the text decoder itself, as Ollama stores them: "gemma4.vision." and
// "gemma4.audio." stand before the keys (or those of a separate file), and what only a separate file says,
// the kind and the width, is the decoder's. Empty if the keys name none. Errors: as ReadGgufTowers.
Result<GgufTowers> ReadTowersInside(const GgufModel& model, std::int64_t text_width);

// The keys of such a file: what ReadGgufTowers reads. `source` names the model in errors. Errors:
// UNIMPLEMENTED for what the format has no keys for.
Status AddTowerKeys(const GgufTowers& towers, std::int64_t text_width, const std::string& source,
                    GgufHeader* header);

// The patch projection lies as [hidden, channel, row, column] in GGUF and [hidden, (row, column, channel)] in
// folders. Where in the folder's row the value is that the file has at `index` of its row.
std::int64_t PatchValueOf(std::int64_t index, std::int64_t patch_size);

// Queries of the audio tower are scaled by softplus of a folder's per_dim_scale; GGUF stores it applied.
inline constexpr std::string_view kPerDimScale = ".self_attn.per_dim_scale";
float Softplus(float value);

// The shape that a checkpoint gives a tensor which GGUF stores with this shape: bounds are scalars, and a
// depthwise convolution has one input channel.
std::vector<std::int64_t> TowerShape(std::string_view checkpoint_name, std::vector<std::int64_t> stored);
// The other way.
std::vector<std::int64_t> GgufTowerShape(std::string_view checkpoint_name, std::vector<std::int64_t> shape,
                                         const GgufTowers& towers);

}  // namespace carat::internal

#endif  // CARAT_LIB_WEIGHTS_GGUF_GGUF_TOWERS_H_
