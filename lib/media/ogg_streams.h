// Decoders of the logical streams of an Ogg file.
#ifndef CARAT_LIB_MEDIA_OGG_STREAMS_H_
#define CARAT_LIB_MEDIA_OGG_STREAMS_H_

#include <memory>

#include "lib/media/ogg_pages.h"
#include "lib/media/sound_decoders.h"

namespace carat::internal {

class OggStream {
 public:
  virtual ~OggStream() = default;
  // Takes the next packet, the first being a header.
  virtual Status Take(const OggPacket& packet, SoundBuilder& sound) = 0;
  // No packet follows.
  virtual Status Finish(SoundBuilder& /*sound*/) { return {}; }
};

std::unique_ptr<OggStream> NewVorbisStream();
std::unique_ptr<OggStream> NewOpusStream();

}  // namespace carat::internal

#endif  // CARAT_LIB_MEDIA_OGG_STREAMS_H_
