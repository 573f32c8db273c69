#include "lib/weights/gguf/gguf_towers.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "lib/base/error.h"
#include "lib/weights/folder/config_values.h"
#include "lib/weights/gguf/gguf_tower_names.h"

namespace carat::internal {
namespace {

// What the format leaves out since all towers of these kinds have it.
constexpr std::int64_t kPoolingSide = 3;
constexpr double kTheta = 100;
constexpr std::int64_t kVisiblePositions = 12;
constexpr double kSoftcap = 50;
constexpr double kResidualWeight = 0.5;

constexpr std::string_view kVision = "clip.vision.";
constexpr std::string_view kAudio = "clip.audio.";
// carat's own keys, for what the format has no key for.
constexpr std::string_view kPictureBudget = "carat.vision.picture_tokens";
constexpr std::string_view kVideoBudget = "carat.vision.video_frame_tokens";

constexpr std::string_view kVisionInside = "gemma4.vision.";
constexpr std::string_view kAudioInside = "gemma4.audio.";

class TowerReader {
 public:
  // Of a file of its own.
  TowerReader(const GgufFile& file, std::int64_t text_width, const std::string& model)
      : file_(file), text_width_(text_width), model_(model) {}
  // Of towers inside the text decoder's file.
  TowerReader(const GgufModel& model, std::int64_t text_width)
      : file_(model.head()), inside_(&model), text_width_(text_width), model_(model.head().path()) {
    if (file_.Find(std::string(kVision) + "block_count") == nullptr) vision_ = kVisionInside;
    if (file_.Find(std::string(kAudio) + "block_count") == nullptr) audio_ = kAudioInside;
  }

  Result<GgufTowers> Read() {
    CARAT_RETURN_IF_ERROR(CheckArchitecture());
    GgufTowers towers;
    CARAT_ASSIGN_OR_RETURN(const bool vision, Has(vision_, "clip.has_vision_encoder"));
    CARAT_ASSIGN_OR_RETURN(const bool audio, Has(audio_, "clip.has_audio_encoder"));
    if (vision) {
      CARAT_ASSIGN_OR_RETURN(towers.vision, ReadVision());
      CARAT_RETURN_IF_ERROR(ReadBudgets(towers.budgets));
    }
    if (audio) {
      CARAT_ASSIGN_OR_RETURN(towers.audio, ReadAudio());
    }
    if (towers.vision || towers.audio || inside_ != nullptr) return towers;
    return InvalidArgument("%s: the file has neither a vision tower nor an audio tower by its keys",
                           file_.path());
  }

 private:
  // A separate file says so; inside the decoder's, a tower is there if it has blocks.
  Result<bool> Has(std::string_view prefix, std::string_view key) const {
    if (inside_ == nullptr) {
      CARAT_ASSIGN_OR_RETURN(const auto has, file_.Boolean(key));
      return has.value_or(false);
    }
    CARAT_ASSIGN_OR_RETURN(const auto blocks,
                           file_.Integer(std::string(prefix) + "block_count", {0, kLayers.high}));
    return blocks.value_or(0) > 0;
  }

  const GgufTensor* FindTensor(std::string_view name) const {
    return inside_ == nullptr ? file_.FindTensor(name) : inside_->FindTensor(name).tensor;
  }

  Status CheckArchitecture() const {
    constexpr std::string_view kKey = "general.architecture";
    if (inside_ != nullptr) return {};
    CARAT_ASSIGN_OR_RETURN(const auto found, file_.String(kKey));
    const std::string name = found.value_or("");
    if (name == "clip") return {};
    return InvalidArgument(
        "%s is '%s', but must be 'clip' in a file of vision and audio towers (often called mmproj)",
        file_.Locate(kKey), name);
  }

  // Files with one tower name its kind without saying of which.
  Status CheckKind(std::string_view prefix, std::string_view expected) const {
    std::string key = std::string(prefix) + "projector_type";
    if (file_.Find(key) == nullptr) key = "clip.projector_type";
    CARAT_ASSIGN_OR_RETURN(const auto kind, file_.String(key));
    if (!kind && inside_ != nullptr) return {};
    if (!kind) return NotFound("%s is missing", file_.Locate(key));
    if (*kind == expected) return {};
    return Unimplemented("%s is '%s', but this version of carat runs '%s'", file_.Locate(key), *kind,
                         std::string(expected));
  }

  Result<std::int64_t> Require(std::string_view prefix, std::string_view name, IntegerRange range) const {
    const std::string key = std::string(prefix) + std::string(name);
    CARAT_ASSIGN_OR_RETURN(const auto value, file_.Integer(key, {range.low, range.high}));
    if (!value) return NotFound("%s is missing", file_.Locate(key));
    return *value;
  }

