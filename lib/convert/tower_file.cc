#include "lib/convert/tower_file.h"

#include <filesystem>
#include <utility>

#include "lib/base/error.h"
#include "lib/weights/gguf/gguf_tower_names.h"
#include "lib/weights/tower_config.h"

namespace carat::internal {
namespace {

// Matrices stay as they are; readers want the rest, and what convolutions read, in f32.
NumberFormat FormatOf(const TensorEntry& tensor) {
  const bool table = tensor.name.ends_with(".position_embedding_table");
  const bool patches = tensor.name.ends_with(".patch_embedder.input_proj.weight");
  const bool convolution = tensor.shape.size() > 2;
  return tensor.shape.size() < 2 || table || patches || convolution ? NumberFormat::kF32 : tensor.format;
}

std::vector<float> ValuesOf(const TensorEntry& tensor) {
  std::vector<float> values(static_cast<std::size_t>(tensor.values()));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = LoadValue(tensor.data, tensor.format, i);
  return values;
}

}  // namespace

Result<TowerFile> TowerFile::Plan(const Checkpoint& checkpoint) {
  TowerFile file;
  if (!checkpoint.config().has_vision && !checkpoint.config().has_audio) {
    return FailedPrecondition(
        "%s: there are no vision and audio towers to write: the checkpoint has none, or its GGUF file has "
        "them in another file already",
        checkpoint.folder());
  }
  if (checkpoint.is_gguf()) {
    return Unimplemented(
        "%s: the vision and audio towers lie inside this GGUF file, but this version of carat writes those "
        "of "
        "folders only",
        checkpoint.folder());
  }
  CARAT_ASSIGN_OR_RETURN(file.towers_.vision, ReadVisionConfig(checkpoint));
  CARAT_ASSIGN_OR_RETURN(file.towers_.budgets, ReadVisionBudgets(checkpoint));
  CARAT_ASSIGN_OR_RETURN(file.towers_.audio, ReadAudioConfig(checkpoint));
  CARAT_RETURN_IF_ERROR(
      AddTowerKeys(file.towers_, checkpoint.config().text.hidden_size, checkpoint.folder(), &file.header_));
  const auto name = std::filesystem::weakly_canonical(checkpoint.folder()).filename().string();
  file.header_.String("general.name", name);
  for (const TensorEntry& tensor : checkpoint.tensors()) {
    if (tensor.name.starts_with(checkpoint.text_prefix())) continue;
    auto gguf_name = GgufTowerNameOf(tensor.name);
    if (!gguf_name) {
      return Unimplemented("%s: tensor '%s' has no name in GGUF", checkpoint.files()[tensor.file]->path(),
                           tensor.name);
    }
    const auto shape = GgufTowerShape(tensor.name, tensor.shape, file.towers_);
    const NumberFormat format = FormatOf(tensor);
    file.header_.Tensor(*gguf_name, shape, format);
    file.tensors_.push_back({&tensor, *std::move(gguf_name), shape, format});
  }
  return file;
}

std::int64_t TowerFile::source_bytes() const {
  std::int64_t bytes = 0;
  for (const Planned& tensor : tensors_) bytes += static_cast<std::int64_t>(tensor.source->bytes);
  return bytes;
}

std::string TowerFile::Description() const {
  std::uint64_t bytes = 0;
  for (const Planned& tensor : tensors_) bytes += BytesOf(tensor.format, tensor.source->values());
  const char* which = !towers_.audio ? "vision" : towers_.vision ? "vision and audio" : "audio";
  return absl::StrFormat("%s, %d tensors, %.1f MB", which, tensors_.size(), static_cast<double>(bytes) / 1e6);
}

Status TowerFile::Write(TensorStream& stream, OutputFile& file) const {
  const std::string head = header_.Bytes();
  CARAT_RETURN_IF_ERROR(file.Write(head.data(), head.size()));
  for (const Planned& tensor : tensors_) CARAT_RETURN_IF_ERROR(WriteTensor(tensor, stream, file));
  return {};
}

Status TowerFile::WriteTensor(const Planned& tensor, TensorStream& stream, OutputFile& file) const {
  const TensorEntry& source = *tensor.source;
  if (source.name.ends_with(kPerDimScale)) {
    std::vector<float> values = ValuesOf(source);
    for (float& value : values) value = Softplus(value);
    return stream.WriteValues(values, source.bytes, file);
  }
  if (tensor.shape.size() == 4 && source.shape.size() == 2) {  // the patch projection
    const std::vector<float> folder = ValuesOf(source);
    std::vector<float> values(folder.size());
    const std::int64_t row = source.shape[1];
    for (std::int64_t i = 0; i < source.values(); ++i) {
      const std::int64_t from = i / row * row + PatchValueOf(i % row, tensor.shape[3]);
      values[static_cast<std::size_t>(i)] = folder[static_cast<std::size_t>(from)];
    }
    return stream.WriteValues(values, source.bytes, file);
  }
  return stream.Write(source, tensor.format, file);
}

}  // namespace carat::internal
