// Vorbis, by libvorbis in memory of its own: it does not survive a failed allocation otherwise, and forgets
// memory when a file is broken.
#include <vorbis/codec.h>

#include <algorithm>
#include <vector>

#include "lib/base/error.h"
#include "lib/media/confined_memory.h"
#include "lib/media/ogg_streams.h"

namespace carat::internal {
namespace {

// A stereo stream needs about one megabyte; 64 channels some more.
constexpr std::size_t kMostMemory = std::size_t{1} << 26;
constexpr int kHeaders = 3;

class VorbisStream final : public OggStream {
 public:
  // Whatever the decoder still holds goes with memory_.
  Status Take(const OggPacket& packet, SoundBuilder& sound) override {
    ogg_packet raw = {};
    raw.packet = const_cast<unsigned char*>(packet.bytes.data());
    raw.bytes = static_cast<long>(packet.bytes.size());
    raw.b_o_s = packets_ == 0 ? 1 : 0;
    raw.e_o_s = packet.ends_stream ? 1 : 0;
    raw.granulepos = packet.granule;
    raw.packetno = packets_++;
    return packets_ <= kHeaders ? TakeHeader(raw, sound) : Decode(raw, sound);
  }

  Status Finish(SoundBuilder&) override {
    return packets_ > kHeaders ? Status() : DataLoss("the Vorbis file holds no sound");
  }

 private:
  Status TakeHeader(ogg_packet& packet, SoundBuilder& sound) {
    int result = 0;
    const bool is_first = packets_ == 1;
    const bool is_last = packets_ == kHeaders;
    if (!memory_.Run([&] {
          if (is_first) vorbis_info_init(&info_);
          if (is_first) vorbis_comment_init(&comment_);
          result = vorbis_synthesis_headerin(&info_, &comment_, &packet);
          if (result == 0 && is_last) result = vorbis_synthesis_init(&state_, &info_);
          if (result == 0 && is_last) result = vorbis_block_init(&state_, &block_);
        }))
      return OutOfMemory();
    if (result != 0) return DataLoss("the Vorbis file's header %d of %d is broken", packets_, kHeaders);
    return is_last ? sound.BeginPart(info_.rate, info_.channels) : Status();
  }

  Status Decode(ogg_packet& packet, SoundBuilder& sound) {
    int result = 0;
    float** planes = nullptr;
    int frames = 0;
    if (!memory_.Run([&] {
          // A packet that is no sound is left out, as the format says.
          result = vorbis_synthesis(&block_, &packet);
          if (result == OV_ENOTAUDIO) return;
          if (result == 0) result = vorbis_synthesis_blockin(&state_, &block_);
          if (result == 0) frames = vorbis_synthesis_pcmout(&state_, &planes);
          if (result == 0) vorbis_synthesis_read(&state_, frames);
        }))
      return OutOfMemory();
    if (result != 0 && result != OV_ENOTAUDIO)
      return DataLoss("the Vorbis file is broken: packet %d cannot be decoded", packets_);
    if (frames <= 0) return {};
    // The samples stay where they are until the next packet.
    const auto channels = static_cast<std::size_t>(info_.channels);
    const auto count = static_cast<std::size_t>(frames);
    samples_.resize(count * channels);
    for (std::size_t c = 0; c < channels; ++c) {
      for (std::size_t i = 0; i < count; ++i) samples_[i * channels + c] = planes[c][i];
    }
    return sound.Append(samples_.data(), count);
  }

  ConfinedMemory memory_{kMostMemory};
  vorbis_info info_ = {};
  vorbis_comment comment_ = {};
  vorbis_dsp_state state_ = {};
  vorbis_block block_ = {};
  std::int64_t packets_ = 0;
  std::vector<float> samples_;
};

}  // namespace

std::unique_ptr<OggStream> NewVorbisStream() {
  return std::make_unique<VorbisStream>();
}

}  // namespace carat::internal
