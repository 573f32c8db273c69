// How every function of the C ABI runs: checked pointers in, no exception out, the outcome in a carat_error.
#ifndef CARAT_CAPI_CALL_H_
#define CARAT_CAPI_CALL_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <utility>

#include "capi/carat.h"
#include "carat/status.h"
#include "lib/base/error.h"
#include "lib/base/guard.h"

namespace carat::capi {

// Puts the outcome of a call into the host's error, if it gave one, and returns its code.
carat_status Report(carat_error* error, const Status& status) noexcept;

// Runs the body of a function, which returns a Status.
template <typename Body>
carat_status Call(carat_error* error, Body&& body) noexcept {
  return Report(error, internal::Guard(std::forward<Body>(body)));
}

// A host's array. Errors: INVALID_ARGUMENT for a null one that is not empty, or for an impossible length.
template <typename T>
Result<std::span<T>> ArrayOf(T* data, std::size_t count, const char* name) {
  if (count == 0) return std::span<T>();
  if (data == nullptr) return internal::InvalidArgument("%s is NULL, but its length is %d", name, count);
  constexpr std::size_t kMost =
      static_cast<std::size_t>(std::numeric_limits<std::ptrdiff_t>::max()) / sizeof(T);
  if (count > kMost) return internal::InvalidArgument("the length of %s, %d, is impossible", name, count);
  return std::span<T>(data, count);
}

inline Result<std::string_view> TextOf(const char* data, std::size_t size, const char* name) {
  CARAT_ASSIGN_OR_RETURN(std::span<const char> text, ArrayOf(data, size, name));
  return std::string_view(text.data(), text.size());
}

// One of an enum's values, which are 0 .. last.
inline Status IsEnumValue(std::int32_t value, std::int32_t last, const char* name) {
  if (value < 0 || value > last) {
    return internal::InvalidArgument("%s is %d, but must lie in 0 .. %d", name, value, last);
  }
  return {};
}

// Text lent to the host: never a null pointer. `size` may be null.
inline const char* LendText(std::string_view text, std::size_t* size) noexcept {
  if (size != nullptr) *size = text.size();
  return text.data() == nullptr ? "" : text.data();
}

}  // namespace carat::capi

// Returns INVALID_ARGUMENT from the function if the pointer, a parameter of that name, is null.
#define CARAT_RETURN_IF_NULL(pointer)                                                            \
  do {                                                                                           \
    if ((pointer) == nullptr) return ::carat::internal::InvalidArgument("%s is NULL", #pointer); \
  } while (false)

// The same for where a new handle or a borrowed pointer will be stored: null until the call has succeeded.
#define CARAT_CLEAR_OUTPUT(output) \
  CARAT_RETURN_IF_NULL(output);    \
  *(output) = nullptr

#endif  // CARAT_CAPI_CALL_H_
