// The functions of carat_media.h, over those of carat/media_files.h.
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "capi/carat_media.h"
#include "capi/sized_struct.h"
#include "carat/media_files.h"
#include "lib/base/error.h"
#include "lib/base/guard.h"

// The defaults of the options are those of C++.
template <>
inline carat_picture_file_options carat::capi::DefaultsOf() noexcept {
  const carat::PictureFileOptions defaults;
  carat_picture_file_options options{};
  options.struct_size = sizeof options;
  options.max_pixels = defaults.max_pixels;
  options.max_file_bytes = defaults.max_file_bytes;
  return options;
}

template <>
inline carat_sound_file_options carat::capi::DefaultsOf() noexcept {
  const carat::SoundFileOptions defaults;
  carat_sound_file_options options{};
  options.struct_size = sizeof options;
  options.max_seconds = defaults.max_seconds;
  options.max_samples = defaults.max_samples;
  options.max_file_bytes = defaults.max_file_bytes;
  return options;
}

struct carat_picture {
  carat::Picture value;
};

struct carat_sound {
  carat::Sound value;
};

namespace {

using carat::Result;
using carat::Status;

// Runs the body of a function and puts its outcome into the host's error.
template <typename Body>
carat_status Call(carat_error* error, Body&& body) noexcept {
  const Status status = carat::internal::Guard(std::forward<Body>(body));
  const auto code = static_cast<carat_status>(status.code());
  carat_error_set(error, code, status.message().data(), status.message().size());
  return code;
}

// Decodes from what is at (data, size), unless a pointer is null.
template <typename Handle, typename Data, typename Decode>
carat_status Make(const Data* data, std::size_t size, Handle** handle, carat_error* error,
                  Decode decode) noexcept {
  return Call(error, [&]() -> Status {
    if (handle == nullptr) return carat::internal::InvalidArgument("the place for the result is NULL");
    *handle = nullptr;
    if (data == nullptr && size > 0)
      return carat::internal::InvalidArgument("the data are NULL, but %d long", size);
    CARAT_ASSIGN_OR_RETURN(auto value, decode());
    *handle = new Handle{std::move(value)};
    return {};
  });
}

carat::Result<carat::PictureFileOptions> ToOptions(const carat_picture_file_options* given) {
  CARAT_ASSIGN_OR_RETURN(const auto read, carat::capi::ReadOptions(given, "carat_picture_file_options"));
  return carat::PictureFileOptions{.max_pixels = read.max_pixels,
                                   .max_file_bytes = read.max_file_bytes,
                                   .honour_orientation = read.ignore_orientation == 0};
}

carat::Result<carat::SoundFileOptions> ToOptions(const carat_sound_file_options* given) {
  CARAT_ASSIGN_OR_RETURN(const auto read, carat::capi::ReadOptions(given, "carat_sound_file_options"));
  return carat::SoundFileOptions{.max_seconds = read.max_seconds,
                                 .max_file_bytes = read.max_file_bytes,
                                 .max_samples = read.max_samples};
}

}  // namespace

carat_status carat_picture_file_options_init(carat_picture_file_options* options, size_t struct_size) {
  return carat::capi::InitStruct(options, struct_size);
}

carat_status carat_picture_read_with(const char* path, size_t path_size,
                                     const carat_picture_file_options* options, carat_picture** picture,
                                     carat_error* error) {
  return Make(path, path_size, picture, error, [&]() -> Result<carat::Picture> {
    CARAT_ASSIGN_OR_RETURN(const auto how, ToOptions(options));
    return carat::ReadPicture(std::string_view(path, path_size), how);
  });
}

carat_status carat_picture_decode_with(const uint8_t* file, size_t file_size,
                                       const carat_picture_file_options* options, carat_picture** picture,
                                       carat_error* error) {
  return Make(file, file_size, picture, error, [&]() -> Result<carat::Picture> {
    CARAT_ASSIGN_OR_RETURN(const auto how, ToOptions(options));
    return carat::DecodePicture(std::span(file, file_size), how);
  });
}

carat_status carat_picture_read(const char* path, size_t path_size, carat_picture** picture,
                                carat_error* error) {
  return carat_picture_read_with(path, path_size, nullptr, picture, error);
}

carat_status carat_picture_decode(const uint8_t* file, size_t file_size, carat_picture** picture,
                                  carat_error* error) {
  return carat_picture_decode_with(file, file_size, nullptr, picture, error);
}

const uint8_t* carat_picture_pixels(const carat_picture* picture, int32_t* width, int32_t* height) {
  if (width != nullptr) *width = picture == nullptr ? 0 : picture->value.width;
  if (height != nullptr) *height = picture == nullptr ? 0 : picture->value.height;
  return picture == nullptr ? nullptr : picture->value.rgb.data();
}

void carat_picture_free(carat_picture* picture) {
  delete picture;
}

carat_status carat_sound_file_options_init(carat_sound_file_options* options, size_t struct_size) {
  return carat::capi::InitStruct(options, struct_size);
}

carat_status carat_sound_read_with(const char* path, size_t path_size,
                                   const carat_sound_file_options* options, carat_sound** sound,
                                   carat_error* error) {
  return Make(path, path_size, sound, error, [&]() -> Result<carat::Sound> {
    CARAT_ASSIGN_OR_RETURN(const auto how, ToOptions(options));
    return carat::ReadSound(std::string_view(path, path_size), how);
  });
}

carat_status carat_sound_decode_with(const uint8_t* file, size_t file_size,
                                     const carat_sound_file_options* options, carat_sound** sound,
                                     carat_error* error) {
  return Make(file, file_size, sound, error, [&]() -> Result<carat::Sound> {
    CARAT_ASSIGN_OR_RETURN(const auto how, ToOptions(options));
    return carat::DecodeSound(std::span(file, file_size), how);
  });
}

carat_status carat_sound_read(const char* path, size_t path_size, carat_sound** sound, carat_error* error) {
  return carat_sound_read_with(path, path_size, nullptr, sound, error);
}

carat_status carat_sound_decode(const uint8_t* file, size_t file_size, carat_sound** sound,
                                carat_error* error) {
  return carat_sound_decode_with(file, file_size, nullptr, sound, error);
}

const float* carat_sound_samples(const carat_sound* sound, int64_t* frames, int32_t* channels,
                                 int32_t* sample_rate) {
  const auto size = sound == nullptr ? 0 : static_cast<std::int64_t>(sound->value.samples.size());
  if (frames != nullptr) *frames = sound == nullptr ? 0 : size / sound->value.channels;
  if (channels != nullptr) *channels = sound == nullptr ? 0 : sound->value.channels;
  if (sample_rate != nullptr) *sample_rate = sound == nullptr ? 0 : sound->value.sample_rate;
  return sound == nullptr ? nullptr : sound->value.samples.data();
}

void carat_sound_free(carat_sound* sound) {
  delete sound;
}
