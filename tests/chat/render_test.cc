// What the reference's cases leave open. The cases themselves: cases.json, which `carat check --chat` runs.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "carat/chat.h"
#include "lib/base/json_tree.h"
#include "lib/base/utf8.h"
#include "lib/chat/python_text.h"
#include "tests/base/small_stack.h"

namespace carat {
namespace {

using test::RunOnSmallStack;

ChatOptions Small() {
  ChatOptions options;
  options.form = ChatForm::kSmall;
  return options;
}

ChatMessage User(std::string text) {
  return {.role = "user", .text = std::move(text)};
}

ChatMessage Called(std::string text = "") {
  ChatMessage message{.role = "assistant", .text = std::move(text)};
  message.tool_calls = {{"1", "ping", "{}"}};
  return message;
}

ChatMessage Pong() {
  return {.role = "tool", .text = "pong", .tool_call_id = "1"};
}

std::string Render(const std::vector<ChatMessage>& messages, const ChatOptions& options) {
  const auto text = RenderChatText(messages, options);
  return text.ok() ? *text : text.status().ToString();
}

const std::string kPinged =
    "<bos><|turn>user\nx<turn|>\n<|turn>model\n<|tool_call>call:ping{}<tool_call|>"
    "<|tool_response>response:ping{value:<|\"|>pong<|\"|>}<tool_response|>";

TEST(RenderTest, AToolTurnIsClosedWhereAUserComesNext) {
  EXPECT_EQ(Render({User("x"), Called(), Pong()}, Small()), kPinged);
  EXPECT_EQ(Render({User("x"), Called(), Pong(), User("y")}, Small()),
            kPinged + "<turn|>\n<|turn>user\ny<turn|>\n<|turn>model\n");
}

TEST(RenderTest, CallsWithoutResultsOpenAResponse) {
  EXPECT_EQ(Render({User("x"), Called(), {.role = "assistant", .text = "a"}}, Small()),
            "<bos><|turn>user\nx<turn|>\n<|turn>model\n<|tool_call>call:ping{}<tool_call|><|tool_response>"
            "a<turn|>\n<|turn>model\n");
}

TEST(RenderTest, NoMessagesAreABeginning) {
  EXPECT_EQ(Render({}, Small()), "<bos><|turn>model\n");
}

TEST(RenderTest, AResultCanBeJson) {
  ChatMessage result = Pong();
  result.json = true;
  result.text = R"({"b": 1.50, "A": ["x", null, true]})";
  EXPECT_EQ(Render({User("x"), Called(), result}, Small()),
            "<bos><|turn>user\nx<turn|>\n<|turn>model\n<|tool_call>call:ping{}<tool_call|>"
            "<|tool_response>response:ping{A:[<|\"|>x<|\"|>,null,true],b:1.5}<tool_response|>");
  result.text = "21";
  EXPECT_NE(Render({User("x"), Called(), result}, Small()).find("response:ping{value:21}"),
            std::string::npos);
  result.text = "{";
  EXPECT_NE(Render({User("x"), Called(), result}, Small()).find("INVALID_ARGUMENT: the result of ping"),
            std::string::npos);
}

TEST(RenderTest, AnAnswerIsContinued) {
  ChatOptions options = Small();
  options.continue_last = true;
  const std::vector<ChatMessage> messages = {User("x"), {.role = "assistant", .text = " It is "}};
  EXPECT_EQ(Render(messages, options), "<bos><|turn>user\nx<turn|>\n<|turn>model\nIt is ");
  options.form = ChatForm::kLarge;
  EXPECT_EQ(Render(messages, options),
            "<bos><|turn>user\nx<turn|>\n<|turn>model\n<|channel>thought\n<channel|>It is ");
  EXPECT_EQ(RenderChatText(std::vector{User("x")}, options).status().code(), StatusCode::kInvalidArgument);
}

TEST(RenderTest, WhatCannotBeShownIsAnError) {
  ChatOptions options;
  EXPECT_EQ(RenderChatText(std::vector{User("x")}, options).status().code(), StatusCode::kInvalidArgument);
  options = Small();
  EXPECT_EQ(RenderChatText(std::vector<ChatMessage>{{.text = "x"}}, options).status().code(),
            StatusCode::kInvalidArgument);
  ChatMessage call = Called();
  call.tool_calls[0].arguments = "[1]";
  EXPECT_EQ(RenderChatText(std::vector{User("x"), call}, options).status().code(),
            StatusCode::kInvalidArgument);
  options.tools = {{.name = "f", .parameters = "[1]"}};
  EXPECT_EQ(RenderChatText(std::vector{User("x")}, options).status().code(), StatusCode::kInvalidArgument);
  options.tools = {{.name = "f", .parameters = R"({"properties": [1]})"}};
  EXPECT_EQ(RenderChatText(std::vector{User("x")}, options).status().code(), StatusCode::kInvalidArgument);
}

TEST(RenderTest, SchemasWithOddValues) {
  ChatOptions options = Small();
  options.tools = {{.name = "f", .parameters = R"({"type": "object", "properties": {
      "o": {"type": "object", "additionalProperties": false, "title": "T"},
      "l": {"type": "array", "items": {"type": "object", "properties": {"b": {"type": "string"}}, "minimum": 1.0,
            "note": null}},
      "n": {"type": null, "description": 7}}})"}};
  EXPECT_EQ(Render({User("x")}, options),
            "<bos><|turn>system\n<|tool>declaration:f{description:<|\"|><|\"|>,parameters:{properties:{"
            "l:{items:{minimum:1.0,properties:{b:{type:<|\"|>STRING<|\"|>}},type:<|\"|>OBJECT<|\"|>},"
            "type:<|\"|>ARRAY<|\"|>},"
            "n:{description:<|\"|>7<|\"|>,type:<|\"|>NONE<|\"|>},"
            "o:{properties:{additionalProperties:{type:<|\"|><|\"|>},title:{type:<|\"|><|\"|>}},"
            "type:<|\"|>OBJECT<|\"|>}},type:<|\"|>OBJECT<|\"|>}}<tool|><turn|>\n"
            "<|turn>user\nx<turn|>\n<|turn>model\n");
}

std::string AsPython(const std::string& json) {
  const auto tree = internal::JsonTree::Parse(json, "test");
  return tree.ok() ? internal::PythonText(tree->root()) : tree.status().ToString();
}

TEST(PythonTextTest, NumbersAreWrittenAsPythonWritesThem) {
  const std::pair<const char*, const char*> cases[] = {{"1", "1"},
                                                       {"-7", "-7"},
                                                       {"18446744073709551615", "18446744073709551615"},
                                                       {"1.0", "1.0"},
                                                       {"2.50", "2.5"},
                                                       {"1e3", "1000.0"},
                                                       {"1e21", "1e+21"},
                                                       {"1e16", "1e+16"},
                                                       {"123456789012345.0", "123456789012345.0"},
                                                       {"0.0001", "0.0001"},
                                                       {"0.00001", "1e-05"},
                                                       {"1.25e-7", "1.25e-07"},
                                                       {"-0.0", "-0.0"},
                                                       {"0.1", "0.1"},
                                                       {"1e100", "1e+100"},
                                                       {"5e-324", "5e-324"},
                                                       {"1.5e300", "1.5e+300"},
                                                       {"100", "100"}};
  for (const auto& [json, python] : cases) EXPECT_EQ(AsPython(json), python);
}

TEST(PythonTextTest, OtherValues) {
  EXPECT_EQ(AsPython(R"(["a", "it's", "both ' and \"", "\n\u0001", 1.5, true, null, {"k": []}])"),
            R"(['a', "it's", 'both \' and "', '\n\x01', 1.5, True, None, {'k': []}])");
  EXPECT_EQ(AsPython(R"("plain")"), "plain");
}

