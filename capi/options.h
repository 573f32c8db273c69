// Options of the C ABI, turned into those of the C++ API.
#ifndef CARAT_CAPI_OPTIONS_H_
#define CARAT_CAPI_OPTIONS_H_

#include "capi/carat.h"
#include "carat/model.h"
#include "carat/sampler.h"
#include "carat/session.h"
#include "carat/status.h"
#include "carat/tokenizer.h"

namespace carat::capi {

// Each takes null for the defaults. Errors: INVALID_ARGUMENT naming the member.
Result<EncodeOptions> ToEncodeOptions(const carat_encode_options* given);
Result<DecodeOptions> ToDecodeOptions(const carat_decode_options* given);
Result<SamplingOptions> ToSamplingOptions(const carat_sampling_options* given);
Result<SessionOptions> ToSessionOptions(const carat_session_options* given);

// Empty for null.
ProgressCallback ToProgress(carat_progress_callback callback, void* user_data);

}  // namespace carat::capi

#endif  // CARAT_CAPI_OPTIONS_H_
