// Products in bf16 with AMX tiles.
#include "lib/kernels/bf16_kernels.h"
#include "lib/kernels/tile_config.h"

#if defined(__AMX_BF16__)

namespace carat::internal {
namespace {

#include "lib/kernels/amx_tiles.inc.h"

// Tiles take the layout of dot products of pairs.
void Pack(const std::byte* w, std::int64_t w_stride, std::int64_t outputs, std::int64_t cols, bool transposed,
          std::byte* packed) {
  Avx512Bf16Kernels()->pack(w, w_stride, outputs, cols, transposed, packed);
}

#include "lib/kernels/bf16_tiles.inc.h"

}  // namespace

const Bf16Kernels* AmxBf16Kernels() {
  return Avx512Bf16Kernels() != nullptr ? &kTable : nullptr;
}

}  // namespace carat::internal

#else

namespace carat::internal {
const Bf16Kernels* AmxBf16Kernels() {
  return nullptr;
}
}  // namespace carat::internal

#endif
