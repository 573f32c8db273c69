// The tokenizer in a GGUF file.
#ifndef CARAT_LIB_TOKENIZER_TOKENIZER_GGUF_H_
#define CARAT_LIB_TOKENIZER_TOKENIZER_GGUF_H_

#include <string>

#include "lib/gguf/gguf.h"
#include "lib/tokenizer/tokenizer_table.h"

namespace carat::internal {

// The keys tokenizer.ggml.*: pieces, their types, merges, ids. The same ids as the tokenizer.json of the same
// vocabulary gives. Errors: DATA_LOSS naming file and key; UNIMPLEMENTED for tokenizers of another kind.
Result<TokenizerTable::Parts> ReadTokenizerGguf(const GgufFile& file);

// The same from the file of that name, or of the first part of a split model if it is another part of one.
Result<TokenizerTable::Parts> ReadTokenizerGguf(const std::string& path);

// Types of pieces, as files number them.
enum class GgufPieceType {
  kNormal = 1,
  kUnknown = 2,
  kControl = 3,
  kUserDefined = 4,
  kUnused = 5,
  kByte = 6
};

// What an id without a piece is called in files, which have a piece for every row of the embedding table.
std::string GgufFillerPiece(std::size_t id);

// Whether a special token is one that is shown all the same: files call it user-defined then, not control.
bool IsShownMarker(std::string_view piece);

}  // namespace carat::internal

#endif  // CARAT_LIB_TOKENIZER_TOKENIZER_GGUF_H_
