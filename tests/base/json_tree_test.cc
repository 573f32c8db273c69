// JSON of hosts and clients: what it says is kept to the last digit, and what is wrong with it is said.
#include "lib/base/json_tree.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "lib/base/decimal.h"
#include "lib/base/json_text.h"

namespace carat::internal {
namespace {

std::string Again(const std::string& text) {
  const auto tree = JsonTree::Parse(text, "test");
  return tree.ok() ? JsonTextOf(tree->root()) : tree.status().message();
}

TEST(JsonTree, NumbersKeepTheirDigits) {
  for (const char* number :
       {"0", "-0", "1", "-12", "1.0", "1.50", "0.1000000000000000055511151231257827", "18446744073709551615",
        "18446744073709551616", "-9223372036854775809", "1e400", "-1E-400", "2.5e+07", "0e0",
        "123456789012345678901234567890123456789012345678901234567890.000000000000000000000000000001"}) {
    EXPECT_EQ(Again(number), number);
    EXPECT_EQ(Again(std::string(" [ ") + number + " , {\"a\" : " + number + " } ] "),
              std::string("[") + number + ",{\"a\":" + number + "}]");
  }
}

TEST(JsonTree, StringsSayWhatTheyMean) {
  EXPECT_EQ(JsonTree::Parse(R"("a\"\\\/\b\f\n\r\t\u00e9\u65E5\ud83d\ude00")", "test")->root().text(),
            "a\"\\/\b\f\n\r\t\u00e9\u65E5\U0001F600");
  EXPECT_EQ(JsonTree::Parse(R"("\u0000x")", "test")->root().text(), std::string_view("\0x", 2));
}

TEST(JsonTree, HalvesOfSurrogatePairsAreReplaced) {
  const std::pair<std::string, std::string> cases[] = {
      {R"("cut \ud83d")", "cut \uFFFD"},
      {R"("\ud83d")", "\uFFFD"},
      {R"("\ude00")", "\uFFFD"},
      {R"("\ud83d\u0041")", "\uFFFDA"},
      {R"("\ud83d\n")", "\uFFFD\n"},
      {R"("\ud83dx")", "\uFFFDx"},
      {R"("\ud83d\ud83d\ude00")", "\uFFFD\U0001F600"},
      {R"("\ude00\ud83d")", "\uFFFD\uFFFD"},
      {"\"\xED\xA0\xBD\"", "\uFFFD"},
      {"\"a\xED\xB8\x80z\"", "a\uFFFDz"},
  };
  for (const auto& [json, text] : cases)
    EXPECT_EQ(JsonTree::Parse(json, "test")->root().text(), text) << json;
  const auto key = JsonTree::Parse(R"({"\udc00": 1})", "test");
  EXPECT_EQ(key->root()[0].key(), "\uFFFD");
}

TEST(JsonTree, AByteOrderMarkIsSkipped) {
  EXPECT_EQ(Again("\xEF\xBB\xBF{\"a\": 1}"), R"({"a":1})");
  EXPECT_EQ(Again("\xEF\xBB\xBF \n 1"), "1");
  EXPECT_EQ(Again("\xEF\xBB\xBF{a"),
            "test: not valid JSON: line 1, column 2: expected a key in quotes, but found 'a'");
  // Only at the beginning.
  EXPECT_EQ(Again(" \xEF\xBB\xBF{}"),
            "test: not valid JSON: line 1, column 2: expected a value, but found '\uFEFF'");
}

TEST(JsonTree, TheLastOfEqualKeysWinsInTheFirstPlace) {
  EXPECT_EQ(Again(R"({"a": 1, "b": 2, "a": 3})"), R"({"a":3,"b":2})");
  EXPECT_EQ(Again(R"({"a": 1, "a": {"a": 2, "a": 3}, "a": [4], "\u0061": 5})"), R"({"a":5})");
  std::string many = "{", expected = "{";
  for (int i = 0; i < 40; ++i) {
    const std::string key = "\"k" + std::to_string(i % 20) + "\":" + std::to_string(i);
    many += (i > 0 ? "," : "") + key;
    if (i >= 20) expected += (i > 20 ? "," : "") + key;
  }
  EXPECT_EQ(Again(many + "}"), expected + "}");
  EXPECT_EQ(Again(R"({"": 1, "": 2})"), R"({"":2})");
}

TEST(JsonTree, ErrorsSayLineAndColumn) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "line 1, column 1: it is empty"},
      {" \n ", "line 2, column 2: it is empty"},
      {"{", "line 1, column 2: expected a key in quotes, but the text ends"},
      {"{\"a\"", "line 1, column 5: expected ':' behind a key, but the text ends"},
      {"{\"a\":}", "line 1, column 6: expected a value, but found '}'"},
      {"{\"a\": 1,}", "line 1, column 9: expected a key in quotes, but found '}'"},
      {"{\n  \"a\": 1\n  \"b\": 2\n}", "line 3, column 3: expected ',' or '}', but found '\"'"},
      {"[1, 2", "line 1, column 6: expected ',' or ']', but the text ends"},
      {"[1, ]", "line 1, column 5: expected a value, but found ']'"},
      {"[1}", "line 1, column 3: expected ',' or ']', but found '}'"},
      {"nul", "line 1, column 1: expected a value, but found 'nul'"},
      {"truex", "line 1, column 1: expected a value, but found 'truex'"},
      {"NaN", "line 1, column 1: expected a value, but found 'NaN'"},
      {"-Infinity", "line 1, column 2: expected a digit of a number, but found 'Infinity'"},
      {"[01]", "line 1, column 2: a number must not begin with 0 and another digit"},
      {"1.", "line 1, column 3: expected a digit behind the point of a number, but the text ends"},
      {"1e+", "line 1, column 4: expected a digit of a number's exponent, but the text ends"},
      {"+1", "line 1, column 1: expected a value, but found '+1'"},
      {"{'a': 1}", "line 1, column 2: expected a key in quotes, but found '''"},
      {"{} {}", "line 1, column 4: expected the end of the text, but found '{'"},
      {"\"abc", "line 1, column 1: the string that begins here has no end"},
      {"[\"\u00e9\u00e9\", \"\\x\"]",
       "line 1, column 10: expected an escape (one of \" \\ / b f n r t u) behind \\, but found 'x'"},
      {"\"\\u12g4\"", "line 1, column 6: expected four hexadecimal digits behind \\u, but found 'g4'"},
      {"\"a\nb\"", "line 1, column 3: a string holds the control character U+000A, which must be an escape"},
      {"\"\xFF\"", "line 1, column 2: the byte 0xFF is not UTF-8 here"},
      {"\x01", "line 1, column 1: expected a value, but found the byte 0x01"},
      {"\xC3", "line 1, column 1: expected a value, but found the byte 0xC3"},
  };
  for (const auto& [json, words] : cases) {
    const auto tree = JsonTree::Parse(json, "test");
    EXPECT_EQ(tree.status().code(), StatusCode::kInvalidArgument) << json;
    EXPECT_EQ(tree.status().message(), std::string("test: not valid JSON: ") + words) << json;
  }
}

