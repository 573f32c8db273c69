#include "lib/sampling/grammar/gbnf.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "lib/base/error.h"
#include "lib/sampling/grammar/code_points.h"
#include "lib/sampling/grammar/compiler.h"
#include "lib/sampling/grammar/graph_builder.h"

namespace carat::internal {
namespace {

constexpr std::size_t kDeepestGroup = 100;
// Of repetitions, alternatives and sequences in each other; a group has up to three.
constexpr int kDeepestPiece = 320;
constexpr std::size_t kMostStates = 200'000;
constexpr std::uint32_t kMostRepeats = 10'000;
constexpr std::uint32_t kUnlimited = 0xFFFFFFFF;
constexpr std::int64_t kMostTokens = 0x7FFFFFFF;
constexpr std::size_t kMostNamedTokens = 1000;

using GraphState = GraphElement::State;

// The syntax tree, nodes by index.
struct Node {
  enum class Kind { kText, kSet, kRule, kSequence, kChoice, kRepeat, kToken, kOtherToken };
  Kind kind = Kind::kSequence;
  std::string text;
  CodePointSet set;
  std::uint32_t rule = 0;
  std::uint32_t slot = 0;  // of a token
  std::vector<std::uint32_t> parts;
  std::uint32_t least = 0, most = 0;
};

struct ParsedRule {
  std::string name;
  std::size_t line = 0;  // where it was first named
  std::uint32_t body = kNone;
};

class Parser {
 public:
  explicit Parser(std::u32string text) : text_(std::move(text)) {}

  Status Parse() {
    Take(U"\uFEFF");
    SkipSpace(true);
    while (!AtEnd()) {
      CARAT_ASSIGN_OR_RETURN(const std::string name, Name());
      SkipSpace(true);
      if (!Take(U"::=")) return Malformed("a rule without '::='");
      const std::uint32_t rule = RuleNamed(name);
      CARAT_ASSIGN_OR_RETURN(const std::uint32_t body, Body());
      if (rules_[rule].body != kNone) return InvalidArgument("grammar: the rule '%s' is there twice", name);
      rules_[rule].body = body;
      SkipSpace(true);
    }
    for (const ParsedRule& rule : rules_) {
      if (rule.body == kNone) {
        return InvalidArgument("grammar: line %d names the rule '%s', which is not there", rule.line,
                               rule.name);
      }
    }
    return {};
  }
  const std::vector<Node>& nodes() const { return nodes_; }
  const std::vector<ParsedRule>& rules() const { return rules_; }
  const std::vector<NamedToken>& tokens() const { return tokens_; }

 private:
  bool AtEnd() const { return at_ == text_.size(); }
  char32_t Peek() const { return AtEnd() ? U'\0' : text_[at_]; }
  bool Take(std::u32string_view expected) {
    if (text_.compare(at_, expected.size(), expected) != 0) return false;
    at_ += expected.size();
    return true;
  }
  std::size_t Line() const {
    const auto end = text_.begin() + static_cast<std::ptrdiff_t>(at_);
    return 1 + static_cast<std::size_t>(std::count(text_.begin(), end, U'\n'));
  }
  Status Malformed(const char* what) const {
    return InvalidArgument("grammar: line %d has %s", Line(), what);
  }
  std::uint32_t Add(Node node) {
    nodes_.push_back(std::move(node));
    return static_cast<std::uint32_t>(nodes_.size() - 1);
  }

  void SkipSpace(bool lines) {
    for (; !AtEnd(); ++at_) {
      const char32_t c = Peek();
      if (c == U'#') {
        while (!AtEnd() && Peek() != U'\n') ++at_;
        if (AtEnd() || !lines) return;
        continue;
      }
      if (c != U' ' && c != U'\t' && (!lines || (c != U'\n' && c != U'\r'))) return;
    }
  }

  static bool IsNameCharacter(char32_t c) {
    return (c >= U'a' && c <= U'z') || (c >= U'A' && c <= U'Z') || (c >= U'0' && c <= U'9') || c == U'-' ||
           c == U'_';
  }

  Result<std::string> Name() {
    std::string name;
    while (IsNameCharacter(Peek())) name.push_back(static_cast<char>(text_[at_++]));
    if (name.empty()) return Malformed("something where the name of a rule is expected");
    return name;
  }

