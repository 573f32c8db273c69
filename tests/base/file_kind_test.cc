// Files are known by how they begin, whatever they are called.
#include "lib/base/file_kind.h"

#include <gtest/gtest.h>

#include <string>

namespace carat::internal {
namespace {

FileContent Of(const std::string& bytes) {
  return ContentOfBytes(std::as_bytes(std::span(bytes)));
}

TEST(FileKind, KnowsWhatPeopleGive) {
  const std::string nul(1, '\0');
  const std::pair<std::string, FileContent> cases[] = {
      {"", FileContent::kEmpty},
      {"GGUF\3", FileContent::kGguf},
      {"gguf", FileContent::kUnknown},
      {"\x02" + std::string(7, '\0') + "{}", FileContent::kSafetensors},
      {"\x01" + std::string(7, '\0') + "{}", FileContent::kUnknown},  // no object has one byte
      {" \n{\"a\": 1}", FileContent::kJson},
      {"\xef\xbb\xbf{}", FileContent::kJson},
      {"\xff\xfe{" + nul, FileContent::kUtf16},
      {"\xfe\xff" + nul + "{", FileContent::kUtf16},
      {"{" + nul + "}" + nul, FileContent::kUtf16},
      {nul + "{" + nul + "}", FileContent::kUtf16},
      {"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 4\n", FileContent::kGitLfsPointer},
      {"\n<!DOCTYPE html>\n<html>", FileContent::kHtml},
      {"<HTML lang=en>", FileContent::kHtml},
      {"<?xml version=\"1.0\"?><Error>", FileContent::kHtml},
      {"\x1f\x8b\x08", FileContent::kGzip},
      {"PK\x03\x04", FileContent::kZip},
      {std::string("PK\x03\x04") + "archive/data.pkl", FileContent::kTorchZip},
      {"\x80\x02}q", FileContent::kPickle},
      {"\x80\x06}q", FileContent::kUnknown},
      {"\xfd"
       "7zXZ" +
           nul,
       FileContent::kXz},
      {"\x28\xb5\x2f\xfd" + nul, FileContent::kZstandard},
      {"BZh9", FileContent::kBzip2},
      {std::string(257, 'x') + "ustar", FileContent::kTar},
      {"\x08\x08\x12\x07pytorch\x1a", FileContent::kOnnx},
      {"\x1c" + std::string(3, '\0') + "TFL3", FileContent::kLiteRt},
      {"LITERTLM" + nul, FileContent::kLiteRtBundle},
      {"\x89HDF\r\n\x1a\n", FileContent::kHdf5},
      {"lmgg", FileContent::kOldGgml},
      {"\x0a\x0e\x0a\x05<unk>", FileContent::kUnknown},  // sentencepiece
  };
  for (const auto& [bytes, content] : cases) EXPECT_EQ(Of(bytes), content) << testing::PrintToString(bytes);
}

TEST(FileKind, EveryKindHasItsWords) {
  for (int kind = 0; kind <= static_cast<int>(FileContent::kOldGgml); ++kind) {
    const auto content = static_cast<FileContent>(kind);
    const std::string words(ContentDescription(content));
    EXPECT_EQ(words.find("does not know") != std::string::npos, content == FileContent::kUnknown) << words;
  }
}

TEST(FileKind, WhatIsNotExpectedIsNamed) {
  const std::string pointer = "version https://git-lfs.github.com/spec/v1\n";
  const Status status =
      CheckContent("m/a", std::as_bytes(std::span(pointer)), FileContent::kJson, "a JSON file");
  EXPECT_EQ(status.code(), StatusCode::kDataLoss);
  EXPECT_EQ(
      status.message(),
      "m/a: this is a Git LFS pointer; the file itself was not downloaded ('git lfs pull' does it), but "
      "must be a JSON file");
  for (const std::string& bytes : {std::string("{}"), std::string("mystery")}) {
    EXPECT_TRUE(CheckContent("m/a", std::as_bytes(std::span(bytes)), FileContent::kJson, "JSON").ok());
  }
}

}  // namespace
}  // namespace carat::internal
