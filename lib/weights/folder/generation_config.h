// generation_config.json: how a model's makers end and sample its answers.
#ifndef CARAT_LIB_WEIGHTS_FOLDER_GENERATION_CONFIG_H_
#define CARAT_LIB_WEIGHTS_FOLDER_GENERATION_CONFIG_H_

#include <string>
#include <string_view>

#include "carat/status.h"
#include "lib/weights/model_config.h"

namespace carat::internal {

// Puts into `config` what the text of generation_config.json says; it wins over what config.json said. `path`
// names the file in errors. Errors: DATA_LOSS, INVALID_ARGUMENT.
Status ApplyGenerationConfig(std::string_view text, const std::string& path, ModelConfig& config);

}  // namespace carat::internal

#endif  // CARAT_LIB_WEIGHTS_FOLDER_GENERATION_CONFIG_H_
