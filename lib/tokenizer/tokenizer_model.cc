#include "lib/tokenizer/tokenizer_model.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "lib/base/error.h"
#include "lib/tokenizer/characters.h"
#include "lib/tokenizer/model_proto.h"
#include "lib/tokenizer/sentencepiece_encoder.h"

namespace carat::internal {
namespace {

Status CheckSettings(const ModelProto& proto, const std::string& source) {
  const char* differs = nullptr;
  if (proto.model_type != ModelProto::kBpe) differs = "model_type is not BPE";
  if (!proto.byte_fallback) differs = "byte_fallback is off";
  if (proto.space_is_suffix) differs = "treat_whitespace_as_suffix is on";
  if (proto.add_dummy_prefix) differs = "add_dummy_prefix is on";
  if (proto.remove_extra_spaces) differs = "remove_extra_whitespaces is on";
  if (!proto.escape_spaces) differs = "escape_whitespaces is off";
  if (proto.rewrites_text) differs = "it has a precompiled_charsmap";
  if (differs == nullptr) return Status();
  return Unimplemented("%s: this is not the pipeline of a Gemma tokenizer: %s", source, differs);
}

// sentencepiece walks recursively through the halves of an unused piece.
constexpr std::size_t kMaxPieceBytes = 4096;

// What sentencepiece takes for granted about a piece.
Status CheckPiece(const ModelProto::Piece& piece, std::size_t id, const std::string& source) {
  const char* wrong = nullptr;
  if (piece.text.empty()) wrong = "is empty";
  if (piece.text.size() > kMaxPieceBytes) wrong = "is too long";
  if (!std::isfinite(piece.score)) wrong = "has a score that is no number";
  if (piece.type == PieceType::kUserDefined && piece.text.find('\0') != std::string_view::npos)
    wrong = "is user-defined and has a NUL in it";
  if (wrong == nullptr) return Status();
  return DataLoss("%s: piece %d %s", source, id, wrong);
}

// A control piece of one character would come out of sentencepiece for that character in a text.
Status CheckControl(const ModelProto::Piece& piece, std::size_t id, const std::string& source) {
  if (piece.type != PieceType::kControl || FirstCharacter(piece.text).length != piece.text.size())
    return Status();
  return Unimplemented(
      "%s: piece %d is a control piece of one character, which every such character in a text would become",
      source, id);
}

// sentencepiece has room for 64 user-defined pieces that begin at one place of a text.
Status CheckNesting(const ModelProto& proto, const std::string& source) {
  constexpr std::size_t kMost = 64;
  std::vector<std::string_view> texts;
  for (const ModelProto::Piece& piece : proto.pieces) {
    if (piece.type == PieceType::kUserDefined) texts.push_back(piece.text);
  }
  std::sort(texts.begin(), texts.end());
  std::vector<std::string_view> prefixes;  // of each other, the longest last
  for (const std::string_view text : texts) {
    while (!prefixes.empty() && !text.starts_with(prefixes.back())) prefixes.pop_back();
    prefixes.push_back(text);
    if (prefixes.size() > kMost)
      return Unimplemented("%s: more than %d user-defined pieces begin with one another", source, kMost);
  }
  return Status();
}

std::vector<AddedToken> SpecialTokens(const ModelProto& proto, const std::vector<bool>& special) {
  std::vector<AddedToken> tokens;
  for (std::size_t id = 0; id < special.size(); ++id) {
    if (!special[id]) continue;
    AddedToken& token = tokens.emplace_back();
    token.content = std::string(proto.pieces[id].text);
    token.id = static_cast<std::int32_t>(id);
    token.special = true;
  }
  return tokens;
}

std::optional<std::int32_t> FindBos(const ModelProto& proto, const Vocabulary& vocabulary) {
  const auto id = vocabulary.IdOf(proto.bos_piece);
  if (id && proto.pieces[static_cast<std::size_t>(*id)].type == PieceType::kControl) return id;
  return std::nullopt;
}

Result<TokenizerTable::Parts> ReadParts(const ModelProto& proto, const std::string& source) {
  CARAT_RETURN_IF_ERROR(CheckSettings(proto, source));
  TokenizerTable::Parts parts;
  std::vector<std::string_view> texts;
  for (std::size_t id = 0; id < proto.pieces.size(); ++id) {
    const ModelProto::Piece& piece = proto.pieces[id];
    CARAT_RETURN_IF_ERROR(CheckPiece(piece, id, source));
    texts.push_back(piece.text);
    parts.special.push_back(piece.type == PieceType::kControl || piece.type == PieceType::kUnknown);
  }
  CARAT_RETURN_IF_ERROR(CheckNesting(proto, source));
  CARAT_ASSIGN_OR_RETURN(Vocabulary vocabulary, Vocabulary::Build(texts, source));
  for (std::size_t id = 0; id < proto.pieces.size(); ++id)  // now that they are known to be UTF-8
    CARAT_RETURN_IF_ERROR(CheckControl(proto.pieces[id], id, source));
  parts.vocabulary = std::make_shared<const Vocabulary>(std::move(vocabulary));
  parts.bos = FindBos(proto, *parts.vocabulary);
  CARAT_ASSIGN_OR_RETURN(
      parts.encoder,
      SentencePieceEncoder::Create(SerializeModelProto(proto), SpecialTokens(proto, parts.special), source));
  return parts;
}

}  // namespace

Result<TokenizerTable::Parts> ReadTokenizerModel(std::string_view bytes, const std::string& source) {
  CARAT_ASSIGN_OR_RETURN(const ModelProto proto, ParseModelProto(bytes, source));
  return ReadParts(proto, source);
}

}  // namespace carat::internal
