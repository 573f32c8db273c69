// Picture and sound files through carat_media.h: every function, right and wrong.
#include <carat_media.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                              \
  do {                                                                \
    if (!(condition)) {                                               \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
      exit(1);                                                        \
    }                                                                 \
  } while (0)

static uint8_t* read_file(const char* path, size_t* size) {
  FILE* file = fopen(path, "rb");
  CHECK(file != NULL);
  uint8_t* bytes = malloc(1 << 20);
  CHECK(bytes != NULL);
  *size = fread(bytes, 1, 1 << 20, file);
  fclose(file);
  return bytes;
}

static void pictures(const char* path, carat_error* error) {
  carat_picture* picture = NULL;
  carat_picture* same = NULL;
  CHECK(carat_picture_read(path, strlen(path), &picture, error) == CARAT_OK);
  int32_t width = 0;
  int32_t height = 0;
  const uint8_t* pixels = carat_picture_pixels(picture, &width, &height);
  CHECK(pixels != NULL && width > 100 && height > 100);
  size_t size = 0;
  uint8_t* bytes = read_file(path, &size);
  CHECK(carat_picture_decode(bytes, size, &same, error) == CARAT_OK);
  CHECK(memcmp(pixels, carat_picture_pixels(same, NULL, NULL), (size_t)width * (size_t)height * 3) == 0);
  carat_picture_free(same);
  CHECK(carat_picture_decode(bytes, size / 2, &same, error) == CARAT_DATA_LOSS && same == NULL);
  CHECK(strlen(carat_error_message(error)) > 10);
  CHECK(carat_picture_decode(NULL, 5, &same, error) == CARAT_INVALID_ARGUMENT);
  CHECK(carat_picture_decode(bytes, size, NULL, error) == CARAT_INVALID_ARGUMENT);
  CHECK(carat_picture_read("/nonexistent", 12, &same, NULL) == CARAT_NOT_FOUND);
  carat_picture_file_options options;
  CHECK(carat_picture_file_options_init(NULL, sizeof options) == CARAT_INVALID_ARGUMENT);
  CHECK(carat_picture_file_options_init(&options, sizeof options) == CARAT_OK);
  CHECK(options.max_pixels == 134217728 && options.max_file_bytes == 536870912);
  options.max_pixels = (int64_t)width * height;
  CHECK(carat_picture_decode_with(bytes, size, &options, &same, error) == CARAT_OK);
  carat_picture_free(same);
  CHECK(carat_picture_read_with(path, strlen(path), &options, &same, error) == CARAT_OK);
  carat_picture_free(same);
  --options.max_pixels;
  CHECK(carat_picture_decode_with(bytes, size, &options, &same, error) == CARAT_RESOURCE_EXHAUSTED);
  CHECK(same == NULL && strstr(carat_error_message(error), "max_pixels is ") != NULL);
  CHECK(carat_picture_read_with(path, strlen(path), &options, &same, error) == CARAT_RESOURCE_EXHAUSTED);
  options.reserved = 1;
  CHECK(carat_picture_decode_with(bytes, size, &options, &same, error) == CARAT_INVALID_ARGUMENT);
  CHECK(carat_picture_pixels(NULL, &width, &height) == NULL && width == 0 && height == 0);
  carat_picture_free(NULL);
  carat_picture_free(picture);
  free(bytes);
}

static void sounds(const char* path, carat_error* error) {
  carat_sound* sound = NULL;
  carat_sound* same = NULL;
  CHECK(carat_sound_read(path, strlen(path), &sound, error) == CARAT_OK);
  int64_t frames = 0;
  int32_t channels = 0;
  int32_t rate = 0;
  const float* samples = carat_sound_samples(sound, &frames, &channels, &rate);
  CHECK(samples != NULL && frames > 1000 && channels == 1 && rate == 16000);
  size_t size = 0;
  uint8_t* bytes = read_file(path, &size);
  CHECK(carat_sound_decode(bytes, size, &same, error) == CARAT_OK);
  CHECK(memcmp(samples, carat_sound_samples(same, NULL, NULL, NULL), (size_t)frames * sizeof(float)) == 0);
  carat_sound_free(same);
  CHECK(carat_sound_decode(bytes, size / 2, &same, error) == CARAT_DATA_LOSS && same == NULL);
  CHECK(carat_sound_decode(NULL, 5, &same, error) == CARAT_INVALID_ARGUMENT);
  CHECK(carat_sound_read("/nonexistent", 12, &same, NULL) == CARAT_NOT_FOUND);
  carat_sound_file_options options;
  CHECK(carat_sound_file_options_init(&options, sizeof options) == CARAT_OK);
  CHECK(options.max_seconds == 14400 && options.max_samples == 1073741824 &&
        options.max_file_bytes == 2147483648);
  options.max_samples = frames;
  CHECK(carat_sound_decode_with(bytes, size, &options, &same, error) == CARAT_OK);
  carat_sound_free(same);
  CHECK(carat_sound_read_with(path, strlen(path), &options, &same, error) == CARAT_OK);
  carat_sound_free(same);
  --options.max_samples;
  CHECK(carat_sound_decode_with(bytes, size, &options, &same, error) == CARAT_RESOURCE_EXHAUSTED &&
        same == NULL);
  CHECK(carat_sound_read_with(path, strlen(path), &options, &same, error) == CARAT_RESOURCE_EXHAUSTED);
  CHECK(carat_sound_samples(NULL, &frames, &channels, &rate) == NULL && frames == 0);
  carat_sound_free(NULL);
  carat_sound_free(sound);
  free(bytes);
}

// The ABI: what is here never changes.
_Static_assert(sizeof(carat_picture_file_options) == 32, "carat_picture_file_options");
_Static_assert(offsetof(carat_picture_file_options, max_pixels) == 8, "max_pixels");
_Static_assert(offsetof(carat_picture_file_options, max_file_bytes) == 16, "max_file_bytes");
_Static_assert(offsetof(carat_picture_file_options, ignore_orientation) == 24, "ignore_orientation");
_Static_assert(sizeof(carat_sound_file_options) == 32, "carat_sound_file_options");
_Static_assert(offsetof(carat_sound_file_options, max_seconds) == 8, "max_seconds");
_Static_assert(offsetof(carat_sound_file_options, max_samples) == 16, "max_samples");
_Static_assert(offsetof(carat_sound_file_options, max_file_bytes) == 24, "max_file_bytes");

int main(int argc, char** argv) {
  CHECK(argc == 2);
  char path[4096];
  carat_error* error = carat_error_new();
  CHECK(snprintf(path, sizeof path, "%s/picture0.png", argv[1]) < (int)sizeof path);
  pictures(path, error);
  CHECK(snprintf(path, sizeof path, "%s/speech0.wav", argv[1]) < (int)sizeof path);
  sounds(path, error);
  carat_error_free(error);
  return 0;
}
