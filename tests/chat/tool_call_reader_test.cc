// The inside of a tool call, to JSON.
#include "lib/chat/tool_call_reader.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace carat::internal {
namespace {

// Text in which Q is the quote token; fed in pieces of `size` bytes.
ToolCallReader Read(std::string_view text, std::size_t size) {
  ToolCallReader reader;
  while (!text.empty()) {
    if (text.front() == 'Q') {
      reader.AddQuote();
      text.remove_prefix(1);
      continue;
    }
    const std::string_view piece = text.substr(0, std::min(size, text.find('Q')));
    reader.AddText(piece);
    text.remove_prefix(piece.size());
  }
  reader.Finish();
  return reader;
}

TEST(ToolCallReaderTest, ReadsArguments) {
  const std::tuple<const char*, const char*, const char*> cases[] = {
      {"call:ping{}", "ping", "{}"},
      {"call:f{a:QxQ}", "f", R"({"a":"x"})"},
      {"call:f{a:QQ,b:1}", "f", R"({"a":"","b":1})"},
      {"call:a.b-c_9{x:-1.50e+3,y:true,z:false,n:null}", "a.b-c_9",
       R"({"x":-1.50e+3,"y":true,"z":false,"n":null})"},
      {"call:f{n:None,t:True}", "f", R"({"n":null,"t":true})"},
      {"call:f{l:[1,[2,QaQ],{k:QvQ}],e:[],o:{}}", "f", R"({"l":[1,[2,"a"],{"k":"v"}],"e":[],"o":{}})"},
      {"call:f{s:Qa, b: {c} [d] \"e\" \\ \n\tQ}", "f", R"({"s":"a, b: {c} [d] \"e\" \\ \n\t"})"},
      {"call:f{QkeyQ:1,Qa:bQ:2}", "f", R"({"key":1,"a:b":2})"},
      {" call: f { a : 1 , b : [ 1 , 2 ] } ", "f", R"({"a":1,"b":[1,2]})"},
      {"call:f{big:123456789012345678901234567890}", "f", R"({"big":123456789012345678901234567890})"},
      {"call:f{two words:1}", "f", R"({"two words":1})"},
  };
  for (const auto& [text, name, json] : cases) {
    for (const std::size_t size : {1u, 2u, 3u, 100u}) {
      const ToolCallReader reader = Read(text, size);
      EXPECT_EQ(reader.problem(), "") << text;
      EXPECT_EQ(reader.name(), name);
      EXPECT_EQ(reader.json(), json) << text;
    }
  }
}

TEST(ToolCallReaderTest, RefusesWhatIsNone) {
  for (const char* text : {"",
                           "call",
                           "call:",
                           "call:f",
                           "call:{}",
                           "f{}",
                           "call:f{",
                           "call:f{a}",
                           "call:f{a:}",
                           "call:f{a:1",
                           "call:f{a:Qx",
                           "call:f{a:QxQ",
                           "call:f{a:x}",
                           "call:f{a:1,}",
                           "call:f{:1}",
                           "call:f{,}",
                           "call:f{a:[1}",
                           "call:f{a:[1}}",
                           "call:f{a:1]",
                           "call:f{a:[1,]}",
                           "call:f{a:01}",
                           "call:f{a:1.}",
                           "call:f{a:.5}",
                           "call:f{a:+1}",
                           "call:f{a:NaN}",
                           "call:f{a:1 2}",
                           "call:f{a:QxQy}",
                           "call:f{a:QxQQyQ}",
                           "call:f{a:1Q}",
                           "call:f{QaQ1}",
                           "call:f{}x",
                           "call:f{}{}",
                           "call:f{}Q",
                           "Qcall:f{}",
                           "call:f}",
                           "call:f\n{}",
                           "call:f{a:\"x\"}"}) {
    EXPECT_NE(Read(text, 1).problem(), "") << text;
    EXPECT_NE(Read(text, 100).problem(), "") << text;
  }
}

TEST(ToolCallReaderTest, RefusesTooDeepNesting) {
  const auto nested = [](std::size_t depth) {
    return "call:f{a:" + std::string(depth, '[') + std::string(depth, ']') + "}";
  };
  EXPECT_EQ(Read(nested(63), 100).problem(), "");
  EXPECT_NE(Read(nested(64), 100).problem(), "");
}

TEST(ToolCallReaderTest, ControlTokensAreNamed) {
  ToolCallReader reader;
  reader.AddText("call:f{a:");
  reader.AddOther("<|image|>");
  reader.AddText("1}");
  reader.Finish();
  EXPECT_EQ(reader.problem(), "it holds the control token <|image|>");
}

}  // namespace
}  // namespace carat::internal
