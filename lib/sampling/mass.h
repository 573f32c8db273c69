// Probabilities before they are divided by their sum: the mass of a candidate is e^(logit - highest logit).
// Float64, summed in a fixed order.
#ifndef CARAT_LIB_SAMPLING_MASS_H_
#define CARAT_LIB_SAMPLING_MASS_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "carat/sampler.h"
#include "lib/sampling/exponential.h"

namespace carat::internal {

// Long lists are looked at in blocks.
inline constexpr std::size_t kMassBlock = 256;
using MassBlock = std::array<double, kMassBlock>;

inline std::size_t MassBlocks(std::span<const Candidate> items) noexcept {
  return (items.size() + kMassBlock - 1) / kMassBlock;
}

inline std::span<const Candidate> BlockAt(std::span<const Candidate> items, std::size_t block) noexcept {
  const std::size_t begin = block * kMassBlock;
  return items.subspan(begin, std::min(kMassBlock, items.size() - begin));
}

// logit - highest; never infinite.
inline double ExponentOf(const Candidate& candidate, float highest) noexcept {
  return ClampExponent(static_cast<double>(candidate.logit) - highest);
}

inline double MassOf(const Candidate& candidate, float highest) noexcept {
  return ExpOfClamped(ExponentOf(candidate, highest));
}

// The same of one block.
void ComputeExponents(std::span<const Candidate> block, float highest, MassBlock& exponents) noexcept;
void ComputeMasses(std::span<const Candidate> block, float highest, MassBlock& masses) noexcept;

// The sum of a block's first `count` values.
double SumBlock(const MassBlock& values, std::size_t count) noexcept;

// The sum of all masses.
double TotalMass(std::span<const Candidate> items, float highest) noexcept;

// Finds how far along an order of candidates one has to go for a share of the mass. Linear: the list is
// neither sorted nor changed. The object keeps its memory from call to call.
//
// An Order says how far from the front a candidate stands: as a distance(candidate), at least 0 or NaN for
// last, and exactly, as a key(candidate), a std::uint64_t that does not fall where the distance grows.
class MassCut {
 public:
  // The key up to which candidates have at least the share p of all mass together, and are at least one.
  template <typename Order>
  std::uint64_t Find(std::span<const Candidate> items, float highest, double p, const Order& order) {
    Histogram histogram;
    MassBlock masses;
    SlotBlock slots;
    for (std::size_t i = 0; i < MassBlocks(items); ++i) {
      const auto block = BlockAt(items, i);
      ComputeMasses(block, highest, masses);
      ComputeSlots(block, order, slots);
      for (std::size_t j = 0; j < block.size(); ++j) histogram.Add(slots[j], masses[j]);
    }
    const double target = p * histogram.Total();
    double before = 0;
    const std::uint32_t boundary = histogram.SlotReaching(target, before);
    // The one slot in which the cut lies is looked at exactly.
    boundary_.clear();
    boundary_.reserve(items.size());
    for (std::size_t i = 0; i < MassBlocks(items); ++i) {
      const auto block = BlockAt(items, i);
      ComputeSlots(block, order, slots);
      for (std::size_t j = 0; j < block.size(); ++j) {
        if (slots[j] != boundary) continue;
        boundary_.push_back({order.key(block[j]), MassOf(block[j], highest)});
      }
    }
    return FindInBoundary(target, before);
  }

 private:
  static constexpr int kSlotBits = 11;
  static constexpr std::uint32_t kSlots = std::uint32_t{1} << kSlotBits;
  using SlotBlock = std::array<std::uint32_t, kMassBlock>;

  // Masses and numbers of candidates by slot.
  struct Histogram {
    void Add(std::uint32_t slot, double value) noexcept {
      mass[slot] += value;
      ++count[slot];
    }
    double Total() const noexcept;
    // The first slot in use at which the masses, added to `before`, reach the target; what is in front of it
    // goes to `before`. Where rounding keeps them from it, the last in use.
    std::uint32_t SlotReaching(double target, double& before) const noexcept;

    std::array<double, kSlots> mass{};
    std::array<std::uint32_t, kSlots> count{};
  };

  struct Entry {
    std::uint64_t key;
    double mass;
  };

  // 64 slots for each factor of e, the last for all that is beyond 32 of them.
  template <typename Order>
  static void ComputeSlots(std::span<const Candidate> block, const Order& order, SlotBlock& slots) noexcept {
    constexpr double kLast = kSlots - 1;
    for (std::size_t j = 0; j < block.size(); ++j) {
      const double slot = order.distance(block[j]) * 64;
      slots[j] = static_cast<std::uint32_t>(static_cast<std::int32_t>(slot < kLast ? slot : kLast));
    }
  }

  std::uint64_t FindInBoundary(double target, double before) noexcept;

  std::vector<Entry> boundary_;
};

}  // namespace carat::internal

#endif  // CARAT_LIB_SAMPLING_MASS_H_
