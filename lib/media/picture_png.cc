// PNG, by libpng. Its errors leave by longjmp: between setjmp and there nothing has a destructor.
#include <png.h>

#include <csetjmp>
#include <cstdlib>
#include <cstring>

#include "lib/base/error.h"
#include "lib/media/picture_decoders.h"

namespace carat::internal {
namespace {

struct Source {
  FileBytes file;
  std::size_t at = 0;
  char error[128] = "";
  bool out_of_memory = false;
};

// Whatever libpng and zlib allocate.
png_voidp Allocate(png_structp png, png_alloc_size_t size) {
  void* memory = std::malloc(size);
  if (memory == nullptr) static_cast<Source*>(png_get_mem_ptr(png))->out_of_memory = true;
  return memory;
}

void Free(png_structp, png_voidp memory) {
  std::free(memory);
}

void ReadBytes(png_structp png, png_bytep to, std::size_t size) {
  auto& source = *static_cast<Source*>(png_get_io_ptr(png));
  if (source.file.size() - source.at < size) png_error(png, "the file is cut short");
  std::memcpy(to, source.file.data() + source.at, size);
  source.at += size;
}

[[noreturn]] void OnError(png_structp png, png_const_charp message) {
  auto& source = *static_cast<Source*>(png_get_error_ptr(png));
  std::strncpy(source.error, message, sizeof(source.error) - 1);
  png_longjmp(png, 1);
}

void OnWarning(png_structp, png_const_charp) {}

// Frees the reader whatever happens.
struct Reader {
  png_structp png = nullptr;
  png_infop info = nullptr;

  explicit Reader(Source& source) {
    png =
        png_create_read_struct_2(PNG_LIBPNG_VER_STRING, &source, OnError, OnWarning, &source, Allocate, Free);
    if (png != nullptr) info = png_create_info_struct(png);
  }
  ~Reader() { png_destroy_read_struct(&png, &info, nullptr); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
};

// Reads everything before the pixels and asks for 8-bit RGB. False after an error.
bool ReadHeader(const Reader& reader, Source& source, std::int64_t max_pixels) {
  if (setjmp(png_jmpbuf(reader.png)) != 0) return false;
  png_set_read_fn(reader.png, &source, ReadBytes);
  // Sizes are checked against max_pixels afterwards; here only what the library itself would allocate for.
  png_set_user_limits(reader.png, 1u << 30, 1u << 30);
  png_set_chunk_cache_max(reader.png, 64);
  png_set_chunk_malloc_max(reader.png, 1u << 24);
  png_set_crc_action(reader.png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
  png_read_info(reader.png, reader.info);
  const auto pixels = static_cast<std::uint64_t>(png_get_image_width(reader.png, reader.info)) *
                      png_get_image_height(reader.png, reader.info);
  if (pixels > static_cast<std::uint64_t>(max_pixels)) return true;  // MakeRoom says so
  png_set_strip_16(reader.png);
  png_set_palette_to_rgb(reader.png);
  png_set_expand_gray_1_2_4_to_8(reader.png);
  png_set_gray_to_rgb(reader.png);
  png_set_strip_alpha(reader.png);
  png_set_interlace_handling(reader.png);
  png_read_update_info(reader.png, reader.info);
  return true;
}

// Reads the pixels and what follows them. False after an error.
bool ReadPixels(const Reader& reader, png_bytep rgb, std::size_t row_bytes) {
  if (setjmp(png_jmpbuf(reader.png)) != 0) return false;
  if (png_get_rowbytes(reader.png, reader.info) != row_bytes)
    png_error(reader.png, "its pixels do not become RGB");
  const int passes = png_set_interlace_handling(reader.png);
  const png_uint_32 height = png_get_image_height(reader.png, reader.info);
  for (int pass = 0; pass < passes; ++pass) {
    for (png_uint_32 y = 0; y < height; ++y) png_read_row(reader.png, rgb + y * row_bytes, nullptr);
  }
  png_read_end(reader.png, reader.info);
  return true;
}

Status Broken(const Source& source) {
  return source.out_of_memory ? OutOfMemory() : DataLoss("broken PNG file: %s", source.error);
}

int OrientationOf(const Reader& reader) {
  png_bytep exif = nullptr;
  png_uint_32 size = 0;
  if (png_get_eXIf_1(reader.png, reader.info, &size, &exif) == 0 || exif == nullptr) return 1;
  return ExifOrientation({exif, size});
}

}  // namespace

Result<StoredPicture> DecodePng(FileBytes file, std::int64_t max_pixels) {
  Source source{file};
  const Reader reader(source);
  if (reader.info == nullptr) return OutOfMemory();
  if (!ReadHeader(reader, source, max_pixels)) return Broken(source);
  StoredPicture stored;
  CARAT_RETURN_IF_ERROR(MakeRoom(png_get_image_width(reader.png, reader.info),
                                 png_get_image_height(reader.png, reader.info), max_pixels, stored.picture));
  if (!ReadPixels(reader, stored.picture.rgb.data(), std::size_t{3} * stored.picture.width)) {
    return Broken(source);
  }
  // For want of memory libpng leaves out what is not needed for the pixels, and warns.
  if (source.out_of_memory) return OutOfMemory();
  stored.orientation = OrientationOf(reader);
  return stored;
}

}  // namespace carat::internal
