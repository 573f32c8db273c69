// Only regular files are written, and of an unfinished one nothing stays behind.
#include "lib/convert/output_file.h"

#include <gtest/gtest.h>
#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): mkdtemp
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "carat/quantize.h"

namespace carat::internal {
namespace {

class OutputFileTest : public testing::Test {
 protected:
  OutputFileTest() {
    std::string pattern = testing::TempDir() + "carat-output-XXXXXX";
    EXPECT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  ~OutputFileTest() override {
    std::error_code error;
    std::filesystem::remove_all(folder_, error);
  }
  std::string File(const std::string& name) const { return folder_ + "/" + name; }
  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
      names.push_back(entry.path().filename().string());
    }
    return names;
  }
  static std::string Content(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }
  std::string folder_;
};

TEST_F(OutputFileTest, AppearsWhenItIsComplete) {
  auto file = OutputFile::Create(File("out"), false);
  ASSERT_TRUE(file.ok()) << file.status().ToString();
  ASSERT_TRUE(file->Write("abc", 3).ok());
  EXPECT_FALSE(std::filesystem::exists(File("out")));
  ASSERT_TRUE(file->Finish().ok());
  EXPECT_EQ(Content(File("out")), "abc");
  EXPECT_EQ(Names(), std::vector<std::string>{"out"});
}

TEST_F(OutputFileTest, AnUnfinishedOneLeavesNothing) {
  {
    auto file = OutputFile::Create(File("out"), false);
    ASSERT_TRUE(file.ok());
    ASSERT_TRUE(file->Write("abc", 3).ok());
  }
  EXPECT_TRUE(Names().empty());
}

TEST_F(OutputFileTest, WhatIsNoRegularFileIsRefusedAndStays) {
  const std::string fifo = File("fifo"), dangling = File("dangling"), folder = File("folder");
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  ASSERT_EQ(symlink("nowhere", dangling.c_str()), 0);
  ASSERT_EQ(mkdir(folder.c_str(), 0700), 0);
  const std::pair<std::string, std::string> cases[] = {
      {fifo, fifo + ": this is a FIFO, but the output must be a regular file"},
      {"/dev/null", "/dev/null: this is a character device, but the output must be a regular file"},
      {folder, folder + ": this is a folder, but the output must be a regular file"},
      {dangling, dangling + ": this is a link that leads nowhere, but the output must be a regular file"},
      {"-", "'-' is no file to write to: the output must be a regular file, and is written whole"}};
  for (const auto& [path, sentence] : cases) {
    for (const bool overwrite : {false, true}) {
      const Status status = OutputFile::Create(path, overwrite).status();
      EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
      EXPECT_EQ(status.message(), sentence);
      // Before the model is looked at, for either output.
      QuantizeOptions options;
      options.overwrite = overwrite;
      EXPECT_EQ(QuantizeCheckpoint("/no/such/model", path, options).message(), sentence);
      options.mmproj = path;
      EXPECT_EQ(QuantizeCheckpoint("/no/such/model", File("text"), options).message(), sentence);
    }
  }
  struct stat info;
  ASSERT_EQ(stat("/dev/null", &info), 0);
  EXPECT_TRUE(S_ISCHR(info.st_mode));
  ASSERT_EQ(stat(fifo.c_str(), &info), 0);
  EXPECT_TRUE(S_ISFIFO(info.st_mode));
  EXPECT_EQ(Names().size(), 3u);
}

TEST_F(OutputFileTest, ALinkStaysAndTheFileBehindItIsReplaced) {
  std::ofstream(File("file")) << "old";
  ASSERT_EQ(symlink("file", File("link").c_str()), 0);
  EXPECT_EQ(OutputFile::Create(File("link"), false).status().code(), StatusCode::kAlreadyExists);
  auto file = OutputFile::Create(File("link"), true);
  ASSERT_TRUE(file.ok()) << file.status().ToString();
  ASSERT_TRUE(file->Write("new", 3).ok());
  EXPECT_EQ(Content(File("file")), "old");
  ASSERT_TRUE(file->Finish().ok());
  EXPECT_TRUE(std::filesystem::is_symlink(File("link")));
  EXPECT_EQ(Content(File("file")), "new");
  EXPECT_EQ(Names().size(), 2u);
}

// Writing beyond the limit would raise SIGXFSZ, which ends the process.
TEST_F(OutputFileTest, ALimitOnTheSizeOfFilesIsAnError) {
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit small = before;
  small.rlim_cur = 100;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  Status status;
  {
    auto file = OutputFile::Create(File("out"), false);
    ASSERT_TRUE(file.ok());
    EXPECT_TRUE(file->Write(std::string(100, 'x').data(), 100).ok());
    status = file->Write("y", 1);
  }
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_EQ(status.code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(status.message(),
            File("out") +
                ": cannot be written: this process may write 100 bytes into one file at most "
                "(ulimit -f)");
  EXPECT_TRUE(Names().empty());
}

}  // namespace
}  // namespace carat::internal
