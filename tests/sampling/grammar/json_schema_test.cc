// What schemas admit, keyword by keyword, and what they are refused for.
#include "gtest/gtest.h"
#include "tests/sampling/grammar/test_vocabulary.h"

namespace carat::test {
namespace {

struct SchemaCase {
  std::string schema;
  std::vector<std::string> valid, invalid;
};

void Check(const SchemaCase& one) {
  SCOPED_TRACE(one.schema);
  std::mt19937_64 random(3);
  const auto grammar = Grammar::FromJsonSchema(one.schema);
  ASSERT_TRUE(grammar.ok()) << grammar.status().ToString();
  for (const std::string& text : one.valid) EXPECT_TRUE(Admits(*grammar, text, random)) << text;
  for (const std::string& text : one.invalid) EXPECT_FALSE(Admits(*grammar, text, random)) << text;
}

TEST(JsonSchema, Strings) {
  Check({R"({"type": "string"})",
         {R"("")", R"("é日😀")", R"("\"\\\/\b\f\n\r\t\u0041\u00e9\uD83D\ude00")", "\"\x7F\""},
         {"\"", "\"\n\"", "\"\x01\"", R"("\x")", R"("\ud83d")", R"("\ude00")", R"("\ud83d\u0041")",
          R"("\ud83dx")", R"("\u00g0")", "\"\xC3\"", "\"\xC0\x80\"", "\"\xED\xA0\x80\"",
          "\"\xF4\x90\x80\x80\"", "\"\xFF\"", "a"}});
  // In code points, however they are written.
  Check({R"({"type": "string", "minLength": 2, "maxLength": 3})",
         {R"("ab")", R"("日本語")", R"("😀\ud83d\ude00a")", R"("\n\n")"},
         {R"("a")", R"("abcd")", R"("😀")", R"("\ud83d\ude00")", R"("日本語a")"}});
  Check({R"({"pattern": "^é[a-c]*$", "type": "string"})",
         {R"("é")", R"("\u00e9abc")", "\"\xC3\xA9\\u0061\""},
         {R"("e")", R"("éd")", R"("\u00e8")"}});
  Check({R"({"type": "string", "format": "date", "pattern": "^20"})",
         {R"("2024-02-29")"},
         {R"("1999-01-01")", R"("2023-02-29")"}});
}

TEST(JsonSchema, Numbers) {
  Check({R"({"type": "integer"})", {"0", "-0", "12", "-7"}, {"01", "1.0", "1e2", "+1", "-", "", "1."}});
  Check({R"({"type": "number"})", {"0", "1.50", "-1e-9", "2E+05", "0.0"}, {".5", "1.", "1e", "00", "NaN"}});
  Check({R"({"type": "integer", "minimum": -3, "exclusiveMaximum": 120})",
         {"-3", "-0", "119", "20"},
         {"-4", "120", "1000", "200"}});
  Check({R"({"type": "number", "exclusiveMinimum": 0, "maximum": 1})",
         {"0.5", "1", "1.0", "5e-7", "1e0", "0.0001"},
         {"0", "-1", "1.01", "2", "0.0", "1e1"}});
  Check({R"({"type": "integer", "multipleOf": 6, "maximum": 30})",
         {"0", "-6", "30", "-600"},
         {"5", "36", "3"}});
}

TEST(JsonSchema, ArraysAndConstants) {
  Check(
      {R"({"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "items": {"const": null},
            "minItems": 1, "maxItems": 3})",
       {"[1]", R"([1,"a"])", R"([ 1 , "a" , null ])"},
       {"[]", R"(["a"])", "[1,2]", R"([1,"a",null,null])", "[1,]", R"([1,"a",1])"}});
  Check({R"({"items": [{"type": "integer"}], "additionalItems": false, "type": "array"})",
         {"[]", "[1]"},
         {"[1,2]", R"(["a"])"}});
  Check({R"({"const": {"a": [1, "x"], "b": null}})",
         {R"({"a":[1,"x"],"b":null})", R"({"b": null, "a": [1, "x"]})"},
         {R"({"a":[1,"x"]})", R"({"a":[1],"b":null})", R"({"a":[1,"x"],"b":null,"c":1})"}});
  Check({R"({"enum": ["a", 1, 1.5, true, [], "\n"]})",
         {R"("a")", "1", "1.5", "1.50", "15e-1", "true", "[]", R"("\n")", R"("\u0061")"},
         {"false", "2", "1.0", "1.51", R"("b")", "[1]", R"("")"}});
}

