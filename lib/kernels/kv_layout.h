// How a page of the cache lays out keys and values of one head, so that attention reads both in the order in
// which it needs them: for one element of the head the keys of all positions stand side by side, and for one
// position the elements of its value. But in float32, two elements of a key, and two positions' values, stand
// together, as dot products of pairs want them.
//
//   keys    float32 [head_dim, positions]        bf16, int16, int8 [head_dim / 2, positions, 2]
//   values  float32 [positions, head_dim]        bf16, int16, int8 [positions / 2, head_dim, 2]
//
// Integers have scales, in float32: of keys [KeyBlocks, positions] (integer_attention.h), of values
// [positions].
#ifndef CARAT_LIB_KERNELS_KV_LAYOUT_H_
#define CARAT_LIB_KERNELS_KV_LAYOUT_H_

#include <cstddef>
#include <cstdint>

#include "lib/kernels/kernel_table.h"

namespace carat::internal {

// Where element d of position k is, counted in numbers of the format. But with float32, `positions` and the
// head's size are even.
inline std::size_t KeyIndex(KvFormat format, std::int64_t positions, std::int64_t k, std::int64_t d) {
  const std::int64_t index =
      format == KvFormat::kF32 ? d * positions + k : (d / 2 * positions + k) * 2 + d % 2;
  return static_cast<std::size_t>(index);
}
inline std::size_t ValueIndex(KvFormat format, std::int64_t head_dim, std::int64_t k, std::int64_t d) {
  const std::int64_t index = format == KvFormat::kF32 ? k * head_dim + d : (k / 2 * head_dim + d) * 2 + k % 2;
  return static_cast<std::size_t>(index);
}

}  // namespace carat::internal

#endif  // CARAT_LIB_KERNELS_KV_LAYOUT_H_
