#include "lib/base/cpu.h"

#include <sched.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>
#include <thread>

#include "lib/base/error.h"

namespace carat {
namespace {

constexpr std::array kSets = {InstructionSet::kPlain, InstructionSet::kAvx2, InstructionSet::kAvx512,
                              InstructionSet::kAvx512Vnni, InstructionSet::kAvx512Bf16};

}  // namespace

std::string_view InstructionSetName(InstructionSet set) noexcept {
  switch (set) {
    case InstructionSet::kAuto:
      return "auto";
    case InstructionSet::kPlain:
      return "plain";
    case InstructionSet::kAvx2:
      return "avx2";
    case InstructionSet::kAvx512:
      return "avx512";
    case InstructionSet::kAvx512Vnni:
      return "avx512vnni";
    case InstructionSet::kAvx512Bf16:
      return "avx512bf16";
  }
  return "unknown";
}

std::vector<InstructionSet> AvailableInstructionSets() noexcept {
  std::vector<InstructionSet> available;
  std::copy_if(kSets.begin(), kSets.end(), std::back_inserter(available), internal::CpuSupports);
  return available;
}

namespace internal {

bool CpuSupports(InstructionSet set) noexcept {
  switch (set) {
    case InstructionSet::kAuto:
    case InstructionSet::kPlain:
      return true;
#if defined(__x86_64__)
    case InstructionSet::kAvx2:
      return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
             __builtin_cpu_supports("f16c");
    case InstructionSet::kAvx512:
      return CpuSupports(InstructionSet::kAvx2) && __builtin_cpu_supports("avx512f") &&
             __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
             __builtin_cpu_supports("avx512vl");
    case InstructionSet::kAvx512Vnni:
      return CpuSupports(InstructionSet::kAvx512) && __builtin_cpu_supports("avx512vnni");
    case InstructionSet::kAvx512Bf16:
      return CpuSupports(InstructionSet::kAvx512Vnni) && __builtin_cpu_supports("avx512bf16");
#else
    case InstructionSet::kAvx2:
    case InstructionSet::kAvx512:
    case InstructionSet::kAvx512Vnni:
    case InstructionSet::kAvx512Bf16:
      return false;
#endif
  }
  return false;
}

Result<InstructionSet> ChooseInstructionSet(InstructionSet requested) {
  if (requested == InstructionSet::kAuto) {
    const char* name = std::getenv("CARAT_INSTRUCTION_SET");
    if (name == nullptr || *name == '\0' || std::string_view(name) == "auto") {
      return *std::find_if(kSets.rbegin(), kSets.rend(), CpuSupports);
    }
    const auto named = std::find_if(kSets.begin(), kSets.end(),
                                    [&](InstructionSet set) { return InstructionSetName(set) == name; });
    if (named == kSets.end()) {
      return InvalidArgument(
          "CARAT_INSTRUCTION_SET is '%s', but must be auto, plain, avx2, avx512, avx512vnni or avx512bf16",
          name);
    }
    requested = *named;
  }
  if (std::find(kSets.begin(), kSets.end(), requested) == kSets.end()) {
    return InvalidArgument("instruction_set is %d, which is none of the enumeration",
                           static_cast<int>(requested));
  }
  if (!CpuSupports(requested)) {
    return Unimplemented("this machine cannot run the %s kernels",
                         std::string(InstructionSetName(requested)));
  }
  return requested;
}

int AvailableProcessors() noexcept {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

}  // namespace internal
}  // namespace carat
