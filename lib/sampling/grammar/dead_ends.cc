// Which ways of a program lead to an end, and the removal of the others.
#include <algorithm>
#include <variant>

#include "lib/sampling/grammar/compiler.h"

namespace carat::internal {
namespace {

using GraphState = GraphElement::State;

class DeadEnds {
 public:
  explicit DeadEnds(Program& program) : program_(program), good_rules_(program.rules.size(), false) {
    for (std::size_t i = 0; i < program.elements.size(); ++i) {
      const auto* graph = std::get_if<GraphElement>(&program.elements[i]);
      good_states_.emplace_back(graph == nullptr ? 0 : graph->states.size(), false);
    }
  }

  void Run() {
    FindGoodRules();
    for (std::size_t i = 0; i < program_.rules.size(); ++i) {
      auto& starts = program_.rules[i].starts;
      std::erase_if(starts, [this](const Frame& start) { return !IsGood(start); });
    }
    for (std::size_t i = 0; i < program_.elements.size(); ++i) {
      if (auto* array = std::get_if<ArrayElement>(&program_.elements[i])) {
        array->most = MostItems(*array);
      } else if (auto* object = std::get_if<ObjectElement>(&program_.elements[i])) {
        PruneObject(*object);
      } else if (auto* graph = std::get_if<GraphElement>(&program_.elements[i])) {
        PruneGraph(*graph, good_states_[i]);
      }
    }
  }

 private:
  // Until nothing changes: a rule is good if one of its alternatives is. What a rule needs comes behind it
  // as a rule, so from the last to the first.
  void FindGoodRules() {
    for (bool changed = true; changed;) {
      changed = false;
      for (std::size_t i = program_.elements.size(); i-- > 0;) {
        if (const auto* graph = std::get_if<GraphElement>(&program_.elements[i])) {
          changed = FindGoodStates(*graph, good_states_[i]) || changed;
        }
      }
      for (std::size_t i = program_.rules.size(); i-- > 0;) {
        if (good_rules_[i]) continue;
        const auto& starts = program_.rules[i].starts;
        if (!std::any_of(starts.begin(), starts.end(), [this](const Frame& f) { return IsGood(f); })) {
          continue;
        }
        good_rules_[i] = true;
        changed = true;
      }
    }
  }

  bool FindGoodStates(const GraphElement& graph, std::vector<bool>& good) const {
    bool ever = false;
    for (bool changed = true; changed; ever = ever || changed) {
      changed = false;
      for (std::size_t i = graph.states.size(); i-- > 0;) {
        if (good[i] || !StateIsGood(graph.states[i], good)) continue;
        good[i] = true;
        changed = true;
      }
    }
    return ever;
  }

  bool StateIsGood(const GraphState& state, const std::vector<bool>& good) const {
    switch (state.kind) {
      case GraphState::Kind::kAccept:
        return true;
      case GraphState::Kind::kBytes:
        return state.first <= state.last && good[state.next];
      case GraphState::Kind::kToken:
      case GraphState::Kind::kOtherToken:
        return good[state.next];
      case GraphState::Kind::kSplit:
        return good[state.next] || good[state.other];
      case GraphState::Kind::kCall:
        return good[state.next] && good_rules_[state.other];
    }
    return false;
  }

  bool IsGood(const Frame& start) const {
    const Element& element = program_.elements[start.element];
    if (const auto* array = std::get_if<ArrayElement>(&element)) return array->least <= MostItems(*array);
    if (const auto* object = std::get_if<ObjectElement>(&element)) return ObjectIsGood(*object);
    if (std::holds_alternative<GraphElement>(element)) return good_states_[start.element][start.x];
    return true;  // strings and numbers were looked at when they were made
  }

  // An array can only be as long as its items are possible.
  std::uint32_t MostItems(const ArrayElement& array) const {
    if (array.unique) return array.most;  // its values were looked at when they were made
    for (std::uint32_t i = 0; i < array.first_rules.size(); ++i) {
      if (!good_rules_[array.first_rules[i]]) return std::min(i, array.most);
    }
    if (array.other_items != kNone && good_rules_[array.other_items]) return array.most;
    return std::min(static_cast<std::uint32_t>(array.first_rules.size()), array.most);
  }

  bool ObjectIsGood(const ObjectElement& object) const {
    std::uint64_t required = 0;
    std::uint64_t possible = 0;
    bool unlimited = false;
    for (const ObjectMember& member : object.members) {
      const bool good = member.possible && good_rules_[member.rule];
      if (member.required && !good) return false;
      required += member.required ? 1 : 0;
      possible += good ? 1 : 0;
      unlimited = unlimited || (good && !member.single);
    }
    return required <= object.most && object.least <= object.most && (unlimited || possible >= object.least);
  }

  void PruneObject(ObjectElement& object) const {
    for (ObjectMember& member : object.members) {
      member.possible = member.possible && good_rules_[member.rule];
    }
    FindReachable(object);
    FindFreeMember(object);
  }

  static void FindReachable(ObjectElement& object) {
    const TextAutomaton& keys = *object.keys;
    object.words = object.members.size() / 64 + 1;
    object.reachable.assign(object.words * keys.size(), 0);
    std::vector<std::vector<std::uint32_t>> incoming(keys.size());
    std::vector<std::uint32_t> pending;
    for (std::uint32_t state = 0; state < keys.size(); ++state) {
      for (const auto& edge : keys.EdgesOf(state)) incoming[edge.target].push_back(state);
      if (!keys.Accepts(state)) continue;
      const std::uint32_t member = keys.label(state);
      object.reachable[state * object.words + member / 64] |= std::uint64_t{1} << (member % 64);
      pending.push_back(state);
    }
    while (!pending.empty()) {
      const std::uint32_t state = pending.back();
      pending.pop_back();
      for (const std::uint32_t from : incoming[state]) {
        bool grown = false;
        for (std::size_t i = 0; i < object.words; ++i) {
          std::uint64_t& bits = object.reachable[from * object.words + i];
          const std::uint64_t all = bits | object.reachable[state * object.words + i];
          grown = grown || all != bits;
          bits = all;
        }
        if (grown) pending.push_back(from);
      }
    }
  }

  static void FindFreeMember(ObjectElement& object) {
    const TextAutomaton& keys = *object.keys;
    if (object.bare_keys) return;
    for (std::uint32_t member = 0; member < object.members.size(); ++member) {
      if (object.members[member].single || !object.members[member].possible) continue;
      bool everywhere = !keys.empty();
      for (std::uint32_t state = 0; state < keys.size() && everywhere; ++state) {
        std::uint64_t covered = 0;
        for (const auto& edge : keys.EdgesOf(state)) covered += edge.last - edge.first + 1;
        everywhere = covered == kLastCodePoint + 1 - 0x800 &&
                     (object.reachable[state * object.words + member / 64] >> (member % 64) & 1) != 0;
      }
      if (everywhere) object.free_member = member;
    }
  }

  // A way that leads to no end becomes one that no byte takes.
  static void PruneGraph(GraphElement& graph, const std::vector<bool>& good) {
    for (std::size_t i = 0; i < graph.states.size(); ++i) {
      if (!good[i]) graph.states[i] = {GraphState::Kind::kBytes, 1, 0, 0, 0};
    }
  }

  Program& program_;
  std::vector<bool> good_rules_;
  std::vector<std::vector<bool>> good_states_;  // of each element that is a graph
};

}  // namespace

void RemoveDeadEnds(Program& program) {
  DeadEnds(program).Run();
}

}  // namespace carat::internal
