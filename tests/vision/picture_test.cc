// Preparing pictures: the resize rule, every value of resized pictures, patches and positions, hostile sizes.
#include "lib/vision/picture.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "tests/vision/golden.h"

namespace carat::internal {
namespace {

VisionConfig Released() {
  VisionConfig config;
  config.patch_size = 16;
  config.pooling_kernel_size = 3;
  config.position_embedding_size = 10240;
  return config;
}

// CRC-32 as zlib computes it.
std::uint32_t Crc32(const std::uint8_t* data, std::size_t size) {
  std::uint32_t table[256];
  for (std::uint32_t i = 0; i < 256; ++i) {
    table[i] = i;
    for (int bit = 0; bit < 8; ++bit) table[i] = (table[i] >> 1) ^ ((table[i] & 1) != 0 ? 0xedb88320u : 0u);
  }
  std::uint32_t crc = 0xffffffffu;
  for (std::size_t i = 0; i < size; ++i) crc = (crc >> 8) ^ table[(crc ^ data[i]) & 255];
  return crc ^ 0xffffffffu;
}

// The pictures of make_expected_pictures.py.
std::vector<std::uint8_t> MakePicture(std::uint32_t seed, std::uint32_t height, std::uint32_t width,
                                      int kind) {
  std::vector<std::uint8_t> rgb(static_cast<std::size_t>(height) * width * 3);
  for (std::uint32_t i = 0; i < rgb.size(); ++i) {
    std::uint32_t x = i * 2654435761u + seed * 40503u;
    x ^= x >> 16;
    x *= 0x45d9f3bu;
    x ^= x >> 16;
    std::uint32_t value = x & 255;
    if (kind == 1) value = value > 127 ? 255 : 0;
    if (kind == 2) value = i / 3 % width * 200 / width + value / 8;
    rgb[i] = static_cast<std::uint8_t>(value);
  }
  return rgb;
}

ImageView ViewOf(const std::vector<std::uint8_t>& rgb, std::int32_t height, std::int32_t width) {
  return {rgb.data(), width, height, 0};
}

TEST(PreparedSizeTest, FollowsThePublishedTable) {
  struct Row {
    PictureSize from;
    std::int64_t tokens[5];
  };
  const Row rows[] = {{{1920, 1080}, {66, 120, 264, 527, 1100}},
                      {{1000, 1000}, {64, 121, 256, 529, 1089}},
                      {{640, 480}, {63, 130, 266, 540, 1064}},
                      {{5000, 100}, {59, 83, 236, 501, 944}}};
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < kVisionBudgets.size(); ++i) {
      const auto size = PreparedSize(row.from, kVisionBudgets[i], Released());
      ASSERT_TRUE(size.ok()) << size.status().ToString();
      EXPECT_EQ(size->width * size->height / (48 * 48), row.tokens[i])
          << row.from.width << " x " << row.from.height << " at " << kVisionBudgets[i];
      EXPECT_EQ(size->width % 48, 0);
      EXPECT_EQ(size->height % 48, 0);
    }
  }
  EXPECT_EQ(*PreparedSize({1920, 1080}, 280, Released()), (PictureSize{1056, 576}));
}

TEST(PreparedSizeTest, ASideThatWouldVanishBecomesOneRowOfTokens) {
  // floor(long / short) tokens, at most the budget.
  EXPECT_EQ(*PreparedSize({2000, 1}, 560, Released()), (PictureSize{560 * 48, 48}));
  EXPECT_EQ(*PreparedSize({1, 2000}, 70, Released()), (PictureSize{48, 70 * 48}));
  EXPECT_EQ(*PreparedSize({75, 1}, 70, Released()), (PictureSize{70 * 48, 48}));
  EXPECT_EQ(*PreparedSize({kLongestSide, 1}, 1120, Released()), (PictureSize{1120 * 48, 48}));
  for (std::int64_t height = 1; height < 300; ++height) {
    for (std::int64_t width = 1; width < 3000; width += 37) {
      const auto size = PreparedSize({width, height}, 70, Released());
      ASSERT_TRUE(size.ok()) << size.status().ToString();
      ASSERT_LE(size->width * size->height, 70 * 48 * 48);
      ASSERT_GE(size->width, 48);
      ASSERT_GE(size->height, 48);
    }
  }
}

TEST(PreparedSizeTest, RefusesSizesAndBudgetsThatAreNone) {
  for (const PictureSize size : {PictureSize{0, 10}, PictureSize{10, 0}, PictureSize{-1, 10},
                                 PictureSize{kLongestSide + std::int64_t{1}, 10}}) {
    EXPECT_EQ(PreparedSize(size, 280, Released()).status().code(), StatusCode::kInvalidArgument);
  }
  for (const std::int64_t budget : {0, -70, 71, 1121, 2240}) {
    const Status status = PreparedSize({10, 10}, budget, Released()).status();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    EXPECT_NE(status.message().find(std::to_string(budget)), std::string::npos) << status.message();
  }
}

TEST(PreparePictureTest, EqualsTheReferenceInEveryValue) {
  std::ifstream file(std::string(CARAT_VISION_TEST_FILES) + "/expected_pictures.txt");
  const auto work = MakeWork(2);
  VisionConfig config = Released();
  config.position_embedding_size = 53760;
  int pictures = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('#')) continue;
    std::istringstream numbers(line);
    std::uint32_t seed, height, width, crc;
    std::int64_t kind, budget, to_height, to_width;
    ASSERT_TRUE(numbers >> seed >> height >> width >> kind >> budget >> to_height >> to_width >> crc) << line;
    const auto rgb = MakePicture(seed, height, width, static_cast<int>(kind));
    const auto picture =
        PreparePicture(ViewOf(rgb, static_cast<std::int32_t>(height), static_cast<std::int32_t>(width)),
                       budget, config, *work);
    ASSERT_TRUE(picture.ok()) << line << ": " << picture.status().ToString();
    EXPECT_EQ(picture->patches_down * 16, to_height) << line;
    EXPECT_EQ(picture->patches_across * 16, to_width) << line;
    EXPECT_EQ(picture->soft_tokens, to_height * to_width / (48 * 48)) << line;
    EXPECT_EQ(Crc32(picture->pixels.data(), picture->pixels.size()), crc) << line;
    ++pictures;
  }
  EXPECT_EQ(pictures, 64);
}

