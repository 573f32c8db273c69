// Reading a picture or sound file, and what all decoders share.
#ifndef CARAT_LIB_MEDIA_MEDIA_FILE_H_
#define CARAT_LIB_MEDIA_MEDIA_FILE_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "carat/status.h"

namespace carat::internal {

using FileBytes = std::span<const std::uint8_t>;

// The status of a failed allocation. Its message is short enough not to allocate.
inline Status OutOfMemory() {
  return Status(StatusCode::kResourceExhausted, "out of memory");
}

// Whether `magic` stands at `at`.
bool HasAt(FileBytes file, std::size_t at, std::string_view magic);

// An unsigned number of `size` bytes, 1 to 8, at `at`. All of them must lie inside.
std::uint64_t LittleEndian(FileBytes file, std::size_t at, int size);

// Reads the whole file. It is read, not mapped: a file that is cut short meanwhile is an error here and not a
// SIGBUS later. Only regular files are opened. Errors: NOT_FOUND, PERMISSION_DENIED, INVALID_ARGUMENT for a
// folder, FIFO or device, RESOURCE_EXHAUSTED beyond `max_bytes` and if memory is out, DATA_LOSS for a file
// that becomes shorter while it is read, UNAVAILABLE for other errors of the system. All name the path.
Result<std::vector<std::uint8_t>> ReadMediaFile(const std::string& path, std::int64_t max_bytes);

// "a HEIC picture", "an AIFF sound": what a file is that carat does not decode. nullptr if it is unknown.
const char* NameOfUnsupported(FileBytes file);

}  // namespace carat::internal

#endif  // CARAT_LIB_MEDIA_MEDIA_FILE_H_
