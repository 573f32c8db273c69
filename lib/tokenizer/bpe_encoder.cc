#include "lib/tokenizer/bpe_encoder.h"

#include <algorithm>
#include <utility>

#include "lib/tokenizer/characters.h"

namespace carat::internal {
namespace {

// Whether the model can produce a special piece of plain text, other than the unknown piece.
bool MakesSpecialPieces(const Vocabulary& vocabulary, const BpeSettings& settings,
                        std::span<const MergeRule> rules, const std::vector<bool>& special) {
  const auto counts = [&](std::int32_t id) {
    return special[static_cast<std::size_t>(id)] && id != settings.bpe.unknown;
  };
  for (std::int32_t id = 0; id < settings.model_size; ++id) {
    if (!counts(id)) continue;
    const std::string_view piece = vocabulary.Piece(id);
    const bool single = !piece.empty() && FirstCharacter(piece).length == piece.size();
    const bool byte = piece.size() == 6 && piece.starts_with("<0x");
    if (single || byte) return true;
  }
  return std::any_of(rules.begin(), rules.end(), [&](const MergeRule& rule) { return counts(rule.product); });
}

// The tokens that are looked for before normalisation, or those that are looked for after it.
std::vector<AddedToken> Select(const std::vector<AddedToken>& added, bool normalized) {
  std::vector<AddedToken> selected;
  for (const AddedToken& token : added) {
    if (token.normalized != normalized) continue;
    selected.push_back(token);
    if (normalized) selected.back().content = NormalizeSpaces(token.content);
  }
  return selected;
}

}  // namespace

std::string NormalizeSpaces(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 2);
  for (;;) {
    const std::size_t space = text.find(' ');
    out += text.substr(0, space);
    if (space == std::string_view::npos) return out;
    out += kSpaceSymbol;
    text.remove_prefix(space + 1);
  }
}

BpeEncoder::BpeEncoder(std::shared_ptr<const Vocabulary> vocabulary, const BpeSettings& settings,
                       std::span<const MergeRule> rules, const std::vector<AddedToken>& added,
                       std::vector<bool> special)
    : vocabulary_(std::move(vocabulary)),
      settings_(settings),
      special_(std::move(special)),
      raw_finder_(Select(added, false)),
      normalized_finder_(Select(added, true)),
      model_(*vocabulary_, settings.model_size, rules, settings.bpe, {}) {
  if (MakesSpecialPieces(*vocabulary_, settings, rules, special_))
    plain_model_.emplace(*vocabulary_, settings.model_size, rules, settings.bpe, special_);
}

Status BpeEncoder::Encode(std::string_view text, bool parse_special, std::vector<std::int32_t>* ids) const {
  std::vector<TextPart> parts, normalized_parts;
  raw_finder_.Split(text, parse_special, &parts);
  for (const TextPart& part : parts) {
    if (part.id != TextPart::kText) {
      ids->push_back(part.id);
      continue;
    }
    const std::string normalized = NormalizeSpaces(part.text);
    if (normalized_finder_.empty()) {
      EncodeWithModel(normalized, parse_special, ids);
      continue;
    }
    normalized_parts.clear();
    normalized_finder_.Split(normalized, parse_special, &normalized_parts);
    for (const TextPart& inner : normalized_parts) {
      if (inner.id != TextPart::kText) {
        ids->push_back(inner.id);
      } else {
        EncodeWithModel(inner.text, parse_special, ids);
      }
    }
  }
  return Status();
}

void BpeEncoder::EncodeWithModel(std::string_view text, bool parse_special,
                                 std::vector<std::int32_t>* ids) const {
  if (settings_.ignore_merges) {
    const auto id = vocabulary_->IdOf(text);
    if (id && *id < settings_.model_size && (parse_special || !special_[static_cast<std::size_t>(*id)])) {
      ids->push_back(*id);
      return;
    }
  }
  const BpeModel& model = parse_special || !plain_model_ ? model_ : *plain_model_;
  model.Encode(text, ids);
}

}  // namespace carat::internal
