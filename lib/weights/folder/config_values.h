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

namespace carat::internal {

// Both ends belong to it.
struct IntegerRange {
  std::int64_t low;
  std::int64_t high;
};

// Sizes: far above every released model, and low enough that a product of two never overflows. What is a
// width (rows or columns of a matrix) has to be a kWidth as well once it is computed from two sizes.
inline constexpr IntegerRange kWidth = {1, std::int64_t{1} << 24};
inline constexpr IntegerRange kVocabulary = {1, std::int64_t{1} << 28};
inline constexpr IntegerRange kLayers = {1, 4096};
inline constexpr IntegerRange kHeads = {1, 1 << 16};
inline constexpr IntegerRange kHeadDim = {2, 1 << 16};
inline constexpr IntegerRange kExperts = {1, 1 << 16};
inline constexpr IntegerRange kPositions = {1, (std::int64_t{1} << 31) - 1};

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
