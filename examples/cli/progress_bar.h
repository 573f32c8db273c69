// A bar on standard error for work that a person waits for.
#ifndef CARAT_EXAMPLES_CLI_PROGRESS_BAR_H_
#define CARAT_EXAMPLES_CLI_PROGRESS_BAR_H_

#include <chrono>
#include <cstdint>
#include <string>

namespace carat::cli {

// Shown only where standard error is a terminal, and only for work that takes longer than a moment, so that
// it never flashes up. It is gone when the work is.
class ProgressBar {
 public:
  ProgressBar(std::string label, bool wanted);
  ~ProgressBar() { Clear(); }
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void Update(std::int64_t done, std::int64_t total);
  // Takes the bar away before something else is written.
  void Clear();

 private:
  using Clock = std::chrono::steady_clock;
  std::string label_;
  bool wanted_;
  bool shown_ = false;
  Clock::time_point started_ = Clock::now();
  Clock::time_point drawn_;
};

}  // namespace carat::cli

#endif  // CARAT_EXAMPLES_CLI_PROGRESS_BAR_H_
