// carat/instruction_set.h: the instruction sets that kernels are written for.
//
//   carat::ModelOptions options;
//   options.instruction_set = carat::InstructionSet::kAvx2;  // rather than the best of this machine
//
// carat/model.h includes it. Since 0.1.
#ifndef CARAT_INSTRUCTION_SET_H_
#define CARAT_INSTRUCTION_SET_H_

#include <cstdint>

namespace carat {

// Which vector instructions the kernels use. Since 0.1.
enum class InstructionSet : std::int32_t {
  kAuto = 0,        // the best that this machine has
  kPlain = 1,       // plain C++, on every machine; slow, the one the others are tested against
  kAvx2 = 2,        // x86-64 with AVX2, FMA and F16C
  kAvx512 = 3,      // x86-64 with AVX-512 F, BW, DQ and VL
  kAvx512Vnni = 4,  // the same with VNNI: integer dot products
  kAvx512Bf16 = 5,  // the same with VNNI and BF16
  kAvx512Amx = 6,  // the same with AMX tiles of int8 and bf16. Choosing it, kAuto included, asks Linux to let
                   // this process use tile registers; where it refuses, kAuto takes the next best
  kNeon = 7,       // 64-bit ARM, every one
  kNeonDot = 8,    // the same with integer dot products (ARMv8.2 dotprod)
  kAvx2Vnni = 9,   // x86-64 with AVX2 and AVX-VNNI: integer dot products in 256 bits
  kNeonI8mm = 10,  // 64-bit ARM with matrix products of int8 and bf16 (ARMv8.6 i8mm and bf16)
};

// The enumerator with the largest number. Since 0.1.
inline constexpr InstructionSet kLastInstructionSet = InstructionSet::kNeonI8mm;

}  // namespace carat

#endif  // CARAT_INSTRUCTION_SET_H_
