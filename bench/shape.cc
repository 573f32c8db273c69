#include "bench/shape.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "lib/base/error.h"
#include "lib/base/file_mapping.h"
#include "lib/base/json_text.h"
#include "lib/base/json_tree.h"

namespace carat::bench {
namespace {

using internal::JsonTree;
using internal::JsonValue;

// Members of an object that are replaced, as JSON.
using Replaced = std::map<std::string, std::string>;

std::string Quoted(std::string_view text) {
  std::string json = "\"";
  internal::AppendJsonText(text, &json);
  return json + "\"";
}

// An object as JSON, with what `replaced` says in place of its members or after them.
std::string TextOf(const JsonValue& object, Replaced replaced) {
  std::string text = "{";
  const auto add = [&text](std::string_view key, std::string_view value) {
    if (text.size() > 1) text += ",\n";
    text += Quoted(key);
    text.append(": ").append(value);
  };
  for (std::size_t i = 0; i < object.size(); ++i) {
    const JsonValue member = object[i];
    const auto found = replaced.find(std::string(member.key()));
    add(member.key(), found == replaced.end() ? internal::JsonTextOf(member) : found->second);
    if (found != replaced.end()) replaced.erase(found);
  }
  for (const auto& [key, value] : replaced) add(key, value);
  return text + "}";
}

// What changes in a text configuration that keeps its first `layers` layers.
Result<Replaced> KeepLayers(const JsonValue& text, std::int64_t layers, const std::string& path) {
  const auto types = text.FindValue("layer_types");
  if (!types || !types->is_array()) return internal::InvalidArgument("%s: layer_types is missing", path);
  const auto all = static_cast<std::int64_t>(types->size());
  std::int64_t period = 1;
  while (period <= all && (*types)[static_cast<std::size_t>(period - 1)].text() != "full_attention") ++period;
  if (layers < period || layers > all || layers % period != 0) {
    return internal::InvalidArgument("%s: %d layers asked for, but it must be a multiple of %d, at most %d",
                                     path, layers, period, all);
  }
  const auto stored = text.FindValue("num_kv_shared_layers");
  const double shared_part = stored ? stored->Double().value_or(0) / static_cast<double>(all) : 0;
  const std::int64_t shared = std::llround(shared_part * static_cast<double>(layers));
  Replaced replaced;
  // At least one layer of each kind keeps keys and values of its own.
  replaced["num_kv_shared_layers"] = std::to_string(std::min(shared, layers - period));
  replaced["num_hidden_layers"] = std::to_string(layers);
  std::string kept = "[";
  for (std::int64_t i = 0; i < layers; ++i)
    kept.append(i == 0 ? "" : ", ").append(internal::JsonTextOf((*types)[static_cast<std::size_t>(i)]));
  replaced["layer_types"] = kept + "]";
  if (const auto per_layer = text.FindValue("per_layer_config")) {
    std::string config = "{";
    for (std::size_t i = 0; i < per_layer->size(); ++i) {
      const JsonValue member = (*per_layer)[i];
      if (std::atoll(std::string(member.key()).c_str()) >= layers) continue;
      if (config.size() > 1) config += ", ";
      config.append(Quoted(member.key())).append(": ").append(internal::JsonTextOf(member));
    }
    replaced["per_layer_config"] = config + "}";
  }
  return replaced;
}

}  // namespace

Result<std::string> ShapeConfig(const std::string& path, std::optional<std::int64_t> layers, bool towers) {
  CARAT_ASSIGN_OR_RETURN(const std::string source, internal::ReadFile(path, 1 << 20));
  CARAT_ASSIGN_OR_RETURN(const JsonTree tree, JsonTree::Parse(source, path));
  Replaced config;
  if (!towers) config["vision_config"] = config["audio_config"] = "null";
  if (layers) {
    const auto text = tree.root().FindValue("text_config");
    CARAT_ASSIGN_OR_RETURN(Replaced kept, KeepLayers(text ? *text : tree.root(), *layers, path));
    if (text) {
      config["text_config"] = TextOf(*text, std::move(kept));
    } else {
      config.merge(kept);
    }
  }
  return TextOf(tree.root(), std::move(config)) + "\n";
}

}  // namespace carat::bench
