// Sound files: what is in them comes out, whatever their headers say about their length.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "carat/media_files.h"
#include "tests/media/wav_file.h"

namespace carat {
namespace {

using testing::Append;
using testing::AppendNumber;
using testing::AppendText;
using testing::Bytes;
using testing::FormatChunk;
using testing::Tone;
using testing::WavChunk;
using testing::WavData;
using testing::WavFile;
using testing::WavFormat;

const std::string kFolder = CARAT_MEDIA_TEST_FILES;

Bytes ReadBytes(const std::string& name) {
  std::ifstream file(kFolder + "/" + name, std::ios::binary);
  EXPECT_TRUE(file.good()) << name;
  return Bytes(std::istreambuf_iterator<char>(file), {});
}

struct Expected {
  std::string name;
  std::int32_t rate = 0;
  std::int32_t channels = 0;
  std::size_t frames = 0;
  double energy = 0;  // the sum of all squares
};

std::vector<Expected> AllSounds() {
  std::vector<Expected> all;
  std::ifstream file(kFolder + "/sounds/expected.txt");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('#')) continue;
    std::istringstream words(line);
    Expected one;
    words >> one.name >> one.rate >> one.channels >> one.frames >> one.energy;
    all.push_back(one);
  }
  EXPECT_EQ(all.size(), 38u);
  return all;
}

double Energy(const Sound& sound) {
  double energy = 0;
  for (const float sample : sound.samples) energy += static_cast<double>(sample) * sample;
  return energy;
}

void ExpectSamples(const Result<Sound>& sound, const std::vector<double>& samples, double tolerance) {
  ASSERT_TRUE(sound.ok()) << sound.status().ToString();
  ASSERT_EQ(sound->samples.size(), samples.size());
  for (std::size_t i = 0; i < samples.size(); ++i) ASSERT_NEAR(sound->samples[i], samples[i], tolerance) << i;
}

void ExpectError(const Bytes& file, StatusCode code, const std::string& message) {
  const auto sound = DecodeSound(file);
  EXPECT_EQ(sound.status().code(), code) << message;
  EXPECT_EQ(sound.status().message(), message);
}

// ---- Compressed files

TEST(DecodeSoundTest, EveryFileIsHeardWhole) {
  for (const Expected& expected : AllSounds()) {
    SCOPED_TRACE(expected.name);
    const auto sound = DecodeSound(ReadBytes("sounds/" + expected.name));
    ASSERT_TRUE(sound.ok()) << sound.status().ToString();
    EXPECT_EQ(sound->sample_rate, expected.rate);
    EXPECT_EQ(sound->channels, expected.channels);
    EXPECT_EQ(sound->samples.size(), expected.frames * static_cast<std::size_t>(expected.channels));
    EXPECT_NEAR(Energy(*sound) / expected.energy, 1, 0.001);
  }
}

TEST(DecodeSoundTest, SamplesAreClipped) {
  for (const char* name : {"hostile/mp3_prints.mp3", "hostile/vorbis_ok.ogg"}) {
    const auto sound = DecodeSound(ReadBytes(name));
    ASSERT_TRUE(sound.ok()) << sound.status().ToString();
    const auto [least, most] = std::minmax_element(sound->samples.begin(), sound->samples.end());
    EXPECT_GE(*least, -1.0f);
    EXPECT_LE(*most, 1.0f);
  }
}

TEST(DecodeSoundTest, FilesCutShortAreErrors) {
  int errors = 0;
  for (const Expected& expected : AllSounds()) {
    const bool is_mpeg = expected.name.find(".mp") != std::string::npos;  // a stream without an end
    if (is_mpeg || expected.name == "flac_without_total.flac") continue;
    const Bytes whole = ReadBytes("sounds/" + expected.name);
    // Less than what stands in the first part of a joined file.
    const bool is_joined =
        expected.name.find("joined") != std::string::npos || expected.name == "flac_tagged.flac";
    for (const double part : {0.001, 0.02, 0.3, 0.7, 0.99}) {
      const auto size =
          static_cast<std::size_t>(part * static_cast<double>(whole.size()) * (is_joined ? 0.49 : 1));
      EXPECT_FALSE(DecodeSound(std::span(whole).first(size)).ok()) << expected.name << " cut to " << size;
      ++errors;
    }
  }
  EXPECT_EQ(errors, 15 * 5);
}

TEST(DecodeSoundTest, AnMp3FileThatIsCutInAFrameAndSaysMoreIsAnError) {
  ExpectError(ReadBytes("hostile/xing_cut.mp3"), StatusCode::kDataLoss,
              "the MP3 file is cut short: its header says 49536 samples, but it has 13824");
}

