// A file's bytes, read-only: mapped, or read into memory.
#ifndef CARAT_LIB_BASE_FILE_MAPPING_H_
#define CARAT_LIB_BASE_FILE_MAPPING_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "carat/status.h"

namespace carat::internal {

// Where the bytes of a FileMapping lie.
enum class FileAccess {
  // In the file itself. If another process cuts the file meanwhile, reading beyond its new end raises SIGBUS.
  kMapped,
  // In a copy in memory, made when the file is opened: nothing that happens to the file later matters.
  kInMemory,
};

class FileMapping {
 public:
  // Opens the whole file. An empty file gives an empty mapping. FIFOs, sockets and devices are refused before
  // they are opened. Errors: NOT_FOUND, PERMISSION_DENIED, INVALID_ARGUMENT for what is no regular file,
  // RESOURCE_EXHAUSTED, DATA_LOSS for a file that becomes shorter while it is copied.
  static Result<std::shared_ptr<const FileMapping>> Open(const std::string& path,
                                                         FileAccess access = FileAccess::kMapped);

  ~FileMapping();
  FileMapping(const FileMapping&) = delete;
  FileMapping& operator=(const FileMapping&) = delete;

  std::span<const std::byte> bytes() const noexcept { return {data_, size_}; }
  const std::string& path() const noexcept { return path_; }

  // Reads this part from disk now, as far as memory allows.
  void Populate(std::size_t offset, std::size_t size) const noexcept;
  // This part will be looked up here and there: do not read ahead.
  void AdviseRandom(std::size_t offset, std::size_t size) const noexcept;

 private:
  explicit FileMapping(std::string path) : path_(std::move(path)) {}

  std::string path_;
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

// The whole file as a string, for small ones; it is read, not mapped. Errors: as FileMapping::Open, and
// RESOURCE_EXHAUSTED beyond `limit` bytes.
Result<std::string> ReadFile(const std::string& path, std::size_t limit);

// Its first bytes, at most `size`. Errors: as FileMapping::Open.
Result<std::string> ReadFileHead(const std::string& path, std::size_t size);

// Whether something of that name is there.
bool FileExists(const std::string& path);

// Of a file that is neither regular nor a folder: "a FIFO", "a socket", "a character device", "a block
// device". `mode` is that of stat.
std::string_view SpecialFileName(unsigned mode);

}  // namespace carat::internal

#endif  // CARAT_LIB_BASE_FILE_MAPPING_H_
