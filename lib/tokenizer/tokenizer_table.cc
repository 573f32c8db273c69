#include "lib/tokenizer/tokenizer_table.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <span>
#include <utility>

#include "lib/base/error.h"
#include "lib/base/file_kind.h"
#include "lib/base/file_mapping.h"
#include "lib/base/json.h"
#include "lib/base/utf8.h"
#include "lib/tokenizer/decoding.h"
#include "lib/tokenizer/tokenizer_gguf.h"
#include "lib/tokenizer/tokenizer_json.h"
#include "lib/tokenizer/tokenizer_model.h"
#include "lib/weights/model_path.h"

namespace carat::internal {
namespace {

constexpr const char* kTokenizerFiles[] = {"tokenizer.json", "tokenizer.model"};
constexpr std::size_t kLargestTokenizer = std::size_t{1} << 30;

bool IsFolder(const std::string& path) {
  struct stat info;
  return stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

bool HasTokenizer(const std::string& folder) {
  return std::any_of(std::begin(kTokenizerFiles), std::end(kTokenizerFiles),
                     [&](const char* name) { return FileExists(folder + "/" + name); });
}

// Whether a file, given alone, holds a tokenizer itself: tokenizer.json by whatever name, or tokenizer.model.
Result<bool> HoldsTokenizer(const std::string& file) {
  CARAT_ASSIGN_OR_RETURN(const FileContent content, ContentOfFile(file));
  const std::string name = std::filesystem::path(file).filename().string();
  const bool other_json =
      name == "config.json" || name == "generation_config.json" || name == "model.safetensors.index.json";
  return content == FileContent::kUnknown || (content == FileContent::kJson && !other_json);
}

// The file that a path given to Load means.
Result<std::string> FindFile(const std::string& path) {
  std::string folder = path;
  if (!IsFolder(path)) {
    CARAT_ASSIGN_OR_RETURN(const bool whole, HoldsTokenizer(path));
    if (whole) return path;
  }
  if (!IsFolder(path) || !HasTokenizer(path)) {
    CARAT_ASSIGN_OR_RETURN(const ModelPath model, FindModel(path));
    if (model.is_gguf) return model.path;
    folder = model.path;
  }
  for (const char* name : kTokenizerFiles) {
    std::string file = folder + "/" + name;
    if (FileExists(file)) return file;
  }
  return NotFound("%s: there is no tokenizer.json and no tokenizer.model in this folder", folder);
}

// Read, not mapped: a tokenizer that is cut meanwhile is an error.
Result<TokenizerTable::Parts> ReadAnyFile(const std::string& file) {
  CARAT_ASSIGN_OR_RETURN(const FileContent content, ContentOfFile(file));
  if (content == FileContent::kGguf) return ReadTokenizerGguf(file);
  CARAT_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(file, kLargestTokenizer));
  if (content == FileContent::kUnknown && file.ends_with(".model")) return ReadTokenizerModel(bytes, file);
  CARAT_RETURN_IF_ERROR(CheckContent(file, std::as_bytes(std::span(bytes)), FileContent::kJson,
                                     "tokenizer.json or tokenizer.model"));
  CARAT_ASSIGN_OR_RETURN(const JsonDocument document, JsonDocument::Parse(bytes, file));
  return ReadTokenizerJson(document);
}

}  // namespace

TokenizerTable::TokenizerTable(Parts parts) : parts_(std::move(parts)) {}

Result<std::shared_ptr<const TokenizerTable>> TokenizerTable::Load(const std::string& path) {
  CARAT_ASSIGN_OR_RETURN(const std::string file, FindFile(path));
  CARAT_ASSIGN_OR_RETURN(Parts parts, ReadAnyFile(file));
  return std::shared_ptr<const TokenizerTable>(std::make_shared<TokenizerTable>(std::move(parts)));
}

Result<std::vector<std::int32_t>> TokenizerTable::Encode(std::string_view text,
                                                         const EncodeOptions& options) const {
  if (text.size() > TextEncoder::kMaxTextBytes) {
    return ResourceExhausted("a text of %d bytes is too long to encode at once, the most is %d", text.size(),
                             TextEncoder::kMaxTextBytes);
  }
  std::string sanitized;
  if (!simdjson::validate_utf8(text.data(), text.size())) {
    sanitized = SanitizeUtf8(text);
    text = sanitized;
  }
  std::vector<std::int32_t> ids;
  ids.reserve(text.size() / 4 + 2);
  if (options.add_bos && parts_.bos) ids.push_back(*parts_.bos);
  CARAT_RETURN_IF_ERROR(parts_.encoder->Encode(text, options.parse_special, &ids));
  const bool twice = options.add_bos && parts_.bos && ids.size() > 1 && ids[1] == *parts_.bos;
  if (twice) ids.erase(ids.begin());
  return ids;
}

Status TokenizerTable::CheckId(std::int32_t id) const {
  if (vocabulary().Holds(id)) return Status();
  return OutOfRange("token id %d is outside the vocabulary of %d", id, vocabulary().size());
}

Result<std::string> TokenizerTable::Decode(std::span<const std::int32_t> ids,
                                           const DecodeOptions& options) const {
  std::string text;
  std::string run;  // bytes of the byte pieces in a row
  for (const std::int32_t id : ids) {
    CARAT_RETURN_IF_ERROR(CheckId(id));
    if (options.skip_special && IsSpecial(id)) continue;
    const std::string_view piece = vocabulary().Piece(id);
    if (const auto byte = ByteOfPiece(piece)) {
      run += *byte;
      continue;
    }
    AppendByteRun(run, &text);
    run.clear();
    AppendPieceText(piece, &text);
  }
  AppendByteRun(run, &text);
  return text;
}

}  // namespace carat::internal
