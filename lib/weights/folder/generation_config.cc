#include "lib/weights/folder/generation_config.h"

#include <limits>
#include <optional>

#include "lib/base/error.h"
#include "lib/base/json.h"
#include "lib/weights/folder/config_values.h"

namespace carat::internal {
namespace {

constexpr double kLargest = std::numeric_limits<float>::max();
constexpr std::int64_t kLargestTopK = std::numeric_limits<std::int32_t>::max();

Status Assign(const JsonObject& object, std::string_view key, NumberRange range, float& target) {
  CARAT_ASSIGN_OR_RETURN(const std::optional<double> value, FindNumber(object, key, range));
  if (value) target = static_cast<float>(*value);
  return {};
}

Result<SamplingOptions> ParseSampling(const JsonObject& object) {
  SamplingOptions options;
  CARAT_RETURN_IF_ERROR(Assign(object, "temperature", {0, kLargest}, options.temperature));
  CARAT_ASSIGN_OR_RETURN(const std::int64_t top_k, IntegerOr(object, "top_k", 0, {0, kLargestTopK}));
  options.top_k = static_cast<std::int32_t>(top_k);
  CARAT_RETURN_IF_ERROR(Assign(object, "top_p", {0, 1, true}, options.top_p));
  CARAT_RETURN_IF_ERROR(Assign(object, "min_p", {0, 1}, options.min_p));
  CARAT_RETURN_IF_ERROR(Assign(object, "typical_p", {0, 1, true}, options.typical_p));
  CARAT_RETURN_IF_ERROR(
      Assign(object, "repetition_penalty", {0, kLargest, true}, options.repetition_penalty));
  // Where nothing is said, the reference does not sample.
  CARAT_ASSIGN_OR_RETURN(const bool sample, BooleanOr(object, "do_sample", false));
  if (!sample) options.temperature = 0;
  return options;
}

}  // namespace

Status ApplyGenerationConfig(std::string_view text, const std::string& path, ModelConfig& config) {
  CARAT_ASSIGN_OR_RETURN(const JsonDocument document, JsonDocument::Parse(text, path));
  CARAT_ASSIGN_OR_RETURN(const JsonObject object, JsonObject::From(document.root(), path, ""));
  const std::int64_t vocabulary = config.text.vocabulary_size;
  CARAT_ASSIGN_OR_RETURN(config.sampling, ParseSampling(object));
  CARAT_ASSIGN_OR_RETURN(auto stop, FindTokens(object, "eos_token_id", vocabulary));
  if (stop) config.stop_tokens = *std::move(stop);
  CARAT_ASSIGN_OR_RETURN(auto suppress, FindTokens(object, "suppress_tokens", vocabulary));
  if (suppress) config.suppress_tokens = *std::move(suppress);
  CARAT_ASSIGN_OR_RETURN(const auto bos, FindInteger(object, "bos_token_id", {0, vocabulary - 1}));
  if (bos) config.bos_token = bos;
  return {};
}

}  // namespace carat::internal
