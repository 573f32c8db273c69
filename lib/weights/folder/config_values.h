// Reading numbers of a configuration file within their bounds. Every error names file, key, expected and
// found.
#ifndef CARAT_LIB_WEIGHTS_FOLDER_CONFIG_VALUES_H_
#define CARAT_LIB_WEIGHTS_FOLDER_CONFIG_VALUES_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "carat/status.h"
#include "lib/base/json.h"
#include "lib/weights/size_bounds.h"

namespace carat::internal {

// The text of one of a folder's JSON files, without a byte order mark. It is read, not mapped. Errors: those
// of ReadFile; DATA_LOSS for an empty file and for what is no JSON by its first bytes, saying what it is.
Result<std::string> ReadJsonText(const std::string& path);

// Whether the object has that key at all, if only with null.
bool IsPresent(const JsonObject& object, std::string_view key);

// The integer; absent if the key is missing or null. Errors: INVALID_ARGUMENT for another type or outside the
// range.
Result<std::optional<std::int64_t>> FindInteger(const JsonObject& object, std::string_view key,
                                                IntegerRange range);
// The same, with a default.
Result<std::int64_t> IntegerOr(const JsonObject& object, std::string_view key, std::int64_t otherwise,
                               IntegerRange range);
// The same, where there is no default.
Result<std::int64_t> RequireInteger(const JsonObject& object, std::string_view key, IntegerRange range);

Result<bool> BooleanOr(const JsonObject& object, std::string_view key, bool otherwise);

// Both ends belong to it unless `open_low`.
struct NumberRange {
  double low;
  double high;
  bool open_low = false;
};
Result<std::optional<double>> FindNumber(const JsonObject& object, std::string_view key, NumberRange range);

// One token id or a list of them, each in [0, vocabulary). Absent if the key is missing or null.
Result<std::optional<std::vector<std::int32_t>>> FindTokens(const JsonObject& object, std::string_view key,
                                                            std::int64_t vocabulary);

}  // namespace carat::internal

#endif  // CARAT_LIB_WEIGHTS_FOLDER_CONFIG_VALUES_H_
