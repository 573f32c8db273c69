// The text decoder's part of config.json.
#ifndef CARAT_LIB_WEIGHTS_FOLDER_TEXT_CONFIG_H_
#define CARAT_LIB_WEIGHTS_FOLDER_TEXT_CONFIG_H_

#include "carat/status.h"
#include "lib/base/json.h"
#include "lib/weights/model_config.h"

namespace carat::internal {

// Reads text_config, or the whole of a flat config. What is missing is what the reference assumes. Errors:
// INVALID_ARGUMENT for values that are out of range or contradict each other, UNIMPLEMENTED for features that
// carat does not run.
Result<TextConfig> ParseTextConfig(const JsonObject& object);

}  // namespace carat::internal

#endif  // CARAT_LIB_WEIGHTS_FOLDER_TEXT_CONFIG_H_
