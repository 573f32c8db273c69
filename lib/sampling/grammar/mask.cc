#include "lib/sampling/grammar/mask.h"

#include <algorithm>
#include <array>
#include <utility>

#include "lib/sampling/grammar/string_reader.h"

namespace carat::internal {
namespace {

// Beyond this the cache begins anew.
constexpr std::size_t kMostCacheBytes = std::size_t{64} << 20;

void OrInto(TokenBits& bits, const TokenBits& more) {
  for (std::size_t i = 0; i < bits.size(); ++i) bits[i] |= more[i];
}

const TokenBits& ClassWithin(const TokenTrie::StringClass& tokens, std::uint32_t room) {
  return tokens.by_length[std::min<std::size_t>(room, tokens.by_length.size() - 1)];
}

}  // namespace

std::shared_ptr<MaskCache> Program::CacheFor(const std::shared_ptr<const TokenTrie>& trie) const {
  const std::lock_guard<std::mutex> lock(mutex);
  for (std::size_t i = 0; i < caches.size();) {
    const auto known = caches[i].first.lock();
    if (known == trie) return caches[i].second;
    if (known == nullptr) {
      std::swap(caches[i], caches.back());
      caches.pop_back();
    } else {
      ++i;
    }
  }
  auto cache = std::make_shared<MaskCache>();
  caches.emplace_back(trie, cache);
  return cache;
}

void MaskComputer::Compute(const Tops& tops, std::span<const std::int32_t> slots, TokenBits& bits) {
  const Machine::Mark mark = machine_.mark();
  std::vector<std::uint32_t> next_slots;
  std::vector<std::uint32_t> all_but;
  if (!slots.empty()) machine_.CollectSlots(tops, next_slots, all_but);
  if (!all_but.empty()) SetAllBut(all_but, slots, bits);
  for (const std::uint32_t slot : next_slots) SetBit(bits, slots[slot]);
  Tops rest;
  for (const Top& top : tops) {
    const Element& element = machine_.ElementOf(top.frame);
    if (const auto* graph = std::get_if<GraphElement>(&element);
        graph != nullptr && graph->states[top.frame.x].kind != GraphElement::State::Kind::kBytes)
      continue;
    const auto* object = std::get_if<ObjectElement>(&element);
    if (const auto* string = std::get_if<StringElement>(&element);
        string != nullptr && top.frame.phase >= phase::kInside) {
      ComputeString(*string, top, bits);
    } else if (object != nullptr && top.frame.phase == phase::kInKey && object->free_member != kNone &&
               (machine_.keys_[top.frame.x].allowed[object->free_member / 64] >> (object->free_member % 64) &
                1) != 0) {
      // Whatever comes, it can become a key of a kind that any key may be.
      OrInto(bits, trie_.json().by_length.back());
      levels_[0] = {top};
      Walk(trie_.json().others, 0, trie_.json().others.size(), bits);
    } else {
      rest.push_back(top);
    }
  }
  if (!rest.empty()) {
    levels_[0] = std::move(rest);
    Walk(trie_.nodes(), 0, trie_.nodes().size(), bits);
  }
  machine_.Forget(mark);
}

// All tokens except the stop tokens and the one of the slot; of several slots, the other's is allowed by
// each.
void MaskComputer::SetAllBut(std::span<const std::uint32_t> all_but, std::span<const std::int32_t> slots,
                             TokenBits& bits) const {
  std::fill(bits.begin(), bits.end(), ~std::uint64_t{0});
  if (const std::size_t beyond = trie_.vocabulary_size() % 64; beyond != 0)
    bits.back() &= (std::uint64_t{1} << beyond) - 1;
  const std::int32_t excluded = slots[all_but.front()];
  const bool same = std::all_of(all_but.begin(), all_but.end(),
                                [&](std::uint32_t slot) { return slots[slot] == excluded; });
  if (same) ClearBit(bits, excluded);
  for (const std::int32_t stop : trie_.stop_tokens()) ClearBit(bits, stop);
}

void MaskComputer::Walk(Nodes nodes, std::size_t begin, std::size_t end, TokenBits& bits) {
  ends_.assign(1, end);
  std::size_t i = begin;
  while (i < end) {
    while (i == ends_.back()) ends_.pop_back();
    const std::size_t depth = ends_.size() - 1;
    if (levels_.size() < depth + 2) levels_.resize(depth + 2);
    const TokenTrie::Node& node = nodes[i];
    machine_.Read(levels_[depth], node.byte, levels_[depth + 1]);
    if (levels_[depth + 1].empty()) {
      i += node.size;
      continue;
    }
    if (node.token >= 0) Note(node, bits);
    if (node.size > 1) ends_.push_back(i + node.size);
    ++i;
  }
}

// Walks a tree inside one string element.
class MaskComputer::StringWalker {
 public:
  StringWalker(const StringElement& element, const Frame& frame, const TokenTrie& trie)
      : element_(element), trie_(trie), json_(element.syntax == StringSyntax::kJson), count_(frame.y) {
    const auto mode = static_cast<std::uint16_t>(frame.phase - phase::kInside);
    exact_ = !element.lengths.depends_on_shortest_alone();
    path_.push_back({{frame.x, frame.z, mode}, 0, 0, 0});
  }

