// Files by their path: only regular files are opened, and they are read whole.
#include <gtest/gtest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "carat/media_files.h"

namespace carat {
namespace {

const std::string kFolder = CARAT_MEDIA_TEST_FILES;

void ExpectError(const std::string& path, StatusCode code, const std::string& message) {
  for (const Status& status : {ReadPicture(path).status(), ReadSound(path).status()}) {
    EXPECT_EQ(status.code(), code) << path;
    EXPECT_EQ(status.message(), path + message);
  }
}

// A folder that is gone when this is.
class TemporaryFolder {
 public:
  TemporaryFolder() : path_((std::filesystem::temp_directory_path() / "carat-reading-XXXXXX").string()) {
    EXPECT_NE(mkdtemp(path_.data()), nullptr);
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

TEST(ReadingTest, WhatIsNoRegularFileIsNotOpened) {
  const TemporaryFolder folder;
  const std::string fifo = folder.path() + "/fifo";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  ExpectError(fifo, StatusCode::kInvalidArgument, ": a FIFO, not a regular file");  // would wait for a writer
  const std::string link = folder.path() + "/link.wav";
  ASSERT_EQ(symlink(fifo.c_str(), link.c_str()), 0);
  ExpectError(link, StatusCode::kInvalidArgument, ": a FIFO, not a regular file");
  ExpectError("/dev/zero", StatusCode::kInvalidArgument, ": a device, not a regular file");
  ExpectError(folder.path(), StatusCode::kInvalidArgument, ": a folder, not a file");
}

TEST(ReadingTest, WhatIsNotThere) {
  ExpectError("/nonexistent", StatusCode::kNotFound, ": no such file");
  ExpectError(kFolder + "/wav_file.h/x", StatusCode::kNotFound, ": no such file");
  ExpectError("", StatusCode::kNotFound, ": no such file");
}

TEST(ReadingTest, AnEmptyFileAndALongOne) {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/file";
  std::ofstream(path).flush();
  ExpectError(path, StatusCode::kDataLoss, ": the file is empty");
  std::ofstream(path) << std::string(101, 'x');
  EXPECT_EQ(ReadSound(path, {.max_file_bytes = 100}).status().message(),
            path + ": the file has 101 bytes, but max_file_bytes is 100");
  EXPECT_EQ(ReadPicture(path, {.max_file_bytes = 100}).status().code(), StatusCode::kResourceExhausted);
}

// Linux gives files in /sys a length of a page whatever they hold: as a file that is cut while it is read.
TEST(ReadingTest, AFileThatBecomesShorterIsAnError) {
  const std::string path = "/sys/devices/system/cpu/online";
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  if (error || size != 4096) GTEST_SKIP() << path << " is not there, or is as long as it says";
  for (const Status& status : {ReadPicture(path).status(), ReadSound(path).status()}) {
    EXPECT_EQ(status.code(), StatusCode::kDataLoss);
    EXPECT_EQ(status.message().find(path +
                                    ": the file became shorter while it was read: of 4096 bytes there were "),
              0u)
        << status.message();
  }
}

TEST(ReadingTest, WhatIsReadIsWhatIsDecoded) {
  const auto sound = ReadSound(kFolder + "/sounds/flac16.flac");
  ASSERT_TRUE(sound.ok()) << sound.status().ToString();
  EXPECT_EQ(sound->samples.size(), 4000u);
  const auto picture = ReadPicture(kFolder + "/hostile/jpeg_without_end_marker.jpg");
  ASSERT_TRUE(picture.ok()) << picture.status().ToString();
  EXPECT_EQ(picture->rgb.size(), 32u * 32 * 3);
  const Status other = ReadSound(kFolder + "/pictures/palette.gif").status();
  EXPECT_EQ(other.message(),
            kFolder + "/pictures/palette.gif: the file is a GIF picture: carat reads WAV, FLAC, OGG and MP3");
}

}  // namespace
}  // namespace carat
