// Picture files: what is in them, how they were held, and that broken and hostile ones are errors.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "carat/media_files.h"

namespace carat {
namespace {

using Bytes = std::vector<std::uint8_t>;

const char* const kFolder = CARAT_MEDIA_TEST_FILES "/pictures";

Bytes ReadBytes(const std::string& name) {
  std::ifstream file(std::string(kFolder) + "/" + name, std::ios::binary);
  EXPECT_TRUE(file.good()) << name;
  return Bytes(std::istreambuf_iterator<char>(file), {});
}

std::uint32_t Crc32(const std::uint8_t* data, std::size_t size) {
  std::uint32_t crc = 0xffffffffu;
  for (std::size_t i = 0; i < size; ++i) {
    crc ^= data[i];
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xedb88320u : 0u);
  }
  return crc ^ 0xffffffffu;
}

struct Expected {
  std::string name;
  std::int32_t width = 0;
  std::int32_t height = 0;
  std::uint32_t crc = 0;
};

std::vector<Expected> AllPictures() {
  std::vector<Expected> all;
  std::ifstream file(std::string(kFolder) + "/expected.txt");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('#')) continue;
    std::istringstream words(line);
    Expected one;
    words >> one.name >> one.width >> one.height >> one.crc;
    all.push_back(one);
  }
  EXPECT_EQ(all.size(), 63u);
  return all;
}

TEST(DecodePictureTest, EveryKindOfFileEqualsThePixelsExpected) {
  for (const Expected& expected : AllPictures()) {
    const auto picture = DecodePicture(ReadBytes(expected.name));
    ASSERT_TRUE(picture.ok()) << expected.name << ": " << picture.status().ToString();
    EXPECT_EQ(picture->width, expected.width) << expected.name;
    EXPECT_EQ(picture->height, expected.height) << expected.name;
    EXPECT_EQ(Crc32(picture->rgb.data(), picture->rgb.size()), expected.crc) << expected.name;
  }
}

TEST(DecodePictureTest, OrientationCanBeLeftAlone) {
  PictureFileOptions options;
  options.honour_orientation = false;
  for (const char* name : {"turned6.jpg", "turned.png", "turned.webp"}) {
    const auto stored = DecodePicture(ReadBytes(name), options);
    const auto upright = DecodePicture(ReadBytes(name));
    ASSERT_TRUE(stored.ok() && upright.ok()) << name;
    EXPECT_EQ(stored->width, 23) << name;
    EXPECT_EQ(upright->width, 19) << name;
  }
}

TEST(ReadPictureTest, NamesThePath) {
  const std::string path = std::string(kFolder) + "/rgb.png";
  const auto picture = ReadPicture(path);
  ASSERT_TRUE(picture.ok()) << picture.status().ToString();
  EXPECT_EQ(picture->rgb.size(), 19u * 23 * 3);
  const Status missing = ReadPicture("/nowhere/a.png").status();
  EXPECT_EQ(missing.code(), StatusCode::kNotFound);
  EXPECT_NE(missing.message().find("/nowhere/a.png"), std::string::npos);
  const Status other = ReadPicture(std::string(kFolder) + "/expected.txt").status();
  EXPECT_EQ(other.code(), StatusCode::kUnimplemented);
  EXPECT_NE(other.message().find("expected.txt"), std::string::npos);
  EXPECT_FALSE(ReadPicture(kFolder).ok());
}

TEST(DecodePictureTest, LimitsHoldBeforeAnythingIsDecoded) {
  PictureFileOptions options;
  for (const Expected& expected : AllPictures()) {
    options.max_pixels = std::int64_t{expected.width} * expected.height - 1;
    const Bytes file = ReadBytes(expected.name);
    EXPECT_EQ(DecodePicture(file, options).status().code(), StatusCode::kResourceExhausted) << expected.name;
  }
  options.max_pixels = 19 * 23;
  const Bytes file = ReadBytes("rgb.png");
  EXPECT_TRUE(DecodePicture(file, options).ok());
  options.max_file_bytes = static_cast<std::int64_t>(file.size()) - 1;
  EXPECT_EQ(DecodePicture(file, options).status().code(), StatusCode::kResourceExhausted);
  options.max_file_bytes = 0;
  EXPECT_EQ(DecodePicture(file, options).status().code(), StatusCode::kInvalidArgument);
  options = {};
  options.max_pixels = 0;
  EXPECT_EQ(DecodePicture(file, options).status().code(), StatusCode::kInvalidArgument);
}

