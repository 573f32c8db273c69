// What a file is, by how its bytes begin.
#ifndef CARAT_LIB_BASE_FILE_KIND_H_
#define CARAT_LIB_BASE_FILE_KIND_H_

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "carat/status.h"

namespace carat::internal {

// How the bytes of a file begin.
enum class FileContent {
  kUnknown,
  kEmpty,
  kGguf,
  kSafetensors,
  kJson,  // begins with '{' or '[' after white space, a byte order mark of UTF-8 allowed
  kUtf16,
  kGitLfsPointer,
  kHtml,
  kGzip,
  kZip,
  kTorchZip,
  kPickle,
  kXz,
  kZstandard,
  kBzip2,
  kSevenZip,
  kTar,
  kOnnx,
  kLiteRt,
  kLiteRtBundle,
  kHdf5,
  kOldGgml,
};

// Recognises the beginning of a file; kHeadBytes of it are enough. Never fails: what is not recognised is
// kUnknown.
inline constexpr std::size_t kHeadBytes = 1024;
FileContent ContentOfBytes(std::span<const std::byte> head);

// Reads the beginning of a regular file. Errors: those of FileMapping::Open.
Result<FileContent> ContentOfFile(const std::string& path);

// "a Git LFS pointer; the file itself was not downloaded ('git lfs pull' does it)": a noun phrase for errors.
std::string_view ContentDescription(FileContent content);

// OK if the bytes are, or may be, what is expected: `expected` itself or kUnknown. Else DATA_LOSS that says
// what the file is and what it must be ("a safetensors file").
Status CheckContent(const std::string& path, std::span<const std::byte> bytes, FileContent expected,
                    std::string_view must_be);

}  // namespace carat::internal

#endif  // CARAT_LIB_BASE_FILE_KIND_H_
