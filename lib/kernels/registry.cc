// The list of instruction sets. A new one is an enumerator of carat/instruction_set.h and capi/carat.h, its
// detection in lib/base/cpu.cc, a file in targets/, and a name in the list of
// targets/targets.h.
#include <cstring>

#include "lib/kernels/targets/targets.h"
#include "lib/quant/block_formats.h"

namespace carat::internal {

namespace {

#define CARAT_ADDRESS(name) &k##name##Kernels,
constexpr const Kernels* kAll[] = {CARAT_TARGETS(CARAT_ADDRESS) & kPlainKernels};
#undef CARAT_ADDRESS

}  // namespace

constexpr Kernels kPlainKernels = {.set = InstructionSet::kPlain,
                                   .elementwise = kReferenceElementwise,
                                   .kv = kReferenceKvCodecs,
                                   .gemv = kReferenceGemv,
                                   .int8 = kReferenceInt8Gemm,
                                   .bf16 = nullptr,
                                   .int16 = nullptr};

const Kernels* KernelsFor(InstructionSet set) {
  for (const Kernels* kernels : kAll) {
    if (kernels->set == set) return kernels;
  }
  return nullptr;
}

void RowToF32(const Kernels& kernels, const std::byte* from, NumberFormat format, float* to, std::int64_t n) {
  switch (format) {
    case NumberFormat::kF32:
      std::memcpy(to, from, static_cast<std::size_t>(n) * sizeof(float));
      return;
    case NumberFormat::kF16:
      kernels.elementwise.f16_to_f32(from, to, n);
      return;
    case NumberFormat::kBF16:
      kernels.elementwise.bf16_to_f32(from, to, n);
      return;
    default:
      DecodeBlocks(format, from, n, to);
      return;
  }
}

}  // namespace carat::internal
