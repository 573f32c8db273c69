// Equal things get equal numbers, in the order of their coming; the latest can be forgotten again.
#ifndef CARAT_LIB_SAMPLING_GRAMMAR_INTERNING_H_
#define CARAT_LIB_SAMPLING_GRAMMAR_INTERNING_H_

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <utility>
#include <vector>

namespace carat::internal {

// Thing::Hash() and == decide what is equal.
template <typename Thing>
class Interning {
 public:
  std::uint32_t NumberOf(Thing thing) {
    const std::size_t hash = thing.Hash();
    const auto [begin, end] = by_hash_.equal_range(hash);
    for (auto i = begin; i != end; ++i) {
      if (things_[i->second] == thing) return i->second;
    }
    const auto number = static_cast<std::uint32_t>(things_.size());
    things_.push_back(std::move(thing));
    try {
      by_hash_.emplace(hash, number);
    } catch (...) {
      things_.pop_back();
      throw;
    }
    return number;
  }

  const Thing& operator[](std::uint32_t number) const { return things_[number]; }
  std::size_t size() const { return things_.size(); }

  // Forgets all but the first `size`.
  void Shrink(std::size_t size) {
    while (things_.size() > size) {
      const auto [begin, end] = by_hash_.equal_range(things_.back().Hash());
      for (auto i = begin; i != end; ++i) {
        if (i->second != things_.size() - 1) continue;
        by_hash_.erase(i);
        break;
      }
      things_.pop_back();
    }
  }

 private:
  std::vector<Thing> things_;
  std::unordered_multimap<std::size_t, std::uint32_t> by_hash_;
};

inline std::size_t MixHash(std::size_t hash, std::uint64_t value) {
  return (hash ^ value) * 0x9E3779B97F4A7C15ULL + (hash >> 29);
}

}  // namespace carat::internal

#endif  // CARAT_LIB_SAMPLING_GRAMMAR_INTERNING_H_
