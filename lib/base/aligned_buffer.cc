#include "lib/base/aligned_buffer.h"

#include <cstdlib>
#include <cstring>
#include <limits>
#include <string>

#include "lib/base/checked.h"
#include "lib/base/error.h"

namespace carat::internal {

AlignedBytes::~AlignedBytes() {
  std::free(data_);
}

Result<AlignedBytes> AlignedBytes::Allocate(std::uint64_t count, std::size_t element_size,
                                            std::string_view purpose) {
  AlignedBytes bytes;
  if (count == 0) return bytes;
  const auto size = CheckedMultiply<std::uint64_t>(count, element_size);
  // Room is left for rounding up to whole cache lines.
  if (!size || *size > std::numeric_limits<std::ptrdiff_t>::max() - kCacheLine) {
    return ResourceExhausted("cannot allocate %d times %d bytes for %s: more than can be addressed", count,
                             element_size, std::string(purpose));
  }
  const std::size_t rounded = (*size + kCacheLine - 1) / kCacheLine * kCacheLine;
  bytes.data_ = std::aligned_alloc(kCacheLine, rounded);
  if (bytes.data_ == nullptr) {
    return ResourceExhausted("cannot allocate %d bytes for %s: out of memory", *size, std::string(purpose));
  }
  std::memset(bytes.data_, 0, rounded);
  bytes.size_ = *size;
  return bytes;
}

}  // namespace carat::internal
