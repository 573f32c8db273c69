// Sound files: what is in them comes out, and broken and hostile ones are errors.
#include <gtest/gtest.h>
#include <sndfile.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "carat/media_files.h"

namespace carat {
namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr int kRate = 16000;
constexpr int kFrames = 12000;

std::vector<float> Tones(int channels) {
  std::vector<float> samples;
  for (int i = 0; i < kFrames; ++i) {
    for (int c = 0; c < channels; ++c)
      samples.push_back(0.5f * std::sin(0.03f * static_cast<float>(i * (c + 1))));
  }
  return samples;
}

struct Kind {
  const char* name;
  int format;
  double tolerance;  // of a sample; lossy formats are compared by the energy of the difference
  bool lossy;
};

constexpr Kind kKinds[] = {
    {"wav8", SF_FORMAT_WAV | SF_FORMAT_PCM_U8, 0.01, false},
    {"wav16", SF_FORMAT_WAV | SF_FORMAT_PCM_16, 4e-5, false},
    {"wav24", SF_FORMAT_WAV | SF_FORMAT_PCM_24, 1e-6, false},
    {"wavfloat", SF_FORMAT_WAV | SF_FORMAT_FLOAT, 0, false},
    {"wavex", SF_FORMAT_WAVEX | SF_FORMAT_PCM_16, 4e-5, false},
    {"flac16", SF_FORMAT_FLAC | SF_FORMAT_PCM_16, 4e-5, false},
    {"flac24", SF_FORMAT_FLAC | SF_FORMAT_PCM_24, 1e-6, false},
    {"vorbis", SF_FORMAT_OGG | SF_FORMAT_VORBIS, 0, true},
    {"opus", SF_FORMAT_OGG | SF_FORMAT_OPUS, 0, true},
    {"mp3", SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III, 0, true},
};

// A growing file in memory for libsndfile to write.
struct Target {
  Bytes bytes;
  sf_count_t at = 0;
};

Bytes Encode(const std::vector<float>& samples, int channels, int format) {
  Target target;
  SF_VIRTUAL_IO io = {
      [](void* user) { return static_cast<sf_count_t>(static_cast<Target*>(user)->bytes.size()); },
      [](sf_count_t offset, int whence, void* user) {
        auto& t = *static_cast<Target*>(user);
        t.at =
            offset +
            (whence == SEEK_CUR ? t.at : (whence == SEEK_END ? static_cast<sf_count_t>(t.bytes.size()) : 0));
        return t.at;
      },
      [](void* to, sf_count_t count, void* user) {
        auto& t = *static_cast<Target*>(user);
        const sf_count_t size = std::min(count, static_cast<sf_count_t>(t.bytes.size()) - t.at);
        std::memcpy(to, t.bytes.data() + t.at, static_cast<std::size_t>(size));
        t.at += size;
        return size;
      },
      [](const void* from, sf_count_t count, void* user) {
        auto& t = *static_cast<Target*>(user);
        t.bytes.resize(std::max(t.bytes.size(), static_cast<std::size_t>(t.at + count)));
        std::memcpy(t.bytes.data() + t.at, from, static_cast<std::size_t>(count));
        t.at += count;
        return count;
      },
      [](void* user) { return static_cast<Target*>(user)->at; }};
  SF_INFO info = {};
  info.samplerate = kRate;
  info.channels = channels;
  info.format = format;
  SNDFILE* file = sf_open_virtual(&io, SFM_WRITE, &info, &target);
  EXPECT_NE(file, nullptr) << sf_strerror(nullptr);
  if (file == nullptr) return {};
  const auto frames = static_cast<sf_count_t>(samples.size()) / channels;
  EXPECT_EQ(sf_writef_float(file, samples.data(), frames), frames);
  sf_close(file);
  return target.bytes;
}

TEST(DecodeSoundTest, EveryFormatGivesBackItsSamples) {
  for (const Kind& kind : kKinds) {
    for (const int channels : {1, 2}) {
      SCOPED_TRACE(std::string(kind.name) + ", channels: " + std::to_string(channels));
      const auto samples = Tones(channels);
      const auto sound = DecodeSound(Encode(samples, channels, kind.format));
      ASSERT_TRUE(sound.ok()) << sound.status().ToString();
      EXPECT_EQ(sound->channels, channels);
      EXPECT_EQ(sound->sample_rate, kRate);
      if (!kind.lossy) {
        ASSERT_EQ(sound->samples.size(), samples.size());
        for (std::size_t i = 0; i < samples.size(); ++i)
          ASSERT_NEAR(sound->samples[i], samples[i], kind.tolerance);
        continue;
      }
      // Lossy formats may begin late and end late; their energy is that of the tone.
      EXPECT_GE(sound->samples.size() + 100, samples.size());
      double energy = 0;
      for (const float sample : sound->samples) energy += static_cast<double>(sample) * sample;
      EXPECT_NEAR(energy / static_cast<double>(samples.size()), 0.125, 0.02);
    }
  }
}

TEST(DecodeSoundTest, ManyChannelsBecomeOne) {
  const auto samples = Tones(4);
  const auto sound = DecodeSound(Encode(samples, 4, SF_FORMAT_WAV | SF_FORMAT_FLOAT));
  ASSERT_TRUE(sound.ok());
  EXPECT_EQ(sound->channels, 1);
  ASSERT_EQ(sound->samples.size(), static_cast<std::size_t>(kFrames));
  for (std::size_t i = 0; i < sound->samples.size(); ++i) {
    const float mean = (samples[4 * i] + samples[4 * i + 1] + samples[4 * i + 2] + samples[4 * i + 3]) / 4;
    ASSERT_NEAR(sound->samples[i], mean, 1e-6);
  }
}

struct Broken {
  std::string name;
  Bytes bytes;
};

void AddCutShort(std::vector<Broken>& all) {
  for (const Kind& kind : kKinds) {
    if (std::string(kind.name) == "mp3") continue;  // a stream without an end
    const Bytes whole = Encode(Tones(1), 1, kind.format);
    for (const double part : {0.001, 0.02, 0.3, 0.7, 0.99}) {
      const auto size = static_cast<std::size_t>(part * static_cast<double>(whole.size()));
      all.push_back({std::string(kind.name) + " cut to " + std::to_string(size),
                     Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size))});
    }
  }
}

