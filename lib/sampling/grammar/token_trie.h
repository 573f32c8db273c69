// The vocabulary as a tree over bytes, and the classes of its tokens that inside strings go without saying.
#ifndef CARAT_LIB_SAMPLING_GRAMMAR_TOKEN_TRIE_H_
#define CARAT_LIB_SAMPLING_GRAMMAR_TOKEN_TRIE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "carat/status.h"
#include "lib/sampling/token_bits.h"

namespace carat::internal {

// Immutable.
class TokenTrie {
 public:
  // Nodes in the order of a walk that goes down first: a node's children follow it, and whoever does not want
  // them skips `size` nodes.
  struct Node {
    std::uint32_t size;  // of the node with all below it
    std::int32_t token;  // whose bytes end here, or -1
    std::uint8_t byte;
  };

  // Kinds of characters, so that a whole part of the tree can be judged at once. The other printable
  // characters of ASCII have a bit each.
  enum CharacterKinds : std::uint64_t {
    kLower = 1,
    kUpper = 2,
    kDigit = 4,
    kControl = 8,
    kBeyondAscii = 16,
    kBroken = 32,  // bytes that are not whole characters
  };
  static std::uint64_t KindOf(std::uint8_t byte);

  // Of the node with the same index, and all below it.
  struct Subtree {
    std::uint64_t kinds;
    std::uint32_t first_rank;  // of its tokens, which stand one after the other in ranked()
  };

  // Tokens by what they say inside a string.
  struct StringClass {
    // Whole characters only, all of which need no care; by the most characters, from 0 to the longest.
    std::vector<TokenBits> by_length;
    // All others that may begin inside a string.
    std::vector<Node> others;
  };

  // Tokens with empty bytes are in no text. Errors: RESOURCE_EXHAUSTED, INVALID_ARGUMENT for a vocabulary
  // that is impossible.
  struct Vocabulary {
    std::vector<std::string> bytes;  // by id
    std::unordered_map<std::string, std::int32_t> control_tokens;
    std::vector<std::int32_t> stop_tokens;
  };
  static Result<TokenTrie> Build(Vocabulary vocabulary);

  std::span<const Node> nodes() const { return nodes_; }
  std::span<const Subtree> subtrees() const { return subtrees_; }
  // All tokens that have bytes, in the order of the tree, and the number of their characters (of those that
  // are whole ones).
  std::span<const std::int32_t> ranked() const { return ranked_; }
  std::span<const std::uint16_t> ranked_characters() const { return ranked_characters_; }
  // In JSON's strings, and in strings between control tokens.
  const StringClass& json() const { return json_; }
  const StringClass& plain() const { return plain_; }

  std::size_t vocabulary_size() const { return vocabulary_.bytes.size(); }
  std::size_t words() const { return (vocabulary_size() + 63) / 64; }
  std::string_view Bytes(std::int32_t token) const {
    return vocabulary_.bytes[static_cast<std::size_t>(token)];
  }
  // Calls f(token) for the token of a node and all others with the same bytes.
  template <typename F>
  void ForTokensOf(const Node& node, F f) const {
    for (std::int32_t token = node.token; token >= 0; token = next_equal_[static_cast<std::size_t>(token)]) {
      f(token);
    }
  }
  // The id of a control token; -1 for none.
  std::int32_t ControlToken(const std::string& piece) const;
  // The first token with these bytes; -1 for none.
  std::int32_t TokenOf(std::string_view bytes) const;
  // Sorted.
  std::span<const std::int32_t> stop_tokens() const { return vocabulary_.stop_tokens; }
  bool IsStop(std::int32_t token) const;
  std::size_t memory_bytes() const;

 private:
  std::vector<Node> BuildNodes(std::span<const std::int32_t> sorted) const;
  void BuildSubtrees();
  StringClass BuildClass(std::span<const std::int32_t> sorted, bool json) const;

  Vocabulary vocabulary_;
  std::vector<std::int32_t> next_equal_;  // by id: the next token with the same bytes, or -1
  std::vector<Node> nodes_;
  std::vector<Subtree> subtrees_;
  std::vector<std::int32_t> ranked_;
  std::vector<std::uint16_t> ranked_characters_;
  StringClass json_, plain_;
};

}  // namespace carat::internal

#endif  // CARAT_LIB_SAMPLING_GRAMMAR_TOKEN_TRIE_H_