// Counts files that must be errors and says of each that is not.
class Broken {
 public:
  void Expect(const std::string& what, const Bytes& file) {
    const auto picture = DecodePicture(file);
    EXPECT_FALSE(picture.ok()) << what << " was decoded";
    if (picture.ok()) return;
    EXPECT_NE(picture.status().code(), StatusCode::kInternal) << what;
    EXPECT_FALSE(picture.status().message().empty()) << what;
    ++count_;
  }
  int count() const { return count_; }

 private:
  int count_ = 0;
};

// What comes behind the pixels, and may be missing: the end markers of JPEG and GIF, further frames, the end
// of an encoded BMP, and what fills up a BMP's last row.
std::size_t BytesThatMayBeMissing(const Expected& picture, std::size_t size) {
  if (picture.name == "animated.gif") return size * 3 / 4;
  if (picture.name.ends_with("without_end1.jpg")) return 1;
  if (picture.name.ends_with(".jpg")) return picture.name.ends_with("without_end2.jpg") ? 0 : 2;
  if (picture.name == "without_trailer.gif") return 1;
  if (picture.name.ends_with(".gif")) return 2;
  if (picture.name.starts_with("runs")) return 2;
  return picture.name.ends_with(".bmp") ? 3 : 0;
}

TEST(BrokenPictureTest, FilesCutShortAreErrors) {
  Broken broken;
  for (const Expected& expected : AllPictures()) {
    const Bytes file = ReadBytes(expected.name);
    const std::size_t most = file.size() - BytesThatMayBeMissing(expected, file.size());
    for (std::size_t part = 0; part < 8; ++part) {
      const auto size = static_cast<std::ptrdiff_t>(most * part / 8);
      broken.Expect(expected.name + " cut to " + std::to_string(size),
                    Bytes(file.begin(), file.begin() + size));
    }
    broken.Expect(expected.name + " cut by one byte too many",
                  Bytes(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(most) - 1));
  }
  EXPECT_EQ(broken.count(), 63 * 9);
}

// At every length a JPEG file is either an error or has all its pixels.
TEST(DecodePictureTest, AJpegFileWithoutItsEndMarkerIsWhole) {
  for (const char* name : {"sampled.jpg", "full.jpg", "progressive.jpg", "grey.jpg", "cmyk.jpg",
                           "restarts.jpg", "cmyk_progressive.jpg"}) {
    const Bytes file = ReadBytes(name);
    const auto whole = DecodePicture(file);
    ASSERT_TRUE(whole.ok()) << name;
    int decoded = 0;
    for (std::size_t size = 0; size < file.size(); ++size) {
      const auto picture = DecodePicture(std::span(file).first(size));
      if (!picture.ok()) continue;
      ++decoded;
      EXPECT_EQ(picture->rgb, whole->rgb) << name << " cut to " << size;
    }
    EXPECT_GE(decoded, 2) << name;
    EXPECT_LE(decoded, 3) << name;
  }
}

// ---- Crafted files ----

void Append(Bytes& to, std::initializer_list<int> bytes) {
  for (const int byte : bytes) to.push_back(static_cast<std::uint8_t>(byte));
}

void AppendBig(Bytes& to, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) to.push_back(static_cast<std::uint8_t>(value >> shift));
}

void AppendChunk(Bytes& to, const char* kind, const Bytes& data) {
  AppendBig(to, static_cast<std::uint32_t>(data.size()));
  Bytes body(kind, kind + 4);
  body.insert(body.end(), data.begin(), data.end());
  to.insert(to.end(), body.begin(), body.end());
  AppendBig(to, Crc32(body.data(), body.size()));
}

struct PngHeader {
  std::uint32_t width = 4, height = 4;
  int depth = 8, colour = 2, compression = 0, filter = 0, interlace = 0;
};

