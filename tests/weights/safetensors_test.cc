// One safetensors file: what is well formed is read, everything else is an error that names file and tensor.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "lib/weights/checkpoint.h"
#include "tests/weights/test_files.h"

namespace carat::internal {
namespace {

class SafetensorsFile : public testing::Test {
 protected:
  Result<std::vector<TensorEntry>> Read(const std::string& bytes) {
    path_ = folder_.Write("weights.safetensors", bytes);
    Result<std::shared_ptr<const FileMapping>> file = FileMapping::Open(path_);
    EXPECT_TRUE(file.ok()) << file.status().ToString();
    if (!file.ok()) return file.status();
    file_ = *file;
    return ReadSafetensors(file_, 3);
  }
  Result<std::vector<TensorEntry>> Read(const std::string& header, std::size_t data_bytes) {
    return Read(Safetensors(header, std::string(data_bytes, '\1')));
  }

  // That the file is refused, with a message that has its path and the parts.
  void ExpectBad(const std::string& bytes, std::vector<std::string> parts) {
    const Status status = Read(bytes).status();
    parts.push_back(path_);
    ExpectError(status, StatusCode::kDataLoss, parts);
  }
  void ExpectBad(const std::string& header, std::size_t data_bytes, const std::vector<std::string>& parts) {
    ExpectBad(Safetensors(header, std::string(data_bytes, '\1')), parts);
  }

  TemporaryFolder folder_;
  std::string path_;
  std::shared_ptr<const FileMapping> file_;
};

using GoodSafetensors = SafetensorsFile;
using BadSafetensors = SafetensorsFile;

TEST_F(GoodSafetensors, Entries) {
  const auto entries = Read(
      R"({"__metadata__":{"format":"pt"},"b":{"dtype":"F32","shape":[],"data_offsets":[12,16]},
        "a":{"dtype":"F16","shape":[2,3],"data_offsets":[0,12]},
        "empty":{"dtype":"BF16","shape":[4,0],"data_offsets":[12,12]}}   )",
      16);
  ASSERT_TRUE(entries.ok()) << entries.status().ToString();
  ASSERT_EQ(entries->size(), 3u);
  const TensorEntry& a = (*entries)[0];
  EXPECT_EQ(a.name, "a");
  EXPECT_EQ(a.format, NumberFormat::kF16);
  EXPECT_EQ(a.shape, (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(a.values(), 6);
  EXPECT_EQ(a.bytes, 12u);
  EXPECT_EQ(a.file, 3u);
  EXPECT_EQ(a.data + 16, file_->bytes().data() + file_->bytes().size());
  const TensorEntry& empty = (*entries)[1];
  EXPECT_EQ(empty.name, "empty");
  EXPECT_EQ(empty.values(), 0);
  EXPECT_EQ(empty.bytes, 0u);
  const TensorEntry& b = (*entries)[2];
  EXPECT_EQ(b.name, "b");
  EXPECT_EQ(b.format, NumberFormat::kF32);
  EXPECT_TRUE(b.shape.empty());
  EXPECT_EQ(b.values(), 1);
  EXPECT_EQ(b.data, a.data + 12);
}

TEST_F(GoodSafetensors, NoTensors) {
  const auto entries = Read("{}", 0);
  ASSERT_TRUE(entries.ok()) << entries.status().ToString();
  EXPECT_TRUE(entries->empty());
}

TEST_F(GoodSafetensors, OtherTypesAreCheckedAndLeftOut) {
  const auto entries = Read(
      R"({"i":{"dtype":"I64","shape":[2],"data_offsets":[0,16]},"f":{"dtype":"F4","shape":[3,2],"data_offsets":[16,19]},
        "x":{"dtype":"BF16","shape":[1],"data_offsets":[19,21]}})",
      21);
  ASSERT_TRUE(entries.ok()) << entries.status().ToString();
  ASSERT_EQ(entries->size(), 1u);
  EXPECT_EQ((*entries)[0].name, "x");
}

TEST_F(BadSafetensors, Empty) {
  ExpectBad("", {"this is an empty file, but must be a safetensors file"});
}

TEST_F(BadSafetensors, CutInsideTheLength) {
  ExpectBad(std::string(7, '\0'), {"8 bytes", "7 bytes"});
}

TEST_F(BadSafetensors, CutAnywhere) {
  const std::string whole = SafetensorsOf({{"first", {3, 2}}, {"second", {5}}});
  ASSERT_TRUE(Read(whole).ok());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    SCOPED_TRACE(size);
    ExpectBad(whole.substr(0, size), {});
  }
}

