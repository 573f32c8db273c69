#include "lib/convert/tensor_stream.h"

#include <algorithm>
#include <string>

#include "lib/base/error.h"
#include "lib/base/page_release.h"
#include "lib/gguf/gguf_writer.h"
#include "lib/quant/block_formats.h"

namespace carat::internal {
namespace {

// Values that one thread rounds at a time, and that are written at a time: whole numbers of every format's
// blocks.
constexpr std::int64_t kPiece = 1 << 14;
constexpr std::int64_t kPortion = 1 << 22;

Status Pad(std::uint64_t bytes, OutputFile& file) {
  const std::string padding(GgufPadding(bytes), '\0');
  return file.Write(padding.data(), padding.size());
}

}  // namespace

Result<TensorStream> TensorStream::Create(const QuantizeOptions& options, std::int64_t total) {
  TensorStream stream(options);
  stream.total_ = total;
  CARAT_ASSIGN_OR_RETURN(stream.work_, MakeParallelWork(options.threads, options.runner));
  CARAT_ASSIGN_OR_RETURN(stream.output_, AlignedBuffer<std::byte>::Allocate(
                                             BytesOf(NumberFormat::kF32, kPortion), "rounded weights"));
  CARAT_ASSIGN_OR_RETURN(stream.scratch_, AlignedBuffer<float>::Allocate(
                                              static_cast<std::uint64_t>(stream.work_->workers()) * kPiece,
                                              "weights to be rounded"));
  return stream;
}

Status TensorStream::Write(const TensorEntry& source, NumberFormat format, OutputFile& file) {
  const std::int64_t values = source.values();
  for (std::int64_t first = 0; first < values; first += kPortion) {
    const std::int64_t count = std::min(kPortion, values - first);
    const std::byte* from = source.data + BytesOf(source.format, first);
    const std::size_t from_bytes = BytesOf(source.format, count);
    if (source.format == format) {
      CARAT_RETURN_IF_ERROR(file.Write(from, from_bytes));
    } else {
      Round(source.format, from, count, format);
      CARAT_RETURN_IF_ERROR(file.Write(output_.data(), BytesOf(format, count)));
    }
    ReleaseMappedPages(from, from_bytes);
    CARAT_RETURN_IF_ERROR(Advance(from_bytes));
  }
  return Pad(BytesOf(format, values), file);
}

Status TensorStream::WriteValues(std::span<const float> values, std::uint64_t read, OutputFile& file) {
  CARAT_RETURN_IF_ERROR(file.Write(values.data(), values.size_bytes()));
  CARAT_RETURN_IF_ERROR(Pad(values.size_bytes(), file));
  return read == 0 ? Status() : Advance(read);
}

void TensorStream::Round(NumberFormat from_format, const std::byte* from, std::int64_t values,
                         NumberFormat to_format) const {
  work_->For((values + kPiece - 1) / kPiece, [&](std::int64_t piece, int worker) {
    const std::int64_t first = piece * kPiece;
    const std::int64_t count = std::min(kPiece, values - first);
    float* floats = scratch_.data() + static_cast<std::int64_t>(worker) * kPiece;
    DecodeBlocks(from_format, from + BytesOf(from_format, first), count, floats);
    EncodeBlocks(to_format, floats, count, output_.data() + BytesOf(to_format, first));
  });
}

Status TensorStream::Advance(std::uint64_t bytes) {
  done_ += static_cast<std::int64_t>(bytes);
  if (!options_->progress || options_->progress(done_, total_)) return {};
  return Cancelled("writing was stopped by the progress callback");
}

}  // namespace carat::internal
