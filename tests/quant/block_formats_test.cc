// The number formats: decoding and rounding against vectors.bin (see make_vectors.py), and what must hold for
// every block.
#include "lib/quant/block_formats.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace carat::internal {
namespace {

constexpr NumberFormat kFormats[] = {
    NumberFormat::kF32,  NumberFormat::kF16,    NumberFormat::kBF16,   NumberFormat::kQ4_0,
    NumberFormat::kQ4_1, NumberFormat::kQ5_0,   NumberFormat::kQ5_1,   NumberFormat::kQ8_0,
    NumberFormat::kQ2_K, NumberFormat::kQ3_K,   NumberFormat::kQ4_K,   NumberFormat::kQ5_K,
    NumberFormat::kQ6_K, NumberFormat::kIQ4_NL, NumberFormat::kIQ4_XS,
};

enum RecordKind : std::uint32_t { kDecode = 0, kEncode = 1, kError = 2, kValues = 3 };

struct Record {
  std::uint32_t kind;
  NumberFormat format;
  std::vector<std::byte> bytes;
  std::vector<float> values;
};

std::vector<Record> ReadRecords() {
  std::ifstream file(CARAT_QUANT_VECTORS, std::ios::binary);
  std::vector<Record> records;
  std::uint32_t head[4];
  while (file.read(reinterpret_cast<char*>(head), sizeof(head))) {
    Record record{head[0], kFormats[head[1]], std::vector<std::byte>(head[3]), std::vector<float>(head[2])};
    file.read(reinterpret_cast<char*>(record.bytes.data()),
              static_cast<std::streamsize>(record.bytes.size()));
    file.read(reinterpret_cast<char*>(record.values.data()),
              static_cast<std::streamsize>(4 * record.values.size()));
    records.push_back(std::move(record));
  }
  return records;
}

std::vector<std::byte> Encoded(NumberFormat format, const std::vector<float>& values) {
  std::vector<std::byte> bytes(BytesOf(format, static_cast<std::int64_t>(values.size())));
  EncodeBlocks(format, values.data(), static_cast<std::int64_t>(values.size()), bytes.data());
  return bytes;
}

std::vector<float> Decoded(NumberFormat format, const std::vector<std::byte>& bytes) {
  const BlockLayout layout = LayoutOf(format);
  std::vector<float> values(bytes.size() / static_cast<std::size_t>(layout.bytes) *
                            static_cast<std::size_t>(layout.values));
  DecodeBlocks(format, bytes.data(), static_cast<std::int64_t>(values.size()), values.data());
  return values;
}

bool SameBits(float a, float b) {
  return (std::isnan(a) && std::isnan(b)) || std::memcmp(&a, &b, sizeof(a)) == 0;
}

double RootMeanSquareError(NumberFormat format, const std::vector<float>& values) {
  const std::vector<float> decoded = Decoded(format, Encoded(format, values));
  double sum = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double difference = static_cast<double>(decoded[i]) - static_cast<double>(values[i]);
    sum += difference * difference;
  }
  return std::sqrt(sum / static_cast<double>(values.size()));
}

std::vector<float> NormalValues(std::size_t count, float size, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, size);
  std::vector<float> values(count);
  for (float& value : values) value = normal(random);
  return values;
}

TEST(BlockFormats, RandomBytesDecodeAsElsewhere) {
  int seen = 0;
  for (const Record& record : ReadRecords()) {
    if (record.kind != kDecode) continue;
    ++seen;
    const std::vector<float> found = Decoded(record.format, record.bytes);
    ASSERT_EQ(found.size(), record.values.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
      ASSERT_TRUE(SameBits(found[i], record.values[i]))
          << NumberFormatName(record.format) << " value " << i << ": expected " << record.values[i]
          << ", found " << found[i];
    }
  }
  EXPECT_EQ(seen, 15);
}

TEST(BlockFormats, SimpleFormatsEncodeToTheSameBytesAsElsewhere) {
  int seen = 0;
  for (const Record& record : ReadRecords()) {
    if (record.kind != kEncode) continue;
    ++seen;
    const std::vector<std::byte> found = Encoded(record.format, record.values);
    ASSERT_EQ(found.size(), record.bytes.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
      ASSERT_EQ(found[i], record.bytes[i]) << NumberFormatName(record.format) << " byte " << i;
    }
  }
  EXPECT_EQ(seen, 7);
}

TEST(BlockFormats, SearchedFormatsLeaveNoMoreErrorThanTheCustomaryEncoder) {
  const std::vector<Record> records = ReadRecords();
  const auto weights =
      std::find_if(records.begin(), records.end(), [](const Record& r) { return r.kind == kValues; });
  ASSERT_NE(weights, records.end());
  int seen = 0;
  for (const Record& record : records) {
    if (record.kind != kError) continue;
    ++seen;
    double customary;
    ASSERT_EQ(record.bytes.size(), sizeof(customary));
    std::memcpy(&customary, record.bytes.data(), sizeof(customary));
    EXPECT_LE(RootMeanSquareError(record.format, weights->values), customary)
        << NumberFormatName(record.format);
  }
  EXPECT_EQ(seen, 7);
}

