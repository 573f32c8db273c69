#include "lib/text/kv_cache.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "lib/base/checked.h"
#include "lib/base/error.h"

namespace carat::internal {
namespace {

// A ring must still hold the window of the first position of a chunk when the last one has been written.
std::int64_t RingPages(std::int64_t window, std::int64_t chunk) {
  return (window + chunk + kPagePositions - 1) / kPagePositions + 1;
}

std::uint64_t PositionBytes(const LayerConfig& layer, KvFormat format) {
  const KvSizes sizes = KvSizesOf(format, layer.head_dim);
  const std::int64_t scales = sizes.key_scales + sizes.value_scales;
  return static_cast<std::uint64_t>(layer.kv_heads * (2 * layer.head_dim * sizes.number_bytes + scales * 4));
}

}  // namespace

KvLayer::KvLayer(std::int64_t kv_heads, std::int64_t head_dim, KvFormat format, std::int64_t ring_pages)
    : kv_heads_(kv_heads),
      head_dim_(head_dim),
      format_(format),
      ring_pages_(ring_pages),
      plane_bytes_(
          static_cast<std::size_t>(kPagePositions * head_dim * KvSizesOf(format, head_dim).number_bytes)),
      key_scale_bytes_(static_cast<std::size_t>(kPagePositions * KvSizesOf(format, head_dim).key_scales) *
                       sizeof(float)),
      head_bytes_(2 * plane_bytes_ + key_scale_bytes_ +
                  static_cast<std::size_t>(kPagePositions * KvSizesOf(format, head_dim).value_scales) *
                      sizeof(float)),
      page_bytes_(static_cast<std::size_t>(kv_heads) * head_bytes_) {}

std::byte* KvLayer::Page(std::int64_t page) const {
  const std::int64_t index = ring_pages_ > 0 ? page % ring_pages_ : page;
  return static_cast<std::byte*>(pages_[static_cast<std::size_t>(index)].data());
}

Status KvLayer::Reserve(std::int64_t end) {
  const std::int64_t needed = ring_pages_ > 0 ? ring_pages_ : (end + kPagePositions - 1) / kPagePositions;
  while (static_cast<std::int64_t>(pages_.size()) < needed) {
    CARAT_ASSIGN_OR_RETURN(AlignedBytes page, AlignedBytes::Allocate(page_bytes_, 1, "keys and values"));
    pages_.push_back(std::move(page));
  }
  return {};
}

void KvLayer::Store(const KvCodec& codec, std::int64_t position, const float* key, const float* value) {
  const std::int64_t slot = position % kPagePositions;
  for (std::int64_t head = 0; head < kv_heads_; ++head) {
    const KvPlanes planes = Planes(position / kPagePositions, head);
    codec.store_key(key + head * head_dim_, head_dim_, slot, planes);
    codec.store_value(value + head * head_dim_, head_dim_, slot, planes);
  }
}

KvPlanes KvLayer::Planes(std::int64_t page, std::int64_t kv_head) const {
  std::byte* keys = Page(page) + static_cast<std::size_t>(kv_head) * head_bytes_;
  std::byte* scales = keys + 2 * plane_bytes_;
  return {.keys = keys,
          .values = keys + plane_bytes_,
          .key_scales = reinterpret_cast<float*>(scales),
          .value_scales = reinterpret_cast<float*>(scales + key_scale_bytes_)};
}

Status KvLayer::GrowRing(std::int64_t ring_pages, std::int64_t end) {
  if (ring_pages_ == 0 || ring_pages <= ring_pages_) return {};
  std::vector<AlignedBytes> grown(static_cast<std::size_t>(ring_pages));
  // All memory first, so that an error leaves the ring as it was.
  std::vector<AlignedBytes> fresh;
  for (std::int64_t i = ring_pages_; i < ring_pages; ++i) {
    CARAT_ASSIGN_OR_RETURN(AlignedBytes page, AlignedBytes::Allocate(page_bytes_, 1, "keys and values"));
    fresh.push_back(std::move(page));
  }
  const std::int64_t last_page = end > 0 ? (end - 1) / kPagePositions : 0;
  for (std::int64_t page = std::max<std::int64_t>(0, last_page - ring_pages_ + 1); page <= last_page;
       ++page) {
    grown[static_cast<std::size_t>(page % ring_pages)] =
        std::move(pages_[static_cast<std::size_t>(page % ring_pages_)]);
  }
  // Pages that nothing had been written to yet, and the fresh ones, fill the gaps.
  for (AlignedBytes& page : pages_) {
    if (page.data() != nullptr) fresh.push_back(std::move(page));
  }
  for (AlignedBytes& page : grown) {
    if (page.data() != nullptr) continue;
    page = std::move(fresh.back());
    fresh.pop_back();
  }
  pages_ = std::move(grown);
  ring_pages_ = ring_pages;
  return {};
}

Result<AlignedBytes> KvLayer::SetAside(std::int64_t page) {
  CARAT_ASSIGN_OR_RETURN(AlignedBytes fresh, AlignedBytes::Allocate(page_bytes_, 1, "keys and values"));
  return std::exchange(pages_[static_cast<std::size_t>(page % ring_pages_)], std::move(fresh));
}

void KvLayer::PutBack(std::int64_t page, AlignedBytes bytes) {
  pages_[static_cast<std::size_t>(page % ring_pages_)] = std::move(bytes);
}

void KvLayer::Truncate(std::int64_t end) {
  if (ring_pages_ > 0) return;
  const auto needed = static_cast<std::size_t>((end + kPagePositions - 1) / kPagePositions);
  while (pages_.size() > needed) pages_.pop_back();
}

Result<KvLayer> KvLayer::Clone() const {
  KvLayer copy(kv_heads_, head_dim_, format_, ring_pages_);
  copy.pages_.reserve(pages_.size());
  for (const AlignedBytes& page : pages_) {
    CARAT_ASSIGN_OR_RETURN(AlignedBytes bytes,
                           AlignedBytes::Allocate(page_bytes_, 1, "a copy of keys and values"));
    std::memcpy(bytes.data(), page.data(), page_bytes_);
    copy.pages_.push_back(std::move(bytes));
  }
  return copy;
}

Result<KvCache> KvCache::Create(const TextConfig& config, KvFormat format, std::int64_t chunk) {
  KvCache cache;
  cache.window_ = config.sliding_window;
  const std::int64_t ring_pages = RingPages(config.sliding_window, chunk);
  cache.ring_positions_ = ring_pages * kPagePositions;
  for (std::int64_t i = 0; i <= config.last_kv_layer(); ++i) {
    const LayerConfig& layer = config.layers[static_cast<std::size_t>(i)];
    cache.layers_.emplace_back(layer.kv_heads, layer.head_dim, format, layer.full_attention ? 0 : ring_pages);
    CARAT_RETURN_IF_ERROR(cache.layers_.back().Reserve(0));
  }
  return cache;
}

Status KvCache::Prepare(std::int64_t first, std::int64_t count) {
  CARAT_RETURN_IF_ERROR(SetAsideForMark(first + count));
  for (KvLayer& layer : layers_) CARAT_RETURN_IF_ERROR(layer.Reserve(first + count));
  high_water_ = std::max(high_water_, first + count);
  oldest_held_ = std::max(oldest_held_, high_water_ - ring_positions_);
  return {};
}

Status KvCache::GrowChunk(std::int64_t chunk) {
  const std::int64_t pages = RingPages(window_, chunk);
  if (pages * kPagePositions <= ring_positions_) return {};
  for (KvLayer& layer : layers_) CARAT_RETURN_IF_ERROR(layer.GrowRing(pages, high_water_));
  ring_positions_ = pages * kPagePositions;
  return {};
}

void KvCache::Mark(std::int64_t end) {
  ForgetMark();
  if (OldestNeeded(end) >= oldest_held_) mark_ = end;
}

void KvCache::ForgetMark() {
  mark_ = -1;
  set_aside_.clear();
}

// A ring is long enough that no page is overwritten which a position of the chunk that overwrites it sees, so
// the page can leave the ring as soon as another is begun in its place.
Status KvCache::SetAsideForMark(std::int64_t end) {
  if (mark_ < 0) return {};
  const std::int64_t ring_pages = ring_positions_ / kPagePositions;
  const std::int64_t oldest_needed = OldestNeeded(mark_);
  for (std::int64_t begun = (high_water_ + kPagePositions - 1) / kPagePositions; begun * kPagePositions < end;
       ++begun) {
    const std::int64_t page = begun - ring_pages;
    const std::int64_t page_end = (page + 1) * kPagePositions;
    if (page < 0 || page_end <= oldest_needed || page * kPagePositions >= mark_) continue;
    PageSet set{page, {}};
    for (KvLayer& layer : layers_) {
      if (!layer.is_ring()) continue;
      auto bytes = layer.SetAside(page);
      if (!bytes.ok()) {
        // Some layers of this page are already gone, so the mark can no longer be restored.
        ForgetMark();
        oldest_held_ = std::max(oldest_held_, page_end);
        return bytes.status();
      }
      set.bytes.push_back(*std::move(bytes));
    }
    oldest_held_ = std::max(oldest_held_, page_end);
    set_aside_.push_back(std::move(set));
  }
  return {};
}

void KvCache::ReturnToMark() {
  for (PageSet& set : set_aside_) {
    std::size_t next = 0;
    for (KvLayer& layer : layers_) {
      if (layer.is_ring()) layer.PutBack(set.page, std::move(set.bytes[next++]));
    }
  }
  set_aside_.clear();
  high_water_ = mark_;
  oldest_held_ = OldestNeeded(mark_);
}

std::int64_t KvCache::Rewind(std::int64_t end) {
  std::int64_t kept = end;
  if (mark_ > end) ForgetMark();
  if (OldestNeeded(end) < oldest_held_) {
    kept = std::max<std::int64_t>(0, mark_);
    if (mark_ >= 0) ReturnToMark();
  }
  for (KvLayer& layer : layers_) layer.Truncate(kept);
  if (kept == 0) {
    high_water_ = oldest_held_ = 0;
    ForgetMark();
  }
  return kept;
}

Result<KvCache> KvCache::Clone() const {
  KvCache copy;
  copy.window_ = window_;
  copy.ring_positions_ = ring_positions_;
  copy.high_water_ = high_water_;
  copy.oldest_held_ = oldest_held_;
  copy.layers_.reserve(layers_.size());
  for (const KvLayer& layer : layers_) {
    CARAT_ASSIGN_OR_RETURN(KvLayer layer_copy, layer.Clone());
    copy.layers_.push_back(std::move(layer_copy));
  }
  return copy;
}

std::size_t KvCache::memory_bytes() const {
  std::size_t bytes = 0;
  for (const KvLayer& layer : layers_) bytes += layer.memory_bytes();
  for (const PageSet& set : set_aside_) {
    for (const AlignedBytes& page : set.bytes) bytes += page.size();
  }
  return bytes;
}

std::uint64_t KvCache::RingBytes(const TextConfig& config, KvFormat format, std::int64_t chunk) {
  const auto positions = static_cast<std::uint64_t>(RingPages(config.sliding_window, chunk) * kPagePositions);
  std::uint64_t bytes = 0;
  for (std::int64_t i = 0; i <= config.last_kv_layer(); ++i) {
    const LayerConfig& layer = config.layers[static_cast<std::size_t>(i)];
    if (!layer.full_attention) bytes += positions * PositionBytes(layer, format);
  }
  return bytes;
}

std::uint64_t KvCache::BytesPerPosition(const TextConfig& config, KvFormat format) {
  std::uint64_t bytes = 0;
  for (std::int64_t i = 0; i <= config.last_kv_layer(); ++i) {
    const LayerConfig& layer = config.layers[static_cast<std::size_t>(i)];
    if (layer.full_attention) bytes += PositionBytes(layer, format);
  }
  return bytes;
}

}  // namespace carat::internal
