// Sound files, through libsndfile.
#include <sndfile.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <string>

#include "carat/media_files.h"
#include "lib/base/error.h"
#include "lib/base/file_mapping.h"
#include "lib/base/guard.h"

namespace carat {
namespace internal {
namespace {

// Bytes that libsndfile reads like a file.
struct ByteReader {
  std::span<const std::uint8_t> bytes;
  sf_count_t at = 0;

  static sf_count_t Length(void* user) { return Size(user); }
  static sf_count_t Seek(sf_count_t offset, int whence, void* user) {
    auto& self = *static_cast<ByteReader*>(user);
    const sf_count_t base = whence == SEEK_SET ? 0 : (whence == SEEK_CUR ? self.at : Size(user));
    sf_count_t target = 0;
    if (__builtin_add_overflow(base, offset, &target) || target < 0) return -1;
    self.at = std::min(target, Size(user));
    return self.at;
  }
  static sf_count_t Read(void* to, sf_count_t count, void* user) {
    auto& self = *static_cast<ByteReader*>(user);
    const sf_count_t size = std::clamp<sf_count_t>(count, 0, Size(user) - self.at);
    std::memcpy(to, self.bytes.data() + self.at, static_cast<std::size_t>(size));
    self.at += size;
    return size;
  }
  static sf_count_t Write(const void*, sf_count_t, void*) { return 0; }
  static sf_count_t Tell(void* user) { return static_cast<ByteReader*>(user)->at; }

