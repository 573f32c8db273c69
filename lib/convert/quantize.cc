#include "carat/quantize.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "lib/base/error.h"
#include "lib/base/file_kind.h"
#include "lib/base/guard.h"
#include "lib/convert/format_plan.h"
#include "lib/convert/gguf_header.h"
#include "lib/convert/output_file.h"
#include "lib/convert/tensor_stream.h"
#include "lib/convert/tower_file.h"
#include "lib/weights/checkpoint.h"
#include "lib/weights/gguf/gguf_keys.h"
#include "lib/weights/gguf/gguf_names.h"
#include "lib/weights/model_path.h"

namespace carat::internal {
namespace {

struct PlannedTensor {
  const TensorEntry* source;
  std::string name;  // in GGUF
  FormatPlan::Choice choice;
};

class Quantizer {
 public:
  Quantizer(const Checkpoint& checkpoint, const FormatPlan& plan, const QuantizeOptions& options)
      : checkpoint_(checkpoint), config_(checkpoint.config().text), plan_(plan), options_(options) {}

  Status Write(const std::string& path) {
    CARAT_RETURN_IF_ERROR(PlanTensors());
    CARAT_ASSIGN_OR_RETURN(GgufHeader header, MakeGgufHeader(checkpoint_, plan_));
    for (const PlannedTensor& tensor : tensors_) {
      header.Tensor(tensor.name, tensor.source->shape, tensor.choice.format);
    }
    const std::vector<float> factors = GgufRopeFactors(config_);
    const auto factor_count = static_cast<std::int64_t>(factors.size());
    header.Tensor(kGgufRopeFactors, {&factor_count, 1}, NumberFormat::kF32);
    std::optional<TowerFile> towers;
    if (!options_.mmproj.empty()) {
      CARAT_ASSIGN_OR_RETURN(towers, TowerFile::Plan(checkpoint_));
      total_ += towers->source_bytes();
    }
    CARAT_ASSIGN_OR_RETURN(TensorStream stream, TensorStream::Create(options_, total_));
    CARAT_ASSIGN_OR_RETURN(OutputFile file, OutputFile::Create(path, options_.overwrite));
    std::optional<OutputFile> tower_file;
    if (towers) {
      CARAT_ASSIGN_OR_RETURN(OutputFile created, OutputFile::Create(options_.mmproj, options_.overwrite));
      tower_file.emplace(std::move(created));
    }
    Tell(path, towers);
    const std::string head = header.Bytes();
    CARAT_RETURN_IF_ERROR(file.Write(head.data(), head.size()));
    for (const PlannedTensor& tensor : tensors_) {
      CARAT_RETURN_IF_ERROR(stream.Write(*tensor.source, tensor.choice.format, file));
    }
    CARAT_RETURN_IF_ERROR(stream.WriteValues(factors, 0, file));
    if (towers) {
      CARAT_RETURN_IF_ERROR(towers->Write(stream, *tower_file));
      CARAT_RETURN_IF_ERROR(tower_file->Finish());
    }
    return file.Finish();
  }

 private:
  void Log(LogSeverity severity, const std::string& line) const {
    if (options_.log) options_.log(severity, line);
  }

  // Whether the tensor is one of a KV-shared layer's own keys and values, which nobody reads.
  bool IsUnused(std::string_view name) const {
    if (name.find(".self_attn.k_") == std::string_view::npos &&
        name.find(".self_attn.v_") == std::string_view::npos)
      return false;
    for (std::size_t i = static_cast<std::size_t>(config_.last_kv_layer() + 1); i < config_.layers.size();
         ++i) {
      if (name.starts_with(absl::StrFormat("layers.%d.", i))) return true;
    }
    return false;
  }

  Status PlanTensors() {
    const auto layers = static_cast<std::int64_t>(config_.layers.size());
    for (const TensorEntry& tensor : checkpoint_.tensors()) {
      std::string_view name = tensor.name;
      if (!name.starts_with(checkpoint_.text_prefix())) {
        ++left_out_;
        continue;
      }
      name.remove_prefix(checkpoint_.text_prefix().size());
      if (IsUnused(name)) continue;
      const auto gguf_name = GgufNameOf(name);
      // In a text-only checkpoint the text decoder's prefix is that of everything.
      if (!gguf_name) {
        return Unimplemented("%s: tensor '%s' has no name in GGUF", checkpoint_.files()[tensor.file]->path(),
                             tensor.name);
      }
      const auto choice = plan_.Choose(name, tensor.shape, layers, config_.last_kv_layer() + 1);
      tensors_.push_back({&tensor, *gguf_name, choice});
      CARAT_RETURN_IF_ERROR(CheckRounding(tensors_.back()));
      total_ += static_cast<std::int64_t>(tensor.bytes);
    }
    return {};
  }

