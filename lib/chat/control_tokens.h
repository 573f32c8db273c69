// Control tokens by name in a tokenizer, and text that must not become one.
#ifndef CARAT_LIB_CHAT_CONTROL_TOKENS_H_
#define CARAT_LIB_CHAT_CONTROL_TOKENS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "carat/tokenizer.h"

namespace carat::internal {

// The id of a control token by name ("<bos>" is the tokenizer's own, whatever its name). Errors:
// FAILED_PRECONDITION if there is none.
Result<std::int32_t> ControlToken(const Tokenizer& tokenizer, std::string_view name);

// Encodes text so that no control token of chat comes out, whatever it says. Tokenizer files that know
// markers only as user-defined pieces would find them in any text: there the text is cut inside of each.
class PlainTextEncoder {
 public:
  explicit PlainTextEncoder(const Tokenizer& tokenizer);
  Status Encode(std::string_view text, std::vector<std::int32_t>* ids) const;

 private:
  struct Marker {
    std::string text;
    std::int32_t id;
  };
  bool HasMarker(const std::vector<std::int32_t>& ids) const;
  // Where each marker in the text begins, ascending.
  std::vector<std::size_t> FindMarkers(std::string_view text) const;

  const Tokenizer& tokenizer_;
  std::vector<Marker> markers_;
};

}  // namespace carat::internal

#endif  // CARAT_LIB_CHAT_CONTROL_TOKENS_H_