 private:
  static sf_count_t Size(void* user) {
    return static_cast<sf_count_t>(static_cast<ByteReader*>(user)->bytes.size());
  }
};

struct CloseSound {
  void operator()(SNDFILE* file) const { sf_close(file); }
};

bool IsKnownFormat(int format) {
  switch (format & SF_FORMAT_TYPEMASK) {
    case SF_FORMAT_WAV:
    case SF_FORMAT_WAVEX:
    case SF_FORMAT_FLAC:
    case SF_FORMAT_OGG:
    case SF_FORMAT_MPEG:
      return true;
    default:
      return false;
  }
}

std::uint32_t LittleEndian32(std::span<const std::uint8_t> bytes, std::size_t at) {
  return static_cast<std::uint32_t>(bytes[at]) | static_cast<std::uint32_t>(bytes[at + 1]) << 8 |
         static_cast<std::uint32_t>(bytes[at + 2]) << 16 | static_cast<std::uint32_t>(bytes[at + 3]) << 24;
}

bool HasAt(std::span<const std::uint8_t> bytes, std::size_t at, std::string_view magic) {
  return bytes.size() >= at + magic.size() && std::memcmp(bytes.data() + at, magic.data(), magic.size()) == 0;
}

// libsndfile reads what there is of a file that is cut short, which would be a silent loss. A RIFF file says
// how long it is (0xffffffff: written by a program that could not know); the last page of an Ogg file is
// marked, and says how long it is. FLAC says how many samples there are, which is looked at after decoding.
// MP3 has no end that could be missing.
Status CheckComplete(std::span<const std::uint8_t> bytes) {
  if (HasAt(bytes, 0, "RIFF") && bytes.size() >= 8) {
    const std::uint32_t size = LittleEndian32(bytes, 4);
    if (size != 0xffffffffu && std::uint64_t{size} + 8 > bytes.size()) {
      return DataLoss("the file is cut short: it says %d bytes, but has %d", std::uint64_t{size} + 8,
                      bytes.size());
    }
  }
  if (!HasAt(bytes, 0, "OggS")) return {};
  constexpr std::size_t kHeader = 27;
  for (std::size_t at = bytes.size(); at-- > 0;) {
    if (!HasAt(bytes, at, "OggS")) continue;
    const bool has_header = at + kHeader <= bytes.size() && at + kHeader + bytes[at + 26] <= bytes.size();
    std::size_t size = kHeader;
    for (std::size_t i = 0; has_header && i < bytes[at + 26]; ++i)
      size += 1 + std::size_t{bytes[at + kHeader + i]};
    const bool is_last = has_header && (bytes[at + 5] & 4) != 0 && at + size <= bytes.size();
    return is_last ? Status() : DataLoss("the file is cut short: its last page is missing");
  }
  return {};
}

Status CheckOptions(const SoundFileOptions& options) {
  if (!(options.max_seconds > 0))
    return InvalidArgument("max_seconds is %g, but must be above 0", options.max_seconds);
  if (options.max_file_bytes < 1) {
    return InvalidArgument("max_file_bytes is %d, but must be at least 1", options.max_file_bytes);
  }
  return {};
}

// Appends frames with all channels of more than two averaged into one. Values that are no numbers are an
// error.
Status Append(std::span<const float> interleaved, std::int32_t channels, Sound& sound) {
  for (const float value : interleaved) {
    if (!std::isfinite(value)) return DataLoss("the file holds a sample that is no number");
  }
  if (channels <= 2) {
    sound.samples.insert(sound.samples.end(), interleaved.begin(), interleaved.end());
    return {};
  }
  for (std::size_t at = 0; at < interleaved.size(); at += static_cast<std::size_t>(channels)) {
    float sum = 0;
    for (std::int32_t c = 0; c < channels; ++c) sum += interleaved[at + static_cast<std::size_t>(c)];
    sound.samples.push_back(sum / static_cast<float>(channels));
  }
  return {};
}

Result<Sound> Decode(std::span<const std::uint8_t> bytes, const SoundFileOptions& options) {
  CARAT_RETURN_IF_ERROR(CheckOptions(options));
  if (bytes.empty()) return DataLoss("the file is empty");
  if (bytes.size() > static_cast<std::uint64_t>(options.max_file_bytes)) {
    return ResourceExhausted("the file has %d bytes, but max_file_bytes is %d", bytes.size(),
                             options.max_file_bytes);
  }
  CARAT_RETURN_IF_ERROR(CheckComplete(bytes));
  ByteReader reader{bytes};
  SF_VIRTUAL_IO io = {ByteReader::Length, ByteReader::Seek, ByteReader::Read, ByteReader::Write,
                      ByteReader::Tell};
  SF_INFO info = {};
  const std::unique_ptr<SNDFILE, CloseSound> file(sf_open_virtual(&io, SFM_READ, &info, &reader));
  if (!file) return DataLoss("not a sound file that can be read: %s", sf_strerror(nullptr));
  if (!IsKnownFormat(info.format)) return Unimplemented("the file is none of WAV, FLAC, OGG and MP3");
  if (info.samplerate < 1 || info.channels < 1 || info.channels > 64) {
    return DataLoss("the file says %d channels at %d Hz", info.channels, info.samplerate);
  }
  Sound sound;
  sound.sample_rate = info.samplerate;
  sound.channels = info.channels == 2 ? 2 : 1;
  // The length that the file claims is not believed: what is there is read piece by piece.
  const double most = std::min(options.max_seconds * info.samplerate, 1e12);
  constexpr sf_count_t kPiece = 16384;
  std::vector<float> piece(static_cast<std::size_t>(kPiece * info.channels));
  for (double frames = 0;;) {
    const sf_count_t read = sf_readf_float(file.get(), piece.data(), kPiece);
    if (read <= 0) break;
    frames += static_cast<double>(read);
    if (frames > most)
      return ResourceExhausted("the sound is longer than the %g seconds of max_seconds", options.max_seconds);
    CARAT_RETURN_IF_ERROR(
        Append(std::span(piece).first(static_cast<std::size_t>(read * info.channels)), info.channels, sound));
  }
  if (sf_error(file.get()) != SF_ERR_NO_ERROR)
    return DataLoss("the file is broken: %s", sf_strerror(file.get()));
  const auto got = static_cast<sf_count_t>(sound.samples.size()) / sound.channels;
  if (got == 0) return DataLoss("the file holds no sound");
  if (info.frames > got && info.frames < SF_COUNT_MAX) {
    return DataLoss("the file is cut short: it says %d frames, but has %d", info.frames, got);
  }
  return sound;
}

Result<Sound> Read(const std::string& path, const SoundFileOptions& options) {
  CARAT_RETURN_IF_ERROR(CheckOptions(options));
  CARAT_ASSIGN_OR_RETURN(const auto file, FileMapping::Open(path));
  const auto bytes = file->bytes();
  auto sound = Decode({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}, options);
  if (sound.ok()) return sound;
  return Status(sound.status().code(), path + ": " + sound.status().message());
}

}  // namespace
}  // namespace internal

Result<Sound> DecodeSound(std::span<const std::uint8_t> file, const SoundFileOptions& options) noexcept {
  return internal::Guard([&] { return internal::Decode(file, options); });
}

Result<Sound> ReadSound(std::string_view path, const SoundFileOptions& options) noexcept {
  return internal::Guard([&] { return internal::Read(std::string(path), options); });
}

}  // namespace carat
