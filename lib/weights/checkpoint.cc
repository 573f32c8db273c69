#include "lib/weights/checkpoint.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

#include "lib/base/error.h"
#include "lib/base/file_kind.h"
#include "lib/base/json.h"
#include "lib/weights/folder/safetensors.h"
#include "lib/weights/gguf/gguf_model.h"
#include "lib/weights/gguf/gguf_names.h"
#include "lib/weights/gguf/gguf_tower_names.h"
#include "lib/weights/model_path.h"

namespace carat::internal {
namespace {

constexpr std::string_view kSingleFile = "model.safetensors";
constexpr std::string_view kIndexFile = "model.safetensors.index.json";
constexpr std::string_view kGgufFormats = "F32, F16, BF16, Q4_0 to Q8_0, Q2_K to Q6_K, IQ4_NL or IQ4_XS";
constexpr std::string_view kTextPrefixes[] = {"model.language_model.", "model."};
constexpr std::size_t kLargestIndex = 100'000'000;  // as much as the format allows one file's header

std::string Join(const std::string& folder, std::string_view name) {
  return folder + "/" + std::string(name);
}

TensorEntry EntryOf(StoredTensor&& stored, const FileMapping& file, std::size_t index) {
  TensorEntry entry;
  entry.name = std::move(stored.name);
  entry.format = *stored.format;
  entry.shape = std::move(stored.shape);
  entry.data = file.bytes().data() + stored.begin;
  entry.bytes = stored.end - stored.begin;
  entry.file = index;
  return entry;
}

// Which file holds which tensor, by the index.
struct ShardIndex {
  std::string path;
  std::map<std::string, std::string, std::less<>> shard_of;  // tensor -> file name
  std::set<std::string> shards;
};

// A shard lies in the folder itself: nothing in an index leads out of it.
Status CheckShardName(const std::string& index_path, const std::string& tensor, const std::string& name) {
  const bool safe = !name.empty() && name != "." && name != ".." &&
                    name.find_first_of(std::string_view("/\\\0", 3)) == std::string::npos;
  if (safe) return {};
  return InvalidArgument("%s: weight_map.%s is '%s', but must be the name of a file in the same folder",
                         index_path, tensor, name);
}

Result<ShardIndex> ReadIndex(const std::string& path) {
  CARAT_ASSIGN_OR_RETURN(const std::string text, ReadFile(path, kLargestIndex));
  CARAT_RETURN_IF_ERROR(
      CheckContent(path, std::as_bytes(std::span(text)), FileContent::kJson, "a JSON file in UTF-8"));
  CARAT_ASSIGN_OR_RETURN(const JsonDocument document, JsonDocument::Parse(text, path));
  CARAT_ASSIGN_OR_RETURN(const JsonObject root, JsonObject::From(document.root(), path, ""));
  CARAT_ASSIGN_OR_RETURN(const auto map, root.Object("weight_map"));
  if (!map) return InvalidArgument("%s is missing or null, but must be an object", root.Locate("weight_map"));
  ShardIndex index;
  index.path = path;
  for (const auto member : map->raw()) {
    const std::string tensor(member.key);
    std::string_view value;
    if (member.value.get(value)) {
      return InvalidArgument("%s must be a string, the name of a file", map->Locate(tensor));
    }
    const std::string shard(value);
    CARAT_RETURN_IF_ERROR(CheckShardName(path, tensor, shard));
    if (!index.shard_of.emplace(tensor, shard).second) {
      return DataLoss("%s: the key is there twice", map->Locate(tensor));
    }
    index.shards.insert(shard);
  }
  if (index.shards.empty()) return InvalidArgument("%s names no tensor", root.Locate("weight_map"));
  return index;
}

// The number of the layer that a tensor "layers.12.mlp. ..." belongs to.
std::optional<std::int64_t> LayerOf(std::string_view name) {
  constexpr std::string_view kLayersPrefix = "layers.";
  if (!name.starts_with(kLayersPrefix)) return std::nullopt;
  name.remove_prefix(kLayersPrefix.size());
  std::int64_t layer;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), layer);
  if (error != std::errc() || end == name.data() + name.size() || *end != '.') return std::nullopt;
  return layer;
}

