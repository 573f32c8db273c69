#include "carat/quantize.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "lib/base/aligned_buffer.h"
#include "lib/base/error.h"
#include "lib/base/guard.h"
#include "lib/base/page_release.h"
#include "lib/base/thread_pool.h"
#include "lib/convert/format_plan.h"
#include "lib/convert/gguf_header.h"
#include "lib/convert/output_file.h"
#include "lib/quant/block_formats.h"
#include "lib/weights/checkpoint.h"
#include "lib/weights/gguf_keys.h"
#include "lib/weights/gguf_names.h"

namespace carat::internal {
namespace {

// Values that one thread rounds at a time, and that are written at a time: whole numbers of every format's
// blocks.
constexpr std::int64_t kPiece = 1 << 14;
constexpr std::int64_t kPortion = 1 << 22;

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
    CARAT_ASSIGN_OR_RETURN(work_, MakeParallelWork(options_.threads, options_.runner));
    CARAT_RETURN_IF_ERROR(Allocate());
    CARAT_ASSIGN_OR_RETURN(OutputFile file, OutputFile::Create(path, options_.overwrite));
    Tell(path);
    const std::string head = header.Bytes();
    CARAT_RETURN_IF_ERROR(file.Write(head.data(), head.size()));
    for (const PlannedTensor& tensor : tensors_) CARAT_RETURN_IF_ERROR(WriteTensor(tensor, file));
    CARAT_RETURN_IF_ERROR(file.Write(factors.data(), factors.size() * sizeof(float)));
    CARAT_RETURN_IF_ERROR(Pad(factors.size() * sizeof(float), file));
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

  Status Allocate() {
    CARAT_ASSIGN_OR_RETURN(output_, AlignedBuffer<std::byte>::Allocate(BytesOf(NumberFormat::kF32, kPortion),
                                                                       "rounded weights"));
    CARAT_ASSIGN_OR_RETURN(
        scratch_, AlignedBuffer<float>::Allocate(static_cast<std::uint64_t>(work_->workers()) * kPiece,
                                                 "weights to be rounded"));
    return {};
  }

  // What a reader of the log wants to know beforehand.
  void Tell(const std::string& path) const {
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
    if (left_out_ > 0) {
      Log(LogSeverity::kWarning,
          absl::StrFormat(
              "%d tensors of the vision and audio towers are left out: the file is the text decoder's",
              left_out_));
    }
  }

  Status WriteTensor(const PlannedTensor& tensor, OutputFile& file) {
    const TensorEntry& source = *tensor.source;
    const std::int64_t values = source.values();
    for (std::int64_t first = 0; first < values; first += kPortion) {
      const std::int64_t count = std::min(kPortion, values - first);
      const std::byte* from = source.data + BytesOf(source.format, first);
      const std::size_t from_bytes = BytesOf(source.format, count);
      if (source.format == tensor.choice.format) {
        CARAT_RETURN_IF_ERROR(file.Write(from, from_bytes));
      } else {
        Round(source.format, from, count, tensor.choice.format);
        CARAT_RETURN_IF_ERROR(file.Write(output_.data(), BytesOf(tensor.choice.format, count)));
      }
      ReleaseMappedPages(from, from_bytes);
      done_ += static_cast<std::int64_t>(from_bytes);
      if (options_.progress && !options_.progress(done_, total_)) {
        return Cancelled("writing was stopped by the progress callback");
      }
    }
    return Pad(BytesOf(tensor.choice.format, values), file);
  }

  // Into output_.
  void Round(NumberFormat from_format, const std::byte* from, std::int64_t values,
             NumberFormat to_format) const {
    work_->For((values + kPiece - 1) / kPiece, [&](std::int64_t piece, int worker) {
      const std::int64_t first = piece * kPiece;
      const std::int64_t count = std::min(kPiece, values - first);
      float* floats = scratch_.data() + static_cast<std::int64_t>(worker) * kPiece;
      DecodeBlocks(from_format, from + BytesOf(from_format, first), count, floats);
      EncodeBlocks(to_format, floats, count, output_.data() + BytesOf(to_format, first));
    });
  }

  static Status Pad(std::uint64_t bytes, OutputFile& file) {
    const std::string padding(GgufPadding(bytes), '\0');
    return file.Write(padding.data(), padding.size());
  }

  const Checkpoint& checkpoint_;
  const TextConfig& config_;
  const FormatPlan& plan_;
  const QuantizeOptions& options_;
  std::vector<PlannedTensor> tensors_;
  std::int64_t left_out_ = 0;
  std::int64_t total_ = 0;
  std::int64_t done_ = 0;
  std::unique_ptr<const ParallelWork> work_;
  AlignedBuffer<std::byte> output_;
  AlignedBuffer<float> scratch_;
};

Status Quantize(const std::string& in, const std::string& out, const QuantizeOptions& options) {
  CARAT_ASSIGN_OR_RETURN(const FormatPlan plan,
                         FormatPlan::Create(options.type, options.embeddings, options.per_layer_embeddings));
  if (out.empty()) return InvalidArgument("the name of the file to write is empty");
  if (!options.overwrite && FileExists(out)) return AlreadyExists("%s: there is such a file already", out);
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
