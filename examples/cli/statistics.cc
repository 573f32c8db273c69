#include "examples/cli/statistics.h"

#include <cstdint>
#include <cstdio>

#include "absl/strings/str_format.h"
#include "examples/cli/console.h"

namespace carat::cli {
namespace {

void PrintPart(const char* name, std::int64_t tokens, double seconds) {
  absl::FPrintF(stderr, "%s %s tokens in %.2f s", name, Grouped(tokens), seconds);
  if (seconds > 0) absl::FPrintF(stderr, " (%.1f tokens/s)", static_cast<double>(tokens) / seconds);
}

}  // namespace

std::string StopReasonText(StopReason reason) {
  switch (reason) {
    case StopReason::kNone:
      return "not at its end";
    case StopReason::kStopToken:
      return "stop token";
    case StopReason::kStopString:
      return "stop text";
    case StopReason::kMaxTokens:
      return "token limit";
    case StopReason::kContextFull:
      return "context full";
    case StopReason::kCancelled:
      return "interrupted";
  }
  return absl::StrFormat("reason %d", static_cast<int>(reason));
}

void PrintStatistics(const GenerationStats& stats, StopReason stop, const std::string& remark) {
  PrintPart("prompt", stats.prompt_tokens, stats.prompt_seconds);
  PrintPart("; generated", stats.generated_tokens, stats.generation_seconds);
  absl::FPrintF(stderr, "; %s\n", StopReasonText(stop));
  absl::FPrintF(stderr, "peak memory %s%s\n", HumanBytes(static_cast<double>(PeakMemory())), remark);
}

}  // namespace carat::cli
