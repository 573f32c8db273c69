#include "lib/tokenizer/json_model.h"

#include <limits>
#include <optional>
#include <utility>

#include "lib/base/error.h"
#include "lib/tokenizer/merge_reader.h"

namespace carat::internal {
namespace {

namespace dom = simdjson::dom;

Result<bool> RequiredFlag(const JsonObject& object, std::string_view key) {
  CARAT_ASSIGN_OR_RETURN(const auto flag, object.Boolean(key));
  if (!flag) return DataLoss("%s is missing", object.Locate(key));
  return *flag;
}

Result<AddedToken> ReadAddedToken(const JsonObject& object) {
  AddedToken token;
  CARAT_ASSIGN_OR_RETURN(const auto content, object.String("content"));
  if (!content || content->empty()) return DataLoss("%s is missing or empty", object.Locate("content"));
  token.content = *content;
  CARAT_ASSIGN_OR_RETURN(const auto id, object.Integer("id"));
  if (!id || *id < 0 || *id >= std::numeric_limits<std::int32_t>::max())
    return DataLoss("%s of \"%s\" is missing or no id", object.Locate("id"), token.content);
  token.id = static_cast<std::int32_t>(*id);
  CARAT_ASSIGN_OR_RETURN(token.special, RequiredFlag(object, "special"));
  CARAT_ASSIGN_OR_RETURN(token.normalized, RequiredFlag(object, "normalized"));
  CARAT_ASSIGN_OR_RETURN(token.strip_left, RequiredFlag(object, "lstrip"));
  CARAT_ASSIGN_OR_RETURN(token.strip_right, RequiredFlag(object, "rstrip"));
  CARAT_ASSIGN_OR_RETURN(token.single_word, RequiredFlag(object, "single_word"));
  return token;
}

// An option that must be absent or empty.
Status RequireNoText(const JsonObject& model, std::string_view key) {
  CARAT_ASSIGN_OR_RETURN(const auto text, model.String(key));
  if (!text || text->empty()) return Status();
  return Unimplemented("%s is \"%s\", but a Gemma tokenizer has none", model.Locate(key), *text);
}

}  // namespace

Result<std::vector<std::string_view>> ReadModelPieces(const JsonObject& model) {
  CARAT_ASSIGN_OR_RETURN(const auto vocab, model.Object("vocab"));
  if (!vocab) return DataLoss("%s is missing", model.Locate("vocab"));
  std::vector<std::pair<std::int64_t, std::string_view>> entries;
  for (const dom::key_value_pair entry : vocab->raw()) {
    std::int64_t id;
    if (entry.value.get(id)) return DataLoss("%s must be an id", vocab->Locate(entry.key));
    entries.emplace_back(id, entry.key);
  }
  const auto size = static_cast<std::int64_t>(entries.size());
  std::vector<std::string_view> pieces(entries.size());
  std::vector<bool> seen(entries.size());
  for (const auto& [id, piece] : entries) {
    if (id < 0 || id >= size) {
      return DataLoss("%s is %d, but the ids of %d pieces are 0 to %d", vocab->Locate(piece), id, size,
                      size - 1);
    }
    const auto i = static_cast<std::size_t>(id);
    if (seen[i]) return DataLoss("%s is %d, which is the id of another piece too", vocab->Locate(piece), id);
    seen[i] = true;
    pieces[i] = piece;
  }
  return pieces;
}

Result<std::vector<AddedToken>> ReadAddedTokens(const JsonObject& root,
                                                std::vector<std::string_view>* pieces) {
  std::vector<AddedToken> tokens;
  const auto element = root.Find("added_tokens");
  if (!element) return tokens;
  dom::array array;
  if (element->get(array)) return DataLoss("%s must be a list", root.Locate("added_tokens"));
  const std::size_t model_size = pieces->size();
  std::vector<bool> seen(model_size);
  for (const dom::element item : array) {
    const std::string where = absl::StrFormat("added_tokens[%d]", tokens.size());
    CARAT_ASSIGN_OR_RETURN(const auto object, JsonObject::From(item, root.Locate(where), ""));
    CARAT_ASSIGN_OR_RETURN(AddedToken token, ReadAddedToken(object));
    const auto id = static_cast<std::size_t>(token.id);
    if (id >= model_size) {
      // The content is stored in the document, which outlives `pieces`.
      std::string_view content;
      if (item["content"].get(content)) return DataLoss("%s is missing", object.Locate("content"));
      if (id != pieces->size()) {
        return DataLoss("%s is %d, but the next id after the pieces and tokens before it is %d",
                        object.Locate("id"), token.id, pieces->size());
      }
      pieces->push_back(content);
    } else if ((*pieces)[id] != token.content) {
      return DataLoss("%s is %d, but that is the id of \"%s\", not of \"%s\"", object.Locate("id"), token.id,
                      std::string((*pieces)[id]), token.content);
    } else if (seen[id]) {
      return DataLoss("%s is %d, which another added token has too", object.Locate("id"), token.id);
    } else {
      seen[id] = true;
    }
    tokens.push_back(std::move(token));
  }
  return tokens;
}

Result<BpeSettings> ReadModelSettings(const JsonObject& model, const Vocabulary& vocabulary,
                                      std::int32_t model_size) {
  BpeSettings settings;
  settings.model_size = model_size;
  CARAT_ASSIGN_OR_RETURN(const auto type, model.String("type"));
  if (type && *type != "BPE")
    return Unimplemented("%s is %s, but a Gemma tokenizer has BPE", model.Locate("type"), *type);
  CARAT_ASSIGN_OR_RETURN(const auto dropout, model.Number("dropout"));
  if (dropout && *dropout != 0) {
    return Unimplemented("%s is %g, but a Gemma tokenizer has none", model.Locate("dropout"), *dropout);
  }
  CARAT_RETURN_IF_ERROR(RequireNoText(model, "continuing_subword_prefix"));
  CARAT_RETURN_IF_ERROR(RequireNoText(model, "end_of_word_suffix"));
  CARAT_ASSIGN_OR_RETURN(const auto byte_fallback, model.Boolean("byte_fallback"));
  CARAT_ASSIGN_OR_RETURN(const auto fuse_unknown, model.Boolean("fuse_unk"));
  CARAT_ASSIGN_OR_RETURN(const auto ignore_merges, model.Boolean("ignore_merges"));
  settings.bpe.byte_fallback = byte_fallback.value_or(false);
  settings.bpe.fuse_unknown = fuse_unknown.value_or(false);
  settings.ignore_merges = ignore_merges.value_or(false);
  CARAT_ASSIGN_OR_RETURN(const auto unknown, model.String("unk_token"));
  if (unknown) {
    settings.bpe.unknown = vocabulary.IdOf(*unknown);
    if (!settings.bpe.unknown || *settings.bpe.unknown >= model_size)
      return DataLoss("%s is \"%s\", which is no piece of the model", model.Locate("unk_token"), *unknown);
  }
  return settings;
}

namespace {

Status AddPair(const dom::element& item, MergeReader& reader) {
  dom::array pair;
  std::string_view halves[2];
  if (item.get(pair) || pair.size() != 2) return reader.Bad("is no pair of pieces");
  std::size_t i = 0;
  for (const dom::element half : pair) {
    if (half.get(halves[i++])) return reader.Bad("is no pair of pieces");
  }
  return reader.Add(halves[0], halves[1]);
}

Status AddLine(const dom::element& item, MergeReader& reader) {
  std::string_view line;
  if (item.get(line)) return reader.Bad("is no text, although the first is");
  if (line.starts_with("#version")) return Status();
  return reader.AddLine(line);
}

}  // namespace

Result<std::vector<MergeRule>> ReadMerges(const JsonObject& model, const Vocabulary& vocabulary,
                                          std::int32_t model_size) {
  const auto element = model.Find("merges");
  dom::array merges;
  if (!element || element->get(merges)) return DataLoss("%s must be a list", model.Locate("merges"));
  MergeReader reader(model.Locate("merges"), vocabulary, model_size, merges.size());
  std::optional<bool> lines;
  for (const dom::element item : merges) {
    if (!lines) lines = item.is_string();
    CARAT_RETURN_IF_ERROR(*lines ? AddLine(item, reader) : AddPair(item, reader));
  }
  return std::move(reader).Finish();
}

}  // namespace carat::internal
