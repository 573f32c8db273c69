// tokenizer.json: what is read, what is refused, and what hostile files do.
#include <gtest/gtest.h>

#include <fstream>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "tests/tokenizer/small_tokenizer.h"

namespace carat::testing {
namespace {

using Ids = std::vector<std::int32_t>;

TEST(TokenizerJsonTest, EncodesByRank) {
  const auto tokenizer = FromJson(SmallTokenizer().Json());
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status().ToString();
  EXPECT_EQ(*tokenizer->Encode("abc"), (Ids{2, 6}));  // bc comes before ab
  EXPECT_EQ(*tokenizer->Encode("ab"), Ids{7});
  EXPECT_EQ(*tokenizer->Encode(" a b\nx"), (Ids{9, 5, 3, 10, 0}));
  EXPECT_EQ(*tokenizer->Encode("<bos>a"), (Ids{0, 3, 0, 2}));  // "<", then b, then "os>", all unknown but b
  EXPECT_EQ(*tokenizer->Encode("<bos>a", {.parse_special = true}), (Ids{1, 2}));
  EXPECT_EQ(*tokenizer->Encode("<tag>"), (Ids{0, 2, 0}));  // a piece that nothing makes
}

TEST(TokenizerJsonTest, ReadsMergesAsLines) {
  SmallTokenizer small;
  small.merges = R"(["#version: 0.2", "b c", "a b", "ab c", "▁ a"])";
  const auto tokenizer = FromJson(small.Json());
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status().ToString();
  EXPECT_EQ(*tokenizer->Encode("abc ab a"), (Ids{2, 6, 5, 7, 9}));
}

TEST(TokenizerJsonTest, FindsNormalizedTokensAfterNormalisation) {
  SmallTokenizer small;
  small.added =
      "[" + SmallTokenizer::Added(5, "▁", "") + "," + SmallTokenizer::Added(12, "a b", "normalized") + "]";
  const auto tokenizer = FromJson(small.Json());
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status().ToString();
  EXPECT_EQ(tokenizer->vocabulary_size(), 13);
  EXPECT_EQ(*tokenizer->Encode("ca bc"), (Ids{4, 12, 4}));
  EXPECT_EQ(*tokenizer->Encode("ca▁bc"), (Ids{4, 2, 5, 6}));  // the raw token was found first
  EXPECT_EQ(*tokenizer->Decode(Ids{12}), "a b");
}

TEST(TokenizerJsonTest, PlainTextNeverBecomesASpecialPieceThatRulesCouldMake) {
  SmallTokenizer small;
  small.added =
      "[" + SmallTokenizer::Added(4, "c", "special") + "," + SmallTokenizer::Added(7, "ab", "special") + "]";
  auto tokenizer = FromJson(small.Json());
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status().ToString();
  EXPECT_EQ(*tokenizer->Encode("abc", {.parse_special = true}), (Ids{7, 4}));
  EXPECT_EQ(*tokenizer->Encode("abc"), (Ids{2, 3, 0}));
  small.added = "[" + SmallTokenizer::Added(11, "<tag>", "special") + "]";
  small.options += R"(, "ignore_merges": true)";
  tokenizer = FromJson(small.Json());
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status().ToString();
  EXPECT_EQ(*tokenizer->Encode("abc"), Ids{8});  // the whole text is a piece
  EXPECT_EQ(*tokenizer->Encode("<tag>"), (Ids{0, 2, 0}));
}

// Half of a surrogate pair reads as U+FFFD, the same as in a host's JSON.
TEST(TokenizerJsonTest, LoneSurrogateIsTheReplacementCharacter) {
  SmallTokenizer small;
  small.vocab = R"({"<unk>": 0, "<bos>": 1, "\udc00": 2})";
  small.merges = "[]";
  const auto tokenizer = FromJson(small.Json());
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status().ToString();
  EXPECT_EQ(*tokenizer->Encode("\xEF\xBF\xBD"), Ids{2});
}

struct Variant {
  const char* name;
  void (*change)(SmallTokenizer*);
  StatusCode code;
  const char* named;  // must be in the message
};

std::ostream& operator<<(std::ostream& out, const Variant& variant) {
  return out << variant.name;
}

class RefusedJsonTest : public ::testing::TestWithParam<Variant> {};

TEST_P(RefusedJsonTest, SaysWhy) {
  SmallTokenizer small;
  GetParam().change(&small);
  const auto tokenizer = FromJson(small.Json());
  ASSERT_FALSE(tokenizer.ok());
  EXPECT_EQ(tokenizer.status().code(), GetParam().code) << tokenizer.status().ToString();
  EXPECT_NE(tokenizer.status().message().find(GetParam().named), std::string::npos)
      << tokenizer.status().ToString();
  EXPECT_NE(tokenizer.status().message().find("tokenizer.json"), std::string::npos)
      << tokenizer.status().ToString();
}

constexpr auto kLoss = StatusCode::kDataLoss;
constexpr auto kOther = StatusCode::kUnimplemented;

// Pipelines that are not Gemma's.
const Variant kOtherPipelines[] = {
    {"version", [](SmallTokenizer* t) { t->version = R"("2.0")"; }, kOther, "version"},
    {"no_normalizer", [](SmallTokenizer* t) { t->normalizer = "null"; }, kOther, "normalizer"},
    {"lowercase", [](SmallTokenizer* t) { t->normalizer = R"({"type": "Lowercase"})"; }, kOther, "Lowercase"},
    {"two_normalizers",
     [](SmallTokenizer* t) {
       t->normalizer = R"({"type": "Sequence", "normalizers": [{"type": "NFC"}, )" + t->normalizer + "]}";
     },
     kOther, "normalizer"},
    {"regex_normalizer",
     [](SmallTokenizer* t) {
       t->normalizer = R"({"type": "Replace", "pattern": {"Regex": " "}, "content": "▁"})";
     },
     kOther, "normalizer"},
    {"pre_tokenizer",
     [](SmallTokenizer* t) { t->pre_tokenizer = R"({"type": "Metaspace", "replacement": "▁"})"; }, kOther,
     "Metaspace"},
    {"splitting_pre_tokenizer",
     [](SmallTokenizer* t) {
       t->pre_tokenizer =
           R"({"type": "Split", "pattern": {"String": "▁"}, "behavior": "Isolated", "invert": false})";
     },
     kOther, "pre_tokenizer"},
    {"inverted_pre_tokenizer",
     [](SmallTokenizer* t) {
       t->pre_tokenizer =
           R"({"type": "Split", "pattern": {"String": " "}, "behavior": "Removed", "invert": true})";
     },
     kOther, "pre_tokenizer"},
    {"post_processor",
     [](SmallTokenizer* t) {
       t->post_processor = R"({"type": "BertProcessing", "sep": ["a", 2], "cls": ["b", 3]})";
     },
     kOther, "BertProcessing"},
    {"no_decoder", [](SmallTokenizer* t) { t->decoder = "null"; }, kOther, "decoder"},
    {"strip_decoder",
     [](SmallTokenizer* t) {
       t->decoder = R"({"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "▁"},
           "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"},
           {"type": "Strip", "content": " ", "start": 1, "stop": 0}]})";
     },
     kOther, "Strip"},
    {"unigram", [](SmallTokenizer* t) { t->options = R"("type": "Unigram")"; }, kOther, "Unigram"},
    {"dropout", [](SmallTokenizer* t) { t->options += R"(, "dropout": 0.1)"; }, kOther, "dropout"},
    {"prefix", [](SmallTokenizer* t) { t->options += R"(, "continuing_subword_prefix": "##")"; }, kOther,
     "continuing_subword_prefix"},
    {"suffix", [](SmallTokenizer* t) { t->options += R"(, "end_of_word_suffix": "</w>")"; }, kOther,
     "end_of_word_suffix"},
};

