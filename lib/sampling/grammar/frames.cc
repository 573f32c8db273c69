// The moves of frames, by element.
#include <algorithm>

#include "lib/sampling/grammar/machine.h"
#include "lib/sampling/grammar/string_reader.h"

namespace carat::internal {
namespace {

using GraphState = GraphElement::State;

bool IsSpace(std::uint8_t byte) {
  return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t';
}

// To another phase, where no white space has been read yet.
bool Enter(Frame& frame, std::uint16_t phase) {
  frame.phase = phase;
  frame.spaces = 0;
  return true;
}

bool Has(const std::vector<std::uint64_t>& bits, std::uint32_t index) {
  return (bits[index / 64] >> (index % 64) & 1) != 0;
}

}  // namespace

bool Machine::MoveSpace(Frame& frame, std::uint8_t byte) const {
  if (!IsSpace(byte) || frame.spaces >= program_->most_spaces) return false;
  ++frame.spaces;
  return true;
}

bool Machine::MoveRoot(Frame& frame, std::uint8_t byte) const {
  return MoveSpace(frame, byte);
}

bool Machine::MoveString(const StringElement& element, Frame& frame, std::uint8_t byte) const {
  const bool json = element.syntax == StringSyntax::kJson;
  if (frame.phase == phase::kDone) return false;
  if (frame.phase == phase::kOpen) {
    if (!json || byte != '"') return false;
    frame.phase = phase::kInside;
    return true;
  }
  if (json && byte == '"' && frame.phase == phase::kInside) {
    if (!element.texts->Accepts(frame.x) || !element.lengths.MayEnd(frame.y)) return false;
    frame.phase = phase::kDone;
    frame.x = frame.y = 0;
    return true;
  }
  StringReader reader{frame.x, frame.z, static_cast<std::uint16_t>(frame.phase - phase::kInside)};
  const std::uint32_t count = element.lengths.Increment(frame.y);
  const bool read = reader.Read(*element.texts, byte, json,
                                [&](std::uint32_t state) { return element.lengths.CanFinish(state, count); });
  if (!read) return false;
  if (reader.mode == StringReader::kBoundary) frame.y = count;
  frame.x = reader.state;
  frame.z = reader.pending;
  frame.phase = static_cast<std::uint16_t>(phase::kInside + reader.mode);
  return true;
}

bool Machine::MoveNumber(const NumberElement& element, Frame& frame, std::uint8_t byte) {
  const NumberPhase next = NextPhase(element.spec, static_cast<NumberPhase>(frame.phase), byte);
  if (next == NumberPhase::kDead) return false;
  frame.phase = static_cast<std::uint16_t>(next);
  if (!element.spec.bounded()) return true;
  std::string text = frame.x == kNone ? std::string() : texts_[frame.x].value;
  text.push_back(static_cast<char>(byte));
  if (!element.spec.CanFinish(text)) return false;
  frame.x = texts_.NumberOf({std::move(text)});
  return true;
}

bool Machine::MoveArray(const ArrayElement& element, Frame& frame, std::uint8_t byte) const {
  if (frame.phase == phase::kArrayOpen) return byte == '[' && Enter(frame, phase::kFirstItem);
  if (frame.phase == phase::kArrayDone) return false;
  if (MoveSpace(frame, byte)) return true;
  if (byte == ']' && frame.phase != phase::kNextItem) {
    if (frame.x < element.least) return false;
    frame.x = frame.y = 0;
    return Enter(frame, phase::kArrayDone);
  }
  if (byte == ',' && frame.phase == phase::kAfterItem) {
    const bool more = element.unique || element.RuleAt(frame.x) != kNone;
    return frame.x < element.most && more && Enter(frame, phase::kNextItem);
  }
  return false;
}

// y: the state of the key, then the member. x: the keys so far.
bool Machine::MoveObject(const ObjectElement& element, Frame& frame, std::uint8_t byte) {
  switch (frame.phase) {
    case phase::kObjectOpen:
      if (byte != '{') return false;
      frame.x = NoKeys(frame.element);
      return Enter(frame, phase::kFirstKey);
    case phase::kObjectDone:
      return false;
    case phase::kFirstKey:
    case phase::kNextKey:
      if (byte == '}' && frame.phase == phase::kFirstKey) {
        if (!keys_[frame.x].may_close) return false;
        frame.x = 0;
        return Enter(frame, phase::kObjectDone);
      }
      if (!keys_[frame.x].may_continue) return MoveSpace(frame, byte);
      if (!element.bare_keys && byte != '"') return MoveSpace(frame, byte);
      frame.y = element.keys->start();
      frame.z = 0;
      Enter(frame, phase::kInKey);
      return element.bare_keys ? MoveKey(element, frame, byte) : true;
    case phase::kAfterKey:
      return byte == ':' ? Enter(frame, phase::kBeforeValue) : MoveSpace(frame, byte);
    case phase::kBeforeValue:
      return MoveSpace(frame, byte);
    case phase::kAfterValue:
      if (byte == ',') return keys_[frame.x].may_continue && Enter(frame, phase::kNextKey);
      if (byte != '}') return MoveSpace(frame, byte);
      if (!keys_[frame.x].may_close) return false;
      frame.x = 0;
      return Enter(frame, phase::kObjectDone);
    default:
      return MoveKey(element, frame, byte);
  }
}

bool Machine::MoveKey(const ObjectElement& element, Frame& frame, std::uint8_t byte) {
  const auto mode = static_cast<std::uint16_t>(frame.phase - phase::kInKey);
  const Keys& keys = keys_[frame.x];
  if (mode == StringReader::kBoundary && byte == (element.bare_keys ? ':' : '"')) {
    const std::uint32_t member = element.keys->label(frame.y);
    if (member == TextAutomaton::kNoLabel || !Has(keys.allowed, member)) return false;
    frame.y = member;
    return Enter(frame, element.bare_keys ? phase::kBeforeValue : phase::kAfterKey);
  }
  StringReader reader{frame.y, frame.z, mode};
  const bool read = reader.Read(*element.keys, byte, !element.bare_keys,
                                [&](std::uint32_t state) { return KeyIsAlive(element, keys, state); });
  if (!read) return false;
  frame.y = reader.state;
  frame.z = reader.pending;
  frame.phase = static_cast<std::uint16_t>(phase::kInKey + reader.mode);
  return true;
}

bool Machine::KeyIsAlive(const ObjectElement& element, const Keys& keys, std::uint32_t state) const {
  const std::uint64_t* reachable = element.reachable.data() + state * element.words;
  for (std::size_t i = 0; i < element.words; ++i) {
    if ((reachable[i] & keys.allowed[i]) != 0) return true;
  }
  return false;
}

std::uint32_t Machine::NoKeys(std::uint32_t element) {
  Keys keys;
  keys.element = element;
  keys.seen.assign(std::get<ObjectElement>(program_->elements[element]).words, 0);
  Conclude(keys);
  return keys_.NumberOf(std::move(keys));
}

std::uint32_t Machine::WithKey(std::uint32_t number, std::uint32_t member) {
  Keys keys = keys_[number];
  const auto& element = std::get<ObjectElement>(program_->elements[keys.element]);
  // Counts beyond what the limits ask for are all alike.
  if (element.most != kNone || keys.count < element.least) ++keys.count;
  if (element.members[member].single) keys.seen[member / 64] |= std::uint64_t{1} << (member % 64);
  Conclude(keys);
  return keys_.NumberOf(std::move(keys));
}

void Machine::Conclude(Keys& keys) const {
  const auto& element = std::get<ObjectElement>(program_->elements[keys.element]);
  std::uint32_t missing = 0;
  for (std::uint32_t i = 0; i < element.members.size(); ++i) {
    missing += element.members[i].required && !Has(keys.seen, i) ? 1 : 0;
  }
  keys.allowed.assign(element.words, 0);
  keys.may_close = missing == 0 && keys.count >= element.least;
  keys.may_continue = false;
  for (std::uint32_t i = 0; i < element.members.size(); ++i) {
    const ObjectMember& member = element.members[i];
    if (!member.possible || Has(keys.seen, i)) continue;
    const std::uint64_t still_missing = missing - (member.required ? 1 : 0);
    if (element.most != kNone && keys.count + 1 + still_missing > element.most) continue;
    keys.allowed[i / 64] |= std::uint64_t{1} << (i % 64);
    keys.may_continue = true;
  }
}

bool Machine::Move(Frame& frame, std::uint8_t byte) {
  const Element& element = ElementOf(frame);
  if (const auto* string = std::get_if<StringElement>(&element)) return MoveString(*string, frame, byte);
  if (const auto* object = std::get_if<ObjectElement>(&element)) return MoveObject(*object, frame, byte);
  if (const auto* array = std::get_if<ArrayElement>(&element)) return MoveArray(*array, frame, byte);
  if (const auto* number = std::get_if<NumberElement>(&element)) return MoveNumber(*number, frame, byte);
  if (const auto* literal = std::get_if<LiteralElement>(&element)) {
    if (frame.x >= literal->text.size() || static_cast<std::uint8_t>(literal->text[frame.x]) != byte) {
      return false;
    }
    ++frame.x;
    return true;
  }
  if (const auto* graph = std::get_if<GraphElement>(&element)) {
    const GraphState& state = graph->states[frame.x];
    if (state.kind != GraphState::Kind::kBytes || byte < state.first || byte > state.last) return false;
    frame.x = state.next;
    return true;
  }
  return MoveRoot(frame, byte);
}

std::uint32_t Machine::SlotOf(const Frame& frame) const {
  const Element& element = ElementOf(frame);
  if (const auto* string = std::get_if<StringElement>(&element)) {
    if (string->syntax != StringSyntax::kTokenQuoted) return kNone;
    if (frame.phase == phase::kOpen) return 0;
    const bool ends =
        frame.phase == phase::kInside && string->texts->Accepts(frame.x) && string->lengths.MayEnd(frame.y);
    return ends ? 0 : kNone;
  }
  if (const auto* graph = std::get_if<GraphElement>(&element)) {
    const GraphState& state = graph->states[frame.x];
    if (state.kind == GraphState::Kind::kToken) return state.other;
  }
  return kNone;
}

std::uint32_t Machine::ExcludedSlotOf(const Frame& frame) const {
  const auto* graph = std::get_if<GraphElement>(&ElementOf(frame));
  if (graph == nullptr || graph->states[frame.x].kind != GraphState::Kind::kOtherToken) return kNone;
  return graph->states[frame.x].other;
}

bool Machine::MoveToken(Frame& frame, std::int32_t token, std::span<const std::int32_t> slots,
                        bool ends_texts) const {
  const std::uint32_t slot = SlotOf(frame);
  const std::uint32_t excluded = ExcludedSlotOf(frame);
  const bool named = slot != kNone && slots[slot] == token;
  const bool other = excluded != kNone && slots[excluded] != token && !ends_texts;
  if (!named && !other) return false;
  if (const auto* graph = std::get_if<GraphElement>(&ElementOf(frame))) {
    frame.x = graph->states[frame.x].next;
    return true;
  }
  if (frame.phase == phase::kOpen) {
    frame.phase = phase::kInside;
  } else {
    frame.phase = phase::kDone;
    frame.x = frame.y = 0;
  }
  return true;
}

// x: the items so far. y: the values among them.
std::uint32_t Machine::UniqueCallOf(const ArrayElement& array, const Frame& frame, std::uint32_t value,
                                    Frame& after) const {
  if (frame.phase != phase::kFirstItem && frame.phase != phase::kNextItem) return kNone;
  if (frame.x >= array.most || (frame.y >> value & 1) != 0) return kNone;
  after = frame;
  after.spaces = 0;
  after.phase = phase::kAfterItem;
  ++after.x;
  after.y |= std::uint32_t{1} << value;
  return array.values[value];
}

std::uint32_t Machine::CallOf(const Frame& frame, Frame& after) {
  const Element& element = ElementOf(frame);
  after = frame;
  after.spaces = 0;
  if (const auto* object = std::get_if<ObjectElement>(&element)) {
    if (frame.phase != phase::kBeforeValue) return kNone;
    after.phase = phase::kAfterValue;
    after.x = WithKey(frame.x, frame.y);
    after.y = after.z = 0;
    return object->members[frame.y].rule;
  }
  if (const auto* array = std::get_if<ArrayElement>(&element)) {
    if (frame.phase != phase::kFirstItem && frame.phase != phase::kNextItem) return kNone;
    if (frame.x >= array->most) return kNone;
    after.phase = phase::kAfterItem;
    after.x = array->Increment(frame.x);
    return array->RuleAt(frame.x);
  }
  if (const auto* graph = std::get_if<GraphElement>(&element)) {
    const GraphState& state = graph->states[frame.x];
    if (state.kind != GraphState::Kind::kCall) return kNone;
    after.x = state.next;
    return state.other;
  }
  if (frame.element == 0 && frame.phase == phase::kBefore) {
    after.phase = phase::kAfter;
    return 0;
  }
  return kNone;
}

bool Machine::Accepts(const Frame& frame) const {
  const Element& element = ElementOf(frame);
  if (std::holds_alternative<StringElement>(element)) return frame.phase == phase::kDone;
  if (std::holds_alternative<ObjectElement>(element)) return frame.phase == phase::kObjectDone;
  if (std::holds_alternative<ArrayElement>(element)) return frame.phase == phase::kArrayDone;
  if (const auto* literal = std::get_if<LiteralElement>(&element)) {
    return frame.x == literal->text.size();
  }
  if (const auto* number = std::get_if<NumberElement>(&element)) {
    if (!IsWholeNumber(static_cast<NumberPhase>(frame.phase))) return false;
    return !number->spec.bounded() || number->spec.Holds(ParseDecimal(texts_[frame.x].value));
  }
  if (const auto* graph = std::get_if<GraphElement>(&element)) {
    return graph->states[frame.x].kind == GraphState::Kind::kAccept;
  }
  return false;
}

// Whether the frame can read anything itself; the root's end is kept too, as what is complete.
bool Machine::IsWaiting(const Element& element, const Frame& frame) {
  if (const auto* graph = std::get_if<GraphElement>(&element)) {
    const GraphState::Kind kind = graph->states[frame.x].kind;
    return kind == GraphState::Kind::kBytes || kind == GraphState::Kind::kToken ||
           kind == GraphState::Kind::kOtherToken;
  }
  if (std::holds_alternative<StringElement>(element)) return frame.phase != phase::kDone;
  if (std::holds_alternative<ObjectElement>(element)) return frame.phase != phase::kObjectDone;
  if (std::holds_alternative<ArrayElement>(element)) return frame.phase != phase::kArrayDone;
  if (const auto* literal = std::get_if<LiteralElement>(&element)) return frame.x < literal->text.size();
  return true;
}

}  // namespace carat::internal
