// What GGUF calls the tensors of a text decoder, and what checkpoints call them.
#ifndef CARAT_LIB_WEIGHTS_GGUF_GGUF_NAMES_H_
#define CARAT_LIB_WEIGHTS_GGUF_GGUF_NAMES_H_

#include <optional>
#include <string>
#include <string_view>

namespace carat::internal {

// Numbers by which the rotary angles of full-attention layers are divided; no checkpoint has them.
inline constexpr std::string_view kGgufRopeFactors = "rope_freqs.weight";

// "blk.3.attn_q.weight" -> "layers.3.self_attn.q_proj.weight": what follows the text decoder's prefix. Absent
// for names that a decoder has no place for.
std::optional<std::string> CheckpointNameOf(std::string_view gguf_name);

// The other way.
std::optional<std::string> GgufNameOf(std::string_view checkpoint_name);

}  // namespace carat::internal

#endif  // CARAT_LIB_WEIGHTS_GGUF_GGUF_NAMES_H_
