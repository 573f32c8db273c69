// WebP, by libwebp.
#include <webp/decode.h>
#include <webp/demux.h>

#include <memory>

#include "lib/base/error.h"
#include "lib/media/picture_decoders.h"

namespace carat::internal {
namespace {

struct DeleteDemuxer {
  void operator()(WebPDemuxer* demuxer) const { WebPDemuxDelete(demuxer); }
};
struct DeleteAnimation {
  void operator()(WebPAnimDecoder* animation) const { WebPAnimDecoderDelete(animation); }
};

Status Broken(const char* what) {
  return DataLoss("broken WebP file: %s", what);
}

// The whole canvas as the first frame of an animation leaves it.
Status DecodeFirstFrame(FileBytes file, Picture& picture) {
  const WebPData data{file.data(), file.size()};
  WebPAnimDecoderOptions options;
  if (WebPAnimDecoderOptionsInit(&options) == 0) return Internal("libwebp is of another version");
  options.color_mode = MODE_RGBA;
  options.use_threads = 0;
  const std::unique_ptr<WebPAnimDecoder, DeleteAnimation> animation(WebPAnimDecoderNew(&data, &options));
  std::uint8_t* rgba = nullptr;
  int time = 0;
  if (animation == nullptr || WebPAnimDecoderGetNext(animation.get(), &rgba, &time) == 0)
    return Broken("its first frame cannot be decoded");
  for (std::size_t i = 0; i < picture.rgb.size() / 3; ++i) {
    for (std::size_t c = 0; c < 3; ++c) picture.rgb[3 * i + c] = rgba[4 * i + c];
  }
  return {};
}

int OrientationOf(const WebPDemuxer* demuxer) {
  WebPChunkIterator chunk;
  int orientation = 1;
  if (WebPDemuxGetChunk(demuxer, "EXIF", 1, &chunk) != 0) {
    FileBytes exif(chunk.chunk.bytes, chunk.chunk.size);
    // Some writers keep the header that JPEG needs.
    if (exif.size() > 6 && exif[0] == 'E' && exif[1] == 'x') exif = exif.subspan(6);
    orientation = ExifOrientation(exif);
  }
  WebPDemuxReleaseChunkIterator(&chunk);
  return orientation;
}

}  // namespace

Result<StoredPicture> DecodeWebP(FileBytes file, std::int64_t max_pixels) {
  WebPBitstreamFeatures features;
  if (WebPGetFeatures(file.data(), file.size(), &features) != VP8_STATUS_OK) return Broken("its header");
  StoredPicture stored;
  // Before anything else is allocated.
  CARAT_RETURN_IF_ERROR(MakeRoom(static_cast<std::uint64_t>(features.width),
                                 static_cast<std::uint64_t>(features.height), max_pixels, stored.picture));
  const WebPData data{file.data(), file.size()};
  WebPDemuxState state;
  const std::unique_ptr<WebPDemuxer, DeleteDemuxer> demuxer(WebPDemuxPartial(&data, &state));
  if (demuxer == nullptr || state != WEBP_DEMUX_DONE)
    return Broken("it is cut short, or its parts do not fit");
  Picture& picture = stored.picture;
  if (features.has_animation != 0) {
    CARAT_RETURN_IF_ERROR(DecodeFirstFrame(file, picture));
  } else if (WebPDecodeRGBInto(file.data(), file.size(), picture.rgb.data(), picture.rgb.size(),
                               3 * picture.width) == nullptr) {
    return Broken("its pixels cannot be decoded");
  }
  stored.orientation = OrientationOf(demuxer.get());
  return stored;
}

}  // namespace carat::internal
