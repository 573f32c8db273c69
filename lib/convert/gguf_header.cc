#include "lib/convert/gguf_header.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "lib/base/error.h"
#include "lib/base/file_mapping.h"
#include "lib/base/json.h"
#include "lib/tokenizer/tokenizer_contents.h"
#include "lib/tokenizer/tokenizer_gguf.h"
#include "lib/weights/gguf/gguf_keys.h"
#include "lib/weights/gguf/gguf_model.h"

namespace carat::internal {
namespace {

constexpr std::int64_t kQuantizationVersion = 2;
constexpr std::size_t kLargestTemplate = std::size_t{1} << 20;
constexpr std::size_t kLargestConfig = std::size_t{16} << 20;

std::vector<std::string_view> Views(const std::vector<std::string>& texts) {
  return {texts.begin(), texts.end()};
}

// Every row of the embedding table has a piece.
Status FillUp(const ModelConfig& config, const std::string& source, TokenizerContents& tokenizer) {
  const auto rows = static_cast<std::size_t>(config.text.vocabulary_size);
  if (tokenizer.pieces.size() > rows) {
    return InvalidArgument("%s: the tokenizer has %d ids, but the embedding table has only %d rows", source,
                           tokenizer.pieces.size(), rows);
  }
  while (tokenizer.pieces.size() < rows) {
    tokenizer.pieces.push_back(GgufFillerPiece(tokenizer.pieces.size()));
    tokenizer.types.push_back(static_cast<std::int64_t>(GgufPieceType::kUnused));
  }
  return {};
}

Status AddTokenizer(const ModelConfig& config, const std::string& folder, GgufHeader& header) {
  CARAT_ASSIGN_OR_RETURN(TokenizerContents tokenizer, ReadTokenizerContents(folder));
  CARAT_RETURN_IF_ERROR(FillUp(config, folder, tokenizer));
  header.String("tokenizer.ggml.model", "gemma4");
  header.Strings("tokenizer.ggml.tokens", Views(tokenizer.pieces));
  header.Numbers("tokenizer.ggml.scores", std::vector<float>(tokenizer.pieces.size(), -1000.0f));
  header.Integers("tokenizer.ggml.token_type", tokenizer.types);
  header.Strings("tokenizer.ggml.merges", Views(tokenizer.merges));
  header.Boolean("tokenizer.ggml.add_bos_token", true);
  header.Boolean("tokenizer.ggml.add_space_prefix", false);
  if (tokenizer.unknown) header.Unsigned("tokenizer.ggml.unknown_token_id", *tokenizer.unknown);
  ModelConfig ids = config;
  if (tokenizer.bos) ids.bos_token = tokenizer.bos;
  AddTokenKeys(ids, &header);
  return {};
}

// The text that turns a conversation into a prompt; absent if the folder has none.
Result<std::optional<std::string>> ReadChatTemplate(const std::string& folder) {
  const std::string path = folder + "/chat_template.jinja";
  if (FileExists(path)) {
    CARAT_ASSIGN_OR_RETURN(std::string text, ReadFile(path, kLargestTemplate));
    return std::optional(std::move(text));
  }
  const std::string config = folder + "/tokenizer_config.json";
  if (!FileExists(config)) return std::optional<std::string>();
  CARAT_ASSIGN_OR_RETURN(const std::string text, ReadFile(config, kLargestConfig));
  CARAT_ASSIGN_OR_RETURN(const JsonDocument document, JsonDocument::Parse(text, config));
  CARAT_ASSIGN_OR_RETURN(const JsonObject root, JsonObject::From(document.root(), config, ""));
  const auto member = root.Find("chat_template");
  if (!member || !member->is_string()) return std::optional<std::string>();
  return root.String("chat_template");
}

Result<GgufHeader> FromFolder(const Checkpoint& checkpoint) {
  GgufHeader header;
  const std::string& folder = checkpoint.folder();
  CARAT_RETURN_IF_ERROR(AddModelKeys(checkpoint.config(), folder, &header));
  header.String("general.name", std::filesystem::weakly_canonical(folder).filename().string());
  CARAT_RETURN_IF_ERROR(AddTokenizer(checkpoint.config(), folder, header));
  CARAT_ASSIGN_OR_RETURN(const auto chat_template, ReadChatTemplate(folder));
  if (chat_template) header.String("tokenizer.chat_template", *chat_template);
  return header;
}

// What is said anew, or does not hold for the new file, which has no towers.
bool IsReplaced(std::string_view key) {
  return key == "general.file_type" || key == "general.quantization_version" || key == "general.alignment" ||
         key.starts_with("split.") || key.starts_with("clip.") || key.starts_with("gemma4.vision.") ||
         key.starts_with("gemma4.audio.");
}

Result<GgufHeader> FromGguf(const Checkpoint& checkpoint) {
  CARAT_ASSIGN_OR_RETURN(const GgufModel model, GgufModel::Open(checkpoint.folder()));
  GgufHeader header;
  for (const auto& [key, value] : model.head().values()) {
    if (!IsReplaced(key)) header.Copy(key, value);
  }
  return header;
}

}  // namespace

Result<GgufHeader> MakeGgufHeader(const Checkpoint& checkpoint, const FormatPlan& plan) {
  CARAT_ASSIGN_OR_RETURN(GgufHeader header,
                         checkpoint.is_gguf() ? FromGguf(checkpoint) : FromFolder(checkpoint));
  header.Unsigned("general.file_type", plan.file_type());
  header.Unsigned("general.quantization_version", kQuantizationVersion);
  return header;
}

}  // namespace carat::internal
