#include "lib/base/file_kind.h"

#include <algorithm>
#include <cstdint>

#include "lib/base/error.h"
#include "lib/base/file_mapping.h"

namespace carat::internal {
namespace {

struct Magic {
  std::size_t offset;
  std::string_view bytes;
  FileContent content;
};

// The first that fits decides.
constexpr Magic kMagics[] = {
    {0, "GGUF", FileContent::kGguf},
    {0, "version https://git-lfs.github.com/spec/", FileContent::kGitLfsPointer},
    {0, "\xff\xfe", FileContent::kUtf16},
    {0, "\xfe\xff", FileContent::kUtf16},
    {0, "\x1f\x8b", FileContent::kGzip},
    {0, "PK\x03\x04", FileContent::kZip},
    {0,
     "\xfd"
     "7zXZ",
     FileContent::kXz},
    {0, "\x28\xb5\x2f\xfd", FileContent::kZstandard},
    {0, "BZh", FileContent::kBzip2},
    {0, "7z\xbc\xaf\x27\x1c", FileContent::kSevenZip},
    {257, "ustar", FileContent::kTar},
    {0, "LITERTLM", FileContent::kLiteRtBundle},
    {4, "TFL3", FileContent::kLiteRt},
    {0, "\x89HDF\r\n\x1a\n", FileContent::kHdf5},
    {0, "lmgg", FileContent::kOldGgml},
    {0, "fmgg", FileContent::kOldGgml},
    {0, "tjgg", FileContent::kOldGgml},
};

bool IsSpace(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

std::string_view SkipSpace(std::string_view text) {
  const auto first = std::find_if_not(text.begin(), text.end(), IsSpace);
  text.remove_prefix(static_cast<std::size_t>(first - text.begin()));
  return text;
}

bool BeginsWithWord(std::string_view text, std::string_view lower_word) {
  if (text.size() < lower_word.size()) return false;
  return std::equal(lower_word.begin(), lower_word.end(), text.begin(), [](char word, char c) {
    return word == (c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
  });
}

// Eight bytes of a little-endian length, then a JSON object.
bool IsSafetensors(std::string_view head) {
  constexpr std::size_t kLength = 8;
  constexpr std::uint64_t kLongest = 100'000'000;
  if (head.size() <= kLength || head[kLength] != '{') return false;
  std::uint64_t length = 0;
  for (std::size_t i = kLength; i-- > 0;) length = length << 8 | static_cast<unsigned char>(head[i]);
  return length >= 2 && length <= kLongest;
}

// A Python pickle of protocol 2 to 5, as torch.save wrote before it wrote zip archives.
bool IsPickle(std::string_view head) {
  return head.size() > 2 && head[0] == '\x80' && head[1] >= 2 && head[1] <= 5;
}

// A protobuf that begins with a version of the format, then the name of the producer.
bool IsOnnx(std::string_view head) {
  return head.size() > 4 && head[0] == '\x08' && head[1] >= 1 && head[1] <= 32 && head[2] == '\x12' &&
         head[3] >= 1 && static_cast<std::size_t>(head[3]) + 4 <= head.size() &&
         std::all_of(head.begin() + 4, head.begin() + 4 + head[3],
                     [](char c) { return c >= ' ' && c <= '~'; });
}

}  // namespace

FileContent ContentOfBytes(std::span<const std::byte> bytes) {
  if (bytes.empty()) return FileContent::kEmpty;
  const std::string_view head(reinterpret_cast<const char*>(bytes.data()),
                              std::min(bytes.size(), kHeadBytes));
  if (IsSafetensors(head)) return FileContent::kSafetensors;
  for (const Magic& magic : kMagics) {
    if (head.size() < magic.offset || !head.substr(magic.offset).starts_with(magic.bytes)) continue;
    // What torch.save writes is a zip archive whose first member is the pickle.
    const bool torch = magic.content == FileContent::kZip && head.find("data.pkl") != std::string_view::npos;
    return torch ? FileContent::kTorchZip : magic.content;
  }
  if (IsPickle(head)) return FileContent::kPickle;
  if (IsOnnx(head)) return FileContent::kOnnx;
  constexpr std::string_view kMark = "\xef\xbb\xbf";
  const std::string_view text = SkipSpace(head.starts_with(kMark) ? head.substr(kMark.size()) : head);
  if (text.starts_with('{') || text.starts_with('[')) {
    // ASCII in UTF-16 without a mark has a zero beside every character.
    return text.size() > 1 && text[1] == '\0' ? FileContent::kUtf16 : FileContent::kJson;
  }
  if (text.size() > 1 && text[0] == '\0' && text[1] == '{') return FileContent::kUtf16;
  for (const std::string_view tag : {"<!doctype html", "<html", "<head", "<?xml"}) {
    if (BeginsWithWord(text, tag)) return FileContent::kHtml;
  }
  return FileContent::kUnknown;
}

Result<FileContent> ContentOfFile(const std::string& path) {
  CARAT_ASSIGN_OR_RETURN(const std::string head, ReadFileHead(path, kHeadBytes));
  return ContentOfBytes(std::as_bytes(std::span(head)));
}

std::string_view ContentDescription(FileContent content) {
  switch (content) {
    case FileContent::kUnknown:
      return "a file of a kind that carat does not know";
    case FileContent::kEmpty:
      return "an empty file";
    case FileContent::kGguf:
      return "a GGUF file";
    case FileContent::kSafetensors:
      return "a safetensors file";
    case FileContent::kJson:
      return "a JSON file";
    case FileContent::kUtf16:
      return "a text in UTF-16";
    case FileContent::kGitLfsPointer:
      return "a Git LFS pointer; the file itself was not downloaded ('git lfs pull' does it)";
    case FileContent::kHtml:
      return "an HTML page, as a download that failed leaves it";
    case FileContent::kGzip:
      return "a gzip archive, which must be unpacked first";
    case FileContent::kZip:
      return "a zip archive, which must be unpacked first";
    case FileContent::kTorchZip:
    case FileContent::kPickle:
      return "a PyTorch checkpoint (a Python pickle), which carat does not read";
    case FileContent::kXz:
      return "an xz archive, which must be unpacked first";
    case FileContent::kZstandard:
      return "a Zstandard archive, which must be unpacked first";
    case FileContent::kBzip2:
      return "a bzip2 archive, which must be unpacked first";
    case FileContent::kSevenZip:
      return "a 7z archive, which must be unpacked first";
    case FileContent::kTar:
      return "a tar archive, which must be unpacked first";
    case FileContent::kOnnx:
      return "an ONNX model, which carat does not read";
    case FileContent::kLiteRt:
      return "a LiteRT (TensorFlow Lite) model, which carat does not read";
    case FileContent::kLiteRtBundle:
      return "a LiteRT-LM bundle, which carat does not read";
    case FileContent::kHdf5:
      return "an HDF5 file, which carat does not read";
    case FileContent::kOldGgml:
      return "a GGML file from before GGUF, which carat does not read";
  }
  return "a file of a kind that carat does not know";
}

Status CheckContent(const std::string& path, std::span<const std::byte> bytes, FileContent expected,
                    std::string_view must_be) {
  const FileContent content = ContentOfBytes(bytes);
  if (content == expected || content == FileContent::kUnknown) return {};
  return DataLoss("%s: this is %s, but must be %s", path, std::string(ContentDescription(content)),
                  std::string(must_be));
}

}  // namespace carat::internal