TEST(JsonTree, DepthIsLimited) {
  for (const auto& [open, close] : {std::pair("[", "]"), std::pair("{\"a\":", "}")}) {
    std::string deep = "1", deeper;
    for (std::size_t i = 0; i < JsonTree::kDeepest; ++i) deep = open + deep + close;
    deeper = open + deep + close;
    EXPECT_EQ(Again(deep), deep);
    EXPECT_NE(Again(deeper).find("nested more than 500 deep"), std::string::npos);
  }
  EXPECT_FALSE(JsonTree::Parse(std::string(1 << 20, '['), "test").ok());
}

TEST(JsonTree, MembersAndPaths) {
  auto parsed = JsonTree::Parse(R"({"a/b": [{"c~": null}, 7], "n": null})", "test");
  ASSERT_TRUE(parsed.ok());
  const JsonTree tree = *std::move(parsed);  // values outlive a move of their tree
  const auto found = tree.Follow(0, "/a~1b/0/c~0");
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(tree.PathOf(*found), "#/a/b/0/c~");
  EXPECT_TRUE(tree[*found].is_null());
  EXPECT_EQ(tree[*tree.Follow(0, "/a~1b/1")].Integer(), 7);
  for (const char* nowhere : {"/a", "/a~1b/2", "/a~1b/x", "/a~1b/-1", "a", "/n/x"})
    EXPECT_FALSE(tree.Follow(0, nowhere).has_value()) << nowhere;
  EXPECT_TRUE(tree.root().Find("n").has_value());
  EXPECT_FALSE(tree.root().FindValue("n").has_value());
  EXPECT_FALSE(tree[*found].Find("x").has_value());
}

