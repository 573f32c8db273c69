#include "lib/base/json.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

#include <cstdint>
#include <string>
#include <vector>

namespace carat::internal {
namespace {

constexpr char kText[] =
    R"({"integer": -7, "number": 2.5, "yes": true, "text": "gr\u00fc\u00df", "none": null,
  "object": {"inner": {"key": 3}}, "strings": ["a", "b"], "integers": [1, 2], "big": 9223372036854775808})";

class JsonTest : public testing::Test {
 protected:
  void SetUp() override {
    Result<JsonDocument> document = JsonDocument::Parse(kText, "file.json");
    ASSERT_TRUE(document.ok()) << document.status().ToString();
    document_ = std::make_unique<JsonDocument>(*std::move(document));
    Result<JsonObject> root = JsonObject::From(document_->root(), "file.json", "");
    ASSERT_TRUE(root.ok()) << root.status().ToString();
    root_ = std::make_unique<JsonObject>(*std::move(root));
  }

  static void ExpectError(const Status& status, const std::vector<std::string>& parts) {
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << status.ToString();
    for (const std::string& part : parts) {
      EXPECT_NE(status.message().find(part), std::string::npos) << status.ToString();
    }
  }

  std::unique_ptr<JsonDocument> document_;
  std::unique_ptr<JsonObject> root_;
};

TEST_F(JsonTest, Values) {
  EXPECT_EQ(**root_->Integer("integer"), -7);
  EXPECT_EQ(**root_->Number("number"), 2.5);
  EXPECT_EQ(**root_->Number("integer"), -7.0);
  EXPECT_EQ(**root_->Boolean("yes"), true);
  EXPECT_EQ(**root_->String("text"), "gr\xC3\xBC\xC3\x9F");
  EXPECT_EQ(**root_->Strings("strings"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(**root_->Integers("integers"), (std::vector<std::int64_t>{1, 2}));
  EXPECT_EQ(**root_->Integers("integer"), (std::vector<std::int64_t>{-7}));
  const auto object = root_->Object("object");
  ASSERT_TRUE(object.ok());
  const auto inner = (*object)->Object("inner");
  ASSERT_TRUE(inner.ok());
  EXPECT_EQ(**(*inner)->Integer("key"), 3);
  EXPECT_EQ((*inner)->Locate("key"), "file.json: object.inner.key");
  EXPECT_EQ(root_->Locate("key"), "file.json: key");
}

TEST_F(JsonTest, MissingAndNullAreAbsent) {
  for (const char* key : {"none", "missing"}) {
    EXPECT_FALSE(root_->Has(key));
    EXPECT_FALSE(root_->Integer(key)->has_value());
    EXPECT_FALSE(root_->Number(key)->has_value());
    EXPECT_FALSE(root_->Boolean(key)->has_value());
    EXPECT_FALSE(root_->String(key)->has_value());
    EXPECT_FALSE(root_->Object(key)->has_value());
    EXPECT_FALSE(root_->Strings(key)->has_value());
    EXPECT_FALSE(root_->Integers(key)->has_value());
  }
}

TEST_F(JsonTest, WrongTypesNameFileKeyExpectedAndFound) {
  ExpectError(root_->Integer("number").status(), {"file.json: number", "an integer", "a number"});
  ExpectError(root_->Integer("big").status(), {"file.json: big", "an integer"});
  ExpectError(root_->Integer("text").status(), {"file.json: text", "an integer", "a string"});
  ExpectError(root_->Number("yes").status(), {"file.json: yes", "a number", "true or false"});
  ExpectError(root_->Boolean("integer").status(), {"file.json: integer", "true or false", "an integer"});
  ExpectError(root_->String("object").status(), {"file.json: object", "a string", "an object"});
  ExpectError(root_->Object("strings").status(), {"file.json: strings", "an object", "an array"});
  ExpectError(root_->Strings("integers").status(),
              {"file.json: integers", "a list of strings", "an integer"});
  ExpectError(root_->Strings("text").status(), {"file.json: text", "a list of strings"});
  ExpectError(root_->Integers("strings").status(), {"file.json: strings", "integers", "a string"});
  ExpectError(root_->Integers("number").status(), {"file.json: number", "integers", "a number"});
}

TEST(Json, NotAnObject) {
  const auto document = JsonDocument::Parse("[1]", "file.json");
  ASSERT_TRUE(document.ok());
  const Status status = JsonObject::From(document->root(), "file.json", "a.b").status();
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), "file.json: a.b must be an object, but is an array");
}

TEST(Json, BrokenTextsAreDataLoss) {
  for (const std::string text : {"", " ", "{", "{\"a\":}", "{\"a\": 1,}", "nul", "[1, 2", "{} {}", "\"\xFF\"",
                                 "{\"a\": 1e400}", "{'a': 1}", "NaN"}) {
    const auto document = JsonDocument::Parse(text, "file.json");
    ASSERT_FALSE(document.ok()) << text;
    EXPECT_EQ(document.status().code(), StatusCode::kDataLoss) << text;
    EXPECT_EQ(document.status().message().rfind("file.json: ", 0), 0u) << document.status().ToString();
  }
}

TEST(Json, ErrorsSayLineAndColumn) {
  const auto document = JsonDocument::Parse("{\n  \"a\": [1,\n  2\n}", "file.json");
  EXPECT_EQ(document.status().message(),
            "file.json: not valid JSON: line 4, column 1: expected ',' or ']', but found '}'");
}

TEST(Json, WhatSimdjsonDoesNotTakeIsReadAllTheSame) {
  const auto document = JsonDocument::Parse(
      "\xEF\xBB\xBF{\"big\": 18446744073709551616, \"half\": \"x\\ud83d 12345678901234567890\", \"n\": [1, "
      "-2.5]}",
      "file.json");
  ASSERT_TRUE(document.ok()) << document.status().ToString();
  const auto root = JsonObject::From(document->root(), "file.json", "");
  ASSERT_TRUE(root.ok());
  EXPECT_EQ(*root->Number("big"), 18446744073709551616.0);
  EXPECT_EQ(*root->String("half"), "x\uFFFD 12345678901234567890");
  EXPECT_EQ(root->Integers("n").status().message(),
            "file.json: n must be an integer or a list of integers, but is a number");
  EXPECT_TRUE(JsonDocument::Parse("\xEF\xBB\xBF{}", "file.json").ok());
}

TEST(Json, EmptyFilesAreDataLoss) {
  const std::string path = testing::TempDir() + "/carat_empty_" + std::to_string(getpid()) + ".json";
  std::ofstream(path).flush();
  const Status status = JsonDocument::ParseFile(path).status();
  std::remove(path.c_str());
  EXPECT_EQ(status.code(), StatusCode::kDataLoss) << status.ToString();
  EXPECT_NE(std::string(status.message()).find(path), std::string::npos);
  EXPECT_EQ(JsonDocument::Parse("", "nowhere").status().code(), StatusCode::kDataLoss);
}

TEST(Json, DepthIsLimited) {
  const std::string text(1 << 20, '[');
  EXPECT_EQ(JsonDocument::Parse(text, "file.json").status().code(), StatusCode::kDataLoss);
}

TEST(Json, MissingFile) {
  const Status status = JsonDocument::ParseFile("/absent/file.json").status();
  EXPECT_EQ(status.code(), StatusCode::kNotFound);
  EXPECT_NE(status.message().find("/absent/file.json"), std::string::npos);
}

}  // namespace
}  // namespace carat::internal
