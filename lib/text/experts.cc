// The mixture of experts. Router: norm without weight, times scale * hidden^-0.5, projection, softmax over
// all experts; the best k, their probabilities divided by their sum, times a scale for each expert. Expert e
// of x = norm_2(h): down_e(gelu_tanh(gate_e x) * up_e x).
#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <vector>

#include "lib/base/error.h"
#include "lib/text/feed_forward.h"

namespace carat::internal {
namespace {

// One row's use of one expert.
struct Use {
  std::int64_t row;
  float weight;
};

// The k experts with the highest scores, equal ones by lower index, with their weights.
void ChooseExperts(const float* scores, std::int64_t experts, std::int64_t k, const std::vector<float>& scale,
                   std::vector<std::int64_t>& order, std::vector<float>& weights) {
  std::iota(order.begin(), order.end(), 0);
  std::partial_sort(order.begin(), order.begin() + k, order.end(), [&](std::int64_t a, std::int64_t b) {
    return scores[a] != scores[b] ? scores[a] > scores[b] : a < b;
  });
  // Softmax over all experts, then divided by the sum of the chosen: the sum over all cancels.
  const float max = scores[order[0]];
  double sum = 0;
  for (std::int64_t i = 0; i < k; ++i) sum += std::exp(static_cast<double>(scores[order[i]]) - max);
  std::fill_n(weights.begin(), experts, 0.0f);
  for (std::int64_t i = 0; i < k; ++i) {
    const std::int64_t expert = order[i];
    weights[expert] =
        static_cast<float>(std::exp(static_cast<double>(scores[expert]) - max) / sum) * scale[expert];
  }
}

// Who uses each expert, rows ascending.
Result<std::vector<std::vector<Use>>> Route(const LayerPass& pass) {
  Workspace& ws = pass.ws;
  const ExpertWeights& w = *pass.weights.experts;
  const std::int64_t hidden = pass.config.hidden_size;
  const std::int64_t experts = pass.config.experts;
  pass.NormHidden(w.router_scale);
  CARAT_RETURN_IF_ERROR(pass.linear.Multiply(ws.normed.data(), hidden, pass.rows(), w.router,
                                             ws.router_scores.data(), experts, ws.products));
  std::vector<std::vector<Use>> uses(static_cast<std::size_t>(experts));
  std::vector<std::int64_t> order(static_cast<std::size_t>(experts));
  std::vector<float> weights(static_cast<std::size_t>(experts));
  for (std::int64_t r = 0; r < pass.rows(); ++r) {
    const std::int64_t k = pass.config.experts_per_token;
    ChooseExperts(ws.router_scores.data() + r * experts, experts, k, w.per_expert_scale, order, weights);
    for (std::int64_t i = 0; i < k; ++i) {
      uses[static_cast<std::size_t>(order[i])].push_back({r, weights[static_cast<std::size_t>(order[i])]});
    }
  }
  return uses;
}

// Adds one expert's weighted outputs to ws.expert_sum. Its weights are read once for all rows that use it.
Status RunExpert(const LayerPass& pass, std::int64_t expert, const std::vector<Use>& uses) {
  Workspace& ws = pass.ws;
  const ExpertWeights& w = *pass.weights.experts;
  const std::int64_t hidden = pass.config.hidden_size;
  const std::int64_t width = pass.config.expert_intermediate_size;
  const auto rows = static_cast<std::int64_t>(uses.size());
  for (std::int64_t i = 0; i < rows; ++i) {
    std::memcpy(ws.expert_input.data() + i * hidden,
                ws.normed.data() + uses[static_cast<std::size_t>(i)].row * hidden,
                static_cast<std::size_t>(hidden) * sizeof(float));
  }
  CARAT_RETURN_IF_ERROR(pass.linear.Multiply(ws.expert_input.data(), hidden, rows,
                                             w.gate_up.Rows(expert * 2 * width, 2 * width),
                                             ws.expert_gate_up.data(), 2 * width, ws.products));
  pass.work().For(rows, ParallelWork::Grain(16 * width), [&](std::int64_t i, int) {
    float* gate = ws.expert_gate_up.data() + i * 2 * width;
    pass.kernels().gelu_multiply(gate, gate + width, gate, width);
  });
  CARAT_RETURN_IF_ERROR(pass.linear.Multiply(ws.expert_gate_up.data(), 2 * width, rows,
                                             w.down.Rows(expert * hidden, hidden), ws.expert_output.data(),
                                             hidden, ws.products));
  pass.work().For(rows, ParallelWork::Grain(2 * hidden), [&](std::int64_t i, int) {
    const Use& use = uses[static_cast<std::size_t>(i)];
    pass.kernels().add_scaled(ws.expert_sum.data() + use.row * hidden, ws.expert_output.data() + i * hidden,
                              use.weight, hidden);
  });
  return {};
}

}  // namespace

Status Experts(const LayerPass& pass) {
  CARAT_ASSIGN_OR_RETURN(const auto uses, Route(pass));
  const std::int64_t hidden = pass.config.hidden_size;
  pass.NormHidden(pass.weights.experts->input_norm);
  std::fill_n(pass.ws.expert_sum.data(), pass.rows() * hidden, 0.0f);
  for (std::size_t expert = 0; expert < uses.size(); ++expert) {
    if (uses[expert].empty()) continue;
    CARAT_RETURN_IF_ERROR(RunExpert(pass, static_cast<std::int64_t>(expert), uses[expert]));
  }
  pass.work().For(pass.rows(), ParallelWork::Grain(4 * hidden), [&](std::int64_t r, int) {
    float* sum = pass.ws.expert_sum.data() + r * hidden;
    pass.kernels().rms_norm(sum, pass.weights.experts->output_norm.data(), hidden, pass.epsilon(), sum);
  });
  return {};
}

}  // namespace carat::internal
