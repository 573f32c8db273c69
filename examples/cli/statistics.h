// What a person wants to know after a generation: how fast, how much memory, why it ended.
#ifndef CARAT_EXAMPLES_CLI_STATISTICS_H_
#define CARAT_EXAMPLES_CLI_STATISTICS_H_

#include <string>

#include "carat/generation.h"

namespace carat::cli {

// "<turn|>", "--max-tokens": why it stopped, for a person.
std::string StopReasonText(StopReason reason);

// Two lines on standard error.
void PrintStatistics(const GenerationStats& stats, StopReason stop, const std::string& remark);

}  // namespace carat::cli

#endif  // CARAT_EXAMPLES_CLI_STATISTICS_H_
