// From the keys of a GGUF model to its configuration.
#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "lib/base/checked.h"
#include "lib/base/error.h"
#include "lib/weights/folder/config_values.h"
#include "lib/weights/gguf/gguf_model.h"
#include "lib/weights/gguf/gguf_names.h"
#include "lib/weights/layer_rules.h"

namespace carat::internal {
namespace {

constexpr std::string_view kArchitecture = "gemma4";
constexpr double kAssumedSoftcap = 30;  // where the file says nothing; 0 is none
// What a rotary angle is divided by so that it stands still is written as 1e30; what turns, as a small
// number.
constexpr float kStandsStill = 1e20f;
constexpr GgufRange kAnyId = {0, std::numeric_limits<std::int32_t>::max()};

GgufRange RangeOf(IntegerRange range) {
  return {range.low, range.high};
}

// Features that other models of the architecture's family have: a key with the one value that is no feature.
struct FeatureKey {
  std::string_view key;
  double absent;
};
constexpr FeatureKey kFeatures[] = {
    {"attn_logit_softcapping", 0}, {"attention.scale", 1},     {"attention.causal", 1},
    {"rope.scaling.factor", 1},    {"expert_shared_count", 0}, {"nextn_predict_layers", 0},
    {"expert_weights_norm", 1},    {"expert_gating_func", 1},
};

class ConfigReader {
 public:
  explicit ConfigReader(const GgufModel& model) : model_(model), file_(model.head()) {}

  Result<ModelConfig> Read() {
    CARAT_RETURN_IF_ERROR(CheckArchitecture());
    CARAT_RETURN_IF_ERROR(CheckFeatures());
    CARAT_RETURN_IF_ERROR(ReadSizes());
    CARAT_RETURN_IF_ERROR(ReadPerLayerInput());
    CARAT_RETURN_IF_ERROR(ReadExperts());
    CARAT_RETURN_IF_ERROR(ReadLayers());
    CARAT_RETURN_IF_ERROR(ReadRope());
    CARAT_RETURN_IF_ERROR(ReadKeysAreValues());
    CARAT_RETURN_IF_ERROR(ReadTokens());
    CARAT_RETURN_IF_ERROR(ReadSampling());
    return std::move(config_);
  }

 private:
  TextConfig& text() { return config_.text; }

  static std::string Key(std::string_view name) {
    return std::string(kArchitecture) + "." + std::string(name);
  }
  std::string Locate(std::string_view name) const { return file_.Locate(Key(name)); }

  Result<std::int64_t> Require(std::string_view name, IntegerRange range) const {
    CARAT_ASSIGN_OR_RETURN(const auto value, file_.Integer(Key(name), RangeOf(range)));
    if (!value) return NotFound("%s is missing", Locate(name));
    return *value;
  }

  Result<std::int64_t> Or(std::string_view name, std::int64_t otherwise, IntegerRange range) const {
    CARAT_ASSIGN_OR_RETURN(const auto value, file_.Integer(Key(name), RangeOf(range)));
    return value.value_or(otherwise);
  }

  Result<double> RequireNumber(std::string_view name, double above, double most) const {
    CARAT_ASSIGN_OR_RETURN(const auto value, file_.Number(Key(name)));
    if (!value) return NotFound("%s is missing", Locate(name));
    if (*value > above && *value <= most) return *value;
    return InvalidArgument("%s is %g, but must lie above %g and be at most %g", Locate(name), *value, above,
                           most);
  }

  // One number for all layers, or one for each.
  Result<std::vector<std::int64_t>> PerLayer(std::string_view name, IntegerRange range) const {
    const GgufValue* value = file_.Find(Key(name));
    if (value == nullptr) return NotFound("%s is missing", Locate(name));
    if (!value->is_array) {
      CARAT_ASSIGN_OR_RETURN(const std::int64_t number, Require(name, range));
      return std::vector<std::int64_t>(layer_count(), number);
    }
    CARAT_ASSIGN_OR_RETURN(auto numbers, file_.Integers(Key(name), RangeOf(range)));
    const std::size_t entries = numbers ? numbers->size() : 0;
    if (entries == 0 || entries != layer_count()) {
      return InvalidArgument("%s has %d entries, but block_count is %d", Locate(name), entries,
                             layer_count());
    }
    return *std::move(numbers);
  }

  std::size_t layer_count() const { return config_.text.layers.size(); }

