// Files and folders that tests make: a temporary folder, and safetensors files byte by byte.
#ifndef CARAT_TESTS_WEIGHTS_TEST_FILES_H_
#define CARAT_TESTS_WEIGHTS_TEST_FILES_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "carat/status.h"

namespace carat::internal {

// A folder of its own that goes away with everything in it.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string File(std::string_view name) const;
  // Writes a file and returns its path.
  std::string Write(std::string_view name, std::string_view content) const;

 private:
  std::string path_;
};

std::string ReadWholeFile(const std::string& path);

// Eight bytes of length, the header, the data.
std::string Safetensors(std::string_view header, std::string_view data);

// A well-formed file with these BF16 tensors, one after the other; value i of the file is the number i.
struct TestTensor {
  std::string name;
  std::vector<std::int64_t> shape;
};
std::string SafetensorsOf(const std::vector<TestTensor>& tensors);

// That the status is of this code and that its message has every one of the parts.
void ExpectError(const Status& status, StatusCode code, const std::vector<std::string>& parts);

}  // namespace carat::internal

#endif  // CARAT_TESTS_WEIGHTS_TEST_FILES_H_
