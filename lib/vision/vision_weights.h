// The vision tower's weights: views into the checkpoint for matrices, float32 copies of the small vectors.
#ifndef CARAT_LIB_VISION_VISION_WEIGHTS_H_
#define CARAT_LIB_VISION_VISION_WEIGHTS_H_

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "carat/status.h"
#include "lib/base/aligned_buffer.h"
#include "lib/base/tensor.h"
#include "lib/weights/checkpoint.h"
#include "lib/weights/vision_config.h"

namespace carat::internal {

// What a value is brought between.
struct Clip {
  float low = -std::numeric_limits<float>::infinity();
  float high = std::numeric_limits<float>::infinity();

  bool bounded() const {
    return low != -std::numeric_limits<float>::infinity() || high != std::numeric_limits<float>::infinity();
  }
  bool operator==(const Clip&) const = default;
};

// y = clip(clip(x) w^T)
struct ClippedMatrix {
  MatrixView weights;
  Clip input, output;
};

struct VisionLayerWeights {
  std::vector<float> input_norm, post_attention_norm, pre_feedforward_norm, post_feedforward_norm;
  std::vector<float> q_norm, k_norm;  // [head_dim]
  ClippedMatrix q, k, v, o, gate, up, down;
};

struct VisionWeights {
  MatrixView patch_projection;             // [hidden, patch values]
  AlignedBytes ordered_patch_projection;   // what it points into, if the file has it in another order
  MatrixView positions;                    // [2 * positions, hidden]: first by x, then by y
  std::vector<float> std_bias, std_scale;  // [hidden] each, or empty
  MatrixView text_projection;              // [text hidden, hidden]
  std::vector<VisionLayerWeights> layers;

  // Whether every matrix of a product is stored in bf16.
  bool all_bf16() const;
};

// Finds and checks every tensor that the configuration asks for. Errors: those of Checkpoint::Require,
// INVALID_ARGUMENT for bounds that are no numbers.
Result<VisionWeights> BindVisionWeights(const Checkpoint& checkpoint, const VisionConfig& config);

// The tensors of the tower and of its projection into the text model, for estimates and for letting go.
std::vector<const TensorEntry*> VisionTensors(const Checkpoint& checkpoint);

}  // namespace carat::internal

#endif  // CARAT_LIB_VISION_VISION_WEIGHTS_H_
