// What comes in: formats, channels, lengths, rates, and what is refused.
#include "lib/audio/sound.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numbers>
#include <string>
#include <vector>

#include "lib/audio/resampler.h"
#include "tests/audio/golden_file.h"

namespace carat::internal {
namespace {

constexpr SoundFormat kMono{16000, 1};

void ExpectRefused(const Status& status, const std::string& part) {
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_NE(status.message().find(part), std::string::npos) << status.message();
}

const TestEncoder& Encoder() {
  static const TestEncoder encoder = MakeEncoder("tiny-e2b");
  return encoder;
}

TEST(SoundTest, SixteenBitSamplesAreTheSameAsFloats) {
  std::vector<std::int16_t> shorts(24000);
  std::vector<float> floats(shorts.size());
  const std::vector<float> sound = TestSound(24000, 16000);
  for (std::size_t i = 0; i < shorts.size(); ++i) {
    shorts[i] = static_cast<std::int16_t>(std::lround(sound[i] * 32000));
    floats[i] = static_cast<float>(shorts[i]) / 32768.0f;
  }
  shorts[5] = -32768;
  floats[5] = -1;
  const auto a = Encoder()->Encode(SoundView(std::span<const std::int16_t>(shorts), kMono));
  const auto b = Encoder()->Encode(SoundView(std::span<const float>(floats), kMono));
  ASSERT_TRUE(a.ok() && b.ok());
  EXPECT_EQ(a->count, 38);
  EXPECT_EQ(a->values, b->values);
}

TEST(SoundTest, ChannelsAreAveraged) {
  const std::vector<float> left = TestSound(16000, 16000, 3);
  const std::vector<float> right = TestSound(16000, 16000, 4);
  std::vector<float> both(32000), mean(16000);
  for (std::size_t i = 0; i < left.size(); ++i) {
    both[2 * i] = left[i];
    both[2 * i + 1] = right[i];
    mean[i] = 0.5f * (left[i] + right[i]);
  }
  const auto a = Encoder()->Features(SoundView(std::span<const float>(both), SoundFormat{16000, 2}));
  const auto b = Encoder()->Features(SoundView(std::span<const float>(mean), kMono));
  ASSERT_TRUE(a.ok() && b.ok());
  EXPECT_EQ(a->valid, 99);
  EXPECT_EQ(a->mel, b->mel);
}

// A tone of 1 kHz at other rates is the tone at 16 kHz within 1e-5, but for the first and last 20 ms, where
// the filter meets the silence around the clip.
TEST(SoundTest, ResampledTone) {
  for (const std::int64_t rate : {8000, 11025, 22050, 32000, 44100, 48000, 96000}) {
    SCOPED_TRACE(rate);
    const auto tone = [](std::int64_t i, std::int64_t at) {
      return 0.5 * std::sin(2 * std::numbers::pi * 1000 * static_cast<double>(i) / static_cast<double>(at));
    };
    std::vector<float> samples(static_cast<std::size_t>(rate) + 7), output;
    for (std::size_t i = 0; i < samples.size(); ++i) {
      samples[i] = static_cast<float>(tone(static_cast<std::int64_t>(i), rate));
    }
    auto resampler = Resampler::Create(rate, 16000);
    ASSERT_TRUE(resampler.ok());
    ASSERT_TRUE(resampler->Append(samples, output).ok());
    ASSERT_TRUE(resampler->Finish(output).ok());
    const std::int64_t count = (rate + 7) * 16000 / rate;
    ASSERT_EQ(output.size(), count);
    double error = 0;
    for (std::int64_t i = 320; i < count - 320; ++i) {
      error = std::max(error, std::abs(output[i] - tone(i, 16000)));
    }
    EXPECT_LT(error, 1e-5);
  }
}

// What lies above 8 kHz must not come back as something else.
TEST(SoundTest, ResamplingRemovesWhatCannotBeHeard) {
  std::vector<float> samples(48000), output;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    samples[i] =
        static_cast<float>(0.5 * std::sin(2 * std::numbers::pi * 9500 * static_cast<double>(i) / 48000));
  }
  auto resampler = Resampler::Create(48000, 16000);
  ASSERT_TRUE(resampler->Append(samples, output).ok());
  for (std::size_t i = 320; i < output.size() - 320; ++i) ASSERT_LT(std::abs(output[i]), 1e-5f);
}

// The features of 48 kHz sound are those of the same sound at 16 kHz, where there is sound at all.
TEST(SoundTest, FeaturesHardlyDependOnTheRate) {
  const std::vector<float> at16 = TestSound(16000, 16000, 9);
  std::vector<float> at48, back;
  auto up = Resampler::Create(16000, 48000);
  ASSERT_TRUE(up->Append(at16, at48).ok() && up->Finish(at48).ok());
  ASSERT_EQ(at48.size(), 48000U);
  const auto a = Encoder()->Features(SoundView(std::span<const float>(at16), kMono));
  const auto b = Encoder()->Features(SoundView(std::span<const float>(at48), SoundFormat{48000, 1}));
  ASSERT_TRUE(a.ok() && b.ok());
  ASSERT_EQ(a->frames, b->frames);
  double error = 0;
  for (std::int64_t frame = 3; frame < a->valid - 3; ++frame) {
    for (std::int64_t bin = 0; bin < 110; ++bin) {  // the highest ones lie where the filter falls off
      error = std::max(error,
                       std::abs(static_cast<double>(a->mel[frame * 128 + bin]) - b->mel[frame * 128 + bin]));
    }
  }
  EXPECT_LT(error, 2e-2);
}

TEST(SoundTest, Lengths) {
  const std::vector<float> sound = TestSound(481601, 16000);
  const auto encode = [&](std::size_t count) {
    return Encoder()->Encode(SoundView(std::span(sound).first(count), kMono));
  };
  ExpectRefused(encode(0).status(), "no samples");
  ExpectRefused(encode(1).status(), "needs at least");
  ExpectRefused(encode(160).status(), "0.01 s, but a token needs at least 0.01006 s");
  const auto shortest = encode(161);
  ASSERT_TRUE(shortest.ok()) << shortest.status().ToString();
  EXPECT_EQ(shortest->count, 1);
  const auto second = encode(16000);
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(second->count, 25);
  const auto longest = encode(480000);
  ASSERT_TRUE(longest.ok()) << longest.status().ToString();
  EXPECT_EQ(longest->count, 750);
  // Up to 0.1 s more is dropped.
  for (const std::size_t count : {480001, 481600}) {
    const auto longer = encode(count);
    ASSERT_TRUE(longer.ok()) << longer.status().ToString();
    EXPECT_EQ(longer->values, longest->values);
  }
  ExpectRefused(encode(481601).status(), "at most 30 s at once (480000 samples)");
}

TEST(SoundTest, CountTokensSaysWhatEncodeMakes) {
  for (const std::int64_t rate : {8000, 16000, 44100}) {
    const std::vector<float> sound = TestSound(rate * 2, rate);
    for (const std::int64_t frames : {rate / 50, rate / 7, rate, rate + 333, 2 * rate - 1}) {
      const SoundFormat format{rate, 1};
      const auto count = Encoder()->CountTokens(frames, format);
      ASSERT_TRUE(count.ok());
      const auto tokens =
          Encoder()->Encode(SoundView(std::span(sound).first(static_cast<std::size_t>(frames)), format));
      ASSERT_TRUE(tokens.ok());
      EXPECT_EQ(*count, tokens->count);
      EXPECT_EQ(tokens->values.size(), static_cast<std::size_t>(tokens->count * tokens->width));
    }
  }
  ExpectRefused(Encoder()->CountTokens(44100 * 30 + 4411, {44100, 1}).status(), "at most 30 s");
  EXPECT_EQ(*Encoder()->CountTokens(44100 * 30 + 4410, {44100, 1}), 750);
  EXPECT_EQ(*Encoder()->CountTokens(44100 * 30, {44100, 1}), 750);
  ExpectRefused(Encoder()->CountTokens(std::numeric_limits<std::int64_t>::max(), {44100, 1}).status(),
                "30 s");
}

TEST(SoundTest, WrongFormatsAreRefused) {
  const std::vector<float> sound = TestSound(16000, 16000);
  const auto encode = [&](std::int64_t rate, std::int64_t channels) {
    return Encoder()->Encode(SoundView(std::span<const float>(sound), SoundFormat{rate, channels})).status();
  };
  for (const std::int64_t rate : {std::int64_t{0}, std::int64_t{-16000}, std::int64_t{999},
                                  std::int64_t{768001}, std::numeric_limits<std::int64_t>::max()}) {
    ExpectRefused(encode(rate, 1), "must lie in 1000 .. 768000");
  }
  for (const std::int64_t channels : {0, -1, 3, 6})
    ExpectRefused(encode(16000, channels), "must have 1 or 2");
  const auto odd = Encoder()->Encode(SoundView(std::span(sound).first(15999), SoundFormat{16000, 2}));
  ExpectRefused(odd.status(), "15999 samples, which do not divide among 2 channels");
}

TEST(SoundTest, WhatIsNoSampleIsRefused) {
  for (const float value : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                            -std::numeric_limits<float>::infinity()}) {
    std::vector<float> sound = TestSound(16000, 16000);
    sound[12345] = value;
    const SoundView view(std::span<const float>(sound), kMono);
    ExpectRefused(Encoder()->Encode(view).status(), "sample 12345");
    ExpectRefused(Encoder()->Features(view).status(), "sample 12345");
    ExpectRefused(CutAtQuietPlaces(view, 8000).status(), "sample 12345");
  }
  std::vector<float> loud = TestSound(16000, 16000);
  for (float& sample : loud) sample *= 32768;
  ExpectRefused(Encoder()->Encode(SoundView(std::span<const float>(loud), kMono)).status(), "16-bit");
}

// Silence is sound.
TEST(SoundTest, Silence) {
  const std::vector<float> silence(16000);
  const auto features = Encoder()->Features(SoundView(std::span<const float>(silence), kMono));
  ASSERT_TRUE(features.ok());
  EXPECT_FLOAT_EQ(features->mel[0], std::log(0.001f));
  const auto tokens = Encoder()->Encode(SoundView(std::span<const float>(silence), kMono));
  ASSERT_TRUE(tokens.ok());
  for (const float value : tokens->values) ASSERT_TRUE(std::isfinite(value));
}

}  // namespace
}  // namespace carat::internal
