// The boundary that no exception crosses. Every noexcept function of the public API whose inside may throw
// (the standard library on bad_alloc, a host's sampler) runs that inside through Guard.
#ifndef CARAT_LIB_BASE_GUARD_H_
#define CARAT_LIB_BASE_GUARD_H_

#include <exception>
#include <new>
#include <type_traits>
#include <utility>

#include "carat/status.h"

namespace carat::internal {

// The result of f(), a Status or a Result; an exception becomes a Status. The messages are short enough not
// to allocate, since memory may be what is missing.
template <typename F>
auto Guard(F&& f) noexcept -> std::invoke_result_t<F> {
  try {
    return std::forward<F>(f)();
  } catch (const std::bad_alloc&) {
    return Status(StatusCode::kResourceExhausted, "out of memory");
  } catch (const std::exception& e) {
    try {
      return Status(StatusCode::kInternal, e.what());
    } catch (...) {
      return Status(StatusCode::kInternal, "exception");
    }
  } catch (...) {
    return Status(StatusCode::kInternal, "exception");
  }
}

}  // namespace carat::internal

#endif  // CARAT_LIB_BASE_GUARD_H_
