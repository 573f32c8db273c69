// Sets of tokens, one bit a token, and what they leave of a list of candidates.
#ifndef CARAT_LIB_SAMPLING_TOKEN_BITS_H_
#define CARAT_LIB_SAMPLING_TOKEN_BITS_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "carat/sampler.h"

namespace carat::internal {

// Bit i % 64 of word i / 64 is token i.
using TokenBits = std::vector<std::uint64_t>;

inline void SetBit(TokenBits& bits, std::int32_t token) {
  bits[static_cast<std::size_t>(token) / 64] |= std::uint64_t{1} << (token % 64);
}
inline void ClearBit(TokenBits& bits, std::int32_t token) {
  bits[static_cast<std::size_t>(token) / 64] &= ~(std::uint64_t{1} << (token % 64));
}

// Drops all candidates that are not in the set. The order stays.
void KeepTokens(CandidateList& candidates, std::span<const std::uint64_t> bits) noexcept;

// Drops these few, or gives them a logit of -infinity.
void ForbidTokens(CandidateList& candidates, std::span<const std::int32_t> tokens) noexcept;

}  // namespace carat::internal

#endif  // CARAT_LIB_SAMPLING_TOKEN_BITS_H_
