// The mask against its plain twin, which tries every token; and that nothing it allows is a dead end.
#include "gtest/gtest.h"
#include "tests/sampling/grammar/test_vocabulary.h"

namespace carat::test {
namespace {

const char* const kSchemas[] = {
    R"({})",
    R"({"type": "string", "maxLength": 3})",
    R"({"type": "string", "pattern": "^[a-z]+$", "maxLength": 5})",
    R"({"type": "string", "pattern": "^(ab|cd)+$", "minLength": 3, "maxLength": 9})",
    R"({"type": "string", "pattern": "日", "minLength": 2, "maxLength": 4})",
    R"({"enum": ["a", "ab", "日本", "a\"b", "\n", 12, 1.5, null, [1, 2], {"a": 1}]})",
    R"({"type": "array", "items": {"type": "integer", "minimum": -12, "maximum": 120}, "maxItems": 4})",
    R"({"type": "object", "properties": {"a": {"type": "string"}, "ab": {"type": "null"}, "name": {}},
        "required": ["a", "name"], "additionalProperties": false})",
    R"({"type": "object", "properties": {"a": {"type": "number"}}, "additionalProperties": {"type": "string"},
        "minProperties": 2, "maxProperties": 3})",
    R"({"type": "object", "patternProperties": {"^a": {"type": "integer"}, "b$": {"minimum": 3}},
        "propertyNames": {"maxLength": 4}, "additionalProperties": false})",
    R"({"$defs": {"t": {"anyOf": [{"type": "null"}, {"type": "array", "items": {"$ref": "#/$defs/t"}},
        {"type": "array", "prefixItems": [{"$ref": "#/$defs/t"}], "items": false}]}}, "$ref": "#/$defs/t"})",
    R"({"anyOf": [{"type": "number", "multipleOf": 0.25}, {"type": "string", "format": "date"},
        {"type": "string", "minLength": 2}]})",
    R"({"type": "array", "items": {"enum": ["a", "ab", 1, 12, null]}, "uniqueItems": true, "minItems": 2})",
    R"({"type": "array", "items": {"type": "integer", "minimum": 18446744073709551616, "multipleOf": 3,
        "maximum": 18446744073709551699}})",
};

class MaskTest : public ::testing::TestWithParam<const char*> {};

TEST_P(MaskTest, EqualsTryingEveryToken) {
  const auto grammar = Grammar::FromJsonSchema(GetParam(), {.max_whitespace = 5});
  ASSERT_TRUE(grammar.ok()) << grammar.status().ToString();
  std::mt19937_64 random(5);
  for (int walk = 0; walk < 12; ++walk) {
    GrammarConstraint constraint = Constrain(*grammar);
    std::string text;
    for (int step = 0; step < 25; ++step) {
      const auto mask = constraint.Mask();
      ASSERT_TRUE(mask.ok());
      const std::vector<std::uint64_t> bits(mask->begin(), mask->end());
      std::vector<std::int32_t> allowed;
      for (std::int32_t token = 0; token < TestVocabulary().size(); ++token) {
        const std::int64_t position = constraint.position();
        const bool accepted = constraint.Accept(token).ok();
        ASSERT_EQ(accepted, IsSet(bits, token)) << "'" << text << "' and '" << BytesOf(token) << "'";
        if (accepted) ASSERT_TRUE(constraint.Rewind(position).ok());
        if (accepted && token != kStop) allowed.push_back(token);
      }
      if (allowed.empty()) {
        ASSERT_TRUE(constraint.IsComplete()) << text;
        break;
      }
      const std::int32_t token = allowed[random() % allowed.size()];
      ASSERT_TRUE(constraint.Accept(token).ok());
      text += BytesOf(token);
      if (step % 5 == 0) ASSERT_TRUE(FindEnd(constraint, GetParam()).has_value()) << "dead end: " << text;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Schemas, MaskTest, ::testing::ValuesIn(kSchemas));

TEST(Mask, SameForAllWhoShareTheCache) {
  const auto grammar = Grammar::FromJsonSchema(kSchemas[2]);
  ASSERT_TRUE(grammar.ok());
  GrammarConstraint first = Constrain(*grammar);
  GrammarConstraint second = Constrain(*grammar);
  for (const char byte : std::string("\"abc")) {
    const auto one = first.Mask();
    const auto other = second.Mask();
    ASSERT_TRUE(one.ok() && other.ok());
    EXPECT_TRUE(std::equal(one->begin(), one->end(), other->begin(), other->end()));
    ASSERT_TRUE(first.Accept(ByteToken(byte)).ok() && second.Accept(ByteToken(byte)).ok());
  }
}

TEST(Mask, LogitsOfOthersAreMinusInfinity) {
  const auto grammar = Grammar::FromJsonSchema(R"({"const": true})");
  ASSERT_TRUE(grammar.ok());
  GrammarConstraint constraint = Constrain(*grammar);
  // More logits than tokens, as padded embeddings give.
  std::vector<float> logits(static_cast<std::size_t>(TestVocabulary().size()) + 70, 1.0F);
  ASSERT_TRUE(constraint.MaskLogits(logits).ok());
  std::string allowed;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (logits[i] == 1.0F) allowed += std::string(BytesOf(static_cast<std::int32_t>(i))) + "|";
  }
  // White space may stand in front of a document.
  EXPECT_EQ(allowed, "\t|\n|\r| |t|true|tr|  |    |\n  |\n|\n    |");
}

}  // namespace
}  // namespace carat::test