  Status CheckArchitecture() {
    constexpr std::string_view kKey = "general.architecture";
    CARAT_ASSIGN_OR_RETURN(auto name, file_.String(kKey));
    if (!name) return NotFound("%s is missing", file_.Locate(kKey));
    config_.architecture = *name;
    if (*name == kArchitecture) return {};
    const std::string_view what = *name == "clip"                    ? " (towers, without a text decoder)"
                                  : name->starts_with(kArchitecture) ? " (another kind of the family)"
                                                                     : "";
    return Unimplemented("%s is '%s'%s, but this version of carat runs '%s'", file_.Locate(kKey), *name,
                         std::string(what), std::string(kArchitecture));
  }

  // Features that change what is computed and that carat lacks: refused rather than ignored.
  Status CheckFeatures() const {
    for (const FeatureKey& feature : kFeatures) {
      CARAT_ASSIGN_OR_RETURN(const auto value, file_.Number(Key(feature.key)));
      if (value && *value != feature.absent) {
        return Unimplemented("%s is %g, but this version of carat runs models where it is %g only",
                             Locate(feature.key), *value, feature.absent);
      }
    }
    CARAT_ASSIGN_OR_RETURN(const auto scaling, file_.String(Key("rope.scaling.type")));
    if (scaling && *scaling != "none") {
      return Unimplemented("%s is '%s', but this version of carat runs 'none' only",
                           Locate("rope.scaling.type"), *scaling);
    }
    if (const auto head = model_.FindTensor("output.weight"); head.tensor != nullptr) {
      return Unimplemented(
          "%s: there is a tensor 'output.weight', but this version of carat runs tied "
          "embeddings only",
          head.part->path());
    }
    return {};
  }

  // A matrix of the file, for what its shape says.
  Result<const GgufTensor*> RequireMatrix(std::string_view name) const {
    const GgufModel::Place place = model_.FindTensor(name);
    if (place.tensor == nullptr) {
      return NotFound("%s: expected a tensor '%s', but there is none", file_.path(), std::string(name));
    }
    if (place.tensor->shape.size() == 2) return place.tensor;
    return InvalidArgument("%s: tensor '%s' has %d dimensions, but must have 2", place.part->path(),
                           std::string(name), place.tensor->shape.size());
  }

  Status ReadSizes() {
    CARAT_ASSIGN_OR_RETURN(const std::int64_t layers, Require("block_count", kLayers));
    text().layers.resize(static_cast<std::size_t>(layers));
    CARAT_ASSIGN_OR_RETURN(text().hidden_size, Require("embedding_length", kWidth));
    CARAT_ASSIGN_OR_RETURN(text().context_length, Require("context_length", kPositions));
    CARAT_ASSIGN_OR_RETURN(text().sliding_window, Require("attention.sliding_window", kPositions));
    CARAT_ASSIGN_OR_RETURN(text().rms_norm_epsilon, RequireNumber("attention.layer_norm_rms_epsilon", 0, 1));
    CARAT_ASSIGN_OR_RETURN(const auto heads, PerLayer("attention.head_count", kHeads));
    text().attention_heads = heads.front();
    if (std::any_of(heads.begin(), heads.end(), [&](std::int64_t n) { return n != heads.front(); })) {
      return Unimplemented("%s differs from layer to layer, which this version of carat does not run",
                           Locate("attention.head_count"));
    }
    CARAT_ASSIGN_OR_RETURN(const auto softcap, file_.Number(Key("final_logit_softcapping")));
    if (softcap && *softcap < 0) {
      return InvalidArgument("%s is %g, but must not be negative", Locate("final_logit_softcapping"),
                             *softcap);
    }
    if (softcap.value_or(kAssumedSoftcap) > 0) text().final_logit_softcap = softcap.value_or(kAssumedSoftcap);
    return ReadVocabularySize();
  }

  Status ReadVocabularySize() {
    CARAT_ASSIGN_OR_RETURN(const GgufTensor* table, RequireMatrix("token_embd.weight"));
    text().vocabulary_size = table->shape[0];
    if (text().vocabulary_size > kVocabulary.high) {
      return InvalidArgument("%s: tensor 'token_embd.weight' has %d rows, but carat allows %d", file_.path(),
                             text().vocabulary_size, kVocabulary.high);
    }
    CARAT_ASSIGN_OR_RETURN(const std::int64_t size, Or("vocab_size", text().vocabulary_size, kVocabulary));
    if (size == text().vocabulary_size) return {};
    return InvalidArgument("%s is %d, but tensor 'token_embd.weight' has %d rows", Locate("vocab_size"), size,
                           text().vocabulary_size);
  }