// A stored (not compressed) zlib stream.
Bytes Stored(const Bytes& data) {
  Bytes stream = {0x78, 0x01, 1};
  const auto size = static_cast<int>(data.size());
  Append(stream, {size & 255, size >> 8, ~size & 255, (~size >> 8) & 255});
  stream.insert(stream.end(), data.begin(), data.end());
  std::uint32_t a = 1;
  std::uint32_t b = 0;
  for (const std::uint8_t byte : data) {
    a = (a + byte) % 65521;
    b = (b + a) % 65521;
  }
  AppendBig(stream, b << 16 | a);
  return stream;
}

Bytes Png(const PngHeader& header, const std::vector<std::pair<const char*, Bytes>>& chunks) {
  Bytes file = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  Bytes head;
  AppendBig(head, header.width);
  AppendBig(head, header.height);
  Append(head, {header.depth, header.colour, header.compression, header.filter, header.interlace});
  AppendChunk(file, "IHDR", head);
  for (const auto& [kind, data] : chunks) AppendChunk(file, kind, data);
  AppendChunk(file, "IEND", {});
  return file;
}

TEST(BrokenPictureTest, CraftedPngFilesAreErrors) {
  const Bytes pixels = Stored(Bytes(4 * 13, 0));
  const auto with = [&](PngHeader header) { return Png(header, {{"IDAT", pixels}}); };
  ASSERT_TRUE(DecodePicture(with({})).ok());  // the honest one
  Broken broken;
  broken.Expect("no width", with({.width = 0}));
  broken.Expect("no height", with({.height = 0}));
  broken.Expect("a huge size", with({.width = 100000, .height = 100000}));
  broken.Expect("the largest size", with({.width = 0x7fffffff, .height = 0x7fffffff}));
  broken.Expect("a negative size", with({.width = 0x80000000u}));
  broken.Expect("more rows than pixels", with({.height = 5000}));
  broken.Expect("wider rows than pixels", with({.width = 5000}));
  for (const int depth : {0, 1, 3, 7, 17, 32, 255}) {
    broken.Expect("a depth of " + std::to_string(depth), with({.depth = depth}));
  }
  for (const int colour : {1, 5, 7, 255})
    broken.Expect("colour type " + std::to_string(colour), with({.colour = colour}));
  broken.Expect("no palette", with({.colour = 3}));
  broken.Expect("another compression", with({.compression = 1}));
  broken.Expect("another filter", with({.filter = 5}));
  broken.Expect("another interlacing", with({.interlace = 9}));
  broken.Expect("no pixels", Png({}, {}));
  broken.Expect("pixels that are no zlib stream", Png({}, {{"IDAT", Bytes(60, 0xab)}}));
  broken.Expect("a palette of 257 colours",
                Png({.colour = 3}, {{"PLTE", Bytes(257 * 3, 1)}, {"IDAT", pixels}}));
  broken.Expect("an unknown critical chunk", Png({}, {{"ABCD", {1}}, {"IDAT", pixels}}));
  broken.Expect("a second header", Png({}, {{"IHDR", Bytes(13, 1)}, {"IDAT", pixels}}));
  broken.Expect("an unknown row filter", Png({}, {{"IDAT", Stored(Bytes(4 * 13, 9))}}));
  Bytes longest = with({});
  std::fill_n(longest.begin() + 33, 4, std::uint8_t{0xff});
  broken.Expect("a chunk of 4 GB", longest);
  for (const std::size_t at : {16, 20, 29, 45, 60}) {
    Bytes flipped = with({});
    flipped[at] ^= 0x10;
    broken.Expect("a changed byte at " + std::to_string(at), flipped);
  }
  EXPECT_EQ(broken.count(), 34);

  // Colours that a palette lacks are black.
  Bytes rows(4 * 5, 9);
  for (std::size_t y = 0; y < 4; ++y) rows[5 * y] = 0;
  const auto picture = DecodePicture(Png({.colour = 3}, {{"PLTE", {1, 2, 3}}, {"IDAT", Stored(rows)}}));
  ASSERT_TRUE(picture.ok()) << picture.status().ToString();
  EXPECT_EQ(picture->rgb, Bytes(4 * 4 * 3, 0));
}

void AppendMarker(Bytes& to, int marker, std::initializer_list<int> data) {
  const auto size = static_cast<int>(data.size()) + 2;
  Append(to, {0xff, marker, size >> 8, size & 255});
  Append(to, data);
}

