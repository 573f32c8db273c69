#include "tests/weights/gguf_files.h"

#include "gtest/gtest.h"
#include "lib/weights/gguf/gguf_keys.h"
#include "lib/weights/gguf/gguf_names.h"

namespace carat::internal {
namespace {

// A file in the making.
class File {
 public:
  GgufHeader& header() { return header_; }

  void Add(std::string_view name, std::span<const std::int64_t> shape, NumberFormat format,
           std::string_view bytes) {
    header_.Tensor(name, shape, format);
    data_ += bytes;
    data_.append(GgufPadding(data_.size()), '\0');
  }

  void AddRopeFactors(const TextConfig& config) {
    const std::vector<float> factors = GgufRopeFactors(config);
    const std::int64_t size = static_cast<std::int64_t>(factors.size());
    Add(kGgufRopeFactors, {&size, 1}, NumberFormat::kF32,
        {reinterpret_cast<const char*>(factors.data()), factors.size() * sizeof(float)});
  }

  void AddTokens(const ModelConfig& config, const std::vector<std::string>& pieces) {
    std::vector<std::string> all = pieces;
    for (std::size_t id = pieces.size(); id < static_cast<std::size_t>(config.text.vocabulary_size); ++id) {
      all.push_back("piece" + std::to_string(id));
    }
    header_.Strings("tokenizer.ggml.tokens", std::vector<std::string_view>(all.begin(), all.end()));
    AddTokenKeys(config, &header_);
  }

  std::string Bytes() const { return header_.Bytes() + data_; }

 private:
  GgufHeader header_;
  std::string data_;
};

// The tensors of a layer of the smallest model, and their shapes.
std::vector<std::pair<std::string, std::vector<std::int64_t>>> LayerTensors(std::int64_t head_dim) {
  return {{"attn_norm.weight", {32}},
          {"attn_q.weight", {2 * head_dim, 32}},
          {"attn_k.weight", {head_dim, 32}},
          {"attn_v.weight", {head_dim, 32}},
          {"attn_output.weight", {32, 2 * head_dim}},
          {"attn_q_norm.weight", {head_dim}},
          {"attn_k_norm.weight", {head_dim}},
          {"post_attention_norm.weight", {32}},
          {"ffn_norm.weight", {32}},
          {"ffn_gate.weight", {64, 32}},
          {"ffn_up.weight", {64, 32}},
          {"ffn_down.weight", {32, 64}},
          {"post_ffw_norm.weight", {32}},
          {"layer_output_scale.weight", {1}}};
}

}  // namespace

std::string GgufOf(const Checkpoint& checkpoint, const std::vector<std::string>& pieces,
                   const std::function<void(GgufHeader&)>& edit) {
  const ModelConfig& config = checkpoint.config();
  File file;
  EXPECT_TRUE(AddModelKeys(config, checkpoint.folder(), &file.header()).ok());
  file.AddTokens(config, pieces);
  if (edit) edit(file.header());
  for (const TensorEntry& tensor : checkpoint.tensors()) {
    if (!tensor.name.starts_with(checkpoint.text_prefix())) continue;
    const auto name = GgufNameOf(std::string_view(tensor.name).substr(checkpoint.text_prefix().size()));
    EXPECT_TRUE(name.has_value()) << tensor.name;
    file.Add(name.value_or(""), tensor.shape, tensor.format,
             {reinterpret_cast<const char*>(tensor.data), static_cast<std::size_t>(tensor.bytes)});
  }
  file.AddRopeFactors(config.text);
  return file.Bytes();
}

ModelConfig SmallestConfig() {
  ModelConfig config;
  config.text.hidden_size = 32;
  config.text.vocabulary_size = 8;
  config.text.attention_heads = 2;
  config.text.sliding_window = 16;
  config.text.context_length = 64;
  config.text.final_logit_softcap = 30;
  for (const bool full : {false, true}) {
    LayerConfig& layer = config.text.layers.emplace_back();
    layer.full_attention = full;
    layer.head_dim = full ? 64 : 32;
    layer.kv_heads = 1;
    layer.intermediate_size = 64;
    layer.kv_layer = full ? 1 : 0;
    layer.rope = {full ? 1e6 : 1e4, full ? 8 : 16, 1};
  }
  config.bos_token = 2;
  config.stop_tokens = {1, 3};
  return config;
}

std::string SmallestGguf(const SmallestOptions& options) {
  ModelConfig config = SmallestConfig();
  if (options.config) options.config(config);
  File file;
  EXPECT_TRUE(AddModelKeys(config, "smallest", &file.header()).ok());
  file.AddTokens(config, {"<pad>", "<eos>", "<bos>", "<turn|>"});
  if (options.edit) options.edit(file.header());
  const auto add = [&](const std::string& name, const std::vector<std::int64_t>& shape) {
    if (name == options.left_out) return;
    const NumberFormat format = shape.size() == 1 ? NumberFormat::kF32 : options.matrices;
    std::int64_t values = 1;
    for (const std::int64_t size : shape) values *= size;
    file.Add(name, shape, format, std::string(BytesOf(format, values), '\x3c'));
  };
  add("token_embd.weight", {8, 32});
  add("output_norm.weight", {32});
  for (std::size_t i = 0; i < config.text.layers.size(); ++i) {
    for (const auto& [name, shape] : LayerTensors(config.text.layers[i].head_dim)) {
      add("blk." + std::to_string(i) + "." + name, shape);
    }
  }
  if (!options.extra.empty()) add(options.extra, {64});
  if (options.left_out != kGgufRopeFactors) file.AddRopeFactors(config.text);
  return file.Bytes();
}

}  // namespace carat::internal
