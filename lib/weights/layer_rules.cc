#include "lib/weights/layer_rules.h"

#include <array>
#include <optional>

#include "lib/base/checked.h"
#include "lib/base/error.h"
#include "lib/weights/folder/config_values.h"

namespace carat::internal {

Status CheckHeads(const HeadPlaces& places, std::int64_t attention_heads, const HeadSizes& heads,
                  std::size_t layer) {
  const auto [head_dim, kv_heads] = heads;
  if (head_dim % 2 != 0) {
    return InvalidArgument("%s is %d in layer %d, but must be even: rotary embedding turns pairs",
                           places.head_dim, head_dim, layer);
  }
  if (attention_heads % kv_heads != 0) {
    return InvalidArgument("%s is %d in layer %d, which does not divide %s, %d", places.kv_heads, kv_heads,
                           layer, std::string(places.attention_heads), attention_heads);
  }
  const auto width = CheckedMultiply(attention_heads, head_dim);
  if (!width || *width > kWidth.high) {
    return InvalidArgument(
        "%s is %d in layer %d, which for %d heads is more than the %d that carat allows "
        "together",
        places.head_dim, head_dim, layer, attention_heads, kWidth.high);
  }
  return {};
}

Status ShareKeyValues(const std::string& where, TextConfig& config) {
  const auto count = static_cast<std::int64_t>(config.layers.size());
  const std::int64_t own = count - config.kv_shared_layers;
  std::array<std::optional<std::int64_t>, 2> last_own;
  for (std::int64_t i = 0; i < own; ++i) {
    config.layers[i].kv_layer = i;
    last_own[config.layers[i].full_attention ? 1 : 0] = i;
  }
  for (std::int64_t i = own; i < count; ++i) {
    LayerConfig& layer = config.layers[i];
    const auto& source = last_own[layer.full_attention ? 1 : 0];
    if (!source) {
      return InvalidArgument(
          "%s is %d: layer %d has no keys and values of its own, and none of the first %d "
          "layers is of its kind, %s",
          where, config.kv_shared_layers, i, own,
          layer.full_attention ? "full_attention" : "sliding_attention");
    }
    const LayerConfig& owner = config.layers[*source];
    if (owner.head_dim != layer.head_dim || owner.kv_heads != layer.kv_heads) {
      return InvalidArgument(
          "%s is %d: layer %d, with %d heads of %d, would read the keys of layer %d, which "
          "has %d of %d",
          where, config.kv_shared_layers, i, layer.kv_heads, layer.head_dim, *source, owner.kv_heads,
          owner.head_dim);
    }
    layer.kv_layer = *source;
  }
  return {};
}

}  // namespace carat::internal
