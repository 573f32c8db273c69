// The kernels of every instruction set that this machine runs.
#ifndef CARAT_TESTS_KERNELS_AVAILABLE_KERNELS_H_
#define CARAT_TESTS_KERNELS_AVAILABLE_KERNELS_H_

#include <string>
#include <vector>

#include "lib/base/cpu.h"
#include "lib/kernels/kernels.h"

namespace carat::internal {

inline std::vector<const Kernels*> AvailableKernels() {
  std::vector<const Kernels*> all;
  for (const InstructionSet set : AvailableInstructionSets()) {
    // Choosing is what permits the use of tile registers.
    if (!ChooseInstructionSet(set).ok()) continue;
    if (const Kernels* kernels = KernelsFor(set)) all.push_back(kernels);
  }
  return all;
}

inline std::string KernelsName(const Kernels& kernels) {
  return std::string(InstructionSetName(kernels.set));
}

}  // namespace carat::internal

#endif  // CARAT_TESTS_KERNELS_AVAILABLE_KERNELS_H_
