// What a checkpoint says about itself: sizes, layer by layer, ids, and how its makers sample.
#ifndef CARAT_LIB_WEIGHTS_MODEL_CONFIG_H_
#define CARAT_LIB_WEIGHTS_MODEL_CONFIG_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "carat/sampler.h"
#include "carat/status.h"

namespace carat::internal {

// Rotary embedding of one kind of layer. Pairs are (i, i + head_dim/2); the first `rotated_pairs` turn by
// position * theta^(-2i/head_dim) / factor, the others not at all.
struct RopeConfig {
  double theta = 0;
  std::int64_t rotated_pairs = 0;
  double factor = 1;
};

// One layer of the text decoder.
struct LayerConfig {
  bool full_attention = false;  // else it sees the last sliding_window positions
  std::int64_t head_dim = 0;
  std::int64_t kv_heads = 0;
  std::int64_t intermediate_size = 0;  // of the dense MLP, doubling applied
  bool keys_are_values = false;        // no v_proj: values come from the raw key projection
  // The layer whose keys and values it attends to: itself, or for a KV-shared layer the last own one of its
  // kind.
  std::int64_t kv_layer = 0;
  RopeConfig rope;
};

// The text decoder.
struct TextConfig {
  std::int64_t hidden_size = 0;
  std::int64_t vocabulary_size = 0;
  std::int64_t attention_heads = 0;
  std::int64_t sliding_window = 0;
  std::int64_t context_length = 0;
  std::int64_t per_layer_input_size = 0;  // 0: no per-layer embeddings
  std::int64_t per_layer_vocabulary_size = 0;
  std::int64_t kv_shared_layers = 0;
  std::int64_t experts = 0;  // 0: no mixture of experts
  std::int64_t experts_per_token = 0;
  std::int64_t expert_intermediate_size = 0;
  std::optional<double> final_logit_softcap;
  double rms_norm_epsilon = 1e-6;
  bool bidirectional_media = false;  // use_bidirectional_attention == "vision"
  std::int64_t pad_token = 0;
  // Ids that only hold a place for pictures and sound: where no soft token stands, they are read as the pad
  // token.
  std::vector<std::int32_t> placeholder_tokens;
  std::vector<LayerConfig> layers;

  // The last layer that has keys and values of its own.
  std::int64_t last_kv_layer() const {
    return static_cast<std::int64_t>(layers.size()) - kv_shared_layers - 1;
  }
};

// Ids that config.json names, where it does.
struct MediaTokens {
  std::optional<std::int64_t> image, image_begin, image_end, audio, audio_begin, audio_end, video;
};

struct ModelConfig {
  std::string architecture;  // model_type: "gemma4" or "gemma4_text"
  TextConfig text;
  bool has_vision = false;
  bool has_audio = false;
  MediaTokens media;
  std::optional<std::int64_t> bos_token;
  std::string chat_template;                  // of a GGUF file; empty: it has none
  std::vector<std::int32_t> stop_tokens;      // generation_config.json's, else config.json's
  std::vector<std::int32_t> suppress_tokens;  // generation_config.json: never generated
  SamplingOptions sampling;                   // generation_config.json's recommendation
};

// Reads config.json and, if it exists, generation_config.json of a folder. Errors: NOT_FOUND, DATA_LOSS,
// INVALID_ARGUMENT naming file, key, expected and found; UNIMPLEMENTED for architectures or features that
// carat does not run.
Result<ModelConfig> ReadModelConfig(const std::string& folder);

// The same from texts (`generation_text` may be empty): for tests and for other containers.
Result<ModelConfig> ParseModelConfig(std::string_view config_text, std::string_view generation_text,
                                     const std::string& source);

}  // namespace carat::internal

#endif  // CARAT_LIB_WEIGHTS_MODEL_CONFIG_H_