// Files that are malformed or contradict themselves.
const Variant kBrokenFiles[] = {
    {"no_vocab", [](SmallTokenizer* t) { t->vocab = "null"; }, kLoss, "model.vocab"},
    {"vocab_is_a_list", [](SmallTokenizer* t) { t->vocab = R"(["a", "b"])"; }, kLoss, "model.vocab"},
    {"id_is_text", [](SmallTokenizer* t) { t->vocab = R"({"<unk>": 0, "<bos>": "1"})"; }, kLoss, "<bos>"},
    {"id_is_a_fraction", [](SmallTokenizer* t) { t->vocab = R"({"<unk>": 0, "<bos>": 1.5})"; }, kLoss,
     "<bos>"},
    {"id_is_huge", [](SmallTokenizer* t) { t->vocab = R"({"<unk>": 0, "<bos>": 1e300})"; }, kLoss, "<bos>"},
    {"id_beyond_64_bits",
     [](SmallTokenizer* t) { t->vocab = R"({"<unk>": 0, "<bos>": 99999999999999999999})"; }, kLoss, "<bos>"},
    {"id_beyond_the_end",
     [](SmallTokenizer* t) { t->vocab = R"({"<unk>": 0, "<bos>": 9223372036854775807})"; }, kLoss,
     "9223372036854775807"},
    {"id_is_negative", [](SmallTokenizer* t) { t->vocab = R"({"<unk>": 0, "<bos>": -1})"; }, kLoss, "-1"},
    {"gap", [](SmallTokenizer* t) { t->vocab = R"({"<unk>": 0, "<bos>": 2})"; }, kLoss, "<bos>"},
    {"id_twice", [](SmallTokenizer* t) { t->vocab = R"({"<unk>": 0, "<bos>": 1, "a": 1})"; }, kLoss,
     "model.vocab.a"},
    {"piece_twice",
     [](SmallTokenizer* t) {
       t->vocab = R"({"<unk>": 0, "<bos>": 1, "a": 2, "a": 3, "b": 4})";
       t->merges = "[]";
     },
     kLoss, "\"a\""},
    {"invalid_utf8", [](SmallTokenizer* t) { t->vocab = "{\"<unk>\": 0, \"<bos>\": 1, \"\xFF\": 2}"; }, kLoss,
     "JSON"},
    {"unknown_missing", [](SmallTokenizer* t) { t->options = R"("type": "BPE", "unk_token": "<none>")"; },
     kLoss, "<none>"},
    {"unknown_is_a_number", [](SmallTokenizer* t) { t->options = R"("type": "BPE", "unk_token": 0)"; }, kLoss,
     "unk_token"},
    {"flag_is_a_number", [](SmallTokenizer* t) { t->options = R"("type": "BPE", "byte_fallback": 1)"; },
     kLoss, "byte_fallback"},
    {"no_merges", [](SmallTokenizer* t) { t->merges = "null"; }, kLoss, "merges"},
    {"merge_of_unknown_pieces", [](SmallTokenizer* t) { t->merges = R"([["a", "b"], ["b", "x"]])"; }, kLoss,
     "merge 1"},
    {"merge_into_an_unknown_piece", [](SmallTokenizer* t) { t->merges = R"([["c", "c"]])"; }, kLoss,
     "merge 0"},
    {"merge_of_three", [](SmallTokenizer* t) { t->merges = R"([["a", "b", "c"]])"; }, kLoss, "merge 0"},
    {"merge_of_numbers", [](SmallTokenizer* t) { t->merges = "[[1, 2]]"; }, kLoss, "merge 0"},
    {"merge_with_an_empty_half", [](SmallTokenizer* t) { t->merges = R"([["", "a"]])"; }, kLoss, "merge 0"},
    {"merge_line_without_a_space", [](SmallTokenizer* t) { t->merges = R"(["ab"])"; }, kLoss, "merge 0"},
    {"merge_line_with_two_spaces", [](SmallTokenizer* t) { t->merges = R"(["a b c"])"; }, kLoss, "merge 0"},
    {"merges_of_both_kinds", [](SmallTokenizer* t) { t->merges = R"(["a b", ["b", "c"]])"; }, kLoss,
     "merge 1"},
    {"merge_of_an_added_token",
     [](SmallTokenizer* t) {
       t->added = "[" + SmallTokenizer::Added(12, "bb", "") + "]";
       t->merges = R"([["b", "b"]])";
     },
     kLoss, "merge 0"},
    {"added_is_an_object", [](SmallTokenizer* t) { t->added = "{}"; }, kLoss, "added_tokens"},
    {"added_is_a_number", [](SmallTokenizer* t) { t->added = "[1]"; }, kLoss, "added_tokens"},
    {"added_lacks_a_flag", [](SmallTokenizer* t) { t->added = R"([{"id": 1, "content": "<bos>"}])"; }, kLoss,
     "special"},
    {"added_is_empty", [](SmallTokenizer* t) { t->added = "[" + SmallTokenizer::Added(12, "", "") + "]"; },
     kLoss, "content"},
    {"added_with_anothers_id",
     [](SmallTokenizer* t) { t->added = "[" + SmallTokenizer::Added(3, "<bos>", "") + "]"; }, kLoss, "<bos>"},
    {"added_beyond_the_next_id",
     [](SmallTokenizer* t) { t->added = "[" + SmallTokenizer::Added(13, "<new>", "") + "]"; }, kLoss, "13"},
    {"added_with_a_negative_id",
     [](SmallTokenizer* t) { t->added = "[" + SmallTokenizer::Added(-1, "<new>", "") + "]"; }, kLoss,
     "<new>"},
    {"added_piece_with_a_new_id",
     [](SmallTokenizer* t) { t->added = "[" + SmallTokenizer::Added(12, "a", "") + "]"; }, kLoss, "\"a\""},
    {"added_twice",
     [](SmallTokenizer* t) {
       t->added = "[" + SmallTokenizer::Added(1, "<bos>", "") + "," +
                  SmallTokenizer::Added(1, "<bos>", "special") + "]";
     },
     kLoss, "added_tokens[1]"},
    {"added_that_read_alike",
     [](SmallTokenizer* t) {
       t->added = "[" + SmallTokenizer::Added(12, "x y", "normalized") + "," +
                  SmallTokenizer::Added(13, "x▁y", "normalized") + "]";
     },
     kLoss, "x▁y"},
    {"template_of_no_token",
     [](SmallTokenizer* t) {
       t->post_processor =
           R"({"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<none>"}}]})";
     },
     kLoss, "<none>"},
    {"template_without_a_list",
     [](SmallTokenizer* t) { t->post_processor = R"({"type": "TemplateProcessing", "single": 1})"; }, kLoss,
     "single"},
    {"normalizer_is_text", [](SmallTokenizer* t) { t->normalizer = R"("Replace")"; }, kLoss, "normalizer"},
    {"normalizer_without_a_type", [](SmallTokenizer* t) { t->normalizer = "{}"; }, kLoss, "type"},
    {"deep", [](SmallTokenizer* t) { t->vocab = std::string(100000, '['); }, kLoss, "JSON"},
    {"deep_and_closed",
     [](SmallTokenizer* t) { t->vocab = std::string(50000, '[') + std::string(50000, ']'); }, kLoss, "JSON"},
};

