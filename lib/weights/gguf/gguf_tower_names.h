// What GGUF calls the tensors of the vision and audio towers, and what checkpoints call them.
#ifndef CARAT_LIB_WEIGHTS_GGUF_GGUF_TOWER_NAMES_H_
#define CARAT_LIB_WEIGHTS_GGUF_GGUF_TOWER_NAMES_H_

#include <optional>
#include <string>
#include <string_view>

namespace carat::internal {

// "v.blk.3.attn_q.weight" -> "model.vision_tower.encoder.layers.3.self_attn.q_proj.linear.weight". Absent for
// names that the towers have no place for.
std::optional<std::string> TowerNameOf(std::string_view gguf_name);

// The other way.
std::optional<std::string> GgufTowerNameOf(std::string_view checkpoint_name);

}  // namespace carat::internal

#endif  // CARAT_LIB_WEIGHTS_GGUF_GGUF_TOWER_NAMES_H_