  std::uint32_t RuleNamed(const std::string& name) {
    const auto [found, is_new] = numbers_.try_emplace(name, static_cast<std::uint32_t>(rules_.size()));
    if (is_new) rules_.push_back({name, Line(), kNone});
    return found->second;
  }

  // What is open: a rule, or a group in it. The alternatives so far, and the parts of the last one.
  struct Open {
    std::vector<std::uint32_t> choices, sequence;
  };

  // A node of the parts; one part is itself.
  std::uint32_t AddParts(Node::Kind kind, std::vector<std::uint32_t> parts) {
    if (parts.size() == 1) return parts[0];
    Node node;
    node.kind = kind;
    node.parts = std::move(parts);
    return Add(std::move(node));
  }

  // The rest of a rule. Inside parentheses lines do not end it, and nowhere does one that "|" follows: no
  // rule begins with it. Groups are kept in a vector, so that the stack does not grow with them.
  Result<std::uint32_t> Body() {
    std::vector<Open> open(1);
    SkipSpace(true);
    for (;;) {
      SkipSpace(open.size() > 1);
      if (Peek() == U'(') {
        if (open.size() > kDeepestGroup) return Malformed("parentheses nested more than 100 deep");
        ++at_;
        open.emplace_back();
        continue;
      }
      std::uint32_t part = 0;
      if (EndsSequence()) {
        open.back().choices.push_back(AddParts(Node::Kind::kSequence, std::move(open.back().sequence)));
        open.back().sequence.clear();
        if (TakeBar()) continue;
        part = AddParts(Node::Kind::kChoice, std::move(open.back().choices));
        if (open.size() == 1) return part;
        if (!Take(U")")) return Malformed("a '(' without its ')'");
        open.pop_back();
      } else {
        CARAT_ASSIGN_OR_RETURN(part, Atom());
      }
      SkipSpace(open.size() > 1);
      for (;;) {
        CARAT_ASSIGN_OR_RETURN(const std::uint32_t repeated, Repetition(part));
        if (repeated == part) break;
        part = repeated;
      }
      open.back().sequence.push_back(part);
    }
  }

  bool EndsSequence() const {
    const char32_t c = Peek();
    return AtEnd() || c == U'|' || c == U')' || c == U'\n' || c == U'\r';
  }

  // Perhaps on another line.
  bool TakeBar() {
    const std::size_t end = at_;
    SkipSpace(true);
    if (!Take(U"|")) {
      at_ = end;
      return false;
    }
    SkipSpace(true);
    return true;
  }

  Result<std::uint32_t> Repetition(std::uint32_t part) {
    Node repeat;
    repeat.kind = Node::Kind::kRepeat;
    repeat.parts = {part};
    repeat.most = kUnlimited;
    if (Take(U"*")) {
    } else if (Take(U"+")) {
      repeat.least = 1;
    } else if (Take(U"?")) {
      repeat.most = 1;
    } else if (Take(U"{")) {
      CARAT_ASSIGN_OR_RETURN(repeat.least, Count());
      repeat.most = repeat.least;
      SkipSpace(true);
      if (Take(U",")) {
        SkipSpace(true);
        repeat.most = kUnlimited;
        if (Peek() != U'}') {
          CARAT_ASSIGN_OR_RETURN(repeat.most, Count());
        }
      }
      SkipSpace(true);
      if (!Take(U"}")) return Malformed("a '{' without its '}'");
      if (repeat.least > repeat.most) return Malformed("a repetition of at least more than at most");
    } else {
      return part;
    }
    return Add(std::move(repeat));
  }

  Result<std::uint32_t> Count() {
    SkipSpace(true);
    if (Peek() < U'0' || Peek() > U'9') return Malformed("a repetition without a number");
    std::uint32_t count = 0;
    while (Peek() >= U'0' && Peek() <= U'9') {
      count = std::min(count * 10 + (text_[at_++] - U'0'), kMostRepeats + 1);
    }
    if (count > kMostRepeats) return Malformed("a repetition of more than 10000");
    return count;
  }

