// The functions of carat_media.h, over those of carat/media_files.h.
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "capi/carat_media.h"
#include "carat/media_files.h"
#include "lib/base/error.h"
#include "lib/base/guard.h"

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

}  // namespace

carat_status carat_picture_read(const char* path, size_t path_size, carat_picture** picture,
                                carat_error* error) {
  return Make(path, path_size, picture, error,
              [&] { return carat::ReadPicture(std::string_view(path, path_size)); });
}

carat_status carat_picture_decode(const uint8_t* file, size_t file_size, carat_picture** picture,
                                  carat_error* error) {
  return Make(file, file_size, picture, error,
              [&] { return carat::DecodePicture(std::span(file, file_size)); });
}

const uint8_t* carat_picture_pixels(const carat_picture* picture, int32_t* width, int32_t* height) {
  if (width != nullptr) *width = picture == nullptr ? 0 : picture->value.width;
  if (height != nullptr) *height = picture == nullptr ? 0 : picture->value.height;
  return picture == nullptr ? nullptr : picture->value.rgb.data();
}

void carat_picture_free(carat_picture* picture) {
  delete picture;
}

carat_status carat_sound_read(const char* path, size_t path_size, carat_sound** sound, carat_error* error) {
  return Make(path, path_size, sound, error,
              [&] { return carat::ReadSound(std::string_view(path, path_size)); });
}

carat_status carat_sound_decode(const uint8_t* file, size_t file_size, carat_sound** sound,
                                carat_error* error) {
  return Make(file, file_size, sound, error, [&] { return carat::DecodeSound(std::span(file, file_size)); });
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
