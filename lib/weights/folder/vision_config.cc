#include "lib/weights/vision_config.h"

#include <algorithm>
#include <limits>

#include "lib/base/checked.h"
#include "lib/base/error.h"
#include "lib/base/file_mapping.h"
#include "lib/weights/folder/config_values.h"

namespace carat::internal {
namespace {

// What the reference assumes where the file says nothing.
namespace defaults {
constexpr std::int64_t kHiddenSize = 768;
constexpr std::int64_t kIntermediateSize = 3072;
constexpr std::int64_t kLayerCount = 16;
constexpr std::int64_t kHeads = 12;
constexpr std::int64_t kHeadDim = 64;
constexpr std::int64_t kPatchSize = 16;
constexpr std::int64_t kPoolingKernelSize = 3;
constexpr std::int64_t kPositions = 10240;
constexpr double kTheta = 100;
constexpr double kNormEpsilon = 1e-6;
}  // namespace defaults

constexpr double kLargest = std::numeric_limits<double>::max();

Status CheckName(const JsonObject& object, std::string_view key, std::string_view expected) {
  CARAT_ASSIGN_OR_RETURN(const std::optional<std::string> name, object.String(key));
  if (!name || *name == expected) return {};
  return Unimplemented("%s is '%s', but this version of carat runs '%s' only", object.Locate(key), *name,
                       std::string(expected));
}

// Features that change what is computed and that carat lacks: refused rather than ignored.
Status CheckFeatures(const JsonObject& object) {
  CARAT_RETURN_IF_ERROR(CheckName(object, "model_type", "gemma4_vision"));
  CARAT_RETURN_IF_ERROR(CheckName(object, "hidden_activation", "gelu_pytorch_tanh"));
  CARAT_ASSIGN_OR_RETURN(const bool bias, BooleanOr(object, "attention_bias", false));
  if (!bias) return {};
  return Unimplemented("%s is true, but this version of carat runs attention without biases only",
                       object.Locate("attention_bias"));
}

Status ReadSizes(const JsonObject& object, VisionConfig& config) {
  CARAT_ASSIGN_OR_RETURN(config.hidden_size, IntegerOr(object, "hidden_size", defaults::kHiddenSize, kWidth));
  CARAT_ASSIGN_OR_RETURN(config.intermediate_size,
                         IntegerOr(object, "intermediate_size", defaults::kIntermediateSize, kWidth));
  CARAT_ASSIGN_OR_RETURN(config.layers,
                         IntegerOr(object, "num_hidden_layers", defaults::kLayerCount, kLayers));
  CARAT_ASSIGN_OR_RETURN(config.patch_size,
                         IntegerOr(object, "patch_size", defaults::kPatchSize, kPatchSides));
  CARAT_ASSIGN_OR_RETURN(config.pooling_kernel_size, IntegerOr(object, "pooling_kernel_size",
                                                               defaults::kPoolingKernelSize, kPoolingSides));
  if (config.side_multiple() > kTokenSides.high) {
    return InvalidArgument(
        "%s is %d, which for patches of %d pixels is more than the %d that carat allows together",
        object.Locate("pooling_kernel_size"), config.pooling_kernel_size, config.patch_size,
        kTokenSides.high);
  }
  CARAT_ASSIGN_OR_RETURN(config.position_embedding_size,
                         IntegerOr(object, "position_embedding_size", defaults::kPositions, kTablePositions));
  CARAT_ASSIGN_OR_RETURN(const auto epsilon, FindNumber(object, "rms_norm_eps", {0, 1, true}));
  config.rms_norm_epsilon = epsilon.value_or(defaults::kNormEpsilon);
  CARAT_ASSIGN_OR_RETURN(config.clipped_linears, BooleanOr(object, "use_clipped_linears", false));
  CARAT_ASSIGN_OR_RETURN(config.standardize, BooleanOr(object, "standardize", false));
  return {};
}

Status ReadHeads(const JsonObject& object, VisionConfig& config) {
  CARAT_ASSIGN_OR_RETURN(config.attention_heads,
                         IntegerOr(object, "num_attention_heads", defaults::kHeads, kHeads));
  CARAT_ASSIGN_OR_RETURN(config.kv_heads, IntegerOr(object, "num_key_value_heads", defaults::kHeads, kHeads));
  CARAT_ASSIGN_OR_RETURN(config.head_dim, IntegerOr(object, "head_dim", defaults::kHeadDim, kHeadDim));
  if (config.head_dim % 4 != 0) {
    return InvalidArgument("%s is %d, but must be a multiple of 4: each half of a head turns in pairs",
                           object.Locate("head_dim"), config.head_dim);
  }
  if (config.attention_heads % config.kv_heads != 0) {
    return InvalidArgument("%s is %d, which does not divide num_attention_heads, %d",
                           object.Locate("num_key_value_heads"), config.kv_heads, config.attention_heads);
  }
  const auto width = CheckedMultiply(config.attention_heads, config.head_dim);
  if (!width || *width > kWidth.high) {
    return InvalidArgument("%s is %d, which for %d heads is more than the %d that carat allows together",
                           object.Locate("head_dim"), config.head_dim, config.attention_heads, kWidth.high);
  }
  return {};
}

Status ReadRope(const JsonObject& object, VisionConfig& config) {
  config.rope_theta = defaults::kTheta;
  CARAT_ASSIGN_OR_RETURN(const auto rope, object.Object("rope_parameters"));
  if (!rope) return {};
  CARAT_ASSIGN_OR_RETURN(const auto theta, FindNumber(*rope, "rope_theta", {0, kLargest, true}));
  config.rope_theta = theta.value_or(defaults::kTheta);
  CARAT_ASSIGN_OR_RETURN(const std::optional<std::string> type, rope->String("rope_type"));
  // Two names of the same thing, the second the newer.
  if (!type || *type == "default" || *type == "axial") return {};
  return Unimplemented("%s is '%s', but this version of carat runs 'default' and 'axial' only",
                       rope->Locate("rope_type"), *type);
}

// processor.max_soft_tokens, if both are there.
Status ReadBudget(const JsonObject& root, std::string_view processor, std::int32_t& budget) {
  CARAT_ASSIGN_OR_RETURN(const auto object, root.Object(processor));
  if (!object) return {};
  constexpr std::string_view kKey = "max_soft_tokens";
  CARAT_ASSIGN_OR_RETURN(const auto value, object->Integer(kKey));
  if (!value) return {};
  const Status status = CheckVisionBudget(*value);
  if (!status.ok()) return InvalidArgument("%s: %s", object->Locate(kKey), status.message());
  budget = static_cast<std::int32_t>(*value);
  return {};
}

}  // namespace

Status CheckVisionBudget(std::int64_t budget) {
  if (std::find(kVisionBudgets.begin(), kVisionBudgets.end(), budget) != kVisionBudgets.end()) return {};
  return InvalidArgument("a picture's budget is %d soft tokens, but must be 70, 140, 280, 560 or 1120",
                         budget);
}

Result<VisionConfig> ParseVisionConfig(const JsonObject& object) {
  VisionConfig config;
  CARAT_RETURN_IF_ERROR(CheckFeatures(object));
  CARAT_RETURN_IF_ERROR(ReadSizes(object, config));
  CARAT_RETURN_IF_ERROR(ReadHeads(object, config));
  CARAT_RETURN_IF_ERROR(ReadRope(object, config));
  return config;
}

Result<VisionBudgets> ParseVisionBudgets(std::string_view text, const std::string& path) {
  CARAT_ASSIGN_OR_RETURN(const JsonDocument document, JsonDocument::Parse(text, path));
  CARAT_ASSIGN_OR_RETURN(const JsonObject root, JsonObject::From(document.root(), path, ""));
  VisionBudgets budgets;
  CARAT_RETURN_IF_ERROR(ReadBudget(root, "image_processor", budgets.picture));
  CARAT_RETURN_IF_ERROR(ReadBudget(root, "video_processor", budgets.video_frame));
  return budgets;
}

Result<std::optional<VisionConfig>> ReadVisionConfig(const std::string& folder) {
  const std::string path = folder + "/config.json";
  CARAT_ASSIGN_OR_RETURN(const std::string text, ReadJsonText(path));
  CARAT_ASSIGN_OR_RETURN(const JsonDocument document, JsonDocument::Parse(text, path));
  CARAT_ASSIGN_OR_RETURN(const JsonObject root, JsonObject::From(document.root(), path, ""));
  CARAT_ASSIGN_OR_RETURN(const auto vision, root.Object("vision_config"));
  if (!vision) return std::optional<VisionConfig>();
  CARAT_ASSIGN_OR_RETURN(VisionConfig config, ParseVisionConfig(*vision));
  return std::optional<VisionConfig>(config);
}

Result<VisionBudgets> ReadVisionBudgets(const std::string& folder) {
  const std::string path = folder + "/processor_config.json";
  if (!FileExists(path)) return VisionBudgets();
  CARAT_ASSIGN_OR_RETURN(const std::string text, ReadJsonText(path));
  return ParseVisionBudgets(text, path);
}

}  // namespace carat::internal