  Result<std::uint32_t> Atom() {
    Node node;
    if (Take(U"\"")) {
      node.kind = Node::Kind::kText;
      while (!AtEnd() && Peek() != U'"') {
        CARAT_ASSIGN_OR_RETURN(const char32_t c, Character());
        AppendUtf8(c, &node.text);
      }
      if (!Take(U"\"")) return Malformed("a text without its closing quote");
      return Add(std::move(node));
    }
    if (Peek() == U'[') return Class();
    if (Peek() == U'<' || Peek() == U'!') return Token();
    if (Take(U".")) {
      node.kind = Node::Kind::kSet;
      node.set = AllCodePoints();
      return Add(std::move(node));
    }
    if (!IsNameCharacter(Peek())) return Malformed("something that is no part of a rule");
    CARAT_ASSIGN_OR_RETURN(const std::string name, Name());
    node.kind = Node::Kind::kRule;
    node.rule = RuleNamed(name);
    return Add(std::move(node));
  }

  // <name> or <[id]>; behind "!", any other token.
  Result<std::uint32_t> Token() {
    Node node;
    node.kind = Take(U"!") ? Node::Kind::kOtherToken : Node::Kind::kToken;
    if (Peek() != U'<') return Malformed("a '!' in front of what is no token");
    const std::size_t end = text_.find_first_of(U">\n", at_);
    if (end == std::u32string::npos || text_[end] != U'>') return Malformed("a '<' without its '>'");
    const std::u32string_view name = std::u32string_view(text_).substr(at_, end + 1 - at_);
    NamedToken token;
    if (name.starts_with(U"<[")) {
      const std::u32string_view digits = name.substr(2, name.size() - 3);
      std::int64_t id = 0;
      std::size_t i = 0;
      for (; i < digits.size() && digits[i] >= U'0' && digits[i] <= U'9' && id <= kMostTokens; ++i)
        id = id * 10 + (digits[i] - U'0');
      if (i == 0 || id > kMostTokens || digits.substr(i) != U"]")
        return Malformed("a token '<[' without its id and ']>'");
      token.id = static_cast<std::int32_t>(id);
    } else {
      if (name.size() == 2) return Malformed("a token without a name");
      for (const char32_t c : name) AppendUtf8(c, &token.text);
    }
    at_ = end + 1;
    const auto known = std::find(tokens_.begin(), tokens_.end(), token);
    node.slot = static_cast<std::uint32_t>(known - tokens_.begin());
    if (known == tokens_.end()) tokens_.push_back(std::move(token));
    if (tokens_.size() > kMostNamedTokens) return Malformed("more than 1000 tokens that are named");
    return Add(std::move(node));
  }

  Result<std::uint32_t> Class() {
    Take(U"[");
    const bool complement = Take(U"^");
    std::vector<CodePointRange> ranges;
    while (!AtEnd() && Peek() != U']') {
      CARAT_ASSIGN_OR_RETURN(const char32_t first, Character());
      char32_t last = first;
      if (Peek() == U'-' && at_ + 1 < text_.size() && text_[at_ + 1] != U']') {
        ++at_;
        CARAT_ASSIGN_OR_RETURN(last, Character());
      }
      if (first > last) return Malformed("a range that is none");
      ranges.push_back({first, last});
    }
    if (!Take(U"]")) return Malformed("a '[' without its ']'");
    Node node;
    node.kind = Node::Kind::kSet;
    node.set = MakeCodePointSet(std::move(ranges));
    if (complement) node.set = Complement(node.set);
    return Add(std::move(node));
  }

  // One, perhaps written as an escape.
  Result<char32_t> Character() {
    if (!Take(U"\\")) return text_[at_++];
    if (AtEnd()) return Malformed("a '\\' at its end");
    const char32_t kind = text_[at_++];
    switch (kind) {
      case U'n':
        return U'\n';
      case U'r':
        return U'\r';
      case U't':
        return U'\t';
      case U'x':
        return Hex(2);
      case U'u':
        return Hex(4);
      case U'U':
        return Hex(8);
      case U'"':
      case U'\\':
      case U'[':
      case U']':
      case U'-':
      case U'^':
        return kind;
      default:
        return Malformed("an unknown escape");
    }
  }

