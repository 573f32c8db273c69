// Intersections of schemas, and whether two have anything in common.
#include <algorithm>
#include <iterator>
#include <utility>

#include "lib/base/error.h"
#include "lib/sampling/grammar/code_points.h"
#include "lib/sampling/grammar/schema.h"
#include "lib/sampling/grammar/whole_number.h"

namespace carat::internal {
namespace {

constexpr std::size_t kMostAlternatives = 1000;
constexpr int kDeepestComparison = 4;

// Equal numbers have equal keys.
std::string KeyOf(const Decimal& value) {
  return (value.negative ? "-" : "") + value.digits + "e" + std::to_string(value.exponent);
}

template <typename T, typename KeyFunction>
void IntersectLists(std::optional<std::vector<T>>& list, const std::optional<std::vector<T>>& other,
                    KeyFunction key) {
  if (!other) return;
  if (!list) {
    list = other;
    return;
  }
  std::set<decltype(key(list->front()))> kept;
  for (const T& item : *other) kept.insert(key(item));
  std::erase_if(*list, [&](const T& item) { return kept.count(key(item)) == 0; });
}

Status MergeInto(TypedSchema& a, const TypedSchema& b) {
  a.least = std::max(a.least, b.least);
  a.most = std::min(a.most, b.most);
  CARAT_RETURN_IF_ERROR(a.number.Merge(b.number));
  IntersectLists(a.number_list, b.number_list,
                 [](const std::string& text) { return KeyOf(ParseDecimal(text)); });
  a.texts.insert(a.texts.end(), b.texts.begin(), b.texts.end());
  IntersectLists(a.text_list, b.text_list, [](const std::u32string& text) { return text; });
  std::vector<Conjunction> first_items;
  for (std::size_t i = 0; i < std::max(a.first_items.size(), b.first_items.size()); ++i) {
    first_items.push_back(Union(a.ItemAt(i), b.ItemAt(i)));
  }
  a.first_items = std::move(first_items);
  a.other_items = Union(a.other_items, b.other_items);
  if (!a.unique) a.unique = b.unique;
  a.shapes.insert(a.shapes.end(), b.shapes.begin(), b.shapes.end());
  a.required.insert(b.required.begin(), b.required.end());
  a.names = Union(a.names, b.names);
  return {};
}

}  // namespace

Conjunction Union(const Conjunction& a, const Conjunction& b) {
  Conjunction result;
  std::set_union(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(result));
  return result;
}

void ObjectShape::AddPartsOf(const std::string& key, const std::u32string& key_text,
                             Conjunction* parts) const {
  bool named = false;
  if (const auto found = properties.find(key); found != properties.end()) {
    parts->push_back(found->second);
    named = true;
  }
  for (const auto& [pattern, part] : patterns) {
    if (!pattern->Holds(key_text)) continue;
    parts->push_back(part);
    named = true;
  }
  if (!named && additional) parts->push_back(*additional);
}

Conjunction TypedSchema::MemberParts(const std::string& key) const {
  Conjunction parts;
  const std::u32string key_text = ToCodePoints(key).value_or(std::u32string());
  for (const auto& shape : shapes) shape->AddPartsOf(key, key_text, &parts);
  std::sort(parts.begin(), parts.end());
  parts.erase(std::unique(parts.begin(), parts.end()), parts.end());
  return parts;
}

void TypedSchema::Close(const std::set<std::string>& also) {
  auto named = std::make_shared<ObjectShape>();
  for (const std::string& name : also) named->properties[name] = {Part::Kind::kAnything, 0};
  for (const auto& shape : shapes) {
    if (shape->additional) return;
    for (const auto& [name, part] : shape->properties) named->properties[name] = {Part::Kind::kAnything, 0};
    for (const auto& [pattern, part] : shape->patterns)
      named->patterns.emplace_back(pattern, Part{Part::Kind::kAnything, 0});
  }
  named->additional = Part{Part::Kind::kNothing, 0};
  shapes.push_back(std::move(named));
}

Result<Alternatives> SchemaReader::Intersect(const Alternatives& a, const Alternatives& b) const {
  Alternatives result;
  for (const TypedSchema& one : a) {
    for (const TypedSchema& other : b) {
      if (one.kind != other.kind) continue;
      TypedSchema both = one;
      CARAT_RETURN_IF_ERROR(MergeInto(both, other));
      result.push_back(std::move(both));
      if (result.size() > kMostAlternatives) {
        return ResourceExhausted("the schema has more than %d alternatives in one place", kMostAlternatives);
      }
    }
  }
  return result;
}

Result<std::shared_ptr<const TextAutomaton>> SchemaReader::TextsOf(const TypedSchema& schema) {
  std::shared_ptr<const TextAutomaton> all = TextAutomaton::Anything();
  if (!schema.text_list) {
    for (const auto& texts : schema.texts) {
      CARAT_ASSIGN_OR_RETURN(all, TextAutomaton::Intersection(all, texts));
    }
    return all;
  }
  std::vector<std::u32string> list = *schema.text_list;
  std::erase_if(list, [&](const std::u32string& text) {
    return text.size() < schema.least || text.size() > schema.most ||
           !std::all_of(schema.texts.begin(), schema.texts.end(),
                        [&](const auto& texts) { return texts->Holds(text); });
  });
  CARAT_ASSIGN_OR_RETURN(TextAutomaton automaton, TextAutomaton::OfLiterals(list));
  return std::make_shared<const TextAutomaton>(std::move(automaton));
}

Result<std::shared_ptr<const TextAutomaton>> SchemaReader::BoundedTextsOf(const TypedSchema& schema) {
  CARAT_ASSIGN_OR_RETURN(auto texts, TextsOf(schema));
  if (schema.text_list || (schema.least == 0 && schema.most == TypedSchema::kUnlimited)) return texts;
  if (schema.least > schema.most) return std::make_shared<const TextAutomaton>();
  const bool limited = schema.most != TypedSchema::kUnlimited;
  const std::uint32_t last = limited ? schema.most : schema.least;
  if (last > 10'000) return ResourceExhausted("a length of %d is too large for the names of members", last);
  std::vector<TextAutomaton::Edges> states(last + 1);
  std::vector<std::uint32_t> labels(last + 1, TextAutomaton::kNoLabel);
  for (std::uint32_t state = 0; state <= last; ++state) {
    if (state >= schema.least) labels[state] = 0;
    if (state == last && limited) break;
    for (const CodePointRange& range : AllCodePoints()) {
      states[state].push_back({range.first, range.last, std::min(state + 1, last)});
    }
  }
  CARAT_ASSIGN_OR_RETURN(TextAutomaton lengths, TextAutomaton::Build(std::move(states), std::move(labels)));
  return TextAutomaton::Intersection(texts, std::make_shared<const TextAutomaton>(std::move(lengths)));
}

Result<bool> SchemaReader::AnyOverlap(const Conjunction& a, const Conjunction& b, int depth) {
  ++comparing_;
  const auto left = Read(a);
  const auto right = Read(b);
  --comparing_;
  for (const auto* side : {&left, &right}) {
    if (side->ok()) continue;
    // What is still being read is not known: it may be anything.
    if (side->status().code() == StatusCode::kAborted) return true;
    return side->status();
  }
  for (const TypedSchema& one : **left) {
    for (const TypedSchema& other : **right) {
      CARAT_ASSIGN_OR_RETURN(const bool overlap, MayOverlap(one, other, depth));
      if (overlap) return true;
    }
  }
  return false;
}

namespace {

// The numbers that a schema admits, if they are few: each as a schema. Nothing otherwise.
std::optional<Alternatives> ListNumbers(const TypedSchema& schema, std::size_t most) {
  Alternatives values;
  if (schema.number_list) {
    for (const std::string& text : *schema.number_list) {
      if (!schema.number.Holds(ParseDecimal(text))) continue;
      values.push_back(schema);
      values.back().number_list = {text};
      if (values.size() > most) return std::nullopt;
    }
    return values;
  }
  const NumberSpec& spec = schema.number;
  if (!spec.low || !spec.high) return std::nullopt;
  if (Compare(spec.low->value, spec.high->value) == 0) {
    if (spec.Holds(spec.low->value)) values.push_back(schema);
    return values;
  }
  // A range of integers, of a size that can be counted.
  constexpr std::int64_t kMostDigits = 15;
  if (!spec.integer || spec.low->value.exponent > kMostDigits || spec.high->value.exponent > kMostDigits)
    return std::nullopt;
  bool exact = false;
  std::int64_t first = std::stoll("0" + WholePart(spec.low->value, 0, &exact));
  if (spec.low->value.negative) first = -first - 1;
  for (std::int64_t value = first;; ++value) {
    const std::string text = std::to_string(value);
    const Decimal decimal = ParseDecimal(text);
    if (Compare(decimal, spec.high->value) > 0) return values;
    if (value - first > static_cast<std::int64_t>(most) * 4) return std::nullopt;
    if (!spec.Holds(decimal)) continue;
    values.push_back(schema);
    values.back().number_list = {text};
    if (values.size() > most) return std::nullopt;
  }
}

// The texts of an enum.
std::optional<Alternatives> ListTexts(const TypedSchema& schema, std::size_t most) {
  if (!schema.text_list || schema.text_list->size() > most) return std::nullopt;
  Alternatives values;
  for (const std::u32string& text : *schema.text_list) {
    values.push_back(schema);
    values.back().text_list = {text};
  }
  return values;
}

// Equal values have equal keys.
std::string KeyOfValue(const TypedSchema& schema) {
  switch (schema.kind) {
    case TypedSchema::Kind::kNull:
      return "null";
    case TypedSchema::Kind::kFalse:
      return "false";
    case TypedSchema::Kind::kTrue:
      return "true";
    case TypedSchema::Kind::kNumber:
      return KeyOf(schema.number_list ? ParseDecimal(schema.number_list->front()) : schema.number.low->value);
    default: {
      std::string key = "\"";
      for (const char32_t c : schema.text_list->front()) AppendUtf8(c, &key);
      return key;
    }
  }
}

}  // namespace

Result<std::optional<std::vector<Alternatives>>> SchemaReader::ListValues(const Conjunction& parts) {
  using Values = std::optional<std::vector<Alternatives>>;
  CARAT_ASSIGN_OR_RETURN(const Shared alternatives, Read(parts));
  std::map<std::string, Alternatives> by_value;
  for (const TypedSchema& schema : *alternatives) {
    if (schema.least > schema.most) continue;
    std::optional<Alternatives> values;
    if (schema.kind == TypedSchema::Kind::kNumber) {
      values = ListNumbers(schema, kMostListedValues);
    } else if (schema.kind == TypedSchema::Kind::kString) {
      values = ListTexts(schema, kMostListedValues);
    } else if (schema.kind != TypedSchema::Kind::kArray && schema.kind != TypedSchema::Kind::kObject) {
      values = Alternatives{schema};
    }
    if (!values) return Values();
    for (const TypedSchema& value : *values) by_value[KeyOfValue(value)].push_back(value);
  }
  if (by_value.size() > kMostListedValues) return Values();
  std::vector<Alternatives> list;
  for (auto& [key, value] : by_value) list.push_back(std::move(value));
  return Values(std::move(list));
}

// True where it cannot be excluded.
Result<bool> SchemaReader::MayOverlap(const TypedSchema& a, const TypedSchema& b, int depth) {
  if (a.kind != b.kind) return false;
  TypedSchema both = a;
  CARAT_RETURN_IF_ERROR(MergeInto(both, b));
  if (both.least > both.most) return false;
  if (++work_ > 100'000) return ResourceExhausted("oneOf has too many pairs of alternatives to compare");
  switch (a.kind) {
    case TypedSchema::Kind::kNull:
    case TypedSchema::Kind::kFalse:
    case TypedSchema::Kind::kTrue:
      return true;
    case TypedSchema::Kind::kNumber:
      if (!both.number_list) return NumberSpec::MayOverlap(a.number, b.number);
      return std::any_of(both.number_list->begin(), both.number_list->end(),
                         [&](const std::string& text) { return both.number.Holds(ParseDecimal(text)); });
    case TypedSchema::Kind::kString: {
      CARAT_ASSIGN_OR_RETURN(const auto texts, TextsOf(both));
      if (texts->empty()) return false;
      if (both.text_list) return true;
      CARAT_ASSIGN_OR_RETURN(const TextLengths lengths, TextLengths::Create(*texts, both.least, both.most));
      return lengths.CanFinish(texts->start(), 0);
    }
    case TypedSchema::Kind::kArray:
      if (depth >= kDeepestComparison) return true;
      for (std::size_t i = 0; i < std::min<std::size_t>(both.least, both.first_items.size() + 1); ++i) {
        CARAT_ASSIGN_OR_RETURN(const bool overlap, AnyOverlap(a.ItemAt(i), b.ItemAt(i), depth + 1));
        if (!overlap) return false;
      }
      return true;
    case TypedSchema::Kind::kObject:
      if (depth >= kDeepestComparison) return true;
      for (const std::string& key : both.required) {
        CARAT_ASSIGN_OR_RETURN(const bool overlap,
                               AnyOverlap(a.MemberParts(key), b.MemberParts(key), depth + 1));
        if (!overlap) return false;
      }
      return true;
  }
  return true;
}

}  // namespace carat::internal
