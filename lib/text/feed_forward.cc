#include "lib/text/feed_forward.h"

#include <algorithm>

#include "lib/base/error.h"

namespace carat::internal {
namespace {

Status DenseMlp(const LayerPass& pass) {
  Workspace& ws = pass.ws;
  const std::int64_t hidden = pass.config.hidden_size;
  const std::int64_t width = pass.layer.intermediate_size;
  const MatMulTarget targets[] = {{pass.weights.gate, ws.gate.data(), width},
                                  {pass.weights.up, ws.up.data(), width}};
  const auto norm = [&](std::int64_t r) { pass.NormRow(pass.weights.pre_feedforward_norm, r); };
  CARAT_RETURN_IF_ERROR(
      pass.matmul.Multiply(ws.normed.data(), hidden, pass.rows(), targets, ws.products, norm));
  const auto activate = [&](std::int64_t r) {
    float* gate = ws.gate.data() + r * width;
    pass.kernels().elementwise.gelu_multiply(gate, ws.up.data() + r * width, gate, width);
  };
  return pass.matmul.Multiply(ws.gate.data(), width, pass.rows(), pass.weights.down, ws.sublayer.data(),
                              hidden, ws.products, activate);
}

}  // namespace

Status FeedForward(const LayerPass& pass) {
  CARAT_RETURN_IF_ERROR(DenseMlp(pass));
  if (!pass.weights.experts) return {};
  CARAT_RETURN_IF_ERROR(Experts(pass));
  const std::int64_t hidden = pass.config.hidden_size;
  pass.work().For(pass.rows(), ParallelWork::Grain(6 * hidden), [&](std::int64_t r, int) {
    float* dense = pass.ws.sublayer.data() + r * hidden;
    pass.kernels().elementwise.rms_norm(dense, pass.weights.experts->dense_norm.data(), hidden,
                                        pass.epsilon(), dense);
    pass.kernels().elementwise.add_scaled(dense, pass.ws.expert_sum.data() + r * hidden, 1.0f, hidden);
  });
  return {};
}

Status AddPerLayerInput(const LayerPass& pass) {
  Workspace& ws = pass.ws;
  const std::int64_t size = pass.config.per_layer_input_size;
  const std::int64_t hidden = pass.config.hidden_size;
  const std::int64_t row_size = static_cast<std::int64_t>(pass.config.layers.size()) * size;
  CARAT_RETURN_IF_ERROR(pass.matmul.Multiply(ws.hidden.data(), hidden, pass.rows(),
                                             pass.weights.per_layer->gate, ws.per_layer_gate.data(), size,
                                             ws.products));
  const auto activate = [&](std::int64_t r) {
    float* gate = ws.per_layer_gate.data() + r * size;
    pass.kernels().elementwise.gelu_multiply(gate, ws.per_layer.data() + r * row_size + pass.index * size,
                                             gate, size);
  };
  CARAT_RETURN_IF_ERROR(pass.matmul.Multiply(ws.per_layer_gate.data(), size, pass.rows(),
                                             pass.weights.per_layer->projection, ws.sublayer.data(), hidden,
                                             ws.products, activate));
  pass.AddNormedSublayer(pass.weights.per_layer->norm, pass.weights.scalar);
  return {};
}

}  // namespace carat::internal
