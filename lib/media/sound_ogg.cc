// Ogg files: which logical stream is the sound. Chained streams follow one another and are heard whole.
#include <memory>
#include <vector>

#include "lib/base/error.h"
#include "lib/media/ogg_streams.h"

namespace carat::internal {
namespace {

// FLAC in Ogg: the packets without their Ogg header are a FLAC file.
class OggFlacStream final : public OggStream {
 public:
  Status Take(const OggPacket& packet, SoundBuilder&) override {
    constexpr std::size_t kMapping = 9;  // before "fLaC"
    const std::size_t skip = file_.empty() ? kMapping : 0;
    if (packet.bytes.size() > skip)
      file_.insert(file_.end(), packet.bytes.begin() + static_cast<std::ptrdiff_t>(skip), packet.bytes.end());
    return {};
  }
  Status Finish(SoundBuilder& sound) override { return DecodeFlac(file_, sound); }

 private:
  std::vector<std::uint8_t> file_;
};

// The decoder for the stream that begins with this packet; nullptr if it is no sound.
std::unique_ptr<OggStream> NewStream(FileBytes first) {
  if (HasAt(first, 0, "\x01vorbis")) return NewVorbisStream();
  if (HasAt(first, 0, "OpusHead")) return NewOpusStream();
  if (HasAt(first, 0,
            "\x7f"
            "FLAC") &&
      HasAt(first, 9, "fLaC"))
    return std::make_unique<OggFlacStream>();
  return nullptr;
}

class OggDecoder {
 public:
  explicit OggDecoder(SoundBuilder& sound) : sound_(sound) {}

  Status Take(const OggPage& page) {
    // Streams that run beside one another all begin before the first page that begins none.
    if (!page.begins_stream) before_data_ = false;
    if (page.begins_stream) CARAT_RETURN_IF_ERROR(Begin(page));
    if (stream_ == nullptr || page.serial != serial_) return {};  // pictures, subtitles, a second sound
    packets_.clear();
    CARAT_RETURN_IF_ERROR(assembler_.Add(page, packets_));
    for (const OggPacket& packet : packets_) CARAT_RETURN_IF_ERROR(stream_->Take(packet, sound_));
    has_end_ = has_end_ || page.ends_stream;
    return page.ends_stream ? End() : Status();
  }

  Status Finish() {
    if (!has_sound_) return Unimplemented("the Ogg file holds none of Vorbis, Opus and FLAC");
    if (!has_end_) return DataLoss("the Ogg file is cut short: its last page is missing");
    return {};
  }

 private:
  Status Begin(const OggPage& page) {
    std::unique_ptr<OggStream> stream = NewStream(page.body);
    // Of streams that run beside one another the first is the sound.
    if (stream == nullptr || (stream_ != nullptr && before_data_)) return {};
    CARAT_RETURN_IF_ERROR(End());
    stream_ = std::move(stream);
    serial_ = page.serial;
    assembler_ = {};
    before_data_ = true;
    has_sound_ = true;
    has_end_ = false;
    return {};
  }

  Status End() {
    const std::unique_ptr<OggStream> ended = std::move(stream_);
    return ended == nullptr ? Status() : ended->Finish(sound_);
  }

  SoundBuilder& sound_;
  std::unique_ptr<OggStream> stream_;
  OggPackets assembler_;
  std::vector<OggPacket> packets_;
  std::uint32_t serial_ = 0;
  bool before_data_ = false;
  bool has_sound_ = false;
  bool has_end_ = false;
};

}  // namespace

Status DecodeOgg(FileBytes file, SoundBuilder& sound) {
  OggPages pages(file);
  OggDecoder decoder(sound);
  for (OggPage page;;) {
    CARAT_ASSIGN_OR_RETURN(const bool more, pages.Next(page));
    if (!more) return decoder.Finish();
    CARAT_RETURN_IF_ERROR(decoder.Take(page));
  }
}

}  // namespace carat::internal
