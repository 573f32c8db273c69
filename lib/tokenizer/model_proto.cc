#include "lib/tokenizer/model_proto.h"

#include <bit>
#include <optional>

#include "lib/base/error.h"

namespace carat::internal {
namespace {

enum WireType : unsigned { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

struct Field {
  std::uint64_t number = 0;
  unsigned wire = 0;
  std::uint64_t value = 0;  // of the number types
  std::string_view bytes;   // of kBytes
};

// Field numbers of the format.
namespace field {
constexpr std::uint64_t kPieces = 1, kTrainer = 2, kNormalizer = 3, kDenormalizer = 5;
constexpr std::uint64_t kText = 1, kScore = 2, kType = 3;
constexpr std::uint64_t kModelType = 3, kSpaceIsSuffix = 24, kByteFallback = 35, kBosPiece = 46;
constexpr std::uint64_t kCharacterMap = 2, kAddDummyPrefix = 3, kRemoveExtraSpaces = 4, kEscapeSpaces = 5;
}  // namespace field

// Walks the fields of one message.
class FieldReader {
 public:
  explicit FieldReader(std::string_view bytes) : rest_(bytes) {}

  bool AtEnd() const { return rest_.empty(); }

  // The next field, or none where the bytes are no field.
  std::optional<Field> Next() {
    Field field;
    const auto key = Varint();
    if (!key) return std::nullopt;
    field.number = *key >> 3;
    field.wire = static_cast<unsigned>(*key & 7);
    switch (field.wire) {
      case kVarint: {
        const auto value = Varint();
        if (!value) return std::nullopt;
        field.value = *value;
        return field;
      }
      case kFixed64:
      case kFixed32: {
        const std::size_t size = field.wire == kFixed64 ? 8 : 4;
        if (rest_.size() < size) return std::nullopt;
        for (std::size_t i = size; i-- > 0;)
          field.value = field.value << 8 | static_cast<unsigned char>(rest_[i]);
        rest_.remove_prefix(size);
        return field;
      }
      case kBytes: {
        const auto size = Varint();
        if (!size || *size > rest_.size()) return std::nullopt;
        field.bytes = rest_.substr(0, *size);
        rest_.remove_prefix(*size);
        return field;
      }
      default:
        return std::nullopt;
    }
  }

 private:
  std::optional<std::uint64_t> Varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
    return std::nullopt;
  }

