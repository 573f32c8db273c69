#include "carat/version.h"

#define CARAT_STRINGIZE_INNER(x) #x
#define CARAT_STRINGIZE(x) CARAT_STRINGIZE_INNER(x)

namespace carat {

const char* Version() noexcept {
  return CARAT_STRINGIZE(CARAT_VERSION_MAJOR) "." CARAT_STRINGIZE(CARAT_VERSION_MINOR) "." CARAT_STRINGIZE(
      CARAT_VERSION_PATCH);
}

}  // namespace carat
