#include "lib/base/cpu.h"

#include <sched.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <optional>
#include <string>
#include <thread>

#include "lib/base/error.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#elif defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

namespace carat {
namespace {

// Best last.
constexpr std::array kSets = {InstructionSet::kPlain,      InstructionSet::kAvx2,
                              InstructionSet::kAvx2Vnni,   InstructionSet::kAvx512,
                              InstructionSet::kAvx512Vnni, InstructionSet::kAvx512Bf16,
                              InstructionSet::kAvx512Amx,  InstructionSet::kNeon,
                              InstructionSet::kNeonDot,    InstructionSet::kNeonI8mm};

std::string SetNames() {
  std::string names = "auto";
  for (const InstructionSet set : kSets)
    names.append(set == kSets.back() ? " or " : ", ").append(InstructionSetName(set));
  return names;
}

#if defined(__x86_64__)
constexpr int kTileData = 18;  // the processor's number of this part of a thread's state
constexpr int kTileConfig = 17;

// Clang 14's __builtin_cpu_supports knows none of these.
bool CpuSupportsF16c() noexcept {
  unsigned a, b, c, d;
  return __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_F16C) != 0;
}

bool CpuSupportsBf16() noexcept {
  unsigned a, b, c, d;
  constexpr unsigned kAvx512Bf16 = 1u << 5;
  return __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0 && (a & kAvx512Bf16) != 0;
}

bool CpuSupportsAvxVnni() noexcept {
  unsigned a, b, c, d;
  constexpr unsigned kAvxVnni = 1u << 4;
  return __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0 && (a & kAvxVnni) != 0;
}

bool CpuSupportsTiles() noexcept {
  unsigned a, b, c, d;
  constexpr unsigned kAmxBf16 = 1u << 22, kAmxTile = 1u << 24, kAmxInt8 = 1u << 25,
                     kNeeded = kAmxBf16 | kAmxTile | kAmxInt8;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0 || (d & kNeeded) != kNeeded) return false;
  // Whether the operating system saves tiles; AVX-512, asked for before, implies that xgetbv may be used.
  unsigned low, high;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  constexpr unsigned kSaved = 1u << kTileConfig | 1u << kTileData;
  if ((low & kSaved) != kSaved) return false;
  constexpr int kGetSupported = 0x1021;  // ARCH_GET_XCOMP_SUPP, since Linux 5.16
  std::uint64_t supported = 0;
  return syscall(SYS_arch_prctl, kGetSupported, &supported) == 0 && (supported >> kTileData & 1) != 0;
}

// Linux gives a process tile registers when it asks. Refused if some thread's alternative signal stack is too
// small for them.
bool PermitTiles() noexcept {
  constexpr int kRequestPermission = 0x1023;  // ARCH_REQ_XCOMP_PERM
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}
#else
bool PermitTiles() noexcept {
  return false;
}
#endif

// What a set needs beyond CpuSupports.
bool Permitted(InstructionSet set) noexcept {
  return set != InstructionSet::kAvx512Amx || PermitTiles();
}

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
    case InstructionSet::kAvx512Amx:
      return "avx512amx";
    case InstructionSet::kNeon:
      return "neon";
    case InstructionSet::kNeonDot:
      return "neondot";
    case InstructionSet::kAvx2Vnni:
      return "avx2vnni";
    case InstructionSet::kNeonI8mm:
      return "neoni8mm";
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
      return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && CpuSupportsF16c();
    case InstructionSet::kAvx2Vnni:
      return CpuSupports(InstructionSet::kAvx2) && CpuSupportsAvxVnni();
    case InstructionSet::kAvx512:
      return CpuSupports(InstructionSet::kAvx2) && __builtin_cpu_supports("avx512f") &&
             __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
             __builtin_cpu_supports("avx512vl");
    case InstructionSet::kAvx512Vnni:
      return CpuSupports(InstructionSet::kAvx512) && __builtin_cpu_supports("avx512vnni");
    case InstructionSet::kAvx512Bf16:
      return CpuSupports(InstructionSet::kAvx512Vnni) && CpuSupportsBf16();
    case InstructionSet::kAvx512Amx: {
      static const bool tiles = CpuSupports(InstructionSet::kAvx512Bf16) && CpuSupportsTiles();
      return tiles;
    }
#elif defined(__aarch64__)
    case InstructionSet::kNeon:
      return true;
    case InstructionSet::kNeonDot:
      return (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0;
    case InstructionSet::kNeonI8mm: {
      constexpr unsigned long kI8mm = 1ul << 13, kBf16 = 1ul << 14;  // of AT_HWCAP2
      return CpuSupports(InstructionSet::kNeonDot) &&
             (getauxval(AT_HWCAP2) & (kI8mm | kBf16)) == (kI8mm | kBf16);
    }
#endif
    default:
      return false;
  }
}

Result<InstructionSet> ChooseInstructionSet(InstructionSet requested) {
  if (requested == InstructionSet::kAuto) {
    const char* name = std::getenv("CARAT_INSTRUCTION_SET");
    if (name == nullptr || *name == '\0' || std::string_view(name) == "auto") {
      return *std::find_if(kSets.rbegin(), kSets.rend(),
                           [](InstructionSet set) { return CpuSupports(set) && Permitted(set); });
    }
    const auto named = std::find_if(kSets.begin(), kSets.end(),
                                    [&](InstructionSet set) { return InstructionSetName(set) == name; });
    if (named == kSets.end()) {
      return InvalidArgument("CARAT_INSTRUCTION_SET is '%s', but must be %s", name, SetNames());
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
  if (!Permitted(requested)) {
    return Unimplemented(
        "the operating system does not let this process use the registers of the %s kernels; they need "
        "larger alternative signal stacks than some thread has",
        std::string(InstructionSetName(requested)));
  }
  return requested;
}

Result<std::optional<std::int64_t>> StreamPrefetchSetting(std::int64_t requested, std::int64_t most) {
  using Setting = std::optional<std::int64_t>;
  if (requested == -1) return Setting(0);
  if (requested > 0 && requested <= most) return Setting(requested);
  if (requested != 0) {
    return InvalidArgument(
        "stream_prefetch_bytes is %d, but must be 0 (measure), -1 (do not prefetch) or 1 .. %d", requested,
        most);
  }
  const char* value = std::getenv("CARAT_STREAM_PREFETCH");
  const std::string_view text = value == nullptr ? "" : value;
  if (text.empty() || text == "auto") return Setting();
  if (text == "off") return Setting(0);
  std::int64_t bytes = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), bytes);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size() || bytes < 1 || bytes > most) {
    return InvalidArgument("CARAT_STREAM_PREFETCH is '%s', but must be auto, off or 1 .. %d bytes",
                           std::string(text), most);
  }
  return Setting(bytes);
}

std::int64_t DefaultStreamPrefetchBytes() noexcept {
#if defined(__x86_64__)
  unsigned highest, b, c, d;
  if (__get_cpuid(0, &highest, &b, &c, &d) != 0 && b == signature_AMD_ebx) {
    unsigned a;
    if (__get_cpuid(1, &a, &b, &c, &d) == 0) return 0;
    const unsigned family = ((a >> 8) & 15) + ((a >> 20) & 255);
    const unsigned model = ((a >> 4) & 15) | ((a >> 12) & 0xf0);
    const bool zen3 = family == 0x19 && (model < 0x10 || (model >= 0x20 && model < 0x60));
    return zen3 ? 2048 : 0;
  }
#endif
  return 4096;
}

int AvailableProcessors() noexcept {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

}  // namespace internal
}  // namespace carat
