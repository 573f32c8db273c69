// The merge engine against a slow twin, and against sentencepiece.
#include "lib/tokenizer/bpe.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "lib/tokenizer/model_proto.h"
#include "tests/tokenizer/small_tokenizer.h"

namespace carat::internal {
namespace {

using Ids = std::vector<std::int32_t>;

// Pieces over a few letters, and rules between them.
struct RandomModel {
  std::vector<std::string> pieces;
  std::vector<MergeRule> rules;

  std::int32_t IdOf(const std::string& piece) const {
    const auto found = std::find(pieces.begin(), pieces.end(), piece);
    return found == pieces.end() ? -1 : static_cast<std::int32_t>(found - pieces.begin());
  }

  Vocabulary Build() const {
    std::vector<std::string_view> views(pieces.begin(), pieces.end());
    return *Vocabulary::Build(views, "random");
  }

  // All splits of all pieces into two, in the order of the pieces and then longer left half first.
  void AddAllSplits() {
    for (std::size_t product = 0; product < pieces.size(); ++product) {
      for (std::size_t left = pieces[product].size() - 1; left > 0; --left) {
        const MergeRule rule = {IdOf(pieces[product].substr(0, left)), IdOf(pieces[product].substr(left)),
                                static_cast<std::int32_t>(product)};
        if (rule.left >= 0 && rule.right >= 0) rules.push_back(rule);
      }
    }
  }
};

RandomModel MakeModel(std::mt19937* random, const std::string& letters) {
  RandomModel model;
  for (const char letter : letters) model.pieces.emplace_back(1, letter);
  std::set<std::string> known(model.pieces.begin(), model.pieces.end());
  for (unsigned i = (*random)() % 30; i > 0; --i) {
    const std::string joined =
        model.pieces[(*random)() % model.pieces.size()] + model.pieces[(*random)() % model.pieces.size()];
    if (joined.size() < 12 && known.insert(joined).second) model.pieces.push_back(joined);
  }
  std::shuffle(model.pieces.begin(), model.pieces.end(), *random);
  model.AddAllSplits();
  return model;
}

std::string MakeText(std::mt19937* random, const std::string& letters, std::size_t longest) {
  std::string text;
  for (std::size_t i = (*random)() % longest; i > 0; --i) text += letters[(*random)() % letters.size()];
  if ((*random)() % 4 == 0) text = std::string(text.size(), letters[0]);
  return text;
}

// What the engine must give: look through all pairs, merge the best, and again.
Ids SlowEncode(const RandomModel& model, const std::string& text) {
  std::map<std::pair<std::int32_t, std::int32_t>, std::size_t> ranks;
  for (std::size_t i = 0; i < model.rules.size(); ++i) ranks[{model.rules[i].left, model.rules[i].right}] = i;
  Ids ids;
  for (const char letter : text) ids.push_back(model.IdOf(std::string(1, letter)));
  for (;;) {
    std::size_t best = model.rules.size(), place = 0;
    for (std::size_t i = 0; i + 1 < ids.size(); ++i) {
      const auto rank = ranks.find({ids[i], ids[i + 1]});
      if (rank == ranks.end() || rank->second >= best) continue;
      best = rank->second;
      place = i;
    }
    if (best == model.rules.size()) return ids;
    ids[place] = model.rules[best].product;
    ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(place) + 1);
  }
}

Ids Encode(const BpeModel& model, std::string_view text) {
  Ids ids;
  model.Encode(text, &ids);
  return ids;
}

TEST(BpeTest, EqualsItsSlowTwin) {
  std::mt19937 random(1);
  std::size_t merged = 0;
  for (int round = 0; round < 300; ++round) {
    const std::string letters = std::string("abcdefgh").substr(0, 2 + random() % 6);
    RandomModel random_model = MakeModel(&random, letters);
    // Any list of rules, not only those that come from a trained vocabulary.
    if (round % 3 == 1) std::shuffle(random_model.rules.begin(), random_model.rules.end(), random);
    if (round % 3 == 2) random_model.rules.resize(random_model.rules.size() * 2 / 3);
    const Vocabulary vocabulary = random_model.Build();
    const BpeModel model(vocabulary, vocabulary.size(), random_model.rules, {}, {});
    for (int i = 0; i < 20; ++i) {
      const std::string text = MakeText(&random, letters, i < 15 ? 40 : 300);
      const Ids ids = Encode(model, text);
      ASSERT_EQ(ids, SlowEncode(random_model, text)) << text;
      merged += text.size() - ids.size();
    }
  }
  EXPECT_GT(merged, 40000U);  // the models do something
}

TEST(BpeTest, OfRulesForOnePairTheLastCounts) {
  RandomModel random_model;
  random_model.pieces = {"a", "b", "c", "ab", "bc"};
  random_model.rules = {{0, 1, 3}, {1, 2, 4}, {0, 1, 3}};  // (a,b) before (b,c), and again after it
  const Vocabulary vocabulary = random_model.Build();
  EXPECT_EQ(Encode(BpeModel(vocabulary, 5, random_model.rules, {}, {}), "abc"), (Ids{0, 4}));
  random_model.rules.pop_back();
  EXPECT_EQ(Encode(BpeModel(vocabulary, 5, random_model.rules, {}, {}), "abc"), (Ids{3, 2}));
}

TEST(BpeTest, UnknownCharacters) {
  const std::vector<std::string_view> pieces = {"?", "a", "<0x62>", "<0xC3>", "<0xA9>"};
  const Vocabulary vocabulary = *Vocabulary::Build(pieces, "test");
  const auto encode = [&](std::string_view text, const BpeOptions& options) {
    return Encode(BpeModel(vocabulary, vocabulary.size(), {}, options, {}), text);
  };
  EXPECT_EQ(encode("axya", {.unknown = 0}), (Ids{1, 0, 0, 1}));
  EXPECT_EQ(encode("axya", {.fuse_unknown = true, .unknown = 0}), (Ids{1, 0, 1}));
  EXPECT_EQ(encode("axya", {}), (Ids{1, 1}));
  EXPECT_EQ(encode("ab\u00E9", {.byte_fallback = true, .unknown = 0}), (Ids{1, 2, 3, 4}));
  EXPECT_EQ(encode("\u00E8", {.byte_fallback = true, .unknown = 0}), (Ids{0}));  // <0xA8> is missing
  // As in the reference, bytes overtake an unknown piece that waits to be fused.
  EXPECT_EQ(encode("xbya", {.byte_fallback = true, .fuse_unknown = true, .unknown = 0}), (Ids{2, 0, 1}));
}

TEST(BpeTest, RulesMayMergeBytes) {
  const std::vector<std::string_view> pieces = {"a", "<0x62>", "<0x63>", "<0x62><0x63>", "a<0x62>"};
  const Vocabulary vocabulary = *Vocabulary::Build(pieces, "test");
  const std::vector<MergeRule> rules = {{1, 2, 3}, {0, 1, 4}};
  const BpeModel model(vocabulary, vocabulary.size(), rules, {.byte_fallback = true}, {});
  EXPECT_EQ(Encode(model, "abc"), (Ids{0, 3}));
  EXPECT_EQ(Encode(model, "abab"), (Ids{4, 4}));
}

TEST(BpeTest, HiddenPiecesAreNeverMade) {
  RandomModel random_model;
  random_model.pieces = {"a", "b", "c", "ab", "bc", "abc"};
  random_model.AddAllSplits();
  const Vocabulary vocabulary = random_model.Build();
  const auto encode = [&](const std::vector<bool>& hidden) {
    return Encode(BpeModel(vocabulary, 6, random_model.rules, {}, hidden), "abc");
  };
  EXPECT_EQ(encode({}), Ids{5});
  EXPECT_EQ(encode({false, false, false, false, false, true}), (Ids{3, 2}));
  EXPECT_EQ(encode({false, false, false, true, false, false}), Ids{5});
  EXPECT_EQ(encode({false, true, false, false, false, false}), (Ids{0, 2}));
}

// The tokenizer.model of the same pieces. sentencepiece knows no rules: it merges any two neighbours that are
// a piece together, the piece of the best score first.
std::string ModelOf(const RandomModel& random_model, std::size_t* first_id) {
  ModelProto proto = testing::SmallModel();
  proto.pieces.resize(260);  // controls, unknown, bytes
  *first_id = proto.pieces.size();
  float score = 0;
  for (const std::string& piece : random_model.pieces)
    proto.pieces.push_back({piece, score--, PieceType::kNormal});
  return SerializeModelProto(proto);
}

// Where the rules are all splits of all pieces, in the order of the pieces, the two engines agree. Gemma's
// real tokenizer.json is of this kind.
TEST(BpeTest, EqualsSentencePieceWhereRulesAreAllSplits) {
  std::mt19937 random(2);
  for (int round = 0; round < 60; ++round) {
    const std::string letters = std::string("abcdefgh").substr(0, 2 + random() % 6);
    const RandomModel random_model = MakeModel(&random, letters);
    const Vocabulary vocabulary = random_model.Build();
    const BpeModel model(vocabulary, vocabulary.size(), random_model.rules, {}, {});
    std::size_t first_id = 0;
    const auto tokenizer = testing::FromModel(ModelOf(random_model, &first_id));
    ASSERT_TRUE(tokenizer.ok()) << tokenizer.status().ToString();
    for (int i = 0; i < 20; ++i) {
      const std::string text = MakeText(&random, letters, 60);
      Ids expected = Encode(model, text);
      for (std::int32_t& id : expected) id += static_cast<std::int32_t>(first_id);
      ASSERT_EQ(*tokenizer->Encode(text), expected) << text;
    }
  }
}

// Where they are not, it gives something else: it makes "abc" of "a" and "bc", for which there is no rule.
TEST(BpeTest, SentencePieceIsNotExactForAnyRules) {
  RandomModel random_model;
  random_model.pieces = {"a", "b", "c", "bc", "ab", "abc"};
  random_model.rules = {{1, 2, 3}, {0, 1, 4}, {4, 2, 5}};
  const Vocabulary vocabulary = random_model.Build();
  EXPECT_EQ(Encode(BpeModel(vocabulary, 6, random_model.rules, {}, {}), "abc"), (Ids{0, 3}));
  EXPECT_EQ(SlowEncode(random_model, "abc"), (Ids{0, 3}));
  std::size_t first_id = 0;
  const auto tokenizer = testing::FromModel(ModelOf(random_model, &first_id));
  ASSERT_TRUE(tokenizer.ok());
  EXPECT_EQ(*tokenizer->Encode("abc"), Ids{static_cast<std::int32_t>(first_id) + 5});
}

// The same with a published kind of file: the space runs of the repository's tokenizers are pieces, but no
// rule makes them.
TEST(BpeTest, SentencePieceIsNotExactForTheTinyCheckpoints) {
  const auto json = Tokenizer::Load(CARAT_TEST_DATA "/tiny-e2b");
  ASSERT_TRUE(json.ok());
  ModelProto proto = testing::SmallModel();
  proto.pieces.clear();
  for (std::int32_t id = 0; id < json->vocabulary_size(); ++id) {
    const std::string_view piece = json->Piece(id);
    PieceType type = json->IsSpecial(id) ? PieceType::kControl : PieceType::kNormal;
    if (piece == "<unk>") type = PieceType::kUnknown;
    if (piece.size() == 6 && piece.starts_with("<0x")) type = PieceType::kByte;
    proto.pieces.push_back({piece, static_cast<float>(-id), type});
  }
  const auto model = testing::FromModel(SerializeModelProto(proto));
  ASSERT_TRUE(model.ok()) << model.status().ToString();
  const std::int32_t space = *json->IdOf("\u2581");
  EXPECT_EQ(*json->Encode("  "), (Ids{space, space}));  // as the reference has it: cases/tiny.json
  EXPECT_EQ(*model->Encode("  "), Ids{*json->IdOf("\u2581\u2581")});
}

}  // namespace
}  // namespace carat::internal
