#include "lib/weights/model_config.h"

#include <limits>
#include <string_view>
#include <utility>

#include "lib/base/error.h"
#include "lib/base/file_mapping.h"
#include "lib/base/json.h"
#include "lib/weights/folder/config_values.h"
#include "lib/weights/folder/generation_config.h"
#include "lib/weights/folder/text_config.h"

namespace carat::internal {
namespace {

constexpr IntegerRange kTokens = {0, std::numeric_limits<std::int32_t>::max()};

std::string ConfigPath(const std::string& folder) {
  return folder + "/config.json";
}

std::string GenerationConfigPath(const std::string& folder) {
  return folder + "/generation_config.json";
}

Result<std::string> ReadArchitecture(const JsonObject& root) {
  CARAT_ASSIGN_OR_RETURN(std::optional<std::string> type, root.String("model_type"));
  const std::string where = root.Locate("model_type");
  if (!type) return InvalidArgument("%s is missing, but must be 'gemma4' or 'gemma4_text'", where);
  if (*type == "gemma4" || *type == "gemma4_text") return *std::move(type);
  const std::string_view what = type->starts_with("gemma4_unified") ? " (the encoder-free 12B variant)"
                                : type->ends_with("_assistant")     ? " (a drafter for another model)"
                                                                    : "";
  return Unimplemented("%s is '%s'%s, but this version of carat runs 'gemma4' and 'gemma4_text'", where,
                       *type, std::string(what));
}

// Features outside the text decoder's part.
Status CheckFeatures(const JsonObject& root) {
  CARAT_ASSIGN_OR_RETURN(const bool tied, BooleanOr(root, "tie_word_embeddings", true));
  if (!tied) {
    return Unimplemented("%s is false, but this version of carat runs tied embeddings only",
                         root.Locate("tie_word_embeddings"));
  }
  if (root.Has("quantization_config")) {
    return Unimplemented("%s is there, but this version of carat reads bf16, f16 and f32 weights only",
                         root.Locate("quantization_config"));
  }
  return {};
}

// The text decoder's part: text_config, or in a text-only checkpoint the whole.
Result<JsonObject> FindTextConfig(const JsonObject& root, const std::string& architecture) {
  CARAT_ASSIGN_OR_RETURN(std::optional<JsonObject> text, root.Object("text_config"));
  if (text) return *std::move(text);
  if (architecture == "gemma4_text") return root;
  return InvalidArgument("%s is missing or null, but must be an object", root.Locate("text_config"));
}

Status ReadMediaTokens(const JsonObject& root, MediaTokens& media) {
  const std::pair<std::string_view, std::optional<std::int64_t>*> members[] = {
      {"image_token_id", &media.image},     {"boi_token_id", &media.image_begin},
      {"eoi_token_id", &media.image_end},   {"audio_token_id", &media.audio},
      {"boa_token_id", &media.audio_begin}, {"eoa_token_id", &media.audio_end},
      {"video_token_id", &media.video},
  };
  for (const auto& [key, target] : members) {
    CARAT_ASSIGN_OR_RETURN(*target, FindInteger(root, key, kTokens));
  }
  constexpr std::string_view kOtherName = "eoa_token_index";
  CARAT_ASSIGN_OR_RETURN(const auto index, FindInteger(root, kOtherName, kTokens));
  if (index && media.audio_end.value_or(*index) != *index) {
    return InvalidArgument("%s is %d, but eoa_token_id is %d", root.Locate(kOtherName), *index,
                           *media.audio_end);
  }
  if (index) media.audio_end = index;
  return {};
}

// Ids that config.json names beside or inside the text decoder's part; those beside win.
Status ReadTextTokens(const JsonObject& root, const JsonObject& text, ModelConfig& config) {
  const std::int64_t vocabulary = config.text.vocabulary_size;
  for (const JsonObject* object : {&text, &root}) {
    CARAT_ASSIGN_OR_RETURN(auto stop, FindTokens(*object, "eos_token_id", vocabulary));
    if (stop) config.stop_tokens = *std::move(stop);
    CARAT_ASSIGN_OR_RETURN(const auto bos, FindInteger(*object, "bos_token_id", {0, vocabulary - 1}));
    if (bos) config.bos_token = bos;
  }
  return {};
}

}  // namespace

Result<ModelConfig> ParseModelConfig(std::string_view config_text, std::string_view generation_text,
                                     const std::string& source) {
  const std::string path = ConfigPath(source);
  if (config_text.empty()) return DataLoss("%s: the file is empty", path);
  CARAT_ASSIGN_OR_RETURN(const JsonDocument document, JsonDocument::Parse(config_text, path));
  CARAT_ASSIGN_OR_RETURN(const JsonObject root, JsonObject::From(document.root(), path, ""));
  ModelConfig config;
  CARAT_ASSIGN_OR_RETURN(config.architecture, ReadArchitecture(root));
  CARAT_RETURN_IF_ERROR(CheckFeatures(root));
  CARAT_ASSIGN_OR_RETURN(const JsonObject text, FindTextConfig(root, config.architecture));
  CARAT_ASSIGN_OR_RETURN(config.text, ParseTextConfig(text));
  CARAT_ASSIGN_OR_RETURN(const auto vision, root.Object("vision_config"));
  CARAT_ASSIGN_OR_RETURN(const auto audio, root.Object("audio_config"));
  config.has_vision = vision.has_value();
  config.has_audio = audio.has_value();
  CARAT_RETURN_IF_ERROR(ReadMediaTokens(root, config.media));
  for (const auto& id : {config.media.image, config.media.audio, config.media.video}) {
    if (id && *id < config.text.vocabulary_size) {
      config.text.placeholder_tokens.push_back(static_cast<std::int32_t>(*id));
    }
  }
  CARAT_RETURN_IF_ERROR(ReadTextTokens(root, text, config));
  if (!generation_text.empty()) {
    CARAT_RETURN_IF_ERROR(ApplyGenerationConfig(generation_text, GenerationConfigPath(source), config));
  }
  return config;
}

Result<ModelConfig> ReadModelConfig(const std::string& folder) {
  if (!FileExists(folder)) return NotFound("%s: no such folder", folder);
  CARAT_ASSIGN_OR_RETURN(const std::string config, ReadJsonText(ConfigPath(folder)));
  std::string generation;
  const std::string generation_path = GenerationConfigPath(folder);
  if (FileExists(generation_path)) {
    CARAT_ASSIGN_OR_RETURN(generation, ReadJsonText(generation_path));
  }
  return ParseModelConfig(config, generation, folder);
}

}  // namespace carat::internal
