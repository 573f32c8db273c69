// One decoder for each kind of picture file, over the library that is made for it.
#ifndef CARAT_LIB_MEDIA_PICTURE_DECODERS_H_
#define CARAT_LIB_MEDIA_PICTURE_DECODERS_H_

#include <cstdint>
#include <vector>

#include "carat/media_files.h"
#include "lib/media/media_file.h"

namespace carat::internal {

// A picture as it is stored, and how it was held.
struct StoredPicture {
  Picture picture;
  int orientation = 1;  // EXIF: 1 .. 8
};

// Errors: DATA_LOSS, RESOURCE_EXHAUSTED, UNIMPLEMENTED. May throw std::bad_alloc.
Result<StoredPicture> DecodePng(FileBytes file, std::int64_t max_pixels);
Result<StoredPicture> DecodeJpeg(FileBytes file, std::int64_t max_pixels);
Result<StoredPicture> DecodeWebP(FileBytes file, std::int64_t max_pixels);
Result<StoredPicture> DecodeGif(FileBytes file, std::int64_t max_pixels);
Result<StoredPicture> DecodeBmp(FileBytes file, std::int64_t max_pixels);

// Checks a size that a file claims and makes room for it. Errors: DATA_LOSS for an empty picture,
// RESOURCE_EXHAUSTED.
Status MakeRoom(std::uint64_t width, std::uint64_t height, std::int64_t max_pixels, Picture& picture);

// The orientation that EXIF data (a TIFF header and its first directory) name; 1 if they are broken or name
// none, since a picture is worth showing even so.
int ExifOrientation(FileBytes exif);

// The picture as it was held.
Picture Upright(Picture picture, int orientation);

}  // namespace carat::internal

#endif  // CARAT_LIB_MEDIA_PICTURE_DECODERS_H_
