// From a configuration to the keys of a GGUF model: what ReadGgufConfig reads.
#ifndef CARAT_LIB_WEIGHTS_GGUF_GGUF_KEYS_H_
#define CARAT_LIB_WEIGHTS_GGUF_GGUF_KEYS_H_

#include <string>
#include <vector>

#include "carat/status.h"
#include "lib/gguf/gguf_writer.h"
#include "lib/weights/model_config.h"

namespace carat::internal {

// Architecture, sizes, layers and sampling; not the tokenizer's keys. `source` names the model in errors.
// Errors: UNIMPLEMENTED for what the format has no keys for.
Status AddModelKeys(const ModelConfig& config, const std::string& source, GgufHeader* header);

// The ids that the tokenizer's keys name, and carat's own lists of ids.
void AddTokenKeys(const ModelConfig& config, GgufHeader* header);

// The values of the tensor kGgufRopeFactors.
std::vector<float> GgufRopeFactors(const TextConfig& config);

}  // namespace carat::internal

#endif  // CARAT_LIB_WEIGHTS_GGUF_GGUF_KEYS_H_
