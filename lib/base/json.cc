#include "lib/base/json.h"

#include <algorithm>
#include <utility>

#include "lib/base/error.h"
#include "lib/base/file_mapping.h"
#include "lib/base/json_tree.h"

namespace carat::internal {
namespace {

namespace dom = simdjson::dom;

std::string_view TypeName(const dom::element& element) {
  switch (element.type()) {
    case dom::element_type::ARRAY:
      return "an array";
    case dom::element_type::OBJECT:
      return "an object";
    case dom::element_type::INT64:
    case dom::element_type::UINT64:
      return "an integer";
    case dom::element_type::DOUBLE:
      return "a number";
    case dom::element_type::STRING:
      return "a string";
    case dom::element_type::BOOL:
      return "true or false";
    case dom::element_type::NULL_VALUE:
      return "null";
  }
  return "something else";
}

// The value with U+FFFD for halves of surrogate pairs, and with integers beyond 64 bits as floating-point
// numbers, which is what simdjson takes.
std::string TextForSimdjson(const JsonValue& value) {
  const std::string text = JsonTextOf(value);
  std::string plain;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    plain += text[i];
    if (in_string && text[i] == '\\') plain += text[++i];
    if (text[i] == '"') in_string = !in_string;
    if (in_string || text[i] < '0' || text[i] > '9') continue;
    const std::size_t end = std::min(text.find_first_not_of("0123456789.eE+-", i), text.size());
    const std::string_view rest = std::string_view(text).substr(i, end - i);
    plain += rest.substr(1);
    constexpr std::size_t kMostDigits = 18;  // they fit in 64 bits
    if (rest.size() > kMostDigits && rest.find_first_of(".eE") == std::string_view::npos) plain += ".0";
    i = end - 1;
  }
  return plain;
}

}  // namespace

Result<JsonDocument> JsonDocument::Parse(std::string_view text, std::string source) {
  JsonDocument document;
  document.source_ = std::move(source);
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  if (text.empty()) return DataLoss("%s: not valid JSON: it is empty", document.source_);
  document.parser_ = std::make_unique<dom::parser>();
  auto error =
      document.parser_->parse(text.data(), text.size(), /*realloc_if_needed=*/true).get(document.root_);
  if (!error) return document;
  if (error == simdjson::MEMALLOC)
    return ResourceExhausted("%s: out of memory while parsing", document.source_);
  // JsonTree says where it is wrong; or it is right, only not for simdjson.
  const auto tree = JsonTree::Parse(text, document.source_);
  if (tree.status().code() == StatusCode::kInvalidArgument)
    return Status(StatusCode::kDataLoss, tree.status().message());
  if (!tree.ok()) return tree.status();
  const std::string plain = TextForSimdjson(tree->root());
  error = document.parser_->parse(plain).get(document.root_);
  if (error == simdjson::MEMALLOC)
    return ResourceExhausted("%s: out of memory while parsing", document.source_);
  if (error) return DataLoss("%s: it holds a number beyond the largest floating-point one", document.source_);
  return document;
}

Result<JsonDocument> JsonDocument::ParseFile(const std::string& path) {
  CARAT_ASSIGN_OR_RETURN(auto mapping, FileMapping::Open(path));
  const auto bytes = mapping->bytes();
  return Parse({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path);
}

Result<JsonObject> JsonObject::From(const dom::element& element, std::string source, std::string where) {
  dom::object object;
  if (element.get(object)) {
    return InvalidArgument("%s: %s must be an object, but is %s", source,
                           where.empty() ? "the document" : where, std::string(TypeName(element)));
  }
  return JsonObject(object, std::move(source), std::move(where));
}

std::string JsonObject::Locate(std::string_view key) const {
  return absl::StrFormat("%s: %s%s%s", source_, where_, where_.empty() ? "" : ".", std::string(key));
}

Status JsonObject::WrongType(std::string_view key, std::string_view expected,
                             const dom::element& found) const {
  return InvalidArgument("%s must be %s, but is %s", Locate(key), std::string(expected),
                         std::string(TypeName(found)));
}

std::optional<dom::element> JsonObject::Find(std::string_view key) const {
  dom::element element;
  if (object_.at_key(key).get(element) || element.is_null()) return std::nullopt;
  return element;
}

Result<std::optional<std::int64_t>> JsonObject::Integer(std::string_view key) const {
  const auto element = Find(key);
  if (!element) return std::optional<std::int64_t>();
  std::int64_t value;
  if (element->get(value)) return WrongType(key, "an integer", *element);
  return std::optional<std::int64_t>(value);
}

Result<std::optional<double>> JsonObject::Number(std::string_view key) const {
  const auto element = Find(key);
  if (!element) return std::optional<double>();
  double value;
  if (element->get(value)) return WrongType(key, "a number", *element);
  return std::optional<double>(value);
}

Result<std::optional<bool>> JsonObject::Boolean(std::string_view key) const {
  const auto element = Find(key);
  if (!element) return std::optional<bool>();
  bool value;
  if (element->get(value)) return WrongType(key, "true or false", *element);
  return std::optional<bool>(value);
}

Result<std::optional<std::string>> JsonObject::String(std::string_view key) const {
  const auto element = Find(key);
  if (!element) return std::optional<std::string>();
  std::string_view value;
  if (element->get(value)) return WrongType(key, "a string", *element);
  return std::optional<std::string>(value);
}

Result<std::optional<JsonObject>> JsonObject::Object(std::string_view key) const {
  const auto element = Find(key);
  if (!element) return std::optional<JsonObject>();
  dom::object value;
  if (element->get(value)) return WrongType(key, "an object", *element);
  std::string where = where_.empty() ? std::string(key) : where_ + "." + std::string(key);
  return std::optional<JsonObject>(JsonObject(value, source_, std::move(where)));
}

Result<std::optional<std::vector<std::string>>> JsonObject::Strings(std::string_view key) const {
  const auto element = Find(key);
  if (!element) return std::optional<std::vector<std::string>>();
  dom::array array;
  if (element->get(array)) return WrongType(key, "a list of strings", *element);
  std::vector<std::string> values;
  for (const dom::element item : array) {
    std::string_view value;
    if (item.get(value)) return WrongType(key, "a list of strings", item);
    values.emplace_back(value);
  }
  return std::optional<std::vector<std::string>>(std::move(values));
}

Result<std::optional<std::vector<std::int64_t>>> JsonObject::Integers(std::string_view key) const {
  const auto element = Find(key);
  if (!element) return std::optional<std::vector<std::int64_t>>();
  std::vector<std::int64_t> values;
  std::int64_t value;
  dom::array array;
  if (!element->get(value)) {
    values.push_back(value);
  } else if (!element->get(array)) {
    for (const dom::element item : array) {
      if (item.get(value)) return WrongType(key, "an integer or a list of integers", item);
      values.push_back(value);
    }
  } else {
    return WrongType(key, "an integer or a list of integers", *element);
  }
  return std::optional<std::vector<std::int64_t>>(std::move(values));
}

}  // namespace carat::internal
