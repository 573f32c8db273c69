// Parts of a prompt to ids.
#ifndef CARAT_LIB_CHAT_ENCODE_H_
#define CARAT_LIB_CHAT_ENCODE_H_

#include <cstdint>
#include <span>
#include <vector>

#include "carat/tokenizer.h"
#include "lib/chat/control_tokens.h"
#include "lib/chat/prompt_parts.h"

namespace carat::internal {

class PartEncoder {
 public:
  PartEncoder(const Tokenizer& tokenizer, bool parse_special)
      : tokenizer_(tokenizer), parse_special_(parse_special), plain_(tokenizer) {}

  // Appends a part's ids: one placeholder for media.
  Status Append(const PromptPart& part, std::vector<std::int32_t>* ids) const;

 private:
  const Tokenizer& tokenizer_;
  bool parse_special_;
  PlainTextEncoder plain_;
};

}  // namespace carat::internal

#endif  // CARAT_LIB_CHAT_ENCODE_H_
