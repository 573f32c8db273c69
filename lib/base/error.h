// Making and passing on Status values inside the library.
#ifndef CARAT_LIB_BASE_ERROR_H_
#define CARAT_LIB_BASE_ERROR_H_

#include <string>
#include <utility>

#include "absl/strings/str_format.h"
#include "carat/status.h"

namespace carat::internal {

// InvalidArgument("top_p is %g, but must lie in (0, 1]", p): the format is checked when compiling.
#define CARAT_DEFINE_ERROR(Name)                                              \
  template <typename... Args>                                                 \
  Status Name(const absl::FormatSpec<Args...>& format, const Args&... args) { \
    return Status(StatusCode::k##Name, absl::StrFormat(format, args...));     \
  }
CARAT_DEFINE_ERROR(Cancelled)
CARAT_DEFINE_ERROR(InvalidArgument)
CARAT_DEFINE_ERROR(NotFound)
CARAT_DEFINE_ERROR(AlreadyExists)
CARAT_DEFINE_ERROR(PermissionDenied)
CARAT_DEFINE_ERROR(ResourceExhausted)
CARAT_DEFINE_ERROR(FailedPrecondition)
CARAT_DEFINE_ERROR(OutOfRange)
CARAT_DEFINE_ERROR(Unimplemented)
CARAT_DEFINE_ERROR(Internal)
CARAT_DEFINE_ERROR(Unavailable)
CARAT_DEFINE_ERROR(DataLoss)
#undef CARAT_DEFINE_ERROR

}  // namespace carat::internal

#define CARAT_CONCAT_INNER(a, b) a##b
#define CARAT_CONCAT(a, b) CARAT_CONCAT_INNER(a, b)

// Returns from the function if the expression, a Status, is an error.
#define CARAT_RETURN_IF_ERROR(expression)          \
  do {                                             \
    ::carat::Status carat_status_ = (expression);  \
    if (!carat_status_.ok()) return carat_status_; \
  } while (false)

// CARAT_ASSIGN_OR_RETURN(auto x, F()): x is the value of F(), or the function returns its Status.
#define CARAT_ASSIGN_OR_RETURN(declaration, expression) \
  CARAT_ASSIGN_OR_RETURN_INNER(CARAT_CONCAT(carat_result_, __LINE__), declaration, expression)
#define CARAT_ASSIGN_OR_RETURN_INNER(result, declaration, expression) \
  auto result = (expression);                                         \
  if (!result.ok()) return result.status();                           \
  declaration = *std::move(result)

#endif  // CARAT_LIB_BASE_ERROR_H_
