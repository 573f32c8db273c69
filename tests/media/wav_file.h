// WAV files that a test puts together byte by byte.
#ifndef CARAT_TESTS_MEDIA_WAV_FILE_H_
#define CARAT_TESTS_MEDIA_WAV_FILE_H_

#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace carat::testing {

using Bytes = std::vector<std::uint8_t>;

inline void AppendText(Bytes& to, std::string_view text) {
  to.insert(to.end(), text.begin(), text.end());
}

inline void AppendNumber(Bytes& to, std::uint64_t value, int size) {
  for (int i = 0; i < size; ++i) to.push_back(static_cast<std::uint8_t>(value >> 8 * i));
}

inline void Append(Bytes& to, const Bytes& bytes) {
  to.insert(to.end(), bytes.begin(), bytes.end());
}

// A chunk with its size, or with the size that it is to say; odd ones are padded.
inline Bytes WavChunk(std::string_view id, const Bytes& content, std::int64_t says = -1) {
  Bytes chunk;
  AppendText(chunk, id);
  AppendNumber(chunk, says < 0 ? content.size() : static_cast<std::uint64_t>(says), 4);
  Append(chunk, content);
  if (content.size() % 2 != 0) chunk.push_back(0);
  return chunk;
}

struct WavFormat {
  int tag = 1;  // 1 integers, 3 floats, 6 A-law, 7 mu-law
  int channels = 1;
  int rate = 16000;
  int bits = 16;
  bool extensible = false;
  int container_bytes = 0;  // of a sample, if not as many as the bits need
};

inline Bytes FormatChunk(const WavFormat& format) {
  const int bytes = format.container_bytes != 0 ? format.container_bytes : (format.bits + 7) / 8;
  Bytes content;
  AppendNumber(content, static_cast<std::uint64_t>(format.extensible ? 0xfffe : format.tag), 2);
  AppendNumber(content, static_cast<std::uint64_t>(format.channels), 2);
  AppendNumber(content, static_cast<std::uint64_t>(format.rate), 4);
  AppendNumber(content, static_cast<std::uint64_t>(format.rate) * format.channels * bytes, 4);
  AppendNumber(content, static_cast<std::uint64_t>(format.channels * bytes), 2);
  AppendNumber(content, static_cast<std::uint64_t>(bytes * 8), 2);
  if (format.extensible) {
    AppendNumber(content, 22, 2);
    AppendNumber(content, static_cast<std::uint64_t>(format.bits), 2);
    AppendNumber(content, 0, 4);
    AppendNumber(content, static_cast<std::uint64_t>(format.tag), 2);
    AppendText(content, std::string_view("\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71", 14));
  } else if (format.tag != 1) {
    AppendNumber(content, 0, 2);
  }
  return WavChunk("fmt ", content);
}

// A file of these chunks; the header says `riff_size`, or the truth.
inline Bytes WavFile(const std::vector<Bytes>& chunks, std::int64_t riff_size = -1,
                     std::string_view riff = "RIFF") {
  Bytes body;
  AppendText(body, "WAVE");
  for (const Bytes& chunk : chunks) Append(body, chunk);
  Bytes file;
  AppendText(file, riff);
  AppendNumber(file, riff_size < 0 ? body.size() : static_cast<std::uint64_t>(riff_size), 4);
  Append(file, body);
  return file;
}

inline std::vector<double> Tone(int frames, int channels) {
  std::vector<double> samples;
  for (int i = 0; i < frames; ++i) {
    for (int c = 0; c < channels; ++c) samples.push_back(0.5 * std::sin(0.03 * i * (c + 1)));
  }
  return samples;
}

// Samples as this format stores them; A-law and mu-law are not encoded here.
inline Bytes WavData(const std::vector<double>& samples, const WavFormat& format) {
  Bytes data;
  const int bytes = format.container_bytes != 0 ? format.container_bytes : (format.bits + 7) / 8;
  for (const double sample : samples) {
    if (format.tag == 3) {
      std::uint64_t raw = 0;
      const auto narrow = static_cast<float>(sample);
      if (bytes == 4) std::memcpy(&raw, &narrow, sizeof(narrow));
      if (bytes == 8) std::memcpy(&raw, &sample, sizeof(sample));
      AppendNumber(data, raw, bytes);
    } else if (bytes == 1) {
      AppendNumber(data, static_cast<std::uint64_t>(std::llround(sample * 128) + 128), 1);
    } else {
      AppendNumber(data, static_cast<std::uint64_t>(std::llround(sample * std::ldexp(1.0, 8 * bytes - 1))),
                   bytes);
    }
  }
  return data;
}

}  // namespace carat::testing

#endif  // CARAT_TESTS_MEDIA_WAV_FILE_H_
