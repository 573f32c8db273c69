#include "lib/sampling/grammar/regular_expression.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lib/base/error.h"
#include "lib/sampling/grammar/code_points.h"

namespace carat::internal {
namespace {

constexpr std::size_t kDeepestGroup = 50;
constexpr std::size_t kMostNfaStates = 20'000;
constexpr std::size_t kMostDfaStates = 10'000;
constexpr std::size_t kMostWork = 4'000'000;
constexpr std::uint32_t kMostRepeats = 10'000;
constexpr std::uint32_t kUnlimited = 0xFFFFFFFF;

// The syntax tree, nodes by index.
struct Node {
  enum class Kind { kEmpty, kSet, kBegin, kEnd, kSequence, kChoice, kRepeat };
  Kind kind = Kind::kEmpty;
  CodePointSet set;
  std::vector<std::uint32_t> parts;
  std::uint32_t least = 0, most = 0;
};

CodePointSet Digits() {
  return {{'0', '9'}};
}
CodePointSet WordCharacters() {
  return MakeCodePointSet({{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}});
}
CodePointSet Spaces() {
  return MakeCodePointSet({{0x09, 0x0D},
                           {0x20, 0x20},
                           {0xA0, 0xA0},
                           {0x1680, 0x1680},
                           {0x2000, 0x200A},
                           {0x2028, 0x2029},
                           {0x202F, 0x202F},
                           {0x205F, 0x205F},
                           {0x3000, 0x3000},
                           {0xFEFF, 0xFEFF}});
}
CodePointSet AllButLineEnds() {
  return Complement(MakeCodePointSet({{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}}));
}

class Parser {
 public:
  explicit Parser(std::u32string text) : text_(std::move(text)) {}

  Result<std::uint32_t> Parse() {
    CARAT_ASSIGN_OR_RETURN(const std::uint32_t root, Body());
    if (!AtEnd()) return Malformed("a ')' without its '('");
    return root;
  }
  const std::vector<Node>& nodes() const { return nodes_; }

 private:
  bool AtEnd() const { return at_ == text_.size(); }
  char32_t Peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : U'\0';
  }
  bool Take(std::u32string_view expected) {
    if (text_.compare(at_, expected.size(), expected) != 0) return false;
    at_ += expected.size();
    return true;
  }
  Status Malformed(const char* what) const {
    return InvalidArgument("a regular expression has %s at character %d", what, at_);
  }
  Status Unsupported(const char* what) const {
    return Unimplemented("a regular expression has %s at character %d, which is not supported", what, at_);
  }
  std::uint32_t Add(Node node) {
    nodes_.push_back(std::move(node));
    return static_cast<std::uint32_t>(nodes_.size() - 1);
  }
  std::uint32_t AddSet(CodePointSet set) { return Add({Node::Kind::kSet, std::move(set), {}, 0, 0}); }

  // What is open: the whole, or a group in it. The alternatives so far, and the parts of the last one.
  struct Open {
    std::vector<std::uint32_t> choices, sequence;
  };

  std::uint32_t AddParts(Node::Kind kind, std::vector<std::uint32_t> parts) {
    return Add({kind, {}, std::move(parts), 0, 0});
  }

  // Groups are kept in a vector, so that the stack does not grow with them. Ends at a ')' of no group.
  Result<std::uint32_t> Body() {
    std::vector<Open> open(1);
    for (;;) {
      std::uint32_t part = 0;
      if (Peek() == U'(') {
        if (open.size() > kDeepestGroup) return Unsupported("groups nested more than 50 deep");
        CARAT_RETURN_IF_ERROR(BeginGroup());
        open.emplace_back();
        continue;
      }
      if (AtEnd() || Peek() == U'|' || Peek() == U')') {
        std::vector<std::uint32_t>& choices = open.back().choices;
        choices.push_back(AddParts(Node::Kind::kSequence, std::move(open.back().sequence)));
        open.back().sequence.clear();
        if (Take(U"|")) continue;
        part = choices.size() == 1 ? choices[0] : AddParts(Node::Kind::kChoice, std::move(choices));
        if (open.size() == 1) return part;
        if (!Take(U")")) return Malformed("a '(' without its ')'");
        open.pop_back();
      } else {
        CARAT_ASSIGN_OR_RETURN(part, Atom());
      }
      CARAT_ASSIGN_OR_RETURN(part, Repetition(part));
      open.back().sequence.push_back(part);
    }
  }

