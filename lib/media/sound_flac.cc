// FLAC, by libFLAC.
#include <FLAC/stream_decoder.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "lib/base/error.h"
#include "lib/media/sound_decoders.h"

namespace carat::internal {
namespace {

struct DeleteDecoder {
  void operator()(FLAC__StreamDecoder* decoder) const { FLAC__stream_decoder_delete(decoder); }
};

// One stream while it is decoded. The callbacks throw nothing: what they want to say is kept here.
struct Stream {
  FileBytes file;
  SoundBuilder& sound;
  std::size_t at = 0;
  std::int64_t rate = 0;
  std::int64_t channels = 0;
  std::int64_t frames = 0;
  Status status;
  bool damaged = false;
  std::vector<float> interleaved;
};

FLAC__StreamDecoderReadStatus OnRead(const FLAC__StreamDecoder*, FLAC__byte* to, std::size_t* size,
                                     void* user) {
  auto& stream = *static_cast<Stream*>(user);
  *size = std::min(*size, stream.file.size() - stream.at);
  if (*size == 0) return FLAC__STREAM_DECODER_READ_STATUS_END_OF_STREAM;
  std::memcpy(to, stream.file.data() + stream.at, *size);
  stream.at += *size;
  return FLAC__STREAM_DECODER_READ_STATUS_CONTINUE;
}

FLAC__StreamDecoderTellStatus OnTell(const FLAC__StreamDecoder*, FLAC__uint64* at, void* user) {
  *at = static_cast<Stream*>(user)->at;
  return FLAC__STREAM_DECODER_TELL_STATUS_OK;
}

Status AppendFrame(const FLAC__Frame& frame, const FLAC__int32* const* samples, Stream& stream) {
  const auto channels = static_cast<std::size_t>(frame.header.channels);
  const std::size_t count = frame.header.blocksize;
  if (frame.header.sample_rate != stream.rate || frame.header.channels != stream.channels) {
    stream.rate = frame.header.sample_rate;
    stream.channels = frame.header.channels;
    CARAT_RETURN_IF_ERROR(stream.sound.BeginPart(stream.rate, stream.channels));
  }
  const float scale = 1.0f / static_cast<float>(std::int64_t{1} << (frame.header.bits_per_sample - 1));
  stream.interleaved.resize(count * channels);
  for (std::size_t c = 0; c < channels; ++c) {
    for (std::size_t i = 0; i < count; ++i)
      stream.interleaved[i * channels + c] = static_cast<float>(samples[c][i]) * scale;
  }
  stream.frames += static_cast<std::int64_t>(count);
  return stream.sound.Append(stream.interleaved.data(), count);
}

FLAC__StreamDecoderWriteStatus OnFrame(const FLAC__StreamDecoder*, const FLAC__Frame* frame,
                                       const FLAC__int32* const* samples, void* user) {
  auto& stream = *static_cast<Stream*>(user);
  try {
    stream.status = AppendFrame(*frame, samples, stream);
  } catch (...) {
    stream.status = OutOfMemory();
  }
  return stream.status.ok() ? FLAC__STREAM_DECODER_WRITE_STATUS_CONTINUE
                            : FLAC__STREAM_DECODER_WRITE_STATUS_ABORT;
}

void OnError(const FLAC__StreamDecoder*, FLAC__StreamDecoderErrorStatus, void* user) {
  static_cast<Stream*>(user)->damaged = true;
}

// Decodes the stream at the beginning of `file` and says how many bytes it took.
Result<std::size_t> DecodeStream(FileBytes file, SoundBuilder& sound) {
  const std::unique_ptr<FLAC__StreamDecoder, DeleteDecoder> decoder(FLAC__stream_decoder_new());
  if (decoder == nullptr) return OutOfMemory();
  Stream stream{.file = file, .sound = sound};
  if (FLAC__stream_decoder_init_stream(decoder.get(), OnRead, nullptr, OnTell, nullptr, nullptr, OnFrame,
                                       nullptr, OnError, &stream) != FLAC__STREAM_DECODER_INIT_STATUS_OK)
    return OutOfMemory();
  // 0 if the file does not say: its writer could not know.
  std::int64_t total = 0;
  FLAC__uint64 taken = file.size();
  while (FLAC__stream_decoder_get_state(decoder.get()) != FLAC__STREAM_DECODER_END_OF_STREAM) {
    const bool went_well = FLAC__stream_decoder_process_single(decoder.get()) != 0;
    if (!stream.status.ok()) return stream.status;
    if (!went_well) {
      if (FLAC__stream_decoder_get_state(decoder.get()) == FLAC__STREAM_DECODER_MEMORY_ALLOCATION_ERROR)
        return OutOfMemory();
      return DataLoss("the FLAC file is broken after %d samples", stream.frames);
    }
    total = static_cast<std::int64_t>(FLAC__stream_decoder_get_total_samples(decoder.get()));
    // What is behind the last frame, a tag say, is no damage.
    if (total > 0 && stream.frames >= total) {
      FLAC__stream_decoder_get_decode_position(decoder.get(), &taken);
      break;
    }
    if (stream.damaged) return DataLoss("the FLAC file is broken after %d samples", stream.frames);
  }
  if (stream.frames < total) {
    return DataLoss("the FLAC file is cut short: it says %d samples, but has %d", total, stream.frames);
  }
  return static_cast<std::size_t>(std::min<FLAC__uint64>(taken, file.size()));
}

}  // namespace

Status DecodeFlac(FileBytes file, SoundBuilder& sound) {
  for (;;) {
    CARAT_ASSIGN_OR_RETURN(const std::size_t taken, DecodeStream(file, sound));
    file = file.subspan(taken);
    if (!HasAt(file, 0, "fLaC")) return {};  // joined files: one stream after the other
  }
}

}  // namespace carat::internal
