// What the processor can do, asked at run time.
#ifndef CARAT_LIB_BASE_CPU_H_
#define CARAT_LIB_BASE_CPU_H_

#include <cstdint>
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

// How far ahead loops that stream memory should prefetch, in bytes; 0: not at all. Measured: one stream a
// processor reads a fifth faster with it on Intel's, and a fifth slower on AMD's Zen 4, whose own prefetching
// it disturbs.
std::int64_t StreamPrefetchBytes() noexcept;

// How many processors this process may run on, at least 1.
int AvailableProcessors() noexcept;

}  // namespace carat::internal

#endif  // CARAT_LIB_BASE_CPU_H_
