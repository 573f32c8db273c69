// What a grammar is compiled into: elements, which read bytes, and rules, which choose between elements. A
// program together with a stack of frames (machine.h) is a pushdown automaton.
#ifndef CARAT_LIB_SAMPLING_GRAMMAR_PROGRAM_H_
#define CARAT_LIB_SAMPLING_GRAMMAR_PROGRAM_H_

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "lib/sampling/grammar/number.h"
#include "lib/sampling/grammar/text_automaton.h"

namespace carat::internal {

inline constexpr std::uint32_t kNone = 0xFFFFFFFF;

// Where the reading of one element stands. What phase, x, y and z mean is the element's affair.
struct Frame {
  std::uint32_t element = 0;
  std::uint16_t phase = 0;
  std::uint16_t spaces = 0;  // white space read in this gap
  std::uint32_t x = 0;
  std::uint32_t y = 0;
  std::uint32_t z = 0;

  bool operator==(const Frame&) const = default;
};

// One alternative is enough. Empty: nothing can be read, there is no way on.
struct Rule {
  std::vector<Frame> starts;
};

// The whole: white space, rule 0, white space. Always element 0.
struct RootElement {};

// A text as it is.
struct LiteralElement {
  std::string text;
};

enum class StringSyntax {
  kJson,         // between quotes, with JSON's escapes
  kTokenQuoted,  // between control tokens, as it is
};

struct StringElement {
  std::shared_ptr<const TextAutomaton> texts;
  TextLengths lengths;
  StringSyntax syntax = StringSyntax::kJson;
  // Whether every character may come in every state, as long as the length permits, and what it leads to
  // needs no more characters.
  bool free = false;
};

struct NumberElement {
  NumberSpec spec;
};

struct ArrayElement {
  std::vector<std::uint32_t> first_rules;  // of the first items
  std::uint32_t other_items = kNone;       // the rule of all others; kNone: there are none
  std::uint32_t least = 0, most = kNone;   // kNone: any number
  // An array in which no two items are the same: its items come from `values`, rules of one value each, of
  // which there are at most 32; `most` is no more than that.
  bool unique = false;
  std::vector<std::uint32_t> values;

  std::uint32_t RuleAt(std::uint32_t index) const {
    return index < first_rules.size() ? first_rules[index] : other_items;
  }
  // Beyond this all counts are alike.
  std::uint32_t Increment(std::uint32_t count) const {
    const auto enough = static_cast<std::uint32_t>(first_rules.size());
    return most == kNone && count >= enough && count >= least ? count : count + 1;
  }
};

// A key, or a kind of keys.
struct ObjectMember {
  std::uint32_t rule = 0;
  bool single = false;  // one key, which may come once
  bool required = false;
  bool possible = true;  // there is a value for it
};

struct ObjectElement {
  std::shared_ptr<const TextAutomaton> keys;  // labelled with members
  std::vector<ObjectMember> members;          // the single ones first
  std::uint32_t least = 0, most = kNone;
  bool bare_keys = false;                // key:value, without quotes or white space
  std::vector<std::uint64_t> reachable;  // by state of `keys`: the members that its continuations name
  std::size_t words = 0;                 // of each state
  // A kind that a key can become whatever characters it begins with; kNone if there is none.
  std::uint32_t free_member = kNone;
};

// A rule of a grammar notation: a graph over bytes, calls and control tokens.
struct GraphElement {
  struct State {
    enum class Kind : std::uint8_t {
      kBytes,
      kSplit,
      kCall,
      kToken,
      kOtherToken,
      kAccept
    } kind = Kind::kAccept;
    std::uint8_t first = 0, last = 0;  // kBytes
    std::uint32_t next = 0;            // all except kAccept
    // kSplit: the other way; kCall: the rule; kToken: the slot of the token that is read; kOtherToken: the
    // slot of the only one that is not.
    std::uint32_t other = 0;
  };
  std::vector<State> states;
};

using Element = std::variant<RootElement, LiteralElement, StringElement, NumberElement, ArrayElement,
                             ObjectElement, GraphElement>;

// A token by its text, or by its id.
struct NamedToken {
  std::string text;
  std::int32_t id = -1;  // of one without a text

  bool operator==(const NamedToken&) const = default;
};

class MaskCache;
class TokenTrie;

// Immutable but for the caches, which are made for a vocabulary when it is first used.
struct Program {
  std::vector<Element> elements = {RootElement()};
  std::vector<Rule> rules = {Rule()};
  std::uint16_t most_spaces = 0;
  // The tokens that the grammar names; slots are indices. A vocabulary finds their ids when a constraint is
  // made.
  std::vector<NamedToken> tokens;

  std::shared_ptr<MaskCache> CacheFor(const std::shared_ptr<const TokenTrie>& trie) const;

  mutable std::mutex mutex;
  mutable std::vector<std::pair<std::weak_ptr<const TokenTrie>, std::shared_ptr<MaskCache>>> caches;
};

}  // namespace carat::internal

#endif  // CARAT_LIB_SAMPLING_GRAMMAR_PROGRAM_H_
