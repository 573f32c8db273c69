// Packed panels: the blocks of every format come back as they decode, and bits lie where packed.h says.
#include "lib/quant/packed.h"

#include <cstddef>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "lib/quant/block_formats.h"
#include "lib/quant/block_types.h"

namespace carat::internal {
namespace {

constexpr NumberFormat kFormats[] = {NumberFormat::kQ4_0, NumberFormat::kQ4_1,   NumberFormat::kQ5_0,
                                     NumberFormat::kQ5_1, NumberFormat::kQ8_0,   NumberFormat::kQ2_K,
                                     NumberFormat::kQ3_K, NumberFormat::kQ4_K,   NumberFormat::kQ5_K,
                                     NumberFormat::kQ6_K, NumberFormat::kIQ4_NL, NumberFormat::kIQ4_XS};

// Random bytes with finite scales of ordinary size.
std::vector<std::byte> RandomBlocks(std::mt19937& random, NumberFormat format, std::int64_t values) {
  std::vector<std::byte> bytes(BytesOf(format, values));
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
  ChangeHalves(format, bytes, [&](StoredHalf& half) {
    half.high = static_cast<std::uint8_t>((random() & 0x80) | (0x18 + random() % 16));
  });
  return bytes;
}

class PackedPanelTest : public testing::TestWithParam<NumberFormat> {};

TEST_P(PackedPanelTest, RowsUnpackToTheirDecodedValues) {
  const NumberFormat format = GetParam();
  constexpr std::byte kGuard{0xa5};
  constexpr std::int64_t kFirst = 2;
  std::mt19937 random(5);
  for (const std::int64_t blocks : {1, 3, 9}) {
    for (const std::int64_t count : {1, 15, 16, 17, 63, 64}) {
      const std::int64_t k = blocks * LayoutOf(format).values;
      const auto bytes = RandomBlocks(random, format, (kFirst + count) * k);
      const MatrixView weights{bytes.data(), format, kFirst + count, k};
      const auto panel_bytes = static_cast<std::size_t>(PackedPanelBytes(format, k));
      std::vector<std::byte> panel(panel_bytes + 64, kGuard);
      PackPanel(weights, kFirst, count, panel.data());
      for (std::size_t i = panel_bytes; i < panel.size(); ++i) ASSERT_EQ(panel[i], kGuard);

      std::vector<float> unpacked(static_cast<std::size_t>(k)), decoded(unpacked.size());
      for (std::int64_t r = 0; r < kPanelN; ++r) {
        if (r < count) DecodeBlocks(format, weights.row(kFirst + r), k, decoded.data());
        if (r == count) decoded.assign(decoded.size(), 0);
        UnpackRow(format, panel.data(), k, static_cast<int>(r), unpacked.data());
        ASSERT_EQ(unpacked, decoded) << "row " << r << " of " << count << ", " << k << " columns";
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, PackedPanelTest, testing::ValuesIn(kFormats),
                         [](const auto& format) { return std::string(NumberFormatName(format.param)); });

// What a changed bit of row 17's block changes in the panel.
struct BitPlace {
  const char* what;
  NumberFormat format;
  std::size_t block_byte;
  int block_bits;
  std::size_t panel_byte;
  int panel_bits;
};

TEST(PackedPanel, BitsHaveThePlacesThatTheHeaderSays) {
  constexpr std::int64_t kRow = 17;
  constexpr BitPlace kPlaces[] = {
      {"column 21 of 4 bits", NumberFormat::kQ4_0, 7, 0xf0, 325, 0xf0},
      {"column 5 of 4 bits", NumberFormat::kIQ4_NL, 7, 0x0f, 325, 0x0f},
      {"column 21, paired elsewhere than in the panel", NumberFormat::kQ4_K, 37, 0x0f, 581, 0xf0},
      {"fifth bit of column 21", NumberFormat::kQ5_0, 4, 0x20, 581, 0x20},
      {"upper bits of group 3's column 21", NumberFormat::kQ6_K, 149, 0xc0, 5829, 0x0c},
      {"column 21 of 8 bits", NumberFormat::kQ8_0, 23, 0xff, 837, 0xff},
      {"scale", NumberFormat::kQ4_0, 1, 0x01, 1059, 0x01},
      {"minimum", NumberFormat::kQ4_1, 3, 0x01, 1187, 0x01},
      {"super-block minimum", NumberFormat::kQ2_K, 82, 0x01, 162, 0x01},
      {"relative scale of group 3's second half", NumberFormat::kQ2_K, 7, 0x0f, 5201, 0x0f},
      {"relative minimum of group 3's second half", NumberFormat::kQ2_K, 7, 0xf0, 5329, 0x0f},
  };
  for (const BitPlace& place : kPlaces) {
    const std::int64_t k = LayoutOf(place.format).values;
    std::mt19937 random(9);
    auto bytes = RandomBlocks(random, place.format, kPanelN * k);
    const MatrixView weights{bytes.data(), place.format, kPanelN, k};
    std::vector<std::byte> before(static_cast<std::size_t>(PackedPanelBytes(place.format, k))),
        after = before;
    PackPanel(weights, 0, kPanelN, before.data());
    bytes[kRow * weights.row_bytes() + place.block_byte] ^= static_cast<std::byte>(place.block_bits);
    PackPanel(weights, 0, kPanelN, after.data());
    for (std::size_t i = 0; i < before.size(); ++i) {
      const int changed = std::to_integer<int>(before[i] ^ after[i]);
      ASSERT_EQ(changed, i == place.panel_byte ? place.panel_bits : 0)
          << NumberFormatName(place.format) << ", " << place.what << ": byte " << i << " of the panel";
    }
  }
}

TEST(ChangeHalves, VisitsEveryScaleAndMinimumOnce) {
  for (const NumberFormat format : kFormats) {
    std::mt19937 random(7);
    const std::int64_t values = 3 * LayoutOf(format).values;
    auto bytes = RandomBlocks(random, format, values);
    int seen = 0;
    ChangeHalves(format, bytes, [&](StoredHalf& half) {
      half = {};
      ++seen;
    });
    const bool minimums = PackedLayoutOf(format).minimums;
    EXPECT_EQ(seen, minimums ? 6 : 3) << NumberFormatName(format);
    // With all scales zero every value is; a scale that was missed would show.
    std::vector<float> decoded(static_cast<std::size_t>(values), 1);
    DecodeBlocks(format, bytes.data(), values, decoded.data());
    EXPECT_EQ(decoded, std::vector<float>(decoded.size(), 0)) << NumberFormatName(format);
  }
  std::vector<std::byte> single(8);
  ChangeHalves(NumberFormat::kF16, single, [](StoredHalf&) { FAIL() << "float16 values are no scales"; });
}

}  // namespace
}  // namespace carat::internal
