// A file mapped into memory, read-only.
#ifndef CARAT_LIB_BASE_FILE_MAPPING_H_
#define CARAT_LIB_BASE_FILE_MAPPING_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "carat/status.h"

namespace carat::internal {

class FileMapping {
 public:
  // Maps the whole file. An empty file gives an empty mapping. Errors: NOT_FOUND, PERMISSION_DENIED,
  // INVALID_ARGUMENT for what is no regular file, RESOURCE_EXHAUSTED.
  static Result<std::shared_ptr<const FileMapping>> Open(const std::string& path);

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
  FileMapping(std::string path, const std::byte* data, std::size_t size)
      : path_(std::move(path)), data_(data), size_(size) {}

  std::string path_;
  const std::byte* data_;
  std::size_t size_;
};

// The whole file as a string, for small ones. Errors: as FileMapping::Open, and RESOURCE_EXHAUSTED beyond
// `limit` bytes.
Result<std::string> ReadFile(const std::string& path, std::size_t limit);

// Whether something of that name is there.
bool FileExists(const std::string& path);

}  // namespace carat::internal

#endif  // CARAT_LIB_BASE_FILE_MAPPING_H_
