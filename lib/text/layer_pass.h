// What the parts of a layer are given: the layer, its weights, and the rows that are active.
#ifndef CARAT_LIB_TEXT_LAYER_PASS_H_
#define CARAT_LIB_TEXT_LAYER_PASS_H_

#include <cstdint>
#include <span>

#include "lib/kernels/matmul.h"
#include "lib/text/kv_cache.h"
#include "lib/text/text_weights.h"
#include "lib/text/workspace.h"
#include "lib/weights/model_config.h"

namespace carat::internal {

struct LayerPass {
  const TextConfig& config;
  const LayerConfig& layer;
  const LayerWeights& weights;
  std::int64_t index;  // of the layer
  const MatMul& matmul;
  Workspace& ws;
  std::span<const std::int64_t> positions;     // of the active rows, ascending
  std::span<const std::int64_t> sliding_ends;  // what they see in sliding layers: see Chunk

  std::int64_t rows() const { return static_cast<std::int64_t>(positions.size()); }
  const Kernels& kernels() const { return matmul.kernels(); }
  const ParallelWork& work() const { return matmul.work(); }
  float epsilon() const { return static_cast<float>(config.rms_norm_epsilon); }

  // A row of ws.normed = norm(ws.hidden).
  void NormRow(const std::vector<float>& weight, std::int64_t row) const {
    const std::int64_t hidden = config.hidden_size;
    kernels().elementwise.rms_norm(ws.hidden.data() + row * hidden, weight.data(), hidden, epsilon(),
                                   ws.normed.data() + row * hidden);
  }
  // All of them.
  void NormHidden(const std::vector<float>& weight) const {
    work().For(rows(), ParallelWork::Grain(4 * config.hidden_size),
               [&](std::int64_t r, int) { NormRow(weight, r); });
  }

  // ws.hidden = (ws.hidden + norm(ws.sublayer)) * factor, row by row.
  void AddNormedSublayer(const std::vector<float>& weight, float factor = 1) const {
    const std::int64_t hidden = config.hidden_size;
    work().For(rows(), ParallelWork::Grain(4 * hidden), [&](std::int64_t r, int) {
      float* row = ws.hidden.data() + r * hidden;
      kernels().elementwise.add_rms_norm(row, ws.sublayer.data() + r * hidden, weight.data(), hidden,
                                         epsilon());
      if (factor != 1.0f) kernels().elementwise.scale(row, factor, hidden);
    });
  }
};

}  // namespace carat::internal

#endif  // CARAT_LIB_TEXT_LAYER_PASS_H_