// Frames of layer II whose header says that channels are apart up to a band beyond the last: plain stereo.
TEST(DecodeSoundTest, JointStereoBeyondTheLastBandIsPlainStereo) {
  Bytes joint = ReadBytes("sounds/layer2_joint.mp2");
  const std::size_t frame_bytes = 288;  // at 96 kbit/s and 48 kHz
  Bytes plain = joint;
  for (std::size_t at = 0; at < joint.size(); at += frame_bytes) {
    ASSERT_EQ(joint[at], 0xff);
    joint[at + 3] = static_cast<std::uint8_t>(joint[at + 3] | 0x30);
    plain[at + 3] = static_cast<std::uint8_t>(plain[at + 3] & 0x0f);
  }
  const auto from_joint = DecodeSound(joint);
  const auto from_plain = DecodeSound(plain);
  ASSERT_TRUE(from_joint.ok() && from_plain.ok());
  EXPECT_EQ(from_joint->channels, 2);
  EXPECT_EQ(from_joint->samples, from_plain->samples);
}

TEST(DecodeSoundTest, ADamagedOggPageIsAnError) {
  ExpectError(ReadBytes("hostile/ogg_vorbis_leak.ogg"), StatusCode::kDataLoss,
              "the Ogg file is damaged: the page at byte 58 has another checksum than it says");
}

// ---- WAV

Bytes SimpleWav(const WavFormat& format, const std::vector<double>& samples) {
  return WavFile({FormatChunk(format), WavChunk("data", WavData(samples, format))});
}

TEST(WavTest, EveryFormatGivesBackItsSamples) {
  struct Kind {
    WavFormat format;
    double tolerance;
  };
  const Kind kinds[] = {{{.bits = 8}, 0.004},
                        {{.bits = 16}, 1.6e-5},
                        {{.bits = 24}, 1e-7},
                        {{.bits = 32}, 6e-8},
                        {{.tag = 3, .bits = 32}, 6e-8},
                        {{.tag = 3, .bits = 64}, 6e-8},
                        {{.bits = 16, .extensible = true}, 1.6e-5},
                        {{.bits = 24, .extensible = true}, 1e-7},
                        {{.tag = 3, .bits = 32, .extensible = true}, 6e-8},
                        {{.bits = 20, .extensible = true}, 1e-6},
                        {{.bits = 24, .extensible = true, .container_bytes = 4}, 1e-7}};
  for (const Kind& kind : kinds) {
    for (const int channels : {1, 2}) {
      SCOPED_TRACE(std::to_string(kind.format.tag) + ", bits: " + std::to_string(kind.format.bits));
      WavFormat format = kind.format;
      format.channels = channels;
      format.rate = 22050;
      const auto samples = Tone(5000, channels);
      const auto sound = DecodeSound(SimpleWav(format, samples));
      ExpectSamples(sound, samples, kind.tolerance);
      EXPECT_EQ(sound->channels, channels);
      EXPECT_EQ(sound->sample_rate, 22050);
    }
  }
}

// The values of ITU-T G.711, of 14 and 13 bits.
TEST(WavTest, ALawAndMuLaw) {
  const Bytes codes = {0x80, 0x81, 0x8f, 0x90, 0xff, 0x00, 0x0f, 0x7f, 0xd5, 0x55};
  const std::vector<double> mu_law = {32124, 31100, 16764, 15996, 0, -32124, -16764, 0, 716, -716};
  const std::vector<double> a_law = {5504, 5248, 6784, 2752, 848, -5504, -6784, -848, 8, -8};
  for (const int tag : {6, 7}) {
    const Bytes file = WavFile({FormatChunk({.tag = tag, .rate = 8000, .bits = 8}), WavChunk("data", codes)});
    std::vector<double> expected = tag == 6 ? a_law : mu_law;
    for (double& value : expected) value /= 32768;
    ExpectSamples(DecodeSound(file), expected, 1e-7);
  }
}

TEST(WavTest, ManyChannelsBecomeOne) {
  const auto samples = Tone(3000, 4);
  std::vector<double> mean;
  for (std::size_t i = 0; i < samples.size(); i += 4)
    mean.push_back((samples[i] + samples[i + 1] + samples[i + 2] + samples[i + 3]) / 4);
  const auto sound = DecodeSound(SimpleWav({.tag = 3, .channels = 4, .bits = 32}, samples));
  ExpectSamples(sound, mean, 1e-6);
  EXPECT_EQ(sound->channels, 1);
}

