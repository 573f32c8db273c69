// carat/version.h: which carat this is.
//
//   static_assert(CARAT_VERSION_MAJOR == 0);
//   std::puts(carat::Version());   // the library that is loaded, which may be newer than the header
//
// Threads: any. Since 0.1.
#ifndef CARAT_VERSION_H_
#define CARAT_VERSION_H_

#include "carat/export.h"

#define CARAT_VERSION_MAJOR 0
#define CARAT_VERSION_MINOR 1
#define CARAT_VERSION_PATCH 0

namespace carat {

// "0.1.0": the library's, at run time. Static storage.
CARAT_EXPORT const char* Version() noexcept;

}  // namespace carat

#endif  // CARAT_VERSION_H_
