// BMP. Debian 12 has no library for it alone, and the format is a header before rows of pixels.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <vector>

#include "lib/base/error.h"
#include "lib/media/picture_decoders.h"

namespace carat::internal {
namespace {

constexpr std::size_t kFileHeader = 14;
constexpr std::uint64_t kCoreHeader = 12;  // of OS/2, with short numbers

enum Compression : std::uint64_t { kRgb = 0, kRle8 = 1, kRle4 = 2, kBitFields = 3, kAlphaBitFields = 6 };

using Colour = std::array<std::uint8_t, 3>;

struct Header {
  std::uint64_t width = 0;
  std::uint64_t height = 0;
  bool from_top = false;
  int bits = 0;
  std::uint64_t compression = kRgb;
  std::array<std::uint32_t, 3> masks{};  // of red, green and blue
  std::vector<Colour> palette;
  FileBytes pixels;
};

Status Broken(const char* what) {
  return DataLoss("broken BMP file: %s", what);
}

// A number of 32 bits with a sign.
std::int64_t Signed(FileBytes file, std::size_t at) {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(LittleEndian(file, at, 4)));
}

Status CheckBits(const Header& header) {
  const bool has_masks = header.compression == kBitFields || header.compression == kAlphaBitFields;
  bool fits = header.compression == kRgb &&
              (header.bits == 1 || header.bits == 4 || header.bits == 8 || header.bits == 24);
  fits = fits || ((header.compression == kRgb || has_masks) && (header.bits == 16 || header.bits == 32));
  fits = fits || (header.compression == kRle8 && header.bits == 8) ||
         (header.compression == kRle4 && header.bits == 4);
  if (fits) return {};
  return Unimplemented("a BMP file of %d bits a pixel with compression %d is none that carat reads",
                       header.bits, header.compression);
}

Status ReadMasks(FileBytes file, std::uint64_t header_bytes, Header& header) {
  header.masks = {0xff0000, 0x00ff00, 0x0000ff};
  if (header.bits == 16) header.masks = {0x7c00, 0x03e0, 0x001f};
  if (header.compression == kRgb) return {};
  // Inside a long header, behind a short one: at the same place.
  constexpr std::size_t kMasks = kFileHeader + 40;
  if (header_bytes < 40 || file.size() < kMasks + 12) return Broken("its colour masks are missing");
  for (std::size_t i = 0; i < 3; ++i)
    header.masks[i] = static_cast<std::uint32_t>(LittleEndian(file, kMasks + 4 * i, 4));
  return {};
}

Status ReadPalette(FileBytes file, std::size_t begin, std::uint64_t colours, std::size_t entry,
                   Header& header) {
  if (header.bits > 8) return {};
  const std::uint64_t most = std::uint64_t{1} << header.bits;
  const std::uint64_t count = colours == 0 ? most : std::min(colours, most);
  header.palette.assign(static_cast<std::size_t>(most), Colour{});  // what is missing is black
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t at = begin + i * entry;
    if (at > file.size() || file.size() - at < 3) return Broken("it is cut short inside its palette");
    header.palette[i] = {file[at + 2], file[at + 1], file[at]};
  }
  return {};
}

Result<Header> ReadHeader(FileBytes file) {
  if (file.size() < kFileHeader + 4) return Broken("it is cut short");
  const std::uint64_t bytes = LittleEndian(file, kFileHeader, 4);
  if (bytes != kCoreHeader && (bytes < 40 || bytes > 1024))
    return Broken("its header has a length that none has");
  if (file.size() - kFileHeader < bytes) return Broken("it is cut short inside its header");
  Header header;
  std::uint64_t colours = 0;
  if (bytes == kCoreHeader) {
    header.width = LittleEndian(file, 18, 2);
    header.height = LittleEndian(file, 20, 2);
    header.bits = static_cast<int>(LittleEndian(file, 24, 2));
  } else {
    const std::int64_t width = Signed(file, 18);
    const std::int64_t height = Signed(file, 22);
    if (width < 0) return Broken("its width is negative");
    header.width = static_cast<std::uint64_t>(width);
    header.height = static_cast<std::uint64_t>(std::abs(height));
    header.from_top = height < 0;
    header.bits = static_cast<int>(LittleEndian(file, 28, 2));
    header.compression = LittleEndian(file, 30, 4);
    colours = LittleEndian(file, 46, 4);
  }
  CARAT_RETURN_IF_ERROR(CheckBits(header));
  CARAT_RETURN_IF_ERROR(ReadMasks(file, bytes, header));
  std::size_t palette = kFileHeader + static_cast<std::size_t>(bytes);
  if (bytes == 40 && header.compression == kBitFields) palette += 12;
  CARAT_RETURN_IF_ERROR(ReadPalette(file, palette, colours, bytes == kCoreHeader ? 3 : 4, header));
  const std::uint64_t pixels = LittleEndian(file, 10, 4);
  if (pixels > file.size()) return Broken("it is cut short before its pixels");
  header.pixels = file.subspan(static_cast<std::size_t>(pixels));
  return header;
}

// The bits under a mask as 0 .. 255.
class Channel {
 public:
  explicit Channel(std::uint32_t mask) : mask_(mask) {
    while (mask_ != 0 && (mask_ >> shift_ & 1) == 0) ++shift_;
    largest_ = mask_ >> shift_;
  }
  std::uint8_t Of(std::uint32_t pixel) const {
    if (largest_ == 0) return 0;
    const std::uint64_t value = (pixel & mask_) >> shift_;
    return static_cast<std::uint8_t>((value * 255 + largest_ / 2) / largest_);
  }

