#include "lib/tokenizer/vocabulary.h"

#include <algorithm>
#include <array>
#include <limits>

#include "absl/hash/hash.h"
#include "absl/strings/string_view.h"
#include "lib/base/error.h"
#include "simdjson.h"

namespace carat::internal {
namespace {

std::size_t HashOf(std::string_view piece) {
  return absl::Hash<absl::string_view>()(absl::string_view(piece.data(), piece.size()));
}

std::uint32_t CheckOf(std::size_t hash) {
  return static_cast<std::uint32_t>(hash >> 32);
}

}  // namespace

Result<Vocabulary> Vocabulary::Build(std::span<const std::string_view> pieces, const std::string& source) {
  std::size_t bytes = 0;
  for (const std::string_view piece : pieces) bytes += piece.size();
  if (pieces.size() >= std::numeric_limits<std::int32_t>::max() ||
      bytes > std::numeric_limits<std::uint32_t>::max()) {
    return ResourceExhausted("%s: a vocabulary of %d pieces and %d bytes is too large", source, pieces.size(),
                             bytes);
  }
  Vocabulary vocabulary;
  vocabulary.text_.reserve(bytes);
  vocabulary.begins_.reserve(pieces.size() + 1);
  std::vector<Slot> slots;
  slots.reserve(pieces.size());
  std::vector<std::size_t> hashes;
  hashes.reserve(pieces.size());
  for (const std::string_view piece : pieces) {
    const auto id = static_cast<std::int32_t>(slots.size());
    if (!simdjson::validate_utf8(piece.data(), piece.size()))
      return DataLoss("%s: the piece of id %d is not valid UTF-8", source, id);
    const std::size_t hash = HashOf(piece);
    slots.push_back({CheckOf(hash), id});
    hashes.push_back(hash);
    vocabulary.begins_.push_back(static_cast<std::uint32_t>(vocabulary.text_.size()));
    vocabulary.text_ += piece;
  }
  vocabulary.begins_.push_back(static_cast<std::uint32_t>(vocabulary.text_.size()));
  vocabulary.index_ = BucketTable<Slot>(slots, hashes);
  CARAT_RETURN_IF_ERROR(vocabulary.CheckDistinct(source));
  return vocabulary;
}

Status Vocabulary::CheckDistinct(const std::string& source) const {
  for (std::size_t bucket = 0; bucket < index_.bucket_count(); ++bucket) {
    const std::span<const Slot> slots = index_.Bucket(bucket);
    for (std::size_t i = 1; i < slots.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        if (slots[i].check == slots[j].check && Piece(slots[i].id) == Piece(slots[j].id)) {
          return DataLoss("%s: ids %d and %d have the same piece \"%s\"", source, slots[j].id, slots[i].id,
                          std::string(Piece(slots[i].id)));
        }
      }
    }
  }
  return Status();
}

std::int32_t Vocabulary::Find(std::string_view piece, std::size_t hash) const {
  for (const Slot& slot : index_.Bucket(hash)) {
    if (slot.check == CheckOf(hash) && Piece(slot.id) == piece) return slot.id;
  }
  return -1;
}

std::optional<std::int32_t> Vocabulary::IdOf(std::string_view piece) const {
  const std::int32_t id = Find(piece, HashOf(piece));
  if (id < 0) return std::nullopt;
  return id;
}

void Vocabulary::IdsOf(std::span<const std::string_view> pieces, std::vector<std::int32_t>* ids) const {
  constexpr std::size_t kBatch = 32;
  std::array<std::size_t, kBatch> hashes;
  ids->reserve(ids->size() + pieces.size());
  for (std::size_t begin = 0; begin < pieces.size(); begin += kBatch) {
    const auto batch = pieces.subspan(begin, std::min(kBatch, pieces.size() - begin));
    for (std::size_t i = 0; i < batch.size(); ++i) {
      hashes[i] = HashOf(batch[i]);
      index_.PrefetchPlace(hashes[i]);
    }
    for (std::size_t i = 0; i < batch.size(); ++i) index_.PrefetchEntries(hashes[i]);
    for (std::size_t i = 0; i < batch.size(); ++i) {
      for (const Slot& slot : index_.Bucket(hashes[i])) {
        if (slot.check == CheckOf(hashes[i])) __builtin_prefetch(&begins_[static_cast<std::size_t>(slot.id)]);
      }
    }
    for (std::size_t i = 0; i < batch.size(); ++i) ids->push_back(Find(batch[i], hashes[i]));
  }
}

}  // namespace carat::internal
