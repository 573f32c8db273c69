#include "lib/sampling/grammar/machine.h"

#include <algorithm>

namespace carat::internal {
namespace {

// More ways at once than any grammar of use has.
constexpr std::size_t kMostTops = 1024;

std::size_t HashOf(const Frame& frame) {
  std::size_t hash = MixHash(frame.element, std::uint64_t{frame.phase} << 16 | frame.spaces);
  hash = MixHash(hash, std::uint64_t{frame.x} << 32 | frame.y);
  return MixHash(hash, frame.z);
}

}  // namespace

std::size_t Machine::Node::Hash() const {
  return MixHash(HashOf(frame), below);
}

std::size_t Machine::NodeSet::Hash() const {
  std::size_t hash = nodes.size();
  for (const std::uint32_t node : nodes) hash = MixHash(hash, node);
  return hash;
}

std::size_t Machine::Keys::Hash() const {
  std::size_t hash = MixHash(element, count);
  for (const std::uint64_t word : seen) hash = MixHash(hash, word);
  return hash;
}

void Machine::Forget(const Mark& mark) {
  nodes_.Shrink(mark.nodes);
  sets_.Shrink(mark.sets);
  keys_.Shrink(mark.keys);
  texts_.Shrink(mark.texts);
}

void Machine::Begin(Tops& tops) {
  tops.clear();
  visited_.clear();
  Add(Frame{0, phase::kBefore}, 0, tops);
  Join(tops);
}

void Machine::Read(const Tops& from, std::uint8_t byte, Tops& to) {
  to.clear();
  visited_.clear();
  for (const Top& top : from) {
    Frame frame = top.frame;
    if (Move(frame, byte)) Add(frame, top.below, to);
  }
  Join(to);
}

void Machine::ReadToken(const Tops& from, std::int32_t token, std::span<const std::int32_t> slots,
                        bool ends_texts, Tops& to) {
  to.clear();
  visited_.clear();
  for (const Top& top : from) {
    Frame frame = top.frame;
    if (MoveToken(frame, token, slots, ends_texts)) Add(frame, top.below, to);
  }
  Join(to);
}

void Machine::AddWays(const Tops& more, Tops& tops) {
  tops.insert(tops.end(), more.begin(), more.end());
  Join(tops);
}

void Machine::Finish(std::uint32_t below, Tops& to) {
  to.clear();
  visited_.clear();
  for (const std::uint32_t number : sets_[below].nodes) {
    const Node node = nodes_[number];
    Add(node.frame, node.below, to);
  }
  Join(to);
}

void Machine::CollectSlots(const Tops& tops, std::vector<std::uint32_t>& slots,
                           std::vector<std::uint32_t>& all_but) const {
  for (const Top& top : tops) {
    if (const std::uint32_t slot = SlotOf(top.frame); slot != kNone) slots.push_back(slot);
    if (const std::uint32_t slot = ExcludedSlotOf(top.frame); slot != kNone) all_but.push_back(slot);
  }
}

bool Machine::IsComplete(const Tops& tops, const Program&) {
  return std::any_of(tops.begin(), tops.end(), [](const Top& top) {
    return top.frame.element == 0 && top.frame.phase == phase::kAfter;
  });
}

// The frame, and all that is reached from it without reading: what it calls, and if it has ended what waits
// below it.
void Machine::Add(const Frame& first, std::uint32_t first_below, Tops& to) {
  std::vector<Top> pending = {{first, first_below}};
  while (!pending.empty()) {
    const Top top = pending.back();
    pending.pop_back();
    if (std::find(visited_.begin(), visited_.end(), top) != visited_.end()) continue;
    if (visited_.size() >= kMostTops) {
      overflowed_ = true;
      return;
    }
    visited_.push_back(top);
    if (IsWaiting(ElementOf(top.frame), top.frame)) to.push_back(top);
    if (const auto* graph = std::get_if<GraphElement>(&ElementOf(top.frame))) {
      const GraphElement::State& state = graph->states[top.frame.x];
      if (state.kind == GraphElement::State::Kind::kSplit) {
        Frame next = top.frame;
        next.x = state.next;
        pending.push_back({next, top.below});
        next.x = state.other;
        pending.push_back({next, top.below});
        continue;
      }
    }
    Frame after;
    const auto* array = std::get_if<ArrayElement>(&ElementOf(top.frame));
    if (array != nullptr && array->unique) {
      for (std::uint32_t value = 0; value < array->values.size(); ++value) {
        const std::uint32_t rule = UniqueCallOf(*array, top.frame, value, after);
        if (rule != kNone) AddCall(rule, after, top.below, pending);
      }
    } else if (const std::uint32_t rule = CallOf(top.frame, after); rule != kNone) {
      AddCall(rule, after, top.below, pending);
    }
    if (top.below != 0 && Accepts(top.frame)) {
      for (const std::uint32_t number : sets_[top.below].nodes) {
        const Node& node = nodes_[number];
        pending.push_back({node.frame, node.below});
      }
    }
  }
}

// A rule that is read before the frame `after` goes on.
void Machine::AddCall(std::uint32_t rule, const Frame& after, std::uint32_t below, Tops& pending) {
  const std::uint32_t node = nodes_.NumberOf({after, below});
  const std::uint32_t set = sets_.NumberOf({{node}});
  for (const Frame& start : program_->rules[rule].starts) pending.push_back({start, set});
}

// Ways with the same upper frame become one, on the union of what lies below.
void Machine::Join(Tops& tops) {
  for (std::size_t i = 0; i < tops.size(); ++i) {
    std::vector<std::uint32_t> nodes;
    std::size_t kept = i + 1;
    for (std::size_t j = i + 1; j < tops.size(); ++j) {
      if (!(tops[j].frame == tops[i].frame)) {
        tops[kept++] = tops[j];
        continue;
      }
      if (tops[j].below == tops[i].below) continue;
      if (nodes.empty()) nodes = sets_[tops[i].below].nodes;
      const std::vector<std::uint32_t>& more = sets_[tops[j].below].nodes;
      nodes.insert(nodes.end(), more.begin(), more.end());
    }
    tops.resize(kept);
    if (nodes.empty()) continue;
    std::sort(nodes.begin(), nodes.end());
    nodes.erase(std::unique(nodes.begin(), nodes.end()), nodes.end());
    tops[i].below = sets_.NumberOf({std::move(nodes)});
  }
}

}  // namespace carat::internal