  std::string_view rest_;
};

// Calls read(field) for every field; false where the bytes are no message or a read says so.
template <typename Read>
bool ReadFields(std::string_view bytes, Read read) {
  FieldReader reader(bytes);
  while (!reader.AtEnd()) {
    const auto field = reader.Next();
    if (!field || !read(*field)) return false;
  }
  return true;
}

bool ReadFlag(const Field& field, bool* flag) {
  *flag = field.value != 0;
  return field.wire == kVarint;
}

bool ReadPiece(std::string_view bytes, ModelProto::Piece* piece) {
  return ReadFields(bytes, [piece](const Field& f) {
    switch (f.number) {
      case field::kText:
        piece->text = f.bytes;
        return f.wire == kBytes;
      case field::kScore:
        piece->score = std::bit_cast<float>(static_cast<std::uint32_t>(f.value));
        return f.wire == kFixed32;
      case field::kType:
        piece->type = static_cast<PieceType>(f.value);
        return f.wire == kVarint && f.value >= 1 && f.value <= 6;
      default:
        return true;
    }
  });
}

bool ReadTrainer(std::string_view bytes, ModelProto* proto) {
  proto->has_trainer = true;
  return ReadFields(bytes, [proto](const Field& f) {
    switch (f.number) {
      case field::kModelType:
        proto->model_type = static_cast<std::int64_t>(f.value);
        return f.wire == kVarint;
      case field::kSpaceIsSuffix:
        return ReadFlag(f, &proto->space_is_suffix);
      case field::kByteFallback:
        return ReadFlag(f, &proto->byte_fallback);
      case field::kBosPiece:
        if (!f.bytes.empty()) proto->bos_piece = f.bytes;
        return f.wire == kBytes;
      default:
        return true;
    }
  });
}

bool ReadNormalizer(std::string_view bytes, ModelProto* proto) {
  proto->has_normalizer = true;
  return ReadFields(bytes, [proto](const Field& f) {
    switch (f.number) {
      case field::kCharacterMap:
        proto->rewrites_text = proto->rewrites_text || !f.bytes.empty();
        return f.wire == kBytes;
      case field::kAddDummyPrefix:
        return ReadFlag(f, &proto->add_dummy_prefix);
      case field::kRemoveExtraSpaces:
        return ReadFlag(f, &proto->remove_extra_spaces);
      case field::kEscapeSpaces:
        return ReadFlag(f, &proto->escape_spaces);
      default:
        return true;
    }
  });
}

bool ReadDenormalizer(std::string_view bytes, ModelProto* proto) {
  return ReadFields(bytes, [proto](const Field& f) {
    if (f.number == field::kCharacterMap && !f.bytes.empty()) proto->rewrites_text = true;
    return true;
  });
}

void AppendVarint(std::uint64_t value, std::string* out) {
  for (; value >= 0x80; value >>= 7) *out += static_cast<char>(value | 0x80);
  *out += static_cast<char>(value);
}

void AppendNumber(std::uint64_t number, std::uint64_t value, std::string* out) {
  AppendVarint(number << 3 | kVarint, out);
  AppendVarint(value, out);
}

void AppendBytes(std::uint64_t number, std::string_view bytes, std::string* out) {
  AppendVarint(number << 3 | kBytes, out);
  AppendVarint(bytes.size(), out);
  *out += bytes;
}

void AppendFloat(std::uint64_t number, float value, std::string* out) {
  AppendVarint(number << 3 | kFixed32, out);
  const auto bits = std::bit_cast<std::uint32_t>(value);
  for (int shift = 0; shift < 32; shift += 8) *out += static_cast<char>(bits >> shift);
}

}  // namespace

Result<ModelProto> ParseModelProto(std::string_view bytes, const std::string& source) {
  ModelProto proto;
  const bool complete = ReadFields(bytes, [&proto](const Field& f) {
    if (f.number < field::kPieces || f.number > field::kDenormalizer) return true;
    if (f.wire != kBytes) return false;
    switch (f.number) {
      case field::kPieces:
        return ReadPiece(f.bytes, &proto.pieces.emplace_back());
      case field::kTrainer:
        return ReadTrainer(f.bytes, &proto);
      case field::kNormalizer:
        return ReadNormalizer(f.bytes, &proto);
      case field::kDenormalizer:
        return ReadDenormalizer(f.bytes, &proto);
      default:
        return true;
    }
  });
  if (!complete) {
    return DataLoss("%s: not a sentencepiece model, or cut short: after %d pieces something is malformed",
                    source, proto.pieces.size());
  }
  if (proto.pieces.empty() || !proto.has_trainer || !proto.has_normalizer) {
    return DataLoss("%s: not a sentencepiece model, or cut short: it has %d pieces%s%s", source,
                    proto.pieces.size(), proto.has_trainer ? "" : ", no trainer_spec",
                    proto.has_normalizer ? "" : ", no normalizer_spec");
  }
  return proto;
}

std::string SerializeModelProto(const ModelProto& proto) {
  std::string out, message;
  for (const ModelProto::Piece& piece : proto.pieces) {
    message.clear();
    AppendBytes(field::kText, piece.text, &message);
    AppendFloat(field::kScore, piece.score, &message);
    AppendNumber(field::kType, static_cast<std::uint64_t>(piece.type), &message);
    AppendBytes(field::kPieces, message, &out);
  }
  message.clear();
  AppendNumber(field::kModelType, static_cast<std::uint64_t>(proto.model_type), &message);
  AppendNumber(field::kSpaceIsSuffix, proto.space_is_suffix ? 1 : 0, &message);
  AppendNumber(field::kByteFallback, proto.byte_fallback ? 1 : 0, &message);
  AppendBytes(field::kBosPiece, proto.bos_piece, &message);
  AppendBytes(field::kTrainer, message, &out);
  message.clear();
  AppendNumber(field::kAddDummyPrefix, proto.add_dummy_prefix ? 1 : 0, &message);
  AppendNumber(field::kRemoveExtraSpaces, proto.remove_extra_spaces ? 1 : 0, &message);
  AppendNumber(field::kEscapeSpaces, proto.escape_spaces ? 1 : 0, &message);
  AppendBytes(field::kNormalizer, message, &out);
  return out;
}

}  // namespace carat::internal
