#include "bench/gguf_file.h"

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <map>
#include <random>
#include <tuple>

#include "lib/base/error.h"
#include "lib/gguf/gguf_writer.h"
#include "lib/quant/block_formats.h"
#include "lib/weights/gguf/gguf_keys.h"
#include "lib/weights/gguf/gguf_names.h"

namespace carat::bench {
namespace {

using internal::BlockLayout;
using internal::GgufHeader;
using internal::NumberFormat;

// Of the tables that tensors are made of: a whole number of every format's blocks.
constexpr std::uint64_t kTable = std::uint64_t{1} << 20;
constexpr std::uint64_t kLongestPiece = std::uint64_t{1} << 17;
constexpr std::uint64_t kShortestPiece = std::uint64_t{1} << 16;

// Bytes of a format and a distribution: made once, used by all tensors that have both.
class BlockTables {
 public:
  explicit BlockTables(std::uint64_t seed) : random_(seed), uniform_(kTable), normal_(kTable) {
    std::uniform_real_distribution<float> uniform(0.0f, 1.0f);
    std::normal_distribution<float> normal(0.0f, 1.0f);
    for (float& value : uniform_) value = uniform(random_);
    for (float& value : normal_) value = normal(random_);
  }

  const std::vector<std::byte>& Of(NumberFormat format, const Distribution& values) {
    std::vector<std::byte>& table = tables_[{format, values.kind, values.low, values.high, values.deviation}];
    if (!table.empty()) return table;
    const bool is_normal = values.kind == Distribution::Kind::kNormal;
    const auto scale = static_cast<float>(is_normal ? values.deviation : values.high - values.low);
    std::vector<float> scaled = is_normal ? normal_ : uniform_;
    for (float& value : scaled) value = static_cast<float>(values.low) + scale * value;
    table.resize(internal::BytesOf(format, kTable));
    internal::EncodeBlocks(format, scaled.data(), kTable, table.data());
    return table;
  }

  std::uint64_t Below(std::uint64_t limit) { return random_() % limit; }

