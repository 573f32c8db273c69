// Reading and writing tokenizer.model, a protocol buffer. carat reads it itself, checks it, and gives
// sentencepiece a clean copy of the few fields that count, so that nothing of a hostile file reaches it.
#ifndef CARAT_LIB_TOKENIZER_MODEL_PROTO_H_
#define CARAT_LIB_TOKENIZER_MODEL_PROTO_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "carat/status.h"

namespace carat::internal {

// The numbers are those of the file.
enum class PieceType : int {
  kNormal = 1,
  kUnknown = 2,
  kControl = 3,
  kUserDefined = 4,
  kUnused = 5,
  kByte = 6
};

struct ModelProto {
  struct Piece {
    std::string_view text;  // in the file's bytes
    float score = 0;
    PieceType type = PieceType::kNormal;
  };
  static constexpr std::int64_t kBpe = 2;  // a value of model_type

  std::vector<Piece> pieces;
  // What the file says or, where it says nothing, the defaults of the format.
  std::int64_t model_type = 1;
  bool byte_fallback = false;
  bool space_is_suffix = false;
  std::string_view bos_piece = "<s>";
  bool add_dummy_prefix = true;
  bool remove_extra_spaces = true;
  bool escape_spaces = true;
  bool rewrites_text = false;  // has a table of character replacements, in either direction
  bool has_trainer = false, has_normalizer = false;
};

// Errors: DATA_LOSS naming `source`. The result points into `bytes`.
Result<ModelProto> ParseModelProto(std::string_view bytes, const std::string& source);

// The file for these fields.
std::string SerializeModelProto(const ModelProto& proto);

}  // namespace carat::internal

#endif  // CARAT_LIB_TOKENIZER_MODEL_PROTO_H_
