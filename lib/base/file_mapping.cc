#include "lib/base/file_mapping.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <system_error>
#include <utility>

#include "lib/base/error.h"

namespace carat::internal {
namespace {

Status FileError(const std::string& path, int error, const char* what) {
  const std::string reason = std::generic_category().message(error);
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return NotFound("%s: no such file", path);
    case EACCES:
    case EPERM:
      return PermissionDenied("%s: %s: %s", path, what, reason);
    case ENOMEM:
      return ResourceExhausted("%s: %s: %s", path, what, reason);
    default:
      return Unavailable("%s: %s: %s", path, what, reason);
  }
}

// A file descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

Status CheckRegular(const std::string& path, const struct stat& info) {
  if (S_ISREG(info.st_mode)) return {};
  return InvalidArgument("%s: this is %s, but must be a regular file", path,
                         std::string(SpecialFileName(info.st_mode)));
}

// Opening a FIFO can wait for ever, and opening a device can do something: both are looked at first. In case
// the name means something else a moment later, opening waits for nothing, and what was opened is looked at.
Result<Descriptor> OpenRegular(const std::string& path) {
  struct stat info;
  if (stat(path.c_str(), &info) != 0) return FileError(path, errno, "cannot open");
  CARAT_RETURN_IF_ERROR(CheckRegular(path, info));
  Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (file.get() < 0) return FileError(path, errno, "cannot open");
  if (fstat(file.get(), &info) != 0) return FileError(path, errno, "cannot ask for the size");
  CARAT_RETURN_IF_ERROR(CheckRegular(path, info));
  return file;
}

Result<std::size_t> SizeOf(const Descriptor& file, const std::string& path) {
  struct stat info;
  if (fstat(file.get(), &info) != 0) return FileError(path, errno, "cannot ask for the size");
  return static_cast<std::size_t>(info.st_size);
}

// Reads `size` bytes, fewer if the file ends before; absent with errno set.
std::optional<std::size_t> ReadFully(int descriptor, char* to, std::size_t size) {
  std::size_t done = 0;
  while (done < size) {
    const ssize_t count = read(descriptor, to + done, size - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return std::nullopt;
    if (count == 0) break;
    done += static_cast<std::size_t>(count);
  }
  return done;
}

bool WriteFully(int descriptor, const char* from, std::size_t size) {
  while (size > 0) {
    const ssize_t count = write(descriptor, from, size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    from += count;
    size -= static_cast<std::size_t>(count);
  }
  return true;
}

Status BecameShorter(const std::string& path, std::size_t found, std::size_t expected) {
  return DataLoss("%s: the file ended after %d of %d bytes: it was cut while it was read", path, found,
                  expected);
}

Result<std::string> ReadUpTo(const Descriptor& file, std::size_t size, const std::string& path) {
  std::string content(size, '\0');
  const auto found = ReadFully(file.get(), content.data(), size);
  if (!found) return FileError(path, errno, "cannot read");
  if (*found != size) return BecameShorter(path, *found, size);
  return content;
}

// A nameless file in memory with the same bytes. A mapping of it may give back pages like one of a file on
// disk without losing them, which a plain allocation may not.
Result<Descriptor> CopyIntoMemory(const Descriptor& file, std::size_t size, const std::string& path) {
  constexpr std::size_t kPortion = std::size_t{1} << 20;
  Descriptor copy(memfd_create("carat", MFD_CLOEXEC));
  if (copy.get() < 0) return FileError(path, errno, "cannot be read into memory");
  std::string portion(std::min(size, kPortion), '\0');
  for (std::size_t done = 0; done < size;) {
    const auto count = ReadFully(file.get(), portion.data(), std::min(portion.size(), size - done));
    if (!count) return FileError(path, errno, "cannot read");
    if (*count == 0) return BecameShorter(path, done, size);
    if (!WriteFully(copy.get(), portion.data(), *count)) {
      return ResourceExhausted("%s: %d bytes cannot be read into memory: %s", path, size,
                               std::generic_category().message(errno));
    }
    done += *count;
  }
  return copy;
}

// The page that holds the beginning of a part, and the part's length from there.
struct Pages {
  std::byte* begin;
  std::size_t size;
};

Pages PagesOf(const std::byte* data, std::size_t mapped, std::size_t offset, std::size_t size) {
  const std::size_t page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const std::size_t first = std::min(offset, mapped) / page * page;
  const std::size_t last = std::min(mapped, offset + size);
  return {const_cast<std::byte*>(data) + first, last > first ? last - first : 0};
}

}  // namespace

Result<std::shared_ptr<const FileMapping>> FileMapping::Open(const std::string& path, FileAccess access) {
  // Made first: what throws after mmap would leave the mapping behind.
  const std::shared_ptr<FileMapping> mapping(new FileMapping(path));
  CARAT_ASSIGN_OR_RETURN(const Descriptor file, OpenRegular(path));
  CARAT_ASSIGN_OR_RETURN(const std::size_t size, SizeOf(file, path));
  if (size == 0) return std::shared_ptr<const FileMapping>(mapping);
  std::optional<Descriptor> copy;
  if (access == FileAccess::kInMemory) {
    CARAT_ASSIGN_OR_RETURN(copy, CopyIntoMemory(file, size, path));
  }
  const int descriptor = copy ? copy->get() : file.get();
  void* data = mmap(nullptr, size, PROT_READ, MAP_SHARED, descriptor, 0);
  if (data == MAP_FAILED) return FileError(path, errno, "cannot map");
  mapping->data_ = static_cast<const std::byte*>(data);
  mapping->size_ = size;
  return std::shared_ptr<const FileMapping>(mapping);
}

FileMapping::~FileMapping() {
  if (size_ > 0) munmap(const_cast<std::byte*>(data_), size_);
}

void FileMapping::Populate(std::size_t offset, std::size_t size) const noexcept {
  const Pages pages = PagesOf(data_, size_, offset, size);
  if (pages.size == 0) return;
#ifdef MADV_POPULATE_READ
  if (madvise(pages.begin, pages.size, MADV_POPULATE_READ) == 0) return;
#endif
  // An older kernel: ask for the pages, then touch each.
  madvise(pages.begin, pages.size, MADV_WILLNEED);
  const std::size_t page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const volatile std::byte* byte = pages.begin;
  for (std::size_t i = 0; i < pages.size; i += page) static_cast<void>(byte[i]);
}

void FileMapping::AdviseRandom(std::size_t offset, std::size_t size) const noexcept {
  const Pages pages = PagesOf(data_, size_, offset, size);
  if (pages.size > 0) madvise(pages.begin, pages.size, MADV_RANDOM);
}

Result<std::string> ReadFile(const std::string& path, std::size_t limit) {
  CARAT_ASSIGN_OR_RETURN(const Descriptor file, OpenRegular(path));
  CARAT_ASSIGN_OR_RETURN(const std::size_t size, SizeOf(file, path));
  if (size > limit) {
    return ResourceExhausted("%s: %d bytes long, but a file of this kind has at most %d", path, size, limit);
  }
  return ReadUpTo(file, size, path);
}

Result<std::string> ReadFileHead(const std::string& path, std::size_t size) {
  CARAT_ASSIGN_OR_RETURN(const Descriptor file, OpenRegular(path));
  CARAT_ASSIGN_OR_RETURN(const std::size_t all, SizeOf(file, path));
  return ReadUpTo(file, std::min(all, size), path);
}

bool FileExists(const std::string& path) {
  struct stat info;
  return stat(path.c_str(), &info) == 0;
}

std::string_view SpecialFileName(unsigned mode) {
  if (S_ISFIFO(mode)) return "a FIFO";
  if (S_ISSOCK(mode)) return "a socket";
  if (S_ISCHR(mode)) return "a character device";
  if (S_ISBLK(mode)) return "a block device";
  if (S_ISDIR(mode)) return "a folder";
  return "a special file";
}

}  // namespace carat::internal
