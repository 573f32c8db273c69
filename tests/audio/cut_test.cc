// Long recordings are cut where it is quiet.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "lib/audio/audio.h"
#include "tests/audio/golden_file.h"

namespace carat::internal {
namespace {

// Sound with silences of half a second around these moments.
std::vector<float> WithPauses(double seconds, std::int64_t rate, const std::vector<double>& moments) {
  std::vector<float> sound = TestSound(static_cast<std::int64_t>(seconds * static_cast<double>(rate)), rate);
  for (float& sample : sound) sample += 0.01f;  // never quiet by chance
  for (const double moment : moments) {
    const auto from = static_cast<std::size_t>((moment - 0.25) * static_cast<double>(rate));
    const auto to = static_cast<std::size_t>((moment + 0.25) * static_cast<double>(rate));
    std::fill(sound.begin() + from, sound.begin() + to, 0.0f);
  }
  return sound;
}

void ExpectWhole(const std::vector<SoundPiece>& pieces, std::int64_t frames, std::int64_t longest) {
  std::int64_t at = 0;
  for (const SoundPiece& piece : pieces) {
    EXPECT_EQ(piece.first, at);
    EXPECT_GT(piece.count, 0);
    EXPECT_LE(piece.count, longest);
    at += piece.count;
  }
  EXPECT_EQ(at, frames);
}

TEST(CutTest, InThePauses) {
  for (const std::int64_t rate : {8000, 16000}) {
    const std::vector<float> sound = WithPauses(95, rate, {10, 22, 45, 50, 68, 80});
    const auto pieces =
        CutAtQuietPlaces(SoundView(std::span<const float>(sound), SoundFormat{rate, 1}), 30 * rate);
    ASSERT_TRUE(pieces.ok());
    ExpectWhole(*pieces, 95 * rate, 30 * rate);
    ASSERT_EQ(pieces->size(), 4U);
    const double expected[] = {22, 50, 80};
    for (std::size_t i = 0; i < 3; ++i) {
      const double cut = static_cast<double>((*pieces)[i + 1].first) / static_cast<double>(rate);
      EXPECT_NEAR(cut, expected[i], 0.25) << i;
    }
  }
}

TEST(CutTest, WithoutPauses) {
  const std::vector<float> loud(16000 * 100, 0.5f);
  const auto pieces =
      CutAtQuietPlaces(SoundView(std::span<const float>(loud), SoundFormat{16000, 1}), 480000);
  ASSERT_TRUE(pieces.ok());
  ExpectWhole(*pieces, 1600000, 480000);
  EXPECT_EQ(pieces->size(), 4U);  // as long as can be
}

// A recording that is some milliseconds too long, as those of lossy formats are, gives no piece of
// milliseconds.
TEST(CutTest, ALittleTooLong) {
  for (const std::int64_t rate : {8000, 44100}) {
    for (const double beyond : {0.0001, 0.005, 0.07, 0.4, 0.6, 14.0}) {
      const auto frames = 30 * rate + std::llround(std::ceil(beyond * static_cast<double>(rate)));
      std::vector<float> sound(static_cast<std::size_t>(frames), 0.5f);
      // The quietest place is where the limit is.
      std::fill(sound.begin() + 29 * rate + rate / 2, sound.begin() + 30 * rate, 0.0f);
      const auto pieces =
          CutAtQuietPlaces(SoundView(std::span<const float>(sound), SoundFormat{rate, 1}), 30 * rate);
      ASSERT_TRUE(pieces.ok());
      ExpectWhole(*pieces, frames, 30 * rate);
      ASSERT_EQ(pieces->size(), 2U) << beyond;
      for (const SoundPiece& piece : *pieces) EXPECT_GE(piece.count, rate / 2) << beyond;
    }
  }
}

TEST(CutTest, ShortOrNothing) {
  const std::vector<float> sound = TestSound(480000, 16000);
  const auto one = CutAtQuietPlaces(SoundView(std::span<const float>(sound), SoundFormat{16000, 1}), 480000);
  ASSERT_TRUE(one.ok());
  ASSERT_EQ(one->size(), 1U);
  EXPECT_EQ((*one)[0].count, 480000);
  const auto none = CutAtQuietPlaces(SoundView(std::span<const float>(), SoundFormat{16000, 1}), 480000);
  ASSERT_TRUE(none.ok());
  EXPECT_TRUE(none->empty());
  const auto stereo =
      CutAtQuietPlaces(SoundView(std::span<const float>(sound), SoundFormat{16000, 2}), 48000);
  ASSERT_TRUE(stereo.ok());
  ExpectWhole(*stereo, 240000, 48000);
}

TEST(CutTest, Refusals) {
  const std::vector<float> sound = TestSound(16000, 16000);
  const SoundView view(std::span<const float>(sound), SoundFormat{16000, 1});
  EXPECT_EQ(CutAtQuietPlaces(view, 0).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(CutAtQuietPlaces(view, -5).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(CutAtQuietPlaces(view, 1599).status().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace carat::internal
