#include "bench/shape.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "lib/base/error.h"
#include "lib/base/file_mapping.h"

namespace carat::bench {
namespace {

using nlohmann::json;

Status KeepLayers(json& text, std::int64_t layers, const std::string& path) {
  json& types = text.at("layer_types");
  const auto all = static_cast<std::int64_t>(types.size());
  const std::int64_t period = std::find(types.begin(), types.end(), "full_attention") - types.begin() + 1;
  if (layers < period || layers > all || layers % period != 0) {
    return internal::InvalidArgument("%s: %d layers asked for, but it must be a multiple of %d, at most %d",
                                     path, layers, period, all);
  }
  const double shared_part = text.value("num_kv_shared_layers", 0.0) / static_cast<double>(all);
  const std::int64_t shared = std::llround(shared_part * static_cast<double>(layers));
  // At least one layer of each kind keeps keys and values of its own.
  text["num_kv_shared_layers"] = std::min(shared, layers - period);
  text["num_hidden_layers"] = layers;
  types.erase(types.begin() + layers, types.end());
  if (text.contains("per_layer_config")) {
    json kept = json::object();
    for (const auto& [layer, values] : text["per_layer_config"].items()) {
      if (std::stoll(layer) < layers) kept[layer] = values;
    }
    text["per_layer_config"] = kept;
  }
  return {};
}

}  // namespace

Result<std::string> ShapeConfig(const std::string& path, std::optional<std::int64_t> layers, bool towers) {
  CARAT_ASSIGN_OR_RETURN(const std::string source, internal::ReadFile(path, 1 << 20));
  try {
    json config = json::parse(source);
    if (!towers) {
      config["vision_config"] = nullptr;
      config["audio_config"] = nullptr;
    }
    json& text = config.contains("text_config") ? config["text_config"] : config;
    if (layers) CARAT_RETURN_IF_ERROR(KeepLayers(text, *layers, path));
    return config.dump(2) + "\n";
  } catch (const std::exception& e) {
    return internal::InvalidArgument("%s: %s", path, e.what());
  }
}

}  // namespace carat::bench
