#include "lib/tokenizer/tokenizer_gguf.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

#include "lib/base/error.h"
#include "lib/tokenizer/bpe_encoder.h"
#include "lib/tokenizer/merge_reader.h"

namespace carat::internal {
namespace {

constexpr std::string_view kPrefix = "tokenizer.ggml.";
// Special tokens that files call user-defined, so that their readers show them.
constexpr std::string_view kShownMarkers[] = {
    "<|channel>",       "<channel|>",       "<|tool_call>", "<tool_call|>",
    "<|tool_response>", "<tool_response|>", "<|\"|>",
};

class GgufTokenizerReader {
 public:
  explicit GgufTokenizerReader(const GgufFile& file) : file_(file) {}

  Result<TokenizerTable::Parts> Read() {
    CARAT_RETURN_IF_ERROR(CheckKind());
    CARAT_RETURN_IF_ERROR(ReadPieces());
    TokenizerTable::Parts parts;
    CARAT_ASSIGN_OR_RETURN(Vocabulary vocabulary, Vocabulary::Build(pieces_, Locate("tokens")));
    parts.vocabulary = std::make_shared<const Vocabulary>(std::move(vocabulary));
    CARAT_RETURN_IF_ERROR(FindAddedTokens(&parts.special));
    CARAT_ASSIGN_OR_RETURN(parts.bos, FindBos(*parts.vocabulary, parts.special));
    BpeSettings settings;
    settings.model_size = parts.vocabulary->size();
    settings.bpe.byte_fallback = true;
    settings.bpe.fuse_unknown = true;
    CARAT_ASSIGN_OR_RETURN(settings.bpe.unknown, FindUnknown());
    CARAT_ASSIGN_OR_RETURN(const auto rules, ReadMerges(*parts.vocabulary));
    parts.encoder = std::make_unique<BpeEncoder>(parts.vocabulary, settings, rules, added_, parts.special);
    return parts;
  }

 private:
  static std::string Key(std::string_view name) { return std::string(kPrefix) + std::string(name); }
  std::string Locate(std::string_view name) const { return file_.Locate(Key(name)); }

  Status CheckKind() const {
    CARAT_ASSIGN_OR_RETURN(const auto model, file_.String(Key("model")));
    CARAT_ASSIGN_OR_RETURN(const auto splitter, file_.String(Key("pre")));
    if (!model) return DataLoss("%s is missing", Locate("model"));
    const bool ours = *model == "gemma4" || (*model == "llama" && splitter == "gemma4");
    if (!ours) {
      return Unimplemented("%s is '%s', but this version of carat reads 'gemma4' from GGUF files",
                           Locate("model"), *model);
    }
    CARAT_ASSIGN_OR_RETURN(const auto prefix, file_.Boolean(Key("add_space_prefix")));
    if (prefix.value_or(false)) {
      return Unimplemented("%s is true, but a Gemma tokenizer adds no space", Locate("add_space_prefix"));
    }
    return {};
  }

  // Pieces and types, without what only fills the embedding table.
  Status ReadPieces() {
    CARAT_ASSIGN_OR_RETURN(auto pieces, file_.Strings(Key("tokens")));
    if (!pieces) return DataLoss("%s is missing", Locate("tokens"));
    pieces_ = *std::move(pieces);
    CARAT_ASSIGN_OR_RETURN(auto types, file_.Integers(Key("token_type"), {0, 255}));
    types_ = types ? *std::move(types) : std::vector<std::int64_t>(pieces_.size(), 1);
    if (types_.size() != pieces_.size()) {
      return DataLoss("%s has %d entries, but there are %d tokens", Locate("token_type"), types_.size(),
                      pieces_.size());
    }
    if (pieces_.size() >= static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max())) {
      return DataLoss("%s has %d entries, which is too many", Locate("tokens"), pieces_.size());
    }
    while (!pieces_.empty() && Is(pieces_.size() - 1, GgufPieceType::kUnused) &&
           pieces_.back() == GgufFillerPiece(pieces_.size() - 1)) {
      pieces_.pop_back();
      types_.pop_back();
    }
    return {};
  }

  bool Is(std::size_t id, GgufPieceType type) const { return types_[id] == static_cast<std::int64_t>(type); }

