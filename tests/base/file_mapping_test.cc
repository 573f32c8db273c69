#include "lib/base/file_mapping.h"

#include <gtest/gtest.h>
#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): mkdtemp
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace carat::internal {
namespace {

class FileMappingTest : public testing::Test {
 protected:
  FileMappingTest() {
    std::string pattern = testing::TempDir() + "carat-base-XXXXXX";
    EXPECT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  ~FileMappingTest() override {
    std::error_code error;
    std::filesystem::remove_all(folder_, error);
  }

  std::string Write(const std::string& name, const std::string& content) const {
    std::ofstream(folder_ + "/" + name, std::ios::binary) << content;
    return folder_ + "/" + name;
  }

  static void ExpectError(const Status& status, StatusCode code, const std::string& path) {
    EXPECT_EQ(status.code(), code) << status.ToString();
    EXPECT_NE(status.message().find(path), std::string::npos) << status.ToString();
  }

  std::string folder_;
};

TEST_F(FileMappingTest, MapsTheWholeFile) {
  std::string content(10000, 'x');
  content[0] = 'a';
  content[9999] = 'z';
  const std::string path = Write("file", content);
  const auto mapping = FileMapping::Open(path);
  ASSERT_TRUE(mapping.ok()) << mapping.status().ToString();
  EXPECT_EQ((*mapping)->path(), path);
  const auto bytes = (*mapping)->bytes();
  ASSERT_EQ(bytes.size(), 10000u);
  EXPECT_EQ(std::to_integer<char>(bytes[0]), 'a');
  EXPECT_EQ(std::to_integer<char>(bytes[9999]), 'z');
}

TEST_F(FileMappingTest, AdviceTakesAnyPart) {
  const auto mapping = FileMapping::Open(Write("file", std::string(10000, 'x')));
  ASSERT_TRUE(mapping.ok());
  for (const std::size_t offset : {0u, 1u, 4096u, 9999u, 10000u, 20000u}) {
    for (const std::size_t size : {0u, 1u, 5000u, 100000u}) {
      (*mapping)->Populate(offset, size);
      (*mapping)->AdviseRandom(offset, size);
    }
  }
  EXPECT_EQ(std::to_integer<char>((*mapping)->bytes()[5000]), 'x');
}

TEST_F(FileMappingTest, OutlivesTheFile) {
  const std::string path = Write("file", "still here");
  const auto mapping = FileMapping::Open(path);
  ASSERT_TRUE(mapping.ok());
  ASSERT_EQ(unlink(path.c_str()), 0);
  EXPECT_EQ(std::to_integer<char>((*mapping)->bytes()[6]), 'h');
}

TEST_F(FileMappingTest, EmptyFile) {
  const auto mapping = FileMapping::Open(Write("file", ""));
  ASSERT_TRUE(mapping.ok()) << mapping.status().ToString();
  EXPECT_TRUE((*mapping)->bytes().empty());
  (*mapping)->Populate(0, 1);
}

TEST_F(FileMappingTest, NoFile) {
  ExpectError(FileMapping::Open(folder_ + "/absent").status(), StatusCode::kNotFound, folder_ + "/absent");
  const std::string file = Write("file", "x");
  ExpectError(FileMapping::Open(file + "/inside").status(), StatusCode::kNotFound, file + "/inside");
}

TEST_F(FileMappingTest, NoRegularFile) {
  ExpectError(FileMapping::Open(folder_).status(), StatusCode::kInvalidArgument, folder_);
  ExpectError(FileMapping::Open("/dev/null").status(), StatusCode::kInvalidArgument, "/dev/null");
}

TEST_F(FileMappingTest, NoPermission) {
  const std::string path = Write("file", "secret");
  ASSERT_EQ(chmod(path.c_str(), 0), 0);
  const bool root = geteuid() == 0;
  if (root && seteuid(65534) != 0) GTEST_SKIP() << "nothing is forbidden to root";
  const Status status = FileMapping::Open(path).status();
  if (root) {
    ASSERT_EQ(seteuid(0), 0);
  }
  ExpectError(status, StatusCode::kPermissionDenied, path);
}

TEST_F(FileMappingTest, ReadFileHasALimit) {
  const std::string path = Write("file", "12345");
  const auto text = ReadFile(path, 5);
  ASSERT_TRUE(text.ok()) << text.status().ToString();
  EXPECT_EQ(*text, "12345");
  ExpectError(ReadFile(path, 4).status(), StatusCode::kResourceExhausted, path);
  ExpectError(ReadFile(folder_ + "/absent", 5).status(), StatusCode::kNotFound, folder_ + "/absent");
}

TEST_F(FileMappingTest, FileExists) {
  EXPECT_TRUE(FileExists(Write("file", "")));
  EXPECT_TRUE(FileExists(folder_));
  EXPECT_FALSE(FileExists(folder_ + "/absent"));
}

}  // namespace
}  // namespace carat::internal