 private:
  std::uint32_t mask_;
  std::uint32_t shift_ = 0;
  std::uint64_t largest_ = 0;
};

void CopyColour(const Colour& colour, std::uint8_t* to) {
  std::copy(colour.begin(), colour.end(), to);
}

// One row of pixels as it stands in the file.
void ReadRow(const Header& header, const std::array<Channel, 3>& channels, FileBytes row, std::uint8_t* to) {
  const auto bits = static_cast<std::size_t>(header.bits);
  for (std::size_t x = 0; x < header.width; ++x, to += 3) {
    if (bits <= 8) {
      const std::size_t bit = x * bits;
      const std::size_t index = row[bit / 8] >> (8 - bits - bit % 8) & ((1u << bits) - 1);
      CopyColour(header.palette[index], to);
    } else if (bits == 24) {
      CopyColour({row[3 * x + 2], row[3 * x + 1], row[3 * x]}, to);
    } else {
      const auto pixel = static_cast<std::uint32_t>(LittleEndian(row, x * bits / 8, header.bits / 8));
      for (std::size_t c = 0; c < 3; ++c) to[c] = channels[c].Of(pixel);
    }
  }
}

std::uint8_t* RowOf(const Header& header, std::uint64_t index, Picture& picture) {
  const std::uint64_t y = header.from_top ? index : header.height - 1 - index;
  return picture.rgb.data() + y * header.width * 3;
}

Status ReadRows(const Header& header, Picture& picture) {
  const std::array<Channel, 3> channels = {Channel(header.masks[0]), Channel(header.masks[1]),
                                           Channel(header.masks[2])};
  const std::uint64_t row_bytes = (header.width * static_cast<std::uint64_t>(header.bits) + 31) / 32 * 4;
  // The last row may lack what makes its length a multiple of four.
  const std::uint64_t needed = (header.width * static_cast<std::uint64_t>(header.bits) + 7) / 8;
  if (header.pixels.size() < row_bytes * (header.height - 1) + needed)
    return Broken("it is cut short inside its pixels");
  for (std::uint64_t i = 0; i < header.height; ++i)
    ReadRow(header, channels,
            header.pixels.subspan(static_cast<std::size_t>(i * row_bytes), static_cast<std::size_t>(needed)),
            RowOf(header, i, picture));
  return {};
}

// Runs of equal pixels, and others as they are. What is skipped keeps the palette's first colour.
class RunReader {
 public:
  RunReader(const Header& header, Picture& picture) : header_(header), picture_(picture) {}

  Status Read() {
    for (std::size_t i = 0; i < picture_.rgb.size(); i += 3)
      CopyColour(header_.palette[0], picture_.rgb.data() + i);
    for (;;) {
      if (y_ >= header_.height) return {};
      int count = 0;
      int value = 0;
      if (!Byte(count) || !Byte(value)) return Broken("it is cut short inside its pixels");
      if (count > 0) {
        for (int i = 0; i < count; ++i) Put(Index(value, i));
        continue;
      }
      if (value == kEnd) return {};
      if (value == kEndOfRow) {
        x_ = 0;
        ++y_;
      } else if (!(value == kMove ? Move() : Literal(value))) {
        return Broken("it is cut short inside its pixels");
      }
    }
  }

 private:
  enum { kEndOfRow = 0, kEnd = 1, kMove = 2 };

  bool Byte(int& value) {
    if (at_ >= header_.pixels.size()) return false;
    value = header_.pixels[at_++];
    return true;
  }

  // The pixel with number i of those that a byte or a run of bytes stands for.
  int Index(int byte, int i) const { return header_.bits == 8 ? byte : (i % 2 == 0 ? byte >> 4 : byte & 15); }

  void Put(int index) {
    if (x_ < header_.width && y_ < header_.height)
      CopyColour(header_.palette[static_cast<std::size_t>(index)], RowOf(header_, y_, picture_) + 3 * x_);
    ++x_;
  }

  bool Move() {
    int right = 0;
    int up = 0;
    if (!Byte(right) || !Byte(up)) return false;
    x_ += static_cast<std::uint64_t>(right);
    y_ += static_cast<std::uint64_t>(up);
    return true;
  }

  bool Literal(int count) {
    const std::size_t begin = at_;
    for (int i = 0, byte = 0; i < count; ++i) {
      if ((header_.bits == 8 || i % 2 == 0) && !Byte(byte)) return false;
      Put(Index(byte, i));
    }
    if ((at_ - begin) % 2 != 0) ++at_;
    return true;
  }

  const Header& header_;
  Picture& picture_;
  std::size_t at_ = 0;
  std::uint64_t x_ = 0;
  std::uint64_t y_ = 0;
};

}  // namespace

Result<StoredPicture> DecodeBmp(FileBytes file, std::int64_t max_pixels) {
  CARAT_ASSIGN_OR_RETURN(const Header header, ReadHeader(file));
  StoredPicture stored;
  CARAT_RETURN_IF_ERROR(MakeRoom(header.width, header.height, max_pixels, stored.picture));
  const bool has_runs = header.compression == kRle8 || header.compression == kRle4;
  CARAT_RETURN_IF_ERROR(has_runs ? RunReader(header, stored.picture).Read()
                                 : ReadRows(header, stored.picture));
  return stored;
}

}  // namespace carat::internal
