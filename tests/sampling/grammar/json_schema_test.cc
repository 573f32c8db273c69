// What schemas admit, keyword by keyword, and what they are refused for.
#include <fstream>
#include <iterator>

#include "gtest/gtest.h"
#include "lib/base/json_tree.h"
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

void ExpectError(const std::string& schema, StatusCode code, const std::string& part) {
  const auto grammar = Grammar::FromJsonSchema(schema);
  EXPECT_EQ(grammar.status().code(), code) << schema << ": " << grammar.status().ToString();
  EXPECT_NE(grammar.status().message().find(part), std::string::npos) << grammar.status().ToString();
}

TEST(JsonSchema, Strings) {
  Check({R"({"type": "string"})",
         {R"("")", R"("é日😀")", R"("\"\\\/\b\f\n\r\t\u0041\u00e9\uD83D\ude00")", "\"\x7F\""},
         {"\"", "\"\n\"", "\"\x01\"", R"("\x")", R"("\ud83d")", R"("\ude00")", R"("\ud83d\u0041")",
          R"("\ud83dx")", R"("\u00g0")", "\"\xC3\"", "\"\xC0\x80\"", "\"\xED\xA0\x80\"",
          "\"\xF4\x90\x80\x80\"", "\"\xFF\"", "a"}});
  // In code points, however they are written.
  for (const char* most : {"2147483647", "4294967295", "9007199254740991", "1e300"}) {
    const std::string bound = most;
    Check({R"({"type": "string", "pattern": "^[a-c]*$", "maxLength": )" + bound + "}",
           {R"("ab")", R"("")"},
           {"1"}});
    Check({R"({"type": "array", "items": {"const": 1}, "maxItems": )" + bound + "}",
           {"[]", "[1,1,1]"},
           {"[2]"}});
    Check({R"({"type": "object", "maxProperties": )" + bound + "}", {"{}", R"({"a":1})"}, {"[]"}});
  }
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

