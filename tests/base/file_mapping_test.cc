#include "lib/base/file_mapping.h"

#include <gtest/gtest.h>
#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): mkdtemp
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

#include "lib/base/page_release.h"

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

// A copy in memory does not change with the file, and giving pages back loses nothing.
TEST_F(FileMappingTest, ACopyInMemoryOutlivesAFileThatIsCut) {
  const std::string path = Write("file", std::string(3'000'000, 'x'));
  const auto copy = FileMapping::Open(path, FileAccess::kInMemory);
  ASSERT_TRUE(copy.ok()) << copy.status().ToString();
  std::filesystem::resize_file(path, 0);
  const auto bytes = (*copy)->bytes();
  ASSERT_EQ(bytes.size(), 3'000'000u);
  ReleaseMappedPages(bytes.data(), bytes.size());
  EXPECT_EQ(std::count(bytes.begin(), bytes.end(), std::byte{'x'}), 3'000'000);
}

TEST_F(FileMappingTest, AnEmptyFileInMemory) {
  const auto copy = FileMapping::Open(Write("file", ""), FileAccess::kInMemory);
  ASSERT_TRUE(copy.ok()) << copy.status().ToString();
  EXPECT_TRUE((*copy)->bytes().empty());
}

// Opening a FIFO without a writer would wait for ever.
TEST_F(FileMappingTest, SpecialFilesAreRefusedByName) {
  const std::string fifo = folder_ + "/fifo";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  const std::string link = folder_ + "/link";
  ASSERT_EQ(symlink(fifo.c_str(), link.c_str()), 0);
  const int socket_file = socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  const std::string name = folder_ + "/socket";
  ASSERT_LT(name.size(), sizeof(address.sun_path));
  std::copy(name.begin(), name.end(), address.sun_path);
  ASSERT_EQ(bind(socket_file, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  close(socket_file);
  const std::pair<std::string, std::string> cases[] = {{fifo, "a FIFO"},
                                                       {link, "a FIFO"},
                                                       {name, "a socket"},
                                                       {"/dev/null", "a character device"},
                                                       {folder_, "a folder"}};
  for (const auto& [path, what] : cases) {
    const std::string expected = path + ": this is " + what + ", but must be a regular file";
    for (const FileAccess access : {FileAccess::kMapped, FileAccess::kInMemory}) {
      const Status status = FileMapping::Open(path, access).status();
      EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
      EXPECT_EQ(status.message(), expected);
    }
    EXPECT_EQ(ReadFile(path, 100).status().message(), expected);
    EXPECT_EQ(ReadFileHead(path, 100).status().message(), expected);
  }
}

TEST_F(FileMappingTest, TheHeadIsAtMostTheFile) {
  const std::string path = Write("file", "0123456789");
  EXPECT_EQ(*ReadFileHead(path, 4), "0123");
  EXPECT_EQ(*ReadFileHead(path, 100), "0123456789");
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
