// A checkpoint on disk: its configuration, and its tensors by name, mapped.
#ifndef CARAT_LIB_WEIGHTS_CHECKPOINT_H_
#define CARAT_LIB_WEIGHTS_CHECKPOINT_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "carat/status.h"
#include "lib/base/aligned_buffer.h"
#include "lib/base/file_mapping.h"
#include "lib/base/tensor.h"
#include "lib/gguf/gguf.h"
#include "lib/weights/gguf/gguf_towers.h"
#include "lib/weights/model_config.h"

namespace carat::internal {

// One tensor of a file. `data` lies wholly inside the mapping and is bytes() long; it may be unaligned.
struct TensorEntry {
  std::string name;
  NumberFormat format = NumberFormat::kBF16;
  std::vector<std::int64_t> shape;  // outermost first; empty for a scalar
  const std::byte* data = nullptr;
  std::uint64_t bytes = 0;
  std::size_t file = 0;      // index into Checkpoint::files()
  std::string name_in_file;  // what the file calls it, where that is another name

  std::int64_t values() const;  // the product of the shape
};

// Shapes as errors show them: "[4, 16]".
std::string ShapeString(std::span<const std::int64_t> shape);

// Reads one safetensors file's table of contents. Every offset is checked against the file: inside it, in
// order, without overlap or gap, and as long as shape and type say. Tensors of types that carat does not
// compute with (I64, BOOL, ...) are checked and left out. Errors: DATA_LOSS naming file, tensor, expected and
// found.
Result<std::vector<TensorEntry>> ReadSafetensors(const std::shared_ptr<const FileMapping>& file,
                                                 std::size_t index);

// Tensors of blocks, decoded. Any thread.
class DecodedTensors {
 public:
  // The same tensor in bf16, made at the first call and kept. Errors: RESOURCE_EXHAUSTED.
  Result<const TensorEntry*> Get(const TensorEntry& tensor);

 private:
  struct Decoded {
    TensorEntry entry;
    AlignedBuffer<std::uint16_t> values;
  };
  std::mutex mutex_;
  std::map<std::string, Decoded, std::less<>> decoded_;
};

class Checkpoint {
 public:
  // Whatever FindModel (model_path.h) makes of the path: a Hugging Face folder with config.json, and
  // model.safetensors or the shards of model.safetensors.index.json; or a GGUF file, any part of a split one,
  // whose tensors are presented under the names that a folder would have. Nothing but the tables of contents
  // is read, unless `access` says that the files are copied into memory.
  // `towers`, if it is not empty, is a GGUF file with the vision and audio towers of a GGUF model.
  static Result<Checkpoint> Open(const std::string& path, const std::string& towers = "",
                                 FileAccess access = FileAccess::kMapped);

  // The folder, or the GGUF file.
  const std::string& folder() const { return folder_; }
  bool is_gguf() const { return is_gguf_; }
  const ModelConfig& config() const { return config_; }
  // Of a GGUF model with a file of towers; tower_config.h answers for every checkpoint.
  const GgufTowers& towers() const { return towers_; }
  const std::vector<std::shared_ptr<const FileMapping>>& files() const { return files_; }
  const std::vector<TensorEntry>& tensors() const { return tensors_; }

  // The tensor of that name, or null. Only those of types that carat computes with are found.
  const TensorEntry* Find(std::string_view name) const;

  // The tensor of that name, which must have that shape. Errors: NOT_FOUND, INVALID_ARGUMENT; the message
  // names folder, tensor, expected and found. A tower's tensor that a GGUF file has in blocks is decoded to
  // bf16 in memory when it is asked for first, since towers compute with floats; RESOURCE_EXHAUSTED if there
  // is none.
  Result<const TensorEntry*> Require(std::string_view name, std::span<const std::int64_t> shape) const;

  // "model.language_model." or, in text-only checkpoints, "model.": what precedes "layers.0. ...".
  const std::string& text_prefix() const { return text_prefix_; }

  // Where in its file a tensor's bytes begin.
  std::size_t OffsetOf(const TensorEntry& tensor) const;

 private:
  // A tensor of a type that carat does not compute with: known by name, so that errors can say so.
  struct OtherTensor {
    std::string type;
    std::size_t file;
  };

  Status OpenFolder();
  Status OpenGguf();
  Status AddPart(const GgufFile& part);
  Status AddTowerTensor(const GgufFile& file, const GgufTensor& tensor);
  Status AddPackedBounds(const GgufFile& file, const GgufTensor& tensor);
  Status AddTowers(const std::string& path);
  void AddTensor(const GgufFile& file, const GgufTensor& tensor, std::string name,
                 std::vector<std::int64_t> shape);
  // The path that an error names where the tensor is missing.
  const std::string& PlaceOf(std::string_view name) const;
  // What the files call the tensor of that name.
  std::string NameInFile(std::string_view name) const;
  Status OpenFiles();
  Status OpenShards(const std::string& index_path);
  Status AddFile(const std::string& path);
  Status CheckNew(const std::string& name, const std::string& path) const;
  std::optional<std::size_t> FileOf(std::string_view name) const;
  Status FindTextPrefix();
  Status CheckAgainstConfig() const;

  std::string folder_;
  FileAccess access_ = FileAccess::kMapped;
  bool is_gguf_ = false;
  ModelConfig config_;
  GgufTowers towers_;
  std::string towers_path_;
  bool ollama_names_ = false;
  std::shared_ptr<DecodedTensors> decoded_ = std::make_shared<DecodedTensors>();
  std::vector<std::shared_ptr<const FileMapping>> files_;
  std::vector<TensorEntry> tensors_;
  std::map<std::string, std::size_t, std::less<>> by_name_;  // index into tensors_
  std::map<std::string, OtherTensor, std::less<>> others_;
  std::string text_prefix_;
};

}  // namespace carat::internal

#endif  // CARAT_LIB_WEIGHTS_CHECKPOINT_H_
