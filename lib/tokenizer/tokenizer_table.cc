#include "lib/tokenizer/tokenizer_table.h"

#include <sys/stat.h>

#include <utility>

#include "lib/base/error.h"
#include "lib/base/file_mapping.h"
#include "lib/base/json.h"
#include "lib/base/utf8.h"
#include "lib/gguf/gguf.h"
#include "lib/tokenizer/decoding.h"
#include "lib/tokenizer/tokenizer_gguf.h"
#include "lib/tokenizer/tokenizer_json.h"
#include "lib/tokenizer/tokenizer_model.h"

namespace carat::internal {
namespace {

bool IsFolder(const std::string& path) {
  struct stat info;
  return stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

// The file that a path given to Load means.
Result<std::string> FindFile(const std::string& path) {
  if (!IsFolder(path)) return path;
  for (const char* name : {"tokenizer.json", "tokenizer.model"}) {
    std::string file = path + "/" + name;
    if (FileExists(file)) return file;
  }
  CARAT_ASSIGN_OR_RETURN(const auto gguf, FindGgufModel(path));
  if (gguf) return *gguf;
  return NotFound("%s: there is no tokenizer.json and no tokenizer.model in this folder", path);
}

Result<TokenizerTable::Parts> ReadJsonFile(const std::string& file) {
  CARAT_ASSIGN_OR_RETURN(const JsonDocument document, JsonDocument::ParseFile(file));
  return ReadTokenizerJson(document);
}

Result<TokenizerTable::Parts> ReadModelFile(const std::string& file) {
  CARAT_ASSIGN_OR_RETURN(const auto mapping, FileMapping::Open(file));
  const auto bytes = mapping->bytes();
  return ReadTokenizerModel({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, file);
}

Result<TokenizerTable::Parts> ReadAnyFile(const std::string& file) {
  if (IsGgufPath(file)) return ReadTokenizerGguf(file);
  return file.ends_with(".model") ? ReadModelFile(file) : ReadJsonFile(file);
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
