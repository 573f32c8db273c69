#include "lib/sampling/grammar/text_automaton.h"

#include <algorithm>
#include <map>
#include <utility>

#include "lib/base/error.h"

namespace carat::internal {
namespace {

constexpr std::size_t kMostStates = 100'000;
constexpr std::size_t kMostEdges = 1'000'000;
constexpr std::size_t kMostLengths = std::size_t{1} << 23;  // states times lengths

constexpr CodePointRange kSurrogates = {0xD800, 0xDFFF};

Status TooLarge() {
  return ResourceExhausted("a pattern or a list of texts needs more than %d states or %d edges", kMostStates,
                           kMostEdges);
}

}  // namespace

CodePointSet MakeCodePointSet(std::vector<CodePointRange> ranges) {
  std::vector<CodePointRange> parts;
  for (const CodePointRange& range : ranges) {
    if (range.first < kSurrogates.first) {
      parts.push_back({range.first, std::min<char32_t>(range.last, kSurrogates.first - 1)});
    }
    if (range.last > kSurrogates.last) {
      parts.push_back(
          {std::max<char32_t>(range.first, kSurrogates.last + 1), std::min(range.last, kLastCodePoint)});
    }
  }
  std::sort(parts.begin(), parts.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  CodePointSet set;
  for (const CodePointRange& part : parts) {
    if (part.first > part.last) continue;
    if (!set.empty() && part.first <= set.back().last + 1) {
      set.back().last = std::max(set.back().last, part.last);
    } else {
      set.push_back(part);
    }
  }
  return set;
}

CodePointSet Complement(const CodePointSet& set) {
  std::vector<CodePointRange> rest;
  char32_t next = 0;
  for (const CodePointRange& range : set) {
    if (range.first > next) rest.push_back({next, range.first - 1});
    next = range.last + 1;
  }
  if (next <= kLastCodePoint) rest.push_back({next, kLastCodePoint});
  return MakeCodePointSet(std::move(rest));
}

const CodePointSet& AllCodePoints() {
  static const CodePointSet kAll = {{0, kSurrogates.first - 1}, {kSurrogates.last + 1, kLastCodePoint}};
  return kAll;
}

Result<TextAutomaton> TextAutomaton::Build(std::vector<Edges> states, std::vector<std::uint32_t> labels) {
  std::size_t edge_count = 0;
  for (const Edges& edges : states) edge_count += edges.size();
  if (states.size() > kMostStates || edge_count > kMostEdges) return TooLarge();

  // Backwards from what accepts.
  std::vector<std::uint32_t> incoming_begins(states.size() + 1, 0);
  for (const Edges& edges : states) {
    for (const Edge& edge : edges) ++incoming_begins[edge.target + 1];
  }
  for (std::size_t i = 1; i < incoming_begins.size(); ++i) incoming_begins[i] += incoming_begins[i - 1];
  std::vector<std::uint32_t> incoming(edge_count);
  std::vector<std::uint32_t> place(incoming_begins.begin(), incoming_begins.end() - 1);
  for (std::uint32_t state = 0; state < states.size(); ++state) {
    for (const Edge& edge : states[state]) incoming[place[edge.target]++] = state;
  }
  std::vector<bool> live(states.size(), false);
  std::vector<std::uint32_t> pending;
  for (std::uint32_t state = 0; state < states.size(); ++state) {
    if (labels[state] == kNoLabel) continue;
    live[state] = true;
    pending.push_back(state);
  }
  while (!pending.empty()) {
    const std::uint32_t state = pending.back();
    pending.pop_back();
    for (std::uint32_t i = incoming_begins[state]; i < incoming_begins[state + 1]; ++i) {
      if (live[incoming[i]]) continue;
      live[incoming[i]] = true;
      pending.push_back(incoming[i]);
    }
  }

  TextAutomaton result;
  if (states.empty() || !live[0]) return result;
  std::vector<std::uint32_t> renumbered(states.size(), kDead);
  std::uint32_t count = 0;
  for (std::uint32_t state = 0; state < states.size(); ++state) {
    if (live[state]) renumbered[state] = count++;
  }
  result.edges_.reserve(edge_count);
  for (std::uint32_t state = 0; state < states.size(); ++state) {
    if (!live[state]) continue;
    const std::size_t begin = result.edges_.size();
    for (Edge edge : states[state]) {
      edge.target = renumbered[edge.target];
      if (edge.target == kDead) continue;
      if (result.edges_.size() > begin && result.edges_.back().target == edge.target &&
          result.edges_.back().last + 1 == edge.first) {
        result.edges_.back().last = edge.last;
      } else {
        result.edges_.push_back(edge);
      }
    }
    result.begins_.push_back(static_cast<std::uint32_t>(result.edges_.size()));
    result.labels_.push_back(labels[state]);
  }
  return result;
}

std::shared_ptr<const TextAutomaton> TextAutomaton::Anything() {
  TextAutomaton anything;
  for (const CodePointRange& range : AllCodePoints()) anything.edges_.push_back({range.first, range.last, 0});
  anything.begins_.push_back(static_cast<std::uint32_t>(anything.edges_.size()));
  anything.labels_.push_back(0);
  return std::make_shared<const TextAutomaton>(std::move(anything));
}

bool TextAutomaton::IsAnything() const {
  return size() == 1 && edges_.size() == 2 && edges_[0].first == 0 &&
         edges_[0].last == kSurrogates.first - 1 && edges_[1].first == kSurrogates.last + 1 &&
         edges_[1].last == kLastCodePoint;
}

Result<TextAutomaton> TextAutomaton::OfLiterals(std::span<const std::u32string> literals) {
  std::vector<std::uint32_t> order(literals.size());
  for (std::uint32_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return literals[a] < literals[b]; });
  std::vector<Edges> states(1);
  std::vector<std::uint32_t> labels(1, kNoLabel);
  std::vector<std::uint32_t> path(1, 0);  // the states of the literal before
  std::u32string_view before;
  for (const std::uint32_t index : order) {
    const std::u32string& text = literals[index];
    std::size_t shared = 0;
    while (shared < text.size() && shared < before.size() && text[shared] == before[shared]) ++shared;
    path.resize(shared + 1);
    for (std::size_t i = shared; i < text.size(); ++i) {
      const auto next = static_cast<std::uint32_t>(states.size());
      if (next >= kMostStates) return TooLarge();
      states[path.back()].push_back({text[i], text[i], next});
      states.emplace_back();
      labels.push_back(kNoLabel);
      path.push_back(next);
    }
    if (labels[path.back()] == kNoLabel) labels[path.back()] = index;
    before = text;
  }
  return Build(std::move(states), std::move(labels));
}

namespace {

using Tuple = std::vector<std::uint32_t>;
using Parts = std::span<const std::shared_ptr<const TextAutomaton>>;

// Where all the parts' edges begin or end: between two of these every part goes one way.
std::vector<char32_t> BoundariesOf(Parts parts, const Tuple& tuple) {
  std::vector<char32_t> boundaries;
  for (const CodePointRange& range : AllCodePoints()) {
    boundaries.push_back(range.first);
    boundaries.push_back(range.last + 1);
  }
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (tuple[i] == TextAutomaton::kDead) continue;
    for (const TextAutomaton::Edge& edge : parts[i]->EdgesOf(tuple[i])) {
      boundaries.push_back(edge.first);
      boundaries.push_back(edge.last + 1);
    }
  }
  std::sort(boundaries.begin(), boundaries.end());
  boundaries.erase(std::unique(boundaries.begin(), boundaries.end()), boundaries.end());
  return boundaries;
}

}  // namespace