TEST(BrokenPictureTest, CraftedJpegFilesAreErrors) {
  Broken broken;
  broken.Expect("nothing but its beginning", {0xff, 0xd8, 0xff});
  broken.Expect("nothing but its ends", {0xff, 0xd8, 0xff, 0xd9});
  const auto frame = [](std::initializer_list<int> data) {
    Bytes file = {0xff, 0xd8};
    AppendMarker(file, 0xc0, data);
    AppendMarker(file, 0xda, {1, 1, 0, 0, 63, 0});
    Append(file, {0, 0, 0, 0, 0xff, 0xd9});
    return file;
  };
  broken.Expect("no tables", frame({8, 0, 8, 0, 8, 1, 1, 0x11, 0}));
  broken.Expect("no rows", frame({8, 0, 0, 0, 8, 1, 1, 0x11, 0}));
  broken.Expect("no columns", frame({8, 0, 8, 0, 0, 1, 1, 0x11, 0}));
  broken.Expect("the largest size", frame({8, 255, 255, 255, 255, 1, 1, 0x11, 0}));
  broken.Expect("no components", frame({8, 0, 8, 0, 8, 0}));
  broken.Expect("two components", frame({8, 0, 8, 0, 8, 2, 1, 0x11, 0, 2, 0x11, 0}));
  broken.Expect("200 components", frame({8, 0, 8, 0, 8, 200, 1, 0x11, 0}));
  broken.Expect("sampling by nothing", frame({8, 0, 8, 0, 8, 1, 1, 0x00, 0}));
  broken.Expect("sampling by 15", frame({8, 0, 8, 0, 8, 1, 1, 0xff, 0}));
  broken.Expect("12 bits", frame({12, 0, 8, 0, 8, 1, 1, 0x11, 0}));
  broken.Expect("a quantisation table that cannot be", frame({8, 0, 8, 0, 8, 1, 1, 0x11, 9}));
  Bytes two_frames = {0xff, 0xd8};
  for (int i = 0; i < 2; ++i) AppendMarker(two_frames, 0xc0, {8, 0, 8, 0, 8, 1, 1, 0x11, 0});
  broken.Expect("two frames", two_frames);
  Bytes huffman = {0xff, 0xd8};
  AppendMarker(huffman, 0xc4,
               {0, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255});
  broken.Expect("a Huffman table of 4080 codes", huffman);

  // Pixels replaced by noise; a frame turned into one of another kind; tables taken away.
  const Bytes honest = ReadBytes("full.jpg");
  const auto find = [&](int marker) {
    for (std::size_t i = 2; i + 1 < honest.size(); ++i) {
      if (honest[i] == 0xff && honest[i + 1] == marker) return i;
    }
    return honest.size();
  };
  Bytes noise = honest;
  std::fill(noise.begin() + static_cast<std::ptrdiff_t>(find(0xda)) + 20, noise.end(), std::uint8_t{0xff});
  broken.Expect("pixels of ones", noise);
  for (const int kind : {0xc3, 0xc5, 0xcb}) {
    Bytes other = honest;
    other[find(0xc0) + 1] = static_cast<std::uint8_t>(kind);
    broken.Expect("a frame of kind " + std::to_string(kind), other);
  }
  Bytes without = honest;
  for (std::size_t i = 2; i + 1 < without.size(); ++i) {
    if (without[i] == 0xff && without[i + 1] == 0xdb) without[i + 1] = 0xfe;  // a comment
  }
  broken.Expect("without its quantisation tables", without);

  // The last pass of a progressive picture sent 200 times.
  const Bytes progressive = ReadBytes("progressive.jpg");
  std::size_t last = 0;
  for (std::size_t i = 2; i + 1 < progressive.size(); ++i) {
    if (progressive[i] == 0xff && progressive[i + 1] == 0xda) last = i;
  }
  Bytes repeated(progressive.begin(), progressive.end() - 2);
  for (int i = 0; i < 200; ++i)
    repeated.insert(repeated.end(), progressive.begin() + static_cast<std::ptrdiff_t>(last),
                    progressive.end() - 2);
  Append(repeated, {0xff, 0xd9});
  broken.Expect("200 passes", repeated);
  EXPECT_EQ(broken.count(), 21);
}

