#include "lib/tokenizer/tokenizer_contents.h"

#include <utility>

#include "lib/base/error.h"
#include "lib/base/file_mapping.h"
#include "lib/base/json.h"
#include "lib/tokenizer/decoding.h"
#include "lib/tokenizer/json_model.h"
#include "lib/tokenizer/tokenizer_gguf.h"
#include "lib/tokenizer/tokenizer_json.h"

namespace carat::internal {
namespace {

std::int64_t Number(GgufPieceType type) {
  return static_cast<std::int64_t>(type);
}

// What GGUF has no type for.
Status CheckToken(const AddedToken& token, const std::string& source) {
  if (!token.normalized && !token.strip_left && !token.strip_right && !token.single_word) return {};
  return Unimplemented(
      "%s: the added token \"%s\" is normalized, takes white space or stands alone, which GGUF "
      "cannot say",
      source, token.content);
}

Result<std::vector<std::int64_t>> TypesOf(const std::vector<std::string_view>& pieces,
                                          const std::vector<AddedToken>& added,
                                          std::optional<std::int32_t> unknown, const std::string& source) {
  std::vector<std::int64_t> types;
  types.reserve(pieces.size());
  for (const std::string_view piece : pieces) {
    types.push_back(Number(ByteOfPiece(piece) ? GgufPieceType::kByte : GgufPieceType::kNormal));
  }
  for (const AddedToken& token : added) {
    CARAT_RETURN_IF_ERROR(CheckToken(token, source));
    const bool control = token.special && !IsShownMarker(token.content);
    types[static_cast<std::size_t>(token.id)] =
        Number(control ? GgufPieceType::kControl : GgufPieceType::kUserDefined);
    if (!token.special && IsShownMarker(token.content)) {
      return Unimplemented("%s: the added token \"%s\" is not special, which GGUF cannot say", source,
                           token.content);
    }
  }
  if (unknown) types[static_cast<std::size_t>(*unknown)] = Number(GgufPieceType::kUnknown);
  return types;
}

Result<std::vector<std::string>> MergesOf(const std::vector<MergeRule>& rules, const Vocabulary& vocabulary,
                                          const std::string& source) {
  std::vector<std::string> merges;
  merges.reserve(rules.size());
  for (const MergeRule& rule : rules) {
    const std::string_view left = vocabulary.Piece(rule.left), right = vocabulary.Piece(rule.right);
    if (left.find(' ') != std::string_view::npos || right.find(' ') != std::string_view::npos) {
      return Unimplemented("%s: the merge of \"%s\" and \"%s\" has a space in a half, which GGUF cannot say",
                           source, std::string(left), std::string(right));
    }
    std::string& merge = merges.emplace_back(left);
    merge += ' ';
    merge += right;
  }
  return merges;
}

}  // namespace

Result<TokenizerContents> ReadTokenizerContents(const std::string& folder) {
  const std::string path = folder + "/tokenizer.json";
  if (!FileExists(path) && FileExists(folder + "/tokenizer.model")) {
    return Unimplemented("%s: there is a tokenizer.model, but GGUF needs the merges of a tokenizer.json",
                         folder);
  }
  constexpr std::size_t kLargest = std::size_t{1} << 30;
  CARAT_ASSIGN_OR_RETURN(const std::string text, ReadFile(path, kLargest));
  CARAT_ASSIGN_OR_RETURN(const JsonDocument document, JsonDocument::Parse(text, path));
  // Whether all of it is what carat and the readers of GGUF take for granted.
  CARAT_ASSIGN_OR_RETURN(const TokenizerTable::Parts parts, ReadTokenizerJson(document));
  CARAT_ASSIGN_OR_RETURN(const JsonObject root, JsonObject::From(document.root(), path, ""));
  CARAT_ASSIGN_OR_RETURN(const auto model, root.Object("model"));
  if (!model) return DataLoss("%s is missing", root.Locate("model"));
  CARAT_ASSIGN_OR_RETURN(auto pieces, ReadModelPieces(*model));
  const auto model_size = static_cast<std::int32_t>(pieces.size());
  CARAT_ASSIGN_OR_RETURN(const auto added, ReadAddedTokens(root, &pieces));
  CARAT_ASSIGN_OR_RETURN(const auto settings, ReadModelSettings(*model, *parts.vocabulary, model_size));
  if (settings.ignore_merges || !settings.bpe.byte_fallback || !settings.bpe.fuse_unknown) {
    return Unimplemented(
        "%s: ignore_merges, byte_fallback and fuse_unk must be false, true and true to be written "
        "to GGUF, which cannot say anything else",
        model->Locate("ignore_merges"));
  }
  CARAT_ASSIGN_OR_RETURN(const auto rules, ReadMerges(*model, *parts.vocabulary, model_size));
  TokenizerContents contents;
  CARAT_ASSIGN_OR_RETURN(contents.types, TypesOf(pieces, added, settings.bpe.unknown, path));
  CARAT_ASSIGN_OR_RETURN(contents.merges, MergesOf(rules, *parts.vocabulary, path));
  contents.pieces.assign(pieces.begin(), pieces.end());
  contents.unknown = settings.bpe.unknown;
  contents.bos = parts.bos;
  return contents;
}

}  // namespace carat::internal
