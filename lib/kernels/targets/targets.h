// The one list of instruction sets, and the kernels that a target lends to others.
#ifndef CARAT_LIB_KERNELS_TARGETS_TARGETS_H_
#define CARAT_LIB_KERNELS_TARGETS_TARGETS_H_

#include "lib/kernels/kernels.h"

// Best first. X(Name) is InstructionSet::kName, whose target defines kNameKernels.
#if defined(__x86_64__)
#define CARAT_TARGETS(X) X(Avx512Amx) X(Avx512Bf16) X(Avx512Vnni) X(Avx512) X(Avx2Vnni) X(Avx2)
#elif defined(__aarch64__)
#define CARAT_TARGETS(X) X(NeonI8mm) X(NeonDot) X(Neon)
#else
#define CARAT_TARGETS(X)
#endif

namespace carat::internal {

#define CARAT_DECLARE(name) extern const Kernels k##name##Kernels;
CARAT_TARGETS(CARAT_DECLARE)
#undef CARAT_DECLARE

extern const ElementwiseKernels kAvx2Elementwise;
extern const GemvKernels kAvx2Gemv;
extern const Int8Gemm kAvx2Int8;
extern const Int16Gemm kAvx2Int16;
extern const ElementwiseKernels kAvx512Elementwise;
extern const GemvKernels kAvx512Gemv;
extern const Int8Gemm kAvx512VnniInt8;
extern const KvCodecs kAvx512Bf16KvCodecs;
extern const ElementwiseKernels kNeonElementwise;
extern const GemvKernels kNeonGemv;
extern const KvCodecs kNeonKvCodecs;

}  // namespace carat::internal

#endif  // CARAT_LIB_KERNELS_TARGETS_TARGETS_H_
