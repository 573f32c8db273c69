// What turns text into ids: one implementation per kind of file.
#ifndef CARAT_LIB_TOKENIZER_TEXT_ENCODER_H_
#define CARAT_LIB_TOKENIZER_TEXT_ENCODER_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "carat/status.h"

namespace carat::internal {

// Immutable; any number of threads may encode at once.
class TextEncoder {
 public:
  TextEncoder() = default;
  virtual ~TextEncoder() = default;
  TextEncoder(const TextEncoder&) = delete;
  TextEncoder& operator=(const TextEncoder&) = delete;

  // Appends the ids of a text that is valid UTF-8 and at most kMaxTextBytes long. With parse_special false no
  // special id comes out, the unknown piece excepted.
  virtual Status Encode(std::string_view text, bool parse_special, std::vector<std::int32_t>* ids) const = 0;

  static constexpr std::size_t kMaxTextBytes = std::size_t{1} << 30;
};

}  // namespace carat::internal

#endif  // CARAT_LIB_TOKENIZER_TEXT_ENCODER_H_
