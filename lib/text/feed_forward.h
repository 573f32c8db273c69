// The feed-forward part of a layer: the gated MLP, and beside it, in a mixture of experts, the experts.
#ifndef CARAT_LIB_TEXT_FEED_FORWARD_H_
#define CARAT_LIB_TEXT_FEED_FORWARD_H_

#include "carat/status.h"
#include "lib/text/layer_pass.h"

namespace carat::internal {

// ws.sublayer = down(gelu_tanh(gate x) * up x) of x = pre_feedforward_layernorm(ws.hidden); with experts,
// post_feedforward_layernorm_1 of that plus the experts' sum.
Status FeedForward(const LayerPass& pass);

// ws.hidden += norm(projection(gelu_tanh(gate(ws.hidden)) * per-layer input)), and times the layer's scalar.
Status AddPerLayerInput(const LayerPass& pass);

// ws.expert_sum = post_feedforward_layernorm_2 of the weighted sum of the chosen experts, from ws.hidden.
Status Experts(const LayerPass& pass);

}  // namespace carat::internal

#endif  // CARAT_LIB_TEXT_FEED_FORWARD_H_
