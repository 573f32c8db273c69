// carat/tokenizer.h: text to token ids and back.
//
//   carat::Tokenizer tokenizer = model.tokenizer();
//   carat::Result<std::vector<std::int32_t>> ids = tokenizer.Encode("Hello <eos>");
//   // the user's "<eos>" is five characters, not the token: see EncodeOptions::parse_special
//   carat::Result<std::string> text = tokenizer.Decode(*ids);
//
// A Tokenizer is a light handle to an immutable table: copying it is cheap, and any number of threads may use
// one at the same time. It keeps what it needs alive. Ids are int32, 0 .. vocabulary_size()-1. Text is UTF-8;
// a byte of the input that is no UTF-8 is read as U+FFFD.
//
// Since 0.1.
#ifndef CARAT_TOKENIZER_H_
#define CARAT_TOKENIZER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "carat/export.h"
#include "carat/status.h"

namespace carat {

namespace internal {
class TokenizerTable;
}

// How Encode reads a text. Since 0.1.
struct EncodeOptions {
  // false: "<turn|>" in the text is seven characters, so text from a user can never smuggle a control token
  // in. true: control tokens and other added tokens in the text become their ids, as the reference does.
  bool parse_special = false;
  // Put <bos> in front unless the text already begins with it.
  bool add_bos = false;
};

// How Decode writes a text. Since 0.1.
struct DecodeOptions {
  // Leave control tokens (<bos>, <turn|>, ...) out of the text.
  bool skip_special = false;
};

// Since 0.1.
class CARAT_EXPORT Tokenizer {
 public:
  // Opens tokenizer.json or tokenizer.model: a file of that name, or a folder that holds one of them
  // (tokenizer.json first). Errors: NOT_FOUND; DATA_LOSS for a file that is cut short or malformed;
  // UNIMPLEMENTED for a tokenizer whose pipeline is not Gemma's, naming the part that differs.
  static Result<Tokenizer> Load(std::string_view path) noexcept;

  // Text to ids. Time and memory are linear in the text. Errors: RESOURCE_EXHAUSTED.
  Result<std::vector<std::int32_t>> Encode(std::string_view text,
                                           const EncodeOptions& options = {}) const noexcept;

  // Ids to text. Byte pieces that do not form UTF-8 become U+FFFD, as in the reference.
  // Errors: OUT_OF_RANGE for an id outside the vocabulary.
  Result<std::string> Decode(std::span<const std::int32_t> ids,
                             const DecodeOptions& options = {}) const noexcept;

  // The piece of one id as stored ("\u2581the", "<0x0A>", "<bos>"); empty for an id outside the vocabulary.
  // Lives as long as any handle to this tokenizer.
  std::string_view Piece(std::int32_t id) const noexcept;

  // The id whose piece is exactly `piece`, if there is one.
  std::optional<std::int32_t> IdOf(std::string_view piece) const noexcept;

  // Whether the id is a control token (what skip_special leaves out).
  bool IsSpecial(std::int32_t id) const noexcept;

  // The number of ids.
  std::int32_t vocabulary_size() const noexcept;

  // The beginning-of-text id, if the file has one.
  std::optional<std::int32_t> bos() const noexcept;

  // For carat's own use.
  explicit Tokenizer(std::shared_ptr<const internal::TokenizerTable> table) noexcept;
  const internal::TokenizerTable& table() const noexcept { return *table_; }

 private:
  std::shared_ptr<const internal::TokenizerTable> table_;
};

// Turns ids into text one at a time, and never emits part of a character: bytes of a character that is not
// complete are held back until it is. The pieces, put together, are what Decode gives for all the ids at
// once.
//
//   carat::StreamDecoder decoder(tokenizer, {.skip_special = true});
//   for (std::int32_t id : ids) std::cout << *decoder.Next(id);
//   std::cout << decoder.Finish();
//
// Threads: one at a time. Since 0.1.
class CARAT_EXPORT StreamDecoder {
 public:
  explicit StreamDecoder(Tokenizer tokenizer, const DecodeOptions& options = {}) noexcept;

  // The text that this id completes, possibly empty. Errors: OUT_OF_RANGE, and the decoder is as before.
  Result<std::string> Next(std::int32_t id) noexcept;

  // The held bytes, as U+FFFD where they are no character. The decoder is then as new.
  std::string Finish() noexcept;

 private:
  Tokenizer tokenizer_;
  DecodeOptions options_;
  std::string held_;  // the bytes of the byte pieces since the last complete text
};

}  // namespace carat

#endif  // CARAT_TOKENIZER_H_
