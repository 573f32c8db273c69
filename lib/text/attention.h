// The attention part of a layer.
//
//   q = rope(q_norm(q_proj x)), k = rope(k_norm(k_proj x)), v = v_norm(v_proj x), norms per head, v_norm
//   without a weight; where keys are values, v = v_norm(k_proj x). Softmax over q.k without scale; o_proj of
//   the result.
#ifndef CARAT_LIB_TEXT_ATTENTION_H_
#define CARAT_LIB_TEXT_ATTENTION_H_

#include "carat/status.h"
#include "lib/text/layer_pass.h"

namespace carat::internal {

enum class Projections { kQueries, kKeysAndValues, kAll };
enum class ProjectionInput { kToBeNormed, kAsItIs };

// From ws.normed, which is made of ws.hidden first or as it is: queries into ws.queries, and keys and values
// of the layer (which must own them) into the cache.
Status Project(const LayerPass& pass, ProjectionInput input, Projections which, KvCache& cache);

// ws.sublayer = o_proj of the attention of ws.queries over the cache of the layer's KV layer.
Status Attend(const LayerPass& pass, const KvCache& cache);

}  // namespace carat::internal

#endif  // CARAT_LIB_TEXT_ATTENTION_H_
