// Byte pair encoding: characters are joined pair by pair, the pair of lowest rank first, the leftmost where
// ranks are equal, as the reference does.
#ifndef CARAT_LIB_TOKENIZER_BPE_H_
#define CARAT_LIB_TOKENIZER_BPE_H_

#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "lib/tokenizer/bucket_table.h"
#include "lib/tokenizer/vocabulary.h"

namespace carat::internal {

// Joining `left` and `right` gives `product`. The rank is the place in the list.
struct MergeRule {
  std::int32_t left = 0, right = 0, product = 0;
};

struct BpeOptions {
  bool byte_fallback = false;           // a character without a piece becomes the pieces of its bytes
  bool fuse_unknown = false;            // unknown characters in a row become one unknown piece
  std::optional<std::int32_t> unknown;  // the unknown piece; without one, unknown characters vanish
};

// Immutable; Encode may run in many threads at once.
class BpeModel {
 public:
  // The model knows the vocabulary's first `model_size` ids. The halves of a rule are not empty. Of rules for
  // one pair the last counts. Ids for which hidden[id] is true are never produced, except as the unknown
  // piece; `hidden` may be empty.
  BpeModel(const Vocabulary& vocabulary, std::int32_t model_size, std::span<const MergeRule> rules,
           const BpeOptions& options, const std::vector<bool>& hidden);

  // Appends the ids of a normalised text, valid UTF-8 of fewer than 2^32 bytes. Time is n log n in the
  // longest stretch that cannot be cut.
  void Encode(std::string_view text, std::vector<std::int32_t>* ids) const;

 private:
  friend class BpeRun;
  static constexpr std::uint32_t kNoRank = std::numeric_limits<std::uint32_t>::max();

  struct Merge {
    std::uint32_t rank = kNoRank;
    std::int32_t product = 0;
  };
  struct PairEntry {
    std::int32_t left = 0, right = 0;
    Merge merge;  // rank kNoRank: the pair never merges, but a longer merge may cross the place between them
  };

  void AddCharacters(const Vocabulary& vocabulary, std::int32_t model_size, const std::vector<bool>& hidden);
  void AddBytes(const Vocabulary& vocabulary, std::int32_t model_size, const std::vector<bool>& hidden);
  static std::vector<std::uint64_t> WithoutRules(std::vector<std::uint64_t> keys,
                                                 const std::vector<PairEntry>& rules);
  void AddRules(const Vocabulary& vocabulary, std::span<const MergeRule> rules,
                const std::vector<bool>& hidden);

  std::int32_t CharacterId(char32_t code) const {
    return character_ids_[static_cast<std::size_t>(character_pages_[code >> 8]) << 8 | (code & 0xFF)];
  }
  // The entry of a pair, or null.
  const Merge* Find(std::int32_t left, std::int32_t right) const;
  // The pieces of a character's bytes; false if one of them has none.
  bool BytePieces(std::string_view character, std::array<std::int32_t, 4>* ids) const;

  BpeOptions options_;
  std::vector<std::uint16_t> character_pages_;  // of 256 code points each, in character_ids_
  std::vector<std::int32_t> character_ids_;     // -1: none
  std::array<std::int32_t, 256> byte_ids_{};    // -1: none
  BucketTable<PairEntry> pairs_;
  bool bytes_merge_ = false;  // some rule has a byte piece or the unknown piece for a half
};

}  // namespace carat::internal

#endif  // CARAT_LIB_TOKENIZER_BPE_H_
