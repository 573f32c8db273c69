// Sets of texts as deterministic automata over code points: what a string may be.
#ifndef CARAT_LIB_SAMPLING_GRAMMAR_TEXT_AUTOMATON_H_
#define CARAT_LIB_SAMPLING_GRAMMAR_TEXT_AUTOMATON_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "carat/status.h"

namespace carat::internal {

inline constexpr char32_t kLastCodePoint = 0x10FFFF;

struct CodePointRange {
  char32_t first;
  char32_t last;
};

// Sorted, disjoint, without surrogates.
using CodePointSet = std::vector<CodePointRange>;

// The set of what any of the ranges holds; surrogates fall out.
CodePointSet MakeCodePointSet(std::vector<CodePointRange> ranges);
CodePointSet Complement(const CodePointSet& set);
const CodePointSet& AllCodePoints();

// Immutable. Every state but a dead one leads to an accepting one; state 0 is the first, if there is any.
class TextAutomaton {
 public:
  struct Edge {
    char32_t first;
    char32_t last;
    std::uint32_t target;
  };
  using Edges = std::vector<Edge>;  // sorted, disjoint
  static constexpr std::uint32_t kDead = 0xFFFFFFFF;
  static constexpr std::uint32_t kNoLabel = 0xFFFFFFFF;

  // `labels[i]` is that of state i, kNoLabel where it does not accept. States from which nothing is accepted
  // are dropped. Errors: RESOURCE_EXHAUSTED beyond the limits of size.
  static Result<TextAutomaton> Build(std::vector<Edges> states, std::vector<std::uint32_t> labels);

  // Everything.
  static std::shared_ptr<const TextAutomaton> Anything();

  // The texts themselves, each with its index as label; the first of equal ones counts.
  static Result<TextAutomaton> OfLiterals(std::span<const std::u32string> literals);

  // All parts at once. `required[i]`: a text that part i does not hold is not in the product either. `label`
  // is given what the parts' states are labelled (kNoLabel where they do not accept) and says what the
  // product's state is.
  using LabelOf = std::function<std::uint32_t(std::span<const std::uint32_t> labels)>;
  static Result<TextAutomaton> Product(std::span<const std::shared_ptr<const TextAutomaton>> parts,
                                       const std::vector<bool>& required, const LabelOf& label);

  // The texts that both hold, labelled 0.
  static Result<std::shared_ptr<const TextAutomaton>> Intersection(
      const std::shared_ptr<const TextAutomaton>& a, const std::shared_ptr<const TextAutomaton>& b);

  bool empty() const { return labels_.empty(); }
  std::uint32_t size() const { return static_cast<std::uint32_t>(labels_.size()); }
  std::uint32_t start() const { return empty() ? kDead : 0; }
  std::uint32_t Next(std::uint32_t state, char32_t character) const;
  std::span<const Edge> EdgesOf(std::uint32_t state) const {
    return {edges_.data() + begins_[state], edges_.data() + begins_[state + 1]};
  }
  // The edges that meet [first, last].
  std::span<const Edge> EdgesWithin(std::uint32_t state, char32_t first, char32_t last) const;
  std::uint32_t label(std::uint32_t state) const { return labels_[state]; }
  bool Accepts(std::uint32_t state) const { return labels_[state] != kNoLabel; }
  bool Holds(std::u32string_view text) const;
  // The label of a text; kNoLabel where it is not held.
  std::uint32_t LabelOfText(std::u32string_view text) const;

  // The one state that accepts everything, as Anything has it.
  bool IsAnything() const;

 private:
  std::vector<std::uint32_t> begins_ = {0};
  std::vector<Edge> edges_;
  std::vector<std::uint32_t> labels_;
};

// How long the texts are that lead from a state to acceptance, in code points.
class TextLengths {
 public:
  static constexpr std::uint32_t kUnlimited = 0xFFFFFFFF;

  // For texts of `least` to `most` code points. Errors: RESOURCE_EXHAUSTED.
  static Result<TextLengths> Create(const TextAutomaton& automaton, std::uint32_t least, std::uint32_t most);

  // Whether a text that has read `count` characters and stands in `state` can still be finished.
  bool CanFinish(std::uint32_t state, std::uint32_t count) const;
  bool MayEnd(std::uint32_t count) const { return count >= least_ && count <= most_; }
  // The next count: it need not grow where nothing depends on it.
  std::uint32_t Increment(std::uint32_t count) const {
    return most_ == kUnlimited && count >= least_ ? count : count + 1;
  }

  std::uint32_t least() const { return least_; }
  std::uint32_t most() const { return most_; }
  // Whether CanFinish asks no more than that the shortest end fits below `most`.
  bool depends_on_shortest_alone() const { return exact_.empty(); }
  std::uint32_t Shortest(std::uint32_t state) const { return shortest_[state]; }

 private:
  std::uint32_t least_ = 0;
  std::uint32_t most_ = kUnlimited;
  std::vector<std::uint32_t> shortest_;
  // Where that is not enough: by state and length, whether the state can be finished with exactly so many.
  std::vector<std::uint64_t> exact_;
  std::size_t words_ = 0;  // of each state
};

}  // namespace carat::internal

#endif  // CARAT_LIB_SAMPLING_GRAMMAR_TEXT_AUTOMATON_H_