  // `whole`: it is the vocabulary's tree, of which more is known.
  StringWalk Run(Nodes nodes, bool whole) {
    const bool can_skip = whole && !exact_;
    std::vector<std::size_t> ends = {nodes.size()};
    std::size_t i = 0;
    while (i < nodes.size()) {
      while (i == ends.back()) {
        ends.pop_back();
        path_.pop_back();
      }
      const TokenTrie::Node& node = nodes[i];
      const Place& from = path_.back();
      if (can_skip && from.reader.mode == StringReader::kBoundary &&
          (trie_.subtrees()[i].kinds & ~LoopsOf(from.reader.state)) == 0) {
        AddRange(from, i, i + node.size);
        i += node.size;
        continue;
      }
      Place place = from;
      place.text_characters += (node.byte & 0xC0) != 0x80 ? 1 : 0;
      bool moved = false;
      if (node.byte < 0x80 && !exact_ && from.reader.mode == StringReader::kBoundary) {
        const std::uint32_t next = RowOf(from.reader.state)[node.byte];
        if (next == TextAutomaton::kDead) {
          i += node.size;
          continue;
        }
        if (next != kByItsRules) {
          place.reader.state = next;
          ++place.characters;
          place.need = place.characters + element_.lengths.Shortest(next);
          moved = true;
        }
      }
      if (!moved && EndsAt(place, node.byte)) {
        walk_.ends.push_back({static_cast<std::uint32_t>(i), place.characters});
        i += node.size;
      } else if (moved || Move(place, node.byte)) {
        trie_.ForTokensOf(node, [&](std::int32_t token) { walk_.inside.emplace_back(place.need, token); });
        walk_.most_needed = std::max(walk_.most_needed, place.need);
        if (node.size > 1) {
          ends.push_back(i + node.size);
          path_.push_back(place);
        }
        ++i;
      } else {
        i += node.size;
      }
    }
    return std::move(walk_);
  }

 private:
  struct Place {
    StringReader reader;
    std::uint32_t characters = 0;       // begun since the walk began
    std::uint32_t need = 0;             // those, and the fewest that must follow
    std::uint32_t text_characters = 0;  // of the walk's own bytes, whatever they mean
  };

  // The kinds of characters that lead from a state to itself.
  std::uint64_t LoopsOf(std::uint32_t state) {
    if (loops_.empty()) loops_.resize(element_.texts->size(), kLoopsUnknown);
    std::uint64_t& loops = loops_[state];
    if (loops != kLoopsUnknown) return loops;
    const Row& row = RowOf(state);
    std::uint64_t others = 0;  // kinds of which a character leads elsewhere
    loops = 0;
    for (std::size_t c = 0; c < row.size(); ++c) {
      (row[c] == state ? loops : others) |= TokenTrie::KindOf(static_cast<std::uint8_t>(c));
    }
    loops &= ~others;
    std::uint32_t beyond = 0;
    for (const TextAutomaton::Edge& edge : element_.texts->EdgesWithin(state, 0x80, kLastCodePoint)) {
      if (edge.target == state) beyond += edge.last - std::max<char32_t>(edge.first, 0x80) + 1;
    }
    constexpr std::uint32_t kAllBeyondAscii = kLastCodePoint + 1 - 0x80 - 0x800;  // without surrogates
    if (beyond >= kAllBeyondAscii) loops |= TokenTrie::kBeyondAscii;
    return loops;
  }

