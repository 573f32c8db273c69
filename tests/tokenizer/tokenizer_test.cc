// The public face: Tokenizer and StreamDecoder over the repository's own tokenizers.
#include "carat/tokenizer.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "tests/tokenizer/case_comparison.h"
#include "tests/tokenizer/scratch_folder.h"
#include "tests/tokenizer/small_tokenizer.h"

namespace carat {
namespace {

using Ids = std::vector<std::int32_t>;
using testing::FromJson;
using testing::SmallTokenizer;

Tokenizer LoadTiny() {
  auto tokenizer = Tokenizer::Load(CARAT_TEST_DATA "/tiny-e2b");
  EXPECT_TRUE(tokenizer.ok()) << tokenizer.status().ToString();
  return *tokenizer;
}

TEST(TokenizerTest, LoadsAFolderAndAFile) {
  const auto folder = Tokenizer::Load(CARAT_DEMO_MODEL);
  ASSERT_TRUE(folder.ok()) << folder.status().ToString();
  EXPECT_EQ(folder->vocabulary_size(), 2048);
  const auto file = Tokenizer::Load(CARAT_DEMO_MODEL "/tokenizer.json");
  ASSERT_TRUE(file.ok()) << file.status().ToString();
  EXPECT_EQ(*file->Encode("Hello there"), *folder->Encode("Hello there"));
}

TEST(TokenizerTest, SaysWhatIsNotThere) {
  EXPECT_EQ(Tokenizer::Load("").status().code(), StatusCode::kNotFound);
  EXPECT_EQ(Tokenizer::Load("/nowhere/tokenizer.json").status().code(), StatusCode::kNotFound);
  const testing::ScratchFolder folder;
  const auto empty = Tokenizer::Load(folder.path());
  EXPECT_EQ(empty.status().code(), StatusCode::kNotFound);
  EXPECT_NE(empty.status().message().find(folder.path()), std::string::npos);
}

TEST(TokenizerTest, TakesTokenizerJsonFirst) {
  const testing::ScratchFolder folder;
  folder.Write("tokenizer.model", internal::SerializeModelProto(testing::SmallModel()));
  auto model = Tokenizer::Load(folder.path());
  ASSERT_TRUE(model.ok()) << model.status().ToString();
  EXPECT_EQ(model->vocabulary_size(), 269);
  folder.Write("tokenizer.json", SmallTokenizer().Json());
  auto json = Tokenizer::Load(folder.path());
  ASSERT_TRUE(json.ok()) << json.status().ToString();
  EXPECT_EQ(json->vocabulary_size(), 12);
}

TEST(TokenizerTest, KnowsItsPieces) {
  const Tokenizer tokenizer = LoadTiny();
  EXPECT_EQ(tokenizer.vocabulary_size(), 640);
  EXPECT_EQ(tokenizer.Piece(2), "<bos>");
  EXPECT_EQ(tokenizer.Piece(24), "\n");
  EXPECT_EQ(tokenizer.Piece(-1), "");
  EXPECT_EQ(tokenizer.Piece(640), "");
  for (std::int32_t id = 0; id < tokenizer.vocabulary_size(); ++id)
    EXPECT_EQ(tokenizer.IdOf(tokenizer.Piece(id)), id);
  EXPECT_EQ(tokenizer.IdOf("no such piece"), std::nullopt);
  EXPECT_EQ(tokenizer.IdOf(""), std::nullopt);
  EXPECT_EQ(tokenizer.bos(), 2);
}

TEST(TokenizerTest, SpecialAreControlTokensOnly) {
  const Tokenizer tokenizer = LoadTiny();
  int special = 0;
  for (std::int32_t id = -1; id <= tokenizer.vocabulary_size(); ++id)
    special += tokenizer.IsSpecial(id) ? 1 : 0;
  EXPECT_EQ(special, 24);
  EXPECT_TRUE(tokenizer.IsSpecial(*tokenizer.IdOf("<|turn>")));
  EXPECT_FALSE(tokenizer.IsSpecial(*tokenizer.IdOf("\n\n")));  // an added token, but not special
}

TEST(TokenizerTest, UserTextNeverBecomesAControlToken) {
  const Tokenizer tokenizer = LoadTiny();
  std::string all;
  for (std::int32_t id = 0; id < tokenizer.vocabulary_size(); ++id) all += tokenizer.Piece(id);
  const auto plain = tokenizer.Encode(all);
  ASSERT_TRUE(plain.ok());
  for (const std::int32_t id : *plain) EXPECT_FALSE(tokenizer.IsSpecial(id)) << tokenizer.Piece(id);
  const auto parsed = tokenizer.Encode(all, {.parse_special = true});
  ASSERT_TRUE(parsed.ok());
  int special = 0;
  for (const std::int32_t id : *parsed) special += tokenizer.IsSpecial(id) ? 1 : 0;
  EXPECT_EQ(special, 24);
}

TEST(TokenizerTest, AddsBosOnce) {
  const Tokenizer tokenizer = LoadTiny();
  EXPECT_EQ(*tokenizer.Encode("", {.add_bos = true}), Ids{2});
  const Ids plain = *tokenizer.Encode("a");
  EXPECT_EQ(*tokenizer.Encode("a", {.add_bos = true}), (Ids{2, plain[0]}));
  EXPECT_EQ(*tokenizer.Encode("<bos>a", {.parse_special = true, .add_bos = true}), (Ids{2, plain[0]}));
  EXPECT_EQ(*tokenizer.Encode("<bos>", {.parse_special = true, .add_bos = true}), Ids{2});
  EXPECT_EQ(*tokenizer.Encode("<bos><bos>", {.parse_special = true, .add_bos = true}), (Ids{2, 2}));
  // As plain text "<bos>" is not the token, so the token goes in front of it.
  Ids expected = *tokenizer.Encode("<bos>");
  expected.insert(expected.begin(), 2);
  EXPECT_EQ(*tokenizer.Encode("<bos>", {.add_bos = true}), expected);
}

TEST(TokenizerTest, FindsBosInTheTemplateOrByName) {
  SmallTokenizer small;
  EXPECT_EQ(FromJson(small.Json())->bos(), 1);
  small.added = "[" + SmallTokenizer::Added(11, "<tag>", "special") + "]";
  EXPECT_EQ(FromJson(small.Json())->bos(), std::nullopt);
  EXPECT_EQ(FromJson(small.Json())->Encode("a", {.add_bos = true})->size(), 1U);
  small.post_processor =
      R"({"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<tag>", "type_id": 0}},
      {"Sequence": {"id": "A", "type_id": 0}}], "pair": [], "special_tokens": {}})";
  EXPECT_EQ(FromJson(small.Json())->bos(), 11);
}

