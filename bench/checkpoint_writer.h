// Writing a random checkpoint in the published form, tensor by tensor, without ever holding one.
#ifndef CARAT_BENCH_CHECKPOINT_WRITER_H_
#define CARAT_BENCH_CHECKPOINT_WRITER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "bench/text_tensors.h"
#include "carat/status.h"

namespace carat::bench {

// model.safetensors, or shards of at most `shard_bytes` (or of one tensor) and their index.
Status WriteWeights(const std::string& folder, const std::vector<PlannedTensor>& tensors, std::uint64_t seed,
                    std::uint64_t shard_bytes);

// Writes a file. Errors: UNAVAILABLE naming it.
Status WriteText(const std::string& path, const std::string& text);

}  // namespace carat::bench

#endif  // CARAT_BENCH_CHECKPOINT_WRITER_H_