  // All tokens of a subtree stay in the state from which it was entered.
  void AddRange(const Place& from, std::size_t begin, std::size_t end) {
    const std::span<const TokenTrie::Subtree> subtrees = trie_.subtrees();
    const std::uint32_t first = subtrees[begin].first_rank;
    const std::uint32_t last =
        end < subtrees.size() ? subtrees[end].first_rank : static_cast<std::uint32_t>(trie_.ranked().size());
    const std::int32_t more =
        static_cast<std::int32_t>(from.characters + element_.lengths.Shortest(from.reader.state)) -
        static_cast<std::int32_t>(from.text_characters);
    const auto lengths = trie_.ranked_characters().subspan(first, last - first);
    const std::int32_t need = more + *std::max_element(lengths.begin(), lengths.end());
    walk_.most_needed = std::max(walk_.most_needed, static_cast<std::uint32_t>(need));
    std::vector<StringWalk::Range>& ranges = walk_.inside_ranges;
    if (!ranges.empty() && ranges.back().last_rank == first && ranges.back().more == more) {
      ranges.back().last_rank = last;
    } else {
      ranges.push_back({first, last, more});
    }
  }

  // Where the characters of ASCII lead; kByItsRules for those that mean something in the notation.
  using Row = std::array<std::uint32_t, 128>;
  static constexpr std::uint32_t kByItsRules = TextAutomaton::kDead - 1;

  const Row& RowOf(std::uint32_t state) {
    if (rows_.empty()) rows_.resize(element_.texts->size());
    std::unique_ptr<Row>& row = rows_[state];
    if (row != nullptr) return *row;
    row = std::make_unique<Row>();
    row->fill(TextAutomaton::kDead);
    for (const TextAutomaton::Edge& edge : element_.texts->EdgesWithin(state, 0, 0x7F)) {
      for (char32_t c = edge.first; c <= std::min<char32_t>(edge.last, 0x7F); ++c) (*row)[c] = edge.target;
    }
    if (json_) {
      std::fill(row->begin(), row->begin() + 0x20, TextAutomaton::kDead);
      (*row)['"'] = (*row)['\\'] = kByItsRules;
    }
    return *row;
  }

  bool EndsAt(const Place& place, std::uint8_t byte) const {
    if (!json_ || byte != '"' || place.reader.mode != StringReader::kBoundary) return false;
    return element_.texts->Accepts(place.reader.state);
  }

  bool Move(Place& place, std::uint8_t byte) const {
    const StringReader before = place.reader;
    if (exact_) {
      std::uint32_t count = count_;
      for (std::uint32_t i = 0; i < place.characters; ++i) count = element_.lengths.Increment(count);
      count = element_.lengths.Increment(count);
      if (!place.reader.Read(*element_.texts, byte, json_,
                             [&](std::uint32_t state) { return element_.lengths.CanFinish(state, count); })) {
        return false;
      }
    } else {
      std::uint32_t fewest = TextLengths::kUnlimited;
      if (!place.reader.Read(*element_.texts, byte, json_, [&](std::uint32_t state) {
            fewest = std::min(fewest, element_.lengths.Shortest(state));
            return true;
          })) {
        return false;
      }
      if (place.reader.mode != StringReader::kBoundary) {
        // All that the half of a character may become.
        StringReader probe = before;
        probe.Read(*element_.texts, byte, json_, [&](std::uint32_t state) {
          fewest = std::min(fewest, element_.lengths.Shortest(state));
          return false;
        });
      }
      if (fewest != TextLengths::kUnlimited) place.need = place.characters + 1 + fewest;
    }
    if (place.reader.mode == StringReader::kBoundary) ++place.characters;
    return true;
  }

