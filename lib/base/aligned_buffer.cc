#include "lib/base/aligned_buffer.h"

#include <sys/mman.h>

#include <cstdlib>
#include <cstring>
#include <limits>
#include <string>

#include "lib/base/checked.h"
#include "lib/base/error.h"

namespace carat::internal {

namespace {

// From here on memory comes in pages of its own, which are zero and take no room before they are written.
constexpr std::size_t kOwnPages = std::size_t{1} << 18;

}  // namespace

AlignedBytes::~AlignedBytes() {
  if (size_ >= kOwnPages) {
    munmap(data_, size_);
  } else {
    std::free(data_);
  }
}

void AlignedBytes::AdviseHugePages() const noexcept {
  if (size_ >= kOwnPages) madvise(data_, size_, MADV_HUGEPAGE);
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
  void* data = nullptr;
  if (*size >= kOwnPages) {
    data = mmap(nullptr, *size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data == MAP_FAILED) data = nullptr;
  } else {
    const std::size_t rounded = (*size + kCacheLine - 1) / kCacheLine * kCacheLine;
    data = std::aligned_alloc(kCacheLine, rounded);
    if (data != nullptr) std::memset(data, 0, rounded);
  }
  if (data == nullptr) {
    return ResourceExhausted("cannot allocate %d bytes for %s: out of memory", *size, std::string(purpose));
  }
  bytes.data_ = data;
  bytes.size_ = *size;
  return bytes;
}

}  // namespace carat::internal
