// The pieces and their ids.
#ifndef CARAT_LIB_TOKENIZER_VOCABULARY_H_
#define CARAT_LIB_TOKENIZER_VOCABULARY_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "carat/status.h"
#include "lib/tokenizer/bucket_table.h"

namespace carat::internal {

// Immutable. Pieces are distinct and valid UTF-8; ids are 0 .. size()-1.
class Vocabulary {
 public:
  // pieces[id] is the piece of the id; copied. `source` names the file in errors. Errors: DATA_LOSS,
  // RESOURCE_EXHAUSTED.
  static Result<Vocabulary> Build(std::span<const std::string_view> pieces, const std::string& source);

  std::int32_t size() const { return static_cast<std::int32_t>(begins_.size()) - 1; }
  bool Holds(std::int32_t id) const { return id >= 0 && id < size(); }

  // The piece of an id that the vocabulary holds.
  std::string_view Piece(std::int32_t id) const {
    const auto i = static_cast<std::size_t>(id);
    return std::string_view(text_).substr(begins_[i], begins_[i + 1] - begins_[i]);
  }

  std::optional<std::int32_t> IdOf(std::string_view piece) const;

  // IdOf for many pieces, -1 where there is none: several times faster, because memory is asked for in
  // advance.
  void IdsOf(std::span<const std::string_view> pieces, std::vector<std::int32_t>* ids) const;

 private:
  struct Slot {
    std::uint32_t check = 0;  // more bits of the hash, which spare most comparisons of text
    std::int32_t id = 0;
  };

  Vocabulary() = default;
  std::int32_t Find(std::string_view piece, std::size_t hash) const;  // -1: none
  Status CheckDistinct(const std::string& source) const;

  std::string text_;                   // all pieces, one after the other
  std::vector<std::uint32_t> begins_;  // of each piece in text_, and the end of the last
  BucketTable<Slot> index_;
};

}  // namespace carat::internal

#endif  // CARAT_LIB_TOKENIZER_VOCABULARY_H_
