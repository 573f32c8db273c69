// WebP, by libwebp in memory of its own: it does not survive every failed allocation otherwise.
#include <webp/decode.h>
#include <webp/demux.h>

#include <algorithm>

#include "lib/base/error.h"
#include "lib/media/confined_memory.h"
#include "lib/media/picture_decoders.h"

namespace carat::internal {
namespace {

// What libwebp takes besides the pixels it gives back: four bytes a pixel of a lossless picture, less for
// others, and some tables.
constexpr std::size_t kBytesPerPixel = 5;
constexpr std::size_t kBytesOfTables = std::size_t{1} << 24;

Status Broken(const char* what) {
  return DataLoss("broken WebP file: %s", what);
}

// The first frame, or the only one, and where on the canvas it stands.
struct Frame {
  FileBytes bytes;
  std::int64_t left = 0;
  std::int64_t top = 0;
  std::int64_t width = 0;
  std::int64_t height = 0;
  FileBytes exif;
};

// Reads the container. False if it is broken.
bool FindFrame(FileBytes file, Frame& frame) {
  const WebPData data{file.data(), file.size()};
  WebPDemuxState state = WEBP_DEMUX_PARSE_ERROR;
  WebPDemuxer* demuxer = WebPDemuxPartial(&data, &state);
  if (demuxer == nullptr || state != WEBP_DEMUX_DONE) return false;
  WebPIterator first = {};
  if (WebPDemuxGetFrame(demuxer, 1, &first) == 0 || first.complete == 0) return false;
  frame.bytes = {first.fragment.bytes, first.fragment.size};
  frame.left = first.x_offset;
  frame.top = first.y_offset;
  frame.width = first.width;
  frame.height = first.height;
  WebPChunkIterator chunk = {};
  if (WebPDemuxGetChunk(demuxer, "EXIF", 1, &chunk) != 0) frame.exif = {chunk.chunk.bytes, chunk.chunk.size};
  return true;
}

int OrientationOf(FileBytes exif) {
  // Some writers keep the header that JPEG needs.
  if (HasAt(exif, 0, "Exif") && exif.size() > 6) exif = exif.subspan(6);
  return ExifOrientation(exif);
}

}  // namespace

Result<StoredPicture> DecodeWebP(FileBytes file, std::int64_t max_pixels) {
  WebPBitstreamFeatures features;
  VP8StatusCode code = VP8_STATUS_OK;
  ConfinedMemory header_memory(kBytesOfTables);
  if (!header_memory.Run([&] { code = WebPGetFeatures(file.data(), file.size(), &features); }))
    return OutOfMemory();
  if (code != VP8_STATUS_OK) return Broken("its header");
  StoredPicture stored;
  // Before anything else is allocated.
  CARAT_RETURN_IF_ERROR(MakeRoom(static_cast<std::uint64_t>(features.width),
                                 static_cast<std::uint64_t>(features.height), max_pixels, stored.picture));
  Picture& picture = stored.picture;
  ConfinedMemory memory(kBytesOfTables + kBytesPerPixel * (picture.rgb.size() / 3));
  Frame frame;
  bool found = false;
  if (!memory.Run([&] { found = FindFrame(file, frame); })) return OutOfMemory();
  if (!found) return Broken("it is cut short, or its parts do not fit");
  if (frame.left + frame.width > picture.width || frame.top + frame.height > picture.height)
    return Broken("its first frame is larger than the picture");
  std::uint8_t* to = picture.rgb.data() + (frame.top * picture.width + frame.left) * 3;
  const std::size_t room = picture.rgb.size() - static_cast<std::size_t>(to - picture.rgb.data());
  const std::uint8_t* decoded = nullptr;
  if (!memory.Run([&] {
        decoded = WebPDecodeRGBInto(frame.bytes.data(), frame.bytes.size(), to, room, 3 * picture.width);
      }))
    return OutOfMemory();
  if (decoded == nullptr) return Broken("its pixels cannot be decoded");
  stored.orientation = OrientationOf(frame.exif);
  return stored;
}

}  // namespace carat::internal
