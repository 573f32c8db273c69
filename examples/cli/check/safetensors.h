// Reads a safetensors file. Made for reference tensors, a few
// megabytes; checkpoints are opened by carat itself.
#ifndef CARAT_EXAMPLES_CLI_CHECK_SAFETENSORS_H_
#define CARAT_EXAMPLES_CLI_CHECK_SAFETENSORS_H_

#include <cstdint>
#include <fstream>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace carat::cli {

template <typename T>
struct Tensor {
  std::vector<std::int64_t> shape;  // outermost first
  std::vector<T> values;
};

// Nothing in the file is trusted: every number is checked before it is used. Functions throw Error, naming
// the file and the tensor.
class SafetensorsFile {
 public:
  explicit SafetensorsFile(const std::string& path);

  bool Has(const std::string& name) const { return entries_.count(name) != 0; }
  std::vector<std::int64_t> Shape(const std::string& name) const { return Find(name).shape; }

  // The stored type must be the one asked for.
  Tensor<float> ReadFloats(const std::string& name);
  Tensor<std::int32_t> ReadIntegers(const std::string& name);
  Tensor<std::uint8_t> ReadBytes(const std::string& name);

 private:
  struct Entry {
    std::string type;  // "F32", "I32", ...
    std::vector<std::int64_t> shape;
    std::uint64_t begin = 0;  // in the file
    std::uint64_t end = 0;
  };

  void ParseHeader(const std::string& header, std::uint64_t data_begin, std::uint64_t file_size);
  const Entry& Find(const std::string& name) const;
  template <typename T>
  Tensor<T> Read(const std::string& name, const char* type);

  std::string path_;
  std::ifstream file_;
  std::map<std::string, Entry> entries_;
};

}  // namespace carat::cli

#endif  // CARAT_EXAMPLES_CLI_CHECK_SAFETENSORS_H_
