#include <utility>

#include "carat/tokenizer.h"
#include "lib/base/guard.h"
#include "lib/tokenizer/decoding.h"
#include "lib/tokenizer/tokenizer_table.h"

namespace carat {

StreamDecoder::StreamDecoder(Tokenizer tokenizer, const DecodeOptions& options) noexcept
    : tokenizer_(std::move(tokenizer)), options_(options) {}

// A run of byte pieces is held until it ends, even where its first characters are complete: one bad byte
// later on would make all of it U+FFFD, because that is how the reference decodes a run.
Result<std::string> StreamDecoder::Next(std::int32_t id) noexcept {
  return internal::Guard([&]() -> Result<std::string> {
    const internal::TokenizerTable& table = tokenizer_.table();
    if (Status status = table.CheckId(id); !status.ok()) return status;
    if (options_.skip_special && table.IsSpecial(id)) return std::string();
    const std::string_view piece = table.vocabulary().Piece(id);
    if (const auto byte = internal::ByteOfPiece(piece)) {
      held_ += *byte;
      return std::string();
    }
    std::string text;
    internal::AppendByteRun(held_, &text);
    internal::AppendPieceText(piece, &text);
    held_.clear();
    return text;
  });
}

std::string StreamDecoder::Finish() noexcept {
  auto text = internal::Guard([&]() -> Result<std::string> {
    std::string run;
    internal::AppendByteRun(held_, &run);
    return run;
  });
  held_.clear();
  return text.ok() ? *std::move(text) : std::string();  // without memory there is nothing better to give
}

}  // namespace carat