TEST(JsonSchema, Objects) {
  Check({R"({"type": "object", "properties": {"a": {"type": "integer"}, "ab": {"type": "null"}, "c": true},
            "required": ["a"], "additionalProperties": false})",
         {R"({"a":1})", R"({"ab":null,"a":2})", R"({"c":[],"a":2,"ab":null})", "{ \"a\" : 1 }",
          R"({"\u0061":1})"},
         {"{}", R"({"ab":null})", R"({"a":1,"a":2})", R"({"a":"x"})", R"({"a":1,"d":1})", R"({"a":1,})",
          R"({"":1,"a":1})"}});
  Check(
      {R"({"properties": {"a": {"type": "integer"}}, "additionalProperties": {"type": "string"}, "type": "object",
            "maxProperties": 2})",
       {"{}", R"({"b":"x"})", R"({"aa":"x","a":1})"},
       {R"({"a":"x"})", R"({"b":1})", R"({"b":"x","c":"x","d":"x"})"}});
  Check(
      {R"({"patternProperties": {"^n_": {"type": "integer"}, "_s$": {"minimum": 5}}, "additionalProperties": false,
            "type": "object"})",
       {R"({"n_a":1})", R"({"n_s":5,"x_s":"any"})"},
       {R"({"n_a":"x"})", R"({"n_s":4})", R"({"z":1})", R"({"x_s":1})"}});
  Check({R"({"propertyNames": {"pattern": "^[a-z]{2}$"}, "type": "object", "minProperties": 1})",
         {R"({"ab":1})"},
         {"{}", R"({"a":1})", R"({"abc":1})"}});
}

TEST(JsonSchema, References) {
  Check(
      {R"({"$defs": {"node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}, "v": {"type":
            "integer"}}, "required": ["v"], "additionalProperties": false}}, "$ref": "#/$defs/node"})",
       {R"({"v":1})", R"({"next":{"next":{"v":3},"v":2},"v":1})"},
       {"{}", R"({"next":{},"v":1})"}});
  Check({R"({"definitions": {"a/b~c": {"const": 1}}, "$ref": "#/definitions/a~1b~0c"})", {"1"}, {"2"}});
  Check({R"({"type": "array", "items": {"$ref": "#"}})", {"[[],[[]]]"}, {"[1]"}});
  Check({R"({"allOf": [{"type": "string", "minLength": 2}, {"pattern": "a"}, {"enum": ["a", "ba", "cab"]}]})",
         {R"("ba")", R"("cab")"},
         {R"("a")", R"("bab")"}});
  Check(
      {R"({"allOf": [{"properties": {"a": {"type": "integer"}}}, {"properties": {"a": {"minimum": 3}, "b": false},
            "required": ["a"]}], "type": "object"})",
       {R"({"a":3})", R"({"a":3,"c":0})"},
       {R"({"a":2})", R"({"a":3,"b":0})", "{}"}});
  Check({R"({"oneOf": [{"properties": {"t": {"const": "x"}}, "required": ["t"], "type": "object"},
            {"properties": {"t": {"const": "y"}, "n": {"type": "null"}}, "required": ["t", "n"], "type": "object"}]})",
         {R"({"t":"x"})", R"({"n":null,"t":"y"})"},
         {R"({"t":"y"})", R"({"t":"z"})"}});
}

TEST(JsonSchema, WhiteSpaceIsBounded) {
  std::mt19937_64 random(4);
  const auto compact = Grammar::FromJsonSchema(R"({"type": "array"})", {.max_whitespace = 0});
  ASSERT_TRUE(compact.ok());
  EXPECT_TRUE(Admits(*compact, R"([1,{"a":" "}])", random));
  EXPECT_FALSE(Admits(*compact, "[1, 2]", random));
  EXPECT_FALSE(Admits(*compact, "[1] ", random));
  const auto some = Grammar::FromJsonSchema(R"({"type": "array"})", {.max_whitespace = 3});
  ASSERT_TRUE(some.ok());
  EXPECT_TRUE(Admits(*some, " \n\t[   1   ,\r\n 2]\n", random));
  EXPECT_FALSE(Admits(*some, "[    1]", random));
  EXPECT_EQ(Grammar::FromJsonSchema("{}", {.max_whitespace = -1}).status().code(),
            StatusCode::kInvalidArgument);
}

