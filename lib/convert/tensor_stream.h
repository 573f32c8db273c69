// Tensors' values on their way into a GGUF file: rounded by several threads, a portion at a time.
#ifndef CARAT_LIB_CONVERT_TENSOR_STREAM_H_
#define CARAT_LIB_CONVERT_TENSOR_STREAM_H_

#include <cstdint>
#include <memory>
#include <span>

#include "carat/quantize.h"
#include "carat/status.h"
#include "lib/base/aligned_buffer.h"
#include "lib/base/thread_pool.h"
#include "lib/convert/output_file.h"
#include "lib/weights/checkpoint.h"

namespace carat::internal {

class TensorStream {
 public:
  // `total` bytes will be read in all, for the progress callback. The options must outlive it.
  static Result<TensorStream> Create(const QuantizeOptions& options, std::int64_t total);

  // Writes the tensor in that format, padded; copies what is in it already. Errors: those of OutputFile;
  // CANCELLED by the progress callback.
  Status Write(const TensorEntry& source, NumberFormat format, OutputFile& file);

  // Writes the values as they are, padded; `read` bytes were read for them.
  Status WriteValues(std::span<const float> values, std::uint64_t read, OutputFile& file);

 private:
  explicit TensorStream(const QuantizeOptions& options) : options_(&options) {}
  // Into output_.
  void Round(NumberFormat from_format, const std::byte* from, std::int64_t values,
             NumberFormat to_format) const;
  Status Advance(std::uint64_t bytes);

  const QuantizeOptions* options_;
  std::int64_t total_ = 0;
  std::int64_t done_ = 0;
  std::unique_ptr<const ParallelWork> work_;
  AlignedBuffer<std::byte> output_;
  AlignedBuffer<float> scratch_;
};

}  // namespace carat::internal

#endif  // CARAT_LIB_CONVERT_TENSOR_STREAM_H_