  Result<std::uint32_t> Repetition(std::uint32_t part) {
    Node repeat{Node::Kind::kRepeat, {}, {part}, 0, kUnlimited};
    if (Take(U"*")) {
    } else if (Take(U"+")) {
      repeat.least = 1;
    } else if (Take(U"?")) {
      repeat.most = 1;
    } else if (Peek() == U'{') {
      CARAT_RETURN_IF_ERROR(Counts(repeat));
    } else {
      return part;
    }
    const Node::Kind kind = nodes_[part].kind;
    if (kind == Node::Kind::kBegin || kind == Node::Kind::kEnd) return Malformed("a repeated anchor");
    Take(U"?");  // a lazy repetition finds the same texts
    if (Peek() == U'*' || Peek() == U'+' || Peek() == U'?' || Peek() == U'{') {
      return Malformed("a repetition of a repetition");
    }
    return Add(std::move(repeat));
  }

  Status Counts(Node& repeat) {
    Take(U"{");
    CARAT_ASSIGN_OR_RETURN(repeat.least, Count());
    repeat.most = repeat.least;
    if (Take(U",")) {
      repeat.most = kUnlimited;
      if (Peek() != U'}') {
        CARAT_ASSIGN_OR_RETURN(repeat.most, Count());
      }
    }
    if (!Take(U"}")) return Malformed("a '{' without its '}'");
    if (repeat.least > repeat.most) return Malformed("a repetition of at least more than at most");
    return {};
  }

  Result<std::uint32_t> Count() {
    if (Peek() < U'0' || Peek() > U'9') return Malformed("a repetition without a number");
    std::uint32_t count = 0;
    while (Peek() >= U'0' && Peek() <= U'9') {
      count = std::min(count * 10 + (text_[at_++] - U'0'), kMostRepeats + 1);
    }
    if (count > kMostRepeats) return Unsupported("a repetition of more than 10000");
    return count;
  }

  Result<std::uint32_t> Atom() {
    const char32_t first = Peek();
    if (first == U'[') {
      CARAT_ASSIGN_OR_RETURN(CodePointSet set, Class());
      return AddSet(std::move(set));
    }
    if (Take(U"^")) return Add({Node::Kind::kBegin, {}, {}, 0, 0});
    if (Take(U"$")) return Add({Node::Kind::kEnd, {}, {}, 0, 0});
    if (Take(U".")) return AddSet(AllButLineEnds());
    if (first == U'*' || first == U'+' || first == U'?' || first == U'{') {
      return Malformed("a repetition of nothing");
    }
    if (first == U'}' || first == U']') return Malformed("an unpaired bracket");
    if (first == U'\\') {
      CARAT_ASSIGN_OR_RETURN(CodePointSet set, Escape(false));
      return AddSet(std::move(set));
    }
    ++at_;
    return AddSet(MakeCodePointSet({{first, first}}));
  }

  Status BeginGroup() {
    Take(U"(");
    if (Peek() != U'?' || Take(U"?:")) return {};
    const bool named = Peek(1) == U'<' && Peek(2) != U'=' && Peek(2) != U'!';
    if (!named) return Unsupported("a look-around");
    while (!AtEnd() && Peek() != U'>') ++at_;
    if (!Take(U">")) return Malformed("a group whose name has no end");
    return {};
  }

  static std::optional<char32_t> OneCharacter(const CodePointSet& set) {
    if (set.size() == 1 && set[0].first == set[0].last) return set[0].first;
    return std::nullopt;
  }

  Result<CodePointSet> ClassItem() {
    if (Peek() == U'\\') return Escape(true);
    const char32_t character = text_[at_++];
    return MakeCodePointSet({{character, character}});
  }

