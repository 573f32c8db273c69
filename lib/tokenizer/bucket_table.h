// A hash table that is built once and then only read, in two flat arrays: no allocation per entry, no empty
// slots, and one or two cache lines a look-up.
#ifndef CARAT_LIB_TOKENIZER_BUCKET_TABLE_H_
#define CARAT_LIB_TOKENIZER_BUCKET_TABLE_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace carat::internal {

template <typename Entry>
class BucketTable {
 public:
  BucketTable() = default;

  // hashes[i] is the hash of entries[i]. At most 2^32 - 1 entries. Entries of one bucket keep their order.
  BucketTable(std::span<const Entry> entries, std::span<const std::size_t> hashes)
      : mask_(std::bit_ceil(entries.size() / 2 + 1) - 1), begins_(mask_ + 2, 0), entries_(entries.size()) {
    for (const std::size_t hash : hashes) ++begins_[BucketOf(hash) + 1];
    for (std::size_t i = 1; i < begins_.size(); ++i) begins_[i] += begins_[i - 1];
    std::vector<std::uint32_t> next(begins_.begin(), begins_.end() - 1);
    for (std::size_t i = 0; i < entries.size(); ++i) entries_[next[BucketOf(hashes[i])]++] = entries[i];
  }

  // The entries that may be the one looked for: the caller compares.
  std::span<const Entry> Bucket(std::size_t hash) const {
    const std::size_t bucket = BucketOf(hash);
    return {entries_.data() + begins_[bucket], entries_.data() + begins_[bucket + 1]};
  }

  // Ask memory for what Bucket will read, first where the bucket is and then, a little later, what is in it.
  void PrefetchPlace(std::size_t hash) const { __builtin_prefetch(&begins_[BucketOf(hash)]); }
  void PrefetchEntries(std::size_t hash) const {
    __builtin_prefetch(entries_.data() + begins_[BucketOf(hash)]);
  }

  std::size_t bucket_count() const { return mask_ + 1; }

 private:
  std::size_t BucketOf(std::size_t hash) const { return hash & mask_; }

  std::size_t mask_ = 0;
  std::vector<std::uint32_t> begins_ = {0, 0};  // of each bucket in entries_, and the end of the last
  std::vector<Entry> entries_;
};

}  // namespace carat::internal

#endif  // CARAT_LIB_TOKENIZER_BUCKET_TABLE_H_
