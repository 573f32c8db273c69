// A clip that is fed piece by piece gives the same bits as the whole; so does any number of threads.
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <cstdio>
#include <random>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "lib/base/cpu.h"
#include "tests/audio/golden_file.h"
#include "tests/audio/random_tower.h"

namespace carat::internal {
namespace {

// Pieces of random sizes; `most` bounds them.
template <typename Sample>
std::vector<float> Streamed(const AudioEncoder& encoder, const std::vector<Sample>& samples,
                            const SoundFormat& format, std::size_t most, unsigned seed) {
  std::mt19937 random(seed);
  auto stream = encoder.OpenStream(format);
  EXPECT_TRUE(stream.ok());
  const auto channels = static_cast<std::size_t>(format.channels);
  std::vector<float> early;
  for (std::size_t at = 0; at < samples.size();) {
    const std::size_t wanted = std::uniform_int_distribution<std::size_t>(0, most)(random) * channels;
    const std::size_t size = std::min(wanted, samples.size() - at);
    const Status status = (*stream)->Append(std::span(samples).subspan(at, size));
    EXPECT_TRUE(status.ok()) << status.ToString();
    at += size;
    const auto ready = (*stream)->soft_tokens();
    EXPECT_GE(ready.size(), early.size());
    EXPECT_TRUE(std::equal(early.begin(), early.end(), ready.begin()));  // what was finished stays
    early.assign(ready.begin(), ready.end());
  }
  EXPECT_EQ((*stream)->frames(), static_cast<std::int64_t>(samples.size() / channels));
  EXPECT_TRUE((*stream)->Finish().ok());
  const auto all = (*stream)->soft_tokens();
  return {all.begin(), all.end()};
}

TEST(AudioStreamTest, PiecesEqualTheWhole) {
  const TestEncoder encoder = MakeEncoder("tiny-e2b");
  for (const std::int64_t rate : {16000, 44100}) {
    for (const std::int64_t count : {rate / 3, 5 * rate, 9 * rate + 123}) {
      SCOPED_TRACE(count);
      const SoundFormat format{rate, 1};
      const std::vector<float> sound = TestSound(count, rate);
      const auto whole = encoder->Encode(SoundView(std::span<const float>(sound), format));
      ASSERT_TRUE(whole.ok());
      EXPECT_EQ(Streamed(*encoder.encoder, sound, format, 700, 1), whole->values);
      EXPECT_EQ(Streamed(*encoder.encoder, sound, format, 50000, 2), whole->values);
    }
  }
}

TEST(AudioStreamTest, StereoAndSixteenBits) {
  const TestEncoder encoder = MakeEncoder("tiny-e4b");
  const SoundFormat format{22050, 2};
  std::vector<std::int16_t> sound;
  for (const float value : TestSound(100000, 22050))
    sound.push_back(static_cast<std::int16_t>(value * 20000));
  const auto whole = encoder->Encode(SoundView(std::span<const std::int16_t>(sound), format));
  ASSERT_TRUE(whole.ok());
  EXPECT_EQ(Streamed(*encoder.encoder, sound, format, 900, 3), whole->values);
}

// A tower that is large enough for 16-bit products.
AudioConfig MiddleSize() {
  AudioConfig config = FullSizeAudio();
  config.hidden_size = 512;
  config.layers = 2;
  config.attention_heads = 4;
  config.second_channels = 16;
  config.output_size = 512;
  return config;
}

TEST(AudioStreamTest, LargeTower) {
  const AudioConfig config = MiddleSize();
  const RandomAudioWeights weights(config, 96);
  const SoundFormat format{16000, 1};
  const std::vector<float> sound = TestSound(16000 * 4 + 777, 16000);
  const SoundView view(std::span<const float>(sound), format);
  const RandomTower exact(config, weights, 2, MatMulPrecision::kFloat32);
  const auto expected = exact->Encode(view);
  ASSERT_TRUE(expected.ok());
  EXPECT_EQ(expected->count, 101);
  EXPECT_EQ(Streamed(*exact.operator->(), sound, format, 3000, 4), expected->values);

  // The fast ways: integers of 16 bits, and bf16.
  for (const auto& [set, most] :
       {std::pair{InstructionSet::kAvx2, 2e-3}, std::pair{InstructionSet::kAvx512Bf16, 4e-2}}) {
    if (!CpuSupports(set)) continue;
    std::vector<float> first;
    for (const int threads : {1, 2, 4}) {
      const RandomTower fast(config, weights, threads, MatMulPrecision::kAuto, set);
      const auto whole = fast->Encode(view);
      ASSERT_TRUE(whole.ok());
      if (threads == 1) first = whole->values;
      EXPECT_EQ(whole->values, first);
      if (threads == 2) EXPECT_EQ(Streamed(*fast.operator->(), sound, format, 3000, 5), first);
    }
    const double error = RelativeDifference(first, expected->values);
    EXPECT_LT(error, most);
    EXPECT_GT(error, most / 1000) << "these products should not be the float32 ones";
    printf("%s: %.2e\n", std::string(InstructionSetName(set)).c_str(), error);
  }
}

TEST(AudioStreamTest, ThreadsChangeNothing) {
  const std::vector<float> sound = TestSound(60000, 16000);
  const SoundView view(std::span<const float>(sound), SoundFormat{16000, 1});
  std::vector<float> first;
  for (const int threads : {1, 2, 4}) {
    const TestEncoder encoder = MakeEncoder("tiny-e2b", threads);
    const auto tokens = encoder->Encode(view);
    ASSERT_TRUE(tokens.ok());
    if (threads == 1) first = tokens->values;
    EXPECT_EQ(tokens->values, first);
  }
}

TEST(AudioStreamTest, SeveralThreadsUseOneEncoder) {
  const TestEncoder encoder = MakeEncoder("tiny-e2b");
  std::vector<std::vector<float>> alone;
  for (unsigned i = 0; i < 3; ++i) {
    const std::vector<float> sound = TestSound(40000 + 5000 * i, 16000, i);
    alone.push_back(encoder->Encode(SoundView(std::span<const float>(sound), SoundFormat{16000, 1}))->values);
  }
  std::vector<std::thread> threads;
  std::atomic<int> equal{0};
  for (unsigned i = 0; i < 3; ++i) {
    threads.emplace_back([&, i] {
      const std::vector<float> sound = TestSound(40000 + 5000 * i, 16000, i);
      const auto tokens = encoder->Encode(SoundView(std::span<const float>(sound), SoundFormat{16000, 1}));
      if (tokens.ok() && tokens->values == alone[i]) ++equal;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(equal, 3);
}

// The tower never looks ahead of a token's own frames: what follows changes nothing.
TEST(AudioStreamTest, LaterSoundChangesNoFinishedToken) {
  const TestEncoder encoder = MakeEncoder("tiny-e2b");
  std::vector<float> sound = TestSound(16000 * 8, 16000);
  const auto before = encoder->Encode(SoundView(std::span<const float>(sound), SoundFormat{16000, 1}));
  for (std::size_t i = 16000 * 5; i < sound.size(); ++i) sound[i] = -sound[i] * 0.3f;
  const auto after = encoder->Encode(SoundView(std::span<const float>(sound), SoundFormat{16000, 1}));
  const auto kept = static_cast<std::size_t>(124 * before->width);  // up to 4.96 s
  EXPECT_TRUE(std::equal(before->values.begin(), before->values.begin() + kept, after->values.begin()));
  EXPECT_NE(before->values, after->values);
}

TEST(AudioStreamTest, Refusals) {
  const TestEncoder encoder = MakeEncoder("tiny-e2b");
  EXPECT_EQ(encoder->OpenStream({100, 1}).status().code(), StatusCode::kInvalidArgument);
  auto stream = encoder->OpenStream({16000, 1});
  ASSERT_TRUE(stream.ok());
  EXPECT_EQ((*stream)->Finish().code(), StatusCode::kInvalidArgument);  // nothing was said yet
  const std::vector<float> sound = TestSound(480000, 16000);
  ASSERT_TRUE((*stream)->Append(std::span(sound).first(479990)).ok());
  std::vector<float> bad(5, std::nanf(""));
  EXPECT_EQ((*stream)->Append(std::span<const float>(bad)).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ((*stream)->Append(std::span(sound).first(1611)).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ((*stream)->frames(), 479990);  // neither was appended
  ASSERT_TRUE((*stream)->Append(std::span(sound).subspan(479990)).ok());
  // Up to 0.1 s more is dropped.
  ASSERT_TRUE((*stream)->Append(std::span(sound).first(1000)).ok());
  ASSERT_TRUE((*stream)->Append(std::span(sound).first(600)).ok());
  EXPECT_EQ((*stream)->Append(std::span(sound).first(1)).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ((*stream)->frames(), 480000);
  ASSERT_TRUE((*stream)->Finish().ok());
  EXPECT_EQ((*stream)->count(), 750);
  const auto whole = encoder->Encode(SoundView(std::span<const float>(sound), SoundFormat{16000, 1}));
  const auto all = (*stream)->soft_tokens();
  EXPECT_EQ(std::vector<float>(all.begin(), all.end()), whole->values);
  EXPECT_EQ((*stream)->Finish().code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ((*stream)->Append(std::span(sound).first(1)).code(), StatusCode::kFailedPrecondition);
}

TEST(AudioStreamTest, Cancelled) {
  const TestEncoder encoder = MakeEncoder("tiny-e2b");
  const std::vector<float> sound = TestSound(16000 * 6, 16000);
  const std::atomic<bool> cancel{true};
  AudioEncodeOptions options;
  options.cancel = &cancel;
  const SoundView view(std::span<const float>(sound), SoundFormat{16000, 1});
  EXPECT_EQ(encoder->Encode(view, options).status().code(), StatusCode::kCancelled);
  auto stream = encoder->OpenStream({16000, 1});
  EXPECT_EQ((*stream)->Append(std::span<const float>(sound), &cancel).code(), StatusCode::kCancelled);
  EXPECT_EQ((*stream)->Append(std::span<const float>(sound)).code(), StatusCode::kFailedPrecondition);
  EXPECT_TRUE(encoder->Encode(view).ok());  // the encoder is as before
}

}  // namespace
}  // namespace carat::internal
