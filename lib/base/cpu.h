// What the processor can do, asked at run time.
#ifndef CARAT_LIB_BASE_CPU_H_
#define CARAT_LIB_BASE_CPU_H_

#include <cstdint>
#include <optional>
#include <string_view>

#include "carat/model.h"

namespace carat::internal {

// Whether this machine and its operating system run the set. Does not request AMX permission from Linux;
// ChooseInstructionSet does.
bool CpuSupports(InstructionSet set) noexcept;

// The set to use for a request. kAuto is the environment's CARAT_INSTRUCTION_SET, or else the best there is.
// For kAvx512Amx it asks the operating system for this process's tile registers, without which their first
// use is fatal. Errors: UNIMPLEMENTED for one that the machine lacks or the system refuses, INVALID_ARGUMENT
// for an unknown name in the environment.
Result<InstructionSet> ChooseInstructionSet(InstructionSet requested);

// The distance, in bytes, that loops which stream memory should prefetch ahead, as a host set it:
// `requested`, or if that is 0 the environment's CARAT_STREAM_PREFETCH. -1 and "off": a distance of 0, no
// prefetching. Absent if neither says. Errors: INVALID_ARGUMENT for anything else that is not in 1 .. `most`.
Result<std::optional<std::int64_t>> StreamPrefetchSetting(std::int64_t requested, std::int64_t most);

// The distance where nothing can be measured, by processor family: 4096, except that AMD's processors read
// faster without (Zen 4: a fifth) or with 2048 (Zen 3: a third).
std::int64_t DefaultStreamPrefetchBytes() noexcept;

// How many processors this process may run on, at least 1.
int AvailableProcessors() noexcept;

}  // namespace carat::internal

#endif  // CARAT_LIB_BASE_CPU_H_
