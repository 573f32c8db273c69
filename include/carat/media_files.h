// carat/media_files.h: pictures and sound from the files that people have. An optional component: link
// carat::media too.
//
//   carat::Result<carat::Picture> picture = carat::ReadPicture("holiday.jpg");
//   if (!picture.ok()) return Complain(picture.status());
//   // picture->rgb holds picture->height rows of picture->width * 3 bytes
//
// The files may be anybody's: broken and hostile ones give an error, and how much memory one may ask for is
// limited before it is taken.
//
// Threads: all functions may be called from any thread at any time. Since 0.1.
#ifndef CARAT_MEDIA_FILES_H_
#define CARAT_MEDIA_FILES_H_

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "carat/export.h"
#include "carat/status.h"

namespace carat {

// ---- Pictures

// Decoded pixels: rows from top to bottom without gaps, three bytes R, G, B a pixel. Since 0.1.
struct Picture {
  std::int32_t width = 0;
  std::int32_t height = 0;
  std::vector<std::uint8_t> rgb;  // height * width * 3
};

// Since 0.1.
struct PictureFileOptions {
  // The most pixels a picture may have. One takes three bytes, and while it is decoded up to nine more.
  std::int64_t max_pixels = std::int64_t{1} << 27;
  // The longest file that is read.
  std::int64_t max_file_bytes = std::int64_t{1} << 29;
  // Turn the picture as its EXIF data say it was held. If false, it comes as it is stored.
  bool honour_orientation = true;
};

// Decodes a PNG, JPEG or WebP file that is in memory. Transparency is dropped, not blended: a pixel keeps the
// colour it has beneath. Grey and palettes become RGB; of 16 bits the upper 8 are taken; CMYK is converted
// without colour management. Of an animation the first frame is taken. Colour profiles and gamma are ignored.
// Errors: DATA_LOSS for a file that is cut short or broken, UNIMPLEMENTED for another format,
// RESOURCE_EXHAUSTED for one beyond the limits, INVALID_ARGUMENT for limits below 1. Since 0.1.
CARAT_EXPORT Result<Picture> DecodePicture(std::span<const std::uint8_t> file,
                                           const PictureFileOptions& options = {}) noexcept;

// The same for a file by its path. Errors: NOT_FOUND and PERMISSION_DENIED too; all name the path. Since 0.1.
CARAT_EXPORT Result<Picture> ReadPicture(std::string_view path,
                                         const PictureFileOptions& options = {}) noexcept;

// ---- Sound

// Decoded samples in [-1, 1], channels interleaved. Since 0.1.
struct Sound {
  std::int32_t sample_rate = 0;
  std::int32_t channels = 1;   // 1 or 2; files with more come averaged into one
  std::vector<float> samples;  // frames * channels
};

// Since 0.1.
struct SoundFileOptions {
  // The longest sound that is decoded.
  double max_seconds = 4 * 3600;
  // The longest file that is read.
  std::int64_t max_file_bytes = std::int64_t{1} << 31;
};

// Decodes a WAV, FLAC, OGG (Vorbis, Opus) or MP3 file that is in memory. Errors: as for DecodePicture. Since
// 0.1.
CARAT_EXPORT Result<Sound> DecodeSound(std::span<const std::uint8_t> file,
                                       const SoundFileOptions& options = {}) noexcept;

// The same for a file by its path. Errors: NOT_FOUND and PERMISSION_DENIED too; all name the path. Since 0.1.
CARAT_EXPORT Result<Sound> ReadSound(std::string_view path, const SoundFileOptions& options = {}) noexcept;

}  // namespace carat

#endif  // CARAT_MEDIA_FILES_H_