  Status ReadPerLayerInput() {
    constexpr std::string_view kKey = "embedding_length_per_layer_input";
    CARAT_ASSIGN_OR_RETURN(text().per_layer_input_size, Or(kKey, 0, {0, kWidth.high}));
    if (text().per_layer_input_size == 0) return {};
    const auto width = CheckedMultiply(text().per_layer_input_size, static_cast<std::int64_t>(layer_count()));
    if (!width || *width > kWidth.high) {
      return InvalidArgument("%s is %d, which for %d layers is more than the %d that carat allows together",
                             Locate(kKey), text().per_layer_input_size, layer_count(), kWidth.high);
    }
    constexpr std::string_view kTable = "per_layer_token_embd.weight";
    CARAT_ASSIGN_OR_RETURN(const GgufTensor* table, RequireMatrix(kTable));
    text().per_layer_vocabulary_size = table->shape[0];
    if (text().per_layer_vocabulary_size >= text().vocabulary_size) return {};
    return InvalidArgument(
        "%s: tensor '%s' has %d rows, but must have at least the %d of 'token_embd.weight'", file_.path(),
        std::string(kTable), text().per_layer_vocabulary_size, text().vocabulary_size);
  }

  Status ReadExperts() {
    CARAT_ASSIGN_OR_RETURN(text().experts, Or("expert_count", 0, {0, kExperts.high}));
    if (text().experts == 0) return {};
    CARAT_ASSIGN_OR_RETURN(text().experts_per_token, Require("expert_used_count", {1, text().experts}));
    CARAT_ASSIGN_OR_RETURN(text().expert_intermediate_size, Require("expert_feed_forward_length", kWidth));
    return {};
  }

  // Heads of one kind of layer: keys and values are of one size.
  Result<std::int64_t> HeadDim(std::string_view suffix) const {
    const std::string key = absl::StrFormat("attention.key_length%s", std::string(suffix));
    const std::string value = absl::StrFormat("attention.value_length%s", std::string(suffix));
    const std::string turning = absl::StrFormat("rope.dimension_count%s", std::string(suffix));
    CARAT_ASSIGN_OR_RETURN(const std::int64_t size, Require(key, kHeadDim));
    for (const std::string& other : {value, turning}) {
      CARAT_ASSIGN_OR_RETURN(const std::int64_t found, Or(other, size, kHeadDim));
      if (found == size) continue;
      return Unimplemented("%s is %d, but %s is %d: this version of carat runs models where they are equal",
                           Locate(other), found, key, size);
    }
    return size;
  }

  Status ReadLayers() {
    constexpr std::string_view kPattern = "attention.sliding_window_pattern";
    CARAT_ASSIGN_OR_RETURN(const auto slides, PerLayer(kPattern, {0, 1}));
    CARAT_ASSIGN_OR_RETURN(const auto widths, PerLayer("feed_forward_length", kWidth));
    CARAT_ASSIGN_OR_RETURN(const auto kv_heads, PerLayer("attention.head_count_kv", kHeads));
    CARAT_ASSIGN_OR_RETURN(const std::int64_t full_dim, HeadDim(""));
    CARAT_ASSIGN_OR_RETURN(const std::int64_t sliding_dim, HeadDim("_swa"));
    if (slides.back() != 0) {
      return InvalidArgument("%s: the last layer is a sliding one, but must attend to everything",
                             Locate(kPattern));
    }
    for (std::size_t i = 0; i < layer_count(); ++i) {
      LayerConfig& layer = text().layers[i];
      layer.full_attention = slides[i] == 0;
      layer.intermediate_size = widths[i];
      layer.kv_heads = kv_heads[i];
      layer.head_dim = layer.full_attention ? full_dim : sliding_dim;
      const HeadPlaces places = {
          Locate(layer.full_attention ? "attention.key_length" : "attention.key_length_swa"),
          Locate("attention.head_count_kv"), "attention.head_count"};
      CARAT_RETURN_IF_ERROR(CheckHeads(places, text().attention_heads, {layer.head_dim, layer.kv_heads}, i));
    }
    constexpr std::string_view kShared = "attention.shared_kv_layers";
    CARAT_ASSIGN_OR_RETURN(text().kv_shared_layers,
                           Or(kShared, 0, {0, static_cast<std::int64_t>(layer_count())}));
    return ShareKeyValues(Locate(kShared), text());
  }

