// GGUF files that tests make: a tiny checkpoint's, and parts of one.
#ifndef CARAT_TESTS_WEIGHTS_GGUF_FILES_H_
#define CARAT_TESTS_WEIGHTS_GGUF_FILES_H_

#include <functional>
#include <string>
#include <string_view>

#include "lib/gguf/gguf_writer.h"
#include "lib/weights/checkpoint.h"

namespace carat::internal {

// The text decoder of a checkpoint as the bytes of a GGUF file, its tensors as they are. The tokenizer's keys
// are made up: the ids' numbers as pieces, and `pieces` from id 0 on. `edit` may add keys.
std::string GgufOf(const Checkpoint& checkpoint, const std::vector<std::string>& pieces = {},
                   const std::function<void(GgufHeader&)>& edit = {});

// The header and the tensors' bytes of the smallest model that opens: two layers, hidden size 32.
ModelConfig SmallestConfig();
struct SmallestOptions {
  NumberFormat matrices = NumberFormat::kBF16;
  std::string left_out;                      // a tensor's name
  std::string extra;                         // the name of one more, a vector of 64
  std::function<void(GgufHeader&)> edit;     // adds keys
  std::function<void(ModelConfig&)> config;  // changes what the keys say
};
std::string SmallestGguf(const SmallestOptions& options = {});

}  // namespace carat::internal

#endif  // CARAT_TESTS_WEIGHTS_GGUF_FILES_H_
