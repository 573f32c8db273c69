// carat_media prints nothing, whatever a file holds, and works where the host has closed its standard
// streams.
#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "carat/media_files.h"

namespace carat {
namespace {

namespace fs = std::filesystem;
using Bytes = std::vector<std::uint8_t>;

std::vector<fs::path> AllFiles() {
  std::vector<fs::path> files;
  for (const char* folder : {"sounds", "pictures", "hostile"}) {
    for (const auto& entry : fs::directory_iterator(fs::path(CARAT_MEDIA_TEST_FILES) / folder))
      files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  EXPECT_GE(files.size(), 104u);
  return files;
}

Bytes ReadBytes(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return Bytes(std::istreambuf_iterator<char>(file), {});
}

// While it lives, what is written to stdout and stderr goes into a file.
class Captured {
 public:
  Captured() {
    char name[] = "/tmp/carat-silence-XXXXXX";
    file_ = mkstemp(name);
    unlink(name);
    for (const int stream : {1, 2}) {
      before_[stream] = dup(stream);
      dup2(file_, stream);
    }
  }
  ~Captured() {
    Restore();
    close(file_);
  }
  std::int64_t Restore() {
    for (const int stream : {1, 2}) {
      if (before_[stream] < 0) continue;
      dup2(before_[stream], stream);
      close(before_[stream]);
      before_[stream] = -1;
    }
    struct stat info;
    return fstat(file_, &info) == 0 ? info.st_size : -1;
  }

 private:
  int file_ = -1;
  int before_[3] = {-1, -1, -1};
};

void DecodeDamaged(const Bytes& whole, std::mt19937& random) {
  for (int round = 0; round < 40; ++round) {
    Bytes bytes = whole;
    for (int i = 0; i < 1 + round % 8; ++i) {
      const std::size_t reach = round % 2 == 0 ? std::min<std::size_t>(bytes.size(), 120) : bytes.size();
      bytes[random() % reach] = static_cast<std::uint8_t>(random());
    }
    if (round % 5 == 4) bytes.resize(bytes.size() * 2 / 3);
    (void)DecodeSound(bytes, {.max_seconds = 10, .max_samples = 1 << 20});
    (void)DecodePicture(bytes, {.max_pixels = 1 << 20});
  }
}

TEST(SilenceTest, NothingIsPrintedWhateverAFileHolds) {
  std::mt19937 random(3);
  for (const fs::path& path : AllFiles()) {
    const Bytes whole = ReadBytes(path);
    Captured captured;
    (void)DecodeSound(whole);
    (void)DecodePicture(whole);
    DecodeDamaged(whole, random);
    EXPECT_EQ(captured.Restore(), 0) << path;
  }
}

TEST(SilenceTest, TheTestSeesWhatIsPrinted) {
  Captured captured;
  EXPECT_EQ(write(2, "x", 1), 1);
  EXPECT_EQ(captured.Restore(), 1);
}

// A file that is opened then gets the number of a stream.
TEST(SilenceTest, ClosedStreamsDoNoHarm) {
  int decoded = 0;
  for (const fs::path& path : AllFiles()) {
    const int kept[3] = {dup(0), dup(1), dup(2)};
    for (int stream = 0; stream < 3; ++stream) close(stream);
    const Bytes before = ReadBytes(path);
    const auto sound = ReadSound(path.string());
    const auto picture = ReadPicture(path.string());
    const bool is_same = ReadBytes(path) == before;
    for (int stream = 0; stream < 3; ++stream) {
      dup2(kept[stream], stream);
      close(kept[stream]);
    }
    EXPECT_TRUE(is_same) << path;
    if (sound.ok() || picture.ok()) ++decoded;
  }
  EXPECT_EQ(decoded, 38 + 63 + 4);
}

}  // namespace
}  // namespace carat
