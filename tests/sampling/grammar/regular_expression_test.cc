#include "lib/sampling/grammar/regular_expression.h"

#include "gtest/gtest.h"
#include "lib/sampling/grammar/code_points.h"

namespace carat::internal {
namespace {

bool Matches(const std::shared_ptr<const TextAutomaton>& automaton, const std::string& text) {
  return automaton->Holds(ToCodePoints(text).value());
}

struct PatternCase {
  std::string pattern;
  std::vector<std::string> found, missed;
};

TEST(RegularExpression, FindsWhatItSays) {
  const PatternCase cases[] = {
      {"", {"", "a"}, {}},
      {"b", {"b", "abc", "bb"}, {"", "ac"}},
      {"^ab$", {"ab"}, {"abc", "xab", "", "ab\n"}},
      {"^a|b$", {"ax", "xb"}, {"xa", "bx"}},
      {"^(a|b)*c+$", {"c", "abcc"}, {"", "ab", "cab"}},
      {"^x{2}y{1,}z{0,2}$", {"xxy", "xxyyzz"}, {"xy", "xxz", "xxyzzz"}},
      {"^[^a-c]$", {"d", "\xE6\x97\xA5", "\n"}, {"a", "b", ""}},
      {"^[\\d\\-x]+$", {"1-x", "-"}, {"a", ""}},
      {"^.$", {"a", "\xF0\x9F\x98\x80"}, {"\n", "ab", "\xE2\x80\xA8"}},
      {"^\\u65e5\\x41\\t$",
       {"\xE6\x97\xA5"
        "A\t"},
       {"A\t"}},
      {"^\\u{1F600}$|^\\uD83D\\uDE01$", {"\xF0\x9F\x98\x80", "\xF0\x9F\x98\x81"}, {"x"}},
      {"^\\s\\S\\w\\W\\D$", {" a_-x"}, {"aa_-x", " a_-1"}},
      {"^(?:ab)?(?<n>c)??$", {"", "ab", "abc", "c"}, {"a"}},
      {"a^b", {}, {"ab", "a^b"}},
      {"^$", {""}, {"a"}},
      {"$^", {""}, {"a", "aa"}},
      {"(^a)+", {"ab"}, {"ba"}},
      {"\\.\\/\\$", {"x./$"}, {"./"}},
      {"[]", {}, {"", "a"}},
      {"^[^]$", {"a"}, {""}},
      {"^[\\b]$", {"\b"}, {"b"}},
  };
  for (const PatternCase& one : cases) {
    const auto automaton = CompilePattern(one.pattern);
    ASSERT_TRUE(automaton.ok()) << one.pattern << ": " << automaton.status().ToString();
    for (const auto& text : one.found)
      EXPECT_TRUE(Matches(*automaton, text)) << one.pattern << " in " << text;
    for (const auto& text : one.missed) {
      EXPECT_FALSE(Matches(*automaton, text)) << one.pattern << " in " << text;
    }
  }
}

TEST(RegularExpression, WhatIsNotSupportedIsNamed) {
  for (const char* pattern :
       {"(?=a)", "(?!a)", "(?<=a)", "(?<!a)", "\\bfoo", "\\Bx", "(a)\\1", "\\p{L}", "\\k<n>", "a{20000}"}) {
    const auto automaton = CompilePattern(pattern);
    EXPECT_EQ(automaton.status().code(), StatusCode::kUnimplemented) << pattern;
    EXPECT_NE(automaton.status().message().find("not supported"), std::string::npos);
  }
  for (const char* pattern : {"(", ")", "[", "a{", "*", "+a", "a**", "a{2,1}", "[z-a]", "\\", "\\xZ", "\\u12",
                              "^*", "]", "}", "\\y"}) {
    EXPECT_EQ(CompilePattern(pattern).status().code(), StatusCode::kInvalidArgument) << pattern;
  }
  EXPECT_EQ(CompilePattern("((a{100}){100}){100}").status().code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(CompilePattern("[ab]*a[ab]{40}c").status().code(), StatusCode::kResourceExhausted);
  EXPECT_FALSE(CompilePattern(std::string(100000, '(')).ok());
}

TEST(RegularExpression, Formats) {
  const PatternCase cases[] = {
      {"date",
       {"2024-02-29", "1999-12-31", "2000-02-29"},
       {"2023-02-29", "1900-02-29", "2024-04-31", "24-1-1", "2024-13-01"}},
      {"time", {"23:59:59Z", "00:00:00.123+05:30"}, {"24:00:00Z", "12:00Z", "12:00:00"}},
      {"date-time",
       {"2024-02-29T12:00:00Z", "1985-04-12t23:20:50.52z"},
       {"2024-02-30T12:00:00Z", "2024-02-29 12:00:00Z", "2024-02-29"}},
      {"duration", {"P1D", "PT5M", "P1Y2M3DT4H5M6S", "P3W"}, {"P", "PT", "1D", "P1DT", "P1S"}},
      {"uuid",
       {"123e4567-e89b-12d3-a456-426614174000"},
       {"123e4567e89b12d3a456426614174000", "123e4567-e89b-12d3-a456-42661417400g"}},
      {"email", {"a@b.c", "first.last+tag@example.org"}, {"a", "a@", "@b", "a b@c", "a@-b.c", "a..b@c"}},
      {"hostname", {"example.org", "a", "x-1.y"}, {"-a", "a-", "a..b", "a_b", ""}},
      {"ipv4", {"127.0.0.1", "255.255.255.255"}, {"256.1.1.1", "1.2.3", "01.2.3.4", "1.2.3.4.5"}},
      {"ipv6",
       {"::", "::1", "1:2:3:4:5:6:7:8", "fe80::1", "::ffff:1.2.3.4", "1::8", "1:2:3:4:5:6:7::"},
       {":", "1:2", "1::2::3", "12345::", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::"}},
      {"uri",
       {"http://example.org/a?b=c#d", "mailto:a@b.c", "urn:isbn:1", "http://[::1]:80/"},
       {"example.org", "//a", "http://a b", "1http://a", "http://a/%zz"}},
      {"json-pointer", {"", "/a/0", "/a~1b~0"}, {"a", "/~2", "/~"}},
  };
  for (const PatternCase& one : cases) {
    const auto automaton = CompileFormat(one.pattern);
    ASSERT_TRUE(automaton.ok() && *automaton != nullptr) << one.pattern << automaton.status().ToString();
    for (const auto& text : one.found) EXPECT_TRUE(Matches(*automaton, text)) << one.pattern << ": " << text;
    for (const auto& text : one.missed)
      EXPECT_FALSE(Matches(*automaton, text)) << one.pattern << ": " << text;
  }
  const auto unknown = CompileFormat("colour");
  ASSERT_TRUE(unknown.ok());
  EXPECT_EQ(*unknown, nullptr);
}

}  // namespace
}  // namespace carat::internal
