// What the processor can do, asked at run time.
#ifndef CARAT_LIB_BASE_CPU_H_
#define CARAT_LIB_BASE_CPU_H_

#include <string_view>

#include "carat/model.h"

namespace carat::internal {

// Whether this machine and its operating system run the set.
bool CpuSupports(InstructionSet set) noexcept;

// The set to use for a request. kAuto is the environment's CARAT_INSTRUCTION_SET, or else the best there is.
// Errors: UNIMPLEMENTED for one that the machine lacks, INVALID_ARGUMENT for an unknown name in the
// environment.
Result<InstructionSet> ChooseInstructionSet(InstructionSet requested);

// How many processors this process may run on, at least 1.
int AvailableProcessors() noexcept;

}  // namespace carat::internal

#endif  // CARAT_LIB_BASE_CPU_H_
