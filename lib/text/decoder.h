// The text decoder: chunks of a sequence through all layers.
#ifndef CARAT_LIB_TEXT_DECODER_H_
#define CARAT_LIB_TEXT_DECODER_H_

#include <atomic>
#include <cstdint>
#include <span>

#include "carat/session.h"
#include "carat/status.h"
#include "lib/kernels/matmul.h"
#include "lib/text/kv_cache.h"
#include "lib/text/text_weights.h"
#include "lib/text/workspace.h"

namespace carat::internal {

// A run of tokens that continues a sequence.
struct Chunk {
  std::span<const std::int32_t> tokens;  // at most the workspace's rows; ids within the vocabulary
  std::int64_t first_position = 0;
  std::span<const std::int64_t> requested;  // rows whose logits are requested, ascending
  // For each row the soft token that stands there, [hidden], or null for an ordinary token. Empty: there are
  // none.
  std::span<const float* const> soft_rows;
  // For each row one past the last position that it sees in sliding layers, ascending; more than its own
  // position + 1 where the tokens of a picture see each other. Empty: every row sees up to itself.
  std::span<const std::int64_t> sliding_ends;
  const HiddenStateCallback* observer = nullptr;  // if set and not empty, all layers run for all rows
  const std::atomic<bool>* cancelled = nullptr;   // read between layers
};

class TextDecoder {
 public:
  // The weights must outlive the decoder.
  TextDecoder(const TextConfig& config, const TextWeights& weights, const MatMul& matmul)
      : config_(config), weights_(weights), matmul_(matmul) {}

  // Stores the chunk's keys and values, and leaves the normed hidden states of the requested rows in
  // ws.normed, [requested, hidden]. Errors: CANCELLED, RESOURCE_EXHAUSTED, INTERNAL; the cache is then
  // meaningless from first_position on.
  Status Forward(const Chunk& chunk, KvCache& cache, Workspace& ws) const;

  // Logits of `rows` normed states, [rows, vocabulary], soft-capped.
  Status Head(const float* states, std::int64_t rows, const MatMulScratch& scratch, float* logits) const;

 private:
  class Pass;

  const TextConfig& config_;
  const TextWeights& weights_;
  const MatMul& matmul_;
};

}  // namespace carat::internal

#endif  // CARAT_LIB_TEXT_DECODER_H_
