// Messages and tools from JSON.
#include <gtest/gtest.h>

#include <string>

#include "carat/chat.h"

namespace carat {
namespace {

TEST(ParseChatMessagesTest, ReadsWhatOpenAiSends) {
  const auto messages = ParseChatMessages(
      R"([{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": "x"}}]},
          {"role": "assistant", "content": null, "tool_calls":
           [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{\"x\": 1}"}}]},
          {"role": "tool", "tool_call_id": "c", "content": "7"}])",
      {.arguments_as_text = true});
  ASSERT_TRUE(messages.ok()) << messages.status().ToString();
  ASSERT_EQ(messages->size(), 3u);
  ASSERT_EQ((*messages)[0].parts.size(), 2u);
  EXPECT_EQ((*messages)[0].parts[1].kind, ChatPartKind::kImage);
  EXPECT_EQ((*messages)[1].tool_calls[0].arguments, R"({"x":1})");
  EXPECT_EQ((*messages)[2].tool_call_id, "c");
  EXPECT_FALSE((*messages)[2].json);
}

TEST(ParseChatMessagesTest, LoadsMedia) {
  std::string seen;
  ChatJsonOptions options;
  options.load_media = [&seen](MediaKind kind, std::string_view part) -> Result<SoftTokens> {
    seen = std::to_string(static_cast<int>(kind)) + std::string(part);
    return Status(StatusCode::kNotFound, "no such picture");
  };
  const auto messages =
      ParseChatMessages(R"([{"role": "user", "content": [{"type": "input_audio", "data": 1}]}])", options);
  EXPECT_EQ(messages.status().code(), StatusCode::kNotFound);
  EXPECT_EQ(seen, R"(3{"type":"input_audio","data":1})");
}

TEST(ParseChatMessagesTest, SaysWhatIsWrong) {
  const std::pair<const char*, const char*> cases[] = {
      {"{", "not valid JSON"},
      {"{}", "must be a list"},
      {"[1]", "message 0"},
      {R"([{"content": "x"}])", "no role"},
      {R"([{"role": "user", "content": 5}])", "content must be"},
      {R"([{"role": "tool", "content": {"a": 1}}])", "tool_responses"},
      {R"([{"role": "user", "content": [{"type": "smell"}]}])", "'smell'"},
      {R"([{"role": "user", "content": ["x"]}])", "must be an object"},
      {R"([{"role": "assistant", "tool_calls": {}}])", "must be a list"},
      {R"([{"role": "assistant", "tool_calls": [{"name": "f"}]}])", "no function"},
      {R"([{"role": "assistant", "tool_calls": [{"function": {}}]}])", "no name"},
      {R"([{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]}])",
       "parse it first"},
      {R"([{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": [1]}}]}])",
       "JSON object"},
      {R"([{"role": "user"}, {"role": "assistant", "tool_responses": 1}])", "message 1: tool_responses"},
  };
  for (const auto& [json, words] : cases) {
    const auto messages = ParseChatMessages(json);
    EXPECT_EQ(messages.status().code(), StatusCode::kInvalidArgument) << json;
    EXPECT_NE(messages.status().message().find(words), std::string::npos) << messages.status().message();
  }
  const char* broken =
      R"([{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "{"}}]}])";
  EXPECT_EQ(ParseChatMessages(broken, {.arguments_as_text = true}).status().code(),
            StatusCode::kInvalidArgument);
}

TEST(ParseToolsTest, ReadsAndRefuses) {
  const auto tools = ParseTools(
      R"([{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}, "description": "d"}}])");
  ASSERT_TRUE(tools.ok());
  EXPECT_EQ((*tools)[0].name, "f");
  EXPECT_EQ((*tools)[0].description, "d");
  EXPECT_EQ((*tools)[0].parameters, R"({"type":"object"})");
  EXPECT_TRUE(ParseTools("null")->empty());
  for (const char* json : {"[", "{}", "[1]", R"([{"name": "f"}])", R"([{"function": {"description": "d"}}])"})
    EXPECT_EQ(ParseTools(json).status().code(), StatusCode::kInvalidArgument) << json;
}

TEST(JsonQuoteTest, Escapes) {
  EXPECT_EQ(JsonQuote("a\"\\\n\t\x01 \u00E9\xFF"), "\"a\\\"\\\\\\n\\t\\u0001 \u00E9\uFFFD\"");
}

}  // namespace
}  // namespace carat
