// Keys and values of one sequence, in pages of positions.
#ifndef CARAT_LIB_TEXT_KV_CACHE_H_
#define CARAT_LIB_TEXT_KV_CACHE_H_

#include <cstdint>
#include <vector>

#include "carat/status.h"
#include "lib/base/aligned_buffer.h"
#include "lib/kernels/attention.h"
#include "lib/kernels/kv_layout.h"
#include "lib/weights/model_config.h"

namespace carat::internal {

// Keys and values of one layer. A page holds, for each KV head, kPagePositions keys, as many values, and the
// scales of both where the format has any.
class KvLayer {
 public:
  // `ring_pages` > 0: that many pages, used in turn; 0: pages are added as the text grows.
  KvLayer(std::int64_t kv_heads, std::int64_t head_dim, KvFormat format, std::int64_t ring_pages);

  // Makes room for positions below `end`. Errors: RESOURCE_EXHAUSTED; what was there stays.
  Status Reserve(std::int64_t end);

  // Writes the key and value, [kv_heads, head_dim] each, of a position that there is room for. `codec` is
  // that of the layer's format.
  void Store(const KvCodec& codec, std::int64_t position, const float* key, const float* value);

  // The keys and values of one head in the page'th page of positions.
  KvPlanes Planes(std::int64_t page, std::int64_t kv_head) const;

  // Makes a ring longer, keeping what it holds below `end`, one past the highest position written.
  Status GrowRing(std::int64_t ring_pages, std::int64_t end);

  bool is_ring() const { return ring_pages_ > 0; }
  // Puts a fresh page in the place of a ring's page'th page of positions, which is returned. Errors:
  // RESOURCE_EXHAUSTED; nothing has changed then.
  Result<AlignedBytes> SetAside(std::int64_t page);
  // Puts such a page back.
  void PutBack(std::int64_t page, AlignedBytes bytes);

  // Gives back pages beyond `end`. Rings keep theirs.
  void Truncate(std::int64_t end);

  Result<KvLayer> Clone() const;

  KvFormat format() const { return format_; }
  std::int64_t head_dim() const { return head_dim_; }
  std::size_t memory_bytes() const { return pages_.size() * page_bytes_; }

 private:
  std::byte* Page(std::int64_t page) const;
  std::int64_t kv_heads_;
  std::int64_t head_dim_;
  KvFormat format_;
  std::int64_t ring_pages_;
  std::size_t plane_bytes_;      // keys (or values) of one head in one page
  std::size_t key_scale_bytes_;  // of one head in one page
  std::size_t head_bytes_;       // all of one head in one page
  std::size_t page_bytes_;
  std::vector<AlignedBytes> pages_;
};

// The layers that own keys and values, 0 .. last_kv_layer.
class KvCache {
 public:
  // For chunks of at most `chunk` positions. The rings are allocated now, full layers' pages when they are
  // needed.
  static Result<KvCache> Create(const TextConfig& config, KvFormat format, std::int64_t chunk);

  // Makes room for positions first .. first+count-1, count at most the chunk, which will now be overwritten.
  Status Prepare(std::int64_t first, std::int64_t count);

  // Makes room in the rings for chunks of this size, if it is larger than before.
  Status GrowChunk(std::int64_t chunk);

  // Remembers that `end` positions are in use, so that Rewind can come back here: pages of the rings that
  // position `end` would see are set aside when they would be overwritten. There is one mark, the latest.
  void Mark(std::int64_t end);

  // Forgets positions from `end` on. Returns how many positions are still usable: `end`; or, if a ring no
  // longer holds all that the position `end` would see, the mark, if that is before `end`; or 0. A mark
  // beyond `end` is forgotten.
  std::int64_t Rewind(std::int64_t end);

  // The copy has no mark.
  Result<KvCache> Clone() const;

  KvLayer& layer(std::int64_t index) { return layers_[static_cast<std::size_t>(index)]; }
  const KvLayer& layer(std::int64_t index) const { return layers_[static_cast<std::size_t>(index)]; }
  std::size_t memory_bytes() const;

  // Bytes of all rings for this chunk size, and of all full layers for each position.
  static std::uint64_t RingBytes(const TextConfig& config, KvFormat format, std::int64_t chunk);
  static std::uint64_t BytesPerPosition(const TextConfig& config, KvFormat format);

 private:
  // One page of positions of all rings.
  struct PageSet {
    std::int64_t page = 0;
    std::vector<AlignedBytes> bytes;
  };

  std::int64_t OldestNeeded(std::int64_t end) const { return end >= window_ ? end - window_ + 1 : 0; }
  // Sets aside what the mark needs of the pages that writing up to `end` will overwrite.
  Status SetAsideForMark(std::int64_t end);
  void ReturnToMark();
  void ForgetMark();

  std::vector<KvLayer> layers_;
  std::int64_t mark_ = -1;          // positions in use at the mark; -1: none
  std::vector<PageSet> set_aside_;  // pages that the mark needs and the rings no longer have
  std::int64_t window_ = 0;
  std::int64_t ring_positions_ = 0;
  // One past the highest position that was ever written since the last time the cache was empty, and the
  // oldest one that the rings have not overwritten since.
  std::int64_t high_water_ = 0;
  std::int64_t oldest_held_ = 0;
};

}  // namespace carat::internal

#endif  // CARAT_LIB_TEXT_KV_CACHE_H_