  Result<CodePointSet> Class() {
    Take(U"[");
    const bool complement = Take(U"^");
    std::vector<CodePointRange> ranges;
    while (!AtEnd() && Peek() != U']') {
      CARAT_ASSIGN_OR_RETURN(CodePointSet item, ClassItem());
      if (Peek() == U'-' && Peek(1) != U']' && at_ + 1 < text_.size()) {
        ++at_;
        CARAT_ASSIGN_OR_RETURN(const CodePointSet last_item, ClassItem());
        const auto first = OneCharacter(item);
        const auto last = OneCharacter(last_item);
        if (!first || !last || *first > *last) return Malformed("a range that is none");
        item = MakeCodePointSet({{*first, *last}});
      }
      ranges.insert(ranges.end(), item.begin(), item.end());
    }
    if (!Take(U"]")) return Malformed("a '[' without its ']'");
    const CodePointSet set = MakeCodePointSet(std::move(ranges));
    return complement ? Complement(set) : set;
  }

  Result<char32_t> Hex(std::size_t digits) {
    char32_t value = 0;
    for (std::size_t i = 0; i < digits; ++i) {
      const char32_t digit = Peek();
      char32_t worth = 0;
      if (digit >= U'0' && digit <= U'9') {
        worth = digit - U'0';
      } else if ((digit | 0x20) >= U'a' && (digit | 0x20) <= U'f') {
        worth = (digit | 0x20) - U'a' + 10;
      } else {
        return Malformed("an escape without its digits");
      }
      value = value << 4 | worth;
      ++at_;
    }
    return value;
  }

  Result<char32_t> UnicodeEscape() {
    if (Take(U"{")) {
      char32_t value = 0;
      while (!AtEnd() && Peek() != U'}') {
        CARAT_ASSIGN_OR_RETURN(const char32_t digit, Hex(1));
        value = value << 4 | digit;
        if (value > kLastCodePoint) return Malformed("an escape beyond U+10FFFF");
      }
      if (!Take(U"}")) return Malformed("an escape without its '}'");
      return value;
    }
    CARAT_ASSIGN_OR_RETURN(const char32_t value, Hex(4));
    if (value < 0xD800 || value > 0xDBFF || Peek() != U'\\' || Peek(1) != U'u') return value;
    at_ += 2;
    CARAT_ASSIGN_OR_RETURN(const char32_t low, Hex(4));
    if (low < 0xDC00 || low > 0xDFFF) return Malformed("half of a surrogate pair");
    return 0x10000 + ((value - 0xD800) << 10) + (low - 0xDC00);
  }

  Result<CodePointSet> Escape(bool in_class) {
    Take(U"\\");
    if (AtEnd()) return Malformed("a '\\' at its end");
    const char32_t kind = text_[at_++];
    const auto one = [](char32_t character) { return MakeCodePointSet({{character, character}}); };
    switch (kind) {
      case U'd':
        return Digits();
      case U'D':
        return Complement(Digits());
      case U'w':
        return WordCharacters();
      case U'W':
        return Complement(WordCharacters());
      case U's':
        return Spaces();
      case U'S':
        return Complement(Spaces());
      case U'n':
        return one('\n');
      case U'r':
        return one('\r');
      case U't':
        return one('\t');
      case U'f':
        return one('\f');
      case U'v':
        return one('\v');
      case U'0':
        return one(0);
      case U'b':
        if (in_class) return one('\b');
        return Unsupported("a word boundary");
      case U'B':
        return Unsupported("a word boundary");
      case U'p':
      case U'P':
        return Unsupported("a Unicode property");
      case U'c': {
        const char32_t letter = Peek() | 0x20;
        if (letter < U'a' || letter > U'z') return Malformed("\\c without a letter");
        ++at_;
        return one(letter - U'a' + 1);
      }
      case U'x': {
        CARAT_ASSIGN_OR_RETURN(const char32_t value, Hex(2));
        return one(value);
      }
      case U'u': {
        CARAT_ASSIGN_OR_RETURN(const char32_t value, UnicodeEscape());
        return one(value);
      }
      default:
        break;
    }
    if ((kind >= U'1' && kind <= U'9') || kind == U'k') return Unsupported("a back reference");
    const bool letter = (kind | 0x20) >= U'a' && (kind | 0x20) <= U'z';
    if (letter) return Malformed("an unknown escape");
    return one(kind);
  }

  std::u32string text_;
  std::size_t at_ = 0;
  std::vector<Node> nodes_;
};

// A nondeterministic automaton, built backwards: each piece is given where it leads.
struct NfaState {
  CodePointSet set;  // to `next`, by one character; empty for the other kinds
  enum class Kind { kSet, kSplit, kBegin, kEnd, kMatch } kind = Kind::kSplit;
  std::uint32_t next = 0, other = 0;
};

class NfaBuilder {
 public:
  explicit NfaBuilder(const std::vector<Node>& nodes) : nodes_(nodes) {}