  // Full-attention layers turn a part of each head: rope_freqs has a number for every pair.
  Status ReadRope() {
    constexpr double kMost = std::numeric_limits<float>::max();
    CARAT_ASSIGN_OR_RETURN(const double full_theta, RequireNumber("rope.freq_base", 0, kMost));
    CARAT_ASSIGN_OR_RETURN(const double sliding_theta, RequireNumber("rope.freq_base_swa", 0, kMost));
    const std::int64_t full_pairs = text().layers.back().head_dim / 2;
    CARAT_ASSIGN_OR_RETURN(const RopeConfig full, ReadRopeFactors(full_pairs));
    for (LayerConfig& layer : text().layers) {
      layer.rope = layer.full_attention ? full : RopeConfig{0, layer.head_dim / 2, 1};
      layer.rope.theta = layer.full_attention ? full_theta : sliding_theta;
    }
    return {};
  }

  // The first pairs turn, divided by one factor; all after them stand still.
  Result<RopeConfig> ReadRopeFactors(std::int64_t pairs) const {
    const std::string name(kGgufRopeFactors);
    const GgufModel::Place place = model_.FindTensor(name);
    if (place.tensor == nullptr) {
      return NotFound(
          "%s: expected a tensor '%s' of shape [%d], which says how far full-attention layers turn, "
          "but there is none",
          file_.path(), name, pairs);
    }
    const GgufTensor& tensor = *place.tensor;
    if (tensor.format != NumberFormat::kF32 || tensor.shape != std::vector<std::int64_t>{pairs}) {
      return InvalidArgument("%s: tensor '%s' is %s, but must be F32 of shape [%d]", place.part->path(), name,
                             tensor.type_name, pairs);
    }
    const std::byte* data = place.part->file()->bytes().data() + tensor.begin;
    RopeConfig rope;
    for (std::int64_t i = 0; i < pairs; ++i) {
      const float factor = LoadValue(data, NumberFormat::kF32, static_cast<std::size_t>(i));
      if (factor >= kStandsStill) continue;
      if (i == 0 && factor > 0) rope.factor = static_cast<double>(factor);
      if (rope.rotated_pairs != i || static_cast<double>(factor) != rope.factor) {
        return Unimplemented(
            "%s: tensor '%s' holds %g at %d: this version of carat runs models whose first pairs "
            "turn by one factor above 0, and whose others stand still",
            place.part->path(), name, factor, i);
      }
      ++rope.rotated_pairs;
    }
    return rope;
  }

  // Where full-attention layers have no value projection, the keys are the values: all of them or none.
  Status ReadKeysAreValues() {
    std::optional<bool> keys_are_values;
    for (std::size_t i = 0; i < layer_count(); ++i) {
      LayerConfig& layer = text().layers[i];
      if (!layer.full_attention || layer.kv_layer != static_cast<std::int64_t>(i)) continue;
      const std::string name = absl::StrFormat("blk.%d.attn_v.weight", i);
      const bool missing = model_.FindTensor(name).tensor == nullptr;
      if (keys_are_values.value_or(missing) != missing) {
        return InvalidArgument("%s: %s tensor '%s', but for the full-attention layers before it is %s",
                               file_.path(), missing ? "expected a" : "found a", name,
                               missing ? "there" : "missing");
      }
      keys_are_values = missing;
    }
    for (LayerConfig& layer : text().layers) {
      layer.keys_are_values = layer.full_attention && keys_are_values.value_or(false);
    }
    return {};
  }

  GgufRange Ids() const { return {0, config_.text.vocabulary_size - 1}; }

  Status ReadTokens() {
    CARAT_ASSIGN_OR_RETURN(const auto pad, file_.Integer("tokenizer.ggml.padding_token_id", Ids()));
    text().pad_token = pad.value_or(0);
    CARAT_ASSIGN_OR_RETURN(config_.bos_token, file_.Integer("tokenizer.ggml.bos_token_id", Ids()));
    CARAT_ASSIGN_OR_RETURN(const auto pieces, file_.Strings("tokenizer.ggml.tokens"));
    if (!pieces) return NotFound("%s is missing", file_.Locate("tokenizer.ggml.tokens"));
    CARAT_ASSIGN_OR_RETURN(const auto chat_template, file_.String("tokenizer.chat_template"));
    config_.chat_template = chat_template.value_or("");
    ReadMediaTokens(*pieces);
    CARAT_ASSIGN_OR_RETURN(const auto bidirectional, file_.Boolean(kGgufBidirectionalMedia));
    // Others' files do not say it: of the family, the models without per-layer inputs do.
    text().bidirectional_media = bidirectional.value_or(text().per_layer_input_size == 0);
    CARAT_RETURN_IF_ERROR(ReadIds(kGgufSuppressTokens, &config_.suppress_tokens));
    CARAT_RETURN_IF_ERROR(ReadIds(kGgufStopTokens, &config_.stop_tokens));
    return config_.stop_tokens.empty() ? FindStopTokens(*pieces) : Status();
  }