  const StringElement& element_;
  const TokenTrie& trie_;
  bool json_;
  bool exact_ = false;
  std::uint32_t count_;
  std::vector<Place> path_;
  std::vector<std::unique_ptr<Row>> rows_;  // by state
  static constexpr std::uint64_t kLoopsUnknown = ~std::uint64_t{0};
  std::vector<std::uint64_t> loops_;  // by state
  StringWalk walk_;
};

StringWalk MaskComputer::MakeWalk(const StringElement& element, const Frame& frame) const {
  const bool in_class = element.free && frame.phase == phase::kInside;
  const TokenTrie::StringClass& tokens = element.syntax == StringSyntax::kJson ? trie_.json() : trie_.plain();
  StringWalk walk =
      StringWalker(element, frame, trie_).Run(in_class ? Nodes(tokens.others) : trie_.nodes(), !in_class);
  walk.with_class = in_class;
  return walk;
}

std::shared_ptr<StringWalk> MaskComputer::WalkOf(const StringElement& element, const Frame& frame) {
  const bool counts = !element.lengths.depends_on_shortest_alone();
  const MaskCache::Key key = {frame.element, frame.x, counts ? frame.y : kNone, frame.phase, frame.z};
  {
    const std::lock_guard<std::mutex> lock(cache_.mutex);
    if (const auto found = cache_.walks.find(key); found != cache_.walks.end()) return found->second;
  }
  auto walk = std::make_shared<StringWalk>(MakeWalk(element, frame));
  const std::lock_guard<std::mutex> lock(cache_.mutex);
  cache_.bytes += walk->inside.capacity() * sizeof(walk->inside[0]) +
                  walk->inside_ranges.capacity() * sizeof(walk->inside_ranges[0]) + 256;
  if (cache_.bytes > kMostCacheBytes) {
    cache_.walks.clear();
    cache_.bytes = 0;
  }
  cache_.walks[key] = walk;
  return walk;
}

std::shared_ptr<const TokenBits> MaskComputer::InsideBits(const std::shared_ptr<StringWalk>& walk,
                                                          std::uint32_t room) {
  room = std::min(room, walk->most_needed);
  const std::lock_guard<std::mutex> lock(cache_.mutex);
  std::shared_ptr<const TokenBits>& known = walk->by_room[room];
  if (known == nullptr) {
    auto bits = std::make_shared<TokenBits>(trie_.words(), 0);
    for (const auto& [need, token] : walk->inside) {
      if (need <= room) SetBit(*bits, token);
    }
    for (const StringWalk::Range& range : walk->inside_ranges) {
      for (std::uint32_t rank = range.first_rank; rank < range.last_rank; ++rank) {
        const std::int32_t need = range.more + trie_.ranked_characters()[rank];
        if (need <= static_cast<std::int64_t>(room)) SetBit(*bits, trie_.ranked()[rank]);
      }
    }
    cache_.bytes += bits->size() * sizeof(std::uint64_t);
    known = std::move(bits);
  }
  return known;
}

void MaskComputer::ComputeString(const StringElement& element, const Top& top, TokenBits& bits) {
  const std::shared_ptr<StringWalk> walk = WalkOf(element, top.frame);
  const TextLengths& lengths = element.lengths;
  const std::uint32_t count = top.frame.y;
  const bool counts_in_walk = !lengths.depends_on_shortest_alone();
  std::uint32_t room = kNone;
  if (!counts_in_walk && lengths.most() != TextLengths::kUnlimited) room = lengths.most() - count;
  const TokenTrie::StringClass& tokens = element.syntax == StringSyntax::kJson ? trie_.json() : trie_.plain();
  if (walk->with_class) {
    OrInto(bits, ClassWithin(tokens, room));
    for (const auto& [need, token] : walk->inside) {
      if (need <= room) SetBit(bits, token);
    }
  } else {
    OrInto(bits, *InsideBits(walk, room));
  }
  const Nodes nodes = walk->with_class ? Nodes(tokens.others) : trie_.nodes();
  Tops after;
  for (const StringWalk::End& end : walk->ends) {
    std::uint32_t total = count;
    for (std::uint32_t i = 0; i < end.characters; ++i) total = lengths.Increment(total);
    if (!lengths.MayEnd(total)) continue;
    if (after.empty()) machine_.Finish(top.below, after);
    const TokenTrie::Node& node = nodes[end.node];
    if (node.token >= 0) Note(node, bits);
    if (node.size == 1) continue;
    levels_[0] = after;
    Walk(nodes, end.node + 1, end.node + node.size, bits);
  }
}

}  // namespace carat::internal
