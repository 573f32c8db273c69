// How a command gives up: one sentence for the person and an exit code for the script. Inside the program
// errors travel as exceptions; the library's Status values become Errors where they arrive.
#ifndef CARAT_EXAMPLES_CLI_ERROR_H_
#define CARAT_EXAMPLES_CLI_ERROR_H_

#include <stdexcept>
#include <string>
#include <utility>

#include "carat/status.h"

namespace carat::cli {

enum ExitCode : int {
  kExitSuccess = 0,
  kExitDifferent = 1,  // check: something differs from the reference
  kExitBadInput = 2,   // arguments, or a missing or broken file
  kExitFailed = 3,     // carat could not do it: memory, context, a variant it cannot run
  kExitInterrupted = 130,
};

// The text that the help shows about them.
inline constexpr char kExitCodesHelp[] =
    "Exit codes: 0 done; 1 check found a difference; 2 wrong arguments, or a missing or broken\n"
    "file; 3 carat could not do it (memory, context, a variant it cannot run); 130 interrupted.";

class Error : public std::runtime_error {
 public:
  Error(ExitCode exit_code, const std::string& sentence)
      : std::runtime_error(sentence), exit_code_(exit_code) {}
  ExitCode exit_code() const { return exit_code_; }

 private:
  ExitCode exit_code_;
};

inline ExitCode ExitCodeFor(StatusCode code) {
  switch (code) {
    case StatusCode::kOk:
      return kExitSuccess;
    case StatusCode::kCancelled:
      return kExitInterrupted;
    case StatusCode::kInvalidArgument:
    case StatusCode::kNotFound:
    case StatusCode::kPermissionDenied:
    case StatusCode::kOutOfRange:
    case StatusCode::kDataLoss:
      return kExitBadInput;
    default:
      return kExitFailed;
  }
}

inline void ThrowIfError(const Status& status) {
  if (status.ok()) return;
  // Only Ctrl-C cancels here, and the person knows.
  const bool cancelled = status.code() == StatusCode::kCancelled;
  throw Error(ExitCodeFor(status.code()), cancelled ? "interrupted" : status.message());
}

template <typename T>
T ValueOrThrow(Result<T> result) {
  ThrowIfError(result.status());
  return *std::move(result);
}

}  // namespace carat::cli

#endif  // CARAT_EXAMPLES_CLI_ERROR_H_
