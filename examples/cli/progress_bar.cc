#include "examples/cli/progress_bar.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "examples/cli/console.h"

namespace carat::cli {
namespace {
constexpr auto kPatience = std::chrono::milliseconds(300);  // before it appears
constexpr auto kBetweenDrawings = std::chrono::milliseconds(50);
constexpr int kWidth = 30;
}  // namespace

ProgressBar::ProgressBar(std::string label, bool wanted)
    : label_(std::move(label)), wanted_(wanted && ErrorOutputIsTerminal()) {}

void ProgressBar::Update(std::int64_t done, std::int64_t total) {
  const Clock::time_point now = Clock::now();
  if (!wanted_ || total <= 0 || now - started_ < kPatience) return;
  if (shown_ && done < total && now - drawn_ < kBetweenDrawings) return;
  const double part = std::clamp(static_cast<double>(done) / static_cast<double>(total), 0.0, 1.0);
  const int filled = static_cast<int>(part * kWidth);
  const std::string bar = std::string(static_cast<std::size_t>(filled), '#') +
                          std::string(static_cast<std::size_t>(kWidth - filled), '.');
  std::fprintf(stderr, "\r%s [%s] %3.0f %%\033[K", label_.c_str(), bar.c_str(), 100 * part);
  std::fflush(stderr);
  shown_ = true;
  drawn_ = now;
}

void ProgressBar::Clear() {
  if (!shown_) return;
  std::fputs("\r\033[K", stderr);
  std::fflush(stderr);
  shown_ = false;
}

}  // namespace carat::cli
