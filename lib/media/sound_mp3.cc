// MPEG audio, layers I to III, by libmpg123, frame by frame.
#include <mpg123.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <memory>

#include "lib/base/error.h"
#include "lib/media/sound_decoders.h"

namespace carat::internal {
namespace {

struct DeleteParameters {
  void operator()(mpg123_pars* parameters) const { mpg123_delete_pars(parameters); }
};
struct DeleteDecoder {
  void operator()(mpg123_handle* decoder) const { mpg123_delete(decoder); }
};
using Decoder = std::unique_ptr<mpg123_handle, DeleteDecoder>;

struct Source {
  FileBytes file;
  std::size_t at = 0;
};

ssize_t OnRead(void* user, void* to, std::size_t size) {
  auto& source = *static_cast<Source*>(user);
  size = std::min(size, source.file.size() - source.at);
  std::memcpy(to, source.file.data() + source.at, size);
  source.at += size;
  return static_cast<ssize_t>(size);
}

// The file is a stream: what is behind its end, or how long it says to be, is not asked for.
off_t OnSeek(void*, off_t, int) {
  return -1;
}

Decoder NewDecoder() {
  int error = 0;
  const std::unique_ptr<mpg123_pars, DeleteParameters> parameters(mpg123_new_pars(&error));
  if (parameters == nullptr) return nullptr;
  // Quiet before anything else happens. GAPLESS would cut the sound to the length that a header says.
  constexpr long kFlags = MPG123_QUIET | MPG123_FORCE_FLOAT | MPG123_SKIP_ID3V2;
  if (mpg123_par(parameters.get(), MPG123_FLAGS, kFlags, 0) != MPG123_OK ||
      mpg123_par(parameters.get(), MPG123_INDEX_SIZE, 0, 0) != MPG123_OK ||
      mpg123_par(parameters.get(), MPG123_RESYNC_LIMIT, -1, 0) != MPG123_OK)
    return nullptr;
  return Decoder(mpg123_parnew(parameters.get(), nullptr, &error));
}

// A frame's header.
struct Header {
  int layer = 0;
  bool is_mpeg1 = false;
  bool is_mono = false;
  std::int64_t rate = 0;
  std::size_t bytes = 0;  // of the whole frame; 0 if the header does not say (free format)
  std::int64_t samples = 0;
  // Layer II in joint stereo whose channels are apart up to a band that the frame does not have: plain
  // stereo. libmpg123 prints a line when it decodes such a frame.
  bool is_plain_stereo = false;
};

constexpr std::size_t kHeaderBytes = 4;

// ISO 11172-3, table 3-B.2: at these rates a stereo frame has 8 bands, or 12.
bool IsPlainStereo(const std::uint8_t* bytes, const Header& header) {
  constexpr int kJointStereo = 1;
  if (header.layer != 2 || !header.is_mpeg1 || bytes[3] >> 6 != kJointStereo) return false;
  const int bit_rate = bytes[2] >> 4;
  const int bands = bit_rate == 0 || bit_rate > 6 ? 27 : (header.rate == 32000 ? 12 : 8);
  const int apart = 4 * (bytes[3] >> 4 & 3) + 4;
  return apart > bands;
}

// False if there is no header at `at`.
bool ReadHeader(FileBytes file, std::size_t at, Header& header) {
  static constexpr std::uint16_t kKilobits[2][3][15] = {
      {{0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256},
       {0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160},
       {0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160}},
      {{0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448},
       {0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384},
       {0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320}}};
  constexpr std::int64_t kRates[] = {44100, 48000, 32000};
  if (at > file.size() || file.size() - at < kHeaderBytes || file[at] != 0xff || file[at + 1] < 0xe0)
    return false;
  const int version = file[at + 1] >> 3 & 3;  // 0: 2.5, 2: 2, 3: 1
  const int layer = 4 - (file[at + 1] >> 1 & 3);
  const int bit_rate = file[at + 2] >> 4;
  const int rate = file[at + 2] >> 2 & 3;
  if (version == 1 || layer == 4 || bit_rate == 15 || rate == 3) return false;
  header.layer = layer;
  header.is_mpeg1 = version == 3;
  header.is_mono = file[at + 3] >> 6 == 3;
  header.rate = kRates[rate] >> (version == 3 ? 0 : (version == 2 ? 1 : 2));
  header.samples = layer == 1 ? 384 : (layer == 3 && !header.is_mpeg1 ? 576 : 1152);
  const std::int64_t bits = std::int64_t{1000} * kKilobits[header.is_mpeg1 ? 1 : 0][layer - 1][bit_rate];
  const bool padded = (file[at + 2] & 2) != 0;
  const std::int64_t slot = layer == 1 ? 4 : 1;
  const std::int64_t slots = header.samples / 8 / slot * bits / header.rate + (padded ? 1 : 0);
  header.bytes = bits == 0 ? 0 : static_cast<std::size_t>(slots * slot);
  header.is_plain_stereo = IsPlainStereo(file.data() + at, header);
  return true;
}

// Whether a frame begins here: two headers that fit together, or one that the file ends with.
bool IsFrame(FileBytes file, std::size_t at) {
  Header first;
  Header second;
  if (!ReadHeader(file, at, first)) return false;
  if (first.bytes == 0) return true;  // free format: the decoder finds out
  if (first.bytes >= file.size() - at) return first.bytes == file.size() - at;
  if (!ReadHeader(file, at + first.bytes, second))
    return HasAt(file, at + first.bytes, "TAG") || HasAt(file, at + first.bytes, "APETAGEX") ||
           HasAt(file, at + first.bytes, "ID3");
  return first.layer == second.layer && first.rate == second.rate;
}

// Where the first frame begins, behind tags and what may lie between; the file's size if there is none.
std::size_t FirstFrame(FileBytes file) {
  constexpr std::size_t kFarthest = 65536;
  std::size_t begin = 0;
  while (const std::size_t tag = Id3Size(file.subspan(begin))) begin += std::min(tag, file.size() - begin);
  const std::size_t end = std::min(file.size(), begin + kFarthest);
  for (std::size_t at = begin; at < end; ++at) {
    if (IsFrame(file, at)) return at;
  }
  return file.size();
}

// The same sound with frames of plain stereo saying so.
std::vector<std::uint8_t> WithPlainStereo(FileBytes file) {
  std::vector<std::uint8_t> changed(file.begin(), file.end());
  for (std::size_t at = 0; at < file.size();) {
    Header header;
    const bool is_frame = ReadHeader(file, at, header);
    if (is_frame && header.is_plain_stereo) changed[at + 3] &= 0x3f;
    at += is_frame && header.bytes > 0 ? header.bytes : 1;
  }
  return changed;
}

// How many frames a Xing or Info header in the first frame says, 0 if there is none. It is a hint: files are
// joined, and written by programs that do not know their end.
std::int64_t FramesOfXing(FileBytes file, std::size_t at) {
  Header header;
  if (!ReadHeader(file, at, header) || header.layer != 3) return 0;
  const std::size_t side = header.is_mpeg1 ? (header.is_mono ? 17 : 32) : (header.is_mono ? 9 : 17);
  const std::size_t xing = at + 4 + side;
  if (!HasAt(file, xing, "Xing") && !HasAt(file, xing, "Info")) return 0;
  if (file.size() - xing < 12 || (file[xing + 7] & 1) == 0) return 0;
  std::int64_t frames = 0;
  for (std::size_t i = 8; i < 12; ++i) frames = frames << 8 | file[xing + i];
  return frames;
}

// What an error of the decoder means after `frames` frames of samples were decoded.
Status FromDecoder(mpg123_handle* decoder, std::int64_t samples) {
  switch (mpg123_errcode(decoder)) {
    case MPG123_OUT_OF_MEM:
    case MPG123_NO_BUFFERS:
    case MPG123_BAD_BUFFER:
      return OutOfMemory();
    default:
      return DataLoss("the MP3 file is broken after %d samples: %s", samples, mpg123_strerror(decoder));
  }
}

class Mp3Stream {
 public:
  Mp3Stream(FileBytes file, SoundBuilder& sound) : source_{file}, sound_(sound) {}