void ExpectError(const std::string& schema, StatusCode code, const std::string& part) {
  const auto grammar = Grammar::FromJsonSchema(schema);
  EXPECT_EQ(grammar.status().code(), code) << schema << ": " << grammar.status().ToString();
  EXPECT_NE(grammar.status().message().find(part), std::string::npos) << grammar.status().ToString();
}

TEST(JsonSchema, UnsupportedKeywordsAreNamed) {
  for (const char* keyword : {"not", "if", "then", "else", "contains", "minContains", "dependentRequired",
                              "dependentSchemas", "unevaluatedProperties", "unevaluatedItems", "$anchor",
                              "$dynamicRef", "$vocabulary", "nullable", "foo"}) {
    const std::string name = keyword;
    ExpectError(R"({"properties": {"a": {")" + name + R"(": {}}}})", StatusCode::kUnimplemented,
                "'" + name + "'");
    ExpectError(R"({"properties": {"a": {")" + name + R"(": {}}}})", StatusCode::kUnimplemented,
                "#/properties/a");
  }
  ExpectError(R"({"uniqueItems": true})", StatusCode::kUnimplemented, "'uniqueItems'");
  ExpectError(R"({"format": "colour"})", StatusCode::kUnimplemented, "'colour'");
  ExpectError("{\"pattern\": \"(?=a)\"}", StatusCode::kUnimplemented, "look-around");
  ExpectError(R"({"$ref": "http://example.org/x"})", StatusCode::kUnimplemented, "example.org");
  ExpectError(R"({"oneOf": [{"type": "string"}, {"minLength": 2}]})", StatusCode::kUnimplemented, "oneOf");
}

TEST(JsonSchema, WhatIsNoSchemaIsAnError) {
  const StatusCode wrong = StatusCode::kInvalidArgument;
  ExpectError("", wrong, "not valid JSON");
  ExpectError("{", wrong, "not valid JSON");
  ExpectError("3", wrong, "must be a schema");
  ExpectError(R"({"type": "text"})", wrong, "'text'");
  ExpectError(R"({"type": 3})", wrong, "#/type");
  ExpectError(R"({"minLength": -1})", wrong, "#/minLength");
  ExpectError(R"({"minLength": 1.5})", wrong, "1.5");
  ExpectError(R"({"properties": []})", wrong, "#/properties");
  ExpectError(R"({"properties": {"a": 1}})", wrong, "#/properties/a");
  ExpectError(R"({"enum": 1})", wrong, "#/enum");
  ExpectError(R"({"anyOf": []})", wrong, "empty");
  ExpectError(R"({"pattern": "("})", wrong, "#/pattern");
  ExpectError(R"({"multipleOf": 0})", wrong, "above 0");
  ExpectError(R"({"$ref": "#/nowhere"})", wrong, "#/nowhere");
  ExpectError(R"({"$ref": "#"})", wrong, "itself");
  ExpectError(R"({"$defs": {"a": {"anyOf": [{"$ref": "#/$defs/a"}]}}, "$ref": "#/$defs/a"})", wrong,
              "itself");
  ExpectError(R"({"type": "string", "type": "null"})", wrong, "twice");
}

TEST(JsonSchema, WhatNothingFitsIsAnError) {
  for (const char* schema :
       {"false", R"({"enum": []})", R"({"type": "string", "minLength": 3, "maxLength": 2})",
        R"({"type": "integer", "minimum": 3, "maximum": 2})",
        R"({"type": "integer", "multipleOf": 5, "minimum": 6, "maximum": 9})",
        R"({"type": "object", "required": ["a"], "additionalProperties": false})",
        R"({"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]})",
        R"({"type": "array", "items": {"$ref": "#"}, "minItems": 1})",
        R"({"allOf": [{"type": "null"}, {"type": "string"}]})",
        R"({"type": "string", "pattern": "^(aa)+$", "minLength": 3, "maxLength": 3})",
        R"({"type": "object", "propertyNames": {"maxLength": 1}, "required": ["ab"]})"}) {
    ExpectError(schema, StatusCode::kInvalidArgument, "no document fits");
  }
}

TEST(JsonSchema, AnnotationsSayNothing) {
  Check(
      {R"({"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "x", "$comment": "c", "title": "t",
            "description": "d", "default": 3, "examples": [1], "deprecated": true, "readOnly": true, "type": "null"})",
       {"null"},
       {"3"}});
}

}  // namespace
}  // namespace carat::test
