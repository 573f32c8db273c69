#include "carat/tokenizer.h"

#include <utility>

#include "lib/base/guard.h"
#include "lib/tokenizer/tokenizer_table.h"

namespace carat {

Tokenizer::Tokenizer(std::shared_ptr<const internal::TokenizerTable> table) noexcept
    : table_(std::move(table)) {}

Result<Tokenizer> Tokenizer::Load(std::string_view path) noexcept {
  return internal::Guard([&]() -> Result<Tokenizer> {
    auto table = internal::TokenizerTable::Load(std::string(path));
    if (!table.ok()) return table.status();
    return Tokenizer(*std::move(table));
  });
}

Result<std::vector<std::int32_t>> Tokenizer::Encode(std::string_view text,
                                                    const EncodeOptions& options) const noexcept {
  return internal::Guard([&] { return table_->Encode(text, options); });
}

Result<std::string> Tokenizer::Decode(std::span<const std::int32_t> ids,
                                      const DecodeOptions& options) const noexcept {
  return internal::Guard([&] { return table_->Decode(ids, options); });
}

std::string_view Tokenizer::Piece(std::int32_t id) const noexcept {
  if (!table_->vocabulary().Holds(id)) return {};
  return table_->vocabulary().Piece(id);
}

std::optional<std::int32_t> Tokenizer::IdOf(std::string_view piece) const noexcept {
  return table_->vocabulary().IdOf(piece);
}

bool Tokenizer::IsSpecial(std::int32_t id) const noexcept {
  return table_->vocabulary().Holds(id) && table_->IsSpecial(id);
}

std::int32_t Tokenizer::vocabulary_size() const noexcept {
  return table_->vocabulary().size();
}

std::optional<std::int32_t> Tokenizer::bos() const noexcept {
  return table_->bos();
}

}  // namespace carat