TEST_F(BadSafetensors, CutInsideTheData) {
  const std::string whole = SafetensorsOf({{"first", {3, 2}}, {"second", {5}}});
  ExpectBad(whole.substr(0, whole.size() - 1), {"'second'", "[12, 22]", "21"});
}

TEST_F(BadSafetensors, LengthOfTheHeaderBeyondTheFile) {
  std::string bytes = SafetensorsOf({{"first", {1}}});
  bytes[1] = 1;  // 256 more
  ExpectBad(bytes, {"header", "cut short"});
}

TEST_F(BadSafetensors, LengthOfTheHeaderAbsurd) {
  ExpectBad(std::string(8, '\xFF') + "{}", {"18446744073709551615", "100000000"});
  ExpectBad(std::string("\0\0\0\0\0\0\0\x80{}", 10), {"9223372036854775808", "100000000"});
  ExpectBad(std::string("\x01\xE1\xF5\x05\0\0\0\0{}", 10), {"100000001", "100000000"});
  ExpectBad(std::string("\x00\xE1\xF5\x05\0\0\0\0{}", 10), {"100000000", "only 2"});
}

TEST_F(BadSafetensors, HeaderIsNoJson) {
  ExpectBad("{\"a\":", 0, {"header", "JSON"});
  ExpectBad("{\"a\": {} garbage", 0, {"header", "JSON"});
  ExpectBad("{\"a\": 1e999999}", 0, {"header", "number"});
  ExpectBad("{\"\xFF\xFE\": {}}", 0, {"header"});
}

TEST_F(BadSafetensors, HeaderIsNoObject) {
  ExpectBad("[]", 0, {"'{'"});
  ExpectBad("null", 0, {"'{'"});
  ExpectBad("", 0, {"'{'"});
  ExpectBad(" {}", 0, {"'{'"});
}

TEST_F(BadSafetensors, DeeplyNestedHeader) {
  std::string header = R"({"a":)";
  for (int i = 0; i < 100000; ++i) header += '[';
  ExpectBad(header, 0, {"header", "JSON"});
}

TEST_F(BadSafetensors, MetadataOfTheWrongType) {
  ExpectBad(R"({"__metadata__":3})", 0, {"__metadata__"});
  ExpectBad(R"({"__metadata__":{"format":1}})", 0, {"__metadata__.format", "string"});
}

TEST_F(BadSafetensors, EntryOfTheWrongType) {
  ExpectBad(R"({"a":5})", 0, {"'a'", "object"});
  ExpectBad(R"({"a":null})", 0, {"'a'", "object"});
}

TEST_F(BadSafetensors, TypeMissingOrUnknown) {
  ExpectBad(R"({"a":{"shape":[1],"data_offsets":[0,2]}})", 2, {"'a'", "dtype"});
  ExpectBad(R"({"a":{"dtype":16,"shape":[1],"data_offsets":[0,2]}})", 2, {"'a'", "dtype"});
  ExpectBad(R"({"a":{"dtype":"bf16","shape":[1],"data_offsets":[0,2]}})", 2, {"'a'", "dtype", "'bf16'"});
}

TEST_F(BadSafetensors, ShapeMissingOrOfTheWrongType) {
  ExpectBad(R"({"a":{"dtype":"BF16","data_offsets":[0,2]}})", 2, {"'a'", "shape"});
  ExpectBad(R"({"a":{"dtype":"BF16","shape":1,"data_offsets":[0,2]}})", 2, {"'a'", "shape"});
  ExpectBad(R"({"a":{"dtype":"BF16","shape":["1"],"data_offsets":[0,2]}})", 2, {"'a'", "shape", "integers"});
  ExpectBad(R"({"a":{"dtype":"BF16","shape":[1.0],"data_offsets":[0,2]}})", 2, {"'a'", "shape", "integers"});
  ExpectBad(R"({"a":{"dtype":"BF16","shape":[18446744073709551615],"data_offsets":[0,2]}})", 2,
            {"'a'", "shape", "integers"});
}

TEST_F(BadSafetensors, NegativeShape) {
  ExpectBad(R"({"a":{"dtype":"BF16","shape":[-1],"data_offsets":[0,2]}})", 2, {"'a'", "shape", "-1"});
  ExpectBad(R"({"a":{"dtype":"BF16","shape":[-1,-1],"data_offsets":[0,2]}})", 2, {"'a'", "shape", "-1"});
}

TEST_F(BadSafetensors, ShapeProductOverflows) {
  ExpectBad(R"({"a":{"dtype":"BF16","shape":[4294967296,4294967296],"data_offsets":[0,0]}})", 0,
            {"'a'", "[4294967296, 4294967296]", "addressed"});
  // The number of values fits, that of bits does not.
  ExpectBad(R"({"a":{"dtype":"BF16","shape":[1152921504606846976],"data_offsets":[0,0]}})", 0,
            {"'a'", "[1152921504606846976]", "addressed"});
  // 2^64 bits, which would wrap to none.
  ExpectBad(R"({"a":{"dtype":"F32","shape":[576460752303423488],"data_offsets":[0,0]}})", 0,
            {"'a'", "addressed"});
}

