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
  const auto norm = [&](std::int64_t r) { pass.NormRow(w.router_scale, r); };
  CARAT_RETURN_IF_ERROR(pass.matmul.Multiply(ws.normed.data(), hidden, pass.rows(), w.router,
                                             ws.router_scores.data(), experts, ws.products, norm));
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

// Some experts that run together, and all their uses, expert by expert.
struct Batch {
  struct Part {
    std::int64_t expert;
    std::int64_t first_use;
    std::int64_t count;
  };
  std::vector<Part> parts;
  std::vector<Use> uses;

  void Add(std::int64_t expert, const std::vector<Use>& of_it) {
    parts.push_back(
        {expert, static_cast<std::int64_t>(uses.size()), static_cast<std::int64_t>(of_it.size())});
    uses.insert(uses.end(), of_it.begin(), of_it.end());
  }
  void Clear() {
    parts.clear();
    uses.clear();
  }
};

// A product with the weights of each expert of the batch, `outputs` rows each, for its own uses.
std::vector<MatMulTarget> TargetsOf(const Batch& batch, const WeightMatrix& stack, std::int64_t outputs,
                                    float* y) {
  std::vector<MatMulTarget> targets;
  for (const Batch::Part& part : batch.parts) {
    targets.push_back({stack.Rows(part.expert * outputs, outputs), y + part.first_use * outputs, outputs,
                       part.first_use, part.count});
  }
  return targets;
}

// Adds the experts' weighted outputs to ws.expert_sum. An expert's weights are read once for all its rows,
// and few rows have many experts' weights streamed in one go.
Status RunBatch(const LayerPass& pass, const Batch& batch) {
  Workspace& ws = pass.ws;
  const ExpertWeights& w = *pass.weights.experts;
  const std::int64_t hidden = pass.config.hidden_size;
  const std::int64_t width = pass.config.expert_intermediate_size;
  const auto uses = static_cast<std::int64_t>(batch.uses.size());
  const auto gather = [&](std::int64_t i) {
    std::memcpy(ws.expert_input.data() + i * hidden,
                ws.normed.data() + batch.uses[static_cast<std::size_t>(i)].row * hidden,
                static_cast<std::size_t>(hidden) * sizeof(float));
  };
  CARAT_RETURN_IF_ERROR(pass.matmul.Multiply(ws.expert_input.data(), hidden, uses,
                                             TargetsOf(batch, w.gate_up, 2 * width, ws.expert_gate_up.data()),
                                             ws.products, gather));
  const auto activate = [&](std::int64_t i) {
    float* gate = ws.expert_gate_up.data() + i * 2 * width;
    pass.kernels().elementwise.gelu_multiply(gate, gate + width, gate, width);
  };
  CARAT_RETURN_IF_ERROR(pass.matmul.Multiply(ws.expert_gate_up.data(), 2 * width, uses,
                                             TargetsOf(batch, w.down, hidden, ws.expert_output.data()),
                                             ws.products, activate));
  // By columns: a row's experts are added in ascending order.
  constexpr std::int64_t kPiece = 256;
  pass.work().For((hidden + kPiece - 1) / kPiece, ParallelWork::Grain(2 * kPiece * uses),
                  [&](std::int64_t piece, int) {
                    const std::int64_t first = piece * kPiece;
                    const std::int64_t count = std::min(kPiece, hidden - first);
                    for (std::int64_t i = 0; i < uses; ++i) {
                      const Use& use = batch.uses[static_cast<std::size_t>(i)];
                      pass.kernels().elementwise.add_scaled(ws.expert_sum.data() + use.row * hidden + first,
                                                            ws.expert_output.data() + i * hidden + first,
                                                            use.weight, count);
                    }
                  });
  return {};
}

}  // namespace

Status Experts(const LayerPass& pass) {
  CARAT_ASSIGN_OR_RETURN(const auto uses, Route(pass));
  const std::int64_t hidden = pass.config.hidden_size;
  pass.NormHidden(pass.weights.experts->input_norm);
  std::fill_n(pass.ws.expert_sum.data(), pass.rows() * hidden, 0.0f);
  // As many experts together as the buffers have rows for.
  Batch batch;
  for (std::size_t expert = 0; expert < uses.size(); ++expert) {
    if (uses[expert].empty()) continue;
    if (static_cast<std::int64_t>(batch.uses.size() + uses[expert].size()) > pass.ws.rows) {
      CARAT_RETURN_IF_ERROR(RunBatch(pass, batch));
      batch.Clear();
    }
    batch.Add(static_cast<std::int64_t>(expert), uses[expert]);
  }
  CARAT_RETURN_IF_ERROR(RunBatch(pass, batch));
  pass.work().For(pass.rows(), ParallelWork::Grain(4 * hidden), [&](std::int64_t r, int) {
    float* sum = pass.ws.expert_sum.data() + r * hidden;
    pass.kernels().elementwise.rms_norm(sum, pass.weights.experts->output_norm.data(), hidden, pass.epsilon(),
                                        sum);
  });
  return {};
}

}  // namespace carat::internal
