#include "lib/sampling/grammar/schema.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "lib/base/error.h"
#include "lib/sampling/grammar/code_points.h"
#include "lib/sampling/grammar/regular_expression.h"

namespace carat::internal {
namespace {

using Kind = TypedSchema::Kind;

// How deep schemas may lie in each other at one place: through allOf, anyOf, oneOf and $ref.
constexpr int kDeepestChain = 32;
constexpr std::uint32_t kMostCount = 1'000'000'000;

// They say nothing about which documents are valid.
constexpr std::array<std::string_view, 14> kAnnotations = {
    "title", "description", "default",          "examples",       "$schema",
    "$id",   "$comment",    "deprecated",       "readOnly",       "writeOnly",
    "$defs", "definitions", "contentMediaType", "contentEncoding"};
constexpr std::array<std::string_view, 5> kNumberKeywords = {"minimum", "maximum", "exclusiveMinimum",
                                                             "exclusiveMaximum", "multipleOf"};
constexpr std::array<std::string_view, 4> kStringKeywords = {"minLength", "maxLength", "pattern", "format"};
constexpr std::array<std::string_view, 6> kArrayKeywords = {"items",    "prefixItems", "additionalItems",
                                                            "minItems", "maxItems",    "uniqueItems"};
constexpr std::array<std::string_view, 7> kObjectKeywords = {
    "properties", "patternProperties", "additionalProperties", "propertyNames",
    "required",   "minProperties",     "maxProperties"};
// ReadSchema and ReadKeywords see to them.
constexpr std::array<std::string_view, 8> kOtherKeywords = {"type",  "enum",  "const", "$ref",
                                                            "allOf", "anyOf", "oneOf", "additionalItems"};

template <std::size_t n>
bool IsIn(const std::array<std::string_view, n>& names, std::string_view name) {
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

Status SchemaReader::Expect(std::uint32_t node, JsonNode::Kind kind) const {
  if (tree_[node].kind == kind) return {};
  return InvalidArgument("schema: %s must be %s, but is %s", tree_.PathOf(node), NameOf(kind),
                         NameOf(tree_[node].kind));
}

Status SchemaReader::ExpectSchema(std::uint32_t node) const {
  const JsonNode::Kind kind = tree_[node].kind;
  if (kind == JsonNode::Kind::kObject || kind == JsonNode::Kind::kTrue || kind == JsonNode::Kind::kFalse) {
    return {};
  }
  return InvalidArgument("schema: %s must be a schema (an object or a truth value), but is %s",
                         tree_.PathOf(node), NameOf(kind));
}

Result<std::uint32_t> SchemaReader::Count(std::uint32_t value) const {
  CARAT_RETURN_IF_ERROR(Expect(value, JsonNode::Kind::kNumber));
  const Decimal number = ParseDecimal(tree_[value].text);
  const auto digits = static_cast<std::int64_t>(number.digits.size());
  if (number.negative || number.exponent < digits) {
    if (number.zero()) return 0U;
    return InvalidArgument("schema: %s is %s, but must be a whole number of at least 0", tree_.PathOf(value),
                           tree_[value].text);
  }
  if (number.exponent > 9) {
    return ResourceExhausted("schema: %s is %s, more than %d", tree_.PathOf(value), tree_[value].text,
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
  if (parts.size() == 1) return ReadPart(parts[0], 0);
  Alternatives all = Everything();
  for (const Part& part : parts) {
    CARAT_ASSIGN_OR_RETURN(const Shared one, ReadPart(part, 0));
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
    case Part::Kind::kConstant: {
      CARAT_ASSIGN_OR_RETURN(all, ReadConstants({part.node}));
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
      auto read = ReadSchema(part.node, depth);
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
  if (tree_[node].kind == JsonNode::Kind::kTrue) return Everything();
  if (tree_[node].kind == JsonNode::Kind::kFalse) return Alternatives();
  CARAT_ASSIGN_OR_RETURN(Alternatives all, ReadKeywords(node));
  if (const auto value = tree_.Find(node, "enum")) {
    CARAT_RETURN_IF_ERROR(Expect(*value, JsonNode::Kind::kArray));
    CARAT_ASSIGN_OR_RETURN(const Alternatives constants, ReadConstants(tree_[*value].children));
    CARAT_ASSIGN_OR_RETURN(all, Intersect(all, constants));
  }
  if (const auto value = tree_.Find(node, "const")) {
    CARAT_ASSIGN_OR_RETURN(const Alternatives constants, ReadConstants({*value}));
    CARAT_ASSIGN_OR_RETURN(all, Intersect(all, constants));
  }
  if (const auto value = tree_.Find(node, "$ref")) {
    CARAT_ASSIGN_OR_RETURN(const std::uint32_t target, Resolve(*value));
    CARAT_ASSIGN_OR_RETURN(const Shared other, ReadPart({Part::Kind::kSchema, target}, depth + 1));
    CARAT_ASSIGN_OR_RETURN(all, Intersect(all, *other));
  }
  if (const auto value = tree_.Find(node, "allOf")) {
    CARAT_RETURN_IF_ERROR(Expect(*value, JsonNode::Kind::kArray));
    for (const std::uint32_t child : tree_[*value].children) {
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
  return all;
}

// One schema is a union; exclusive, only of schemas of which no two have a value in common.
Result<Alternatives> SchemaReader::ReadChoice(std::uint32_t value, bool exclusive, int depth) {
  CARAT_RETURN_IF_ERROR(Expect(value, JsonNode::Kind::kArray));
  if (tree_[value].children.empty()) {
    return InvalidArgument("schema: %s must not be empty", tree_.PathOf(value));
  }
  Alternatives all;
  std::vector<Shared> choices;
  for (const std::uint32_t child : tree_[value].children) {
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

Result<std::uint32_t> SchemaReader::Resolve(std::uint32_t value) const {
  CARAT_RETURN_IF_ERROR(Expect(value, JsonNode::Kind::kString));
  const std::string& reference = tree_[value].text;
  std::uint32_t base = value;
  while (bases_.count(base) == 0) base = tree_[base].parent;
  if (reference.empty() || reference[0] != '#' || (reference.size() > 1 && reference[1] != '/')) {
    return Unimplemented(
        "schema: %s: the $ref '%s' is not supported: only those into this schema are, '#/...'",
        tree_.PathOf(value), reference);
  }
  const auto target = tree_.Follow(base, std::string_view(reference).substr(1));
  if (!target) {
    return InvalidArgument("schema: %s: there is nothing at '%s'", tree_.PathOf(value), reference);
  }
  return *target;
}

Result<Alternatives> SchemaReader::ReadConstants(const std::vector<std::uint32_t>& nodes) const {
  Alternatives all;
  TypedSchema numbers = OfKind(Kind::kNumber);
  TypedSchema strings = OfKind(Kind::kString);
  numbers.number_list.emplace();
  strings.text_list.emplace();
  for (const std::uint32_t node : nodes) {
    const JsonNode& constant = tree_[node];
    switch (constant.kind) {
      case JsonNode::Kind::kNull:
        all.push_back(OfKind(Kind::kNull));
        break;
      case JsonNode::Kind::kFalse:
        all.push_back(OfKind(Kind::kFalse));
        break;
      case JsonNode::Kind::kTrue:
        all.push_back(OfKind(Kind::kTrue));
        break;
      case JsonNode::Kind::kNumber:
        if (constant.text.find_first_of(".eE") == std::string::npos) {
          numbers.number_list->push_back(constant.text);
        } else {
          // However the value is written.
          TypedSchema number = OfKind(Kind::kNumber);
          number.number.RaiseLow({ParseDecimal(constant.text), false});
          number.number.LowerHigh({ParseDecimal(constant.text), false});
          all.push_back(std::move(number));
        }
        break;
      case JsonNode::Kind::kString: {
        auto text = ToCodePoints(constant.text);
        if (!text) return InvalidArgument("schema: %s is not UTF-8", tree_.PathOf(node));
        strings.text_list->push_back(*std::move(text));
        break;
      }
      case JsonNode::Kind::kArray: {
        TypedSchema array = OfKind(Kind::kArray);
        for (const std::uint32_t child : constant.children) {
          array.first_items.push_back({{Part::Kind::kConstant, child}});
        }
        array.other_items = {{Part::Kind::kNothing, 0}};
        array.least = array.most = static_cast<std::uint32_t>(constant.children.size());
        all.push_back(std::move(array));
        break;
      }
      case JsonNode::Kind::kObject: {
        TypedSchema object = OfKind(Kind::kObject);
        auto shape = std::make_shared<ObjectShape>();
        for (std::size_t i = 0; i < constant.keys.size(); ++i) {
          shape->properties[constant.keys[i]] = {Part::Kind::kConstant, constant.children[i]};
          object.required.insert(constant.keys[i]);
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
  std::vector<std::uint32_t> names = {value};
  if (tree_[value].kind == JsonNode::Kind::kArray) names = tree_[value].children;
  std::set<Kind> kinds;
  bool integer = false;
  for (const std::uint32_t name : names) {
    CARAT_RETURN_IF_ERROR(Expect(name, JsonNode::Kind::kString));
    const std::string& type = tree_[name].text;
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
  const JsonNode& schema = tree_[node];
  for (std::size_t i = 0; i < schema.keys.size(); ++i) {
    CARAT_RETURN_IF_ERROR(ReadKeyword(node, schema.keys[i], schema.children[i], all, *shape));
  }
  const bool says_something =
      !shape->properties.empty() || !shape->patterns.empty() || shape->additional.has_value();
  if (says_something) Find(all, Kind::kObject)->shapes.push_back(std::move(shape));
  if (const auto value = tree_.Find(node, "type")) CARAT_RETURN_IF_ERROR(ApplyType(*value, all));
  return all;
}

Status SchemaReader::ReadKeyword(std::uint32_t node, const std::string& key, std::uint32_t value,
                                 Alternatives& all, ObjectShape& shape) {
  if (IsIn(kNumberKeywords, key)) return ReadNumberKeyword(key, value, *Find(all, Kind::kNumber));
  if (IsIn(kStringKeywords, key)) return ReadStringKeyword(key, value, *Find(all, Kind::kString));
  if (IsIn(kArrayKeywords, key)) return ReadArrayKeyword(key, node, value, *Find(all, Kind::kArray));
  if (IsIn(kObjectKeywords, key)) return ReadObjectKeyword(key, value, *Find(all, Kind::kObject), shape);
  if (IsIn(kAnnotations, key) || IsIn(kOtherKeywords, key)) return {};
  return Unimplemented("schema: %s: the keyword '%s' is not supported", tree_.PathOf(node), key);
}

Status SchemaReader::ReadNumberKeyword(const std::string& key, std::uint32_t value, TypedSchema& number) {
  CARAT_RETURN_IF_ERROR(Expect(value, JsonNode::Kind::kNumber));
  const Decimal limit = ParseDecimal(tree_[value].text);
  if (key == "minimum") number.number.RaiseLow({limit, false});
  if (key == "exclusiveMinimum") number.number.RaiseLow({limit, true});
  if (key == "maximum") number.number.LowerHigh({limit, false});
  if (key == "exclusiveMaximum") number.number.LowerHigh({limit, true});
  if (key != "multipleOf") return {};
  if (limit.zero() || limit.negative) {
    return InvalidArgument("schema: %s is %s, but must be above 0", tree_.PathOf(value), tree_[value].text);
  }
  return number.number.AddMultiple(limit);
}

Status SchemaReader::ReadStringKeyword(const std::string& key, std::uint32_t value, TypedSchema& string) {
  if (key == "minLength" || key == "maxLength") {
    CARAT_ASSIGN_OR_RETURN((key == "minLength" ? string.least : string.most), Count(value));
    return {};
  }
  CARAT_RETURN_IF_ERROR(Expect(value, JsonNode::Kind::kString));
  const std::string& text = tree_[value].text;
  auto compiled = key == "format" ? CompileFormat(text) : CompilePattern(text);
  if (!compiled.ok()) {
    return Status(compiled.status().code(),
                  "schema: " + tree_.PathOf(value) + ": " + std::string(compiled.status().message()));
  }
  if (*compiled == nullptr) {
    return Unimplemented("schema: %s: the format '%s' is not supported", tree_.PathOf(value), text);
  }
  string.texts.push_back(*std::move(compiled));
  return {};
}

Status SchemaReader::ReadArrayKeyword(const std::string& key, std::uint32_t node, std::uint32_t value,
                                      TypedSchema& array) {
  if (key == "minItems" || key == "maxItems") {
    CARAT_ASSIGN_OR_RETURN((key == "minItems" ? array.least : array.most), Count(value));
    return {};
  }
  if (key == "uniqueItems") {
    if (tree_[value].kind == JsonNode::Kind::kFalse) return {};
    return Unimplemented("schema: %s: the keyword 'uniqueItems' is not supported", tree_.PathOf(node));
  }
  // Before draft 2020-12 the first items were a list in `items`, and `additionalItems` the others.
  const bool listed = tree_[value].kind == JsonNode::Kind::kArray;
  if (key == "prefixItems" || (key == "items" && listed)) {
    CARAT_RETURN_IF_ERROR(Expect(value, JsonNode::Kind::kArray));
    if (!array.first_items.empty()) {
      return InvalidArgument("schema: %s has prefixItems and a list of items", tree_.PathOf(node));
    }
    for (const std::uint32_t child : tree_[value].children) {
      CARAT_RETURN_IF_ERROR(ExpectSchema(child));
      array.first_items.push_back({{Part::Kind::kSchema, child}});
    }
    return {};
  }
  CARAT_RETURN_IF_ERROR(ExpectSchema(value));
  if (key == "additionalItems") {
    const auto items = tree_.Find(node, "items");
    if (!items || tree_[*items].kind != JsonNode::Kind::kArray) return {};  // it then says nothing
  }
  array.other_items = {{Part::Kind::kSchema, value}};
  return {};
}

Status SchemaReader::ReadObjectKeyword(const std::string& key, std::uint32_t value, TypedSchema& object,
                                       ObjectShape& shape) {
  if (key == "minProperties" || key == "maxProperties") {
    CARAT_ASSIGN_OR_RETURN((key == "minProperties" ? object.least : object.most), Count(value));
    return {};
  }
  if (key == "required") {
    CARAT_RETURN_IF_ERROR(Expect(value, JsonNode::Kind::kArray));
    for (const std::uint32_t child : tree_[value].children) {
      CARAT_RETURN_IF_ERROR(Expect(child, JsonNode::Kind::kString));
      object.required.insert(tree_[child].text);
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
  CARAT_RETURN_IF_ERROR(Expect(value, JsonNode::Kind::kObject));
  for (std::size_t i = 0; i < tree_[value].keys.size(); ++i) {
    const std::string& name = tree_[value].keys[i];
    const Part part{Part::Kind::kSchema, tree_[value].children[i]};
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