TEST(TokenizerTest, ReadsInvalidBytesAsReplacementCharacters) {
  const Tokenizer tokenizer = LoadTiny();
  const Ids replacement = *tokenizer.Encode("\uFFFD");
  ASSERT_FALSE(replacement.empty());
  const auto expect = [&](std::string_view bytes, int count) {
    Ids expected;
    for (int i = 0; i < count; ++i) expected.insert(expected.end(), replacement.begin(), replacement.end());
    EXPECT_EQ(*tokenizer.Encode(bytes), expected) << bytes.size();
  };
  expect("\xFF", 1);
  expect("\xE2\x96", 2);          // a character that is cut short
  expect("\xC0\x80", 2);          // overlong
  expect("\xED\xA0\x80", 3);      // a surrogate
  expect("\xF4\x90\x80\x80", 4);  // beyond U+10FFFF
  EXPECT_EQ(*tokenizer.Decode(*tokenizer.Encode("a\xFF"
                                                "b")),
            "a\uFFFDb");
}

TEST(TokenizerTest, KeepsNulBytes) {
  const Tokenizer tokenizer = LoadTiny();
  const std::string text("a\0b\0", 4);
  EXPECT_EQ(*tokenizer.Decode(*tokenizer.Encode(text)), text);
}

TEST(TokenizerTest, RefusesIdsOutsideTheVocabulary) {
  const Tokenizer tokenizer = LoadTiny();
  for (const std::int32_t id : {-1, 640, 2147483647, -2147483647 - 1}) {
    const auto text = tokenizer.Decode(Ids{3, id});
    EXPECT_EQ(text.status().code(), StatusCode::kOutOfRange) << id;
    EXPECT_NE(text.status().message().find(std::to_string(id)), std::string::npos);
  }
}