TEST(PreparePictureTest, EqualsTheGoldenPatches) {
  const auto work = MakeWork(1);
  int pictures = 0;
  for (const char* model : kGoldenModels) {
    const GoldenFile golden(model);
    for (const std::string& name : golden.EndingWith("_patches")) {
      const auto rgb = golden.Read<std::uint8_t>(name + "_rgb");
      const auto patches = golden.Read<std::uint8_t>(name + "_patches");
      const auto positions = golden.Read<std::int32_t>(name + "_positions");
      const std::int64_t budget = patches.size(0) > 70 * 9 ? 140 : 70;
      const auto picture = PreparePicture(ViewOf(rgb), budget, Released(), *work);
      ASSERT_TRUE(picture.ok()) << picture.status().ToString();
      ASSERT_EQ(picture->patches(), patches.size(0));
      ASSERT_EQ(picture->pixels.size(), patches.values.size());
      EXPECT_EQ(std::memcmp(picture->pixels.data(), patches.values.data(), patches.values.size()), 0) << name;
      for (std::int64_t i = 0; i < picture->patches(); ++i) {
        const std::int32_t* expected = positions.values.data() + 2 * i;
        ASSERT_EQ(picture->position(i), (PreparedPicture::Position{expected[0], expected[1]}));
      }
      ++pictures;
    }
  }
  EXPECT_EQ(pictures, 4);
}

TEST(PreparePictureTest, StridesAndThreadsChangeNothing) {
  constexpr std::int32_t kHeight = 211;
  constexpr std::int32_t kWidth = 97;
  constexpr std::int64_t kStride = 3 * kWidth + 13;
  const auto tight = MakePicture(9, kHeight, kWidth, 0);
  std::vector<std::uint8_t> wide(static_cast<std::size_t>(kStride * (kHeight - 1) + 3 * kWidth), 77);
  for (std::int64_t y = 0; y < kHeight; ++y)
    std::memcpy(wide.data() + y * kStride, tight.data() + y * 3 * kWidth, 3 * kWidth);
  const auto expected = PreparePicture(ViewOf(tight, kHeight, kWidth), 280, Released(), *MakeWork(1));
  ASSERT_TRUE(expected.ok());
  for (const int threads : {1, 2, 5}) {
    const ImageView view{wide.data(), kWidth, kHeight, kStride};
    const auto found = PreparePicture(view, 280, Released(), *MakeWork(threads));
    ASSERT_TRUE(found.ok());
    ASSERT_EQ(found->pixels.size(), expected->pixels.size());
    EXPECT_EQ(std::memcmp(found->pixels.data(), expected->pixels.data(), expected->pixels.size()), 0);
  }
}

TEST(PreparePictureTest, ARightSizeIsNotResampled) {
  const auto rgb = MakePicture(3, 384, 384, 1);
  const auto picture = PreparePicture(ViewOf(rgb, 384, 384), 70, Released(), *MakeWork(1));
  ASSERT_TRUE(picture.ok());
  for (std::int64_t y = 0; y < 384; ++y) {
    for (std::int64_t x = 0; x < 384 * 3; ++x) {
      const std::uint8_t found = picture->patch(y / 16 * 24 + x / 48)[y % 16 * 48 + x % 48];
      ASSERT_EQ(found, rgb[static_cast<std::size_t>(y * 384 * 3 + x)]);
    }
  }
}

TEST(PreparePictureTest, ExtremeShapesStayWithinMemory) {
  const std::vector<std::uint8_t> line(std::size_t{3} * 2000000, 200);
  VisionConfig config = Released();
  for (const PictureSize size : {PictureSize{2000000, 1}, PictureSize{1, 2000000}}) {
    const ImageView view{line.data(), static_cast<std::int32_t>(size.width),
                         static_cast<std::int32_t>(size.height), 0};
    config.position_embedding_size = 1 << 20;
    const auto picture = PreparePicture(view, 1120, config, *MakeWork(2));
    ASSERT_TRUE(picture.ok()) << picture.status().ToString();
    EXPECT_EQ(picture->soft_tokens, 1120);
    EXPECT_NEAR(picture->patch(500)[100], 200, 1);
    config.position_embedding_size = 3359;
    const Status status = PreparePicture(view, 1120, config, *MakeWork(2)).status();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    EXPECT_NE(status.message().find("3360 patches"), std::string::npos) << status.message();
  }
}

TEST(PreparePictureTest, RefusesViewsThatCannotBe) {
  const std::vector<std::uint8_t> pixels(300, 1);
  const auto work = MakeWork(1);
  const ImageView views[] = {{nullptr, 10, 10, 0},         {pixels.data(), 0, 10, 0},
                             {pixels.data(), 10, -1, 0},   {pixels.data(), 10, 10, 29},
                             {pixels.data(), 10, 10, -30}, {pixels.data(), 10, 10, std::int64_t{1} << 62}};
  for (const ImageView& view : views) {
    EXPECT_EQ(PreparePicture(view, 280, Released(), *work).status().code(), StatusCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace carat::internal
