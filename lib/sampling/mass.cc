#include "lib/sampling/mass.h"

#include "lib/base/cpu.h"

namespace carat::internal {
namespace {

inline void ExponentiateInPlace(MassBlock& values, std::size_t count) noexcept {
  for (std::size_t i = 0; i < count; ++i) values[i] = ExpOfClamped(values[i]);
}

#if defined(__x86_64__)
// Twice as fast, and the same to the last bit: wider registers, no fused operations.
__attribute__((target("avx2"))) void ExponentiateInPlaceAvx2(MassBlock& values, std::size_t count) noexcept {
  for (std::size_t i = 0; i < count; ++i) values[i] = ExpOfClamped(values[i]);
}
#endif

}  // namespace

void ComputeExponents(std::span<const Candidate> block, float highest, MassBlock& exponents) noexcept {
  for (std::size_t i = 0; i < block.size(); ++i) exponents[i] = ExponentOf(block[i], highest);
}

void ComputeMasses(std::span<const Candidate> block, float highest, MassBlock& masses) noexcept {
  ComputeExponents(block, highest, masses);
#if defined(__x86_64__)
  if (CpuSupports(InstructionSet::kAvx2)) return ExponentiateInPlaceAvx2(masses, block.size());
#endif
  ExponentiateInPlace(masses, block.size());
}

double SumBlock(const MassBlock& values, std::size_t count) noexcept {
  // Several sums side by side, since each addition waits for the one before it; in this order everywhere.
  constexpr std::size_t kLanes = 8;
  std::array<double, kLanes> lanes{};
  std::size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) lanes[lane] += values[i + lane];
  }
  for (; i < count; ++i) lanes[0] += values[i];
  return ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
}

double TotalMass(std::span<const Candidate> items, float highest) noexcept {
  double total = 0;
  MassBlock masses;
  for (std::size_t i = 0; i < MassBlocks(items); ++i) {
    const auto block = BlockAt(items, i);
    ComputeMasses(block, highest, masses);
    total += SumBlock(masses, block.size());
  }
  return total;
}

double MassCut::Histogram::Total() const noexcept {
  double total = 0;
  for (const double value : mass) total += value;
  return total;
}

std::uint32_t MassCut::Histogram::SlotReaching(double target, double& before) const noexcept {
  std::uint32_t last = 0;
  double sum = before;
  for (std::uint32_t slot = 0; slot < kSlots; ++slot) {
    if (count[slot] == 0) continue;
    before = sum;
    last = slot;
    sum += mass[slot];
    if (sum >= target) break;
  }
  return last;
}

std::uint64_t MassCut::FindInBoundary(double target, double before) noexcept {
  // Digit by digit, as a radix sort does it. One entry, or keys that are equal to the last bit, end it.
  int shift = 64;
  while (boundary_.size() > 1 && shift > 0) {
    const int bits = std::min(kSlotBits, shift);
    shift -= bits;
    const auto digit_of = [&](const Entry& entry) {
      return static_cast<std::uint32_t>(entry.key >> shift) & ((std::uint32_t{1} << bits) - 1);
    };
    Histogram histogram;
    for (const Entry& entry : boundary_) histogram.Add(digit_of(entry), entry.mass);
    const std::uint32_t digit = histogram.SlotReaching(target, before);
    std::erase_if(boundary_, [&](const Entry& entry) { return digit_of(entry) != digit; });
  }
  const std::uint64_t key = boundary_.empty() ? ~std::uint64_t{0} : boundary_.front().key;
  boundary_.clear();
  return key;
}

}  // namespace carat::internal
