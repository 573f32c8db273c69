/* carat_media.h: picture and sound files for C. An optional component: link libcarat_media too (carat::media
 * in CMake).
 *
 *   carat_picture* picture = NULL;
 *   if (carat_picture_read("holiday.jpg", 11, &picture, error) != CARAT_OK) ...
 *   int32_t width, height;
 *   const uint8_t* rgb = carat_picture_pixels(picture, &width, &height);
 *   carat_encode_image(model, rgb, width, height, 3 * (int64_t)width, NULL, &soft_tokens, error);
 *   carat_picture_free(picture);
 *
 * The rules are those of carat.h. Files are untrusted input: a broken or hostile file gives an error, and the
 * options limit the size of what is decoded before memory is taken for it. Threads: any. Since 0.1. */
#ifndef CARAT_MEDIA_H_C_
#define CARAT_MEDIA_H_C_

#include "carat.h"

#ifdef __cplusplus
extern "C" {
#endif

// A decoded picture: RGB, 8 bits, rows from the top without gaps. Since 0.1.
typedef struct carat_picture carat_picture;

// Since 0.1.
typedef struct carat_picture_file_options {
  size_t struct_size;
  // The most pixels that a picture may have, whatever the size of its file. One takes three bytes, and up to
  // nine more while it is decoded. Default 134,217,728.
  int64_t max_pixels;
  // The longest file that is read. Default 536,870,912.
  int64_t max_file_bytes;
  // 0, the default: the picture is turned as its EXIF data say it was held. 1: it comes as it is stored.
  int32_t ignore_orientation;
  int32_t reserved;  // 0
} carat_picture_file_options;

// Prepares a struct: see rule 4 of carat.h. Since 0.1.
CARAT_API carat_status carat_picture_file_options_init(carat_picture_file_options* options,
                                                       size_t struct_size);

// Decodes a PNG, JPEG, WebP, GIF or BMP file, from a path or from memory, with the default options. Of an
// animation the first frame is taken; transparency is dropped. A file is read, not mapped. Errors: NOT_FOUND,
// PERMISSION_DENIED, INVALID_ARGUMENT for a folder, FIFO or device, DATA_LOSS for a file that is cut short or
// broken, UNIMPLEMENTED for another format, RESOURCE_EXHAUSTED beyond the limits. Since 0.1.
CARAT_API carat_status carat_picture_read(const char* path, size_t path_size, carat_picture** picture,
                                          carat_error* error);
CARAT_API carat_status carat_picture_decode(const uint8_t* file, size_t file_size, carat_picture** picture,
                                            carat_error* error);
// The same with options, which may be NULL. Since 0.1.
CARAT_API carat_status carat_picture_read_with(const char* path, size_t path_size,
                                               const carat_picture_file_options* options,
                                               carat_picture** picture, carat_error* error);
CARAT_API carat_status carat_picture_decode_with(const uint8_t* file, size_t file_size,
                                                 const carat_picture_file_options* options,
                                                 carat_picture** picture, carat_error* error);
// Its pixels, [height, width, 3]; valid until it is freed. Since 0.1.
CARAT_API const uint8_t* carat_picture_pixels(const carat_picture* picture, int32_t* width, int32_t* height);
CARAT_API void carat_picture_free(carat_picture* picture);

// Decoded sound: samples, finite and in [-1, 1], channels interleaved. Since 0.1.
typedef struct carat_sound carat_sound;

// Since 0.1.
typedef struct carat_sound_file_options {
  size_t struct_size;
  // The longest sound that is decoded. Default 14,400.
  double max_seconds;
  // The most samples that are decoded, those of all channels counted. One takes four bytes, and up to sixteen
  // more while it is decoded. Default 1,073,741,824.
  int64_t max_samples;
  // The longest file that is read. Default 2,147,483,648.
  int64_t max_file_bytes;
} carat_sound_file_options;

// Prepares a struct: see rule 4 of carat.h. Since 0.1.
CARAT_API carat_status carat_sound_file_options_init(carat_sound_file_options* options, size_t struct_size);

// Decodes a WAV, FLAC, OGG (Vorbis, Opus, FLAC) or MP3 file to its end, with the default options: a length in
// a header is a hint and no limit. More than two channels come averaged into one. Errors as for pictures;
// DATA_LOSS also where sound is missing. Since 0.1.
CARAT_API carat_status carat_sound_read(const char* path, size_t path_size, carat_sound** sound,
                                        carat_error* error);
CARAT_API carat_status carat_sound_decode(const uint8_t* file, size_t file_size, carat_sound** sound,
                                          carat_error* error);
// The same with options, which may be NULL. Since 0.1.
CARAT_API carat_status carat_sound_read_with(const char* path, size_t path_size,
                                             const carat_sound_file_options* options, carat_sound** sound,
                                             carat_error* error);
CARAT_API carat_status carat_sound_decode_with(const uint8_t* file, size_t file_size,
                                               const carat_sound_file_options* options, carat_sound** sound,
                                               carat_error* error);
// Its samples, [frames, channels]; valid until it is freed. Since 0.1.
CARAT_API const float* carat_sound_samples(const carat_sound* sound, int64_t* frames, int32_t* channels,
                                           int32_t* sample_rate);
CARAT_API void carat_sound_free(carat_sound* sound);

#ifdef __cplusplus
}  // extern "C"
#endif

#endif  // CARAT_MEDIA_H_C_
