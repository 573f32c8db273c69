// Letting go of memory that can be read again.
#ifndef CARAT_LIB_BASE_PAGE_RELEASE_H_
#define CARAT_LIB_BASE_PAGE_RELEASE_H_

#include <cstddef>

namespace carat::internal {

// Takes the whole pages of this part of a read-only file mapping out of memory; the next look at them reads
// the file again. Pages that lie only partly inside stay.
void ReleaseMappedPages(const std::byte* data, std::size_t size) noexcept;

}  // namespace carat::internal

#endif  // CARAT_LIB_BASE_PAGE_RELEASE_H_
