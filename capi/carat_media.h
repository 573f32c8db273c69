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
 * The rules are those of carat.h. The files may be anybody's: broken and hostile ones give an error, and how
 * much memory one may ask for is limited before it is taken (the defaults of carat/media_files.h). Threads:
 * any. Since 0.1. */
#ifndef CARAT_MEDIA_H_C_
#define CARAT_MEDIA_H_C_

#include "carat.h"

#ifdef __cplusplus
extern "C" {
#endif

// A decoded picture: RGB, 8 bits, rows from the top without gaps. Since 0.1.
typedef struct carat_picture carat_picture;

// Decodes a PNG, JPEG or WebP file, from a path or from memory; EXIF orientation is honoured. Errors:
// NOT_FOUND, PERMISSION_DENIED, DATA_LOSS for a file that is cut short or broken, UNIMPLEMENTED for another
// format, RESOURCE_EXHAUSTED beyond the limits. Since 0.1.
CARAT_API carat_status carat_picture_read(const char* path, size_t path_size, carat_picture** picture,
                                          carat_error* error);
CARAT_API carat_status carat_picture_decode(const uint8_t* file, size_t file_size, carat_picture** picture,
                                            carat_error* error);
// Its pixels, [height, width, 3]; valid until it is freed. Since 0.1.
CARAT_API const uint8_t* carat_picture_pixels(const carat_picture* picture, int32_t* width, int32_t* height);
CARAT_API void carat_picture_free(carat_picture* picture);

// Decoded sound: samples in [-1, 1], channels interleaved. Since 0.1.
typedef struct carat_sound carat_sound;

// Decodes a WAV, FLAC, OGG or MP3 file. More than two channels come averaged into one. Errors as above. Since
// 0.1.
CARAT_API carat_status carat_sound_read(const char* path, size_t path_size, carat_sound** sound,
                                        carat_error* error);
CARAT_API carat_status carat_sound_decode(const uint8_t* file, size_t file_size, carat_sound** sound,
                                          carat_error* error);
// Its samples, [frames, channels]; valid until it is freed. Since 0.1.
CARAT_API const float* carat_sound_samples(const carat_sound* sound, int64_t* frames, int32_t* channels,
                                           int32_t* sample_rate);
CARAT_API void carat_sound_free(carat_sound* sound);

#ifdef __cplusplus
}  // extern "C"
#endif

#endif  // CARAT_MEDIA_H_C_
