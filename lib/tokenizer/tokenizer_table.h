// The immutable table behind carat::Tokenizer.
#ifndef CARAT_LIB_TOKENIZER_TOKENIZER_TABLE_H_
#define CARAT_LIB_TOKENIZER_TOKENIZER_TABLE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "carat/status.h"
#include "carat/tokenizer.h"
#include "lib/tokenizer/text_encoder.h"
#include "lib/tokenizer/vocabulary.h"

namespace carat::internal {

class TokenizerTable {
 public:
  // What a file is read into.
  struct Parts {
    std::shared_ptr<const Vocabulary> vocabulary;
    std::vector<bool> special;  // by id
    std::optional<std::int32_t> bos;
    std::unique_ptr<const TextEncoder> encoder;
  };

  explicit TokenizerTable(Parts parts);

  // Tokenizer::Load.
  static Result<std::shared_ptr<const TokenizerTable>> Load(const std::string& path);

  Result<std::vector<std::int32_t>> Encode(std::string_view text, const EncodeOptions& options) const;
  Result<std::string> Decode(std::span<const std::int32_t> ids, const DecodeOptions& options) const;
  // OUT_OF_RANGE for an id that the vocabulary does not hold.
  Status CheckId(std::int32_t id) const;

  const Vocabulary& vocabulary() const { return *parts_.vocabulary; }
  bool IsSpecial(std::int32_t id) const { return parts_.special[static_cast<std::size_t>(id)]; }
  std::optional<std::int32_t> bos() const { return parts_.bos; }

 private:
  Parts parts_;
};

}  // namespace carat::internal

#endif  // CARAT_LIB_TOKENIZER_TOKENIZER_TABLE_H_