Bytes WithBytes(Bytes bytes, std::size_t at, const std::vector<std::uint8_t>& changed) {
  std::copy(changed.begin(), changed.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at));
  return bytes;
}

void AddChangedHeaders(std::vector<Broken>& all) {
  const Bytes wav = Encode(Tones(1), 1, SF_FORMAT_WAV | SF_FORMAT_PCM_16);
  all.push_back({"wav without channels", WithBytes(wav, 22, {0, 0})});
  all.push_back({"wav with 65535 channels", WithBytes(wav, 22, {0xff, 0xff})});
  all.push_back({"wav at 0 Hz", WithBytes(wav, 24, {0, 0, 0, 0})});
  all.push_back({"wav of an unknown codec", WithBytes(wav, 20, {0x34, 0x12})});
  all.push_back({"wav with 0 bits", WithBytes(wav, 34, {0, 0})});
  all.push_back({"wav with no WAVE", WithBytes(wav, 8, {'E', 'V', 'A', 'W'})});
  all.push_back({"wav that says it is longer", WithBytes(wav, 4, {0xff, 0xff, 0xff, 0x7f})});
  all.push_back({"wav without data", Bytes(wav.begin(), wav.begin() + 36)});
  const Bytes flac = Encode(Tones(1), 1, SF_FORMAT_FLAC | SF_FORMAT_PCM_16);
  all.push_back({"flac with another magic", WithBytes(flac, 0, {'f', 'L', 'a', 'X'})});
  all.push_back({"flac of rubbish", WithBytes(flac, 60, std::vector<std::uint8_t>(flac.size() - 60, 0xaa))});
  auto not_a_number = Tones(1);
  not_a_number[77] = NAN;
  all.push_back({"a sample that is no number", Encode(not_a_number, 1, SF_FORMAT_WAV | SF_FORMAT_FLOAT)});
  not_a_number[77] = INFINITY;
  all.push_back({"an infinite sample", Encode(not_a_number, 1, SF_FORMAT_WAV | SF_FORMAT_FLOAT)});
}

TEST(DecodeSoundTest, BrokenAndHostileFilesAreErrors) {
  std::vector<Broken> all = {
      {"nothing", {}}, {"one byte", {'R'}}, {"text", Bytes(500, 'x')}, {"zeros", Bytes(5000, 0)}};
  all.push_back({"an AIFF file", Encode(Tones(1), 1, SF_FORMAT_AIFF | SF_FORMAT_PCM_16)});
  all.push_back({"an AU file", Encode(Tones(1), 1, SF_FORMAT_AU | SF_FORMAT_PCM_16)});
  AddCutShort(all);
  AddChangedHeaders(all);
  EXPECT_GE(all.size(), 30u);
  for (const Broken& broken : all) {
    const auto sound = DecodeSound(broken.bytes);
    EXPECT_FALSE(sound.ok()) << broken.name;
    if (!sound.ok()) EXPECT_FALSE(sound.status().message().empty()) << broken.name;
  }
}

// Whatever the bytes say: an answer, and no more samples than the limit.
TEST(DecodeSoundTest, ChangedBytesDoNoHarm) {
  std::mt19937 random(11);
  for (const Kind& kind : kKinds) {
    std::vector<float> samples = Tones(2);
    samples.resize(4000);
    const Bytes whole = Encode(samples, 2, kind.format);
    for (int round = 0; round < 60; ++round) {
      Bytes bytes = whole;
      for (int i = 0; i < 1 + round % 8; ++i) {
        const std::size_t reach = round % 2 == 0 ? std::min<std::size_t>(bytes.size(), 120) : bytes.size();
        bytes[random() % reach] = static_cast<std::uint8_t>(random());
      }
      const auto sound = DecodeSound(bytes, {.max_seconds = 10});
      if (sound.ok()) {
        EXPECT_LE(sound->samples.size(), static_cast<std::size_t>(sound->channels) * 10u *
                                             static_cast<std::size_t>(sound->sample_rate));
      }
    }
  }
}

TEST(DecodeSoundTest, LimitsHold) {
  const Bytes wav = Encode(Tones(1), 1, SF_FORMAT_WAV | SF_FORMAT_PCM_16);
  EXPECT_EQ(DecodeSound(wav, {.max_seconds = 0.5}).status().code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(DecodeSound(wav, {.max_file_bytes = 100}).status().code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(DecodeSound(wav, {.max_seconds = -1}).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(DecodeSound(wav, {.max_seconds = NAN}).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(DecodeSound(wav, {.max_file_bytes = 0}).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(ReadSound("/nonexistent.wav").status().code(), StatusCode::kNotFound);
  EXPECT_EQ(ReadSound("/").status().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace carat
