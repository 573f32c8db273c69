// WAV: RIFF, and its forms for large files RF64 (BW64) and Wave64. The data chunk alone decides how much
// sound there is: the length that the RIFF header says is wrong in many files, and of no use.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <optional>

#include "lib/base/error.h"
#include "lib/media/sound_decoders.h"

namespace carat::internal {
namespace {

constexpr std::uint64_t kMpegTag = 0x55;
constexpr std::uint64_t kUnknownSize = ~std::uint64_t{0};

enum class Coding { kUnsigned8, kInteger, kFloat, kALaw, kMuLaw, kMpeg };

struct Format {
  Coding coding = Coding::kInteger;
  std::int64_t rate = 0;
  std::int64_t channels = 0;
  std::size_t sample_bytes = 0;
};

// How chunks stand in the file.
struct Layout {
  std::size_t first;      // where the first chunk begins
  std::size_t id_bytes;   // 4, or 16 in Wave64
  int size_bytes;         // of the number behind the id
  bool size_has_header;   // whether that number counts id and size too
  std::size_t alignment;  // chunks begin at multiples of it

  std::size_t header() const { return id_bytes + static_cast<std::size_t>(size_bytes); }
};

constexpr Layout kRiff = {12, 4, 4, false, 2};
constexpr Layout kWave64 = {40, 16, 8, true, 8};

std::optional<Layout> LayoutOf(FileBytes file) {
  if (HasAt(file, 8, "WAVE") && (HasAt(file, 0, "RIFF") || HasAt(file, 0, "RF64") || HasAt(file, 0, "BW64")))
    return kRiff;
  constexpr std::string_view kGuid("riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00", 16);
  if (HasAt(file, 0, kGuid) && HasAt(file, 24, "wave")) return kWave64;
  return std::nullopt;
}

struct Chunk {
  std::size_t begin = 0;   // of its content
  std::uint64_t size = 0;  // as the file says; kUnknownSize if the file says that it is unknown
  std::string_view id;
};

// Programs that write into a pipe cannot know the length. SoX writes 0x7ffff000 less what is no whole frame,
// ffmpeg and others 0xffffffff, or these less the header.
bool IsMarkOfUnknownSize(std::uint64_t size) {
  constexpr std::uint64_t kPage = 0x1000;
  return (size >= 0x7ffff000 - kPage && size <= 0x80000000) ||
         (size >= 0xffffffff - kPage && size <= 0xffffffff) || size >= kUnknownSize - kPage;
}

Result<Chunk> ReadChunk(FileBytes file, const Layout& layout, std::size_t at) {
  if (at > file.size() || file.size() - at < layout.header())
    return DataLoss("the WAV file is cut short: it ends before a data chunk");
  Chunk chunk;
  chunk.begin = at + layout.header();
  chunk.size = LittleEndian(file, at + layout.id_bytes, layout.size_bytes);
  chunk.id = std::string_view(reinterpret_cast<const char*>(file.data()) + at, 4);
  if (!layout.size_has_header) return chunk;
  if (chunk.size < layout.header()) chunk.size = chunk.size == 0 ? layout.header() : kUnknownSize;
  if (chunk.size != kUnknownSize) chunk.size -= layout.header();
  return chunk;
}

// Where the chunk behind this one begins. Some programs forget the byte that makes an odd size even.
std::size_t After(FileBytes file, const Layout& layout, const Chunk& chunk) {
  const std::size_t end = chunk.begin + static_cast<std::size_t>(chunk.size);
  const std::size_t padded = (end + layout.alignment - 1) / layout.alignment * layout.alignment;
  for (const char* id : {"data", "fmt ", "LIST", "fact"}) {
    if (padded != end && HasAt(file, end, id)) return end;
  }
  return padded;
}

Result<Format> ReadFormat(FileBytes chunk) {
  constexpr std::uint64_t kPcm = 1;
  constexpr std::uint64_t kFloat = 3;
  constexpr std::uint64_t kALaw = 6;
  constexpr std::uint64_t kMuLaw = 7;
  constexpr std::uint64_t kExtensible = 0xfffe;
  if (chunk.size() < 16)
    return DataLoss("the WAV file's format chunk has %d bytes, but needs 16", chunk.size());
  std::uint64_t tag = LittleEndian(chunk, 0, 2);
  if (tag == kExtensible) {
    if (chunk.size() < 40)
      return DataLoss("the WAV file's extensible format chunk has %d bytes, but needs 40", chunk.size());
    tag = LittleEndian(chunk, 24, 2);
  }
  Format format;
  format.channels = static_cast<std::int64_t>(LittleEndian(chunk, 2, 2));
  format.rate = static_cast<std::int64_t>(LittleEndian(chunk, 4, 4));
  const std::uint64_t block = LittleEndian(chunk, 12, 2);
  const std::uint64_t bits = LittleEndian(chunk, 14, 2);
  if (tag == kMpegTag) {
    format.coding = Coding::kMpeg;
    return format;
  }
  if (tag != kPcm && tag != kFloat && tag != kALaw && tag != kMuLaw) {
    return Unimplemented(
        "the WAV file holds sound of codec 0x%04x; carat reads integers, floats, A-law, mu-law and MP3", tag);
  }
  if (format.channels == 0) return DataLoss("the WAV file says 0 channels");
  // Where both are there, a frame's size says in how many bytes a sample stands.
  std::uint64_t bytes = (bits + 7) / 8;
  const auto channels = static_cast<std::uint64_t>(format.channels);
  if (bits > 0 && block % channels == 0 && block / channels > bytes) bytes = block / channels;
  format.sample_bytes = static_cast<std::size_t>(bytes);
  const bool fits =
      tag == kFloat ? bytes == 4 || bytes == 8 : (tag == kPcm ? bytes >= 1 && bytes <= 4 : bytes == 1);
  if (!fits) return DataLoss("the WAV file says samples of %d bits in frames of %d bytes", bits, block);
  if (tag == kFloat) format.coding = Coding::kFloat;
  if (tag == kALaw) format.coding = Coding::kALaw;
  if (tag == kMuLaw) format.coding = Coding::kMuLaw;
  if (tag == kPcm) format.coding = bytes == 1 ? Coding::kUnsigned8 : Coding::kInteger;
  return format;
}

// ITU-T G.711: a sign, an exponent of 3 bits and a mantissa of 4, some bits inverted.
float FromALaw(std::uint8_t byte) {
  const int code = byte ^ 0x55;
  const int exponent = code >> 4 & 7;
  const int mantissa = code & 15;
  const int value = exponent == 0 ? 2 * mantissa + 1 : (2 * mantissa + 33) << (exponent - 1);
  return static_cast<float>((code & 0x80) != 0 ? value : -value) / 4096;
}

float FromMuLaw(std::uint8_t byte) {
  const int code = ~byte & 0xff;
  const int value = ((2 * (code & 15) + 33) << (code >> 4 & 7)) - 33;
  return static_cast<float>((code & 0x80) != 0 ? -value : value) / 8192;
}

float FromInteger(const std::uint8_t* bytes, std::size_t count) {
  std::uint32_t bits = 0;  // the sample in the upper bytes
  for (std::size_t i = 0; i < count; ++i) bits |= std::uint32_t{bytes[i]} << (8 * (4 - count + i));
  return static_cast<float>(static_cast<double>(static_cast<std::int32_t>(bits)) / 2147483648.0);
}

float FromFloat(const std::uint8_t* bytes, std::size_t count) {
  float value = 0;
  double wide = 0;
  if (count == sizeof(value)) {
    std::memcpy(&value, bytes, count);
    return value;
  }
  std::memcpy(&wide, bytes, count);
  return static_cast<float>(wide);
}

float Sample(const Format& format, const std::uint8_t* bytes) {
  switch (format.coding) {
    case Coding::kUnsigned8:
      return static_cast<float>(bytes[0] - 128) / 128;
    case Coding::kInteger:
      return FromInteger(bytes, format.sample_bytes);
    case Coding::kFloat:
      return FromFloat(bytes, format.sample_bytes);
    case Coding::kALaw:
      return FromALaw(bytes[0]);
    case Coding::kMuLaw:
      return FromMuLaw(bytes[0]);
    case Coding::kMpeg:
      break;
  }
  return 0;
}

Status DecodeSamples(const Format& format, FileBytes data, SoundBuilder& sound) {
  // Floats overshoot 1 now and then; what is far beyond was never scaled, and clipping would ruin it.
  constexpr float kLoudest = 100;
  CARAT_RETURN_IF_ERROR(sound.BeginPart(format.rate, format.channels));
  const std::size_t channels = static_cast<std::size_t>(format.channels);
  const std::size_t count = data.size() / format.sample_bytes / channels * channels;
  std::array<float, 4096> piece;
  const std::size_t together = piece.size() / channels * channels;
  for (std::size_t first = 0; first < count; first += together) {
    const std::size_t size = count - first < together ? count - first : together;
    for (std::size_t i = 0; i < size; ++i) {
      piece[i] = Sample(format, data.data() + (first + i) * format.sample_bytes);
      if (std::abs(piece[i]) <= kLoudest) continue;
      if (!std::isfinite(piece[i]))
        return DataLoss("sample %d of the WAV file is %g, which is no number", first + i, piece[i]);
      return DataLoss("sample %d of the WAV file is %g, but float samples lie in [-1, 1]", first + i,
                      piece[i]);
    }
    CARAT_RETURN_IF_ERROR(sound.Append(piece.data(), size / channels));
  }
  return {};
}

// Identifiers of chunks are printed characters; zeros are silence.
bool IsChunkId(std::string_view id) {
  return std::all_of(id.begin(), id.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

// Whether chunks fill the file from here to its end.
bool ChunksFollow(FileBytes file, const Layout& layout, std::size_t at) {
  while (at < file.size()) {
    const auto chunk = ReadChunk(file, layout, at);
    if (!chunk.ok() || !IsChunkId(chunk->id) || chunk->size > file.size() - chunk->begin) return false;
    at = After(file, layout, *chunk);
  }
  return true;
}

// The sound's bytes. Errors: DATA_LOSS if the chunk says more than there is.
Result<FileBytes> DataOf(FileBytes file, const Layout& layout, const Chunk& chunk, std::size_t frame_bytes) {
  const FileBytes rest = file.subspan(chunk.begin);
  // A program that was stopped, or wrote into a pipe, left the length at 0.
  const bool forgotten = chunk.size == 0 && !rest.empty() && !ChunksFollow(file, layout, chunk.begin);
  if (forgotten) return rest;
  if (chunk.size <= rest.size()) return rest.first(static_cast<std::size_t>(chunk.size));
  // Less than a frame is no sound.
  if (IsMarkOfUnknownSize(chunk.size) || chunk.size - rest.size() < frame_bytes) return rest;
  return DataLoss("the WAV file is cut short: its data chunk says %d bytes, but has %d", chunk.size,
                  rest.size());
}

}  // namespace

bool IsWav(FileBytes file) {
  return LayoutOf(file).has_value();
}

Status DecodeWav(FileBytes file, SoundBuilder& sound) {
  const std::optional<Layout> layout = LayoutOf(file);
  if (!layout) return DataLoss("not a WAV file");
  std::optional<Format> format;
  std::uint64_t large_size = kUnknownSize;  // what an RF64 file's first chunk says
  for (std::size_t at = layout->first;;) {
    CARAT_ASSIGN_OR_RETURN(Chunk chunk, ReadChunk(file, *layout, at));
    if (chunk.id == "data") {
      if (!format) return DataLoss("the WAV file's data chunk comes before its format chunk");
      if (layout->size_bytes == 4 && chunk.size == 0xffffffff && large_size != kUnknownSize)
        chunk.size = large_size;
      const std::size_t frame_bytes = format->sample_bytes * static_cast<std::size_t>(format->channels);
      CARAT_ASSIGN_OR_RETURN(const FileBytes data, DataOf(file, *layout, chunk, frame_bytes));
      return format->coding == Coding::kMpeg ? DecodeMp3(data, sound) : DecodeSamples(*format, data, sound);
    }
    if (chunk.size > file.size() - chunk.begin)
      return DataLoss(
          "the WAV file is cut short, or broken: a chunk before its data says %d bytes, but has %d",
          chunk.size, file.size() - chunk.begin);
    const FileBytes content = file.subspan(chunk.begin, static_cast<std::size_t>(chunk.size));
    if (chunk.id == "fmt ") {
      CARAT_ASSIGN_OR_RETURN(format, ReadFormat(content));
    } else if (chunk.id == "ds64" && content.size() >= 16 && LittleEndian(content, 8, 8) != 0) {
      large_size = LittleEndian(content, 8, 8);
    }
    at = After(file, *layout, chunk);
  }
}

}  // namespace carat::internal
