#include "examples/cli/inspection.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "carat/session.h"
#include "examples/cli/error.h"
#include "examples/cli/json_writer.h"

namespace carat::cli {
namespace {

// Bits of a weight in groups of 32 that share a 16-bit scale.
constexpr double kInt8Bits = 8 + 16.0 / 32;
constexpr double kInt4Bits = 4 + 16.0 / 32;

// "model.layers.7.mlp.up_proj.weight" is tensor "mlp.up_proj.weight" of layer 7 of stack "model.layers".
struct LayerTensor {
  std::string stack;
  int layer = 0;
  std::string rest;
};

std::optional<LayerTensor> SplitName(const std::string& name) {
  constexpr std::string_view kMark = "layers.";
  const std::size_t mark = name.find(kMark);
  if (mark == std::string::npos) return std::nullopt;
  LayerTensor tensor;
  const char* const digits = name.data() + mark + kMark.size();
  const char* const end = name.data() + name.size();
  const auto [rest, error] = std::from_chars(digits, end, tensor.layer);
  if (error != std::errc{} || rest == end || *rest != '.') return std::nullopt;
  tensor.stack = name.substr(0, mark + kMark.size() - 1);
  tensor.rest.assign(rest + 1, end);
  return tensor;
}

// "0-3, 5-8" from ascending numbers.
std::string Ranges(const std::vector<int>& numbers) {
  std::vector<std::string> ranges;
  for (std::size_t i = 0; i < numbers.size();) {
    std::size_t last = i;
    while (last + 1 < numbers.size() && numbers[last + 1] == numbers[last] + 1) ++last;
    ranges.push_back(last == i ? std::to_string(numbers[i])
                               : absl::StrFormat("%d-%d", numbers[i], numbers[last]));
    i = last + 1;
  }
  return absl::StrJoin(ranges, ", ");
}

void GroupTensors(const std::vector<TensorInfo>& tensors, Inspection& inspection) {
  struct Layer {
    std::string signature;  // the same for layers that hold the same
    int tensors = 0;
    std::uint64_t bytes = 0;
  };
  std::map<std::pair<std::string, int>, Layer> layers;
  std::map<std::pair<std::string, int>, std::map<std::string, std::string>> signatures;
  for (const TensorInfo& tensor : tensors) {
    const std::optional<LayerTensor> split = SplitName(tensor.name);
    if (!split.has_value()) {
      inspection.other_tensors.push_back(tensor);
      continue;
    }
    const std::pair key(split->stack, split->layer);
    Layer& layer = layers[key];
    ++layer.tensors;
    layer.bytes += tensor.bytes;
    signatures[key][split->rest] = tensor.format + absl::StrJoin(tensor.shape, ",");
  }
  for (auto& [key, layer] : layers)
    layer.signature = absl::StrJoin(signatures[key], ";", absl::PairFormatter(" "));

  std::map<std::pair<std::string, std::string>, std::vector<int>> kinds;
  std::vector<std::pair<std::string, std::string>> order;  // as their first layers stand
  for (const auto& [key, layer] : layers) {
    const std::pair kind(key.first, layer.signature);
    if (kinds.count(kind) == 0) order.push_back(kind);
    kinds[kind].push_back(key.second);
  }
  for (const auto& kind : order) {
    const std::vector<int>& numbers = kinds[kind];
    const Layer& layer = layers[std::pair(kind.first, numbers.front())];
    inspection.layer_kinds.push_back({kind.first, Ranges(numbers), layer.tensors, layer.bytes});
  }
}

// The mean number of bits of a stored weight, over all matrices.
double StoredBits(const std::vector<TensorInfo>& tensors) {
  double bits = 0;
  double count = 0;
  for (const TensorInfo& tensor : tensors) {
    if (tensor.shape.size() < 2) continue;
    bits += 8.0 * static_cast<double>(tensor.bytes);
    double values = 1;
    for (const std::int64_t size : tensor.shape) values *= static_cast<double>(size);
    count += values;
  }
  return count > 0 ? bits / count : 16;
}

WeightSizes SizesOf(std::string name, std::uint64_t stored, double stored_bits) {
  const auto as = [&](double bits) {
    return static_cast<std::uint64_t>(std::llround(static_cast<double>(stored) * bits / stored_bits));
  };
  return {std::move(name), stored, as(kInt8Bits), as(kInt4Bits)};
}

std::vector<std::int64_t> UsualContexts(std::int64_t longest) {
  std::vector<std::int64_t> contexts;
  for (std::int64_t context = 1024; context < longest; context *= 4) contexts.push_back(context);
  contexts.push_back(longest);
  return contexts;
}

MemoryNeeds Needs(const Model& model, std::int64_t context, KvType kv_type) {
  SessionOptions options;
  options.context_size = context;
  options.kv_type = kv_type;
  return ValueOrThrow(model.EstimateMemory(options));
}

ContextMemory MemoryAt(const Model& model, std::int64_t context) {
  ContextMemory memory;
  memory.context = context;
  const auto take = [&](KvType kv_type, std::uint64_t& cache, std::uint64_t& all) {
    const MemoryNeeds needs = Needs(model, context, kv_type);
    cache = needs.kv_sliding + needs.kv_full;
    all = needs.weights_touched + cache + needs.workspace;
    memory.workspace = needs.workspace;
  };
  take(KvType::kFloat32, memory.cache_float32, memory.all_float32);
  take(KvType::kBFloat16, memory.cache_bf16, memory.all_bf16);
  take(KvType::kInt16, memory.cache_int16, memory.all_int16);
  take(KvType::kInt8, memory.cache_int8, memory.all_int8);
  return memory;
}

std::string DescribeSampling(const SamplingOptions& options) {
  std::vector<std::string> parts;
  parts.push_back(options.temperature == 0 ? "greedy"
                                           : absl::StrFormat("temperature %g", options.temperature));
  if (options.top_k > 0) parts.push_back(absl::StrFormat("top-k %d", options.top_k));
  if (options.top_p < 1) parts.push_back(absl::StrFormat("top-p %g", options.top_p));
  if (options.min_p > 0) parts.push_back(absl::StrFormat("min-p %g", options.min_p));
  if (options.repetition_penalty != 1)
    parts.push_back(absl::StrFormat("repetition penalty %g", options.repetition_penalty));
  if (!options.logit_bias.empty())
    parts.push_back(absl::StrFormat("%d biased tokens", options.logit_bias.size()));
  return absl::StrJoin(parts, ", ");
}

void WriteInfo(JsonWriter& json, const ModelInfo& info) {
  json.Key("path").String(info.path);
  json.Key("architecture").String(info.architecture);
  json.Key("parameters").Integer(info.parameters);
  json.Key("layers").Integer(info.layers);
  json.Key("kv_shared_layers").Integer(info.kv_shared_layers);
  json.Key("hidden_size").Integer(info.hidden_size);
  json.Key("vocabulary_size").Integer(info.vocabulary_size);
  json.Key("sliding_window").Integer(info.sliding_window);
  json.Key("experts").Integer(info.experts);
  json.Key("experts_per_token").Integer(info.experts_per_token);
  json.Key("context_length").Integer(info.context_length);
  json.Key("has_vision").Boolean(info.has_vision);
  json.Key("has_audio").Boolean(info.has_audio);
}

void WriteBytes(JsonWriter& json, const char* key, std::uint64_t bytes) {
  json.Key(key).Integer(static_cast<std::int64_t>(bytes));
}

void WriteStrings(JsonWriter& json, const char* key, const std::vector<std::string>& strings) {
  json.Key(key).BeginArray();
  for (const std::string& string : strings) json.String(string);
  json.EndArray();
}

void WriteTensors(JsonWriter& json, const std::vector<TensorInfo>& tensors) {
  json.Key("tensors").BeginArray();
  for (const TensorInfo& tensor : tensors) {
    json.BeginObject();
    json.Key("name").String(tensor.name);
    json.Key("format").String(tensor.format);
    json.Key("shape").BeginArray();
    for (const std::int64_t size : tensor.shape) json.Integer(size);
    json.EndArray();
    WriteBytes(json, "bytes", tensor.bytes);
    json.Key("file").String(tensor.file);
    json.EndObject();
  }
  json.EndArray();
}

void WriteMemory(JsonWriter& json, const Inspection& inspection) {
  json.Key("weights").BeginArray();
  for (const WeightSizes& sizes : inspection.weights) {
    json.BeginObject();
    json.Key("part").String(sizes.name);
    WriteBytes(json, "stored", sizes.stored);
    WriteBytes(json, "computed_int8", sizes.int8);
    WriteBytes(json, "computed_int4", sizes.int4);
    json.EndObject();
  }
  json.EndArray();
  json.Key("memory").BeginArray();
  for (const ContextMemory& row : inspection.contexts) {
    json.BeginObject();
    json.Key("context").Integer(row.context);
    WriteBytes(json, "cache_float32", row.cache_float32);
    WriteBytes(json, "cache_bf16", row.cache_bf16);
    WriteBytes(json, "cache_int16", row.cache_int16);
    WriteBytes(json, "cache_int8", row.cache_int8);
    WriteBytes(json, "workspace", row.workspace);
    WriteBytes(json, "all_float32", row.all_float32);
    WriteBytes(json, "all_bf16", row.all_bf16);
    WriteBytes(json, "all_int16", row.all_int16);
    WriteBytes(json, "all_int8", row.all_int8);
    json.EndObject();
  }
  json.EndArray();
}

}  // namespace

Inspection InspectModel(const Model& model, const std::vector<std::int64_t>& contexts) {
  Inspection inspection;
  inspection.info = model.info();
  const Tokenizer tokenizer = model.tokenizer();
  for (const std::int32_t id : model.stop_tokens())
    inspection.stop_tokens.push_back(absl::StrFormat("%d %s", id, tokenizer.Piece(id)));
  inspection.sampling = DescribeSampling(model.default_sampling());
  inspection.threads = model.threads();
  inspection.instruction_set = std::string(InstructionSetName(model.instruction_set()));
  for (const InstructionSet set : AvailableInstructionSets())
    inspection.instruction_sets.emplace_back(InstructionSetName(set));
  const std::vector<TensorInfo> tensors = model.Tensors();
  GroupTensors(tensors, inspection);
  const double stored_bits = StoredBits(tensors);
  const MemoryNeeds needs = Needs(model, 0, KvType::kAuto);
  inspection.weights = {SizesOf("that every token reads", needs.weights_touched, stored_bits),
                        SizesOf("looked up row by row", needs.weights_looked_up, stored_bits)};
  for (const std::int64_t context : contexts.empty() ? UsualContexts(model.info().context_length) : contexts)
    inspection.contexts.push_back(MemoryAt(model, context));
  return inspection;
}

std::string InspectionAsJson(const Inspection& inspection, const std::vector<TensorInfo>& tensors) {
  JsonWriter json;
  json.BeginObject();
  WriteInfo(json, inspection.info);
  WriteStrings(json, "stop_tokens", inspection.stop_tokens);
  json.Key("sampling").String(inspection.sampling);
  json.Key("threads").Integer(inspection.threads);
  json.Key("instruction_set").String(inspection.instruction_set);
  json.Key("stream_prefetch_bytes").Integer(inspection.info.stream_prefetch_bytes);
  WriteStrings(json, "instruction_sets", inspection.instruction_sets);
  json.Key("layer_kinds").BeginArray();
  for (const LayerKind& kind : inspection.layer_kinds) {
    json.BeginObject();
    json.Key("stack").String(kind.stack);
    json.Key("layers").String(kind.numbers);
    json.Key("tensors").Integer(kind.tensors);
    WriteBytes(json, "bytes", kind.bytes);
    json.EndObject();
  }
  json.EndArray();
  WriteMemory(json, inspection);
  if (!tensors.empty()) WriteTensors(json, tensors);
  json.EndObject();
  return json.text() + "\n";
}

}  // namespace carat::cli