TEST(TokenizerTest, OneTokenizerInManyThreads) {
  const Tokenizer tokenizer = LoadTiny();
  const std::string text = "The same text in every thread,\n\nwith spaces   and \U0001F44B and <|turn>.";
  const Ids expected = *tokenizer.Encode(text);
  std::vector<std::thread> threads;
  std::vector<int> equal(4, 0);
  for (int& count : equal) {
    threads.emplace_back([&expected, &count, &text, copy = tokenizer] {
      for (int i = 0; i < 50; ++i) count += *copy.Encode(text) == expected ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(equal, std::vector<int>(4, 50));
}

class DecodingTest : public ::testing::Test {
 protected:
  // The ids of the byte pieces of some bytes.
  Ids Bytes(std::string_view bytes) const {
    Ids ids;
    for (const char byte : bytes) {
      char piece[8];
      std::snprintf(piece, sizeof(piece), "<0x%02X>", static_cast<unsigned char>(byte));
      ids.push_back(*tokenizer_.IdOf(piece));
    }
    return ids;
  }
  static Ids Join(const std::vector<Ids>& parts) {
    Ids ids;
    for (const Ids& part : parts) ids.insert(ids.end(), part.begin(), part.end());
    return ids;
  }
  std::int32_t Id(std::string_view piece) const { return *tokenizer_.IdOf(piece); }

  Tokenizer tokenizer_ = LoadTiny();
};

TEST_F(DecodingTest, AByteRunIsTextAsAWholeOrNotAtAll) {
  EXPECT_EQ(*tokenizer_.Decode(Bytes("\xE2\x82\xAC")), "\u20AC");
  EXPECT_EQ(*tokenizer_.Decode(Bytes("\xE2\x82\xAC\xFF")), "\uFFFD\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(*tokenizer_.Decode(Bytes("A\xE2\x82")), "\uFFFD\uFFFD\uFFFD");
  // A piece that is no byte ends the run.
  EXPECT_EQ(*tokenizer_.Decode(Join({Bytes("\xE2\x82\xAC"), {Id("a")}, Bytes("\xFF")})), "\u20ACa\uFFFD");
  EXPECT_EQ(*tokenizer_.Decode(Join({Bytes("\xE2\x82"), {Id("a")}, Bytes("\xAC")})), "\uFFFD\uFFFDa\uFFFD");
}

TEST_F(DecodingTest, ASkippedTokenDoesNotEndARun) {
  const Ids ids = Join({Bytes("\xE2\x82"), {2}, Bytes("\xAC")});
  EXPECT_EQ(*tokenizer_.Decode(ids, {.skip_special = true}), "\u20AC");
  EXPECT_EQ(*tokenizer_.Decode(ids), "\uFFFD\uFFFD<bos>\uFFFD");
  EXPECT_EQ(*testing::Stream(tokenizer_, ids, {.skip_special = true}), "\u20AC");
  EXPECT_EQ(*testing::Stream(tokenizer_, ids, {}), "\uFFFD\uFFFD<bos>\uFFFD");
}

TEST_F(DecodingTest, StreamHoldsARunUntilItEnds) {
  StreamDecoder decoder(tokenizer_);
  const Ids euro = Bytes("\xE2\x82\xAC");
  for (const std::int32_t id : euro) EXPECT_EQ(*decoder.Next(id), "");
  EXPECT_EQ(*decoder.Next(Id("a")), "\u20ACa");
  EXPECT_EQ(*decoder.Next(euro[0]), "");
  EXPECT_EQ(decoder.Finish(), "\uFFFD");
  // As new.
  EXPECT_EQ(decoder.Finish(), "");
  for (const std::int32_t id : euro) EXPECT_EQ(*decoder.Next(id), "");
  EXPECT_EQ(decoder.Finish(), "\u20AC");
}

TEST_F(DecodingTest, StreamIsAsBeforeAfterAnError) {
  StreamDecoder decoder(tokenizer_);
  const Ids euro = Bytes("\xE2\x82\xAC");
  EXPECT_EQ(*decoder.Next(euro[0]), "");
  EXPECT_EQ(*decoder.Next(euro[1]), "");
  EXPECT_EQ(decoder.Next(640).status().code(), StatusCode::kOutOfRange);
  EXPECT_EQ(*decoder.Next(euro[2]), "");
  EXPECT_EQ(decoder.Finish(), "\u20AC");
}

TEST_F(DecodingTest, StreamedPiecesAreTheDecodedText) {
  unsigned state = 1;
  const auto random = [&state] { return (state = state * 1664525 + 1013904223) >> 8; };
  const std::int32_t first_byte = Bytes(std::string_view("\0", 1))[0];
  for (int round = 0; round < 500; ++round) {
    Ids ids;
    for (unsigned i = random() % 20; i > 0; --i) {
      ids.push_back(random() % 2 == 0 ? static_cast<std::int32_t>(random() % 640)
                                      : first_byte + static_cast<std::int32_t>(random() % 256));
    }
    for (const bool skip : {false, true}) {
      const DecodeOptions options = {.skip_special = skip};
      EXPECT_EQ(*testing::Stream(tokenizer_, ids, options), *tokenizer_.Decode(ids, options));
    }
  }
}

}  // namespace
}  // namespace carat