TEST(JsonTree, NumbersAsMachineNumbers) {
  const auto value = [](const char* text) { return JsonTree::Parse(text, "test")->root().Double(); };
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(value("1e400"), infinity);
  EXPECT_EQ(value("-1e400"), -infinity);
  EXPECT_EQ(value("1e-400"), 0.0);
  EXPECT_TRUE(std::signbit(*value("-1e-400")));
  EXPECT_EQ(value("0.5"), 0.5);
  EXPECT_EQ(value(("1" + std::string(400, '0')).c_str()), infinity);
  EXPECT_EQ(value(("0." + std::string(400, '0') + "1").c_str()), 0.0);
  EXPECT_EQ(value(("1" + std::string(400, '0') + "e-400").c_str()), 1.0);
  EXPECT_EQ(value("0e999999999999999999999"), 0.0);
  EXPECT_EQ(value("\"1\""), std::nullopt);
  const auto integer = [](const char* text) { return JsonTree::Parse(text, "test")->root().Integer(); };
  EXPECT_EQ(integer("-9223372036854775808"), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(integer("9223372036854775808"), std::nullopt);
  EXPECT_EQ(integer("1.0"), std::nullopt);
  EXPECT_EQ(integer("1e2"), std::nullopt);
}

TEST(JsonTree, MembersOfTheWrongTypeAreNamed) {
  const auto tree = JsonTree::Parse(R"({"s": 1, "b": "x", "o": [], "n": null})", "test");
  ASSERT_TRUE(tree.ok());
  const auto members = JsonMembers::From(tree->root(), "message 3");
  ASSERT_TRUE(members.ok());
  EXPECT_EQ(members->String("s").status().message(), "message 3: s must be a string, but is a number");
  EXPECT_EQ(members->Boolean("b").status().message(), "message 3: b must be true or false, but is a string");
  EXPECT_EQ(members->Object("o").status().message(), "message 3: o must be an object, but is an array");
  EXPECT_FALSE(members->String("n")->has_value());
  EXPECT_EQ(JsonMembers::From(*tree->root().Find("o"), "tool 1").status().message(),
            "tool 1: it must be an object, but is an array");
}

TEST(Decimal, EqualNumbers) {
  for (const auto& [a, b] :
       {std::pair("1", "1.0"), std::pair("100", "1e2"), std::pair("0", "-0.0"), std::pair("0.1", "1e-1"),
        std::pair("18446744073709551616", "1844674407370955161.6e1")})
    EXPECT_TRUE(SameNumber(a, b)) << a << " " << b;
  for (const auto& [a, b] : {std::pair("1", "-1"), std::pair("18446744073709551616", "18446744073709551617"),
                             std::pair("1e400", "1e401"), std::pair("0.1", "0.1000000000000000055")})
    EXPECT_FALSE(SameNumber(a, b)) << a << " " << b;
}

}  // namespace
}  // namespace carat::internal