TEST(BrokenPictureTest, CraftedWebPFilesAreErrors) {
  Broken broken;
  const auto changed = [](const char* name, std::size_t at, std::initializer_list<int> bytes) {
    Bytes file = ReadBytes(name);
    for (const int byte : bytes) file[at++] = static_cast<std::uint8_t>(byte);
    return file;
  };
  broken.Expect("no size", changed("lossy.webp", 4, {0, 0, 0, 0}));
  broken.Expect("the largest size", changed("lossy.webp", 4, {255, 255, 255, 255}));
  broken.Expect("an unknown first chunk", changed("lossy.webp", 12, {'A', 'B', 'C', 'D'}));
  broken.Expect("a chunk of 4 GB", changed("lossy.webp", 16, {255, 255, 255, 255}));
  broken.Expect("no start code", changed("lossy.webp", 23, {0, 0, 0}));
  broken.Expect("no width", changed("lossy.webp", 26, {0, 0}));
  broken.Expect("no height", changed("lossy.webp", 28, {0, 0}));
  broken.Expect("a frame that refers to another", changed("lossy.webp", 20, {1}));
  broken.Expect("no lossless signature", changed("lossless.webp", 20, {0}));
  broken.Expect("another lossless version", changed("lossless.webp", 24, {0xf0}));
  broken.Expect("lossless noise", changed("lossless.webp", 25, {255, 255, 255, 255, 255, 255, 255, 255}));
  broken.Expect("a huge canvas", changed("turned.webp", 24, {255, 255, 255, 255, 255, 255}));
  broken.Expect("a canvas of another size", changed("turned.webp", 24, {60, 0, 0, 60, 0, 0}));
  broken.Expect("a huge animation", changed("animated.webp", 24, {255, 255, 255, 255, 255, 255}));
  EXPECT_EQ(broken.count(), 14);
}

TEST(BrokenPictureTest, OtherFilesAreErrors) {
  Broken broken;
  broken.Expect("nothing", {});
  for (const char* text :
       {"GIF89a......", "GIF88a......", "BM..........", "II*.........", "%PDF-1.7....", "RIFF....WAVE",
        "RIFF....WEBP", "<svg></svg>.", "\x89PNG\r\n\x1a", "P6 1 1 255 .", "\xff\xd8"}) {
    broken.Expect(text, Bytes(text, text + std::strlen(text)));
  }
  EXPECT_EQ(broken.count(), 12);
}

TEST(BrokenPictureTest, FormatsThatAreNotReadAreNamed) {
  const std::pair<std::string, const char*> files[] = {{std::string("\0\0\0\x20"
                                                                    "ftypheic",
                                                                    12),
                                                        "a HEIC picture"},
                                                       {std::string("\0\0\0\x20"
                                                                    "ftypmif1",
                                                                    12),
                                                        "a HEIC picture"},
                                                       {std::string("\0\0\0\x20"
                                                                    "ftypavif",
                                                                    12),
                                                        "an AVIF picture"},
                                                       {std::string("II*\0........", 12), "a TIFF picture"},
                                                       {"%PDF-1.7....", "a PDF document"},
                                                       {"<svg></svg>.", "an SVG picture"},
                                                       {"RIFF....WAVEfmt ", "a WAV sound"}};
  for (const auto& [content, name] : files) {
    const Status status = DecodePicture(Bytes(content.begin(), content.end())).status();
    EXPECT_EQ(status.code(), StatusCode::kUnimplemented) << name;
    EXPECT_EQ(status.message(),
              "the file is " + std::string(name) + ": carat reads PNG, JPEG, WebP, GIF and BMP");
  }
}

TEST(BrokenPictureTest, CraftedGifFilesAreErrors) {
  Broken broken;
  const Bytes honest = ReadBytes("smaller_frame.gif");
  const auto changed = [&](std::size_t at, std::initializer_list<int> bytes) {
    Bytes file = honest;
    for (const int byte : bytes) file[at++] = static_cast<std::uint8_t>(byte);
    return file;
  };
  const std::size_t frame = 13 + 12;  // where it begins
  broken.Expect("no frame", changed(frame, {';'}));
  broken.Expect("a record of no kind", changed(frame, {'x'}));
  broken.Expect("an endless extension", changed(frame, {'!', 0xf9, 255}));
  broken.Expect("no width", changed(frame + 5, {0, 0}));
  broken.Expect("no height", changed(frame + 7, {0, 0}));
  broken.Expect("more rows than pixels", changed(frame + 7, {255, 255}));
  broken.Expect("no colours", changed(10, {0}));
  broken.Expect("codes of 13 bits", changed(frame + 10, {13}));
  EXPECT_EQ(broken.count(), 8);
}