  Status CheckRounding(const PlannedTensor& tensor) const {
    const NumberFormat from = tensor.source->format, to = tensor.choice.format;
    if (from == to || IsFloat(from) || IsFloat(to) || options_.requantize) return {};
    return FailedPrecondition(
        "%s: tensor '%s' is in blocks of %s already, and %s is wanted: rounding twice costs "
        "quality, and is done only if asked for",
        checkpoint_.files()[tensor.source->file]->path(), tensor.name, std::string(NumberFormatName(from)),
        std::string(NumberFormatName(to)));
  }

  // What a reader of the log wants to know beforehand.
  void Tell(const std::string& path, const std::optional<TowerFile>& towers) const {
    std::map<NumberFormat, std::int64_t> bytes;
    std::map<std::pair<NumberFormat, NumberFormat>, std::vector<const PlannedTensor*>> replaced;
    for (const PlannedTensor& tensor : tensors_) {
      bytes[tensor.choice.format] +=
          static_cast<std::int64_t>(BytesOf(tensor.choice.format, tensor.source->values()));
      if (tensor.choice.instead_of) {
        replaced[{*tensor.choice.instead_of, tensor.choice.format}].push_back(&tensor);
      }
    }
    std::string formats;
    for (const auto& [format, size] : bytes) {
      absl::StrAppendFormat(&formats, "%s%s %.1f MB", formats.empty() ? "" : ", ",
                            std::string(NumberFormatName(format)), static_cast<double>(size) / 1e6);
    }
    Log(LogSeverity::kInfo, absl::StrFormat("%s: %d tensors: %s", path, tensors_.size(), formats));
    for (const auto& [pair, tensors] : replaced) {
      const std::string_view wanted = NumberFormatName(pair.first), found = NumberFormatName(pair.second);
      Log(LogSeverity::kWarning,
          absl::StrFormat(
              "%d tensors are %s, not %s, whose blocks do not divide their rows: %s, of %d values a "
              "row, is the first",
              tensors.size(), std::string(found), std::string(wanted), tensors.front()->name,
              tensors.front()->source->shape.back()));
    }
    if (towers) Log(LogSeverity::kInfo, absl::StrFormat("%s: %s", options_.mmproj, towers->Description()));
    if (left_out_ > 0 && !towers) {
      Log(LogSeverity::kWarning,
          absl::StrFormat(
              "%d tensors of the vision and audio towers are left out: the file is the text decoder's",
              left_out_));
    }
  }

  const Checkpoint& checkpoint_;
  const TextConfig& config_;
  const FormatPlan& plan_;
  const QuantizeOptions& options_;
  std::vector<PlannedTensor> tensors_;
  std::int64_t left_out_ = 0;
  std::int64_t total_ = 0;
};

// The file that a name means, whatever the way that leads to it.
std::filesystem::path FileNamed(const std::string& name) {
  std::error_code error;
  const std::filesystem::path path = std::filesystem::weakly_canonical(std::filesystem::path(name), error);
  return error ? std::filesystem::path(name) : path;
}

// Errors: INVALID_ARGUMENT if the file is one that the checkpoint is read from and consists of.
Status CheckIsNoInput(const std::string& name, const ModelPath& in) {
  std::error_code error;
  if (in.is_gguf || !std::filesystem::exists(name, error)) return {};
  CARAT_ASSIGN_OR_RETURN(const FileContent content, ContentOfFile(name));
  if (content == FileContent::kGguf) return {};  // an earlier output that lies in the model's folder
  const std::filesystem::path folder = std::filesystem::path(name).parent_path();
  if (!std::filesystem::equivalent(folder.empty() ? "." : folder, in.path, error) || error) return {};
  return InvalidArgument("%s: this file belongs to the model that is read: give another name", name);
}

Status Quantize(const std::string& in, const std::string& out, const QuantizeOptions& options) {
  CARAT_ASSIGN_OR_RETURN(const FormatPlan plan,
                         FormatPlan::Create(options.type, options.embeddings, options.per_layer_embeddings));
  if (out.empty()) return InvalidArgument("the name of the file to write is empty");
  CARAT_RETURN_IF_ERROR(OutputFile::Check(out, options.overwrite));
  if (!options.mmproj.empty()) CARAT_RETURN_IF_ERROR(OutputFile::Check(options.mmproj, options.overwrite));
  if (!options.mmproj.empty() && FileNamed(options.mmproj) == FileNamed(out)) {
    return InvalidArgument("%s: the text decoder and the towers go to two files, but have one name", out);
  }
  CARAT_ASSIGN_OR_RETURN(const ModelPath model, FindModel(in));
  CARAT_RETURN_IF_ERROR(CheckIsNoInput(out, model));
  if (!options.mmproj.empty()) CARAT_RETURN_IF_ERROR(CheckIsNoInput(options.mmproj, model));
  CARAT_ASSIGN_OR_RETURN(const Checkpoint checkpoint, Checkpoint::Open(in));
  return Quantizer(checkpoint, plan, options).Write(out);
}

}  // namespace
}  // namespace carat::internal

namespace carat {

Status QuantizeCheckpoint(std::string_view in, std::string_view out,
                          const QuantizeOptions& options) noexcept {
  return internal::Guard([&] { return internal::Quantize(std::string(in), std::string(out), options); });
}

}  // namespace carat
