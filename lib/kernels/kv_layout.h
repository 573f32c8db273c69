// How a page of the KV cache lays out the keys and values of one head. Attention reads both in the order in
// which it needs them: for one element of the head, the keys of all positions stand side by side; for one
// position, the elements of its value do. In every format except float32, two elements of a key, and the
// values of two positions, are interleaved in pairs, as pairwise dot-product instructions require.
//
//   keys    float32 [head_dim, positions]        bf16, int16, int8 [head_dim / 2, positions, 2]
//   values  float32 [positions, head_dim]        bf16, int16, int8 [positions / 2, head_dim, 2]
//
// Integers have scales in float32: of keys [key blocks, positions], of values [positions]. A key of 16 bits
// is one block. In 8 bits, each 32 elements are a block: some elements of keys are much larger than others,
// and a common scale would cost the others their precision.
#ifndef CARAT_LIB_KERNELS_KV_LAYOUT_H_
#define CARAT_LIB_KERNELS_KV_LAYOUT_H_

#include <cstddef>
#include <cstdint>

namespace carat::internal {

// The number formats of keys and values.
enum class KvFormat : std::uint8_t { kF32, kBF16, kInt16, kInt8 };
inline constexpr int kKvFormats = 4;

// Positions in a page of the cache.
inline constexpr std::int64_t kPagePositions = 64;

// Elements of an 8-bit key that share a scale.
inline constexpr std::int64_t kByteKeyBlock = 32;

// What one position of one head takes. The functions of this file are static so that files compiled for an
// instruction set keep their copies to themselves.
struct KvSizes {
  std::int64_t number_bytes;  // of an element of a key or a value
  std::int64_t key_scales;    // float32 scales of a key
  std::int64_t value_scales;  // float32 scales of a value
};
[[maybe_unused]] static constexpr KvSizes KvSizesOf(KvFormat format, std::int64_t head_dim) {
  switch (format) {
    case KvFormat::kF32:
      return {4, 0, 0};
    case KvFormat::kBF16:
      return {2, 0, 0};
    case KvFormat::kInt16:
      return {2, 1, 1};
    case KvFormat::kInt8:
      return {1, (head_dim + kByteKeyBlock - 1) / kByteKeyBlock, 1};
  }
  return {4, 0, 0};
}

// Where element d of position k is, counted in numbers of the format. For every format except float32,
// head_dim must be even.
[[maybe_unused]] static inline std::int64_t KeyIndex(KvFormat format, std::int64_t k, std::int64_t d) {
  return format == KvFormat::kF32 ? d * kPagePositions + k : (d / 2 * kPagePositions + k) * 2 + d % 2;
}
[[maybe_unused]] static inline std::int64_t ValueIndex(KvFormat format, std::int64_t head_dim, std::int64_t k,
                                                       std::int64_t d) {
  return format == KvFormat::kF32 ? k * head_dim + d : (k / 2 * head_dim + d) * 2 + k % 2;
}

// The keys and values of one head in one page.
struct KvPlanes {
  std::byte* keys;
  std::byte* values;
  float* key_scales;  // of formats that have any
  float* value_scales;
};

}  // namespace carat::internal

#endif  // CARAT_LIB_KERNELS_KV_LAYOUT_H_