Result<TextAutomaton> TextAutomaton::Product(Parts parts, const std::vector<bool>& required,
                                             const LabelOf& label) {
  std::map<Tuple, std::uint32_t> numbers;
  std::vector<Tuple> tuples;
  std::vector<Edges> states;
  std::vector<std::uint32_t> labels;
  std::size_t work = 0;
  const auto is_dead = [&](const Tuple& tuple) {
    bool all = true;
    for (std::size_t i = 0; i < tuple.size(); ++i) {
      if (tuple[i] == kDead && required[i]) return true;
      all = all && tuple[i] == kDead;
    }
    // Where every part is left, only a label for that can make it live.
    return all && label(Tuple(tuple.size(), kNoLabel)) == kNoLabel;
  };
  const auto number_of = [&](const Tuple& tuple) {
    const auto [found, is_new] = numbers.try_emplace(tuple, static_cast<std::uint32_t>(tuples.size()));
    if (is_new) {
      tuples.push_back(tuple);
      Tuple accepted(tuple.size(), kNoLabel);
      for (std::size_t i = 0; i < tuple.size(); ++i) {
        if (tuple[i] != kDead) accepted[i] = parts[i]->label(tuple[i]);
      }
      bool missing = false;
      for (std::size_t i = 0; i < tuple.size(); ++i) missing |= required[i] && accepted[i] == kNoLabel;
      labels.push_back(missing ? kNoLabel : label(accepted));
      states.emplace_back();
    }
    return found->second;
  };
  Tuple first(parts.size());
  for (std::size_t i = 0; i < parts.size(); ++i) first[i] = parts[i]->start();
  if (is_dead(first)) return TextAutomaton();
  number_of(first);
  for (std::size_t state = 0; state < tuples.size(); ++state) {
    const Tuple from = tuples[state];
    const std::vector<char32_t> boundaries = BoundariesOf(parts, from);
    work += boundaries.size() * (parts.size() + 1);
    if (tuples.size() > kMostStates || work > 4 * kMostEdges) return TooLarge();
    Edges edges;
    for (std::size_t i = 0; i + 1 < boundaries.size(); ++i) {
      const char32_t begin = boundaries[i];
      if (begin >= kSurrogates.first && begin <= kSurrogates.last) continue;
      Tuple to(parts.size());
      for (std::size_t p = 0; p < parts.size(); ++p) {
        to[p] = from[p] == kDead ? kDead : parts[p]->Next(from[p], begin);
      }
      if (is_dead(to)) continue;
      edges.push_back({begin, boundaries[i + 1] - 1, number_of(to)});
    }
    states[state] = std::move(edges);
  }
  return Build(std::move(states), std::move(labels));
}

