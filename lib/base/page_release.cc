#include "lib/base/page_release.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>

namespace carat::internal {

void ReleaseMappedPages(const std::byte* data, std::size_t size) noexcept {
  const long page = sysconf(_SC_PAGESIZE);
  if (page <= 0) return;
  const auto page_size = static_cast<std::uintptr_t>(page);
  const auto begin = reinterpret_cast<std::uintptr_t>(data);
  const std::uintptr_t first = (begin + page_size - 1) / page_size * page_size;
  const std::uintptr_t last = (begin + size) / page_size * page_size;
  if (last > first) madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
}

}  // namespace carat::internal
