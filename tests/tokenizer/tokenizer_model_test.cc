// tokenizer.model: what is read, what is refused, and what hostile files do.
#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "tests/tokenizer/case_comparison.h"
#include "tests/tokenizer/small_tokenizer.h"

namespace carat::testing {
namespace {

using Ids = std::vector<std::int32_t>;
using internal::ModelProto;
using internal::PieceType;
using internal::SerializeModelProto;

constexpr std::int32_t kBytes = 4, kA = 260, kB = 261, kSpace = 263, kSpaceA = 264, kAb = 265, kBc = 266,
                       kTag = 268;

Tokenizer LoadSmall() {
  auto tokenizer = FromModel(SerializeModelProto(SmallModel()));
  EXPECT_TRUE(tokenizer.ok()) << tokenizer.status().ToString();
  return *tokenizer;
}

TEST(TokenizerModelTest, KnowsItsPieces) {
  const Tokenizer tokenizer = LoadSmall();
  EXPECT_EQ(tokenizer.vocabulary_size(), 269);
  EXPECT_EQ(tokenizer.bos(), 2);
  EXPECT_EQ(tokenizer.Piece(kSpaceA), "\u2581a");
  EXPECT_EQ(tokenizer.IdOf("<tag>"), kTag);
  for (std::int32_t id = 0; id < tokenizer.vocabulary_size(); ++id)
    EXPECT_EQ(tokenizer.IsSpecial(id), id < 4);
}

TEST(TokenizerModelTest, EncodesByScore) {
  const Tokenizer tokenizer = LoadSmall();
  EXPECT_EQ(*tokenizer.Encode(""), Ids{});
  EXPECT_EQ(*tokenizer.Encode("abbc"), (Ids{kAb, kBc}));
  EXPECT_EQ(*tokenizer.Encode(" a  b"), (Ids{kSpaceA, kSpace, kSpace, kB}));
  EXPECT_EQ(*tokenizer.Encode("\n\u00E9"), (Ids{kBytes + 0x0A, kBytes + 0xC3, kBytes + 0xA9}));
  EXPECT_EQ(*tokenizer.Encode("a\xFF"), (Ids{kA, kBytes + 0xEF, kBytes + 0xBF, kBytes + 0xBD}));
}

TEST(TokenizerModelTest, FindsControlPiecesOnlyWhenAsked) {
  const Tokenizer tokenizer = LoadSmall();
  EXPECT_EQ(*tokenizer.Encode("a<bos>b", {.parse_special = true}), (Ids{kA, 2, kB}));
  const Ids plain = *tokenizer.Encode("a<bos>b<eos><pad><unk>");
  for (const std::int32_t id : plain) EXPECT_FALSE(tokenizer.IsSpecial(id));
  EXPECT_EQ(*tokenizer.Encode("<bos>a", {.parse_special = true, .add_bos = true}), (Ids{2, kA}));
  // The file itself says that user-defined pieces are matched in any text.
  EXPECT_EQ(*tokenizer.Encode("a<tag>"), (Ids{kA, kTag}));
}

TEST(TokenizerModelTest, DecodesAsAllTokenizersDo) {
  const Tokenizer tokenizer = LoadSmall();
  const Ids ids = {2, kSpaceA, kTag, kBytes + 0xC3, kBytes + 0xA9, kB, kBytes + 0xC3, 1};
  EXPECT_EQ(*tokenizer.Decode(ids), "<bos> a<tag>\u00E9b\uFFFD<eos>");
  EXPECT_EQ(*tokenizer.Decode(ids, {.skip_special = true}), " a<tag>\u00E9b\uFFFD");
  EXPECT_EQ(*Stream(tokenizer, ids, {.skip_special = true}), " a<tag>\u00E9b\uFFFD");
}

TEST(TokenizerModelTest, LongTextComesBack) {
  const Tokenizer tokenizer = LoadSmall();
  std::string text;
  while (text.size() < 20000) text += "abc \u00E9<tag>\n  ";
  EXPECT_EQ(*tokenizer.Decode(*tokenizer.Encode(text)), text);
}

struct Variant {
  const char* name;
  void (*change)(ModelProto*);
  StatusCode code;
  const char* named;
};

std::ostream& operator<<(std::ostream& out, const Variant& variant) {
  return out << variant.name;
}

class RefusedModelTest : public ::testing::TestWithParam<Variant> {};

TEST_P(RefusedModelTest, SaysWhy) {
  ModelProto proto = SmallModel();
  GetParam().change(&proto);
  const auto tokenizer = FromModel(SerializeModelProto(proto));
  ASSERT_FALSE(tokenizer.ok());
  EXPECT_EQ(tokenizer.status().code(), GetParam().code) << tokenizer.status().ToString();
  EXPECT_NE(tokenizer.status().message().find(GetParam().named), std::string::npos)
      << tokenizer.status().ToString();
  EXPECT_NE(tokenizer.status().message().find("tokenizer.model"), std::string::npos)
      << tokenizer.status().ToString();
}

constexpr auto kLoss = StatusCode::kDataLoss;
constexpr auto kOther = StatusCode::kUnimplemented;

const std::string& Runs() {
  static const std::string kRuns(100, 'n');
  return kRuns;
}
const std::string& LongText() {
  static const std::string kLong(5000, 'a');
  return kLong;
}

const Variant kVariants[] = {
    {"no_pieces", [](ModelProto* p) { p->pieces.clear(); }, kLoss, "0 pieces"},
    {"unigram", [](ModelProto* p) { p->model_type = 1; }, kOther, "BPE"},
    {"no_such_type", [](ModelProto* p) { p->model_type = 99; }, kOther, "BPE"},
    {"no_byte_fallback", [](ModelProto* p) { p->byte_fallback = false; }, kOther, "byte_fallback"},
    {"dummy_prefix", [](ModelProto* p) { p->add_dummy_prefix = true; }, kOther, "add_dummy_prefix"},
    {"extra_spaces", [](ModelProto* p) { p->remove_extra_spaces = true; }, kOther,
     "remove_extra_whitespaces"},
    {"unescaped_spaces", [](ModelProto* p) { p->escape_spaces = false; }, kOther, "escape_whitespaces"},
    {"space_suffix", [](ModelProto* p) { p->space_is_suffix = true; }, kOther, "treat_whitespace_as_suffix"},
    {"piece_twice", [](ModelProto* p) { p->pieces.push_back({"ab"}); }, kLoss, "\"ab\""},
    {"control_twice", [](ModelProto* p) { p->pieces.push_back({"<bos>"}); }, kLoss, "<bos>"},
    {"empty_piece", [](ModelProto* p) { p->pieces.push_back({""}); }, kLoss, "269"},
    {"invalid_utf8", [](ModelProto* p) { p->pieces.push_back({"\xC3"}); }, kLoss, "269"},
    {"long_piece", [](ModelProto* p) { p->pieces.push_back({LongText()}); }, kLoss, "269"},
    {"no_score", [](ModelProto* p) { p->pieces[kA].score = std::numeric_limits<float>::quiet_NaN(); }, kLoss,
     "260"},
    {"infinite_score", [](ModelProto* p) { p->pieces[kA].score = -std::numeric_limits<float>::infinity(); },
     kLoss, "260"},
    {"no_unknown", [](ModelProto* p) { p->pieces[3].type = PieceType::kNormal; }, kLoss, "unk"},
    {"two_unknown", [](ModelProto* p) { p->pieces[2].type = PieceType::kUnknown; }, kLoss, "unk"},
    {"a_byte_missing", [](ModelProto* p) { p->pieces[kBytes].type = PieceType::kNormal; }, kLoss, "byte"},
    {"no_byte", [](ModelProto* p) { p->pieces[kA].type = PieceType::kByte; }, kLoss, "byte"},
    {"type_0", [](ModelProto* p) { p->pieces[kA].type = static_cast<PieceType>(0); }, kLoss, "malformed"},
    {"type_7", [](ModelProto* p) { p->pieces[kA].type = static_cast<PieceType>(7); }, kLoss, "malformed"},
    {"control_of_one_character", [](ModelProto* p) { p->pieces[kA].type = PieceType::kControl; }, kOther,
     "260"},
    {"user_defined_nul",
     [](ModelProto* p) {
       p->pieces.push_back({std::string_view("\0a", 2), 0, PieceType::kUserDefined});
     },
     kLoss, "NUL"},
    {"nested_user_defined",
     [](ModelProto* p) {
       for (std::size_t i = 1; i <= 65; ++i)
         p->pieces.push_back({std::string_view(Runs()).substr(0, i), 0, PieceType::kUserDefined});
     },
     kOther, "64"},
};

std::string NameOf(const ::testing::TestParamInfo<Variant>& info) {
  return info.param.name;
}

INSTANTIATE_TEST_SUITE_P(All, RefusedModelTest, ::testing::ValuesIn(kVariants), NameOf);

TEST(HostileModelTest, SixtyFourNestedUserDefinedPiecesWork) {
  ModelProto proto = SmallModel();
  for (std::size_t i = 1; i <= 64; ++i)
    proto.pieces.push_back({std::string_view(Runs()).substr(0, i), 0, PieceType::kUserDefined});
  const auto tokenizer = FromModel(SerializeModelProto(proto));
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status().ToString();
  EXPECT_EQ(*tokenizer->Encode(Runs()), (Ids{269 + 63, 269 + 35}));
}

TEST(HostileModelTest, NestedUnusedPiecesAreTakenApart) {
  ModelProto proto = SmallModel();
  for (std::size_t i = 2; i <= 4000; ++i)
    proto.pieces.push_back({std::string_view(LongText()).substr(0, i), 0, PieceType::kUnused});
  const auto tokenizer = FromModel(SerializeModelProto(proto));
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status().ToString();
  EXPECT_EQ(*tokenizer->Encode(std::string(4000, 'a')), Ids(4000, kA));
}

TEST(HostileModelTest, SelfTestsOfTheFileAreNotRun) {
  const std::string self_test =
      "\x22\x0A\x0A\x08\x0A\x01"
      "a\x12\x03"
      "zzz";  // input "a", expected "zzz"
  const auto tokenizer = FromModel(SerializeModelProto(SmallModel()) + self_test);
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status().ToString();
  EXPECT_EQ(*tokenizer->Encode("a"), Ids{kA});
}

TEST(HostileModelTest, ATableOfReplacementsIsRefused) {
  const std::string tables[] = {"\x1A\x03\x12\x01x",
                                "\x2A\x03\x12\x01x"};  // normalizer_spec, denormalizer_spec
  for (const std::string& table : tables) {
    const auto tokenizer = FromModel(SerializeModelProto(SmallModel()) + table);
    EXPECT_EQ(tokenizer.status().code(), kOther) << tokenizer.status().ToString();
  }
}

TEST(HostileModelTest, BytesThatAreNoMessage) {
  const std::string whole = SerializeModelProto(SmallModel());
  const std::string tails[] = {
      std::string(1, '\x0A'),  // a length that is missing
      "\x0A\x05"
      "ab",                                                // a length beyond the end
      "\x0A\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01",      // a length of 2^64 - 1
      "\x0A\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF",  // a number without an end
      "\x0B",                                              // a group
      "\x0F",                                              // no wire type
      "\x08\x01",                                          // pieces that are a number
      "\x0A\x02\x08\x01",                                  // a piece's text that is a number
      "\x0A\x02\x10\x01",                                  // a score that is a whole number
      "\x12\x02\x1D\x01",                                  // trainer_spec, cut short
      "\x09\x01",                                          // eight bytes, cut short
  };
  for (const std::string& tail : tails)
    EXPECT_EQ(FromModel(whole + tail).status().code(), kLoss) << ::testing::PrintToString(tail);
  for (const char* text : {"", "{}", "tokenizer", "\n\n\n\n"})
    EXPECT_EQ(FromModel(text).status().code(), kLoss) << text;
}

TEST(HostileModelTest, EveryTruncationIsAnError) {
  const std::string whole = SerializeModelProto(SmallModel());
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_EQ(FromModel(whole.substr(0, size)).status().code(), kLoss) << size;
}

TEST(HostileModelTest, ChangedBytesDoNoHarm) {
  std::mt19937 random(4);
  const std::string whole = SerializeModelProto(SmallModel());
  int refused = 0, read = 0;
  for (int round = 0; round < 1500; ++round) {
    std::string bytes = whole;
    for (unsigned i = 1 + random() % 3; i > 0; --i) {
      // Half of the changes near the end, where the settings and the longer pieces are.
      const std::size_t range = random() % 2 == 0 ? bytes.size() : 200;
      bytes[bytes.size() - 1 - random() % range] = static_cast<char>(random());
    }
    const auto tokenizer = FromModel(bytes);
    ++(tokenizer.ok() ? read : refused);
    if (!tokenizer.ok()) continue;
    const auto ids =
        tokenizer->Encode("abc <bos> abcab\u00E9\n<tag>", {.parse_special = true, .add_bos = true});
    ASSERT_TRUE(ids.ok()) << ids.status().ToString();
    EXPECT_TRUE(tokenizer->Decode(*ids, {.skip_special = true}).ok());
  }
  EXPECT_GT(refused, 500);
  EXPECT_GT(read, 20);
}

}  // namespace
}  // namespace carat::testing
