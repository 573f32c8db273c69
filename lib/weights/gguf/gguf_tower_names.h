// What GGUF calls the tensors of the vision and audio towers, and what checkpoints call them.
#ifndef CARAT_LIB_WEIGHTS_GGUF_GGUF_TOWER_NAMES_H_
#define CARAT_LIB_WEIGHTS_GGUF_GGUF_TOWER_NAMES_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/weights/gguf/gguf_model.h"

namespace carat::internal {

// "v.blk.3.attn_q.weight" -> "model.vision_tower.encoder.layers.3.self_attn.q_proj.linear.weight". Absent for
// names that the towers have no place for.
std::optional<std::string> TowerNameOf(std::string_view gguf_name);

// The other way.
std::optional<std::string> GgufTowerNameOf(std::string_view checkpoint_name);

// Whether a name is that of a tower's tensor by its beginning: "v.", "a." or "mm.".
bool IsTowerTensor(std::string_view gguf_name);

// Files with the towers inside, as Ollama writes them, name some tensors of the audio tower otherwise. Such a
// file is known by kOllamaOutput. MmprojNameOf gives the name that a separate file has for the same tensor.
inline constexpr std::string_view kOllamaOutput = "mm.a.fc.weight";
bool HasOllamaNames(const GgufModel* model);
std::string MmprojNameOf(std::string_view ollama_name);

// The bounds of all clipped products of the vision tower in one vector of F32, as some of those files have
// them: for each layer the products q, k, v, output, gate, up and down, for each product the least and
// greatest input and the least and greatest output; then four for the projection.
inline constexpr std::string_view kPackedVisionBounds = "v.clamp_data";
// The names that a folder gives these bounds, in that order, without the projection's.
std::vector<std::string> PackedVisionBoundNames(std::int64_t layers);

}  // namespace carat::internal

#endif  // CARAT_LIB_WEIGHTS_GGUF_GGUF_TOWER_NAMES_H_
