// What a path stands for, by the bytes of the file: every kind of file that people have given as a model.
#include "lib/weights/model_path.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string>

#include "lib/weights/checkpoint.h"
#include "tests/weights/gguf_files.h"
#include "tests/weights/test_files.h"

namespace carat::internal {
namespace {

constexpr char kAModel[] = "a GGUF file, or a folder with config.json and safetensors files";

std::string Gguf() {
  return GgufHeader().Bytes();
}

std::string TowersFile() {
  GgufHeader header;
  header.String("general.architecture", "clip");
  return header.Bytes();
}

void ExpectGguf(const std::string& path, const std::string& expected) {
  const auto found = FindModel(path);
  ASSERT_TRUE(found.ok()) << found.status().ToString();
  EXPECT_TRUE(found->is_gguf);
  EXPECT_EQ(found->path, expected);
}

void ExpectFolder(const std::string& path, const std::string& expected) {
  const auto found = FindModel(path);
  ASSERT_TRUE(found.ok()) << found.status().ToString();
  EXPECT_FALSE(found->is_gguf);
  EXPECT_EQ(found->path, expected);
}

void ExpectSentence(const std::string& path, StatusCode code, const std::string& sentence) {
  const Status status = FindModel(path).status();
  EXPECT_EQ(status.code(), code) << status.ToString();
  EXPECT_EQ(status.message(), sentence);
}

TEST(ModelPath, AGgufFileWhateverItsName) {
  const TemporaryFolder folder;
  for (const char* name : {"model.gguf", "MODEL.GGUF", "sha256-0123456789abcdef", "model.bin", "noextension",
                           "config.json", "model.gguf.download"}) {
    SCOPED_TRACE(name);
    const std::string path = folder.Write(name, Gguf());
    ExpectGguf(path, path);
  }
}

TEST(ModelPath, ALinkToAGgufFile) {
  const TemporaryFolder folder;
  const std::string file = folder.Write("sha256-ab", Gguf());
  const std::string link = folder.File("link");
  ASSERT_EQ(symlink(file.c_str(), link.c_str()), 0);
  ExpectGguf(link, link);
}

TEST(ModelPath, AFileOfAFolderMeansTheFolder) {
  const TemporaryFolder folder;
  folder.Write("config.json", "{}");
  folder.Write("tokenizer.json", "{}");
  folder.Write("tokenizer.model", "\x0a\x0e\x0a\x05<unk>");
  folder.Write("model.safetensors.index.json", "{}");
  folder.Write("model-00002-of-00003.safetensors", Safetensors("{}", ""));
  for (const char* name : {"config.json", "tokenizer.json", "tokenizer.model", "model.safetensors.index.json",
                           "model-00002-of-00003.safetensors"}) {
    SCOPED_TRACE(name);
    ExpectFolder(folder.File(name), folder.path());
  }
  ExpectFolder(folder.path(), folder.path());
  ExpectFolder(folder.path() + "/", folder.path() + "/");
}

TEST(ModelPath, AFileWithoutItsFolder) {
  const TemporaryFolder folder;
  ExpectSentence(folder.Write("model.safetensors", Safetensors("{}", "")), StatusCode::kNotFound,
                 folder.File("model.safetensors") +
                     ": this is a safetensors file, but there is no config.json beside it: a model is " +
                     kAModel);
  ExpectSentence(folder.Write("tokenizer.json", "{}"), StatusCode::kNotFound,
                 folder.File("tokenizer.json") +
                     ": this is a JSON file, but there is no config.json beside it: a model is " + kAModel);
}

TEST(ModelPath, OtherFilesAreNamed) {
  const TemporaryFolder folder;
  const std::pair<std::string, std::string> cases[] = {
      {"", "an empty file"},
      {"version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 9\n",
       "a Git LFS pointer; the file itself was not downloaded ('git lfs pull' does it)"},
      {"<!DOCTYPE html><html>", "an HTML page, as a download that failed leaves it"},
      {"\x1f\x8b\x08", "a gzip archive, which must be unpacked first"},
      {"PK\x03\x04", "a zip archive, which must be unpacked first"},
      {"PK\x03\x04 archive/data.pkl", "a PyTorch checkpoint (a Python pickle), which carat does not read"},
      {"\x80\x02}q", "a PyTorch checkpoint (a Python pickle), which carat does not read"},
      {"\x08\x08\x12\x07pytorch", "an ONNX model, which carat does not read"},
      {"\x1c\x02\x02\x02TFL3", "a LiteRT (TensorFlow Lite) model, which carat does not read"},
      {"LITERTLM", "a LiteRT-LM bundle, which carat does not read"},
      {"some words", "a file of a kind that carat does not know"},
  };
  for (const auto& [bytes, what] : cases) {
    for (const char* name : {"model", "model.gguf", "config.json"}) {
      const std::string path = folder.Write(name, bytes);
      ExpectSentence(path, StatusCode::kDataLoss, path + ": this is " + what + "; a model is " + kAModel);
      std::filesystem::remove(path);
    }
  }
}

TEST(ModelPath, WhatIsNoFile) {
  const TemporaryFolder folder;
  ExpectSentence("", StatusCode::kInvalidArgument, "the path of the model is empty");
  ExpectSentence(folder.File("absent"), StatusCode::kNotFound, folder.File("absent") + ": no such file");
  const std::string fifo = folder.File("fifo");
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  ExpectSentence(fifo, StatusCode::kInvalidArgument, fifo + ": this is a FIFO, but must be a regular file");
  ExpectSentence("/dev/null", StatusCode::kInvalidArgument,
                 "/dev/null: this is a character device, but must be a regular file");
  // Nor is it waited for inside a folder.
  folder.Write("config.json", "{}");
  ASSERT_EQ(rename(fifo.c_str(), folder.File("model.safetensors").c_str()), 0);
  EXPECT_EQ(Checkpoint::Open(folder.path()).status().code(), StatusCode::kInvalidArgument);
}

TEST(ModelPath, TheOneModelOfAFolder) {
  const TemporaryFolder folder;
  EXPECT_EQ(FindModel(folder.path()).status().message(),
            folder.File("config.json") + ": there is no such file, and no GGUF model in this folder either");
  folder.Write("README.md", "words");
  folder.Write("sha256-aa", Gguf());
  ExpectGguf(folder.path(), folder.File("sha256-aa"));
  folder.Write("mmproj-model.gguf", TowersFile());
  folder.Write("sha256-towers", TowersFile());
  ExpectGguf(folder.path(), folder.File("sha256-aa"));
  folder.Write("other.GGUF", Gguf());
  ExpectError(FindModel(folder.path()).status(), StatusCode::kInvalidArgument,
              {"there are 2, 'other.GGUF' and 'sha256-aa' among them: name one of the files"});
}

TEST(ModelPath, ASplitModelCountsOnce) {
  const TemporaryFolder folder;
  folder.Write("m-00001-of-00002.gguf", Gguf());
  folder.Write("m-00002-of-00002.gguf", Gguf());
  ExpectGguf(folder.path(), folder.File("m-00001-of-00002.gguf"));
}

TEST(ModelPath, AnUpperCaseSplitModelAndALinkToIt) {
  const TemporaryFolder folder;
  const auto part = [](std::int64_t number) {
    GgufHeader header;
    header.Unsigned("split.no", number);
    header.Unsigned("split.count", 2);
    return header.Bytes();
  };
  folder.Write("m-00001-of-00002.GGUF", part(0));
  folder.Write("m-00002-of-00002.GGUF", part(1));
  EXPECT_TRUE(GgufModel::Open(folder.File("m-00002-of-00002.GGUF")).ok());
  ASSERT_EQ(symlink("m-00001-of-00002.GGUF", folder.File("link").c_str()), 0);
  EXPECT_TRUE(GgufModel::Open(folder.File("link")).ok());
  const std::string blob = folder.Write("sha256-aa", part(0));
  EXPECT_EQ(GgufModel::Open(blob).status().message(),
            blob +
                ": the file says that it is one of 2 parts, whose names must end in "
                "'-00001-of-00002.gguf' and so on");
}

// A folder of the Hugging Face cache, its files links to blobs.
class Cache : public testing::Test {
 protected:
  Cache() {
    std::filesystem::create_directories(Root() + "/blobs");
    std::filesystem::create_directories(Root() + "/refs");
  }
  std::string Root() const { return folder_.File("models--google--gemma"); }
  std::string Snapshot(const std::string& name) const { return Root() + "/snapshots/" + name; }
  void AddSnapshot(const std::string& name, const std::string& file, const std::string& content) const {
    std::filesystem::create_directories(Snapshot(name));
    folder_.Write("models--google--gemma/blobs/" + name + file, content);
    std::filesystem::create_symlink("../../blobs/" + name + file, Snapshot(name) + "/" + file);
  }
  TemporaryFolder folder_;
};

TEST_F(Cache, RefsMainDecides) {
  AddSnapshot("aaa", "config.json", "{}");
  AddSnapshot("bbb", "config.json", "{}");
  for (const char* name : {"aaa", "bbb"}) {
    folder_.Write("models--google--gemma/refs/main", std::string(name) + "\n");
    ExpectFolder(Root(), Snapshot(name));
  }
  ExpectFolder(Snapshot("aaa") + "/config.json", Snapshot("aaa"));
  folder_.Write("models--google--gemma/refs/main", "ccc");
  ExpectSentence(Root(), StatusCode::kNotFound,
                 Snapshot("ccc") + ": there is no such folder, but " + Root() +
                     "/refs/main says that it is the snapshot to use");
  for (const char* name : {"../../..", "..", ""}) {
    folder_.Write("models--google--gemma/refs/main", name);
    ExpectSentence(Root(), StatusCode::kDataLoss,
                   Root() + "/refs/main: expected the name of a snapshot, but found '" + name + "'");
  }
}

TEST_F(Cache, WithoutRefsTheOnlyOrNewestSnapshot) {
  std::filesystem::create_directories(Root() + "/snapshots");
  EXPECT_EQ(FindModel(Root()).status().code(), StatusCode::kNotFound);
  AddSnapshot("zzz", "config.json", "{}");
  ExpectFolder(Root(), Snapshot("zzz"));
  AddSnapshot("aaa", "config.json", "{}");
  const auto now = std::filesystem::file_time_type::clock::now();
  std::filesystem::last_write_time(Snapshot("zzz"), now - std::chrono::hours(2));
  std::filesystem::last_write_time(Snapshot("aaa"), now - std::chrono::hours(1));
  ExpectFolder(Root(), Snapshot("aaa"));
}

TEST_F(Cache, TheFolderOfSnapshotsMeansTheSame) {
  AddSnapshot("aaa", "config.json", "{}");
  AddSnapshot("bbb", "config.json", "{}");
  folder_.Write("models--google--gemma/refs/main", "aaa");
  for (const char* end : {"/snapshots", "/snapshots/"}) {
    const auto found = FindModel(Root() + end);
    ASSERT_TRUE(found.ok()) << found.status().ToString();
    EXPECT_TRUE(std::filesystem::equivalent(found->path, Snapshot("aaa"))) << found->path;
  }
}

TEST_F(Cache, ASnapshotMayHoldAGgufModel) {
  AddSnapshot("aaa", "gemma-Q4_0.gguf", SmallestGguf());
  ExpectGguf(Root(), Snapshot("aaa") + "/gemma-Q4_0.gguf");
  EXPECT_TRUE(Checkpoint::Open(Root()).ok());
}

// The files inside a folder are named as well.
TEST(ModelPath, ConfigurationsThatAreSomethingElse) {
  const TemporaryFolder folder;
  const std::string nul(1, '\0');
  const std::pair<std::string, std::string> cases[] = {
      {"\xff\xfe{" + nul + "}" + nul, "a text in UTF-16"},
      {"version https://git-lfs.github.com/spec/v1\n",
       "a Git LFS pointer; the file itself was not downloaded ('git lfs pull' does it)"},
      {"<html>", "an HTML page, as a download that failed leaves it"}};
  for (const auto& [bytes, what] : cases) {
    const std::string config = folder.Write("config.json", bytes);
    EXPECT_EQ(Checkpoint::Open(folder.path()).status().message(),
              config + ": this is " + what + ", but must be a JSON file in UTF-8");
  }
}

TEST(ModelPath, AByteOrderMarkIsSkippedAndPointersInsideAreNamed) {
  const TemporaryFolder folder;
  const std::string tiny = std::string(CARAT_TEST_DATA) + "/tiny-31b/";
  folder.Write("config.json", "\xef\xbb\xbf" + ReadWholeFile(tiny + "config.json"));
  const std::string shard = folder.Write("model.safetensors", "version https://git-lfs.github.com/spec/v1\n");
  EXPECT_EQ(
      Checkpoint::Open(folder.path()).status().message(),
      shard +
          ": this is a Git LFS pointer; the file itself was not downloaded ('git lfs pull' does it), but "
          "must be a safetensors file");
  folder.Write("model.safetensors", ReadWholeFile(tiny + "model.safetensors"));
  const auto opened = Checkpoint::Open(folder.path());
  EXPECT_TRUE(opened.ok()) << opened.status().ToString();
  std::filesystem::remove(shard);
  folder.Write("pytorch_model.bin", "PK\x03\x04");
  EXPECT_EQ(Checkpoint::Open(folder.path()).status().message(),
            folder.path() +
                ": there is neither model.safetensors nor model.safetensors.index.json in this "
                "folder, only pytorch_model.bin, a Python pickle that carat does not read");
}

// In memory, nothing that happens to the file matters.
TEST(ModelPath, ACheckpointInMemoryOutlivesItsFile) {
  const TemporaryFolder folder;
  const std::string path = folder.Write("m", SmallestGguf());
  const auto mapped = Checkpoint::Open(path);
  const auto copied = Checkpoint::Open(path, "", FileAccess::kInMemory);
  ASSERT_TRUE(mapped.ok() && copied.ok()) << copied.status().ToString();
  ASSERT_EQ(mapped->tensors().size(), copied->tensors().size());
  const std::string last(reinterpret_cast<const char*>(mapped->tensors().back().data),
                         mapped->tensors().back().bytes);
  std::filesystem::resize_file(path, 10);
  const TensorEntry& tensor = copied->tensors().back();
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(tensor.data), tensor.bytes), last);
}

}  // namespace
}  // namespace carat::internal