  Status ReadIds(std::string_view key, std::vector<std::int32_t>* ids) const {
    CARAT_ASSIGN_OR_RETURN(const auto found, file_.Integers(key, Ids()));
    if (found) {
      for (const std::int64_t id : *found) ids->push_back(static_cast<std::int32_t>(id));
    }
    return {};
  }

  // The id of a piece; absent if there is none, or beyond the table.
  std::optional<std::int64_t> IdOf(std::string_view piece,
                                   const std::vector<std::string_view>& pieces) const {
    const auto found = std::find(pieces.begin(), pieces.end(), piece);
    if (found == pieces.end() || found - pieces.begin() > Ids().high) return std::nullopt;
    return found - pieces.begin();
  }

  void ReadMediaTokens(const std::vector<std::string_view>& pieces) {
    MediaTokens& media = config_.media;
    const std::pair<std::string_view, std::optional<std::int64_t>*> names[] = {
        {"<|image|>", &media.image}, {"<|image>", &media.image_begin}, {"<image|>", &media.image_end},
        {"<|audio|>", &media.audio}, {"<|audio>", &media.audio_begin}, {"<audio|>", &media.audio_end},
        {"<|video|>", &media.video},
    };
    for (const auto& [piece, id] : names) *id = IdOf(piece, pieces);
    for (const auto& id : {media.image, media.audio, media.video}) {
      if (id) text().placeholder_tokens.push_back(static_cast<std::int32_t>(*id));
    }
  }

  // What ends an answer: the ids that the keys name, and the pieces that end one in this family.
  Status FindStopTokens(const std::vector<std::string_view>& pieces) {
    const auto add = [&](std::optional<std::int64_t> id) {
      auto& stop = config_.stop_tokens;
      if (!id || std::find(stop.begin(), stop.end(), *id) != stop.end()) return;
      stop.push_back(static_cast<std::int32_t>(*id));
    };
    for (const char* key : {"eos_token_id", "eot_token_id", "eom_token_id"}) {
      CARAT_ASSIGN_OR_RETURN(const auto id, file_.Integer(absl::StrFormat("tokenizer.ggml.%s", key), Ids()));
      add(id);
    }
    CARAT_ASSIGN_OR_RETURN(const auto several, file_.Integers("tokenizer.ggml.eos_token_ids", Ids()));
    for (const std::int64_t id : several.value_or(std::vector<std::int64_t>())) add(id);
    for (const std::string_view piece : {"<eos>", "<turn|>", "<|tool_response>"}) add(IdOf(piece, pieces));
    return {};
  }

  Status ReadSampling() {
    SamplingOptions& sampling = config_.sampling;
    constexpr double kMost = std::numeric_limits<float>::max();
    CARAT_RETURN_IF_ERROR(Assign("general.sampling.temp", {0, kMost}, sampling.temperature));
    CARAT_RETURN_IF_ERROR(Assign("general.sampling.top_p", {0, 1, true}, sampling.top_p));
    CARAT_RETURN_IF_ERROR(Assign("general.sampling.min_p", {0, 1}, sampling.min_p));
    CARAT_RETURN_IF_ERROR(Assign(kGgufTypicalP, {0, 1, true}, sampling.typical_p));
    CARAT_RETURN_IF_ERROR(
        Assign("general.sampling.penalty_repeat", {0, kMost, true}, sampling.repetition_penalty));
    CARAT_ASSIGN_OR_RETURN(const auto top_k, file_.Integer("general.sampling.top_k", kAnyId));
    if (top_k) sampling.top_k = static_cast<std::int32_t>(*top_k);
    return {};
  }

  Status Assign(std::string_view key, NumberRange range, float& target) const {
    CARAT_ASSIGN_OR_RETURN(const auto value, file_.Number(key));
    if (!value) return {};
    if (*value < range.low || *value > range.high || (range.open_low && *value == range.low)) {
      return InvalidArgument("%s is %g, but must lie in %g .. %g%s", file_.Locate(key), *value, range.low,
                             range.high, range.open_low ? " and not be the first" : "");
    }
    target = static_cast<float>(*value);
    return {};
  }

  const GgufModel& model_;
  const GgufFile& file_;
  ModelConfig config_;
};

}  // namespace

Result<ModelConfig> ReadGgufConfig(const GgufModel& model) {
  return ConfigReader(model).Read();
}

}  // namespace carat::internal