TEST(JsonSchema, UnsupportedKeywordsAreNamed) {
  for (const char* keyword :
       {"if", "then", "else", "contains", "minContains", "maxContains", "dependentRequired",
        "dependentSchemas", "dependencies", "$dynamicRef", "$recursiveRef", "formatMinimum", "divisibleBy",
        "extends", "disallow", "minimun", "foo"}) {
    const std::string name = keyword;
    ExpectError(R"({"properties": {"a": {")" + name + R"(": {}}}})", StatusCode::kUnimplemented,
                "'" + name + "'");
    ExpectError(R"({"properties": {"a": {")" + name + R"(": {}}}})", StatusCode::kUnimplemented,
                "#/properties/a");
  }
  ExpectError(R"({"not": {"const": 1}})", StatusCode::kUnimplemented, "'not' is only supported with");
  ExpectError(R"({"not": {"type": "integer"}})", StatusCode::kUnimplemented, "'not'");
  ExpectError(R"({"unevaluatedProperties": {"type": "string"}})", StatusCode::kUnimplemented,
              "'unevaluatedProperties'");
  ExpectError(
      R"({"anyOf": [{"properties": {"a": true}}, {"properties": {"b": true}}], "unevaluatedProperties": false})",
      StatusCode::kUnimplemented, "'unevaluatedProperties' is not supported beside anyOf");
  ExpectError(R"({"unevaluatedItems": false})", StatusCode::kUnimplemented, "'unevaluatedItems'");
  ExpectError(R"({"uniqueItems": true})", StatusCode::kUnimplemented, "'uniqueItems'");
  ExpectError("{\"pattern\": \"(?=a)\"}", StatusCode::kUnimplemented, "look-around");
  ExpectError("{\"pattern\": \"^(?!a)\"}", StatusCode::kUnimplemented, "look-around");
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
  ExpectError(R"({"nullable": 1})", wrong, "#/nullable");
  ExpectError(R"({"uniqueItems": 1})", wrong, "#/uniqueItems");
  ExpectError(R"({"$ref": "#nowhere"})", wrong, "#nowhere");
  ExpectError("{\"type\":\n \"string\",}", wrong, "schema: not valid JSON: line 2, column 11");
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
  for (const char* keyword : {"discriminator",
                              "example",
                              "externalDocs",
                              "xml",
                              "propertyOrdering",
                              "enumNames",
                              "enumDescriptions",
                              "markdownDescription",
                              "contentSchema",
                              "contentMediaType",
                              "contentEncoding",
                              "$anchor",
                              "$vocabulary",
                              "$dynamicAnchor",
                              "writeOnly",
                              "x-order",
                              "x-enum-varnames",
                              "x-",
                              "ui:widget",
                              "errorMessage",
                              "tsType",
                              "javaType",
                              "deprecationMessage",
                              "id",
                              "$defs",
                              "defaultSnippets",
                              "collectionFormat"}) {
    for (const char* value : {"{\"minLength\": 5}", "[\"b\"]", "\"text\"", "true", "3"}) {
      if (std::string(keyword) == "$defs") value = "{}";
      Check({std::string(R"({"type": "string", "maxLength": 1, ")") + keyword + "\": " + value + "}",
             {R"("a")"},
             {R"("ab")", "null"}});
    }
  }
}

TEST(JsonSchema, UnknownFormatsSayNothing) {
  for (const char* format :
       {"int32", "int64", "uint32", "uint", "float", "double", "byte", "binary", "password", "colour",
        "decimal", "regex", "uri-reference", "idn-email", "iri", "partial-date-time", "cuid", ""}) {
    Check({std::string(R"({"type": ["integer", "string"], "maximum": 9, "maxLength": 1, "format": ")") +
               format + "\"}",
           {"9", R"("x")"},
           {"10", R"("xy")"}});
  }
  // Those that are known speak of strings alone.
  Check({R"({"type": ["integer", "string"], "format": "date"})", {"9", R"("2024-02-29")"}, {R"("x")"}});
}

TEST(JsonSchema, NullableIsOpenApis) {
  Check({R"({"type": "string", "nullable": true, "maxLength": 1})", {R"("a")", "null"}, {R"("ab")", "1"}});
  Check({R"({"type": "string", "nullable": false})", {R"("a")"}, {"null"}});
  Check({R"({"type": "string", "enum": ["a"], "nullable": true})", {R"("a")", "null"}, {R"("b")"}});
  Check({R"({"$defs": {"n": {"type": "integer"}}, "allOf": [{"$ref": "#/$defs/n"}], "nullable": true})",
         {"1", "null"},
         {R"("a")"}});
  Check({R"({"type": ["string", "null"], "nullable": true})", {R"("a")", "null"}, {"1"}});
  Check({R"({"type": "object", "properties": {"nullable": {"type": "null"}}, "required": ["nullable"]})",
         {R"({"nullable": null})"},
         {R"({"nullable": 1})"}});
}

TEST(JsonSchema, BooleanExclusiveBounds) {
  Check(
      {R"({"type": "integer", "minimum": 3, "exclusiveMinimum": true, "maximum": 5, "exclusiveMaximum": true})",
       {"4"},
       {"3", "5"}});
  Check({R"({"type": "integer", "minimum": 3, "exclusiveMinimum": false, "exclusiveMaximum": true})",
         {"3"},
         {"2"}});
}

TEST(JsonSchema, Not) {
  for (const char* nothing : {"{}", "true", R"({"description": "never"})"}) {
    Check({std::string(R"({"type": "object", "properties": {"never": {"not": )") + nothing + "}}}",
           {"{}", R"({"a":1})"},
           {R"({"never":1})", R"({"never":null})"}});
  }
  Check({R"({"not": false, "type": "null"})", {"null"}, {"1"}});
  Check({R"({"not": {"type": ["null", "object", "array"]}})", {"1", "true", R"("a")"}, {"null", "{}", "[]"}});
}

TEST(JsonSchema, UnevaluatedProperties) {
  Check({R"({"allOf": [{"properties": {"a": {"type": "integer"}}}, {"$ref": "#/$defs/b"}], "type": "object",
            "patternProperties": {"^x": true}, "$defs": {"b": {"properties": {"b": true}, "required": ["b"]}},
            "unevaluatedProperties": false})",
         {R"({"b":1})", R"({"a":1,"b":1,"xy":[]})"},
         {R"({"b":1,"c":1})", R"({"a":"x","b":1})"}});
  Check({R"({"type": "object", "properties": {"a": true}, "additionalProperties": {"type": "null"},
            "unevaluatedProperties": false})",
         {R"({"a":1,"b":null})"},
         {R"({"b":1})"}});
  Check({R"({"type": "object", "properties": {"a": true}, "unevaluatedProperties": true})",
         {R"({"b":1})"},
         {"1"}});
  // What lies around the schema is not its own.
  Check(
      {R"({"allOf": [{"properties": {"a": true}, "unevaluatedProperties": false}], "properties": {"b": true},
            "type": "object"})",
       {R"({"a":1})"},
       {R"({"b":1})"}});
}

