#include "lib/base/file_mapping.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

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
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

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

Result<std::shared_ptr<const FileMapping>> FileMapping::Open(const std::string& path) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return FileError(path, errno, "cannot open");
  struct stat info;
  if (fstat(file.get(), &info) != 0) return FileError(path, errno, "cannot ask for the size");
  if (!S_ISREG(info.st_mode)) return InvalidArgument("%s: not a regular file", path);
  const std::size_t size = static_cast<std::size_t>(info.st_size);
  void* data = nullptr;
  if (size > 0) {
    data = mmap(nullptr, size, PROT_READ, MAP_SHARED, file.get(), 0);
    if (data == MAP_FAILED) return FileError(path, errno, "cannot map");
  }
  return std::shared_ptr<const FileMapping>(new FileMapping(path, static_cast<const std::byte*>(data), size));
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
  CARAT_ASSIGN_OR_RETURN(auto mapping, FileMapping::Open(path));
  const auto bytes = mapping->bytes();
  if (bytes.size() > limit) {
    return ResourceExhausted("%s: %d bytes long, but a file of this kind has at most %d", path, bytes.size(),
                             limit);
  }
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

bool FileExists(const std::string& path) {
  struct stat info;
  return stat(path.c_str(), &info) == 0;
}

}  // namespace carat::internal
