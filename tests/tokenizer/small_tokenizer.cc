#include "tests/tokenizer/small_tokenizer.h"

#include <array>
#include <memory>
#include <utility>

#include "lib/base/guard.h"
#include "lib/base/json.h"
#include "lib/tokenizer/tokenizer_json.h"
#include "lib/tokenizer/tokenizer_model.h"

namespace carat::testing {
namespace {

std::array<std::string, 256> MakeBytePieces() {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::array<std::string, 256> pieces;
  for (std::size_t i = 0; i < pieces.size(); ++i)
    pieces[i] = std::string("<0x") + kDigits[i / 16] + kDigits[i % 16] + ">";
  return pieces;
}

// Without the way through a file, which is slow for the tests that read thousands of texts.
template <typename Read>
Result<Tokenizer> FromParts(Read read) {
  return internal::Guard([&]() -> Result<Tokenizer> {
    auto parts = read();
    if (!parts.ok()) return parts.status();
    return Tokenizer(std::make_shared<const internal::TokenizerTable>(*std::move(parts)));
  });
}

}  // namespace

Result<Tokenizer> FromJson(const std::string& json) {
  return FromParts([&]() -> Result<internal::TokenizerTable::Parts> {
    const auto document = internal::JsonDocument::Parse(json, "tokenizer.json");
    if (!document.ok()) return document.status();
    return internal::ReadTokenizerJson(*document);
  });
}

Result<Tokenizer> FromModel(const std::string& bytes) {
  return FromParts([&] { return internal::ReadTokenizerModel(bytes, "tokenizer.model"); });
}

internal::ModelProto SmallModel() {
  using internal::PieceType;
  static const std::array<std::string, 256> kBytes = MakeBytePieces();
  internal::ModelProto proto;
  proto.pieces = {{"<pad>", 0, PieceType::kControl},
                  {"<eos>", 0, PieceType::kControl},
                  {"<bos>", 0, PieceType::kControl},
                  {"<unk>", 0, PieceType::kUnknown}};
  for (const std::string& piece : kBytes) proto.pieces.push_back({piece, 0, PieceType::kByte});
  float score = 0;
  for (const char* piece : {"a", "b", "c", "\u2581", "\u2581a", "ab", "bc", "abc"})
    proto.pieces.push_back({piece, score--, PieceType::kNormal});
  proto.pieces.push_back({"<tag>", 0, PieceType::kUserDefined});
  proto.model_type = internal::ModelProto::kBpe;
  proto.byte_fallback = true;
  proto.bos_piece = "<bos>";
  proto.add_dummy_prefix = false;
  proto.remove_extra_spaces = false;
  return proto;
}

}  // namespace carat::testing
