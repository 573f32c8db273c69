// Which decoder a sound file needs, and the limits.
#include <string>
#include <utility>

#include "carat/media_files.h"
#include "lib/base/error.h"
#include "lib/base/guard.h"
#include "lib/media/sound_decoders.h"

namespace carat {
namespace internal {
namespace {

Status CheckOptions(const SoundFileOptions& options) {
  if (!(options.max_seconds > 0))
    return InvalidArgument("max_seconds is %g, but must be above 0", options.max_seconds);
  if (options.max_samples < 1)
    return InvalidArgument("max_samples is %d, but must be at least 1", options.max_samples);
  if (options.max_file_bytes < 1)
    return InvalidArgument("max_file_bytes is %d, but must be at least 1", options.max_file_bytes);
  return {};
}

Status DecodeAny(FileBytes file, SoundBuilder& sound) {
  if (file.empty()) return DataLoss("the file is empty");
  if (IsWav(file)) return DecodeWav(file, sound);
  if (HasAt(file, 0, "OggS")) return DecodeOgg(file, sound);
  const FileBytes untagged = file.subspan(Id3Size(file));
  if (HasAt(untagged, 0, "fLaC")) return DecodeFlac(untagged, sound);
  if (const char* name = untagged.size() == file.size() ? NameOfUnsupported(file) : nullptr; name != nullptr)
    return Unimplemented("the file is %s: carat reads WAV, FLAC, OGG and MP3", name);
  if (IsMp3(file)) return DecodeMp3(file, sound);
  return Unimplemented("the file is none of WAV, FLAC, OGG and MP3");
}

Result<Sound> Decode(FileBytes file, const SoundFileOptions& options) {
  CARAT_RETURN_IF_ERROR(CheckOptions(options));
  if (file.size() > static_cast<std::uint64_t>(options.max_file_bytes)) {
    return ResourceExhausted("the file has %d bytes, but max_file_bytes is %d", file.size(),
                             options.max_file_bytes);
  }
  SoundBuilder sound(options);
  CARAT_RETURN_IF_ERROR(DecodeAny(file, sound));
  return sound.Finish();
}

Result<Sound> Read(const std::string& path, const SoundFileOptions& options) {
  CARAT_RETURN_IF_ERROR(CheckOptions(options));
  CARAT_ASSIGN_OR_RETURN(const std::vector<std::uint8_t> file, ReadMediaFile(path, options.max_file_bytes));
  auto sound = Decode(file, options);
  if (sound.ok()) return sound;
  return Status(sound.status().code(), path + ": " + sound.status().message());
}

}  // namespace
}  // namespace internal

Result<Sound> DecodeSound(std::span<const std::uint8_t> file, const SoundFileOptions& options) noexcept {
  return internal::Guard([&] { return internal::Decode(file, options); });
}

Result<Sound> ReadSound(std::string_view path, const SoundFileOptions& options) noexcept {
  return internal::Guard([&] { return internal::Read(std::string(path), options); });
}

}  // namespace carat
