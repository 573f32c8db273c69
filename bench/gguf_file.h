// Writing a random GGUF file, tensor by tensor, without ever holding one.
#ifndef CARAT_BENCH_GGUF_FILE_H_
#define CARAT_BENCH_GGUF_FILE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "bench/text_tensors.h"
#include "carat/status.h"
#include "lib/convert/format_plan.h"
#include "lib/weights/model_config.h"

namespace carat::bench {

// The tensors' names have no prefix. The tokenizer is made up: enough for loading and for measuring. Large
// tensors repeat blocks of a table at varying offsets.
Status WriteGguf(const std::string& path, const internal::ModelConfig& config,
                 const std::vector<PlannedTensor>& tensors, const internal::FormatPlan& plan,
                 std::uint64_t seed);

}  // namespace carat::bench

#endif  // CARAT_BENCH_GGUF_FILE_H_
