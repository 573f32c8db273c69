// carat/media_files.h: pictures and sound from the files that people have. An optional component: link
// carat::media too.
//
//   carat::Result<carat::Picture> picture = carat::ReadPicture("holiday.jpg");
//   if (!picture.ok()) return Complain(picture.status());
//   // picture->rgb holds picture->height rows of picture->width * 3 bytes
//
// Files are untrusted input. A broken or hostile file gives an error, and the options limit the size of what
// is decoded before memory is taken for it. An allocation that fails is RESOURCE_EXHAUSTED. Nothing is
// printed.
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
  // The most pixels that a picture may have, whatever the size of its file: 600 bytes can hold 40 million.
  // One takes three bytes, and up to nine more while it is decoded. A host that takes pictures from strangers
  // may set it lower.
  std::int64_t max_pixels = std::int64_t{1} << 27;
  // The longest file that is read.
  std::int64_t max_file_bytes = std::int64_t{1} << 29;
  // Turn the picture as its EXIF data say it was held. If false, it comes as it is stored.
  bool honour_orientation = true;
};

// Decodes a PNG, JPEG, WebP, GIF or BMP file that is in memory. Transparency is dropped, not blended: a pixel
// keeps the colour it has beneath. Grey and palettes become RGB; of 16 bits the upper 8 are taken; CMYK is
// converted without colour management. Of an animation the first frame is taken. Colour profiles and gamma
// are ignored. A JPEG file whose end marker alone is missing is read. Errors: DATA_LOSS for a file that is
// cut short or broken, UNIMPLEMENTED for another format, which the message names if carat knows it (HEIC,
// AVIF, TIFF and others), RESOURCE_EXHAUSTED for one beyond the limits, INVALID_ARGUMENT for limits below 1.
// Since 0.1.
CARAT_EXPORT Result<Picture> DecodePicture(std::span<const std::uint8_t> file,
                                           const PictureFileOptions& options = {}) noexcept;

// Reads the file at a path and decodes it. The file is read, not mapped, so it may change afterwards. Errors:
// those of DecodePicture; NOT_FOUND; PERMISSION_DENIED; INVALID_ARGUMENT for a folder, FIFO or device, which
// is not opened; DATA_LOSS for a file that becomes shorter while it is read; UNAVAILABLE for an error of the
// disk. All name the path. Since 0.1.
CARAT_EXPORT Result<Picture> ReadPicture(std::string_view path,
                                         const PictureFileOptions& options = {}) noexcept;

// ---- Sound

// Decoded samples, finite and in [-1, 1], channels interleaved. Samples that overshoot, as those of lossy
// formats do, are clipped. Since 0.1.
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
  // The most samples that are decoded, those of all channels counted. One takes four bytes, and up to sixteen
  // more while it is decoded.
  std::int64_t max_samples = std::int64_t{1} << 30;
};

// Decodes a WAV, FLAC, OGG (Vorbis, Opus, FLAC) or MP3 file that is in memory, to its end. A length in a
// header is a hint and no limit: joined MP3 files and chained Ogg streams are decoded whole, in the rate and
// channels of the first. WAV: integers of 8 to 32 bits, floats, A-law, mu-law and MP3 inside; RIFF, RF64 and
// Wave64; the data chunk decides, and its length may be one of the marks for unknown. Errors: those of
// DecodePicture. DATA_LOSS, too, where sound is missing: a WAV data chunk, a FLAC stream or an Ogg stream
// that ends early, an MP3 file that ends inside a frame and whose header says more, a float sample that is no
// number or beyond 100. Since 0.1.
CARAT_EXPORT Result<Sound> DecodeSound(std::span<const std::uint8_t> file,
                                       const SoundFileOptions& options = {}) noexcept;

// Reads the file at a path and decodes it. Errors: those of DecodeSound, and of ReadPicture for the file.
// Since 0.1.
CARAT_EXPORT Result<Sound> ReadSound(std::string_view path, const SoundFileOptions& options = {}) noexcept;

}  // namespace carat

#endif  // CARAT_MEDIA_FILES_H_
