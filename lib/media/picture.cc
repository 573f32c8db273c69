// Which decoder, limits, and turning.
#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "carat/media_files.h"
#include "lib/base/error.h"
#include "lib/base/guard.h"
#include "lib/media/picture_decoders.h"

namespace carat {
namespace internal {
namespace {

Result<StoredPicture> DecodeAny(FileBytes file, std::int64_t max_pixels) {
  if (file.empty()) return DataLoss("the file is empty");
  if (HasAt(file, 0, "\x89PNG\r\n\x1a\n")) return DecodePng(file, max_pixels);
  if (HasAt(file, 0, "\xff\xd8\xff")) return DecodeJpeg(file, max_pixels);
  if (HasAt(file, 0, "RIFF") && HasAt(file, 8, "WEBP")) return DecodeWebP(file, max_pixels);
  if (HasAt(file, 0, "GIF87a") || HasAt(file, 0, "GIF89a")) return DecodeGif(file, max_pixels);
  if (HasAt(file, 0, "BM")) return DecodeBmp(file, max_pixels);
  if (const char* name = NameOfUnsupported(file); name != nullptr)
    return Unimplemented("the file is %s: carat reads PNG, JPEG, WebP, GIF and BMP", name);
  return Unimplemented("the file is none of PNG, JPEG, WebP, GIF and BMP");
}

Status CheckOptions(const PictureFileOptions& options) {
  if (options.max_pixels < 1) {
    return InvalidArgument("max_pixels is %d, but must be at least 1", options.max_pixels);
  }
  if (options.max_file_bytes < 1) {
    return InvalidArgument("max_file_bytes is %d, but must be at least 1", options.max_file_bytes);
  }
  return {};
}

Result<Picture> Decode(FileBytes file, const PictureFileOptions& options) {
  CARAT_RETURN_IF_ERROR(CheckOptions(options));
  if (file.size() > static_cast<std::uint64_t>(options.max_file_bytes)) {
    return ResourceExhausted("the file has %d bytes, but max_file_bytes is %d", file.size(),
                             options.max_file_bytes);
  }
  CARAT_ASSIGN_OR_RETURN(StoredPicture stored, DecodeAny(file, options.max_pixels));
  if (!options.honour_orientation) return std::move(stored.picture);
  return Upright(std::move(stored.picture), stored.orientation);
}

Result<Picture> Read(const std::string& path, const PictureFileOptions& options) {
  CARAT_RETURN_IF_ERROR(CheckOptions(options));
  CARAT_ASSIGN_OR_RETURN(const std::vector<std::uint8_t> file, ReadMediaFile(path, options.max_file_bytes));
  auto picture = Decode(file, options);
  if (picture.ok()) return picture;
  return Status(picture.status().code(), path + ": " + picture.status().message());
}

// Numbers of a TIFF structure, in either byte order; nothing where they would lie outside.
class TiffReader {
 public:
  TiffReader(FileBytes data, bool big_endian) : data_(data), big_endian_(big_endian) {}

  bool Read(std::uint64_t at, int bytes, std::uint32_t& value) const {
    if (at > data_.size() || data_.size() - at < static_cast<std::uint64_t>(bytes)) return false;
    value = 0;
    for (int i = 0; i < bytes; ++i) {
      const std::uint32_t byte = data_[static_cast<std::size_t>(at) + static_cast<std::size_t>(i)];
      value |= byte << 8 * (big_endian_ ? bytes - 1 - i : i);
    }
    return true;
  }

 private:
  FileBytes data_;
  bool big_endian_;
};

}  // namespace

Status MakeRoom(std::uint64_t width, std::uint64_t height, std::int64_t max_pixels, Picture& picture) {
  constexpr std::uint64_t kLongest = 1u << 30;
  if (width == 0 || height == 0) return DataLoss("the picture is %d x %d pixels", width, height);
  if (width > kLongest || height > kLongest || width * height > static_cast<std::uint64_t>(max_pixels)) {
    return ResourceExhausted("the picture is %d x %d pixels, but max_pixels is %d", width, height,
                             max_pixels);
  }
  picture.width = static_cast<std::int32_t>(width);
  picture.height = static_cast<std::int32_t>(height);
  picture.rgb.resize(static_cast<std::size_t>(width * height) * 3);
  return {};
}

int ExifOrientation(FileBytes exif) {
  constexpr std::uint32_t kOrientation = 0x0112;
  constexpr std::uint32_t kShort = 3;
  if (!HasAt(exif, 0, "II*") && !HasAt(exif, 0, "MM")) return 1;
  const TiffReader reader(exif, exif[0] == 'M');
  std::uint32_t directory = 0;
  std::uint32_t entries = 0;
  if (!reader.Read(4, 4, directory) || !reader.Read(directory, 2, entries)) return 1;
  for (std::uint64_t i = 0; i < entries; ++i) {
    const std::uint64_t at = std::uint64_t{directory} + 2 + 12 * i;
    std::uint32_t tag = 0;
    std::uint32_t type = 0;
    std::uint32_t value = 0;
    if (!reader.Read(at, 2, tag) || !reader.Read(at + 2, 2, type) || !reader.Read(at + 8, 2, value)) return 1;
    if (tag == kOrientation) return type == kShort && value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

Picture Upright(Picture picture, int orientation) {
  if (orientation <= 1 || orientation > 8) return picture;
  const bool turned = orientation >= 5;  // rows become columns
  const bool mirrored_x = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool mirrored_y = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  Picture upright;
  upright.width = turned ? picture.height : picture.width;
  upright.height = turned ? picture.width : picture.height;
  upright.rgb.resize(picture.rgb.size());
  std::uint8_t* to = upright.rgb.data();
  for (std::int64_t y = 0; y < upright.height; ++y) {
    for (std::int64_t x = 0; x < upright.width; ++x, to += 3) {
      std::int64_t from_x = turned ? y : x;
      std::int64_t from_y = turned ? x : y;
      if (mirrored_x) from_x = picture.width - 1 - from_x;
      if (mirrored_y) from_y = picture.height - 1 - from_y;
      std::memcpy(to, picture.rgb.data() + 3 * (from_y * picture.width + from_x), 3);
    }
  }
  return upright;
}

}  // namespace internal

Result<Picture> DecodePicture(std::span<const std::uint8_t> file,
                              const PictureFileOptions& options) noexcept {
  return internal::Guard([&] { return internal::Decode(file, options); });
}

Result<Picture> ReadPicture(std::string_view path, const PictureFileOptions& options) noexcept {
  return internal::Guard([&] { return internal::Read(std::string(path), options); });
}

}  // namespace carat
