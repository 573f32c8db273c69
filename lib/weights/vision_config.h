// The vision tower's part of config.json, and how many soft tokens processor_config.json gives a picture.
#ifndef CARAT_LIB_WEIGHTS_VISION_CONFIG_H_
#define CARAT_LIB_WEIGHTS_VISION_CONFIG_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "carat/status.h"
#include "lib/base/json.h"

namespace carat::internal {

struct VisionConfig {
  std::int64_t hidden_size = 0;
  std::int64_t intermediate_size = 0;
  std::int64_t layers = 0;
  std::int64_t attention_heads = 0;
  std::int64_t kv_heads = 0;  // divides attention_heads
  std::int64_t head_dim = 0;  // a multiple of 4: two halves, each of pairs
  std::int64_t patch_size = 0;
  std::int64_t pooling_kernel_size = 0;
  std::int64_t position_embedding_size = 0;  // rows of the position table: the most patches along a side
  double rope_theta = 0;
  double rms_norm_epsilon = 0;
  bool clipped_linears = false;
  bool standardize = false;

  // Values of one patch: rows, columns, channels.
  std::int64_t patch_values() const { return 3 * patch_size * patch_size; }
  std::int64_t patches_per_token() const { return pooling_kernel_size * pooling_kernel_size; }
  // What both sides of a prepared picture are multiples of, in pixels.
  std::int64_t side_multiple() const { return pooling_kernel_size * patch_size; }
};

// The soft tokens that a picture may be given.
inline constexpr std::array<std::int32_t, 5> kVisionBudgets = {70, 140, 280, 560, 1120};

// Errors: INVALID_ARGUMENT, saying what they may be.
Status CheckVisionBudget(std::int64_t budget);

// Where a request says nothing.
struct VisionBudgets {
  std::int32_t picture = 280;
  std::int32_t video_frame = 70;
};

// Reads vision_config. What is missing is what the reference assumes. Errors: INVALID_ARGUMENT for values out
// of range or that contradict each other, UNIMPLEMENTED for features that carat does not run.
Result<VisionConfig> ParseVisionConfig(const JsonObject& object);

// The text of processor_config.json: image_processor.max_soft_tokens and video_processor.max_soft_tokens.
// `path` names the file in errors. Errors: DATA_LOSS, INVALID_ARGUMENT.
Result<VisionBudgets> ParseVisionBudgets(std::string_view text, const std::string& path);

// The vision_config of a folder's config.json; absent if it is missing or null.
Result<std::optional<VisionConfig>> ReadVisionConfig(const std::string& folder);
// Those of a folder's processor_config.json, or the defaults where there is none.
Result<VisionBudgets> ReadVisionBudgets(const std::string& folder);

}  // namespace carat::internal

#endif  // CARAT_LIB_WEIGHTS_VISION_CONFIG_H_