  // Where reading begins: anything, then the pattern, then anything.
  Result<std::uint32_t> Build(std::uint32_t root) {
    const std::uint32_t match = Add({{}, NfaState::Kind::kMatch, 0, 0});
    const std::uint32_t after = Add({{}, NfaState::Kind::kSplit, match, match});
    const std::uint32_t rest = Add({AllCodePoints(), NfaState::Kind::kSet, after, 0});
    states_[after].other = rest;
    CARAT_ASSIGN_OR_RETURN(const std::uint32_t inside, Piece(root, after));
    const std::uint32_t before = Add({{}, NfaState::Kind::kSplit, inside, inside});
    states_[before].other = Add({AllCodePoints(), NfaState::Kind::kSet, before, 0});
    return before;
  }
  const std::vector<NfaState>& states() const { return states_; }

 private:
  std::uint32_t Add(NfaState state) {
    states_.push_back(std::move(state));
    return static_cast<std::uint32_t>(states_.size() - 1);
  }

  // Recursion as deep as the groups, which the parser limits.
  Result<std::uint32_t> Piece(std::uint32_t index, std::uint32_t next) {
    if (states_.size() > kMostNfaStates) {
      return ResourceExhausted("a regular expression needs more than %d states", kMostNfaStates);
    }
    const Node& node = nodes_[index];
    switch (node.kind) {
      case Node::Kind::kEmpty:
        return next;
      case Node::Kind::kSet:
        return Add({node.set, NfaState::Kind::kSet, next, 0});
      case Node::Kind::kBegin:
        return Add({{}, NfaState::Kind::kBegin, next, 0});
      case Node::Kind::kEnd:
        return Add({{}, NfaState::Kind::kEnd, next, 0});
      case Node::Kind::kSequence:
        for (std::size_t i = node.parts.size(); i-- > 0;) {
          CARAT_ASSIGN_OR_RETURN(next, Piece(node.parts[i], next));
        }
        return next;
      case Node::Kind::kChoice: {
        CARAT_ASSIGN_OR_RETURN(std::uint32_t all, Piece(node.parts.back(), next));
        for (std::size_t i = node.parts.size() - 1; i-- > 0;) {
          CARAT_ASSIGN_OR_RETURN(const std::uint32_t one, Piece(node.parts[i], next));
          all = Add({{}, NfaState::Kind::kSplit, one, all});
        }
        return all;
      }
      case Node::Kind::kRepeat:
        break;
    }
    if (node.most == kUnlimited) {
      const std::uint32_t loop = Add({{}, NfaState::Kind::kSplit, next, next});
      CARAT_ASSIGN_OR_RETURN(const std::uint32_t again, Piece(node.parts[0], loop));
      states_[loop].other = again;
      next = loop;
    } else {
      const std::uint32_t end = next;
      for (std::uint32_t i = node.least; i < node.most; ++i) {
        CARAT_ASSIGN_OR_RETURN(const std::uint32_t one, Piece(node.parts[0], next));
        next = Add({{}, NfaState::Kind::kSplit, one, end});
      }
    }
    for (std::uint32_t i = 0; i < node.least; ++i) {
      CARAT_ASSIGN_OR_RETURN(next, Piece(node.parts[0], next));
    }
    return next;
  }

  const std::vector<Node>& nodes_;
  std::vector<NfaState> states_;
};

// The subset construction.
class Determinizer {
 public:
  explicit Determinizer(const std::vector<NfaState>& nfa) : nfa_(nfa), mark_(nfa.size(), 0) {}

  Result<TextAutomaton> Run(std::uint32_t start) {
    // The first state is apart from an equal set later on: only here a ^ holds.
    AddState(Closure({start}, true), true);
    for (std::size_t state = 0; state < sets_.size(); ++state) {
      if (sets_.size() > kMostDfaStates || work_ > kMostWork) {
        return ResourceExhausted("a regular expression needs too large an automaton");
      }
      Expand(static_cast<std::uint32_t>(state));
    }
    return TextAutomaton::Build(std::move(states_), std::move(labels_));
  }

