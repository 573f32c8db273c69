#include "lib/tokenizer/bpe.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/hash/hash.h"
#include "lib/tokenizer/bpe_run.h"
#include "lib/tokenizer/characters.h"

namespace carat::internal {
namespace {

std::uint64_t PairKey(std::int32_t left, std::int32_t right) {
  return static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32 |
         static_cast<std::uint32_t>(right);
}

std::size_t HashOf(std::uint64_t key) {
  return absl::Hash<std::uint64_t>()(key);
}

bool IsHidden(const std::vector<bool>& hidden, std::int32_t id) {
  return !hidden.empty() && hidden[static_cast<std::size_t>(id)];
}

constexpr std::size_t kCharacterPages = 0x110000 >> 8;

}  // namespace

BpeModel::BpeModel(const Vocabulary& vocabulary, std::int32_t model_size, std::span<const MergeRule> rules,
                   const BpeOptions& options, const std::vector<bool>& hidden)
    : options_(options) {
  AddCharacters(vocabulary, model_size, hidden);
  AddBytes(vocabulary, model_size, hidden);
  AddRules(vocabulary, rules, hidden);
}

void BpeModel::AddCharacters(const Vocabulary& vocabulary, std::int32_t model_size,
                             const std::vector<bool>& hidden) {
  character_pages_.assign(kCharacterPages, 0);
  character_ids_.assign(256, -1);  // the page of those that have none
  for (std::int32_t id = 0; id < model_size; ++id) {
    const std::string_view piece = vocabulary.Piece(id);
    if (piece.empty() || piece.size() > 4 || IsHidden(hidden, id)) continue;
    const Character character = FirstCharacter(piece);
    if (character.length != piece.size()) continue;
    std::uint16_t& page = character_pages_[character.code >> 8];
    if (page == 0) {
      page = static_cast<std::uint16_t>(character_ids_.size() >> 8);
      character_ids_.resize(character_ids_.size() + 256, -1);
    }
    character_ids_[static_cast<std::size_t>(page) << 8 | (character.code & 0xFF)] = id;
  }
}

void BpeModel::AddBytes(const Vocabulary& vocabulary, std::int32_t model_size,
                        const std::vector<bool>& hidden) {
  byte_ids_.fill(-1);
  if (!options_.byte_fallback) return;
  constexpr char kDigits[] = "0123456789ABCDEF";
  for (std::size_t byte = 0; byte < 256; ++byte) {
    const char piece[] = {'<', '0', 'x', kDigits[byte >> 4], kDigits[byte & 15], '>'};
    const auto id = vocabulary.IdOf({piece, sizeof(piece)});
    if (id && *id < model_size && !IsHidden(hidden, *id)) byte_ids_[byte] = *id;
  }
}

// The keys that are no rule's, each once.
std::vector<std::uint64_t> BpeModel::WithoutRules(std::vector<std::uint64_t> keys,
                                                  const std::vector<PairEntry>& rules) {
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  std::vector<std::uint64_t> rule_keys;
  rule_keys.reserve(rules.size());
  for (const PairEntry& rule : rules) rule_keys.push_back(PairKey(rule.left, rule.right));
  std::sort(rule_keys.begin(), rule_keys.end());
  std::vector<std::uint64_t> others;
  std::set_difference(keys.begin(), keys.end(), rule_keys.begin(), rule_keys.end(),
                      std::back_inserter(others));
  return others;
}

// Besides the rules, the table holds the pairs of characters between which a longer rule may merge: those
// where one rule's left half ends with the first and its right half begins with the second. A merge across
// the place between two characters is always such a rule, because a piece's text is the text it was made of.
// So where two characters that meet in a text are not in the table, nothing can ever merge across, and what
// stands on the two sides can be encoded apart. This comes from the loaded rules alone.
void BpeModel::AddRules(const Vocabulary& vocabulary, std::span<const MergeRule> rules,
                        const std::vector<bool>& hidden) {
  const auto size = static_cast<std::size_t>(vocabulary.size());
  std::vector<bool> byte_or_unknown(size);
  for (const std::int32_t id : byte_ids_) {
    if (id >= 0) byte_or_unknown[static_cast<std::size_t>(id)] = true;
  }
  if (options_.unknown) byte_or_unknown[static_cast<std::size_t>(*options_.unknown)] = true;

  std::vector<PairEntry> entries;
  entries.reserve(rules.size() + rules.size() / 16);
  std::vector<std::uint64_t> crossed;
  for (std::size_t rank = 0; rank < rules.size(); ++rank) {
    const MergeRule& rule = rules[rank];
    if (IsHidden(hidden, rule.product)) continue;
    bytes_merge_ = bytes_merge_ || byte_or_unknown[static_cast<std::size_t>(rule.left)] ||
                   byte_or_unknown[static_cast<std::size_t>(rule.right)];
    entries.push_back({rule.left, rule.right, {static_cast<std::uint32_t>(rank), rule.product}});
    const std::int32_t before = CharacterId(LastCharacter(vocabulary.Piece(rule.left)).code);
    const std::int32_t after = CharacterId(FirstCharacter(vocabulary.Piece(rule.right)).code);
    if (before >= 0 && after >= 0) crossed.push_back(PairKey(before, after));
  }
  for (const std::uint64_t key : WithoutRules(std::move(crossed), entries)) {
    entries.push_back(
        {static_cast<std::int32_t>(key >> 32), static_cast<std::int32_t>(key & 0xFFFFFFFF), {}});
  }
  std::vector<std::size_t> hashes;
  hashes.reserve(entries.size());
  for (const PairEntry& entry : entries) hashes.push_back(HashOf(PairKey(entry.left, entry.right)));
  pairs_ = BucketTable<PairEntry>(entries, hashes);
}

const BpeModel::Merge* BpeModel::Find(std::int32_t left, std::int32_t right) const {
  const std::span<const PairEntry> bucket = pairs_.Bucket(HashOf(PairKey(left, right)));
  for (std::size_t i = bucket.size(); i-- > 0;) {  // backwards: of rules for one pair the last counts
    if (bucket[i].left == left && bucket[i].right == right) return &bucket[i].merge;
  }
  return nullptr;
}

bool BpeModel::BytePieces(std::string_view character, std::array<std::int32_t, 4>* ids) const {
  for (std::size_t i = 0; i < character.size(); ++i) {
    (*ids)[i] = byte_ids_[static_cast<unsigned char>(character[i])];
    if ((*ids)[i] < 0) return false;
  }
  return true;
}

void BpeModel::Encode(std::string_view text, std::vector<std::int32_t>* ids) const {
  BpeRun run(*this, ids);
  bool unknown_waits = false;  // unknown characters that are not in the run yet
  while (!text.empty()) {
    const Character character = FirstCharacter(text);
    const std::int32_t id = CharacterId(character.code);
    std::array<std::int32_t, 4> bytes;
    if (id >= 0) {
      if (unknown_waits) run.AddOther(*options_.unknown);
      unknown_waits = false;
      run.AddCharacter(id);
    } else if (options_.byte_fallback && BytePieces(text.substr(0, character.length), &bytes)) {
      // The reference does not let a waiting unknown piece go first here; neither do we.
      for (std::size_t i = 0; i < character.length; ++i) run.AddOther(bytes[i]);
    } else if (options_.unknown) {
      if (unknown_waits && !options_.fuse_unknown) run.AddOther(*options_.unknown);
      unknown_waits = true;
    }
    text.remove_prefix(character.length);
  }
  if (unknown_waits) run.AddOther(*options_.unknown);
  run.Finish();
}

}  // namespace carat::internal
