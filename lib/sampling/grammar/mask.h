// Which tokens may come next.
#ifndef CARAT_LIB_SAMPLING_GRAMMAR_MASK_H_
#define CARAT_LIB_SAMPLING_GRAMMAR_MASK_H_

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <tuple>
#include <vector>

#include "lib/sampling/grammar/machine.h"
#include "lib/sampling/grammar/token_trie.h"

namespace carat::internal {

// What the vocabulary does inside one string element, in one state of its automaton.
struct StringWalk {
  // Tokens that stay inside, each with the characters that then must be possible: its own, and the fewest
  // that still have to follow. Those of the trie's class are not in it.
  std::vector<std::pair<std::uint32_t, std::int32_t>> inside;
  // The same of tokens that stand side by side in the tree's order: each needs its characters and `more`.
  struct Range {
    std::uint32_t first_rank;
    std::uint32_t last_rank;  // one past
    std::int32_t more;
  };
  std::vector<Range> inside_ranges;
  std::uint32_t most_needed = 0;
  bool with_class = false;
  // Where a quote ends the string: the node in the walked tree, and the characters before it.
  struct End {
    std::uint32_t node;
    std::uint32_t characters;
  };
  std::vector<End> ends;

  // The tokens inside when `room` characters are left; computed when first asked for.
  std::map<std::uint32_t, std::shared_ptr<const TokenBits>> by_room;
};

// Shared by all that use one program with one vocabulary, on any threads.
class MaskCache {
 public:
  // Element, state, count (kNone where it does not matter), and what is half read.
  using Key = std::tuple<std::uint32_t, std::uint32_t, std::uint32_t, std::uint16_t, std::uint32_t>;

  std::mutex mutex;
  std::map<Key, std::shared_ptr<StringWalk>> walks;
  std::size_t bytes = 0;
};

class MaskComputer {
 public:
  MaskComputer(Machine& machine, const TokenTrie& trie, MaskCache& cache)
      : machine_(machine), trie_(trie), cache_(cache) {}

  // Sets the bits of all tokens that can be read next, by their bytes or as tokens; all bits are clear
  // before. `slots[i]` is the id of the program's i-th token.
  void Compute(const Tops& tops, std::span<const std::int32_t> slots, TokenBits& bits);

 private:
  using Nodes = std::span<const TokenTrie::Node>;

  // Walks nodes [begin, end) of a tree, whose ways so far are levels_[0].
  void Walk(Nodes nodes, std::size_t begin, std::size_t end, TokenBits& bits);
  void SetAllBut(std::span<const std::uint32_t> all_but, std::span<const std::int32_t> slots,
                 TokenBits& bits) const;
  void ComputeString(const StringElement& element, const Top& top, TokenBits& bits);
  std::shared_ptr<StringWalk> WalkOf(const StringElement& element, const Frame& frame);
  StringWalk MakeWalk(const StringElement& element, const Frame& frame) const;
  class StringWalker;
  std::shared_ptr<const TokenBits> InsideBits(const std::shared_ptr<StringWalk>& walk, std::uint32_t room);
  void Note(const TokenTrie::Node& node, TokenBits& bits) const {
    trie_.ForTokensOf(node, [&](std::int32_t token) { SetBit(bits, token); });
  }

  Machine& machine_;
  const TokenTrie& trie_;
  MaskCache& cache_;
  std::vector<Tops> levels_ = std::vector<Tops>(1);
  std::vector<std::size_t> ends_;
};

}  // namespace carat::internal

#endif  // CARAT_LIB_SAMPLING_GRAMMAR_MASK_H_