  Status FindAddedTokens(std::vector<bool>* special) {
    special->assign(pieces_.size(), false);
    for (std::size_t id = 0; id < pieces_.size(); ++id) {
      const bool user_defined = Is(id, GgufPieceType::kUserDefined);
      const bool is_special = Is(id, GgufPieceType::kControl) || Is(id, GgufPieceType::kUnknown) ||
                              (user_defined && IsShownMarker(pieces_[id]));
      if (!is_special && !user_defined) continue;
      if (pieces_[id].empty()) {
        return DataLoss("%s[%d] is empty, but is to be found in texts by its type, %d", Locate("tokens"), id,
                        types_[id]);
      }
      (*special)[id] = is_special;
      AddedToken& token = added_.emplace_back();
      token.content = std::string(pieces_[id]);
      token.id = static_cast<std::int32_t>(id);
      token.special = is_special;
    }
    return {};
  }

  Result<std::optional<std::int32_t>> Id(std::string_view name) const {
    const auto found = file_.Integer(Key(name), {0, static_cast<std::int64_t>(pieces_.size()) - 1});
    if (!found.ok()) return DataLoss("%s", found.status().message());
    if (!*found) return std::optional<std::int32_t>();
    return std::optional(static_cast<std::int32_t>(**found));
  }

  Result<std::optional<std::int32_t>> FindUnknown() const {
    CARAT_ASSIGN_OR_RETURN(const auto named, Id("unknown_token_id"));
    if (named) return named;
    for (std::size_t id = 0; id < types_.size(); ++id) {
      if (Is(id, GgufPieceType::kUnknown)) return std::optional(static_cast<std::int32_t>(id));
    }
    return named;
  }

  Result<std::optional<std::int32_t>> FindBos(const Vocabulary& vocabulary,
                                              const std::vector<bool>& special) const {
    CARAT_ASSIGN_OR_RETURN(const auto named, Id("bos_token_id"));
    const auto id = named ? named : vocabulary.IdOf("<bos>");
    if (id && special[static_cast<std::size_t>(*id)]) return id;
    if (!named) return std::optional<std::int32_t>();
    return DataLoss("%s is %d, which is no control token", Locate("bos_token_id"), *named);
  }

  Result<std::vector<MergeRule>> ReadMerges(const Vocabulary& vocabulary) const {
    CARAT_ASSIGN_OR_RETURN(const auto merges, file_.Strings(Key("merges")));
    if (!merges) return DataLoss("%s is missing", Locate("merges"));
    MergeReader reader(Locate("merges"), vocabulary, vocabulary.size(), merges->size());
    for (const std::string_view merge : *merges) CARAT_RETURN_IF_ERROR(reader.AddLine(merge));
    return std::move(reader).Finish();
  }

  const GgufFile& file_;
  std::vector<std::string_view> pieces_;
  std::vector<std::int64_t> types_;
  std::vector<AddedToken> added_;
};

}  // namespace

std::string GgufFillerPiece(std::size_t id) {
  return absl::StrFormat("[PAD%d]", id);
}

bool IsShownMarker(std::string_view piece) {
  return std::find(std::begin(kShownMarkers), std::end(kShownMarkers), piece) != std::end(kShownMarkers);
}

Result<TokenizerTable::Parts> ReadTokenizerGguf(const GgufFile& file) {
  auto parts = GgufTokenizerReader(file).Read();
  // A value of the wrong type in a file is the file's fault, not the caller's.
  if (!parts.ok() && parts.status().code() == StatusCode::kInvalidArgument)
    return DataLoss("%s", parts.status().message());
  return parts;
}

Result<TokenizerTable::Parts> ReadTokenizerGguf(const std::string& path) {
  CARAT_ASSIGN_OR_RETURN(const GgufFile file, GgufFile::Open(path));
  CARAT_ASSIGN_OR_RETURN(const auto count, file.Integer("split.count", {0, 65535}));
  CARAT_ASSIGN_OR_RETURN(const auto parts, GgufParts(path, count.value_or(1)));
  if (parts.front() == path) return ReadTokenizerGguf(file);
  CARAT_ASSIGN_OR_RETURN(const GgufFile first, GgufFile::Open(parts.front()));
  return ReadTokenizerGguf(first);
}

}  // namespace carat::internal