TEST(WavTest, FloatsBeyondOneAreClippedAndFarBeyondAnError) {
  ExpectSamples(DecodeSound(SimpleWav({.tag = 3, .bits = 32}, {0.5, 1.5, -7})), {0.5, 1, -1}, 0);
  ExpectError(SimpleWav({.tag = 3, .bits = 32}, {0, 32767}), StatusCode::kDataLoss,
              "sample 1 of the WAV file is 32767, but float samples lie in [-1, 1]");
  ExpectError(SimpleWav({.tag = 3, .bits = 64}, {0, 0, -INFINITY}), StatusCode::kDataLoss,
              "sample 2 of the WAV file is -inf, which is no number");
  ExpectError(ReadBytes("hostile/float_1e30.wav"), StatusCode::kDataLoss,
              "sample 1 of the WAV file is 1e+30, but float samples lie in [-1, 1]");
}

TEST(WavTest, TheDataChunkDecidesAndNotTheHeader) {
  const auto samples = Tone(1000, 1);
  const Bytes format = FormatChunk({});
  const Bytes data = WavChunk("data", WavData(samples, {}));
  for (const std::int64_t size : {0L, 1L, 36L, 2037L, 2038L, 0x7ffff024L, 0x7fffffffL, 0xffffffffL})
    ExpectSamples(DecodeSound(WavFile({format, data}, size)), samples, 2e-5);
  // What is behind the data is no sound.
  const Bytes list = WavChunk("LIST", Bytes(77, 9));
  ExpectSamples(DecodeSound(WavFile({format, data, list})), samples, 2e-5);
  Bytes rubbish = WavFile({format, data});
  AppendText(rubbish, "TAG and more");
  ExpectSamples(DecodeSound(rubbish), samples, 2e-5);
}

TEST(WavTest, LengthsThatWereUnknownMeanTheRest) {
  const auto samples = Tone(1000, 1);
  const Bytes content = WavData(samples, {});
  for (const std::int64_t size :
       {0L, 0xffffffffL, 0xfffffffeL, 0xffffffdbL, 0x7ffff000L, 0x7fffeffeL, 0x7fffffffL, 0x80000000L}) {
    SCOPED_TRACE(size);
    ExpectSamples(DecodeSound(WavFile({FormatChunk({}), WavChunk("data", content, size)})), samples, 2e-5);
  }
  // Length 0 before other chunks is the truth.
  ExpectError(WavFile({FormatChunk({}), WavChunk("data", {}), WavChunk("LIST", Bytes(8, 1))}),
              StatusCode::kDataLoss, "the file holds no sound");
  ExpectError(WavFile({FormatChunk({}), WavChunk("data", {})}), StatusCode::kDataLoss,
              "the file holds no sound");
}

TEST(WavTest, ADataChunkThatEndsEarlyIsSaid) {
  const Bytes content = WavData(Tone(1000, 1), {});
  ExpectError(WavFile({FormatChunk({}), WavChunk("data", content, 4000)}), StatusCode::kDataLoss,
              "the WAV file is cut short: its data chunk says 4000 bytes, but has 2000");
  ExpectError(WavFile({FormatChunk({}), WavChunk("data", content, 2002)}), StatusCode::kDataLoss,
              "the WAV file is cut short: its data chunk says 2002 bytes, but has 2000");
  // A part of a frame is no sound.
  ExpectSamples(DecodeSound(WavFile({FormatChunk({}), WavChunk("data", content, 2001)})), Tone(1000, 1),
                2e-5);
}

TEST(WavTest, OtherChunksAreLeftOut) {
  const auto samples = Tone(100, 1);
  const Bytes data = WavChunk("data", WavData(samples, {}));
  const std::vector<Bytes> before = {
      WavChunk("JUNK", Bytes(28, 0)), WavChunk("bext", Bytes(603, 7)), FormatChunk({}),
      WavChunk("fact", Bytes(4, 1)),  WavChunk("LIST", Bytes(33, 2)),  data};
  ExpectSamples(DecodeSound(WavFile(before)), samples, 2e-5);
  // The byte that makes an odd size even is forgotten.
  Bytes odd = WavChunk("LIST", Bytes(33, 2));
  odd.pop_back();
  ExpectSamples(DecodeSound(WavFile({FormatChunk({}), odd, data})), samples, 2e-5);
  ExpectError(WavFile({data, FormatChunk({})}), StatusCode::kDataLoss,
              "the WAV file's data chunk comes before its format chunk");
  ExpectError(WavFile({FormatChunk({}), WavChunk("LIST", Bytes(8, 2))}), StatusCode::kDataLoss,
              "the WAV file is cut short: it ends before a data chunk");
  ExpectError(WavFile({FormatChunk({}), WavChunk("LIST", Bytes(8, 2), 99)}), StatusCode::kDataLoss,
              "the WAV file is cut short, or broken: a chunk before its data says 99 bytes, but has 8");
}

