// Memory that is out: whichever allocation of a decoder fails, the answer is RESOURCE_EXHAUSTED or the right
// one, nothing is lost, and the next file is decoded. This program's malloc stands before everybody's, so
// that those of the decoders' shared libraries fail too.
#include <gtest/gtest.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <new>
#include <string>
#include <vector>

#include "carat/media_files.h"
#include "tests/media/wav_file.h"

// The allocator that would be there without this program's: that of the C library, or of the sanitizer before
// it.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CARAT_REAL(name) __interceptor_##name
#define CARAT_REAL_ALIGNED __interceptor_memalign
#else
#define CARAT_REAL(name) __libc_##name
#define CARAT_REAL_ALIGNED __libc_memalign
#endif

extern "C" {
void* CARAT_REAL(malloc)(std::size_t size);
void* CARAT_REAL(calloc)(std::size_t count, std::size_t size);
void* CARAT_REAL(realloc)(void* data, std::size_t size);
void CARAT_REAL(free)(void* data);
void* CARAT_REAL_ALIGNED(std::size_t alignment, std::size_t size);
}

namespace {

// The allocations since they were last counted, and which of them fail. One thread.
struct Allocations {
  std::int64_t count = 0;
  std::int64_t live = 0;
  std::int64_t failing = -1;  // the number of the first that fails; -1: none
  bool all_after = false;     // all after that one fail too

  bool Fails() {
    const std::int64_t index = count++;
    const bool fails = failing >= 0 && (all_after ? index >= failing : index == failing);
    if (fails) errno = ENOMEM;
    return fails;
  }
  void* Count(void* data) {
    if (data != nullptr) ++live;
    return data;
  }
};

Allocations allocations;

}  // namespace

extern "C" {
void* malloc(std::size_t size) {
  return allocations.Fails() ? nullptr : allocations.Count(CARAT_REAL(malloc)(size));
}
void* calloc(std::size_t count, std::size_t size) {
  return allocations.Fails() ? nullptr : allocations.Count(CARAT_REAL(calloc)(count, size));
}
void* realloc(void* data, std::size_t size) {
  if (data == nullptr) return malloc(size);
  return allocations.Fails() ? nullptr : CARAT_REAL(realloc)(data, size);
}
void free(void* data) {
  if (data != nullptr) --allocations.live;
  CARAT_REAL(free)(data);
}
void* memalign(std::size_t alignment, std::size_t size) {
  return allocations.Fails() ? nullptr : allocations.Count(CARAT_REAL_ALIGNED(alignment, size));
}
void* aligned_alloc(std::size_t alignment, std::size_t size) {
  return memalign(alignment, size);
}
int posix_memalign(void** data, std::size_t alignment, std::size_t size) {
  void* memory = memalign(alignment, size);
  if (memory == nullptr) return ENOMEM;
  *data = memory;
  return 0;
}
}

void* operator new(std::size_t size) {
  if (void* data = malloc(size); data != nullptr) return data;
  throw std::bad_alloc();
}
void* operator new[](std::size_t size) {
  return operator new(size);
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return malloc(size);
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  return malloc(size);
}
void operator delete(void* data) noexcept {
  free(data);
}
void operator delete[](void* data) noexcept {
  free(data);
}
void operator delete(void* data, std::size_t) noexcept {
  free(data);
}
void operator delete[](void* data, std::size_t) noexcept {
  free(data);
}