TEST(JsonSchema, ReferencesByIdAndAnchor) {
  Check({R"({"$id": "T0", "type": "object", "properties": {"next": {"$ref": "T0"}, "v": {"type": "integer"}},
            "required": ["v"], "additionalProperties": false})",
         {R"({"v":1,"next":{"v":2}})"},
         {R"({"v":1,"next":{}})"}});
  Check({R"({"$id": "https://example.org/a", "$defs": {"n": {"$anchor": "number", "type": "integer"}},
            "items": {"anyOf": [{"$ref": "#number"}, {"$ref": "https://example.org/a#/$defs/n"}]}, "type": "array"})",
         {"[1]"},
         {R"(["a"])"}});
  Check({R"({"definitions": {"old": {"id": "#old", "type": "null"}}, "$ref": "#old"})", {"null"}, {"1"}});
  Check(
      {R"({"$defs": {"inner": {"$id": "inner", "$defs": {"x": {"type": "null"}}, "items": {"$ref": "#/$defs/x"}},
            "x": {"type": "integer"}}, "type": "array", "allOf": [{"$ref": "inner"}]})",
       {"[null]"},
       {"[1]"}});
  Check(
      {R"({"definitions": {"List<int>": {"type": "integer"}, "a b": {"type": "null"}, "100%": {"type": "boolean"}},
            "anyOf": [{"$ref": "#/definitions/List%3Cint%3E"}, {"$ref": "#/definitions/a%20b"},
            {"$ref": "#/definitions/100%"}]})",
       {"1", "null", "true"},
       {R"("a")"}});
  // A property of that name is none.
  ExpectError(R"({"properties": {"$anchor": {"type": "string"}, "a": {"$ref": "#string"}}})",
              StatusCode::kInvalidArgument, "#string");
}