// Why the configuration has no place for a tensor of the text decoder; empty if it does. A tensor that is
// missing or of another shape is found by Require; this finds what would be left over.
std::string WhyUnexpected(std::string_view name, const TextConfig& config, bool is_gguf) {
  const std::int64_t layers = static_cast<std::int64_t>(config.layers.size());
  const std::optional<std::int64_t> layer = LayerOf(name);
  if (layer && (*layer < 0 || *layer >= layers)) {
    return absl::StrFormat("%s is %d", is_gguf ? "block_count" : "num_hidden_layers", layers);
  }
  const bool is_expert = layer && (name.find(".experts.") != std::string_view::npos ||
                                   name.find(".router.") != std::string_view::npos);
  if (is_expert && config.experts == 0) return is_gguf ? "expert_count is 0" : "enable_moe_block is false";
  if (name == "embed_tokens_per_layer.weight" && config.per_layer_input_size == 0) {
    return is_gguf ? "embedding_length_per_layer_input is 0" : "hidden_size_per_layer_input is 0";
  }
  return "";
}

}  // namespace

std::int64_t TensorEntry::values() const {
  std::int64_t product = 1;
  for (const std::int64_t size : shape) product *= size;
  return product;
}

std::string ShapeString(std::span<const std::int64_t> shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (i > 0) text += ", ";
    text += std::to_string(shape[i]);
  }
  return text + "]";
}

Result<std::vector<TensorEntry>> ReadSafetensors(const std::shared_ptr<const FileMapping>& file,
                                                 std::size_t index) {
  CARAT_ASSIGN_OR_RETURN(std::vector<StoredTensor> stored, ReadTableOfContents(*file));
  std::vector<TensorEntry> entries;
  for (StoredTensor& tensor : stored) {
    if (tensor.format) entries.push_back(EntryOf(std::move(tensor), *file, index));
  }
  return entries;
}

Result<Checkpoint> Checkpoint::Open(const std::string& path, const std::string& towers, FileAccess access) {
  CARAT_ASSIGN_OR_RETURN(const ModelPath model, FindModel(path));
  if (!model.is_gguf && !towers.empty()) {
    return InvalidArgument(
        "%s: a file of towers goes with a GGUF model, but %s is a folder, which holds its own", towers, path);
  }
  Checkpoint checkpoint;
  checkpoint.folder_ = model.path;
  checkpoint.access_ = access;
  checkpoint.is_gguf_ = model.is_gguf;
  CARAT_RETURN_IF_ERROR(model.is_gguf ? checkpoint.OpenGguf() : checkpoint.OpenFolder());
  if (!towers.empty()) CARAT_RETURN_IF_ERROR(checkpoint.AddTowers(towers));
  return checkpoint;
}

Status Checkpoint::OpenFolder() {
  CARAT_ASSIGN_OR_RETURN(config_, ReadModelConfig(folder_));
  CARAT_RETURN_IF_ERROR(OpenFiles());
  CARAT_RETURN_IF_ERROR(FindTextPrefix());
  return CheckAgainstConfig();
}

Status Checkpoint::OpenGguf() {
  CARAT_ASSIGN_OR_RETURN(const GgufModel model, GgufModel::Open(folder_, access_));
  text_prefix_ = kTextPrefixes[0];
  CARAT_ASSIGN_OR_RETURN(config_, ReadGgufConfig(model));
  CARAT_ASSIGN_OR_RETURN(towers_, ReadTowersInside(model, config_.text.hidden_size));
  config_.has_vision = towers_.vision.has_value();
  config_.has_audio = towers_.audio.has_value();
  ollama_names_ = HasOllamaNames(&model);
  for (const GgufFile& part : model.parts()) CARAT_RETURN_IF_ERROR(AddPart(part));
  return CheckAgainstConfig();
}

Status Checkpoint::AddPart(const GgufFile& part) {
  const std::size_t index = files_.size();
  for (const GgufTensor& tensor : part.tensors()) {
    if (tensor.name == kGgufRopeFactors) continue;  // the configuration has it
    if (IsTowerTensor(tensor.name) && (config_.has_vision || config_.has_audio)) {
      CARAT_RETURN_IF_ERROR(AddTowerTensor(part, tensor));
      continue;
    }
    const auto name = CheckpointNameOf(tensor.name);
    if (!name) {
      return Unimplemented(
          "%s: tensor '%s': this version of carat has no place for it in a text decoder, and "
          "leaving it out could change what is computed",
          part.path(), tensor.name);
    }
    const std::string full = text_prefix_ + *name;
    CARAT_RETURN_IF_ERROR(CheckNew(full, part.path()));
    if (!tensor.format) {
      others_.emplace(full, OtherTensor{tensor.type_name, index});
      continue;
    }
    AddTensor(part, tensor, full, tensor.shape);
  }
  files_.push_back(part.file());
  return {};
}

// The file is the one that files_ gets next.
void Checkpoint::AddTensor(const GgufFile& file, const GgufTensor& tensor, std::string name,
                           std::vector<std::int64_t> shape) {
  by_name_.emplace(name, tensors_.size());
  TensorEntry& entry = tensors_.emplace_back();
  entry.name = std::move(name);
  entry.name_in_file = tensor.name;
  entry.format = *tensor.format;
  entry.shape = std::move(shape);
  entry.data = file.file()->bytes().data() + tensor.begin;
  entry.bytes = tensor.bytes;
  entry.file = files_.size();
}