Result<std::shared_ptr<const TextAutomaton>> TextAutomaton::Intersection(
    const std::shared_ptr<const TextAutomaton>& a, const std::shared_ptr<const TextAutomaton>& b) {
  if (a->IsAnything()) return b;
  if (b->IsAnything()) return a;
  const std::shared_ptr<const TextAutomaton> parts[] = {a, b};
  CARAT_ASSIGN_OR_RETURN(TextAutomaton product,
                         Product(parts, {true, true}, [](std::span<const std::uint32_t> labels) {
                           return labels[0] == kNoLabel || labels[1] == kNoLabel ? kNoLabel : 0;
                         }));
  return std::make_shared<const TextAutomaton>(std::move(product));
}

std::span<const TextAutomaton::Edge> TextAutomaton::EdgesWithin(std::uint32_t state, char32_t first,
                                                                char32_t last) const {
  const std::span<const Edge> edges = EdgesOf(state);
  const auto begin = std::lower_bound(edges.begin(), edges.end(), first,
                                      [](const Edge& edge, char32_t value) { return edge.last < value; });
  auto end = begin;
  while (end != edges.end() && end->first <= last) ++end;
  return {begin, end};
}

std::uint32_t TextAutomaton::Next(std::uint32_t state, char32_t character) const {
  const std::span<const Edge> edges = EdgesOf(state);
  std::size_t low = 0;
  std::size_t high = edges.size();
  while (low < high) {
    const std::size_t middle = (low + high) / 2;
    if (edges[middle].last < character) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low < edges.size() && edges[low].first <= character ? edges[low].target : kDead;
}

std::uint32_t TextAutomaton::LabelOfText(std::u32string_view text) const {
  std::uint32_t state = start();
  for (std::size_t i = 0; i < text.size() && state != kDead; ++i) state = Next(state, text[i]);
  return state == kDead ? kNoLabel : labels_[state];
}

bool TextAutomaton::Holds(std::u32string_view text) const {
  return LabelOfText(text) != kNoLabel;
}

namespace {

// The fewest characters from each state to one of `goals` (state, distance so far).
std::vector<std::uint32_t> ShortestWays(const TextAutomaton& automaton,
                                        const std::vector<std::uint32_t>& at_goal) {
  constexpr std::uint32_t kNone = TextLengths::kUnlimited;
  std::vector<std::vector<std::uint32_t>> incoming(automaton.size());
  for (std::uint32_t state = 0; state < automaton.size(); ++state) {
    for (const auto& edge : automaton.EdgesOf(state)) incoming[edge.target].push_back(state);
  }
  std::map<std::uint32_t, std::vector<std::uint32_t>> by_distance;
  std::vector<std::uint32_t> distance(automaton.size(), kNone);
  for (std::uint32_t state = 0; state < automaton.size(); ++state) {
    if (at_goal[state] != kNone) by_distance[at_goal[state]].push_back(state);
  }
  while (!by_distance.empty()) {
    const std::uint32_t now = by_distance.begin()->first;
    const std::vector<std::uint32_t> states = std::move(by_distance.begin()->second);
    by_distance.erase(by_distance.begin());
    for (const std::uint32_t state : states) {
      if (distance[state] != kNone) continue;
      distance[state] = now;
      for (const std::uint32_t from : incoming[state]) {
        if (distance[from] == kNone) by_distance[now + 1].push_back(from);
      }
    }
  }
  return distance;
}

// Whether from every state every length from the shortest on is possible: on some shortest way lies a state
// that leads to itself.
bool AllLengthsFromShortest(const TextAutomaton& automaton, const std::vector<std::uint32_t>& shortest) {
  std::vector<std::uint32_t> loops(automaton.size(), TextLengths::kUnlimited);
  for (std::uint32_t state = 0; state < automaton.size(); ++state) {
    for (const auto& edge : automaton.EdgesOf(state)) {
      if (edge.target == state) loops[state] = shortest[state];
    }
  }
  return ShortestWays(automaton, loops) == shortest;
}

}  // namespace

Result<TextLengths> TextLengths::Create(const TextAutomaton& automaton, std::uint32_t least,
                                        std::uint32_t most) {
  TextLengths lengths;
  lengths.least_ = least;
  lengths.most_ = most;
  std::vector<std::uint32_t> accepting(automaton.size());
  for (std::uint32_t state = 0; state < automaton.size(); ++state) {
    accepting[state] = automaton.Accepts(state) ? 0 : kUnlimited;
  }
  lengths.shortest_ = ShortestWays(automaton, accepting);
  if (least == 0 || AllLengthsFromShortest(automaton, lengths.shortest_)) return lengths;

  // A text that is long enough and then some can be made shorter by leaving a cycle out.
  const std::uint64_t longest = most != kUnlimited ? most : std::uint64_t{least} + automaton.size();
  lengths.words_ = static_cast<std::size_t>(longest / 64 + 1);
  if (longest > kMostLengths || lengths.words_ * automaton.size() > kMostLengths / 64) {
    return ResourceExhausted("a pattern of %d states together with lengths up to %d is too large",
                             automaton.size(), longest);
  }
  std::vector<bool> now(automaton.size());
  lengths.exact_.assign(lengths.words_ * automaton.size(), 0);
  for (std::uint64_t length = 0; length <= longest; ++length) {
    std::vector<bool> next(automaton.size());
    for (std::uint32_t state = 0; state < automaton.size(); ++state) {
      if (length == 0) {
        next[state] = automaton.Accepts(state);
      } else {
        for (const auto& edge : automaton.EdgesOf(state)) {
          if (!now[edge.target]) continue;
          next[state] = true;
          break;
        }
      }
      if (next[state]) {
        lengths.exact_[state * lengths.words_ + length / 64] |= std::uint64_t{1} << (length % 64);
      }
    }
    now = std::move(next);
  }
  return lengths;
}

bool TextLengths::CanFinish(std::uint32_t state, std::uint32_t count) const {
  if (count > most_) return false;
  const std::uint32_t room = most_ == kUnlimited ? kUnlimited : most_ - count;
  if (shortest_[state] > room || shortest_[state] == kUnlimited) return false;
  if (exact_.empty()) return true;
  const std::uint64_t from = count >= least_ ? 0 : least_ - count;
  const std::uint64_t to = std::min<std::uint64_t>(room, words_ * 64 - 1);
  for (std::uint64_t length = from; length <= to; ++length) {
    const std::uint64_t word = exact_[state * words_ + length / 64] >> (length % 64);
    if (word == 0) {
      length |= 63;  // on to the next word
      continue;
    }
    return length + static_cast<std::uint64_t>(__builtin_ctzll(word)) <= to;
  }
  return false;
}

}  // namespace carat::internal
