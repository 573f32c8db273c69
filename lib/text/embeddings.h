// What enters the layers: token embeddings, and with per-layer embeddings each layer's own input.
#ifndef CARAT_LIB_TEXT_EMBEDDINGS_H_
#define CARAT_LIB_TEXT_EMBEDDINGS_H_

#include <cstdint>
#include <span>

#include "carat/status.h"
#include "lib/kernels/matmul.h"
#include "lib/text/text_weights.h"
#include "lib/text/workspace.h"

namespace carat::internal {

struct EmbeddingPass {
  const TextConfig& config;
  const TextWeights& weights;
  const MatMul& matmul;
  Workspace& ws;
};

// ws.embedded[r] = embed_tokens[token] * sqrt(hidden), or the soft token of the row as it is, where soft[r]
// is not null. `soft` may be empty.
void EmbedTokens(const EmbeddingPass& pass, std::span<const std::int32_t> tokens,
                 std::span<const float* const> soft);

// For layers first .. last of ws.per_layer: (identity + context) / sqrt(2), where identity is the token's row
// of the per-layer table times sqrt(size), and context the normed projection of ws.embedded divided by
// sqrt(hidden).
Status EmbedPerLayer(const EmbeddingPass& pass, std::span<const std::int32_t> tokens, std::int64_t first,
                     std::int64_t last);

}  // namespace carat::internal

#endif  // CARAT_LIB_TEXT_EMBEDDINGS_H_
