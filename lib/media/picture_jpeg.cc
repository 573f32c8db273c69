// JPEG, by libjpeg-turbo. Its errors leave by longjmp: between setjmp and there nothing has a destructor.
// A file whose end marker alone is missing is read, as browsers read it: all pixels are there.
#include <csetjmp>
#include <cstdio>
#include <cstring>

#include <jpeglib.h>

#include <jerror.h>

#include "lib/base/error.h"
#include "lib/media/picture_decoders.h"

namespace carat::internal {
namespace {

// A progressive picture may be sent in any number of passes over all pixels. Honest ones need about ten.
constexpr int kMostScans = 100;
constexpr int kExifMarker = JPEG_APP0 + 1;

struct Decoder {
  jpeg_decompress_struct info{};
  jpeg_error_mgr errors{};
  jpeg_progress_mgr progress{};
  std::jmp_buf on_error;
  char error[JMSG_LENGTH_MAX] = "";
  bool out_of_memory = false;
  bool has_no_end = false;   // the file ended where an end marker should stand
  int components_begun = 0;  // the components of all passes so far
};

Decoder& Of(j_common_ptr info) {
  return *static_cast<Decoder*>(info->client_data);
}

[[noreturn]] void Leave(j_common_ptr info) {
  Decoder& decoder = Of(info);
  decoder.errors.format_message(info, decoder.error);
  decoder.out_of_memory = decoder.errors.msg_code == JERR_OUT_OF_MEMORY;
  std::longjmp(decoder.on_error, 1);
}

// Warnings about pixels that are missing or made up are errors; those about odd but whole files are none.
void OnMessage(j_common_ptr info, int level) {
  Decoder& decoder = Of(info);
  if (level >= 0) {
    if (decoder.errors.msg_code == JTRC_SOS) decoder.components_begun += decoder.errors.msg_parm.i[0];
    return;
  }
  switch (decoder.errors.msg_code) {
    case JWRN_JPEG_EOF:
      // The library goes on as if the end marker stood there. If pixels of a Huffman-coded pass are missing,
      // JWRN_HIT_MARKER comes next; those of an arithmetic-coded one would be made up without a word.
      if (decoder.info.arith_code) Leave(info);
      decoder.has_no_end = true;
      return;
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_MUST_RESYNC:
    case JWRN_BOGUS_PROGRESSION:
    case JWRN_NOT_SEQUENTIAL:
      Leave(info);
    default:
      return;
  }
}

void NoOutput(j_common_ptr) {}

void OnProgress(j_common_ptr info) {
  Decoder& decoder = Of(info);
  if (decoder.info.input_scan_number <= kMostScans) return;
  std::snprintf(decoder.error, sizeof(decoder.error), "more than %d passes over its pixels", kMostScans);
  std::longjmp(decoder.on_error, 1);
}

// Reads everything before the pixels. False after an error.
bool ReadHeader(Decoder& decoder, FileBytes file) {
  if (setjmp(decoder.on_error) != 0) return false;
  decoder.info.err = jpeg_std_error(&decoder.errors);
  decoder.info.client_data = &decoder;
  decoder.errors.error_exit = Leave;
  decoder.errors.emit_message = OnMessage;
  decoder.errors.output_message = NoOutput;
  jpeg_create_decompress(&decoder.info);
  decoder.progress.progress_monitor = OnProgress;
  decoder.info.progress = &decoder.progress;
  jpeg_mem_src(&decoder.info, file.data(), static_cast<unsigned long>(file.size()));
  jpeg_save_markers(&decoder.info, kExifMarker, 0xffff);
  jpeg_read_header(&decoder.info, TRUE);
  return true;
}

// Whether whole passes are missing. Called when the file was read to its end, in a picture of several passes.
bool LacksPasses(const Decoder& decoder) {
  const jpeg_decompress_struct& info = decoder.info;
  if (!info.progressive_mode) return decoder.components_begun < info.num_components;
  for (int c = 0; c < info.num_components; ++c) {
    // How many lower bits of each coefficient were not sent; -1: none was.
    for (const int bits : info.coef_bits[c]) {
      if (bits != 0) return true;
    }
  }
  return false;
}

// False after an error. `row` has room for four bytes a pixel.
bool ReadPixels(Decoder& decoder, std::uint8_t* rgb, std::uint8_t* row,
                void (*convert)(const std::uint8_t*, std::uint8_t*, std::size_t)) {
  if (setjmp(decoder.on_error) != 0) return false;
  jpeg_decompress_struct& info = decoder.info;
  info.out_color_space = convert == nullptr ? JCS_RGB : JCS_CMYK;
  jpeg_start_decompress(&info);
  if (decoder.has_no_end && jpeg_has_multiple_scans(&info) && LacksPasses(decoder)) {
    std::snprintf(decoder.error, sizeof(decoder.error), "it is cut short between two passes over its pixels");
    return false;
  }
  const std::size_t row_bytes = std::size_t{3} * info.output_width;
  while (info.output_scanline < info.output_height) {
    std::uint8_t* to = rgb + info.output_scanline * row_bytes;
    JSAMPROW target = convert == nullptr ? to : row;
    jpeg_read_scanlines(&info, &target, 1);
    if (convert != nullptr) convert(row, to, info.output_width);
  }
  jpeg_finish_decompress(&info);
  return true;
}

// a * b / 255, rounded.
std::uint32_t Share(std::uint32_t a, std::uint32_t b) {
  const std::uint32_t product = a * b + 128;
  return ((product >> 8) + product) >> 8;
}

// What is written as CMYK is stored inverted: as what is left of the paper's white.
void InvertedCmykToRgb(const std::uint8_t* from, std::uint8_t* to, std::size_t pixels) {
  for (; pixels > 0; --pixels, from += 4) {
    for (int c = 0; c < 3; ++c) {
      const std::uint32_t paper = from[3];
      const std::uint32_t ink = Share(255u - from[c], paper);
      *to++ = static_cast<std::uint8_t>(paper - ink);
    }
  }
}

Status Broken(const Decoder& decoder) {
  return decoder.out_of_memory ? OutOfMemory() : DataLoss("broken JPEG file: %s", std::string(decoder.error));
}

int OrientationOf(const jpeg_decompress_struct& info) {
  constexpr char kExif[] = {'E', 'x', 'i', 'f', 0, 0};
  for (jpeg_saved_marker_ptr marker = info.marker_list; marker != nullptr; marker = marker->next) {
    if (marker->marker != kExifMarker || marker->data_length < sizeof(kExif)) continue;
    if (std::memcmp(marker->data, kExif, sizeof(kExif)) != 0) continue;
    return ExifOrientation({marker->data + sizeof(kExif), marker->data_length - sizeof(kExif)});
  }
  return 1;
}

// Frees what the library took whatever happens.
struct Owner {
  Decoder& decoder;
  ~Owner() { jpeg_destroy_decompress(&decoder.info); }
};

}  // namespace

Result<StoredPicture> DecodeJpeg(FileBytes file, std::int64_t max_pixels) {
  Decoder decoder;
  const Owner owner{decoder};
  if (!ReadHeader(decoder, file)) return Broken(decoder);
  const J_COLOR_SPACE stored_as = decoder.info.jpeg_color_space;
  const bool cmyk = stored_as == JCS_CMYK || stored_as == JCS_YCCK;
  if (stored_as == JCS_UNKNOWN) {
    return Unimplemented("a JPEG file of %d components is none that carat knows",
                         decoder.info.num_components);
  }
  StoredPicture stored;
  CARAT_RETURN_IF_ERROR(
      MakeRoom(decoder.info.image_width, decoder.info.image_height, max_pixels, stored.picture));
  stored.orientation = OrientationOf(decoder.info);  // finishing forgets the markers
  std::vector<std::uint8_t> row(cmyk ? std::size_t{4} * decoder.info.image_width : 0);
  if (!ReadPixels(decoder, stored.picture.rgb.data(), row.data(), cmyk ? InvertedCmykToRgb : nullptr)) {
    return Broken(decoder);
  }
  return stored;
}

}  // namespace carat::internal
