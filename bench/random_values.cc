#include "bench/random_values.h"

#include <algorithm>

#include "lib/base/error.h"
#include "lib/base/tensor.h"

namespace carat::bench {
namespace {

// Prime, so that no power of two of rows lines up with it.
constexpr std::uint64_t kTable = 1048573;
constexpr std::uint64_t kLongestPiece = 131072;
constexpr std::uint64_t kShortestPiece = 65536;

}  // namespace

RandomValues::RandomValues(std::uint64_t seed)
    : random_(seed), uniform_(kTable), normal_(kTable), scaled_(kTable) {
  std::uniform_real_distribution<float> uniform(0.0f, 1.0f);
  std::normal_distribution<float> normal(0.0f, 1.0f);
  for (float& value : uniform_) value = uniform(random_);
  for (float& value : normal_) value = normal(random_);
}

void RandomValues::Fill(const Distribution& values, std::uint64_t size) {
  const bool is_normal = values.kind == Distribution::Kind::kNormal;
  const std::vector<float>& source = is_normal ? normal_ : uniform_;
  const auto scale = static_cast<float>(is_normal ? values.deviation : values.high - values.low);
  const auto shift = static_cast<float>(values.low);
  // A small tensor takes another part of the table each time.
  const std::uint64_t first = random_() % kTable;
  for (std::uint64_t i = 0; i < size; ++i) {
    scaled_[i] = internal::FloatToBFloat16(shift + scale * source[(first + i) % kTable]);
  }
}

Status RandomValues::Generate(const Distribution& values, std::uint64_t count,
                              const std::function<Status(std::span<const std::uint16_t>)>& write) {
  const std::uint64_t size = std::min(count, kTable);
  Fill(values, size);
  if (count <= kTable) return write({scaled_.data(), count});
  while (count > 0) {
    const std::uint64_t wanted = kShortestPiece + random_() % (kLongestPiece - kShortestPiece);
    const std::uint64_t piece = std::min(count, wanted);
    CARAT_RETURN_IF_ERROR(write({scaled_.data() + random_() % (kTable - piece), piece}));
    count -= piece;
  }
  return {};
}

}  // namespace carat::bench
