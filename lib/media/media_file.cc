#include "lib/media/media_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "lib/base/error.h"

namespace carat::internal {
namespace {

// A file descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

Status SystemError(const std::string& path, const char* what, int error) {
  if (error == ENOMEM) return OutOfMemory();
  if (error == ENOENT || error == ENOTDIR) return NotFound("%s: no such file", path);
  char buffer[128] = "";
  const char* reason = strerror_r(error, buffer, sizeof(buffer));
  if (error == EACCES || error == EPERM) return PermissionDenied("%s: %s: %s", path, what, reason);
  return Unavailable("%s: %s: %s", path, what, reason);
}

Status CheckRegular(const std::string& path, const struct stat& info) {
  if (S_ISREG(info.st_mode)) return {};
  const char* kind = "not a regular file";
  if (S_ISDIR(info.st_mode)) kind = "a folder, not a file";
  if (S_ISFIFO(info.st_mode)) kind = "a FIFO, not a regular file";
  if (S_ISCHR(info.st_mode) || S_ISBLK(info.st_mode)) kind = "a device, not a regular file";
  return InvalidArgument("%s: %s", path, kind);
}

struct Named {
  std::size_t at;
  std::string_view magic;
  const char* name;
};

// "ftyp" files come last in their groups: the brand decides.
constexpr Named kUnsupported[] = {
    {4, "ftypavif", "an AVIF picture"},
    {4, "ftypavis", "an AVIF picture"},
    {4, "ftyphei", "a HEIC picture"},
    {4, "ftyphev", "a HEIC picture"},
    {4, "ftypmif1", "a HEIC picture"},
    {4, "ftypmsf1", "a HEIC picture"},
    {4, "ftypM4A", "an M4A (AAC) sound"},
    {4, "ftypM4B", "an M4A (AAC) sound"},
    {4, "ftypqt", "a QuickTime file"},
    {4, "ftyp", "an MP4 file"},
    {0, "\x1a\x45\xdf\xa3", "a WebM or Matroska file"},
    {0, std::string_view("II*\0", 4), "a TIFF picture"},
    {0, std::string_view("MM\0*", 4), "a TIFF picture"},
    {0, "\xff\x0a", "a JPEG XL picture"},
    {4, "JXL \r\n\x87\n", "a JPEG XL picture"},
    {4, "jP  \r\n\x87\n", "a JPEG 2000 picture"},
    {0, "%PDF-", "a PDF document"},
    {0, "<svg", "an SVG picture"},
    {0, "<?xml", "an XML file"},
    {0, "8BPS", "a Photoshop picture"},
    {0, "FORM", "an AIFF sound"},
    {0, ".snd", "an AU sound"},
    {0, "caff", "a CAF sound"},
    {0, "RIFX", "a WAV sound of big-endian numbers"},
    {0, "#!AMR", "an AMR sound"},
    {0, "MThd", "a MIDI file"},
    {0, "0&\xb2u", "a WMA sound"},
    {0, "wvpk", "a WavPack sound"},
    {0, "MAC ", "a Monkey's Audio sound"},
    {0, "\xff\xf1", "an AAC sound"},
    {0, "\xff\xf9", "an AAC sound"},
    {0, "\x89PNG\r\n\x1a\n", "a PNG picture"},
    {0, "\xff\xd8\xff", "a JPEG picture"},
    {0, "GIF8", "a GIF picture"},
    {8, "WEBPVP8", "a WebP picture"},
    {8, "WAVEfmt ", "a WAV sound"},
    {0, "fLaC", "a FLAC sound"},
    {0, "OggS", "an Ogg sound"},
    {0, "ID3", "an MP3 sound"},
};

}  // namespace

bool HasAt(FileBytes file, std::size_t at, std::string_view magic) {
  return at <= file.size() && file.size() - at >= magic.size() &&
         std::memcmp(file.data() + at, magic.data(), magic.size()) == 0;
}

std::uint64_t LittleEndian(FileBytes file, std::size_t at, int size) {
  std::uint64_t value = 0;
  for (int i = 0; i < size; ++i) value |= std::uint64_t{file[at + static_cast<std::size_t>(i)]} << 8 * i;
  return value;
}

Result<std::vector<std::uint8_t>> ReadMediaFile(const std::string& path, std::int64_t max_bytes) {
  struct stat info;
  // Before it is opened: to open a FIFO waits for a writer, and to open a device may do something.
  if (stat(path.c_str(), &info) != 0) return SystemError(path, "cannot be looked at", errno);
  CARAT_RETURN_IF_ERROR(CheckRegular(path, info));
  // It may be another file by now; without O_NONBLOCK a FIFO in its place would wait.
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (file.get() < 0) return SystemError(path, "cannot be opened", errno);
  if (fstat(file.get(), &info) != 0) return SystemError(path, "cannot be looked at", errno);
  CARAT_RETURN_IF_ERROR(CheckRegular(path, info));
  if (info.st_size > max_bytes) {
    return ResourceExhausted("%s: the file has %d bytes, but max_file_bytes is %d", path, info.st_size,
                             max_bytes);
  }
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(info.st_size));
  for (std::size_t at = 0; at < bytes.size();) {
    const ssize_t got = read(file.get(), bytes.data() + at, bytes.size() - at);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return SystemError(path, "cannot be read", errno);
    if (got == 0) {
      return DataLoss("%s: the file became shorter while it was read: of %d bytes there were %d", path,
                      bytes.size(), at);
    }
    at += static_cast<std::size_t>(got);
  }
  return bytes;
}

const char* NameOfUnsupported(FileBytes file) {
  for (const Named& named : kUnsupported) {
    if (HasAt(file, named.at, named.magic)) return named.name;
  }
  return nullptr;
}

}  // namespace carat::internal