  Status Decode() {
    const Decoder decoder = NewDecoder();
    if (decoder == nullptr) return OutOfMemory();
    if (mpg123_replace_reader_handle(decoder.get(), OnRead, OnSeek, nullptr) != MPG123_OK ||
        mpg123_open_handle(decoder.get(), &source_) != MPG123_OK)
      return FromDecoder(decoder.get(), 0);
    for (;;) {
      int result = mpg123_framebyframe_next(decoder.get());
      if (result == MPG123_DONE) return {};
      if (result == MPG123_NEW_FORMAT) CARAT_RETURN_IF_ERROR(Begin(decoder.get()));
      if (result == MPG123_OK || result == MPG123_NEW_FORMAT) {
        CARAT_RETURN_IF_ERROR(CheckFrame(decoder.get()));
        unsigned char* samples = nullptr;
        std::size_t bytes = 0;
        result = mpg123_framebyframe_decode(decoder.get(), nullptr, &samples, &bytes);
        CARAT_RETURN_IF_ERROR(Append(reinterpret_cast<const float*>(samples), bytes / sizeof(float)));
      }
      if (result == MPG123_OK || result == MPG123_NEW_FORMAT) continue;
      // The last frame is not whole.
      ends_early_ = mpg123_errcode(decoder.get()) == MPG123_ERR_READER;
      return ends_early_ && samples_ > 0 ? Status() : FromDecoder(decoder.get(), samples_);
    }
  }

