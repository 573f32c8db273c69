// What holds for the layers of every model, whatever file describes them.
#ifndef CARAT_LIB_WEIGHTS_LAYER_RULES_H_
#define CARAT_LIB_WEIGHTS_LAYER_RULES_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "carat/status.h"
#include "lib/weights/model_config.h"

namespace carat::internal {

// The heads of one layer.
struct HeadSizes {
  std::int64_t head_dim;
  std::int64_t kv_heads;
};

// Whether heads of these sizes can be computed with. The places name file and key in errors.
struct HeadPlaces {
  std::string head_dim;
  std::string kv_heads;
  std::string_view attention_heads;  // the key alone
};
Status CheckHeads(const HeadPlaces& places, std::int64_t attention_heads, const HeadSizes& heads,
                  std::size_t layer);

// Points every one of the last kv_shared_layers layers at the last own layer of its kind. `where` names file
// and key in errors.
Status ShareKeyValues(const std::string& where, TextConfig& config);

}  // namespace carat::internal

#endif  // CARAT_LIB_WEIGHTS_LAYER_RULES_H_
