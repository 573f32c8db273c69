#include "capi/options.h"

#include <cstddef>
#include <memory>
#include <span>
#include <utility>

#include "capi/call.h"
#include "capi/handles.h"
#include "capi/sized_struct.h"

namespace carat::capi {

Result<EncodeOptions> ToEncodeOptions(const carat_encode_options* given) {
  CARAT_ASSIGN_OR_RETURN(const carat_encode_options read, ReadOptions(given, "carat_encode_options"));
  return EncodeOptions{.parse_special = read.parse_special != 0, .add_bos = read.add_bos != 0};
}

Result<DecodeOptions> ToDecodeOptions(const carat_decode_options* given) {
  CARAT_ASSIGN_OR_RETURN(const carat_decode_options read, ReadOptions(given, "carat_decode_options"));
  return DecodeOptions{.skip_special = read.skip_special != 0};
}

Result<SamplingOptions> ToSamplingOptions(const carat_sampling_options* given) {
  CARAT_ASSIGN_OR_RETURN(const carat_sampling_options read, ReadOptions(given, "carat_sampling_options"));
  CARAT_ASSIGN_OR_RETURN(
      const std::span<const carat_logit_bias> biases,
      ArrayOf(read.logit_bias, read.logit_bias_count, "carat_sampling_options.logit_bias"));
  SamplingOptions options;
  options.temperature = read.temperature;
  options.top_k = read.top_k;
  options.top_p = read.top_p;
  options.min_p = read.min_p;
  options.typical_p = read.typical_p;
  options.repetition_penalty = read.repetition_penalty;
  options.frequency_penalty = read.frequency_penalty;
  options.presence_penalty = read.presence_penalty;
  options.penalty_window = read.penalty_window;
  options.seed = read.seed;
  options.logit_bias.reserve(biases.size());
  for (const carat_logit_bias& bias : biases) options.logit_bias.emplace_back(bias.token, bias.bias);
  if (read.constraint != nullptr) {
    CARAT_ASSIGN_OR_RETURN(GrammarConstraint constraint, read.constraint->value.Clone());
    options.constraint = std::make_shared<const GrammarConstraint>(std::move(constraint));
  }
  return options;
}

Result<SessionOptions> ToSessionOptions(const carat_session_options* given) {
  CARAT_ASSIGN_OR_RETURN(const carat_session_options read, ReadOptions(given, "carat_session_options"));
  CARAT_RETURN_IF_ERROR(IsEnumValue(read.kv_type, CARAT_KV_INT8, "carat_session_options.kv_type"));
  SessionOptions options;
  options.context_size = read.context_size;
  options.kv_type = static_cast<KvType>(read.kv_type);
  options.prompt_chunk = read.prompt_chunk;
  return options;
}

ProgressCallback ToProgress(carat_progress_callback callback, void* user_data) {
  if (callback == nullptr) return {};
  return [callback, user_data](std::int64_t done, std::int64_t total) {
    return callback(user_data, done, total) != 0;
  };
}

}  // namespace carat::capi
