// The pipeline of tokenizer.json: added tokens, normalisation, byte pair encoding.
#ifndef CARAT_LIB_TOKENIZER_BPE_ENCODER_H_
#define CARAT_LIB_TOKENIZER_BPE_ENCODER_H_

#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "lib/tokenizer/added_tokens.h"
#include "lib/tokenizer/bpe.h"
#include "lib/tokenizer/text_encoder.h"
#include "lib/tokenizer/vocabulary.h"

namespace carat::internal {

// What a tokenizer.json says about encoding, checked.
struct BpeSettings {
  BpeOptions bpe;
  bool ignore_merges = false;   // a text between added tokens that is a piece becomes that piece at once
  std::int32_t model_size = 0;  // ids from here on are added tokens that the model does not know
};

class BpeEncoder final : public TextEncoder {
 public:
  // special[id] says whether the id is a control token.
  BpeEncoder(std::shared_ptr<const Vocabulary> vocabulary, const BpeSettings& settings,
             std::span<const MergeRule> rules, const std::vector<AddedToken>& added,
             std::vector<bool> special);

  Status Encode(std::string_view text, bool parse_special, std::vector<std::int32_t>* ids) const override;

 private:
  // The ids of a text without added tokens, normalised.
  void EncodeWithModel(std::string_view text, bool parse_special, std::vector<std::int32_t>* ids) const;

  std::shared_ptr<const Vocabulary> vocabulary_;
  BpeSettings settings_;
  std::vector<bool> special_;
  AddedTokenFinder raw_finder_;         // looks in the text as it comes
  AddedTokenFinder normalized_finder_;  // looks in the normalised text
  BpeModel model_;
  // The model without special pieces, for a file whose model can make them of plain text. None is known, but
  // text from a user must never become a control token whatever the file says.
  std::optional<BpeModel> plain_model_;
};

// The text with every space as U+2581.
std::string NormalizeSpaces(std::string_view text);

}  // namespace carat::internal

#endif  // CARAT_LIB_TOKENIZER_BPE_ENCODER_H_
