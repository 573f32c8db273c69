// carat/status.h: errors as values.
//
//   carat::Result<carat::Model> model = carat::Model::Load("gemma-4-E2B-it");
//   if (!model.ok()) {
//     std::fprintf(stderr, "%s\n", model.status().ToString().c_str());
//     return 1;
//   }
//   std::printf("%d layers\n", model->info().layers);
//
// Every call of carat that can fail returns a Status, or a Result<T>, which is a Status or a T. No exception
// leaves the library, and nothing in it aborts, exits or prints: out of memory, a broken file and a wrong
// argument all come back here, as a code for the program and a sentence for the person, which names the file,
// the tensor and the number.
//
// Threads: values, like std::string. Since 0.1.
#ifndef CARAT_STATUS_H_
#define CARAT_STATUS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "carat/export.h"

namespace carat {

// What kind of error. The numbers are the canonical ones (those of gRPC and abseil) and never change; the C
// ABI has the same. Since 0.1.
enum class StatusCode : std::int32_t {
  kOk = 0,
  kCancelled = 1,  // Session::Cancel was called, or a callback asked to stop
  kUnknown = 2,
  kInvalidArgument = 3,  // the caller's argument is wrong whatever the state
  kDeadlineExceeded = 4,
  kNotFound = 5,  // no such file, no such tensor
  kAlreadyExists = 6,
  kPermissionDenied = 7,
  kResourceExhausted = 8,   // out of memory, or the context is full
  kFailedPrecondition = 9,  // right call, wrong moment
  kAborted = 10,
  kOutOfRange = 11,     // an index or a token id beyond the end
  kUnimplemented = 12,  // a variant that this version cannot run
  kInternal = 13,       // a defect of carat: please report it
  kUnavailable = 14,
  kDataLoss = 15,  // a file is cut short or contradicts itself
  kUnauthenticated = 16,
};

// The code's name, "INVALID_ARGUMENT". A static string; "UNKNOWN" for a number that is no code. Since 0.1.
CARAT_EXPORT std::string_view StatusCodeName(StatusCode code) noexcept;

// A code and a sentence. Default-constructed it is OK. Since 0.1.
class [[nodiscard]] Status {
 public:
  Status() noexcept = default;
  Status(StatusCode code, std::string message) noexcept : code_(code), message_(std::move(message)) {}

  bool ok() const noexcept { return code_ == StatusCode::kOk; }
  StatusCode code() const noexcept { return code_; }
  const std::string& message() const noexcept { return message_; }

  // "OK" or "NOT_FOUND: /models/x: there is no config.json in this folder".
  std::string ToString() const {
    if (ok()) return "OK";
    return std::string(StatusCodeName(code_)) + ": " + message_;
  }

 private:
  StatusCode code_ = StatusCode::kOk;
  std::string message_;
};

// A T, or the Status that says why there is none. operator* and operator-> want ok(), as those of
// std::optional do. Since 0.1.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) noexcept
      : value_(std::move(value)) {}  // NOLINT(google-explicit-constructor): `return value;`
  Result(Status status) noexcept : status_(std::move(status)) {  // NOLINT(google-explicit-constructor)
    if (status_.ok())
      status_ = Status(StatusCode::kInternal, "a Result was made of an OK status without a value");
  }

  bool ok() const noexcept { return value_.has_value(); }
  const Status& status() const noexcept { return status_; }

  T& operator*() & noexcept { return *value_; }
  const T& operator*() const& noexcept { return *value_; }
  T&& operator*() && noexcept { return *std::move(value_); }
  T* operator->() noexcept { return &*value_; }
  const T* operator->() const noexcept { return &*value_; }

 private:
  Status status_;
  std::optional<T> value_;
};

}  // namespace carat

#endif  // CARAT_STATUS_H_
