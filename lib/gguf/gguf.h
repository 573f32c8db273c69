// The container of GGUF: keys with typed values, then a table of tensors, then the tensors' bytes. Versions 2
// and 3, little-endian.
#ifndef CARAT_LIB_GGUF_GGUF_H_
#define CARAT_LIB_GGUF_GGUF_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "carat/status.h"
#include "lib/base/file_mapping.h"
#include "lib/base/tensor.h"

namespace carat::internal {

inline constexpr std::string_view kGgufMagic = "GGUF";
inline constexpr std::uint32_t kGgufVersion = 3;
inline constexpr std::uint64_t kGgufAlignment = 32;  // of tensors, unless the file says otherwise

// The numbers that files use.
enum class GgufType : std::uint32_t {
  kUint8 = 0,
  kInt8 = 1,
  kUint16 = 2,
  kInt16 = 3,
  kUint32 = 4,
  kInt32 = 5,
  kFloat32 = 6,
  kBool = 7,
  kString = 8,
  kArray = 9,
  kUint64 = 10,
  kInt64 = 11,
  kFloat64 = 12,
};

// A value as it lies in the file, checked to lie inside it.
struct GgufValue {
  GgufType type = GgufType::kUint8;  // of an array: of its elements
  bool is_array = false;
  std::uint64_t count = 1;           // of an array's elements
  std::span<const std::byte> bytes;  // of a string, a single one: its text alone
};

// A tensor of any type that the format has.
struct GgufTensor {
  std::string name;
  std::uint32_t type = 0;              // as the file numbers it
  std::string type_name;               // "Q4_0"
  std::optional<NumberFormat> format;  // of those that carat computes with
  std::vector<std::int64_t> shape;     // outermost first: the reverse of the file's order
  std::uint64_t begin = 0;             // from the beginning of the file
  std::uint64_t bytes = 0;             // 0 for a type whose size is not known
};

// Both ends belong to it.
struct GgufRange {
  std::int64_t low;
  std::int64_t high;
};

// One file's keys and table of tensors, everything checked against the file: every count, string, type, shape
// and offset. Tensors may not overlap. Light to move; keeps the mapping alive.
class GgufFile {
 public:
  // Errors: those of FileMapping::Open; DATA_LOSS naming file, key or tensor, expected and found;
  // UNIMPLEMENTED for versions and byte orders that carat does not read.
  static Result<GgufFile> Open(const std::string& path, FileAccess access = FileAccess::kMapped);
  static Result<GgufFile> Read(std::shared_ptr<const FileMapping> file);

  const std::shared_ptr<const FileMapping>& file() const { return file_; }
  const std::string& path() const { return file_->path(); }
  std::uint32_t version() const { return version_; }
  const std::map<std::string, GgufValue, std::less<>>& values() const { return values_; }
  const std::vector<GgufTensor>& tensors() const { return tensors_; }  // in the file's order

  const GgufValue* Find(std::string_view key) const;
  // The tensor of that name, or null.
  const GgufTensor* FindTensor(std::string_view name) const;

  // The value of that key; absent if there is none. A value of another type or outside the range is
  // INVALID_ARGUMENT naming file, key, expected and found.
  Result<std::optional<std::int64_t>> Integer(std::string_view key, GgufRange range) const;
  Result<std::optional<double>> Number(std::string_view key) const;
  Result<std::optional<bool>> Boolean(std::string_view key) const;
  Result<std::optional<std::string>> String(std::string_view key) const;
  // Arrays. Booleans count as integers 0 and 1. The strings point into the mapping; they may be any bytes.
  Result<std::optional<std::vector<std::int64_t>>> Integers(std::string_view key, GgufRange range) const;
  Result<std::optional<std::vector<std::string_view>>> Strings(std::string_view key) const;
  Result<std::optional<std::vector<float>>> Numbers(std::string_view key) const;  // of float32

  // "file.gguf: gemma4.block_count", for messages.
  std::string Locate(std::string_view key) const;

 private:
  friend class GgufReader;
  explicit GgufFile(std::shared_ptr<const FileMapping> file) : file_(std::move(file)) {}

  std::shared_ptr<const FileMapping> file_;
  std::uint32_t version_ = 0;
  std::map<std::string, GgufValue, std::less<>> values_;
  std::vector<GgufTensor> tensors_;
  std::map<std::string, std::size_t, std::less<>> tensor_by_name_;
};

// The number by which files call a format.
std::uint32_t GgufTypeNumber(NumberFormat format);

// Whether a file's name says that it is a part of a split model, but not the first:
// "NAME-00002-of-00003.gguf".
bool IsLaterGgufPart(std::string_view name);

// The files of the model that `path` belongs to, in order: itself, or all parts of "NAME-00002-of-00003.gguf"
// if the file says that it is a part. `count` is its split.count. A link may have another name than its file.
Result<std::vector<std::string>> GgufParts(const std::string& path, std::int64_t count);

}  // namespace carat::internal

#endif  // CARAT_LIB_GGUF_GGUF_H_