  Status CheckWidth(std::string_view prefix) const {
    const bool missing = file_.Find(std::string(prefix) + "projection_dim") == nullptr;
    if (inside_ != nullptr && missing) return {};
    CARAT_ASSIGN_OR_RETURN(const std::int64_t width, Require(prefix, "projection_dim", kWidth));
    if (width == text_width_) return {};
    return InvalidArgument(
        "%s is %d, but %s takes soft tokens of %d values: the towers belong to another model",
        file_.Locate(std::string(prefix) + "projection_dim"), width, model_, text_width_);
  }

  Result<double> Epsilon(std::string_view prefix) const {
    const std::string key = std::string(prefix) + "attention.layer_norm_epsilon";
    CARAT_ASSIGN_OR_RETURN(const auto epsilon, file_.Number(key));
    if (!epsilon) return NotFound("%s is missing", file_.Locate(key));
    if (*epsilon > 0 && *epsilon <= 1) return *epsilon;
    return InvalidArgument("%s is %g, but must lie above 0 and be at most 1", file_.Locate(key), *epsilon);
  }

  // One size of a tensor's shape, which must have so many.
  Result<std::int64_t> SizeOf(std::string_view name, std::size_t dimensions, std::size_t index,
                              IntegerRange range) const {
    const GgufTensor* tensor = FindTensor(name);
    if (tensor == nullptr) {
      return NotFound("%s: expected a tensor '%s', but there is none", file_.path(), std::string(name));
    }
    if (tensor->shape.size() != dimensions) {
      return InvalidArgument("%s: tensor '%s' has %d dimensions, but must have %d", file_.path(),
                             std::string(name), tensor->shape.size(), dimensions);
    }
    const std::int64_t size = tensor->shape[index];
    if (size >= range.low && size <= range.high) return size;
    return InvalidArgument("%s: tensor '%s': dimension %d is %d, but must lie in %d .. %d", file_.path(),
                           std::string(name), index, size, range.low, range.high);
  }

  // Pixels enter the tower as they are.
  Status CheckPixels() const {
    const std::pair<std::string_view, float> expected[] = {{"image_mean", 0.0f}, {"image_std", 1.0f}};
    for (const auto& [name, value] : expected) {
      const std::string key = std::string(vision_) + std::string(name);
      CARAT_ASSIGN_OR_RETURN(const auto numbers, file_.Numbers(key));
      if (!numbers) continue;
      const bool same =
          std::all_of(numbers->begin(), numbers->end(), [v = value](float number) { return number == v; });
      if (same) continue;
      return Unimplemented("%s: this version of carat runs towers where every entry is %g", file_.Locate(key),
                           value);
    }
    return {};
  }

  Result<VisionConfig> ReadVision() const {
    CARAT_RETURN_IF_ERROR(CheckKind(vision_, "gemma4v"));
    CARAT_RETURN_IF_ERROR(CheckWidth(vision_));
    CARAT_RETURN_IF_ERROR(CheckPixels());
    VisionConfig config;
    CARAT_ASSIGN_OR_RETURN(config.hidden_size, Require(vision_, "embedding_length", kWidth));
    CARAT_ASSIGN_OR_RETURN(config.intermediate_size, Require(vision_, "feed_forward_length", kWidth));
    CARAT_ASSIGN_OR_RETURN(config.layers, Require(vision_, "block_count", kLayers));
    CARAT_ASSIGN_OR_RETURN(config.attention_heads, Require(vision_, "attention.head_count", kHeads));
    config.kv_heads = config.attention_heads;
    CARAT_ASSIGN_OR_RETURN(config.head_dim, SizeOf("v.blk.0.attn_q_norm.weight", 1, 0, kHeadDim));
    if (config.head_dim % 4 != 0 || config.attention_heads * config.head_dim > kWidth.high) {
      return InvalidArgument(
          "%s: tensor 'v.blk.0.attn_q_norm.weight' has %d values, one for each of a head, which must be a "
          "multiple of 4 and for %d heads at most %d together",
          file_.path(), config.head_dim, config.attention_heads, kWidth.high);
    }
    CARAT_ASSIGN_OR_RETURN(config.patch_size, Require(vision_, "patch_size", kPatchSides));
    const std::string pooling = std::string(vision_) + "projector.scale_factor";
    CARAT_ASSIGN_OR_RETURN(const auto side, file_.Integer(pooling, {kPoolingSides.low, kPoolingSides.high}));
    config.pooling_kernel_size = side.value_or(kPoolingSide);
    if (config.side_multiple() > kTokenSides.high) {
      return InvalidArgument(
          "%s is %d, which for patches of %d pixels is more than the %d that carat allows together",
          file_.Locate(pooling), config.pooling_kernel_size, config.patch_size, kTokenSides.high);
    }
    CARAT_ASSIGN_OR_RETURN(config.position_embedding_size,
                           SizeOf("v.position_embd.weight", 3, 1, kTablePositions));
    config.rope_theta = kTheta;
    CARAT_ASSIGN_OR_RETURN(config.rms_norm_epsilon, Epsilon(vision_));
    config.standardize = FindTensor("v.std_bias") != nullptr;
    config.clipped_linears =
        FindTensor("v.blk.0.attn_q.input_min") != nullptr || FindTensor(kPackedVisionBounds) != nullptr;
    return config;
  }

