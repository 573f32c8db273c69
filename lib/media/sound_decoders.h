// One decoder for each kind of sound file, and the place where their samples go.
#ifndef CARAT_LIB_MEDIA_SOUND_DECODERS_H_
#define CARAT_LIB_MEDIA_SOUND_DECODERS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "carat/media_files.h"
#include "lib/media/media_file.h"

namespace carat::internal {

// Collects the samples of a file that consists of one or more parts: joined files and chained Ogg streams may
// change their format. The first part decides the format of the whole.
class SoundBuilder {
 public:
  explicit SoundBuilder(const SoundFileOptions& options) : options_(options) {}

  // A part of this format follows. Errors: DATA_LOSS for a format that cannot be, RESOURCE_EXHAUSTED if the
  // part before is too long.
  Status BeginPart(std::int64_t rate, std::int64_t channels);

  // Appends samples, channels interleaved as in this part. Values beyond [-1, 1] are clipped. Errors:
  // DATA_LOSS for a value that is no number, RESOURCE_EXHAUSTED beyond the limits.
  Status Append(const float* interleaved, std::size_t frames);

  // The frames of this part so far.
  std::int64_t part_frames() const { return part_frames_; }
  // Drops what is behind the first `frames` of this part.
  void CutPart(std::int64_t frames);

  // Errors: DATA_LOSS if there are no samples.
  Result<Sound> Finish();

 private:
  Status EndPart();
  Status CheckLimits(std::size_t frames) const;
  bool converts() const { return rate_ != sound_.sample_rate; }

  const SoundFileOptions& options_;
  Sound sound_;
  std::int64_t rate_ = 0;  // of this part
  std::int64_t channels_ = 0;
  std::int64_t part_frames_ = 0;
  std::vector<float> part_;  // the samples of a part with another rate than the first
};

// Errors of all: DATA_LOSS, UNIMPLEMENTED, RESOURCE_EXHAUSTED. May throw std::bad_alloc.
Status DecodeWav(FileBytes file, SoundBuilder& sound);
Status DecodeFlac(FileBytes file, SoundBuilder& sound);
Status DecodeOgg(FileBytes file, SoundBuilder& sound);
Status DecodeMp3(FileBytes file, SoundBuilder& sound);

bool IsWav(FileBytes file);
// Whether frames of MPEG audio begin in the first bytes, perhaps after tags.
bool IsMp3(FileBytes file);
// The bytes that an ID3v2 tag takes at the beginning; 0 if there is none.
std::size_t Id3Size(FileBytes file);

}  // namespace carat::internal

#endif  // CARAT_LIB_MEDIA_SOUND_DECODERS_H_
