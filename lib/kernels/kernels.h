// Everything that one instruction set computes, as one struct, and the list of those structs.
#ifndef CARAT_LIB_KERNELS_KERNELS_H_
#define CARAT_LIB_KERNELS_KERNELS_H_

#include "carat/instruction_set.h"
#include "lib/kernels/attention.h"
#include "lib/kernels/elementwise.h"
#include "lib/kernels/gemm/gemm.h"

namespace carat::internal {

// References and pointers may be to another set's kernels, where this set has none of its own.
struct Kernels {
  InstructionSet set;
  const ElementwiseKernels& elementwise;
  const KvCodecs& kv;
  const GemvKernels& gemv;
  const Int8Gemm& int8;
  const GemmKernels* bf16;  // null: float32 is no slower
  const Int16Gemm* int16;   // null: float32 or bf16 is as fast
};

// The reference of all others: plain loops.
extern const Kernels kPlainKernels;

// The kernels of `set`; null if this build has none. Calling them needs a processor that CpuSupports `set`,
// and ChooseInstructionSet to have returned it.
const Kernels* KernelsFor(InstructionSet set);

// n values of one row of any format as float32. `values` of a block format are a multiple of its block.
void RowToF32(const Kernels& kernels, const std::byte* from, NumberFormat format, float* to, std::int64_t n);

}  // namespace carat::internal

#endif  // CARAT_LIB_KERNELS_KERNELS_H_
