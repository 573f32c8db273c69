#include "lib/weights/folder/config_values.h"

#include <cmath>
#include <span>

#include "lib/base/error.h"
#include "lib/base/file_kind.h"
#include "lib/base/file_mapping.h"

namespace carat::internal {
namespace {

constexpr std::size_t kLargestJsonFile = std::size_t{16} << 20;

Status CheckRange(const JsonObject& object, std::string_view key, std::int64_t value, IntegerRange range) {
  if (value >= range.low && value <= range.high) return {};
  return InvalidArgument("%s is %d, but must lie in %d .. %d", object.Locate(key), value, range.low,
                         range.high);
}

}  // namespace

Result<std::string> ReadJsonText(const std::string& path) {
  constexpr std::string_view kMark = "\xef\xbb\xbf";
  CARAT_ASSIGN_OR_RETURN(std::string text, ReadFile(path, kLargestJsonFile));
  if (text.empty()) return DataLoss("%s: the file is empty", path);
  CARAT_RETURN_IF_ERROR(
      CheckContent(path, std::as_bytes(std::span(text)), FileContent::kJson, "a JSON file in UTF-8"));
  if (text.starts_with(kMark)) text.erase(0, kMark.size());
  return text;
}

bool IsPresent(const JsonObject& object, std::string_view key) {
  simdjson::dom::element element;
  return !object.raw().at_key(key).get(element);
}

Result<std::optional<std::int64_t>> FindInteger(const JsonObject& object, std::string_view key,
                                                IntegerRange range) {
  CARAT_ASSIGN_OR_RETURN(const std::optional<std::int64_t> value, object.Integer(key));
  if (value) CARAT_RETURN_IF_ERROR(CheckRange(object, key, *value, range));
  return value;
}

Result<std::int64_t> IntegerOr(const JsonObject& object, std::string_view key, std::int64_t otherwise,
                               IntegerRange range) {
  CARAT_ASSIGN_OR_RETURN(const std::optional<std::int64_t> value, FindInteger(object, key, range));
  return value.value_or(otherwise);
}

Result<std::int64_t> RequireInteger(const JsonObject& object, std::string_view key, IntegerRange range) {
  CARAT_ASSIGN_OR_RETURN(const std::optional<std::int64_t> value, FindInteger(object, key, range));
  if (!value) {
    return InvalidArgument("%s is missing or null, but must be an integer in %d .. %d", object.Locate(key),
                           range.low, range.high);
  }
  return *value;
}

Result<bool> BooleanOr(const JsonObject& object, std::string_view key, bool otherwise) {
  CARAT_ASSIGN_OR_RETURN(const std::optional<bool> value, object.Boolean(key));
  return value.value_or(otherwise);
}

Result<std::optional<double>> FindNumber(const JsonObject& object, std::string_view key, NumberRange range) {
  CARAT_ASSIGN_OR_RETURN(const std::optional<double> value, object.Number(key));
  if (!value) return value;
  const bool inside = *value <= range.high && (range.open_low ? *value > range.low : *value >= range.low);
  if (!inside) {  // NaN is not inside either
    return InvalidArgument("%s is %g, but must lie in %s%g, %g]", object.Locate(key), *value,
                           range.open_low ? "(" : "[", range.low, range.high);
  }
  return value;
}

Result<std::optional<std::vector<std::int32_t>>> FindTokens(const JsonObject& object, std::string_view key,
                                                            std::int64_t vocabulary) {
  CARAT_ASSIGN_OR_RETURN(const auto values, object.Integers(key));
  if (!values) return std::optional<std::vector<std::int32_t>>();
  std::vector<std::int32_t> tokens;
  tokens.reserve(values->size());
  for (const std::int64_t value : *values) {
    if (value < 0 || value >= vocabulary) {
      return InvalidArgument("%s holds the token id %d, but the vocabulary has ids 0 .. %d",
                             object.Locate(key), value, vocabulary - 1);
    }
    tokens.push_back(static_cast<std::int32_t>(value));
  }
  return std::optional<std::vector<std::int32_t>>(std::move(tokens));
}

}  // namespace carat::internal