TEST(PythonTextTest, WhiteSpaceIsUnicodes) {
  EXPECT_EQ(internal::StripWhiteSpace("\u00A0\u3000 \t a b \u2028\u2009\n"), "a b");
  EXPECT_EQ(internal::StripWhiteSpace(" \n"), "");
  EXPECT_EQ(internal::StripWhiteSpace("\u00E9"), "\u00E9");
  EXPECT_EQ(internal::StripWhiteSpace("\x80 "), "\x80");
  EXPECT_EQ(internal::StripWhiteSpace("\u200B"), "\u200B");  // Python does not count it
}

// Digits that Python's float would lose are kept; all others are written as Python does.
TEST(PythonTextTest, NoDigitsAreLost) {
  const std::pair<const char*, const char*> cases[] = {
      {"18446744073709551616", "18446744073709551616"},
      {"-100000000000000000000000000000000000000000001", "-100000000000000000000000000000000000000000001"},
      {"-0", "0"},
      {"1e400", "1e400"},
      {"1e-400", "1e-400"},
      {"0.12345678901234567890", "0.12345678901234567890"},
      {"1234567890123456789012.5", "1234567890123456789012.5"},
      {"0.1000000000000000000", "0.1"},
      {"1E5", "100000.0"},
      {"9007199254740993.0", "9007199254740993.0"},
      {"9007199254740992.0", "9007199254740992.0"}};
  for (const auto& [json, python] : cases) EXPECT_EQ(AsPython(json), python) << json;
  EXPECT_EQ(AsPython("[18446744073709551616, 1e400]"), "[18446744073709551616, 1e400]");
}