TEST(JsonSchema, UniqueItems) {
  Check({R"({"type": "array", "items": {"enum": ["a", "b", null, 1, 2.5]}, "uniqueItems": true})",
         {"[]", R"(["a"])", R"([ "b" , "a" , null , 1 , 2.50 ])", R"(["\u0061","b"])"},
         {R"(["a","a"])", R"(["\u0061","a"])", "[2.5,25e-1]", "[null,1,null]", R"(["c"])", R"(["a",])"}});
  Check({R"({"type": "array", "items": {"type": "boolean"}, "uniqueItems": true, "minItems": 2})",
         {"[true,false]", "[false,true]"},
         {"[]", "[true]", "[true,true]"}});
  Check(
      {R"({"type": "array", "items": {"type": "integer", "minimum": -1, "maximum": 2}, "uniqueItems": true, "maxItems": 3})",
       {"[-1,0,1]", "[2,1]", "[]"},
       {"[1,1]", "[-1,0,1,2]", "[3]"}});
  // 1 and 1.0 are the same.
  Check({R"({"type": "array", "items": {"enum": [1, 1.0, 2]}, "uniqueItems": true})",
         {"[1,2]", "[1.0]"},
         {"[1,1.0]"}});
  Check({R"({"type": "array", "items": {"type": "string"}, "uniqueItems": true, "maxItems": 1})",
         {R"(["any"])", "[]"},
         {R"(["a","b"])"}});
  Check(
      {R"({"type": "array", "items": {"type": "string"}, "uniqueItems": false})", {R"(["a","a"])"}, {"[1]"}});
  Check(
      {R"({"allOf": [{"items": {"enum": ["a", "b", "c"]}}, {"uniqueItems": true}, {"items": {"maxLength": 1, "not": {"type": "null"}}}],
            "type": "array"})",
       {R"(["c","a"])"},
       {R"(["a","b","a"])"}});
  ExpectError(R"({"type": "array", "items": {"enum": ["a", "b"]}, "uniqueItems": true, "minItems": 3})",
              StatusCode::kInvalidArgument, "no document fits");
  ExpectError(R"({"properties": {"s": {"type": "array", "items": {"type": "string"}, "uniqueItems": true}}})",
              StatusCode::kUnimplemented,
              "#/properties/s: the keyword 'uniqueItems' is only supported where");
  std::string many;
  for (int i = 0; i < 33; ++i) many += (i > 0 ? "," : "") + std::to_string(i);
  ExpectError(R"({"type": "array", "items": {"enum": [)" + many + R"(]}, "uniqueItems": true})",
              StatusCode::kUnimplemented, "at most 32 values");
}

// Bounds and constants of any size are compared exactly.
TEST(JsonSchema, LargeNumbers) {
  const std::string two_64 = "18446744073709551616";
  const std::string two_256 =
      "115792089237316195423570985008687907853269984665640564039457584007913129639935";
  Check({R"({"type": "integer", "maximum": 18446744073709551616})",
         {two_64, "18446744073709551615", "0", "-99999999999999999999999999"},
         {"18446744073709551617", "20000000000000000000", "184467440737095516160"}});
  Check({R"({"type": "integer", "exclusiveMinimum": 18446744073709551616, "maximum": 18446744073709551618})",
         {"18446744073709551617", "18446744073709551618"},
         {two_64, "18446744073709551619", "184467440737095516170"}});
  Check({R"({"type": "integer", "minimum": 0, "maximum": )" + two_256 + "}",
         {two_256, "0", "115792089237316195423570985008687907853269984665640564039457584007913129639934"},
         {"115792089237316195423570985008687907853269984665640564039457584007913129639936", "-1"}});
  Check({R"({"type": "integer", "minimum": 1, "maximum": 1.7976931348623157e308})",
         {"1", two_256, "1" + std::string(307, '0')},
         {"0", "2" + std::string(308, '0'), "1" + std::string(309, '0')}});
  Check(
      {R"({"type": "integer", "multipleOf": 7, "minimum": 100000000000000000000000000000000000000000000000001,
            "maximum": 100000000000000000000000000000000000000000000000020})",
       {"100000000000000000000000000000000000000000000000005",
        "100000000000000000000000000000000000000000000000012",
        "100000000000000000000000000000000000000000000000019"},
       {"100000000000000000000000000000000000000000000000001",
        "100000000000000000000000000000000000000000000000008",
        "100000000000000000000000000000000000000000000000026", "7"}});
  Check({R"({"const": 18446744073709551616})", {two_64}, {"18446744073709551617", "18446744073709551616.0"}});
  Check({R"({"enum": [123456789012345678901234567890, 0.12345678901234567890123]})",
         {"123456789012345678901234567890", "0.12345678901234567890123", "12345678901234567890123e-23"},
         {"123456789012345678901234567891", "0.12345678901234567890124", "0.123456789012345678"}});
  Check({R"({"type": "number", "minimum": 0.1000000000000000055511151231257827, "maximum": 1e400})",
         {"0.1000000000000000055511151231257827", "1e400", "0.2"},
         {"0.1", "1e401", "0.1000000000000000055511151231257826"}});
  Check({R"({"type": "number", "exclusiveMaximum": 1e-400, "minimum": 0})",
         {"0", "9e-401"},
         {"1e-400", "0.1"}});
  // Fractional bounds of integers.
  Check({R"({"type": "integer", "minimum": 1.5, "exclusiveMaximum": 3.5})", {"2", "3"}, {"1", "4"}});
  Check({R"({"type": "integer", "exclusiveMinimum": -0.5, "exclusiveMaximum": 1})", {"0"}, {"1", "-1"}});
}

