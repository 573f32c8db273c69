#include "examples/cli/check/json_reading.h"

#include <limits>
#include <utility>

#include "absl/strings/str_format.h"
#include "examples/cli/error.h"

namespace carat::cli {

JsonFile::JsonFile(const std::string& path) {
  const auto error = parser_.load(path).get(root_);
  if (error != simdjson::SUCCESS)
    throw Error(kExitBadInput, absl::StrFormat("%s: %s", path, simdjson::error_message(error)));
}

JsonObject::JsonObject(const simdjson::dom::element& element, std::string where) : where_(std::move(where)) {
  if (element.get_object().get(object_) != simdjson::SUCCESS)
    throw Error(kExitBadInput, absl::StrFormat("%s: expected a JSON object", where_));
}

void JsonObject::Complain(std::string_view key, std::string_view expected) const {
  throw Error(kExitBadInput, absl::StrFormat("%s: '%s' should be %s", where_, key, expected));
}

bool JsonObject::Has(std::string_view key) const {
  simdjson::dom::element member;
  return object_.at_key(key).get(member) == simdjson::SUCCESS && !member.is_null();
}

template <typename T>
T JsonObject::Member(std::string_view key, std::string_view expected) const {
  T value;
  if (object_.at_key(key).get<T>().get(value) != simdjson::SUCCESS) Complain(key, expected);
  return value;
}

template <typename T>
std::vector<T> JsonObject::Elements(std::string_view key, std::string_view expected) const {
  std::vector<T> values;
  for (const simdjson::dom::element element : Array(key)) {
    T value;
    if (element.get<T>().get(value) != simdjson::SUCCESS) Complain(key, expected);
    values.push_back(value);
  }
  return values;
}

simdjson::dom::array JsonObject::Array(std::string_view key) const {
  return Member<simdjson::dom::array>(key, "a list");
}

std::string JsonObject::String(std::string_view key) const {
  return std::string(Member<std::string_view>(key, "a string"));
}

std::optional<std::string> JsonObject::StringIfAny(std::string_view key) const {
  if (!Has(key)) return std::nullopt;
  return String(key);
}

std::vector<std::int32_t> JsonObject::Integers(std::string_view key) const {
  constexpr std::string_view kExpected = "a list of token ids";
  std::vector<std::int32_t> ids;
  for (const std::int64_t value : Elements<std::int64_t>(key, kExpected)) {
    if (value < 0 || value > std::numeric_limits<std::int32_t>::max()) Complain(key, kExpected);
    ids.push_back(static_cast<std::int32_t>(value));
  }
  return ids;
}

std::vector<double> JsonObject::Numbers(std::string_view key) const {
  return Elements<double>(key, "a list of numbers");
}

}  // namespace carat::cli