TEST(BlockFormats, MoreBitsLeaveLessError) {
  const std::vector<float> values = NormalValues(4096, 1, 3);
  constexpr NumberFormat kByPrecision[] = {NumberFormat::kQ2_K, NumberFormat::kQ3_K, NumberFormat::kQ4_K,
                                           NumberFormat::kQ5_K, NumberFormat::kQ6_K, NumberFormat::kQ8_0,
                                           NumberFormat::kBF16, NumberFormat::kF16,  NumberFormat::kF32};
  double before = 1;
  for (const NumberFormat format : kByPrecision) {
    const double error = RootMeanSquareError(format, values);
    EXPECT_LT(error, before) << NumberFormatName(format);
    before = error;
  }
  EXPECT_EQ(before, 0);
}

TEST(BlockFormats, ZerosStayZeros) {
  for (const NumberFormat format : kFormats) {
    const std::vector<float> decoded = Decoded(format, Encoded(format, std::vector<float>(512, 0.0f)));
    for (const float value : decoded) ASSERT_EQ(value, 0) << NumberFormatName(format);
  }
}

// What came from an encoder is on the lattice, and stays where it is: a second round changes nothing.
TEST(BlockFormats, EncodingADecodedBlockGivesTheBlock) {
  for (const NumberFormat format : {NumberFormat::kQ4_0, NumberFormat::kQ5_0, NumberFormat::kQ8_0,
                                    NumberFormat::kF16, NumberFormat::kBF16}) {
    // Down to where the scales are too small for float16, and up to where they are too large.
    for (const float size : {1e-9f, 3e-7f, 1e-4f, 0.02f, 1.0f, 5e4f, 1e7f}) {
      if (format == NumberFormat::kF16 && size > 1) continue;
      const std::vector<std::byte> once = Encoded(format, NormalValues(8192, size, 7));
      EXPECT_EQ(Encoded(format, Decoded(format, once)), once) << NumberFormatName(format) << " at " << size;
    }
  }
}

TEST(BlockFormats, ValuesThatAreNotFiniteCountAsZero) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  std::vector<float> values = NormalValues(512, 1, 9), zeroed = values;
  const float bad[] = {kInfinity, -kInfinity, std::nanf("")};
  for (std::size_t i = 0; i < values.size(); i += 37) {
    values[i] = bad[i % 3];
    zeroed[i] = 0;
  }
  for (const NumberFormat format : kFormats) {
    EXPECT_EQ(Encoded(format, values), Encoded(format, zeroed)) << NumberFormatName(format);
  }
}

TEST(BlockFormats, ExtremeValuesDecodeToFiniteOnes) {
  constexpr float kLargest = std::numeric_limits<float>::max();
  std::mt19937 random(11);
  std::uniform_int_distribution<int> pick(0, 5);
  const float extremes[] = {kLargest, -kLargest, 1e-45f, -1e-38f, 1, 0};
  for (int round = 0; round < 50; ++round) {
    std::vector<float> values(256);
    for (float& value : values) value = extremes[pick(random)];
    for (const NumberFormat format : kFormats) {
      // bfloat16 has no room between its largest value and infinity to round to.
      if (format == NumberFormat::kBF16) continue;
      for (const float value : Decoded(format, Encoded(format, values))) {
        ASSERT_TRUE(std::isfinite(value)) << NumberFormatName(format);
      }
    }
  }
}

TEST(BlockFormats, BytesNeedNoAlignment) {
  for (const NumberFormat format : kFormats) {
    const std::vector<float> values = NormalValues(512, 1, 13);
    const std::vector<std::byte> bytes = Encoded(format, values);
    std::vector<std::byte> shifted(bytes.size() + 1);
    EncodeBlocks(format, values.data(), 512, shifted.data() + 1);
    ASSERT_TRUE(std::equal(bytes.begin(), bytes.end(), shifted.begin() + 1));
    std::vector<float> decoded(512);
    DecodeBlocks(format, shifted.data() + 1, 512, decoded.data());
    EXPECT_EQ(decoded, Decoded(format, bytes)) << NumberFormatName(format);
  }
}

// Every one of the 65536 float16 values survives; everything between rounds to the nearer, ties to even.
TEST(Float16, RoundsToNearestEven) {
  for (std::uint32_t bits = 0; bits < 0x7c00; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    const float value = Float16ToFloat(half);
    ASSERT_EQ(FloatToFloat16(value), half);
    ASSERT_EQ(FloatToFloat16(-value), half | 0x8000);
    const float next = bits + 1 < 0x7c00 ? Float16ToFloat(static_cast<std::uint16_t>(bits + 1)) : 65536.0f;
    const float middle = (value + next) / 2;
    ASSERT_EQ(FloatToFloat16(middle), bits % 2 == 0 ? bits : bits + 1) << middle;
    ASSERT_EQ(FloatToFloat16(std::nextafter(middle, 0.0f)), bits) << middle;
    ASSERT_EQ(FloatToFloat16(std::nextafter(middle, 1e9f)), bits + 1) << middle;
  }
  EXPECT_EQ(FloatToFloat16(std::numeric_limits<float>::infinity()), 0x7c00);
  EXPECT_EQ(FloatToFloat16(1e9f), 0x7c00);
  EXPECT_TRUE(std::isnan(Float16ToFloat(FloatToFloat16(std::nanf("")))));
}

}  // namespace
}  // namespace carat::internal