 private:
  using Set = std::vector<std::uint32_t>;

  // Everything that is reached without reading, of what counts: sets, ends and the match. Where the text has
  // not begun, through ^ too; `through_end`: as if the text ended here.
  Set Closure(Set pending, bool at_begin, bool through_end = false) {
    ++round_;
    Set result;
    while (!pending.empty()) {
      const std::uint32_t index = pending.back();
      pending.pop_back();
      if (mark_[index] == round_) continue;
      mark_[index] = round_;
      ++work_;
      const NfaState& state = nfa_[index];
      switch (state.kind) {
        case NfaState::Kind::kSplit:
          pending.push_back(state.next);
          pending.push_back(state.other);
          break;
        case NfaState::Kind::kBegin:
          if (at_begin) pending.push_back(state.next);
          break;
        case NfaState::Kind::kEnd:
          result.push_back(index);
          if (through_end) pending.push_back(state.next);
          break;
        case NfaState::Kind::kSet:
        case NfaState::Kind::kMatch:
          result.push_back(index);
          break;
      }
    }
    std::sort(result.begin(), result.end());
    return result;
  }

  void AddState(Set set, bool at_begin) {
    const Set at_end = Closure(set, at_begin, true);
    const bool accepts = std::any_of(at_end.begin(), at_end.end(), [this](std::uint32_t index) {
      return nfa_[index].kind == NfaState::Kind::kMatch;
    });
    labels_.push_back(accepts ? 0 : TextAutomaton::kNoLabel);
    states_.emplace_back();
    sets_.push_back(std::move(set));
  }

  std::uint32_t NumberOf(const Set& set) {
    const auto [found, is_new] = numbers_.try_emplace(set, static_cast<std::uint32_t>(sets_.size()));
    if (is_new) AddState(set, false);
    return found->second;
  }

  void Expand(std::uint32_t number) {
    const Set set = sets_[number];
    std::vector<char32_t> boundaries;
    for (const std::uint32_t index : set) {
      for (const CodePointRange& range : nfa_[index].set) {
        boundaries.push_back(range.first);
        boundaries.push_back(range.last + 1);
      }
    }
    std::sort(boundaries.begin(), boundaries.end());
    boundaries.erase(std::unique(boundaries.begin(), boundaries.end()), boundaries.end());
    TextAutomaton::Edges edges;
    for (std::size_t i = 0; i + 1 < boundaries.size() && work_ <= kMostWork; ++i) {
      const char32_t begin = boundaries[i];
      Set targets;
      for (const std::uint32_t index : set) {
        const CodePointSet& ranges = nfa_[index].set;
        const auto range =
            std::lower_bound(ranges.begin(), ranges.end(), begin,
                             [](const CodePointRange& r, char32_t value) { return r.last < value; });
        if (range != ranges.end() && range->first <= begin) targets.push_back(nfa_[index].next);
      }
      work_ += set.size();
      if (targets.empty()) continue;
      const std::uint32_t target = NumberOf(Closure(std::move(targets), false));
      edges.push_back({begin, boundaries[i + 1] - 1, target});
    }
    states_[number] = std::move(edges);
  }

  const std::vector<NfaState>& nfa_;
  std::vector<std::uint32_t> mark_;
  std::uint32_t round_ = 0;
  std::size_t work_ = 0;
  std::map<Set, std::uint32_t> numbers_;
  std::vector<Set> sets_;
  std::vector<TextAutomaton::Edges> states_;
  std::vector<std::uint32_t> labels_;
};

}  // namespace

Result<std::shared_ptr<const TextAutomaton>> CompilePattern(std::string_view pattern) {
  std::optional<std::u32string> text = ToCodePoints(pattern);
  if (!text) return InvalidArgument("a regular expression is not UTF-8");
  Parser parser(*std::move(text));
  CARAT_ASSIGN_OR_RETURN(const std::uint32_t root, parser.Parse());
  NfaBuilder builder(parser.nodes());
  CARAT_ASSIGN_OR_RETURN(const std::uint32_t start, builder.Build(root));
  CARAT_ASSIGN_OR_RETURN(TextAutomaton automaton, Determinizer(builder.states()).Run(start));
  return std::make_shared<const TextAutomaton>(std::move(automaton));
}

}  // namespace carat::internal
