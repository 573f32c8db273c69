// The cache keeps what it was given, in pages and rings, and knows what it has forgotten.
#include "lib/text/kv_cache.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "lib/base/tensor.h"
#include "lib/kernels/kv_layout.h"

namespace carat::internal {
namespace {

constexpr std::int64_t kHeads = 2;
constexpr std::int64_t kHeadDim = 6;  // one block of a key

constexpr KvFormat kFormats[] = {KvFormat::kF32, KvFormat::kBF16, KvFormat::kInt16, KvFormat::kInt8};

// Bytes of a key or a value of one head, with its scale.
std::size_t RowBytes(KvFormat format) {
  switch (format) {
    case KvFormat::kF32:
      return 4 * kHeadDim;
    case KvFormat::kBF16:
      return 2 * kHeadDim;
    case KvFormat::kInt16:
      return 2 * kHeadDim + 4;
    case KvFormat::kInt8:
      return kHeadDim + 4;
  }
  return 0;
}

// A number that tells position, head, element, and whether it is a key.
float Number(std::int64_t position, std::int64_t head, std::int64_t element, bool key) {
  return static_cast<float>(position * 100 + head * 20 + element) + (key ? 0.0f : 0.5f);
}

void Store(KvLayer& layer, std::int64_t position) {
  std::vector<float> key, value;
  for (std::int64_t head = 0; head < kHeads; ++head) {
    for (std::int64_t i = 0; i < kHeadDim; ++i) {
      key.push_back(Number(position, head, i, true));
      value.push_back(Number(position, head, i, false));
    }
  }
  layer.Store(kReferenceKvCodecs[layer.format()], position, key.data(), value.data());
}

float Load(const KvLayer& layer, std::int64_t position, std::int64_t head, std::int64_t element, bool key) {
  const std::int64_t page = position / kPagePositions;
  const KvPlanes planes = layer.Planes(page, head);
  const std::byte* plane = key ? planes.keys : planes.values;
  const std::int64_t place = position % kPagePositions;
  const KvFormat format = layer.format();
  const std::int64_t at =
      key ? KeyIndex(format, place, element) : ValueIndex(format, kHeadDim, place, element);
  if (format == KvFormat::kInt16 || format == KvFormat::kInt8) {
    const float scale = (key ? planes.key_scales : planes.value_scales)[place];
    return scale * static_cast<float>(format == KvFormat::kInt16
                                          ? reinterpret_cast<const std::int16_t*>(plane)[at]
                                          : reinterpret_cast<const std::int8_t*>(plane)[at]);
  }
  return LoadValue(plane, format == KvFormat::kF32 ? NumberFormat::kF32 : NumberFormat::kBF16,
                   static_cast<std::size_t>(at));
}

void ExpectHolds(const KvLayer& layer, std::int64_t first, std::int64_t last) {
  for (std::int64_t position = first; position <= last; ++position) {
    for (std::int64_t head = 0; head < kHeads; ++head) {
      for (std::int64_t i = 0; i < kHeadDim; ++i) {
        for (const bool key : {true, false}) {
          float expected = Number(position, head, i, key);
          if (layer.format() == KvFormat::kBF16) expected = BFloat16ToFloat(FloatToBFloat16(expected));
          // Integers round by half a step, of which the head's largest number has so many.
          const float largest = Number(position, head, kHeadDim - 1, key);
          const float step = layer.format() == KvFormat::kInt16  ? largest / 18000
                             : layer.format() == KvFormat::kInt8 ? largest / 127
                                                                 : 0;
          ASSERT_NEAR(Load(layer, position, head, i, key), expected, 0.501f * step)
              << position << " " << head << " " << i;
        }
      }
    }
  }
}

TEST(KvLayerTest, AGrowingLayerHoldsEverything) {
  for (const KvFormat format : kFormats) {
    KvLayer layer(kHeads, kHeadDim, format, 0);
    for (std::int64_t position = 0; position < 200; ++position) {
      ASSERT_TRUE(layer.Reserve(position + 1).ok());
      Store(layer, position);
    }
    ExpectHolds(layer, 0, 199);
    EXPECT_EQ(layer.memory_bytes(), 4u * 64 * kHeads * 2 * RowBytes(format));
    layer.Truncate(65);
    EXPECT_EQ(layer.memory_bytes(), 2u * 64 * kHeads * 2 * RowBytes(format));
    ExpectHolds(layer, 0, 127);
  }
}

TEST(KvLayerTest, ARingHoldsTheLatestPages) {
  for (const KvFormat format : kFormats) {
    KvLayer layer(kHeads, kHeadDim, format, 3);
    for (std::int64_t position = 0; position < 500; ++position) {
      ASSERT_TRUE(layer.Reserve(position + 1).ok());
      Store(layer, position);
    }
    ExpectHolds(layer, 500 - 3 * kPagePositions, 499);
  }
}

TEST(KvLayerTest, ACloneIsIndependent) {
  for (const KvFormat format : kFormats) {
    KvLayer layer(kHeads, kHeadDim, format, 0);
    ASSERT_TRUE(layer.Reserve(10).ok());
    for (std::int64_t position = 0; position < 10; ++position) Store(layer, position);
    const auto copy = layer.Clone();
    ASSERT_TRUE(copy.ok());
    std::vector<float> zeros(kHeads * kHeadDim, 0.0f);
    layer.Store(kReferenceKvCodecs[layer.format()], 3, zeros.data(), zeros.data());
    ExpectHolds(*copy, 0, 9);
    EXPECT_EQ(Load(layer, 3, 1, 2, true), 0.0f);
  }
}

TextConfig SmallConfig(std::int64_t window) {
  TextConfig config;
  config.hidden_size = 8;
  config.attention_heads = 2;
  config.sliding_window = window;
  config.layers.resize(2);
  for (std::size_t i = 0; i < 2; ++i) {
    config.layers[i].head_dim = kHeadDim;
    config.layers[i].kv_heads = kHeads;
    config.layers[i].kv_layer = static_cast<std::int64_t>(i);
  }
  config.layers[1].full_attention = true;
  return config;
}

TEST(KvCacheTest, RewindKnowsWhatTheRingsForgot) {
  const std::int64_t window = 50, chunk = 30;
  auto cache = KvCache::Create(SmallConfig(window), KvFormat::kF32, chunk);
  ASSERT_TRUE(cache.ok());
  // 50 + 30 positions need two pages, and one more since a window may begin anywhere in a page: 192
  // positions.
  const std::int64_t ring = 3 * kPagePositions;
  EXPECT_EQ(KvCache::RingBytes(SmallConfig(window), KvFormat::kF32, chunk), ring * kHeads * kHeadDim * 2 * 4);
  for (std::int64_t at = 0; at < 600; at += chunk) ASSERT_TRUE(cache->Prepare(at, chunk).ok());
  // The ring holds positions 408 .. 599; a token at position p looks back to p - 49.
  EXPECT_EQ(cache->Rewind(600), 600);
  EXPECT_EQ(cache->Rewind(457), 457);
  ASSERT_TRUE(cache->Prepare(457, 10).ok());
  EXPECT_EQ(cache->Rewind(460), 460);
  EXPECT_EQ(cache->Rewind(456), 0);
  // Everything was forgotten, so the count begins again.
  ASSERT_TRUE(cache->Prepare(0, chunk).ok());
  EXPECT_EQ(cache->Rewind(7), 7);
  EXPECT_EQ(cache->Rewind(0), 0);
}

// Reads positions first .. end-1 in chunks, each with its own numbers.
void ReadPositions(KvCache& cache, std::int64_t first, std::int64_t end, std::int64_t chunk) {
  for (std::int64_t at = first; at < end; at += chunk) {
    const std::int64_t count = std::min(chunk, end - at);
    ASSERT_TRUE(cache.Prepare(at, count).ok());
    for (std::int64_t position = at; position < at + count; ++position) {
      Store(cache.layer(0), position);
      Store(cache.layer(1), position);
    }
  }
}

TEST(KvCacheTest, AMarkBringsBackTheWindow) {
  const std::int64_t window = 50;
  for (const std::int64_t chunk : {1, 7, 30}) {
    const KvFormat format = chunk == 7 ? KvFormat::kInt16 : KvFormat::kF32;
    for (const std::int64_t mark : {1, 49, 50, 64, 130, 191, 192, 193, 400}) {
      for (const std::int64_t more : {10, 100, 150, 1000}) {
        auto cache = KvCache::Create(SmallConfig(window), format, chunk);
        ASSERT_TRUE(cache.ok());
        ReadPositions(*cache, 0, mark, chunk);
        cache->Mark(mark);
        for (int round = 0; round < 2; ++round) {
          ReadPositions(*cache, mark, mark + more, chunk);
          ExpectHolds(cache->layer(0), std::max<std::int64_t>(0, mark + more - window + 1), mark + more - 1);
          ASSERT_EQ(cache->Rewind(mark), mark) << "chunk " << chunk << ", " << more << " more";
          ExpectHolds(cache->layer(0), std::max<std::int64_t>(0, mark - window + 1), mark - 1);
          ExpectHolds(cache->layer(1), 0, mark - 1);
        }
      }
    }
  }
}

TEST(KvCacheTest, AMarkServesLaterPositionsAndEndsWithEarlierOnes) {
  auto cache = KvCache::Create(SmallConfig(50), KvFormat::kF32, 30);
  ASSERT_TRUE(cache.ok());
  ReadPositions(*cache, 0, 300, 30);
  const std::size_t before = cache->memory_bytes();
  cache->Mark(300);
  EXPECT_EQ(cache->memory_bytes(), before);
  ReadPositions(*cache, 300, 1000, 30);
  // Beyond the window's pages nothing is set aside: one page of keys and values, or two where it spans them.
  const std::size_t page = kPagePositions * kHeads * kHeadDim * 2 * 4;
  const std::size_t grown = cache->memory_bytes() - before;
  EXPECT_EQ(grown, (1000 + 63) / 64 * page - (300 + 63) / 64 * page + 2 * page);
  EXPECT_EQ(cache->Rewind(990), 990);
  EXPECT_EQ(cache->Rewind(500), 300);
  ExpectHolds(cache->layer(0), 251, 299);
  ReadPositions(*cache, 300, 900, 30);
  EXPECT_EQ(cache->Rewind(299), 0);
  ReadPositions(*cache, 0, 900, 30);
  EXPECT_EQ(cache->Rewind(300), 0);
}

TEST(KvCacheTest, MemoryIsWhatWasSaid) {
  const TextConfig config = SmallConfig(50);
  for (const KvFormat format : kFormats) {
    auto cache = KvCache::Create(config, format, 30);
    ASSERT_TRUE(cache.ok());
    EXPECT_EQ(cache->memory_bytes(), KvCache::RingBytes(config, format, 30));
    ASSERT_TRUE(cache->Prepare(0, 30).ok());
    const auto page = static_cast<std::uint64_t>(kPagePositions) * KvCache::BytesPerPosition(config, format);
    EXPECT_EQ(cache->memory_bytes(), KvCache::RingBytes(config, format, 30) + page);
  }
}

}  // namespace
}  // namespace carat::internal
