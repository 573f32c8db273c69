// The text decoder's weights: views into the checkpoint for matrices, float32 copies of the small vectors.
#ifndef CARAT_LIB_TEXT_TEXT_WEIGHTS_H_
#define CARAT_LIB_TEXT_TEXT_WEIGHTS_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "carat/status.h"
#include "lib/base/tensor.h"
#include "lib/kernels/weight_matrix.h"
#include "lib/weights/checkpoint.h"

namespace carat::internal {

struct ExpertWeights {
  std::vector<float> router_scale;  // hidden_size^-0.5 folded in
  WeightMatrix router;              // [experts, hidden]
  std::vector<float> per_expert_scale;
  std::vector<float> dense_norm;   // post_feedforward_layernorm_1
  std::vector<float> input_norm;   // pre_feedforward_layernorm_2
  std::vector<float> output_norm;  // post_feedforward_layernorm_2
  WeightMatrix gate_up;            // [experts * 2 * width, hidden]: of each expert first gate, then up
  WeightMatrix down;               // [experts * hidden, width]
};

struct PerLayerWeights {
  WeightMatrix gate;        // [per_layer_input, hidden]
  WeightMatrix projection;  // [hidden, per_layer_input]
  std::vector<float> norm;
};

struct LayerWeights {
  std::vector<float> input_norm, post_attention_norm, pre_feedforward_norm, post_feedforward_norm;
  std::vector<float> q_norm, k_norm;  // k_norm is empty in KV-shared layers
  WeightMatrix q, k, v, o;            // no k in KV-shared layers, no v there and where keys are values
  WeightMatrix gate, up, down;
  std::optional<PerLayerWeights> per_layer;
  std::optional<ExpertWeights> experts;
  float scalar = 1;
};

struct TextWeights {
  MatrixView embedding;               // [vocabulary, hidden]
  WeightMatrix head;                  // the same
  MatrixView per_layer_embedding;     // [vocabulary, layers * per_layer_input]
  WeightMatrix per_layer_projection;  // [layers * per_layer_input, hidden]
  std::vector<float> per_layer_norm;  // [per_layer_input]
  std::vector<float> final_norm;
  std::vector<LayerWeights> layers;

  // The widest input of any product.
  std::int64_t MaxColumns() const;

  // Bytes of products' weights that one generated token reads.
  std::int64_t BytesPerToken(const TextConfig& config) const;
  // Multiplications and additions in products for a prompt token that only leaves keys and values.
  std::int64_t OperationsPerPromptToken(const TextConfig& config) const;

  // Every product's weights, the head last.
  std::vector<WeightMatrix*> Products();
  std::vector<const WeightMatrix*> Products() const;
};

// Finds and checks every tensor that the configuration asks for. Errors: those of Checkpoint::Require.
Result<TextWeights> BindTextWeights(const Checkpoint& checkpoint);

// The tensors that every token reads (not those of which it looks up rows), for preloading and for the
// estimate of memory.
std::vector<const TensorEntry*> TensorsReadByEveryToken(const Checkpoint& checkpoint);
// The tensors of which a token looks up single rows.
std::vector<const TensorEntry*> TensorsLookedUp(const Checkpoint& checkpoint);

}  // namespace carat::internal

#endif  // CARAT_LIB_TEXT_TEXT_WEIGHTS_H_