TEST(JsonSchema, TheLastOfEqualKeysWins) {
  Check({R"({"type": "string", "type": "null"})", {"null"}, {R"("a")"}});
  Check({R"({"type": "object", "properties": {"a": {"type": "null"}, "a": {"type": "integer"}}})",
         {R"({"a":1})"},
         {R"({"a":null})"}});
}

TEST(JsonSchema, ClosedObjects) {
  std::mt19937_64 random(3);
  const auto check = [&](const std::string& schema, const std::vector<std::string>& yes,
                         const std::vector<std::string>& only_open) {
    SCOPED_TRACE(schema);
    const auto open = Grammar::FromJsonSchema(schema);
    const auto closed = Grammar::FromJsonSchema(schema, {.closed_objects = true});
    ASSERT_TRUE(open.ok() && closed.ok()) << closed.status().ToString();
    for (const std::string& text : yes) {
      EXPECT_TRUE(Admits(*open, text, random)) << text;
      EXPECT_TRUE(Admits(*closed, text, random)) << text;
    }
    for (const std::string& text : only_open) {
      EXPECT_TRUE(Admits(*open, text, random)) << text;
      EXPECT_FALSE(Admits(*closed, text, random)) << text;
    }
  };
  check(R"({"type": "object", "properties": {"a": {"type": "object", "properties": {"b": true}}}})",
        {"{}", R"({"a":{"b":1}})"}, {R"({"c":1})", R"({"a":{"c":1}})"});
  check(R"({"allOf": [{"properties": {"a": true}}, {"properties": {"b": true}}], "type": "object"})",
        {R"({"a":1,"b":2})"}, {R"({"c":1})"});
  check(R"({"type": "object", "properties": {}})", {"{}"}, {R"({"c":1})"});
  check(R"({"type": "object"})", {"{}", R"({"c":1})"}, {});
  check(R"({"type": "object", "properties": {"a": true}, "additionalProperties": true})", {R"({"c":1})"}, {});
  check(R"({"type": "object", "properties": {"a": true}, "additionalProperties": {"type": "null"}})",
        {R"({"c":null})"}, {});
  check(R"({"type": "object", "properties": {"a": true}, "required": ["a", "z"]})", {R"({"a":1,"z":2})"},
        {R"({"a":1,"z":2,"c":3})"});
  check(R"({"type": "object", "patternProperties": {"^x": true}})", {R"({"xy":1})"}, {R"({"c":1})"});
}

// What people's generators write, with documents that the reference validator has judged.
TEST(JsonSchema, GeneratorsSchemas) {
  std::ifstream file(CARAT_GRAMMAR_TESTS "/generator_schemas.json");
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const auto tree = internal::JsonTree::Parse(text, "generator_schemas.json");
  ASSERT_TRUE(tree.ok()) << tree.status().ToString();
  const auto texts = [](const internal::JsonValue& list) {
    std::vector<std::string> all;
    for (std::size_t i = 0; i < list.size(); ++i) all.emplace_back(list[i].text());
    return all;
  };
  for (std::size_t i = 0; i < tree->root().size(); ++i) {
    const internal::JsonValue one = tree->root()[i];
    SCOPED_TRACE(std::string(one.Find("name")->text()));
    const std::string schema = internal::JsonTextOf(*one.Find("schema"));
    if (const auto error = one.Find("error")) {
      ExpectError(schema, StatusCode::kUnimplemented, std::string(error->text()));
      continue;
    }
    Check({schema, texts(*one.Find("valid")), texts(*one.Find("invalid"))});
  }
  EXPECT_EQ(tree->root().size(), 22U);
}

}  // namespace
}  // namespace carat::test