  std::int64_t samples() const { return samples_; }  // of one channel
  bool ends_early() const { return ends_early_; }

 private:
  Status Begin(mpg123_handle* decoder) {
    long rate = 0;
    int encoding = 0;
    if (mpg123_getformat(decoder, &rate, &channels_, &encoding) != MPG123_OK)
      return FromDecoder(decoder, samples_);
    if (encoding != MPG123_ENC_FLOAT_32) return Internal("libmpg123 gives samples of kind %d", encoding);
    return sound_.BeginPart(rate, channels_);
  }

  // Whether the frame can be decoded in silence.
  Status CheckFrame(mpg123_handle* decoder) const {
    unsigned long bits = 0;
    unsigned char* body = nullptr;
    std::size_t size = 0;
    if (mpg123_framedata(decoder, &bits, &body, &size) != MPG123_OK) return {};  // nothing will be decoded
    std::uint8_t bytes[kHeaderBytes];
    for (std::size_t i = 0; i < kHeaderBytes; ++i) bytes[i] = static_cast<std::uint8_t>(bits >> (24 - 8 * i));
    Header header;
    if (ReadHeader(bytes, 0, header) && !header.is_plain_stereo) return {};
    return DataLoss("the MP3 file is broken after %d samples: a frame's header says what cannot be",
                    samples_);
  }

  Status Append(const float* samples, std::size_t count) {
    if (channels_ == 0 || count == 0) return {};
    const std::size_t frames = count / static_cast<std::size_t>(channels_);
    samples_ += static_cast<std::int64_t>(frames);
    return sound_.Append(samples, frames);
  }

  Source source_;
  SoundBuilder& sound_;
  int channels_ = 0;
  std::int64_t samples_ = 0;
  bool ends_early_ = false;
};

}  // namespace

std::size_t Id3Size(FileBytes file) {
  constexpr std::size_t kHeader = 10;
  if (!HasAt(file, 0, "ID3") || file.size() < kHeader) return 0;
  std::size_t size = kHeader;
  std::size_t content = 0;
  for (std::size_t i = 6; i < kHeader; ++i) content = content << 7 | (file[i] & 0x7fu);
  const bool has_footer = (file[5] & 0x10) != 0;
  size += content + (has_footer ? kHeader : 0);
  return std::min(size, file.size());
}

bool IsMp3(FileBytes file) {
  return FirstFrame(file) < file.size();
}

Status DecodeMp3(FileBytes file, SoundBuilder& sound) {
  const std::size_t first = FirstFrame(file);
  Header header;
  if (!ReadHeader(file, first, header)) return DataLoss("the file holds no frame of MPEG audio");
  const FileBytes frames = file.subspan(first);
  const std::vector<std::uint8_t> changed =
      header.layer == 2 ? WithPlainStereo(frames) : std::vector<std::uint8_t>();
  Mp3Stream stream(changed.empty() ? frames : FileBytes(changed), sound);
  CARAT_RETURN_IF_ERROR(stream.Decode());
  // A number of frames that is wrong is no damage, and neither is a frame that is not whole at the end of a
  // recording. Both together are.
  const std::int64_t expected = FramesOfXing(file, first) * header.samples;
  if (stream.ends_early() && stream.samples() < expected) {
    return DataLoss("the MP3 file is cut short: its header says %d samples, but it has %d", expected,
                    stream.samples());
  }
  return {};
}

}  // namespace carat::internal