TEST(WavTest, ForgottenSizeBeforeSilence) {
  std::vector<double> samples(64, 0.0);
  for (const double sample : Tone(936, 1)) samples.push_back(sample);
  const Bytes content = WavData(samples, {});
  ExpectSamples(DecodeSound(WavFile({FormatChunk({}), WavChunk("data", content, 0)})), samples, 2e-5);
  const std::vector<double> silence(1000, 0.0);
  ExpectSamples(DecodeSound(WavFile({FormatChunk({}), WavChunk("data", WavData(silence, {}), 0)})), silence,
                0);
}

TEST(WavTest, LargeFileForms) {
  const auto samples = Tone(500, 1);
  const Bytes content = WavData(samples, {});
  Bytes sizes;
  AppendNumber(sizes, 0, 8);
  AppendNumber(sizes, content.size(), 8);
  AppendNumber(sizes, 500, 8);
  AppendNumber(sizes, 0, 4);
  for (const char* riff : {"RF64", "BW64"}) {
    const std::vector<Bytes> chunks = {WavChunk("ds64", sizes), FormatChunk({}),
                                       WavChunk("data", content, 0xffffffffL), WavChunk("LIST", Bytes(8, 1))};
    ExpectSamples(DecodeSound(WavFile(chunks, 0xffffffffL, riff)), samples, 2e-5);
  }
  // Wave64: ids of 16 bytes, sizes of 8 that count both.
  const std::string_view rest("\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a", 12);
  Bytes file;
  AppendText(file, std::string_view("riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00", 16));
  AppendNumber(file, 0, 8);
  AppendText(file, "wave");
  AppendText(file, rest);
  const Bytes format = FormatChunk({});
  AppendText(file, "fmt ");
  AppendText(file, rest);
  AppendNumber(file, 24 + 16, 8);
  Append(file, Bytes(format.begin() + 8, format.end()));
  AppendText(file, "data");
  AppendText(file, rest);
  AppendNumber(file, 24 + content.size(), 8);
  Append(file, content);
  ExpectSamples(DecodeSound(file), samples, 2e-5);
  file.resize(file.size() - 100);
  ExpectError(file, StatusCode::kDataLoss,
              "the WAV file is cut short: its data chunk says 1000 bytes, but has 900");
}

TEST(WavTest, MpegInside) {
  const Bytes mp3 = ReadBytes("sounds/cbr_no_header.mp3");
  const auto sound = DecodeSound(WavFile({FormatChunk({.tag = 0x55, .bits = 0}), WavChunk("data", mp3)}));
  ASSERT_TRUE(sound.ok()) << sound.status().ToString();
  EXPECT_EQ(sound->samples.size(), 14400u);
}

TEST(WavTest, FormatsThatCannotBe) {
  const Bytes data = WavChunk("data", Bytes(100, 1));
  const auto expect = [&](const WavFormat& format, StatusCode code, const char* message) {
    ExpectError(WavFile({FormatChunk(format), data}), code, message);
  };
  expect({.channels = 0}, StatusCode::kDataLoss, "the WAV file says 0 channels");
  expect({.channels = 65}, StatusCode::kDataLoss,
         "the file says 65 channels at 16000 samples a second, but carat takes 1 to 64 channels at 1 to "
         "10000000");
  expect({.rate = 0}, StatusCode::kDataLoss,
         "the file says 1 channels at 0 samples a second, but carat takes 1 to 64 channels at 1 to 10000000");
  expect({.bits = 0}, StatusCode::kDataLoss, "the WAV file says samples of 0 bits in frames of 0 bytes");
  expect({.bits = 64}, StatusCode::kDataLoss, "the WAV file says samples of 64 bits in frames of 8 bytes");
  expect({.tag = 3, .bits = 16}, StatusCode::kDataLoss,
         "the WAV file says samples of 16 bits in frames of 2 bytes");
  expect({.tag = 0x11, .bits = 4}, StatusCode::kUnimplemented,
         "the WAV file holds sound of codec 0x0011; carat reads integers, floats, A-law, mu-law and MP3");
  ExpectError(WavFile({WavChunk("fmt ", Bytes(14, 1)), data}), StatusCode::kDataLoss,
              "the WAV file's format chunk has 14 bytes, but needs 16");
}

