#include "lib/tokenizer/decoding.h"

#include "lib/base/utf8.h"
#include "lib/tokenizer/characters.h"

namespace carat::internal {
namespace {

std::optional<int> HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return std::nullopt;
}

}  // namespace

std::optional<char> ByteOfPiece(std::string_view piece) {
  if (piece.size() != 6 || !piece.starts_with("<0x") || piece[5] != '>') return std::nullopt;
  // The reference's number parser lets a plus sign pass; "<0x+5>" is a byte to it.
  const auto high = piece[3] == '+' ? 0 : HexDigit(piece[3]);
  const auto low = HexDigit(piece[4]);
  if (!high || !low) return std::nullopt;
  return static_cast<char>(*high * 16 + *low);
}

void AppendPieceText(std::string_view piece, std::string* text) {
  for (;;) {
    const std::size_t space = piece.find(kSpaceSymbol);
    *text += piece.substr(0, space);
    if (space == std::string_view::npos) return;
    *text += ' ';
    piece.remove_prefix(space + kSpaceSymbol.size());
  }
}

void AppendByteRun(std::string_view run, std::string* text) {
  if (IsValidUtf8(run)) {
    *text += run;
  } else {
    for (std::size_t i = 0; i < run.size(); ++i) *text += kReplacementCharacter;
  }
}

}  // namespace carat::internal
