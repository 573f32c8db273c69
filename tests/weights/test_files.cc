#include "tests/weights/test_files.h"

#include <gtest/gtest.h>
#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): mkdtemp

#include <filesystem>
#include <fstream>
#include <iterator>

#include "absl/strings/str_format.h"
#include "lib/base/tensor.h"

namespace carat::internal {

TemporaryFolder::TemporaryFolder() {
  std::string pattern = testing::TempDir() + "carat-weights-XXXXXX";
  const char* made = mkdtemp(pattern.data());
  EXPECT_NE(made, nullptr) << pattern;
  path_ = pattern;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code error;
  std::filesystem::remove_all(path_, error);
}

std::string TemporaryFolder::File(std::string_view name) const {
  return path_ + "/" + std::string(name);
}

std::string TemporaryFolder::Write(std::string_view name, std::string_view content) const {
  // A new file: some file systems wait for the disk when an old one is cut and written again.
  std::filesystem::remove(File(name));
  std::ofstream file(File(name), std::ios::binary);
  file.write(content.data(), static_cast<std::streamsize>(content.size()));
  file.close();
  EXPECT_TRUE(file.good()) << File(name);
  return File(name);
}

std::string ReadWholeFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.good()) << path;
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::string Safetensors(std::string_view header, std::string_view data) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes.push_back(static_cast<char>(header.size() >> (8 * i) & 0xFF));
  bytes += header;
  bytes += data;
  return bytes;
}

std::string SafetensorsOf(const std::vector<TestTensor>& tensors) {
  std::string header = "{";
  std::string data;
  int next = 0;
  for (const TestTensor& tensor : tensors) {
    std::int64_t values = 1;
    std::string shape;
    for (const std::int64_t size : tensor.shape) {
      values *= size;
      absl::StrAppendFormat(&shape, "%s%d", shape.empty() ? "" : ",", size);
    }
    const std::size_t begin = data.size();
    for (std::int64_t i = 0; i < values; ++i) {
      const std::uint16_t bits = FloatToBFloat16(static_cast<float>(next++));
      data.push_back(static_cast<char>(bits & 0xFF));
      data.push_back(static_cast<char>(bits >> 8));
    }
    absl::StrAppendFormat(&header, R"(%s"%s":{"dtype":"BF16","shape":[%s],"data_offsets":[%d,%d]})",
                          header.size() == 1 ? "" : ",", tensor.name, shape, begin, data.size());
  }
  return Safetensors(header + "}", data);
}

void ExpectError(const Status& status, StatusCode code, const std::vector<std::string>& parts) {
  EXPECT_EQ(status.code(), code) << status.ToString();
  for (const std::string& part : parts) {
    EXPECT_NE(status.message().find(part), std::string::npos)
        << "expected '" << part << "' in: " << status.ToString();
  }
}

}  // namespace carat::internal