  Status ReadBudgets(VisionBudgets& budgets) const {
    const std::pair<std::string_view, std::int32_t*> keys[] = {{kPictureBudget, &budgets.picture},
                                                               {kVideoBudget, &budgets.video_frame}};
    for (const auto& [key, budget] : keys) {
      CARAT_ASSIGN_OR_RETURN(const auto value, file_.Integer(key, {0, 1 << 20}));
      if (!value) continue;
      const Status status = CheckVisionBudget(*value);
      if (!status.ok()) return InvalidArgument("%s: %s", file_.Locate(key), status.message());
      *budget = static_cast<std::int32_t>(*value);
    }
    return {};
  }

  Result<AudioConfig> ReadAudio() const {
    CARAT_RETURN_IF_ERROR(CheckKind(audio_, "gemma4a"));
    CARAT_RETURN_IF_ERROR(CheckWidth(audio_));
    AudioConfig config;
    CARAT_ASSIGN_OR_RETURN(config.hidden_size, Require(audio_, "embedding_length", {4, kWidth.high / 4}));
    CARAT_ASSIGN_OR_RETURN(config.layers, Require(audio_, "block_count", kLayers));
    CARAT_ASSIGN_OR_RETURN(config.attention_heads, Require(audio_, "attention.head_count", kHeads));
    if (config.hidden_size % config.attention_heads != 0 || config.hidden_size % 2 != 0) {
      return InvalidArgument("%s is %d, but must be even and a multiple of the %d heads",
                             file_.Locate(std::string(audio_) + "embedding_length"), config.hidden_size,
                             config.attention_heads);
    }
    config.head_dim = config.hidden_size / config.attention_heads;
    CARAT_ASSIGN_OR_RETURN(const std::int64_t width, Require(audio_, "feed_forward_length", kWidth));
    if (width != config.feed_forward_size()) {
      return Unimplemented(
          "%s is %d, but this version of carat runs towers where it is %d, 4 times the width",
          file_.Locate(std::string(audio_) + "feed_forward_length"), width, config.feed_forward_size());
    }
    config.visible_positions = kVisiblePositions;
    config.attention_softcap = kSoftcap;
    config.residual_weight = kResidualWeight;
    CARAT_ASSIGN_OR_RETURN(config.rms_norm_epsilon, Epsilon(audio_));
    if (inside_ == nullptr || file_.Find(std::string(audio_) + "num_mel_bins") != nullptr) {
      CARAT_ASSIGN_OR_RETURN(config.mel.bins, Require(audio_, "num_mel_bins", kMelBins));
    }
    CARAT_ASSIGN_OR_RETURN(config.conv_kernel, SizeOf("a.blk.0.conv_dw.weight", 2, 1, kConvolutionKernel));
    CARAT_ASSIGN_OR_RETURN(config.first_channels, SizeOf("a.conv1d.0.weight", 4, 0, kChannels));
    CARAT_ASSIGN_OR_RETURN(config.second_channels, SizeOf("a.conv1d.1.weight", 4, 0, kChannels));
    const std::string_view output = HasOllamaNames(inside_) ? kOllamaOutput : "a.pre_encode.out.weight";
    CARAT_ASSIGN_OR_RETURN(config.output_size, SizeOf(output, 2, 0, kWidth));
    config.clipped_linears = FindTensor("a.blk.0.attn_q.input_min") != nullptr;
    return config;
  }