 private:
  using Key = std::tuple<NumberFormat, Distribution::Kind, double, double, double>;
  std::mt19937_64 random_;
  std::vector<float> uniform_, normal_;
  std::map<Key, std::vector<std::byte>> tables_;
};

Status Write(std::ofstream& file, const std::string& path, const void* bytes, std::size_t size) {
  file.write(static_cast<const char*>(bytes), static_cast<std::streamsize>(size));
  if (!file) return internal::Unavailable("%s: cannot write", path);
  return {};
}

Status WritePadding(std::ofstream& file, const std::string& path, std::uint64_t bytes) {
  const std::string padding(internal::GgufPadding(bytes), '\0');
  return Write(file, path, padding.data(), padding.size());
}

Status WriteTensor(std::ofstream& file, const std::string& path, const PlannedTensor& tensor,
                   NumberFormat format, BlockTables& tables) {
  const std::vector<std::byte>& table = tables.Of(format, tensor.values);
  const BlockLayout layout = internal::LayoutOf(format);
  const auto block = static_cast<std::uint64_t>(layout.values);
  std::uint64_t left = tensor.count();
  while (left > 0) {
    const std::uint64_t wanted = kShortestPiece + tables.Below(kLongestPiece - kShortestPiece);
    const std::uint64_t piece = std::min(left, wanted / block * block);
    const std::uint64_t first = tables.Below((kTable - piece) / block + 1);
    CARAT_RETURN_IF_ERROR(Write(file, path, table.data() + first * static_cast<std::uint64_t>(layout.bytes),
                                internal::BytesOf(format, static_cast<std::int64_t>(piece))));
    left -= piece;
  }
  return WritePadding(file, path, internal::BytesOf(format, static_cast<std::int64_t>(tensor.count())));
}

// Controls, bytes, letters, strings of two to four letters, and fillers.
struct Pieces {
  std::vector<std::string> texts;
  std::vector<std::int64_t> types;
  std::vector<std::string> merges;
};

constexpr std::int64_t kNormal = 1, kUnknown = 2, kControl = 3, kByte = 6;

void AddStrings(std::size_t size, Pieces& pieces) {
  std::vector<std::string> shorter;
  for (char letter = 'a'; letter <= 'z'; ++letter) shorter.emplace_back(1, letter);
  for (int length = 2; length <= 4; ++length) {
    std::vector<std::string> longer;
    for (const std::string& stem : shorter) {
      for (char letter = 'a'; letter <= 'z'; ++letter) {
        if (pieces.texts.size() >= size) return;
        longer.push_back(stem + letter);
        pieces.texts.push_back(longer.back());
        pieces.types.push_back(kNormal);
        pieces.merges.push_back(stem + " " + letter);
      }
    }
    shorter = std::move(longer);
  }
}

Pieces MakeUpPieces(std::size_t size) {
  Pieces pieces;
  const auto add = [&](std::string text, std::int64_t type) {
    pieces.texts.push_back(std::move(text));
    pieces.types.push_back(type);
  };
  for (const char* text : {"<pad>", "<eos>", "<bos>"}) add(text, kControl);
  add("<unk>", kUnknown);
  add("<mask>", kControl);
  for (int byte = 0; byte < 256; ++byte) add(absl::StrFormat("<0x%02X>", byte), kByte);
  for (const char* text : {"\n", "\u2581"}) add(text, kNormal);
  for (char letter = 'a'; letter <= 'z'; ++letter) add(std::string(1, letter), kNormal);
  for (char letter = 'A'; letter <= 'Z'; ++letter) add(std::string(1, letter), kNormal);
  AddStrings(size, pieces);
  while (pieces.texts.size() < size) add(absl::StrFormat("<unused%d>", pieces.texts.size()), kNormal);
  pieces.texts.resize(size);
  pieces.types.resize(size);
  return pieces;
}

void AddTokenizer(const internal::ModelConfig& config, GgufHeader& header) {
  const Pieces pieces = MakeUpPieces(static_cast<std::size_t>(config.text.vocabulary_size));
  const std::vector<float> scores(pieces.texts.size(), -1000.0f);
  header.String("tokenizer.ggml.model", "gemma4");
  header.Strings("tokenizer.ggml.tokens",
                 std::vector<std::string_view>(pieces.texts.begin(), pieces.texts.end()));
  header.Numbers("tokenizer.ggml.scores", scores);
  header.Integers("tokenizer.ggml.token_type", pieces.types);
  header.Strings("tokenizer.ggml.merges",
                 std::vector<std::string_view>(pieces.merges.begin(), pieces.merges.end()));
  header.Boolean("tokenizer.ggml.add_bos_token", true);
  header.Boolean("tokenizer.ggml.add_space_prefix", false);
  header.Unsigned("tokenizer.ggml.unknown_token_id", 3);
  internal::AddTokenKeys(config, &header);
}

}  // namespace

Status WriteGguf(const std::string& path, const internal::ModelConfig& config,
                 const std::vector<PlannedTensor>& tensors, const internal::FormatPlan& plan,
                 std::uint64_t seed) {
  GgufHeader header;
  CARAT_RETURN_IF_ERROR(internal::AddModelKeys(config, path, &header));
  header.Unsigned("general.file_type", plan.file_type());
  header.Unsigned("general.quantization_version", 2);
  AddTokenizer(config, header);
  const auto layers = static_cast<std::int64_t>(config.text.layers.size());
  std::vector<NumberFormat> formats;
  for (const PlannedTensor& tensor : tensors) {
    const auto name = internal::GgufNameOf(tensor.name);
    if (!name) return internal::Internal("tensor '%s' has no name in GGUF", tensor.name);
    formats.push_back(plan.Choose(tensor.name, tensor.shape, layers, config.text.last_kv_layer() + 1).format);
    header.Tensor(*name, tensor.shape, formats.back());
  }
  const std::vector<float> factors = internal::GgufRopeFactors(config.text);
  const auto factor_count = static_cast<std::int64_t>(factors.size());
  header.Tensor(internal::kGgufRopeFactors, {&factor_count, 1}, NumberFormat::kF32);

  std::ofstream file(path, std::ios::binary);
  const std::string head = header.Bytes();
  CARAT_RETURN_IF_ERROR(Write(file, path, head.data(), head.size()));
  BlockTables tables(seed);
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    CARAT_RETURN_IF_ERROR(WriteTensor(file, path, tensors[i], formats[i], tables));
  }
  CARAT_RETURN_IF_ERROR(Write(file, path, factors.data(), factors.size() * sizeof(float)));
  CARAT_RETURN_IF_ERROR(WritePadding(file, path, factors.size() * sizeof(float)));
  file.close();
  if (!file) return internal::Unavailable("%s: cannot write", path);
  return {};
}

}  // namespace carat::bench