TEST(PythonTextTest, TextsThatCannotBePrintedAreEscaped) {
  EXPECT_EQ(AsPython(R"(["\u00a0\u00ad\u200b\u2028\ue000\udb40\udc01 \u00e9\u65e5\ud83d\ude00"])"),
            "['\\xa0\\xad\\u200b\\u2028\\ue000\\U000e0001 \u00e9\u65E5\U0001F600']");
}

std::uint64_t Fnv(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

// The sums are those of Python 3.11 over every character.
TEST(PythonTextTest, EveryCharacterHasPythonsCases) {
  std::string lower, upper, printed, sigma;
  for (char32_t code = 0; code < 0x110000; ++code) {
    if (code >= 0xD800 && code < 0xE000) continue;
    std::string c;
    internal::AppendUtf8Character(code, &c);
    lower += internal::LowerCase(c) + ",";
    upper += internal::UpperCase(c) + ",";
    printed += AsPython("[" + JsonQuote(c) + "]");
    for (const std::string& text :
         {"a\u03A3" + c + "a", "a\u03A3" + c, "a" + c + "\u03A3", "-" + c + "\u03A3"})
      sigma += internal::LowerCase(text);
    sigma += ",";
  }
  EXPECT_EQ(Fnv(lower), 0x4106dc9dea240fbcU);
  EXPECT_EQ(Fnv(upper), 0x1907f195e22cfcb0U);
  EXPECT_EQ(Fnv(printed), 0xe813a761c23e7629U);
  EXPECT_EQ(Fnv(sigma), 0x96912c88b2272f20U);
}

std::string Order(const std::string& json) {
  const auto tree = internal::JsonTree::Parse(json, "test");
  EXPECT_TRUE(tree.ok()) << tree.status().ToString();
  std::string order;
  for (const internal::JsonValue& member : internal::SortedMembers(tree->root()))
    order += std::string(member.key()) + " ";
  return order;
}

TEST(PythonTextTest, MembersAreSortedByLowerCase) {
  EXPECT_EQ(Order(R"({"b": 1, "_": 5, "\u00E4": 4, "B": 2, "\u00C4a": 3, "A": 0})"),
            "_ A b B \u00E4 \u00C4a ");
  // Capital letters of all alphabets: by their small ones, whatever their own place.
  EXPECT_EQ(Order(R"({"\u0178": 1, "\u00fe": 2, "\u2126": 3, "\u03c8": 4, "\u212a": 5, "l": 6, "j": 7})"),
            "j \u212A l \u00FE \u0178 \u03C8 \u2126 ");
  EXPECT_EQ(Order(R"({"\u10a0": 1, "\u10d0": 2, "\u0130": 3, "i": 4, "ia": 5})"),
            "i ia \u0130 \u10D0 \u10A0 ");
  EXPECT_EQ(Order(R"({"\u0391\u03a3": 1, "\u03b1\u03c2": 2, "\u03b1\u03c3": 3})"),
            "\u0391\u03A3 \u03B1\u03C2 \u03B1\u03C3 ");
}

// The last of equal keys wins, as in Python, in arguments, results and schemas.
TEST(RenderTest, TheLastOfEqualKeysWins) {
  ChatMessage call = Called();
  call.tool_calls = {{"1", "ping", R"({"b": 1, "a": 2, "b": {"c": 3, "c": 4}})"}};
  ChatOptions options = Small();
  options.tools = {{.name = "ping", .parameters = R"({"type": "array", "type": "object",
      "properties": {"x": {"type": "string"}, "x": {"type": "integer"}}})"}};
  EXPECT_EQ(
      Render({User("x"),
              call,
              {.role = "tool", .text = R"({"k": 1, "k": 2})", .tool_call_id = "1", .json = true}},
             options),
      "<bos><|turn>system\n<|tool>declaration:ping{description:<|\"|><|\"|>,parameters:{properties:{x:{type:"
      "<|\"|>INTEGER<|\"|>}},type:<|\"|>OBJECT<|\"|>}}<tool|><turn|>\n<|turn>user\nx<turn|>\n<|turn>model\n"
      "<|tool_call>call:ping{a:2,b:{c:4}}<tool_call|><|tool_response>response:ping{k:2}<tool_response|>");
}

TEST(RenderTest, NumbersKeepTheirDigits) {
  ChatMessage call = Called();
  call.tool_calls = {{"1", "ping", R"({"n": 18446744073709551616, "x": 0.12345678901234567890, "y": 2.50})"}};
  ChatMessage result = Pong();
  result.text = "-99999999999999999999999";
  result.json = true;
  EXPECT_EQ(Render({User("x"), call, result}, Small()),
            "<bos><|turn>user\nx<turn|>\n<|turn>model\n<|tool_call>call:ping{n:18446744073709551616,"
            "x:0.12345678901234567890,y:2.5}<tool_call|><|tool_response>response:ping{value:"
            "-99999999999999999999999}<tool_response|>");
}

// A result without an id takes the name that its message says, unless the calls have none either.
TEST(RenderTest, NamesOfResultsWithoutIds) {
  const auto names = [](const std::string& call_id, const ChatMessage& result) {
    ChatMessage call = Called();
    call.tool_calls = {{call_id, "ping", "{}"}};
    const std::string text = Render({User("x"), call, result}, Small());
    const std::size_t begin = text.find("response:") + 9;
    return text.substr(begin, text.find('{', begin) - begin);
  };
  EXPECT_EQ(names("1", {.role = "tool", .text = "v", .name = "other"}), "other");
  EXPECT_EQ(names("1", {.role = "tool", .text = "v"}), "unknown");
  EXPECT_EQ(names("", {.role = "tool", .text = "v", .name = "other"}), "ping");
  EXPECT_EQ(names("", {.role = "tool", .text = "v", .tool_call_id = "2", .name = "other"}), "other");
  EXPECT_EQ(names("1", {.role = "tool", .text = "v", .tool_call_id = "1", .name = "other"}), "ping");
}

std::string NestedProperties(int depth) {
  std::string schema = R"({"type":"string"})";
  for (int i = 0; i < depth; ++i) {
    const char* before = i % 2 == 0 ? R"({"type":"object","properties":{"a":)"
                                    : R"({"type":"array","items":{"properties":{"a":)";
    schema = before + schema + (i % 2 == 0 ? "}}" : "}}}");
  }
  return schema;
}

// What is nested deeply is an error or is written; the stack may be small.
TEST(RenderTest, DeepNestingNeedsLittleStack) {
  std::string values = "1";
  for (int i = 0; i < 480; ++i) values = (i % 2 == 0 ? "[" : "{\"a\":") + values + (i % 2 == 0 ? "]" : "}");
  RunOnSmallStack([&] {
    ChatMessage call = Called();
    call.tool_calls = {{"1", "ping", "{\"v\":" + values + "}"}};
    ChatOptions options = Small();
    options.tools = {{.name = "ping", .parameters = NestedProperties(60)}};
    const auto text = RenderChatText(std::vector{User("x"), call, Pong()}, options);
    EXPECT_TRUE(text.ok()) << text.status().ToString();
    options.tools[0].parameters = R"({"properties":{"a":)" + NestedProperties(63) + "}}";
    EXPECT_EQ(RenderChatText(std::vector{User("x")}, options).status().message(),
              "tool ping: its schemas lie more than 60 deep in each other");
    options.tools[0].parameters = R"({"type":)" + values + "}";
    EXPECT_TRUE(RenderChatText(std::vector{User("x")}, options).ok());
  });
}

}  // namespace
}  // namespace carat