namespace carat {
namespace {

namespace fs = std::filesystem;
using testing::Bytes;

Bytes ReadBytes(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return Bytes(std::istreambuf_iterator<char>(file), {});
}

std::vector<fs::path> FilesOf(const char* folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(fs::path(CARAT_MEDIA_TEST_FILES) / folder)) {
    if (entry.path().extension() != ".txt") files.push_back(entry.path());
  }
  return files;
}

bool AreEqual(const Result<Sound>& a, const Result<Sound>& b) {
  return a.status().code() == b.status().code() && (!a.ok() || a->samples == b->samples);
}
bool AreEqual(const Result<Picture>& a, const Result<Picture>& b) {
  return a.status().code() == b.status().code() && (!a.ok() || a->rgb == b->rgb);
}

// What one decoding came to, seen while memory was out, said afterwards.
struct Outcome {
  StatusCode code = StatusCode::kOk;
  bool is_right = false;
  std::int64_t lost = 0;
};

template <typename Decode>
Outcome DecodeWith(Decode decode, const decltype(decode())& right, std::int64_t failing, bool all_after) {
  Outcome outcome;
  const std::int64_t before = allocations.live;
  allocations.count = 0;
  allocations.failing = failing;
  allocations.all_after = all_after;
  {
    const auto result = decode();
    allocations.failing = -1;
    outcome.code = result.status().code();
    outcome.is_right = AreEqual(result, right);
  }
  outcome.lost = allocations.live - before;
  return outcome;
}

// Lets every allocation of decode() fail once, alone and with all that come after it. Returns how many there
// are.
template <typename Decode>
std::int64_t FailEach(const std::string& name, Decode decode) {
  const auto right = decode();
  EXPECT_TRUE(right.ok()) << name << ": " << right.status().ToString();
  const Outcome whole = DecodeWith(decode, right, -1, false);
  const std::int64_t count = allocations.count;
  EXPECT_TRUE(whole.is_right && whole.lost == 0) << name;
  for (const bool all_after : {false, true}) {
    for (std::int64_t i = 0; i < count; ++i) {
      const Outcome outcome = DecodeWith(decode, right, i, all_after);
      const bool has_answer = outcome.is_right || outcome.code == StatusCode::kResourceExhausted;
      EXPECT_TRUE(has_answer) << name << ", allocation " << i << (all_after ? " and after: " : ": ")
                              << StatusCodeName(outcome.code);
      EXPECT_EQ(outcome.lost, 0) << name << ", allocation " << i << (all_after ? " and after" : "");
    }
  }
  EXPECT_TRUE(AreEqual(decode(), right)) << name;
  return count;
}

TEST(AllocationTest, SoundsOfEveryKind) {
  std::int64_t count = 0;
  for (const fs::path& path : FilesOf("sounds")) {
    const Bytes file = ReadBytes(path);
    count += FailEach(path.filename(), [&] { return DecodeSound(file); });
  }
  EXPECT_GT(count, 2000);
}

TEST(AllocationTest, PicturesOfEveryKind) {
  std::int64_t count = 0;
  for (const fs::path& path : FilesOf("pictures")) {
    const Bytes file = ReadBytes(path);
    count += FailEach(path.filename(), [&] { return DecodePicture(file); });
  }
  EXPECT_GT(count, 500);
}

TEST(AllocationTest, Wav) {
  const Bytes file =
      testing::WavFile({testing::FormatChunk({.channels = 6}),
                        testing::WavChunk("data", testing::WavData(testing::Tone(9000, 6), {}))});
  EXPECT_GT(FailEach("wav", [&] { return DecodeSound(file); }), 3);
}

TEST(AllocationTest, FilesByTheirPath) {
  const std::string folder = CARAT_MEDIA_TEST_FILES;
  for (const char* name : {"/sounds/vorbis.ogg", "/sounds/tagged.mp3", "/sounds/flac24.flac"}) {
    const std::string path = folder + name;
    EXPECT_GT(FailEach(name, [&] { return ReadSound(path); }), 3);
  }
  for (const char* name : {"/pictures/lossless_alpha.webp", "/pictures/turned6.jpg", "/pictures/rgb.png"}) {
    const std::string path = folder + name;
    EXPECT_GT(FailEach(name, [&] { return ReadPicture(path); }), 3);
  }
}

// The test itself: it sees allocations inside the decoders' libraries.
TEST(AllocationTest, TheTestSeesTheDecodersAllocations) {
  const Bytes file = ReadBytes(fs::path(CARAT_MEDIA_TEST_FILES) / "pictures/lossless.webp");
  const auto decode = [&] { return DecodePicture(file); };
  (void)DecodeWith(decode, decode(), -1, false);
  EXPECT_GT(allocations.count, 20);
}

}  // namespace
}  // namespace carat
