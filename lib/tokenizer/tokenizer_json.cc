#include "lib/tokenizer/tokenizer_json.h"

#include <algorithm>
#include <utility>

#include "lib/base/error.h"
#include "lib/tokenizer/bpe_encoder.h"
#include "lib/tokenizer/json_model.h"
#include "lib/tokenizer/json_pipeline.h"

namespace carat::internal {
namespace {

// The beginning-of-text token: what the post_processor puts in front; where it says nothing, the special
// token that is called <bos>.
Result<std::optional<std::int32_t>> FindBos(const JsonObject& root, const Vocabulary& vocabulary,
                                            const std::vector<bool>& special) {
  CARAT_ASSIGN_OR_RETURN(const auto name, TokenInFront(root));
  const auto id = vocabulary.IdOf(name.value_or("<bos>"));
  if (id && special[static_cast<std::size_t>(*id)]) return id;
  if (!name) return std::optional<std::int32_t>();
  return DataLoss("%s puts \"%s\" in front, which is no special token", root.Locate("post_processor"), *name);
}

// Two normalized tokens that read alike once spaces are U+2581 could not be told apart.
Status CheckNormalizedTokens(const JsonObject& root, const std::vector<AddedToken>& added) {
  std::vector<std::string> contents;
  for (const AddedToken& token : added) {
    if (token.normalized) contents.push_back(NormalizeSpaces(token.content));
  }
  std::sort(contents.begin(), contents.end());
  const auto twin = std::adjacent_find(contents.begin(), contents.end());
  if (twin == contents.end()) return Status();
  return DataLoss("%s: two normalized tokens read \"%s\"", root.Locate("added_tokens"), *twin);
}

Result<TokenizerTable::Parts> ReadParts(const JsonObject& root) {
  CARAT_RETURN_IF_ERROR(CheckPipeline(root));
  CARAT_ASSIGN_OR_RETURN(const auto model, root.Object("model"));
  if (!model) return DataLoss("%s is missing", root.Locate("model"));
  CARAT_ASSIGN_OR_RETURN(auto pieces, ReadModelPieces(*model));
  const auto model_size = static_cast<std::int32_t>(pieces.size());
  CARAT_ASSIGN_OR_RETURN(const auto added, ReadAddedTokens(root, &pieces));
  CARAT_RETURN_IF_ERROR(CheckNormalizedTokens(root, added));

  TokenizerTable::Parts parts;
  CARAT_ASSIGN_OR_RETURN(Vocabulary vocabulary, Vocabulary::Build(pieces, root.Locate("model.vocab")));
  parts.vocabulary = std::make_shared<const Vocabulary>(std::move(vocabulary));
  parts.special.resize(pieces.size());
  for (const AddedToken& token : added) {
    if (token.special) parts.special[static_cast<std::size_t>(token.id)] = true;
  }
  CARAT_ASSIGN_OR_RETURN(parts.bos, FindBos(root, *parts.vocabulary, parts.special));
  CARAT_ASSIGN_OR_RETURN(const auto settings, ReadModelSettings(*model, *parts.vocabulary, model_size));
  CARAT_ASSIGN_OR_RETURN(const auto rules, ReadMerges(*model, *parts.vocabulary, model_size));
  parts.encoder = std::make_unique<BpeEncoder>(parts.vocabulary, settings, rules, added, parts.special);
  return parts;
}

}  // namespace

Result<TokenizerTable::Parts> ReadTokenizerJson(const JsonDocument& document) {
  const auto root = JsonObject::From(document.root(), document.source(), "");
  if (!root.ok()) return DataLoss("%s", root.status().message());
  auto result = ReadParts(*root);
  // A value of the wrong type in a file is the file's fault, not the caller's.
  if (!result.ok() && result.status().code() == StatusCode::kInvalidArgument)
    return DataLoss("%s", result.status().message());
  return result;
}

}  // namespace carat::internal
