#include "examples/cli/check/safetensors.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <string_view>
#include <utility>

#include "absl/strings/str_format.h"
#include "examples/cli/check/json_reading.h"
#include "examples/cli/error.h"

namespace carat::cli {
namespace {

constexpr std::uint64_t kLargestHeader = 100'000'000;  // what the format's own implementation accepts

[[noreturn]] void Broken(const std::string& path, const std::string& what) {
  throw Error(kExitBadInput, path + ": " + what);
}

// Bytes of one value; 0 for a type that reference tensors do not use.
std::uint64_t ValueBytes(std::string_view type) {
  static constexpr std::array<std::pair<std::string_view, std::uint64_t>, 12> kTypes = {{{"F64", 8},
                                                                                         {"I64", 8},
                                                                                         {"U64", 8},
                                                                                         {"F32", 4},
                                                                                         {"I32", 4},
                                                                                         {"U32", 4},
                                                                                         {"F16", 2},
                                                                                         {"BF16", 2},
                                                                                         {"I16", 2},
                                                                                         {"U16", 2},
                                                                                         {"I8", 1},
                                                                                         {"U8", 1}}};
  for (const auto& [name, bytes] : kTypes)
    if (name == type) return bytes;
  return type == "BOOL" ? 1 : 0;
}

// Bytes of a tensor, or the largest number if they are beyond counting.
std::uint64_t TensorBytes(const std::vector<std::int64_t>& shape, std::uint64_t value_bytes) {
  std::uint64_t bytes = value_bytes;
  for (const std::int64_t size : shape)
    if (__builtin_mul_overflow(bytes, static_cast<std::uint64_t>(size), &bytes))
      return std::numeric_limits<std::uint64_t>::max();
  return bytes;
}

std::vector<std::int64_t> NonNegative(const JsonObject& object, std::string_view key) {
  std::vector<std::int64_t> values;
  for (const simdjson::dom::element element : object.Array(key)) {
    std::int64_t value = -1;
    if (element.get_int64().get(value) != simdjson::SUCCESS || value < 0)
      Broken(object.where(), absl::StrFormat("'%s' should be a list of sizes", key));
    values.push_back(value);
  }
  return values;
}

}  // namespace

SafetensorsFile::SafetensorsFile(const std::string& path) : path_(path), file_(path, std::ios::binary) {
  file_.seekg(0, std::ios::end);
  const std::streamoff size = file_.tellg();
  if (!file_ || size < 0) Broken(path_, "it cannot be read");
  const auto file_size = static_cast<std::uint64_t>(size);
  std::array<unsigned char, 8> prefix{};
  if (file_size < prefix.size())
    Broken(path_, absl::StrFormat("%u bytes are too few for a safetensors file", file_size));
  file_.seekg(0);
  file_.read(reinterpret_cast<char*>(prefix.data()), prefix.size());
  std::uint64_t header_size = 0;
  for (std::size_t i = prefix.size(); i-- > 0;) header_size = header_size << 8 | prefix[i];
  if (header_size > kLargestHeader || header_size > file_size - prefix.size())
    Broken(path_, absl::StrFormat("its header claims %u bytes, the file has %u", header_size, file_size));
  std::string header(header_size, '\0');
  file_.read(header.data(), static_cast<std::streamsize>(header_size));
  if (!file_) Broken(path_, "its header cannot be read");
  ParseHeader(header, prefix.size() + header_size, file_size);
}

void SafetensorsFile::ParseHeader(const std::string& header, std::uint64_t data_begin,
                                  std::uint64_t file_size) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (const auto error = parser.parse(header).get(root); error != simdjson::SUCCESS)
    Broken(path_, absl::StrFormat("its header is no JSON: %s", simdjson::error_message(error)));
  const JsonObject tensors(root, path_);
  for (const auto& [key, value] : tensors.raw()) {
    const std::string name(key);
    if (name == "__metadata__") continue;
    const JsonObject object(value, path_ + ": " + name);
    Entry entry{object.String("dtype"), NonNegative(object, "shape"), 0, 0};
    const std::vector<std::int64_t> offsets = NonNegative(object, "data_offsets");
    if (offsets.size() != 2) Broken(object.where(), "'data_offsets' should be two numbers");
    const auto begin = static_cast<std::uint64_t>(offsets[0]);
    const auto end = static_cast<std::uint64_t>(offsets[1]);
    if (begin > end || end > file_size - data_begin)
      Broken(object.where(), absl::StrFormat("its bytes %u to %u lie outside the file, which has %u", begin,
                                             end, file_size - data_begin));
    const std::uint64_t value_bytes = ValueBytes(entry.type);
    if (value_bytes == 0) Broken(object.where(), absl::StrFormat("'%s' is no known type", entry.type));
    if (TensorBytes(entry.shape, value_bytes) != end - begin)
      Broken(object.where(),
             absl::StrFormat("it has %u bytes, which is not what type and shape say", end - begin));
    entry.begin = data_begin + begin;
    entry.end = data_begin + end;
    if (!entries_.emplace(name, std::move(entry)).second) Broken(object.where(), "it is there twice");
  }
}

const SafetensorsFile::Entry& SafetensorsFile::Find(const std::string& name) const {
  const auto entry = entries_.find(name);
  if (entry == entries_.end()) Broken(path_, absl::StrFormat("there is no tensor '%s'", name));
  return entry->second;
}

template <typename T>
Tensor<T> SafetensorsFile::Read(const std::string& name, const char* type) {
  const Entry& entry = Find(name);
  if (entry.type != type)
    Broken(path_, absl::StrFormat("'%s' has type %s, expected %s", name, entry.type, type));
  Tensor<T> tensor{entry.shape, std::vector<T>((entry.end - entry.begin) / sizeof(T))};
  file_.clear();
  file_.seekg(static_cast<std::streamoff>(entry.begin));
  file_.read(reinterpret_cast<char*>(tensor.values.data()),
             static_cast<std::streamsize>(entry.end - entry.begin));
  if (!file_) Broken(path_, absl::StrFormat("'%s' cannot be read", name));
  return tensor;
}

Tensor<float> SafetensorsFile::ReadFloats(const std::string& name) {
  return Read<float>(name, "F32");
}
Tensor<std::int32_t> SafetensorsFile::ReadIntegers(const std::string& name) {
  return Read<std::int32_t>(name, "I32");
}
Tensor<std::uint8_t> SafetensorsFile::ReadBytes(const std::string& name) {
  return Read<std::uint8_t>(name, "U8");
}

}  // namespace carat::cli
