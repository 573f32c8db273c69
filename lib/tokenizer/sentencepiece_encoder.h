// The engine for tokenizer.model: sentencepiece. This header and its .cc see nothing of abseil, because
// sentencepiece's header declares an absl::string_view of its own.
#ifndef CARAT_LIB_TOKENIZER_SENTENCEPIECE_ENCODER_H_
#define CARAT_LIB_TOKENIZER_SENTENCEPIECE_ENCODER_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "carat/status.h"
#include "lib/tokenizer/added_tokens.h"
#include "lib/tokenizer/text_encoder.h"

namespace sentencepiece {
class SentencePieceProcessor;
}

namespace carat::internal {

class SentencePieceEncoder final : public TextEncoder {
 public:
  // `model` is a serialized model that SerializeModelProto made of checked fields. `special` are its control
  // pieces, which sentencepiece itself does not find in text. Errors: DATA_LOSS.
  static Result<std::unique_ptr<const SentencePieceEncoder>> Create(std::string_view model,
                                                                    std::vector<AddedToken> special,
                                                                    const std::string& source);
  ~SentencePieceEncoder() override;

  Status Encode(std::string_view text, bool parse_special, std::vector<std::int32_t>* ids) const override;

 private:
  SentencePieceEncoder(std::unique_ptr<const sentencepiece::SentencePieceProcessor> processor,
                       std::vector<AddedToken> special);

  std::unique_ptr<const sentencepiece::SentencePieceProcessor> processor_;
  AddedTokenFinder special_;
};

}  // namespace carat::internal

#endif  // CARAT_LIB_TOKENIZER_SENTENCEPIECE_ENCODER_H_