  const GgufFile& file_;
  const GgufModel* inside_ = nullptr;
  const std::int64_t text_width_;
  const std::string& model_;
  std::string_view vision_ = kVision;
  std::string_view audio_ = kAudio;
};

std::string Vision(std::string_view name) {
  return std::string(kVision) + std::string(name);
}
std::string Audio(std::string_view name) {
  return std::string(kAudio) + std::string(name);
}

Status AddVision(const VisionConfig& config, const VisionBudgets& budgets, std::int64_t text_width,
                 const std::string& source, GgufHeader& header) {
  if (config.kv_heads != config.attention_heads || config.rope_theta != kTheta) {
    return Unimplemented(
        "%s: the vision tower has %d heads for keys and turns with theta %g; GGUF can only say %d, as many "
        "as "
        "for queries, and %g",
        source, config.kv_heads, config.rope_theta, config.attention_heads, kTheta);
  }
  header.Boolean("clip.has_vision_encoder", true);
  header.String(Vision("projector_type"), "gemma4v");
  header.Unsigned(Vision("image_size"), 224);  // readers ask for it, and nobody uses it
  header.Unsigned(Vision("patch_size"), config.patch_size);
  header.Unsigned(Vision("embedding_length"), config.hidden_size);
  header.Unsigned(Vision("feed_forward_length"), config.intermediate_size);
  header.Unsigned(Vision("block_count"), config.layers);
  header.Unsigned(Vision("attention.head_count"), config.attention_heads);
  header.Number(Vision("attention.layer_norm_epsilon"), config.rms_norm_epsilon);
  header.Unsigned(Vision("projection_dim"), text_width);
  header.Unsigned(Vision("projector.scale_factor"), config.pooling_kernel_size);
  header.Numbers(Vision("image_mean"), std::vector<float>(3, 0.0f));
  header.Numbers(Vision("image_std"), std::vector<float>(3, 1.0f));
  header.Unsigned(kPictureBudget, budgets.picture);
  header.Unsigned(kVideoBudget, budgets.video_frame);
  return {};
}

Status AddAudio(const AudioConfig& config, std::int64_t text_width, const std::string& source,
                GgufHeader& header) {
  MelConfig usual;
  usual.bins = config.mel.bins;
  const bool expressible = config.visible_positions == kVisiblePositions &&
                           config.attention_softcap == kSoftcap &&
                           config.residual_weight == kResidualWeight && config.mel == usual;
  if (!expressible) {
    return Unimplemented(
        "%s: the audio tower or its features differ from the released models' in what GGUF has no keys for: "
        "%d positions, softcap %g, residual weight %g, or how sound becomes features",
        source, config.visible_positions, config.attention_softcap, config.residual_weight);
  }
  header.Boolean("clip.has_audio_encoder", true);
  header.String(Audio("projector_type"), "gemma4a");
  header.Unsigned(Audio("num_mel_bins"), config.mel.bins);
  header.Unsigned(Audio("embedding_length"), config.hidden_size);
  header.Unsigned(Audio("feed_forward_length"), config.feed_forward_size());
  header.Unsigned(Audio("block_count"), config.layers);
  header.Unsigned(Audio("attention.head_count"), config.attention_heads);
  header.Number(Audio("attention.layer_norm_epsilon"), config.rms_norm_epsilon);
  header.Unsigned(Audio("projection_dim"), text_width);
  return {};
}

bool IsBound(std::string_view name) {
  return name.ends_with("put_min") || name.ends_with("put_max");
}

bool IsDepthwise(std::string_view name) {
  return name.ends_with(".depthwise_conv1d.weight");
}

}  // namespace

Result<GgufTowers> ReadGgufTowers(const GgufFile& file, std::int64_t text_width, const std::string& model) {
  return TowerReader(file, text_width, model).Read();
}

Result<GgufTowers> ReadTowersInside(const GgufModel& model, std::int64_t text_width) {
  return TowerReader(model, text_width).Read();
}

Status AddTowerKeys(const GgufTowers& towers, std::int64_t text_width, const std::string& source,
                    GgufHeader* header) {
  header->String("general.architecture", "clip");
  header->String("general.type", "mmproj");
  header->Boolean("clip.use_gelu", true);
  if (towers.vision) {
    CARAT_RETURN_IF_ERROR(AddVision(*towers.vision, towers.budgets, text_width, source, *header));
  }
  if (towers.audio) CARAT_RETURN_IF_ERROR(AddAudio(*towers.audio, text_width, source, *header));
  return {};
}

std::int64_t PatchValueOf(std::int64_t index, std::int64_t patch_size) {
  const std::int64_t channel = index / (patch_size * patch_size);
  const std::int64_t pixel = index % (patch_size * patch_size);
  return pixel * 3 + channel;
}

float Softplus(float value) {
  const double x = value;  // without overflow
  return static_cast<float>(std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))));
}

std::vector<std::int64_t> TowerShape(std::string_view checkpoint_name, std::vector<std::int64_t> stored) {
  if (IsBound(checkpoint_name) && stored == std::vector<std::int64_t>{1}) return {};
  if (IsDepthwise(checkpoint_name) && stored.size() == 2) stored.insert(stored.begin() + 1, 1);
  return stored;
}

std::vector<std::int64_t> GgufTowerShape(std::string_view checkpoint_name, std::vector<std::int64_t> shape,
                                         const GgufTowers& towers) {
  if (shape.empty()) return {1};
  if (IsDepthwise(checkpoint_name) && shape.size() == 3) shape.erase(shape.begin() + 1);
  if (towers.vision && shape.size() == 2 && checkpoint_name.ends_with("patch_embedder.input_proj.weight")) {
    const std::int64_t side = towers.vision->patch_size;
    return {shape[0], 3, side, side};
  }
  return shape;
}

}  // namespace carat::internal