TEST_F(BadSafetensors, PartOfAByte) {
  ExpectBad(R"({"a":{"dtype":"F4","shape":[3],"data_offsets":[0,2]}})", 2, {"'a'", "[3]", "F4", "bytes"});
}

TEST_F(BadSafetensors, OffsetsMissingOrOfTheWrongType) {
  ExpectBad(R"({"a":{"dtype":"BF16","shape":[1]}})", 2, {"'a'", "data_offsets"});
  ExpectBad(R"({"a":{"dtype":"BF16","shape":[1],"data_offsets":2}})", 2, {"'a'", "data_offsets"});
  ExpectBad(R"({"a":{"dtype":"BF16","shape":[1],"data_offsets":[0]}})", 2, {"'a'", "data_offsets", "two"});
  ExpectBad(R"({"a":{"dtype":"BF16","shape":[1],"data_offsets":[0,2,4]}})", 2,
            {"'a'", "data_offsets", "two"});
  ExpectBad(R"({"a":{"dtype":"BF16","shape":[1],"data_offsets":[0,"2"]}})", 2,
            {"'a'", "data_offsets", "two"});
  ExpectBad(R"({"a":{"dtype":"BF16","shape":[1],"data_offsets":[-2,0]}})", 2, {"'a'", "data_offsets", "two"});
}

TEST_F(BadSafetensors, ReversedOffsets) {
  ExpectBad(R"({"a":{"dtype":"BF16","shape":[1],"data_offsets":[2,0]}})", 2, {"'a'", "[2, 0]", "before"});
}

TEST_F(BadSafetensors, OffsetsBeyondTheFile) {
  ExpectBad(R"({"a":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}})", 2, {"'a'", "[0, 4]", "2 bytes"});
  ExpectBad(
      R"({"a":{"dtype":"BF16","shape":[1],"data_offsets":[18446744073709551612,18446744073709551614]}})", 2,
      {"'a'", "18446744073709551614", "2 bytes"});
}

TEST_F(BadSafetensors, WrongNumberOfBytes) {
  ExpectBad(R"({"a":{"dtype":"BF16","shape":[2,2],"data_offsets":[0,4]}})", 4,
            {"'a'", "[2, 2]", "BF16", "8 bytes", "hold 4"});
  ExpectBad(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", 4,
            {"'a'", "F32", "8 bytes", "hold 4"});
  ExpectBad(R"({"a":{"dtype":"BF16","shape":[0],"data_offsets":[0,2]}})", 2, {"'a'", "0 bytes", "hold 2"});
}

TEST_F(BadSafetensors, Overlap) {
  ExpectBad(R"({"a":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]},
              "b":{"dtype":"BF16","shape":[2],"data_offsets":[2,6]}})",
            6, {"'b'", "offset 4", "at 2", "overlap"});
  ExpectBad(R"({"a":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]},
              "b":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}})",
            4, {"'b'", "overlap"});
}

TEST_F(BadSafetensors, Gap) {
  ExpectBad(R"({"a":{"dtype":"BF16","shape":[1],"data_offsets":[0,2]},
              "b":{"dtype":"BF16","shape":[1],"data_offsets":[4,6]}})",
            6, {"'b'", "offset 2", "at 4", "gap"});
  ExpectBad(R"({"a":{"dtype":"BF16","shape":[1],"data_offsets":[2,4]}})", 4,
            {"'a'", "offset 0", "at 2", "gap"});
}

TEST_F(BadSafetensors, DataLeftOver) {
  ExpectBad(R"({"a":{"dtype":"BF16","shape":[1],"data_offsets":[0,2]}})", 3, {"offset 2", "3 bytes"});
  ExpectBad("{}", 1, {"offset 0", "1 bytes"});
}

TEST_F(BadSafetensors, DuplicateName) {
  ExpectBad(R"({"a":{"dtype":"BF16","shape":[1],"data_offsets":[0,2]},
              "a":{"dtype":"BF16","shape":[1],"data_offsets":[2,4]}})",
            4, {"'a'", "twice"});
  // Also among types that are left out.
  ExpectBad(R"({"a":{"dtype":"I8","shape":[1],"data_offsets":[0,1]},
              "a":{"dtype":"BF16","shape":[1],"data_offsets":[1,3]}})",
            3, {"'a'", "twice"});
}

}  // namespace
}  // namespace carat::internal
