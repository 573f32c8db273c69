// Opus, by libopus. Its decoder lives in memory that is allocated here and allocates nothing itself.
#include <opus/opus_multistream.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "lib/base/error.h"
#include "lib/media/ogg_streams.h"

namespace carat::internal {
namespace {

constexpr std::int64_t kGranuleRate = 48000;

// The lowest of Opus' own rates that keeps what was recorded.
std::int64_t DecodingRate(std::uint64_t recorded) {
  if (recorded == 0) return kGranuleRate;
  for (const std::int64_t rate : {8000, 12000, 16000, 24000}) {
    if (recorded <= static_cast<std::uint64_t>(rate)) return rate;
  }
  return kGranuleRate;
}

class OpusStream final : public OggStream {
 public:
  Status Take(const OggPacket& packet, SoundBuilder& sound) override {
    ++packets_;
    if (packets_ == 1) return ReadHeader(packet.bytes, sound);
    if (packets_ == 2) return {};  // comments
    return Decode(packet, sound);
  }

  Status Finish(SoundBuilder&) override {
    return packets_ > 2 ? Status() : DataLoss("the Opus file holds no sound");
  }

 private:
  Status ReadHeader(FileBytes header, SoundBuilder& sound) {
    if (header.size() < 19 || header[8] >> 4 != 0) return DataLoss("the Opus file's header is broken");
    channels_ = header[9];
    skip_ = static_cast<std::int64_t>(LittleEndian(header, 10, 2));
    rate_ = DecodingRate(LittleEndian(header, 12, 4));
    const auto gain = static_cast<std::int16_t>(LittleEndian(header, 16, 2));
    gain_ = std::pow(10.0f, static_cast<float>(gain) / (20.0f * 256));
    const int family = header[18];
    std::vector<std::uint8_t> mapping = {0, 1};
    int streams = 1;
    int coupled = channels_ == 2 ? 1 : 0;
    if (family == 0 && channels_ > 2)
      return DataLoss("the Opus file says %d channels, but its kind has 1 or 2", channels_);
    if (family != 0) {
      const auto count = static_cast<std::size_t>(channels_);
      if (header.size() < 21 + count) return DataLoss("the Opus file's header is broken");
      streams = header[19];
      coupled = header[20];
      mapping.assign(header.begin() + 21, header.begin() + 21 + channels_);
    }
    CARAT_RETURN_IF_ERROR(sound.BeginPart(rate_, channels_));
    if (streams < 1 || coupled > streams || streams + coupled > 255)
      return DataLoss("the Opus file's header is broken");
    state_.resize(static_cast<std::size_t>(opus_multistream_decoder_get_size(streams, coupled)));
    if (state_.empty() || opus_multistream_decoder_init(decoder(), static_cast<opus_int32>(rate_), channels_,
                                                        streams, coupled, mapping.data()) != OPUS_OK)
      return DataLoss("the Opus file's header is broken");
    skip_ = skip_ * rate_ / kGranuleRate;
    pre_skip_ = skip_;
    return {};
  }

  Status Decode(const OggPacket& packet, SoundBuilder& sound) {
    const std::int64_t longest = rate_ * 120 / 1000;
    samples_.resize(static_cast<std::size_t>(longest * channels_));
    const int frames = opus_multistream_decode_float(decoder(), packet.bytes.data(),
                                                     static_cast<opus_int32>(packet.bytes.size()),
                                                     samples_.data(), static_cast<int>(longest), 0);
    if (frames < 0) return DataLoss("the Opus file is broken: packet %d cannot be decoded", packets_);
    for (std::int64_t i = 0; i < frames * channels_; ++i) samples_[static_cast<std::size_t>(i)] *= gain_;
    const std::int64_t skipped = std::min<std::int64_t>(skip_, frames);
    skip_ -= skipped;
    decoded_ += frames;
    CARAT_RETURN_IF_ERROR(
        sound.Append(samples_.data() + skipped * channels_, static_cast<std::size_t>(frames - skipped)));
    if (packet.granule >= 0) CutToGranule(packet, sound);
    return {};
  }

  // The last page says where in its last packet the sound ends, counted from where the first page with sound
  // says that it begins: a recording of a broadcast does not begin at 0.
  void CutToGranule(const OggPacket& packet, SoundBuilder& sound) {
    const std::int64_t position =
        packet.granule / kGranuleRate * rate_ + packet.granule % kGranuleRate * rate_ / kGranuleRate;
    if (!has_start_) start_ = packet.ends_stream ? 0 : std::max<std::int64_t>(0, position - decoded_);
    has_start_ = true;
    if (packet.ends_stream) sound.CutPart(std::max<std::int64_t>(0, position - start_ - pre_skip_));
  }

  OpusMSDecoder* decoder() { return reinterpret_cast<OpusMSDecoder*>(state_.data()); }

  std::int64_t packets_ = 0;
  int channels_ = 0;
  std::int64_t rate_ = 0;
  std::int64_t skip_ = 0;      // samples that are still to be dropped
  std::int64_t pre_skip_ = 0;  // samples that are dropped at the beginning
  std::int64_t decoded_ = 0;
  std::int64_t start_ = 0;
  bool has_start_ = false;
  float gain_ = 1;
  std::vector<unsigned char> state_;
  std::vector<float> samples_;
};

}  // namespace

std::unique_ptr<OggStream> NewOpusStream() {
  return std::make_unique<OpusStream>();
}

}  // namespace carat::internal
