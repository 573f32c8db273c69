#include "lib/chat/encode.h"

#include "lib/base/error.h"

namespace carat::internal {

Status PartEncoder::Append(const PromptPart& part, std::vector<std::int32_t>* ids) const {
  if (part.kind != PromptPart::Kind::kText) {
    CARAT_ASSIGN_OR_RETURN(const std::int32_t id, ControlToken(tokenizer_, part.text));
    ids->push_back(id);
    return {};
  }
  if (!parse_special_) return plain_.Encode(part.text, ids);
  CARAT_ASSIGN_OR_RETURN(const auto encoded, tokenizer_.Encode(part.text, {.parse_special = true}));
  ids->insert(ids->end(), encoded.begin(), encoded.end());
  return {};
}

}  // namespace carat::internal
