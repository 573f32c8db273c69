// Writing GGUF, version 3: the header with its keys and its table of tensors; the tensors' bytes follow in
// the same order, each padded to a multiple of kGgufAlignment.
#ifndef CARAT_LIB_GGUF_GGUF_WRITER_H_
#define CARAT_LIB_GGUF_GGUF_WRITER_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/tensor.h"
#include "lib/gguf/gguf.h"

namespace carat::internal {

// Collects keys and tensors, in the order in which they are added. No key or tensor may be added twice.
class GgufHeader {
 public:
  void Unsigned(std::string_view key, std::int64_t value);  // a uint32
  void Signed(std::string_view key, std::int64_t value);    // an int32
  void Number(std::string_view key, double value);          // a float32
  void Boolean(std::string_view key, bool value);
  void String(std::string_view key, std::string_view value);
  void Integers(std::string_view key, std::span<const std::int64_t> values);  // of int32
  void Numbers(std::string_view key, std::span<const float> values);
  void Booleans(std::string_view key, const std::vector<bool>& values);
  void Strings(std::string_view key, std::span<const std::string_view> values);
  // A value of another file as it is.
  void Copy(std::string_view key, const GgufValue& value);

  // The shape is outermost first; the innermost size is a multiple of the format's block.
  void Tensor(std::string_view name, std::span<const std::int64_t> shape, NumberFormat format);

  // All of it, padded so that the first tensor may follow.
  std::string Bytes() const;

  // Of everything that follows the header, padding included.
  std::uint64_t data_bytes() const { return data_bytes_; }

 private:
  void Key(std::string_view key, GgufType type);
  void Array(std::string_view key, GgufType type, std::uint64_t count);

  std::string keys_;
  std::string tensors_;
  std::uint64_t key_count_ = 0;
  std::uint64_t tensor_count_ = 0;
  std::uint64_t data_bytes_ = 0;
};

// How many bytes of padding follow `bytes` bytes.
std::uint64_t GgufPadding(std::uint64_t bytes);

}  // namespace carat::internal

#endif  // CARAT_LIB_GGUF_GGUF_WRITER_H_
