// What the reference's cases leave open. The cases themselves: cases.json, which `carat check --chat` runs.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "carat/chat.h"
#include "lib/base/json.h"
#include "lib/chat/python_text.h"

namespace carat {
namespace {

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
  const auto document = internal::JsonDocument::Parse(json, "test");
  return document.ok() ? internal::PythonText(document->root()) : document.status().ToString();
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

TEST(PythonTextTest, MembersAreSortedByLowerCase) {
  const auto document =
      internal::JsonDocument::Parse(R"({"b": 1, "_": 5, "\u00E4": 4, "B": 2, "\u00C4a": 3, "A": 0})", "test");
  ASSERT_TRUE(document.ok());
  std::string order;
  for (const auto& [name, value] : internal::SortedMembers(simdjson::dom::object(document->root())))
    order += std::string(name) + " ";
  EXPECT_EQ(order, "_ A b B \u00E4 \u00C4a ");
}

}  // namespace
}  // namespace carat
