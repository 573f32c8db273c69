#include "lib/sampling/grammar/compiler.h"

#include <algorithm>
#include <utility>

#include "lib/base/error.h"
#include "lib/sampling/grammar/code_points.h"
#include "lib/sampling/grammar/graph_builder.h"
#include "lib/sampling/grammar/regular_expression.h"

namespace carat::internal {
namespace {

using Kind = TypedSchema::Kind;

constexpr std::size_t kMostRules = 20'000;
constexpr std::size_t kMostElements = 50'000;
constexpr std::size_t kMostMembers = 5'000;

// What a key may consist of where it stands without quotes.
constexpr std::string_view kBareKey = R"(^[^\s:,{}\[\]"'<>|]+$)";

bool IsFree(const StringElement& string) {
  const TextAutomaton& texts = *string.texts;
  if (!string.lengths.depends_on_shortest_alone()) return false;
  for (std::uint32_t state = 0; state < texts.size(); ++state) {
    std::uint64_t covered = 0;
    for (const auto& edge : texts.EdgesOf(state)) covered += edge.last - edge.first + 1;
    // Surrogates are not characters.
    if (covered != kLastCodePoint + 1 - 0x800) return false;
    if (string.lengths.most() != TextLengths::kUnlimited && string.lengths.Shortest(state) != 0) return false;
  }
  return true;
}

}  // namespace

std::uint32_t SchemaCompiler::RuleOf(const Conjunction& parts) {
  const auto [found, is_new] = rules_.try_emplace(parts, static_cast<std::uint32_t>(program_.rules.size()));
  if (is_new) {
    program_.rules.emplace_back();
    pending_.emplace_back(found->second, parts);
  }
  return found->second;
}

Status SchemaCompiler::Compile() {
  while (!pending_.empty()) {
    const auto [rule, parts] = std::move(pending_.back());
    pending_.pop_back();
    CARAT_RETURN_IF_ERROR(CompileRule(rule, parts));
    if (program_.rules.size() > kMostRules || program_.elements.size() > kMostElements) {
      return ResourceExhausted("the schema needs more than %d rules or %d elements", kMostRules,
                               kMostElements);
    }
  }
  return {};
}

Status SchemaCompiler::CompileRule(std::uint32_t rule, const Conjunction& parts) {
  CARAT_ASSIGN_OR_RETURN(const auto alternatives, reader_.Read(parts));
  for (const TypedSchema& schema : *alternatives) {
    if (schema.least > schema.most) continue;
    CARAT_ASSIGN_OR_RETURN(const Frame start, CompileAlternative(schema));
    if (start.element != kNone) program_.rules[rule].starts.push_back(start);
  }
  return {};
}

Frame SchemaCompiler::AddElement(Element element) {
  program_.elements.push_back(std::move(element));
  Frame frame;
  frame.element = static_cast<std::uint32_t>(program_.elements.size() - 1);
  return frame;
}

// The element's first frame; one of element kNone if nothing fits the schema.
Result<Frame> SchemaCompiler::CompileAlternative(const TypedSchema& schema) {
  switch (schema.kind) {
    case Kind::kNull:
      return AddElement(LiteralElement{"null"});
    case Kind::kFalse:
      return AddElement(LiteralElement{"false"});
    case Kind::kTrue:
      return AddElement(LiteralElement{"true"});
    case Kind::kNumber:
      return CompileNumber(schema);
    case Kind::kString:
      return CompileString(schema);
    case Kind::kArray:
      return CompileArray(schema);
    case Kind::kObject:
      break;
  }
  return CompileObject(schema);
}

Result<Frame> SchemaCompiler::CompileNumber(const TypedSchema& schema) {
  Frame nothing;
  nothing.element = kNone;
  CARAT_RETURN_IF_ERROR(schema.number.Check());
  if (schema.number_list) {
    std::vector<std::string> texts = *schema.number_list;
    std::erase_if(texts, [&](const std::string& text) { return !schema.number.Holds(ParseDecimal(text)); });
    if (texts.empty()) return nothing;
    std::vector<GraphBuilder::Way> ways;
    GraphElement graph;
    GraphBuilder builder(graph);
    const std::uint32_t end = builder.Accept();
    for (std::string& text : texts) ways.push_back({std::move(text), end});
    Frame frame;
    frame.x = builder.Texts(std::move(ways));
    frame.element = AddElement(std::move(graph)).element;
    return frame;
  }
  if (!schema.number.CanFinish("")) return nothing;
  Frame frame = AddElement(NumberElement{schema.number});
  frame.x = kNone;
  return frame;
}

Result<Frame> SchemaCompiler::CompileString(const TypedSchema& schema) {
  StringElement string;
  CARAT_ASSIGN_OR_RETURN(string.texts, SchemaReader::TextsOf(schema));
  const bool listed = schema.text_list.has_value();  // TextsOf has then seen to the lengths
  CARAT_ASSIGN_OR_RETURN(string.lengths, TextLengths::Create(*string.texts, listed ? 0 : schema.least,
                                                             listed ? TextLengths::kUnlimited : schema.most));
  if (string.texts->empty() || !string.lengths.CanFinish(string.texts->start(), 0)) {
    Frame nothing;
    nothing.element = kNone;
    return nothing;
  }
  string.syntax = notation_ == Notation::kJson ? StringSyntax::kJson : StringSyntax::kTokenQuoted;
  string.free = IsFree(string);
  return AddElement(std::move(string));
}

Result<Frame> SchemaCompiler::CompileArray(const TypedSchema& schema) {
  ArrayElement array;
  array.least = schema.least;
  array.most = schema.most;
  if (schema.unique && schema.most > 1) return CompileUniqueArray(schema, std::move(array));
  for (const Conjunction& item : schema.first_items) {
    if (array.first_rules.size() >= schema.most) break;
    array.first_rules.push_back(RuleOf(item));
  }
  if (array.first_rules.size() < schema.most) array.other_items = RuleOf(schema.other_items);
  return AddElement(std::move(array));
}

// The items are values that can be listed, so that those which are there already can be left out.
Result<Frame> SchemaCompiler::CompileUniqueArray(const TypedSchema& schema, ArrayElement array) {
  std::optional<std::vector<Alternatives>> values;
  if (schema.first_items.empty()) {
    CARAT_ASSIGN_OR_RETURN(values, reader_.ListValues(schema.other_items));
  }
  if (!values) {
    return Unimplemented(
        "schema: %s: the keyword 'uniqueItems' is only supported where all items are alike and there are at "
        "most %d values for them: an enum, constants, truth values or a short range of integers",
        reader_.tree().PathOf(*schema.unique), SchemaReader::kMostListedValues);
  }
  for (const Alternatives& value : *values) {
    Rule rule;
    for (const TypedSchema& way : value) {
      CARAT_ASSIGN_OR_RETURN(const Frame start, CompileAlternative(way));
      if (start.element != kNone) rule.starts.push_back(start);
    }
    if (rule.starts.empty()) continue;
    array.values.push_back(static_cast<std::uint32_t>(program_.rules.size()));
    program_.rules.push_back(std::move(rule));
  }
  array.unique = true;
  array.most = std::min(array.most, static_cast<std::uint32_t>(array.values.size()));
  return AddElement(std::move(array));
}

bool SchemaCompiler::SaysNothingIsAllowed(const Conjunction& parts) const {
  return std::any_of(parts.begin(), parts.end(), [this](const Part& part) {
    return part.kind == Part::Kind::kNothing ||
           (part.kind == Part::Kind::kSchema && reader_.tree()[part.node].kind() == JsonKind::kFalse);
  });
}

Result<std::shared_ptr<const TextAutomaton>> SchemaCompiler::NamesOf(const Conjunction& names) {
  if (names.empty()) return TextAutomaton::Anything();
  CARAT_ASSIGN_OR_RETURN(const auto alternatives, reader_.Read(names));
  std::vector<std::shared_ptr<const TextAutomaton>> parts;
  for (const TypedSchema& schema : *alternatives) {
    if (schema.kind != Kind::kString) continue;  // a name is nothing else
    CARAT_ASSIGN_OR_RETURN(auto texts, SchemaReader::BoundedTextsOf(schema));
    parts.push_back(std::move(texts));
  }
  if (parts.empty()) return std::make_shared<const TextAutomaton>();
  if (parts.size() == 1) return parts[0];
  CARAT_ASSIGN_OR_RETURN(
      TextAutomaton product,
      TextAutomaton::Product(
          parts, std::vector<bool>(parts.size(), false), [](std::span<const std::uint32_t> labels) {
            const bool any = std::any_of(labels.begin(), labels.end(),
                                         [](auto label) { return label != TextAutomaton::kNoLabel; });
            return any ? 0 : TextAutomaton::kNoLabel;
          }));
  return std::make_shared<const TextAutomaton>(std::move(product));
}

// All keys, labelled with members: the named ones are there already, kinds of others are added.
Result<std::shared_ptr<const TextAutomaton>> SchemaCompiler::KeysOf(const TypedSchema& schema,
                                                                    const std::vector<std::string>& names,
                                                                    ObjectElement& object) {
  std::vector<std::u32string> literals;
  for (const std::string& name : names) {
    auto literal = ToCodePoints(name);
    if (!literal) return InvalidArgument("schema: the name of a member is not UTF-8");
    literals.push_back(*std::move(literal));
  }
  CARAT_ASSIGN_OR_RETURN(TextAutomaton named, TextAutomaton::OfLiterals(literals));
  std::vector<std::shared_ptr<const TextAutomaton>> parts = {
      std::make_shared<const TextAutomaton>(std::move(named))};
  for (const auto& shape : schema.shapes) {
    for (const auto& [pattern, part] : shape->patterns) parts.push_back(pattern);
  }
  std::vector<bool> required(parts.size(), false);
  CARAT_ASSIGN_OR_RETURN(auto allowed_names, NamesOf(schema.names));
  if (!allowed_names->IsAnything()) {
    parts.push_back(std::move(allowed_names));
    required.push_back(true);
  }
  if (notation_ == Notation::kToolCall) {
    CARAT_ASSIGN_OR_RETURN(auto bare, CompilePattern(kBareKey));
    parts.push_back(std::move(bare));
    required.push_back(true);
  }
  std::map<std::vector<bool>, std::uint32_t> kinds;
  const auto kind_of = [&](std::span<const std::uint32_t> labels) {
    std::vector<bool> matched;
    std::size_t next = 1;
    for (const auto& shape : schema.shapes) {
      for (std::size_t i = 0; i < shape->patterns.size(); ++i) {
        matched.push_back(labels[next++] != TextAutomaton::kNoLabel);
      }
    }
    if (const auto found = kinds.find(matched); found != kinds.end()) return found->second;
    Conjunction value;
    next = 0;
    for (const auto& shape : schema.shapes) {
      bool any = false;
      for (const auto& [pattern, part] : shape->patterns) {
        if (!matched[next++]) continue;
        value.push_back(part);
        any = true;
      }
      if (!any && shape->additional) value.push_back(*shape->additional);
    }
    std::sort(value.begin(), value.end());
    value.erase(std::unique(value.begin(), value.end()), value.end());
    std::uint32_t member = TextAutomaton::kNoLabel;
    if (!SaysNothingIsAllowed(value)) {
      member = static_cast<std::uint32_t>(object.members.size());
      object.members.push_back({RuleOf(value), false, false, true});
    }
    kinds[matched] = member;
    return member;
  };
  const std::vector<std::uint32_t> no_labels(parts.size(), TextAutomaton::kNoLabel);
  if (parts.size() == 1 && kind_of(no_labels) == TextAutomaton::kNoLabel) return parts[0];
  CARAT_ASSIGN_OR_RETURN(TextAutomaton keys,
                         TextAutomaton::Product(parts, required, [&](std::span<const std::uint32_t> labels) {
                           return labels[0] != TextAutomaton::kNoLabel ? labels[0] : kind_of(labels);
                         }));
  for (std::size_t i = 0; i < names.size(); ++i) {
    // `propertyNames` may leave a name out.
    object.members[i].possible = keys.LabelOfText(literals[i]) == i;
  }
  return std::make_shared<const TextAutomaton>(std::move(keys));
}

Result<Frame> SchemaCompiler::CompileObject(const TypedSchema& given) {
  TypedSchema schema = given;
  const bool names_members = std::any_of(schema.shapes.begin(), schema.shapes.end(), [](const auto& shape) {
    return shape->lists_members || !shape->patterns.empty();
  });
  if (reader_.closed_objects() && names_members) schema.Close(schema.required);
  ObjectElement object;
  object.least = schema.least;
  object.most = schema.most;
  object.bare_keys = notation_ == Notation::kToolCall;
  std::set<std::string> names = schema.required;
  for (const auto& shape : schema.shapes) {
    for (const auto& [name, part] : shape->properties) names.insert(name);
  }
  if (names.size() > kMostMembers) {
    return ResourceExhausted("the schema has an object of more than %d members", kMostMembers);
  }
  const std::vector<std::string> ordered(names.begin(), names.end());
  for (const std::string& name : ordered) {
    const Conjunction value = schema.MemberParts(name);
    const bool required = schema.required.count(name) != 0;
    object.members.push_back({RuleOf(value), true, required, true});
  }
  CARAT_ASSIGN_OR_RETURN(object.keys, KeysOf(schema, ordered, object));
  return AddElement(std::move(object));
}

}  // namespace carat::internal
