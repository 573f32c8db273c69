#include <algorithm>
#include <array>

#include "lib/base/error.h"
#include "lib/quant/block_formats.h"
#include "lib/weights/checkpoint.h"

namespace carat::internal {

Result<const TensorEntry*> DecodedTensors::Get(const TensorEntry& tensor) {
  constexpr std::int64_t kPortion = 4096;  // a multiple of every format's block
  const std::lock_guard<std::mutex> lock(mutex_);
  if (const auto found = decoded_.find(tensor.name); found != decoded_.end()) return &found->second.entry;
  const std::int64_t count = tensor.values();
  Decoded decoded;
  CARAT_ASSIGN_OR_RETURN(decoded.values, AlignedBuffer<std::uint16_t>::Allocate(
                                             static_cast<std::uint64_t>(count), "a decoded tensor"));
  std::array<float, kPortion> floats;
  for (std::int64_t first = 0; first < count; first += kPortion) {
    const std::int64_t size = std::min(kPortion, count - first);
    DecodeBlocks(tensor.format, tensor.data + BytesOf(tensor.format, first), size, floats.data());
    std::transform(floats.begin(), floats.begin() + size, decoded.values.data() + first,
                   [](float value) { return FloatToBFloat16(value); });
  }
  decoded.entry = tensor;
  decoded.entry.format = NumberFormat::kBF16;
  decoded.entry.data = reinterpret_cast<const std::byte*>(decoded.values.data());
  decoded.entry.bytes = decoded.values.size() * sizeof(std::uint16_t);
  return &decoded_.emplace(tensor.name, std::move(decoded)).first->second.entry;
}

}  // namespace carat::internal