  Result<char32_t> Hex(int digits) {
    std::uint64_t value = 0;
    for (int i = 0; i < digits; ++i) {
      const char32_t digit = Peek();
      const char32_t letter = digit | 0x20;
      if (digit >= U'0' && digit <= U'9') {
        value = value << 4 | (digit - U'0');
      } else if (letter >= U'a' && letter <= U'f') {
        value = value << 4 | (letter - U'a' + 10);
      } else {
        return Malformed("an escape without its digits");
      }
      ++at_;
    }
    if (value > kLastCodePoint || (value >= 0xD800 && value <= 0xDFFF)) {
      return Malformed("an escape for what is no character");
    }
    return static_cast<char32_t>(value);
  }

  std::u32string text_;
  std::size_t at_ = 0;
  std::vector<Node> nodes_;
  std::vector<ParsedRule> rules_;
  std::map<std::string, std::uint32_t> numbers_;
  std::vector<NamedToken> tokens_;
};

// Rules of the grammar are rules 1, 2, ... of the program.
class GraphMaker {
 public:
  GraphMaker(const Parser& parser, GraphElement& graph) : parser_(parser), builder_(graph) {}

  // Recursion as deep as the parentheses, which the parser limits, and repetitions in a row.
  Result<std::uint32_t> Piece(std::uint32_t index, std::uint32_t next, int depth = 0) {
    if (builder_.size() > kMostStates || depth > kDeepestPiece) {
      return ResourceExhausted("the grammar needs more than %d states", kMostStates);
    }
    const Node& node = parser_.nodes()[index];
    switch (node.kind) {
      case Node::Kind::kText:
        return builder_.Text(node.text, next);
      case Node::Kind::kSet:
        return builder_.Character(node.set, next);
      case Node::Kind::kToken:
        return builder_.Token(node.slot, next);
      case Node::Kind::kOtherToken:
        return builder_.OtherToken(node.slot, next);
      case Node::Kind::kRule:
        return builder_.Call(node.rule + 1, next);
      case Node::Kind::kSequence:
        for (std::size_t i = node.parts.size(); i-- > 0;) {
          CARAT_ASSIGN_OR_RETURN(next, Piece(node.parts[i], next, depth + 1));
        }
        return next;
      case Node::Kind::kChoice: {
        CARAT_ASSIGN_OR_RETURN(std::uint32_t all, Piece(node.parts.back(), next, depth + 1));
        for (std::size_t i = node.parts.size() - 1; i-- > 0;) {
          CARAT_ASSIGN_OR_RETURN(const std::uint32_t one, Piece(node.parts[i], next, depth + 1));
          all = builder_.Either(one, all);
        }
        return all;
      }
      case Node::Kind::kRepeat:
        break;
    }
    if (node.most == kUnlimited) {
      const std::uint32_t loop = builder_.Loop(next);
      CARAT_ASSIGN_OR_RETURN(const std::uint32_t again, Piece(node.parts[0], loop, depth + 1));
      builder_.SetOther(loop, again);
      next = loop;
    } else {
      const std::uint32_t end = next;
      for (std::uint32_t i = node.least; i < node.most; ++i) {
        CARAT_ASSIGN_OR_RETURN(const std::uint32_t one, Piece(node.parts[0], next, depth + 1));
        next = builder_.Either(one, end);
      }
    }
    for (std::uint32_t i = 0; i < node.least; ++i) {
      CARAT_ASSIGN_OR_RETURN(next, Piece(node.parts[0], next, depth + 1));
    }
    return next;
  }

  GraphBuilder& builder() { return builder_; }

 private:
  const Parser& parser_;
  GraphBuilder builder_;
};

// Finds rules that call themselves before anything is read.
class LeftRecursion {
 public:
  LeftRecursion(const GraphElement& graph, const std::vector<Rule>& rules) : graph_(graph), rules_(rules) {
    nullable_.assign(rules.size(), false);
    std::vector<bool> states(graph.states.size(), false);
    for (bool changed = true; changed;) {
      changed = false;
      for (std::size_t i = 0; i < graph.states.size(); ++i) {
        if (states[i] || !IsNullable(graph.states[i], states)) continue;
        states[i] = changed = true;
      }
      for (std::size_t i = 1; i < rules.size(); ++i) {
        if (nullable_[i] || !states[rules[i].starts[0].x]) continue;
        nullable_[i] = changed = true;
      }
    }
  }

