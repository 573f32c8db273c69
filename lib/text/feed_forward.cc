#include "lib/text/feed_forward.h"

#include <algorithm>

#include "lib/base/error.h"

namespace carat::internal {
namespace {

// gate = gelu_tanh(gate) * up for whole buffers: the activation has no rows, so a single row is split among
// workers too.
void GeluMultiplyAll(const LayerPass& pass, float* gate, const float* up, std::int64_t size) {
  constexpr std::int64_t kPiece = 2048;
  pass.work().For(
      (size + kPiece - 1) / kPiece, ParallelWork::Grain(16 * kPiece), [&](std::int64_t piece, int) {
        const std::int64_t first = piece * kPiece;
        pass.kernels().gelu_multiply(gate + first, up + first, gate + first, std::min(kPiece, size - first));
      });
}

Status DenseMlp(const LayerPass& pass) {
  Workspace& ws = pass.ws;
  const std::int64_t hidden = pass.config.hidden_size;
  const std::int64_t width = pass.layer.intermediate_size;
  const LinearTarget targets[] = {{pass.weights.gate, ws.gate.data(), width},
                                  {pass.weights.up, ws.up.data(), width}};
  CARAT_RETURN_IF_ERROR(pass.linear.Multiply(ws.normed.data(), hidden, pass.rows(), targets, ws.products));
  GeluMultiplyAll(pass, ws.gate.data(), ws.up.data(), pass.rows() * width);
  return pass.linear.Multiply(ws.gate.data(), width, pass.rows(), pass.weights.down, ws.sublayer.data(),
                              hidden, ws.products);
}

}  // namespace

Status FeedForward(const LayerPass& pass) {
  pass.NormHidden(pass.weights.pre_feedforward_norm);
  CARAT_RETURN_IF_ERROR(DenseMlp(pass));
  if (!pass.weights.experts) return {};
  CARAT_RETURN_IF_ERROR(Experts(pass));
  const std::int64_t hidden = pass.config.hidden_size;
  pass.work().For(pass.rows(), ParallelWork::Grain(6 * hidden), [&](std::int64_t r, int) {
    float* dense = pass.ws.sublayer.data() + r * hidden;
    pass.kernels().rms_norm(dense, pass.weights.experts->dense_norm.data(), hidden, pass.epsilon(), dense);
    pass.kernels().add_scaled(dense, pass.ws.expert_sum.data() + r * hidden, 1.0f, hidden);
  });
  return {};
}

Status AddPerLayerInput(const LayerPass& pass) {
  Workspace& ws = pass.ws;
  const std::int64_t size = pass.config.per_layer_input_size;
  const std::int64_t hidden = pass.config.hidden_size;
  const std::int64_t row_size = static_cast<std::int64_t>(pass.config.layers.size()) * size;
  CARAT_RETURN_IF_ERROR(pass.linear.Multiply(ws.hidden.data(), hidden, pass.rows(),
                                             pass.weights.per_layer->gate, ws.per_layer_gate.data(), size,
                                             ws.products));
  pass.work().For(pass.rows(), ParallelWork::Grain(16 * size), [&](std::int64_t r, int) {
    float* gate = ws.per_layer_gate.data() + r * size;
    pass.kernels().gelu_multiply(gate, ws.per_layer.data() + r * row_size + pass.index * size, gate, size);
  });
  CARAT_RETURN_IF_ERROR(pass.linear.Multiply(ws.per_layer_gate.data(), size, pass.rows(),
                                             pass.weights.per_layer->projection, ws.sublayer.data(), hidden,
                                             ws.products));
  pass.AddNormedSublayer(pass.weights.per_layer->norm);
  return {};
}

}  // namespace carat::internal