// A tensor of a tower, in a file of its own or inside the text decoder's.
Status Checkpoint::AddTowerTensor(const GgufFile& file, const GgufTensor& tensor) {
  if (tensor.name == kPackedVisionBounds) return AddPackedBounds(file, tensor);
  const auto name = TowerNameOf(ollama_names_ ? MmprojNameOf(tensor.name) : tensor.name);
  if (!name) {
    return Unimplemented(
        "%s: tensor '%s': this version of carat has no place for it in a tower, and leaving it out could "
        "change what is computed",
        file.path(), tensor.name);
  }
  if (!tensor.format) {
    return Unimplemented("%s: tensor '%s' is %s, but must be %s", file.path(), tensor.name, tensor.type_name,
                         std::string(kGgufFormats));
  }
  CARAT_RETURN_IF_ERROR(CheckNew(*name, file.path()));
  AddTensor(file, tensor, *name, TowerShape(*name, tensor.shape));
  return {};
}

// Every bound becomes a tensor of its own, as in other files; where both are there, the single ones count.
Status Checkpoint::AddPackedBounds(const GgufFile& file, const GgufTensor& tensor) {
  if (!towers_.vision || file.FindTensor("v.blk.0.attn_q.input_min") != nullptr) return {};
  const std::vector<std::string> names = PackedVisionBoundNames(towers_.vision->layers);
  const auto expected = static_cast<std::int64_t>(names.size() + 4);
  if (tensor.format != NumberFormat::kF32 || tensor.shape != std::vector<std::int64_t>{expected}) {
    return InvalidArgument("%s: tensor '%s' is %s of shape %s, but must be F32 of shape [%d]", file.path(),
                           tensor.name, tensor.type_name, ShapeString(tensor.shape), expected);
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    CARAT_RETURN_IF_ERROR(CheckNew(names[i], file.path()));
    GgufTensor bound = tensor;
    bound.begin += i * sizeof(float);
    bound.bytes = sizeof(float);
    AddTensor(file, bound, names[i], {});
  }
  return {};
}

Status Checkpoint::AddTowers(const std::string& path) {
  if (config_.has_vision || config_.has_audio) {
    return InvalidArgument("%s: %s has vision and audio towers inside already: open it without these", path,
                           folder_);
  }
  CARAT_ASSIGN_OR_RETURN(const GgufFile file, GgufFile::Open(path, access_));
  CARAT_ASSIGN_OR_RETURN(towers_, ReadGgufTowers(file, config_.text.hidden_size, folder_));
  for (const GgufTensor& tensor : file.tensors()) CARAT_RETURN_IF_ERROR(AddTowerTensor(file, tensor));
  files_.push_back(file.file());
  towers_path_ = path;
  config_.has_vision = towers_.vision.has_value();
  config_.has_audio = towers_.audio.has_value();
  return {};
}

const std::string& Checkpoint::PlaceOf(std::string_view name) const {
  return towers_path_.empty() || name.starts_with(text_prefix_) ? folder_ : towers_path_;
}

std::string Checkpoint::NameInFile(std::string_view name) const {
  if (!is_gguf_) return std::string(name);
  if (name.starts_with(text_prefix_)) {
    if (auto found = GgufNameOf(name.substr(text_prefix_.size()))) return *std::move(found);
  }
  if (auto found = GgufTowerNameOf(name)) return *std::move(found);
  return std::string(name);
}

Status Checkpoint::OpenFiles() {
  const std::string single = Join(folder_, kSingleFile);
  const std::string index = Join(folder_, kIndexFile);
  if (FileExists(single)) return AddFile(single);
  if (FileExists(index)) return OpenShards(index);
  const bool pickled = FileExists(Join(folder_, "pytorch_model.bin")) ||
                       FileExists(Join(folder_, "pytorch_model.bin.index.json"));
  return NotFound("%s: there is neither %s nor %s in this folder%s", folder_, std::string(kSingleFile),
                  std::string(kIndexFile),
                  pickled ? ", only pytorch_model.bin, a Python pickle that carat does not read" : "");
}