std::string NameOf(const ::testing::TestParamInfo<Variant>& info) {
  return info.param.name;
}

INSTANTIATE_TEST_SUITE_P(OtherPipelines, RefusedJsonTest, ::testing::ValuesIn(kOtherPipelines), NameOf);
INSTANTIATE_TEST_SUITE_P(BrokenFiles, RefusedJsonTest, ::testing::ValuesIn(kBrokenFiles), NameOf);

TEST(HostileJsonTest, WholeDocumentsThatAreNone) {
  for (const char* text : {"", " ", "null", "[]", "1", "\"tokenizer\"", "{}", "{\"model\": {}}",
                           "{\"model\": 1}", "{", "\xFF\xFE", "{\"a\": nul"}) {
    const auto tokenizer = FromJson(text);
    ASSERT_FALSE(tokenizer.ok()) << text;
    EXPECT_TRUE(tokenizer.status().code() == kLoss || tokenizer.status().code() == kOther)
        << text << ": " << tokenizer.status().ToString();
  }
}

TEST(HostileJsonTest, EveryTruncationIsAnError) {
  const std::string whole = SmallTokenizer().Json();
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_EQ(FromJson(whole.substr(0, size)).status().code(), kLoss) << size;
}

TEST(HostileJsonTest, APublishedFileCutShortIsAnError) {
  std::ifstream file(CARAT_DEMO_MODEL "/tokenizer.json", std::ios::binary);
  std::stringstream whole;
  whole << file.rdbuf();
  const std::string text = whole.str();
  ASSERT_GT(text.size(), 100000U);
  for (std::size_t part = 1; part < 40; ++part)
    EXPECT_EQ(FromJson(text.substr(0, text.size() * part / 40)).status().code(), kLoss) << part;
}

// A file with changed bytes is refused, or it is another tokenizer; it never does harm.
TEST(HostileJsonTest, ChangedBytesDoNoHarm) {
  std::mt19937 random(3);
  const std::string whole = SmallTokenizer().Json();
  const std::string_view pool = "\"{}[],:0123456789-e.<>abc \\u\xFF";
  int refused = 0, read = 0;
  for (int round = 0; round < 1500; ++round) {
    std::string text = whole;
    for (unsigned i = 1 + random() % 3; i > 0; --i)
      text[random() % text.size()] = pool[random() % pool.size()];
    const auto tokenizer = FromJson(text);
    ++(tokenizer.ok() ? read : refused);
    if (!tokenizer.ok()) continue;
    const auto ids = tokenizer->Encode("abc <bos> abcab\u00E9\n", {.parse_special = true, .add_bos = true});
    ASSERT_TRUE(ids.ok());
    EXPECT_TRUE(tokenizer->Decode(*ids, {.skip_special = true}).ok());
  }
  EXPECT_GT(refused, 500);
  EXPECT_GT(read, 20);
}

}  // namespace
}  // namespace carat::testing