  // A rule that does, or kNone.
  std::uint32_t Find() const {
    std::vector<int> seen(rules_.size(), 0);  // 1: on the way here, 2: done
    for (std::uint32_t root = 1; root < rules_.size(); ++root) {
      std::vector<std::pair<std::uint32_t, std::vector<std::uint32_t>>> path;
      const auto enter = [&](std::uint32_t rule) {
        seen[rule] = 1;
        path.emplace_back(rule, FirstCalls(rule));
      };
      if (seen[root] == 0) enter(root);
      while (!path.empty()) {
        auto& [rule, calls] = path.back();
        if (calls.empty()) {
          seen[rule] = 2;
          path.pop_back();
          continue;
        }
        const std::uint32_t callee = calls.back();
        calls.pop_back();
        if (seen[callee] == 1) return callee;
        if (seen[callee] == 0) enter(callee);
      }
    }
    return kNone;
  }

 private:
  bool IsNullable(const GraphState& state, const std::vector<bool>& states) const {
    if (state.kind == GraphState::Kind::kAccept) return true;
    if (state.kind == GraphState::Kind::kSplit) return states[state.next] || states[state.other];
    return state.kind == GraphState::Kind::kCall && nullable_[state.other] && states[state.next];
  }

  // What a rule may call first.
  std::vector<std::uint32_t> FirstCalls(std::uint32_t rule) const {
    std::vector<std::uint32_t> calls;
    std::vector<std::uint32_t> pending = {rules_[rule].starts[0].x};
    std::map<std::uint32_t, bool> known;
    while (!pending.empty()) {
      const std::uint32_t index = pending.back();
      pending.pop_back();
      if (!known.try_emplace(index, true).second) continue;
      const GraphState& state = graph_.states[index];
      if (state.kind == GraphState::Kind::kSplit) {
        pending.push_back(state.next);
        pending.push_back(state.other);
      } else if (state.kind == GraphState::Kind::kCall) {
        calls.push_back(state.other);
        if (nullable_[state.other]) pending.push_back(state.next);
      }
    }
    return calls;
  }

  const GraphElement& graph_;
  const std::vector<Rule>& rules_;
  std::vector<bool> nullable_;  // by rule of the program
};

}  // namespace

Result<std::shared_ptr<const Program>> CompileGbnf(std::string_view text, std::string_view root) {
  auto characters = ToCodePoints(text);
  if (!characters) return InvalidArgument("grammar: the text is not UTF-8");
  Parser parser(*std::move(characters));
  CARAT_RETURN_IF_ERROR(parser.Parse());
  const auto& parsed = parser.rules();
  const auto first = std::find_if(parsed.begin(), parsed.end(),
                                  [root](const ParsedRule& rule) { return rule.name == root; });
  if (first == parsed.end()) return InvalidArgument("grammar: there is no rule '%s'", std::string(root));

  auto program = std::make_shared<Program>();
  program->tokens = parser.tokens();
  GraphElement graph;
  GraphMaker maker(parser, graph);
  const std::uint32_t end = maker.builder().Accept();
  for (const ParsedRule& rule : parsed) {
    Frame start;
    start.element = 1;
    CARAT_ASSIGN_OR_RETURN(start.x, maker.Piece(rule.body, end));
    program->rules.push_back({{start}});
  }
  const std::uint32_t recursive = LeftRecursion(graph, program->rules).Find();
  if (recursive != kNone) {
    return InvalidArgument("grammar: the rule '%s' begins with itself: such rules are not supported",
                           parsed[recursive - 1].name);
  }
  program->elements.emplace_back(std::move(graph));
  const auto root_rule = static_cast<std::size_t>(first - parsed.begin()) + 1;
  RemoveDeadEnds(*program);
  program->rules[0] = program->rules[root_rule];
  if (program->rules[0].starts.empty()) {
    return InvalidArgument("grammar: the rule '%s' has no end", std::string(root));
  }
  return std::shared_ptr<const Program>(std::move(program));
}

}  // namespace carat::internal
