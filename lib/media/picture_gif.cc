// GIF, by giflib: the first frame.
#include <gif_lib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <vector>

#include "lib/base/error.h"
#include "lib/media/picture_decoders.h"

namespace carat::internal {
namespace {

struct Source {
  FileBytes file;
  std::size_t at = 0;
};

struct CloseGif {
  void operator()(GifFileType* gif) const { DGifCloseFile(gif, nullptr); }
};

int OnRead(GifFileType* gif, GifByteType* to, int size) {
  auto& source = *static_cast<Source*>(gif->UserData);
  const std::size_t count =
      std::min(static_cast<std::size_t>(std::max(0, size)), source.file.size() - source.at);
  std::memcpy(to, source.file.data() + source.at, count);
  source.at += count;
  return static_cast<int>(count);
}

Status Broken(int error) {
  // While it reads a palette, giflib forgets that memory was out.
  if (error == D_GIF_ERR_NOT_ENOUGH_MEM || errno == ENOMEM) return OutOfMemory();
  const char* reason = GifErrorString(error);
  return DataLoss("broken GIF file: %s", reason == nullptr ? "it is cut short" : reason);
}

// Goes to the first frame and reads its size and colours.
Status FindFrame(GifFileType* gif) {
  for (;;) {
    GifRecordType kind = UNDEFINED_RECORD_TYPE;
    if (DGifGetRecordType(gif, &kind) == GIF_ERROR) return Broken(gif->Error);
    if (kind == IMAGE_DESC_RECORD_TYPE)
      return DGifGetImageDesc(gif) == GIF_ERROR ? Broken(gif->Error) : Status();
    if (kind == TERMINATE_RECORD_TYPE) return DataLoss("broken GIF file: there is no picture in it");
    int code = 0;
    GifByteType* extension = nullptr;
    if (DGifGetExtension(gif, &code, &extension) == GIF_ERROR) return Broken(gif->Error);
    while (extension != nullptr) {
      if (DGifGetExtensionNext(gif, &extension) == GIF_ERROR) return Broken(gif->Error);
    }
  }
}

// Writes the colour; nothing for an index that the palette lacks.
void Paint(const ColorMapObject& colours, int index, std::uint8_t* to) {
  if (index < 0 || index >= colours.ColorCount) return;
  const GifColorType& colour = colours.Colors[index];
  to[0] = colour.Red;
  to[1] = colour.Green;
  to[2] = colour.Blue;
}

// The frame's row that comes as number `index` in the file.
int RowOf(int index, int height, bool interlaced) {
  if (!interlaced) return index;
  constexpr int kFirst[] = {0, 4, 2, 1};
  constexpr int kStep[] = {8, 8, 4, 2};
  for (int pass = 0; pass < 4; ++pass) {
    const int rows = (height - kFirst[pass] + kStep[pass] - 1) / kStep[pass];
    if (index < rows) return kFirst[pass] + index * kStep[pass];
    index -= std::max(0, rows);
  }
  return 0;
}

// The frame may be smaller than the picture, or stand partly outside.
Status ReadFrame(GifFileType* gif, const ColorMapObject& colours, Picture& picture) {
  const GifImageDesc& frame = gif->Image;
  std::vector<GifByteType> row(static_cast<std::size_t>(frame.Width));
  for (int i = 0; i < frame.Height; ++i) {
    if (DGifGetLine(gif, row.data(), frame.Width) == GIF_ERROR) return Broken(gif->Error);
    const int y = frame.Top + RowOf(i, frame.Height, frame.Interlace);
    if (y >= picture.height) continue;
    std::uint8_t* to = picture.rgb.data() + (std::int64_t{y} * picture.width + frame.Left) * 3;
    const int width = std::min(frame.Width, picture.width - frame.Left);
    for (int x = 0; x < width; ++x, to += 3) Paint(colours, row[static_cast<std::size_t>(x)], to);
  }
  return {};
}

}  // namespace

Result<StoredPicture> DecodeGif(FileBytes file, std::int64_t max_pixels) {
  Source source{file};
  int error = 0;
  errno = 0;
  const std::unique_ptr<GifFileType, CloseGif> gif(DGifOpen(&source, OnRead, &error));
  if (gif == nullptr) return Broken(error);
  CARAT_RETURN_IF_ERROR(FindFrame(gif.get()));
  const GifImageDesc& frame = gif->Image;
  const ColorMapObject* colours = frame.ColorMap != nullptr ? frame.ColorMap : gif->SColorMap;
  if (colours == nullptr) return DataLoss("broken GIF file: there are no colours in it");
  if (frame.Width < 1 || frame.Height < 1) return DataLoss("broken GIF file: its first frame is empty");
  const bool has_size = gif->SWidth > 0 && gif->SHeight > 0;
  StoredPicture stored;
  CARAT_RETURN_IF_ERROR(
      MakeRoom(static_cast<std::uint64_t>(has_size ? gif->SWidth : frame.Left + frame.Width),
               static_cast<std::uint64_t>(has_size ? gif->SHeight : frame.Top + frame.Height), max_pixels,
               stored.picture));
  if (gif->SColorMap != nullptr) {
    for (std::size_t i = 0; i < stored.picture.rgb.size(); i += 3)
      Paint(*gif->SColorMap, gif->SBackGroundColor, stored.picture.rgb.data() + i);
  }
  CARAT_RETURN_IF_ERROR(ReadFrame(gif.get(), *colours, stored.picture));
  return stored;
}

}  // namespace carat::internal