TEST(BrokenPictureTest, CraftedBmpFilesAreErrors) {
  Broken broken;
  const auto changed = [](const char* name, std::size_t at, std::initializer_list<int> bytes) {
    Bytes file = ReadBytes(name);
    for (const int byte : bytes) file[at++] = static_cast<std::uint8_t>(byte);
    return file;
  };
  broken.Expect("pixels behind the end", changed("rgb24.bmp", 10, {255, 255, 255, 255}));
  broken.Expect("a header of 13 bytes", changed("rgb24.bmp", 14, {13}));
  broken.Expect("a header of 4 GB", changed("rgb24.bmp", 14, {255, 255, 255, 255}));
  broken.Expect("no width", changed("rgb24.bmp", 18, {0}));
  broken.Expect("a negative width", changed("rgb24.bmp", 18, {255, 255, 255, 255}));
  broken.Expect("no height", changed("rgb24.bmp", 22, {0}));
  broken.Expect("the lowest height", changed("rgb24.bmp", 22, {0, 0, 0, 0x80}));
  broken.Expect("more rows than pixels", changed("rgb24.bmp", 22, {20}));
  broken.Expect("wider rows than pixels", changed("rgb24.bmp", 18, {255, 0}));
  for (const int bits : {0, 2, 3, 12, 25, 64, 255}) {
    broken.Expect(std::to_string(bits) + " bits", changed("rgb24.bmp", 28, {bits}));
  }
  for (const int compression : {1, 2, 3, 4, 5, 7, 255}) {
    broken.Expect("compression " + std::to_string(compression), changed("rgb24.bmp", 30, {compression}));
  }
  EXPECT_EQ(broken.count(), 23);
}

// The pixels that a picture has, not those of its animation or the bytes of its file, are what the limit
// counts.
TEST(DecodePictureTest, AHugePictureInASmallFileIsAnError) {
  const Bytes file = ReadBytes("../hostile/webp_604_bytes_43_megapixels.webp");
  PictureFileOptions options;
  options.max_pixels = 1 << 24;
  const Status status = DecodePicture(file, options).status();
  EXPECT_EQ(status.code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(status.message(), "the picture is 2293783 x 19 pixels, but max_pixels is 16777216");
}

TEST(BrokenPictureTest, BrokenExifIsNoOrientation) {
  const Bytes file = ReadBytes("turned6.jpg");
  const std::string header("Exif\0\0", 6);
  const auto exif = std::search(file.begin(), file.end(), header.begin(), header.end()) - file.begin() + 6;
  for (std::ptrdiff_t at = 0; at < 38; ++at) {
    Bytes changed = file;
    changed[static_cast<std::size_t>(exif + at)] = 0xff;
    const auto picture = DecodePicture(changed);
    ASSERT_TRUE(picture.ok()) << at << ": " << picture.status().ToString();
    EXPECT_EQ(picture->width * picture->height, 19 * 23);
  }
}

TEST(BrokenPictureTest, RandomDamageNeverCrashes) {
  std::mt19937 random(8);
  int errors = 0;
  int rounds = 0;
  PictureFileOptions options;
  options.max_pixels = 1 << 20;
  for (const Expected& expected : AllPictures()) {
    const Bytes file = ReadBytes(expected.name);
    for (int round = 0; round < 100; ++round, ++rounds) {
      Bytes damaged = file;
      for (std::uint32_t i = 0, count = 1 + random() % 6; i < count; ++i) {
        damaged[random() % damaged.size()] = static_cast<std::uint8_t>(random());
      }
      const auto picture = DecodePicture(damaged, options);
      if (!picture.ok()) {
        ++errors;
        continue;
      }
      ASSERT_EQ(picture->rgb.size(), std::size_t{3} * picture->width * picture->height);
    }
  }
  EXPECT_GT(errors, rounds / 2);
}

}  // namespace
}  // namespace carat