// ---- What is no sound, limits and damage

TEST(DecodeSoundTest, OtherFilesAreNamed) {
  const std::pair<std::string, const char*> files[] = {{std::string("\0\0\0\x20"
                                                                    "ftypM4A ",
                                                                    12),
                                                        "an M4A (AAC) sound"},
                                                       {std::string("\0\0\0\x20"
                                                                    "ftypisom",
                                                                    12),
                                                        "an MP4 file"},
                                                       {"\x1a\x45\xdf\xa3....", "a WebM or Matroska file"},
                                                       {"FORM....AIFF", "an AIFF sound"},
                                                       {".snd........", "an AU sound"},
                                                       {"\xff\xf1\x50\x80....", "an AAC sound"},
                                                       {"#!AMR\n......", "an AMR sound"},
                                                       {"\x89PNG\r\n\x1a\n", "a PNG picture"}};
  for (const auto& [content, name] : files) {
    ExpectError(Bytes(content.begin(), content.end()), StatusCode::kUnimplemented,
                "the file is " + std::string(name) + ": carat reads WAV, FLAC, OGG and MP3");
  }
  ExpectError({}, StatusCode::kDataLoss, "the file is empty");
  for (const Bytes& file : {Bytes{'R'}, Bytes(500, 'x'), Bytes(5000, 0), Bytes(5000, 0xff)})
    ExpectError(file, StatusCode::kUnimplemented, "the file is none of WAV, FLAC, OGG and MP3");
}

// Whatever the bytes say: an answer, and no more samples than the limit.
TEST(DecodeSoundTest, ChangedBytesDoNoHarm) {
  std::mt19937 random(11);
  const SoundFileOptions options = {.max_seconds = 10, .max_samples = 1 << 20};
  for (const Expected& expected : AllSounds()) {
    const Bytes whole = ReadBytes("sounds/" + expected.name);
    for (int round = 0; round < 60; ++round) {
      Bytes bytes = whole;
      for (int i = 0; i < 1 + round % 8; ++i) {
        const std::size_t reach = round % 2 == 0 ? std::min<std::size_t>(bytes.size(), 120) : bytes.size();
        bytes[random() % reach] = static_cast<std::uint8_t>(random());
      }
      const auto sound = DecodeSound(bytes, options);
      if (!sound.ok()) continue;
      ASSERT_LE(sound->samples.size(), std::size_t{1} << 20);
      for (const float sample : sound->samples) ASSERT_LE(std::abs(sample), 1.0f);
    }
  }
}

TEST(DecodeSoundTest, LimitsHold) {
  const Bytes wav = SimpleWav({}, Tone(12000, 1));
  const auto expect = [&](const SoundFileOptions& options, StatusCode code, const char* message) {
    const Status status = DecodeSound(wav, options).status();
    EXPECT_EQ(status.code(), code) << message;
    EXPECT_EQ(status.message(), message);
  };
  expect({.max_seconds = 0.5}, StatusCode::kResourceExhausted,
         "the sound is longer than the 0.5 seconds of max_seconds");
  expect({.max_samples = 11999}, StatusCode::kResourceExhausted,
         "the sound has more than the 11999 samples of max_samples");
  expect({.max_file_bytes = 100}, StatusCode::kResourceExhausted,
         "the file has 24044 bytes, but max_file_bytes is 100");
  expect({.max_seconds = -1}, StatusCode::kInvalidArgument, "max_seconds is -1, but must be above 0");
  expect({.max_seconds = NAN}, StatusCode::kInvalidArgument, "max_seconds is nan, but must be above 0");
  expect({.max_file_bytes = 0}, StatusCode::kInvalidArgument, "max_file_bytes is 0, but must be at least 1");
  expect({.max_samples = 0}, StatusCode::kInvalidArgument, "max_samples is 0, but must be at least 1");
  EXPECT_TRUE(DecodeSound(wav, {.max_seconds = 0.75, .max_samples = 12000}).ok());
  for (const char* name :
       {"cbr_no_header.mp3", "vorbis.ogg", "opus.opus", "flac16.flac", "chained_rates.ogg", "flac.oga"}) {
    const Bytes file = ReadBytes(std::string("sounds/") + name);
    EXPECT_EQ(DecodeSound(file, {.max_seconds = 0.4}).status().code(), StatusCode::kResourceExhausted)
        << name;
    EXPECT_EQ(DecodeSound(file, {.max_samples = 3000}).status().code(), StatusCode::kResourceExhausted)
        << name;
  }
}

}  // namespace
}  // namespace carat
