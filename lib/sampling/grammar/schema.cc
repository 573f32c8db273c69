#include "lib/sampling/grammar/schema.h"

#include <algorithm>
#include <array>
#include <span>
#include <string_view>
#include <utility>

#include "lib/base/error.h"
#include "lib/sampling/grammar/annotations.h"
#include "lib/sampling/grammar/code_points.h"
#include "lib/sampling/grammar/regular_expression.h"

namespace carat::internal {
namespace {

using Kind = TypedSchema::Kind;

// How deep schemas may lie in each other at one place: through allOf, anyOf, oneOf and $ref.
constexpr int kDeepestChain = 32;
constexpr std::uint32_t kMostCount = 1'000'000'000;

constexpr std::array<std::string_view, 5> kNumberKeywords = {"minimum", "maximum", "exclusiveMinimum",
                                                             "exclusiveMaximum", "multipleOf"};
constexpr std::array<std::string_view, 4> kStringKeywords = {"minLength", "maxLength", "pattern", "format"};
constexpr std::array<std::string_view, 6> kArrayKeywords = {"items",    "prefixItems", "additionalItems",
                                                            "minItems", "maxItems",    "uniqueItems"};
constexpr std::array<std::string_view, 7> kObjectKeywords = {
    "properties", "patternProperties", "additionalProperties", "propertyNames",
    "required",   "minProperties",     "maxProperties"};
// ReadSchema and ReadKeywords see to them.
constexpr std::array<std::string_view, 10> kOtherKeywords = {
    "type", "enum", "const", "$ref", "allOf", "anyOf", "oneOf", "not", "nullable", "unevaluatedProperties"};

bool IsIn(std::span<const std::string_view> names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

TypedSchema OfKind(Kind kind) {
  TypedSchema schema;
  schema.kind = kind;
  return schema;
}

Alternatives Everything() {
  return {OfKind(Kind::kNull),   OfKind(Kind::kFalse), OfKind(Kind::kTrue),  OfKind(Kind::kNumber),
          OfKind(Kind::kString), OfKind(Kind::kArray), OfKind(Kind::kObject)};
}

TypedSchema* Find(Alternatives& all, Kind kind) {
  const auto found =
      std::find_if(all.begin(), all.end(), [kind](const TypedSchema& one) { return one.kind == kind; });
  return found == all.end() ? nullptr : &*found;
}

}  // namespace

Status SchemaReader::Expect(std::uint32_t node, JsonKind kind) const {
  if (tree_[node].kind() == kind) return {};
  return InvalidArgument("schema: %s must be %s, but is %s", tree_.PathOf(node), NameOf(kind),
                         NameOf(tree_[node].kind()));
}

Status SchemaReader::ExpectSchema(std::uint32_t node) const {
  const JsonKind kind = tree_[node].kind();
  if (kind == JsonKind::kObject || kind == JsonKind::kTrue || kind == JsonKind::kFalse) {
    return {};
  }
  return InvalidArgument("schema: %s must be a schema (an object or a truth value), but is %s",
                         tree_.PathOf(node), NameOf(kind));
}

Result<std::uint32_t> SchemaReader::Count(std::uint32_t value, bool is_maximum) const {
  CARAT_RETURN_IF_ERROR(Expect(value, JsonKind::kNumber));
  const Decimal number = ParseDecimal(tree_[value].text());
  const auto digits = static_cast<std::int64_t>(number.digits.size());
  if (number.negative || number.exponent < digits) {
    if (number.zero()) return 0U;
    return InvalidArgument("schema: %s is %s, but must be a whole number of at least 0", tree_.PathOf(value),
                           tree_[value].text());
  }
  if (number.exponent > 9) {
    if (is_maximum)
      return TypedSchema::kUnlimited;  // generators write the largest integer where they mean no limit
    return ResourceExhausted("schema: %s is %s, more than %d", tree_.PathOf(value), tree_[value].text(),
                             kMostCount);
  }
  std::uint32_t count = 0;
  for (std::int64_t i = 0; i < number.exponent; ++i) {
    const auto at = static_cast<std::size_t>(i);
    count =
        count * 10 + (at < number.digits.size() ? static_cast<std::uint32_t>(number.digits[at] - '0') : 0);
  }
  return count;
}

Result<std::shared_ptr<const Alternatives>> SchemaReader::Read(const Conjunction& parts) {
  if (parts.size() == 1) return ReadPart(parts[0], chain_);
  Alternatives all = Everything();
  for (const Part& part : parts) {
    CARAT_ASSIGN_OR_RETURN(const Shared one, ReadPart(part, chain_));
    CARAT_ASSIGN_OR_RETURN(all, Intersect(all, *one));
  }
  return std::make_shared<const Alternatives>(std::move(all));
}

Result<std::shared_ptr<const Alternatives>> SchemaReader::ReadPart(const Part& part, int depth) {
  if (const auto found = known_.find(part); found != known_.end()) return found->second;
  Alternatives all;
  switch (part.kind) {
    case Part::Kind::kNothing:
      break;
    case Part::Kind::kAnyObject:
      all.push_back(OfKind(Kind::kObject));
      break;
    case Part::Kind::kAnything:
      all = Everything();
      break;
    case Part::Kind::kConstant: {
      CARAT_ASSIGN_OR_RETURN(all, ReadConstants({&part.node, 1}));
      break;
    }
    case Part::Kind::kSchema: {
      if (depth > kDeepestChain) {
        return InvalidArgument("schema: %s lies in more than %d others at one place", tree_.PathOf(part.node),
                               kDeepestChain);
      }
      if (active_.count(part) != 0 && comparing_ > 0) return Status(StatusCode::kAborted, "");
      if (!active_.insert(part).second) {
        return InvalidArgument("schema: %s refers to itself without anything in between",
                               tree_.PathOf(part.node));
      }
      const int before = std::exchange(chain_, depth + 1);
      auto read = ReadSchema(part.node, depth);
      chain_ = before;
      active_.erase(part);
      if (!read.ok()) return read.status();
      all = *std::move(read);
      break;
    }
  }
  auto shared = std::make_shared<const Alternatives>(std::move(all));
  known_[part] = shared;
  return shared;
}

Result<Alternatives> SchemaReader::ReadSchema(std::uint32_t node, int depth) {
  CARAT_RETURN_IF_ERROR(ExpectSchema(node));
  if (tree_[node].kind() == JsonKind::kTrue) return Everything();
  if (tree_[node].kind() == JsonKind::kFalse) return Alternatives();
  CARAT_ASSIGN_OR_RETURN(Alternatives all, ReadKeywords(node));
  if (const auto value = tree_.Find(node, "enum")) {
    CARAT_RETURN_IF_ERROR(Expect(*value, JsonKind::kArray));
    CARAT_ASSIGN_OR_RETURN(const Alternatives constants, ReadConstants(tree_[*value].children()));
    CARAT_ASSIGN_OR_RETURN(all, Intersect(all, constants));
  }
  if (const auto value = tree_.Find(node, "const")) {
    CARAT_ASSIGN_OR_RETURN(const Alternatives constants, ReadConstants({&*value, 1}));
    CARAT_ASSIGN_OR_RETURN(all, Intersect(all, constants));
  }
  if (const auto value = tree_.Find(node, "$ref")) {
    CARAT_ASSIGN_OR_RETURN(const std::uint32_t target, Resolve(*value));
    CARAT_ASSIGN_OR_RETURN(const Shared other, ReadPart({Part::Kind::kSchema, target}, depth + 1));
    CARAT_ASSIGN_OR_RETURN(all, Intersect(all, *other));
  }
  if (const auto value = tree_.Find(node, "allOf")) {
    CARAT_RETURN_IF_ERROR(Expect(*value, JsonKind::kArray));
    for (const std::uint32_t child : tree_[*value].children()) {
      CARAT_ASSIGN_OR_RETURN(const Shared other, ReadPart({Part::Kind::kSchema, child}, depth + 1));
      CARAT_ASSIGN_OR_RETURN(all, Intersect(all, *other));
    }
  }
  for (const bool exclusive : {false, true}) {
    const auto value = tree_.Find(node, exclusive ? "oneOf" : "anyOf");
    if (!value) continue;
    CARAT_ASSIGN_OR_RETURN(const Alternatives choice, ReadChoice(*value, exclusive, depth));
    CARAT_ASSIGN_OR_RETURN(all, Intersect(all, choice));
  }
  if (const auto value = tree_.Find(node, "not")) CARAT_RETURN_IF_ERROR(ReadNot(*value, all));
  CARAT_RETURN_IF_ERROR(ReadUnevaluated(node, all));
  CARAT_RETURN_IF_ERROR(ReadNullable(node, all));
  return all;
}

// Of what a schema can forbid, only everything, nothing and types.
Status SchemaReader::ReadNot(std::uint32_t value, Alternatives& all) const {
  CARAT_RETURN_IF_ERROR(ExpectSchema(value));
  if (tree_[value].kind() == JsonKind::kFalse) return {};
  std::optional<std::uint32_t> type;
  for (const std::uint32_t child : tree_[value].children()) {
    const std::string_view key = tree_[child].key();
    if (key == "type") {
      type = child;
    } else if (!IsAnnotation(key)) {
      return Unimplemented(
          "schema: %s: the keyword 'not' is only supported with true, false, {} and a schema of types alone, "
          "but there is '%s'",
          tree_.PathOf(value), key);
    }
  }
  if (!type) {
    all.clear();
    return {};
  }
  Alternatives forbidden = Everything();
  CARAT_RETURN_IF_ERROR(ApplyType(*type, forbidden));
  for (const TypedSchema& one : forbidden) {
    if (one.kind == Kind::kNumber && one.number.integer) {
      return Unimplemented("schema: %s: the keyword 'not' is not supported with the type 'integer'",
                           tree_.PathOf(value));
    }
    std::erase_if(all, [&](const TypedSchema& other) { return other.kind == one.kind; });
  }
  return {};
}

// OpenAPI's: null fits too, whatever the other keywords say. Generators do not repeat it in type and enum.
Status SchemaReader::ReadNullable(std::uint32_t node, Alternatives& all) const {
  const auto value = tree_.Find(node, "nullable");
  if (!value) return {};
  if (!tree_[*value].is_boolean()) {
    return InvalidArgument("schema: %s must be true or false, but is %s", tree_.PathOf(*value),
                           NameOf(tree_[*value].kind()));
  }
  if (tree_[*value].is_true() && Find(all, Kind::kNull) == nullptr) all.push_back(OfKind(Kind::kNull));
  return {};
}

// Members that no schema of this place has spoken of; each alternative knows the schemas that it comes from.
Status SchemaReader::ReadUnevaluated(std::uint32_t node, Alternatives& all) const {
  const auto value = tree_.Find(node, "unevaluatedProperties");
  if (!value) return {};
  CARAT_RETURN_IF_ERROR(ExpectSchema(*value));
  if (tree_[*value].kind() == JsonKind::kTrue || (tree_[*value].is_object() && tree_[*value].size() == 0)) {
    return {};
  }
  if (tree_[*value].kind() != JsonKind::kFalse) {
    return Unimplemented(
        "schema: %s: the keyword 'unevaluatedProperties' is only supported with true and false",
        tree_.PathOf(node));
  }
  // Several schemas of an anyOf may fit at once, which the alternatives do not tell.
  if (HasAnyOf(node)) {
    return Unimplemented("schema: %s: the keyword 'unevaluatedProperties' is not supported beside anyOf",
                         tree_.PathOf(node));
  }
  for (TypedSchema& one : all) {
    if (one.kind == Kind::kObject) one.Close();
  }
  return {};
}

// One schema is a union; exclusive, only of schemas of which no two have a value in common.
Result<Alternatives> SchemaReader::ReadChoice(std::uint32_t value, bool exclusive, int depth) {
  CARAT_RETURN_IF_ERROR(Expect(value, JsonKind::kArray));
  if (tree_[value].children().empty()) {
    return InvalidArgument("schema: %s must not be empty", tree_.PathOf(value));
  }
  Alternatives all;
  std::vector<Shared> choices;
  for (const std::uint32_t child : tree_[value].children()) {
    CARAT_ASSIGN_OR_RETURN(Shared choice, ReadPart({Part::Kind::kSchema, child}, depth + 1));
    for (std::size_t i = 0; exclusive && i < choices.size(); ++i) {
      for (const TypedSchema& one : *choices[i]) {
        for (const TypedSchema& other : *choice) {
          CARAT_ASSIGN_OR_RETURN(const bool overlap, MayOverlap(one, other, 0));
          if (!overlap) continue;
          return Unimplemented(
              "schema: %s: oneOf is only supported where no value fits two of it, but one may fit %d and %d; "
              "anyOf does not ask for that",
              tree_.PathOf(value), i, choices.size());
        }
      }
    }
    all.insert(all.end(), choice->begin(), choice->end());
    if (exclusive) choices.push_back(std::move(choice));
    CARAT_ASSIGN_OR_RETURN(all, Intersect(all, Everything()));  // for the limit
  }
  return all;
}

Result<Alternatives> SchemaReader::ReadConstants(std::span<const std::uint32_t> nodes) const {
  Alternatives all;
  TypedSchema numbers = OfKind(Kind::kNumber);
  TypedSchema strings = OfKind(Kind::kString);
  numbers.number_list.emplace();
  strings.text_list.emplace();
  for (const std::uint32_t node : nodes) {
    const JsonValue constant = tree_[node];
    switch (constant.kind()) {
      case JsonKind::kNull:
        all.push_back(OfKind(Kind::kNull));
        break;
      case JsonKind::kFalse:
        all.push_back(OfKind(Kind::kFalse));
        break;
      case JsonKind::kTrue:
        all.push_back(OfKind(Kind::kTrue));
        break;
      case JsonKind::kNumber:
        if (constant.text().find_first_of(".eE") == std::string_view::npos) {
          numbers.number_list->emplace_back(constant.text());
        } else {
          // However the value is written.
          TypedSchema number = OfKind(Kind::kNumber);
          number.number.RaiseLow({ParseDecimal(constant.text()), false});
          number.number.LowerHigh({ParseDecimal(constant.text()), false});
          all.push_back(std::move(number));
        }
        break;
      case JsonKind::kString: {
        auto text = ToCodePoints(constant.text());
        if (!text) return InvalidArgument("schema: %s is not UTF-8", tree_.PathOf(node));
        strings.text_list->push_back(*std::move(text));
        break;
      }
      case JsonKind::kArray: {
        TypedSchema array = OfKind(Kind::kArray);
        for (const std::uint32_t child : constant.children()) {
          array.first_items.push_back({{Part::Kind::kConstant, child}});
        }
        array.other_items = {{Part::Kind::kNothing, 0}};
        array.least = array.most = static_cast<std::uint32_t>(constant.size());
        all.push_back(std::move(array));
        break;
      }
      case JsonKind::kObject: {
        TypedSchema object = OfKind(Kind::kObject);
        auto shape = std::make_shared<ObjectShape>();
        for (const std::uint32_t child : constant.children()) {
          const std::string key(tree_[child].key());
          shape->properties[key] = {Part::Kind::kConstant, child};
          object.required.insert(key);
        }
        shape->additional = Part{Part::Kind::kNothing, 0};
        object.shapes.push_back(std::move(shape));
        all.push_back(std::move(object));
        break;
      }
    }
  }
  if (!numbers.number_list->empty()) all.push_back(std::move(numbers));
  if (!strings.text_list->empty()) all.push_back(std::move(strings));
  return Intersect(all, Everything());  // for the limit
}

Status SchemaReader::ApplyType(std::uint32_t value, Alternatives& all) const {
  std::span<const std::uint32_t> names(&value, 1);
  if (tree_[value].is_array()) names = tree_[value].children();
  std::set<Kind> kinds;
  bool integer = false;
  for (const std::uint32_t name : names) {
    CARAT_RETURN_IF_ERROR(Expect(name, JsonKind::kString));
    const std::string_view type = tree_[name].text();
    if (type == "null") {
      kinds.insert(Kind::kNull);
    } else if (type == "boolean") {
      kinds.insert(Kind::kFalse);
      kinds.insert(Kind::kTrue);
    } else if (type == "number") {
      kinds.insert(Kind::kNumber);
    } else if (type == "integer") {
      integer = true;
    } else if (type == "string") {
      kinds.insert(Kind::kString);
    } else if (type == "array") {
      kinds.insert(Kind::kArray);
    } else if (type == "object") {
      kinds.insert(Kind::kObject);
    } else {
      return InvalidArgument("schema: %s: '%s' is not a type", tree_.PathOf(name), type);
    }
  }
  if (integer && kinds.insert(Kind::kNumber).second) Find(all, Kind::kNumber)->number.integer = true;
  std::erase_if(all, [&](const TypedSchema& one) { return kinds.count(one.kind) == 0; });
  return {};
}

Result<Alternatives> SchemaReader::ReadKeywords(std::uint32_t node) {
  Alternatives all = Everything();
  auto shape = std::make_shared<ObjectShape>();
  for (const std::uint32_t child : tree_[node].children()) {
    CARAT_RETURN_IF_ERROR(ReadKeyword(node, std::string(tree_[child].key()), child, all, *shape));
  }
  const bool says_something = shape->lists_members || !shape->properties.empty() ||
                              !shape->patterns.empty() || shape->additional.has_value();
  if (says_something) Find(all, Kind::kObject)->shapes.push_back(std::move(shape));
  if (const auto value = tree_.Find(node, "type")) CARAT_RETURN_IF_ERROR(ApplyType(*value, all));
  return all;
}

Status SchemaReader::ReadKeyword(std::uint32_t node, const std::string& key, std::uint32_t value,
                                 Alternatives& all, ObjectShape& shape) {
  if (IsIn(kNumberKeywords, key)) return ReadNumberKeyword(key, node, value, *Find(all, Kind::kNumber));
  if (IsIn(kStringKeywords, key)) return ReadStringKeyword(key, value, *Find(all, Kind::kString));
  if (IsIn(kArrayKeywords, key)) return ReadArrayKeyword(key, node, value, *Find(all, Kind::kArray));
  if (IsIn(kObjectKeywords, key)) return ReadObjectKeyword(key, value, *Find(all, Kind::kObject), shape);
  if (IsAnnotation(key) || IsIn(kOtherKeywords, key)) return {};
  // They then say nothing.
  const bool is_true = tree_[value].is_true() || (tree_[value].is_object() && tree_[value].size() == 0);
  if (key == "unevaluatedItems" && is_true) return {};
  return Unimplemented("schema: %s: the keyword '%s' is not supported", tree_.PathOf(node), key);
}

Status SchemaReader::ReadNumberKeyword(const std::string& key, std::uint32_t node, std::uint32_t value,
                                       TypedSchema& number) {
  NumberSpec& spec = number.number;
  // In draft 4 and OpenAPI 3.0 a truth value says whether the bound beside it is outside.
  if (key.starts_with("exclusive") && tree_[value].is_boolean()) {
    const bool low = key == "exclusiveMinimum";
    const auto bound = tree_.Find(node, low ? "minimum" : "maximum");
    if (!bound || !tree_[value].is_true()) return {};
    CARAT_RETURN_IF_ERROR(Expect(*bound, JsonKind::kNumber));
    const Decimal limit = ParseDecimal(tree_[*bound].text());
    low ? spec.RaiseLow({limit, true}) : spec.LowerHigh({limit, true});
    return {};
  }
  CARAT_RETURN_IF_ERROR(Expect(value, JsonKind::kNumber));
  const Decimal limit = ParseDecimal(tree_[value].text());
  if (key == "minimum") spec.RaiseLow({limit, false});
  if (key == "exclusiveMinimum") spec.RaiseLow({limit, true});
  if (key == "maximum") spec.LowerHigh({limit, false});
  if (key == "exclusiveMaximum") spec.LowerHigh({limit, true});
  if (key != "multipleOf") return {};
  if (limit.zero() || limit.negative) {
    return InvalidArgument("schema: %s is %s, but must be above 0", tree_.PathOf(value), tree_[value].text());
  }
  return spec.AddMultiple(limit);
}

Status SchemaReader::ReadStringKeyword(const std::string& key, std::uint32_t value, TypedSchema& string) {
  if (key == "minLength" || key == "maxLength") {
    CARAT_ASSIGN_OR_RETURN((key == "minLength" ? string.least : string.most),
                           Count(value, key != "minLength"));
    return {};
  }
  CARAT_RETURN_IF_ERROR(Expect(value, JsonKind::kString));
  const std::string_view text = tree_[value].text();
  auto compiled = key == "format" ? CompileFormat(text) : CompilePattern(text);
  if (!compiled.ok()) {
    return Status(compiled.status().code(),
                  "schema: " + tree_.PathOf(value) + ": " + std::string(compiled.status().message()));
  }
  if (*compiled == nullptr) return {};  // a format that is not known is an annotation
  string.texts.push_back(*std::move(compiled));
  return {};
}

Status SchemaReader::ReadArrayKeyword(const std::string& key, std::uint32_t node, std::uint32_t value,
                                      TypedSchema& array) {
  if (key == "minItems" || key == "maxItems") {
    CARAT_ASSIGN_OR_RETURN((key == "minItems" ? array.least : array.most), Count(value, key != "minItems"));
    return {};
  }
  if (key == "uniqueItems") {
    if (!tree_[value].is_boolean()) {
      return InvalidArgument("schema: %s must be true or false, but is %s", tree_.PathOf(value),
                             NameOf(tree_[value].kind()));
    }
    if (tree_[value].is_true()) array.unique = node;
    return {};
  }
  // Before draft 2020-12 the first items were a list in `items`, and `additionalItems` the others.
  const bool listed = tree_[value].kind() == JsonKind::kArray;
  if (key == "prefixItems" || (key == "items" && listed)) {
    CARAT_RETURN_IF_ERROR(Expect(value, JsonKind::kArray));
    if (!array.first_items.empty()) {
      return InvalidArgument("schema: %s has prefixItems and a list of items", tree_.PathOf(node));
    }
    for (const std::uint32_t child : tree_[value].children()) {
      CARAT_RETURN_IF_ERROR(ExpectSchema(child));
      array.first_items.push_back({{Part::Kind::kSchema, child}});
    }
    return {};
  }
  CARAT_RETURN_IF_ERROR(ExpectSchema(value));
  if (key == "additionalItems") {
    const auto items = tree_.Find(node, "items");
    if (!items || tree_[*items].kind() != JsonKind::kArray) return {};  // it then says nothing
  }
  array.other_items = {{Part::Kind::kSchema, value}};
  return {};
}

Status SchemaReader::ReadObjectKeyword(const std::string& key, std::uint32_t value, TypedSchema& object,
                                       ObjectShape& shape) {
  if (key == "minProperties" || key == "maxProperties") {
    CARAT_ASSIGN_OR_RETURN((key == "minProperties" ? object.least : object.most),
                           Count(value, key != "minProperties"));
    return {};
  }
  if (key == "required") {
    CARAT_RETURN_IF_ERROR(Expect(value, JsonKind::kArray));
    for (const std::uint32_t child : tree_[value].children()) {
      CARAT_RETURN_IF_ERROR(Expect(child, JsonKind::kString));
      object.required.emplace(tree_[child].text());
    }
    return {};
  }
  if (key == "additionalProperties") {
    CARAT_RETURN_IF_ERROR(ExpectSchema(value));
    shape.additional = Part{Part::Kind::kSchema, value};
    return {};
  }
  if (key == "propertyNames") {
    CARAT_RETURN_IF_ERROR(ExpectSchema(value));
    object.names = {{Part::Kind::kSchema, value}};
    return {};
  }
  CARAT_RETURN_IF_ERROR(Expect(value, JsonKind::kObject));
  shape.lists_members = shape.lists_members || key == "properties";
  for (const std::uint32_t child : tree_[value].children()) {
    const std::string name(tree_[child].key());
    const Part part{Part::Kind::kSchema, child};
    CARAT_RETURN_IF_ERROR(ExpectSchema(part.node));
    if (key == "properties") {
      shape.properties[name] = part;
      continue;
    }
    auto pattern = CompilePattern(name);
    if (!pattern.ok()) {
      return Status(pattern.status().code(),
                    "schema: " + tree_.PathOf(part.node) + ": " + std::string(pattern.status().message()));
    }
    shape.patterns.emplace_back(*std::move(pattern), part);
  }
  return {};
}

}  // namespace carat::internal
