// From pieces to text: what Tokenizer::Decode and StreamDecoder share.
#ifndef CARAT_LIB_TOKENIZER_DECODING_H_
#define CARAT_LIB_TOKENIZER_DECODING_H_

#include <optional>
#include <string>
#include <string_view>

namespace carat::internal {

// The byte that a piece like "<0x0A>" stands for.
std::optional<char> ByteOfPiece(std::string_view piece);

// Appends the text of a piece that is no byte piece: U+2581 becomes a space.
void AppendPieceText(std::string_view piece, std::string* text);

// Appends what a run of byte pieces stands for, as the reference decides it: the whole run if it is valid
// UTF-8, otherwise one U+FFFD for every byte of it.
void AppendByteRun(std::string_view run, std::string* text);

}  // namespace carat::internal

#endif  // CARAT_LIB_TOKENIZER_DECODING_H_