Status Checkpoint::OpenShards(const std::string& index_path) {
  CARAT_ASSIGN_OR_RETURN(const ShardIndex index, ReadIndex(index_path));
  std::map<std::string, std::size_t> file_of_shard;
  for (const std::string& shard : index.shards) {
    const std::string path = Join(folder_, shard);
    if (!FileExists(path)) {
      const auto user = std::find_if(index.shard_of.begin(), index.shard_of.end(),
                                     [&](const auto& entry) { return entry.second == shard; });
      return NotFound("%s: no such file, but %s says that it holds tensor '%s'", path, index_path,
                      user->first);
    }
    file_of_shard[shard] = files_.size();
    CARAT_RETURN_IF_ERROR(AddFile(path));
  }
  for (const auto& [tensor, shard] : index.shard_of) {
    const std::optional<std::size_t> found = FileOf(tensor);
    if (found != file_of_shard[shard]) {
      return DataLoss("%s: expected tensor '%s' in %s, but found it in %s", index_path, tensor, shard,
                      found ? files_[*found]->path() : "no file");
    }
  }
  return {};
}

Status Checkpoint::AddFile(const std::string& path) {
  CARAT_ASSIGN_OR_RETURN(auto file, FileMapping::Open(path, access_));
  CARAT_ASSIGN_OR_RETURN(std::vector<StoredTensor> stored, ReadTableOfContents(*file));
  const std::size_t index = files_.size();
  for (StoredTensor& tensor : stored) {
    CARAT_RETURN_IF_ERROR(CheckNew(tensor.name, path));
    if (tensor.format) {
      by_name_.emplace(tensor.name, tensors_.size());
      tensors_.push_back(EntryOf(std::move(tensor), *file, index));
    } else {
      others_.emplace(std::move(tensor.name), OtherTensor{std::move(tensor.type), index});
    }
  }
  files_.push_back(std::move(file));
  return {};
}

Status Checkpoint::CheckNew(const std::string& name, const std::string& path) const {
  const std::optional<std::size_t> file = FileOf(name);
  if (!file) return {};
  return DataLoss("%s: tensor '%s' is in %s already", path, name, files_[*file]->path());
}

std::optional<std::size_t> Checkpoint::FileOf(std::string_view name) const {
  if (const TensorEntry* tensor = Find(name)) return tensor->file;
  const auto other = others_.find(name);
  if (other == others_.end()) return std::nullopt;
  return other->second.file;
}

Status Checkpoint::FindTextPrefix() {
  constexpr std::string_view kEmbedding = "embed_tokens.weight";
  for (const std::string_view prefix : kTextPrefixes) {
    text_prefix_ = prefix;
    if (FileOf(text_prefix_ + std::string(kEmbedding))) return {};
  }
  return NotFound("%s: expected a tensor '%s%s' or '%s%s', but found neither among %d", folder_,
                  std::string(kTextPrefixes[0]), std::string(kEmbedding), std::string(kTextPrefixes[1]),
                  std::string(kEmbedding), tensors_.size());
}

Status Checkpoint::CheckAgainstConfig() const {
  for (const TensorEntry& tensor : tensors_) {
    if (!tensor.name.starts_with(text_prefix_)) continue;
    const std::string why =
        WhyUnexpected(std::string_view(tensor.name).substr(text_prefix_.size()), config_.text, is_gguf_);
    if (!why.empty()) {
      return InvalidArgument("%s: tensor '%s' is in the file, but %s no place for it: %s",
                             files_[tensor.file]->path(), NameInFile(tensor.name),
                             is_gguf_ ? "its keys have" : "config.json has", why);
    }
  }
  return {};
}

const TensorEntry* Checkpoint::Find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &tensors_[found->second];
}

Result<const TensorEntry*> Checkpoint::Require(std::string_view name,
                                               std::span<const std::int64_t> shape) const {
  const TensorEntry* tensor = Find(name);
  if (tensor == nullptr) {
    const auto other = others_.find(name);
    if (other == others_.end()) {
      return NotFound("%s: expected a tensor '%s' of shape %s, but there is none", PlaceOf(name),
                      NameInFile(name), ShapeString(shape));
    }
    return InvalidArgument("%s: tensor '%s' is %s, but must be %s", files_[other->second.file]->path(),
                           NameInFile(name), other->second.type,
                           is_gguf_ ? std::string(kGgufFormats) : "BF16, F16 or F32");
  }
  if (!std::equal(shape.begin(), shape.end(), tensor->shape.begin(), tensor->shape.end())) {
    return InvalidArgument("%s: tensor '%s': expected shape %s, but found %s", files_[tensor->file]->path(),
                           NameInFile(name), ShapeString(shape), ShapeString(tensor->shape));
  }
  if (IsFloat(tensor->format) || tensor->name.starts_with(text_prefix_)) return tensor;
  return decoded_->Get(*tensor);
}

std::size_t Checkpoint::OffsetOf(const TensorEntry& tensor) const {
  return static_cast<std::size_t>(tensor.data - files_[tensor.file]->bytes().data());
}

}  // namespace carat::internal
