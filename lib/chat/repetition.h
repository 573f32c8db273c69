// Finds out that a model only repeats itself.
#ifndef CARAT_LIB_CHAT_REPETITION_H_
#define CARAT_LIB_CHAT_REPETITION_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace carat::internal {

class RepetitionFinder {
 public:
  // `length` is how many tokens at the end must be one run over and over, kRepeats times at least; 0: never.
  explicit RepetitionFinder(std::int32_t length);

  // Whether that is so with this token at the end. Time is in length / kRepeats.
  bool Add(std::int32_t token);

  static constexpr std::size_t kRepeats = 4;

 private:
  std::size_t length_;
  std::vector<std::int32_t> latest_;  // a ring of the latest length / kRepeats tokens
  std::size_t count_ = 0;             // tokens so far
  std::vector<std::size_t>
      equal_since_;  // by period - 1: how many tokens in a row equal the one a period before
};

}  // namespace carat::internal

#endif  // CARAT_LIB_CHAT_REPETITION_H_
