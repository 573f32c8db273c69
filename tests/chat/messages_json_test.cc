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

TEST(ParseChatMessagesTest, NumbersKeepTheirDigits) {
  const auto messages = ParseChatMessages(
      "\xEF\xBB\xBF"
      R"([{"role": "user", "content": "cut emoji \ud83d"},
          {"role": "assistant", "tool_calls": [
            {"id": "1", "function": {"name": "f", "arguments": "{\"n\": 18446744073709551616, \"x\": 1e400}"}},
            {"id": "2", "function": {"name": "f", "arguments": {"n": -18446744073709551617, "x": 0.10}}}],
           "tool_responses": [{"name": "f", "response": {"d": 123456789012345678901234567890.5}}]},
          {"role": "tool", "tool_call_id": "1", "content": 99999999999999999999},
          {"role": "user", "content": "a", "metadata": {"n": 18446744073709551616}}])",
      {.arguments_as_text = true});
  ASSERT_TRUE(messages.ok()) << messages.status().ToString();
  EXPECT_EQ((*messages)[0].text, "cut emoji \uFFFD");
  EXPECT_EQ((*messages)[1].tool_calls[0].arguments, R"({"n":18446744073709551616,"x":1e400})");
  EXPECT_EQ((*messages)[1].tool_calls[1].arguments, R"({"n":-18446744073709551617,"x":0.10})");
  EXPECT_EQ((*messages)[1].tool_responses[0].response, R"({"d":123456789012345678901234567890.5})");
  EXPECT_EQ((*messages)[2].text, "99999999999999999999");
  EXPECT_TRUE((*messages)[2].json);
}

TEST(ParseChatMessagesTest, ErrorsSayWhere) {
  const std::pair<const char*, const char*> cases[] = {
      {"[{\"role\": \"user\",\n \"content\": x}]",
       "messages: not valid JSON: line 2, column 13: expected a value, but found 'x'"},
      {R"([{"role": "user"}, {"role": 5}])", "message 1: role must be a string, but is a number"},
      {R"([{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "{\"a\": 01}"}}]}])",
       "message 0: the arguments of f: not valid JSON: line 1, column 7: a number must not begin with 0 and "
       "another "
       "digit"}};
  for (const auto& [json, words] : cases) {
    const auto messages = ParseChatMessages(json, {.arguments_as_text = true});
    EXPECT_EQ(messages.status().message(), words);
  }
}

TEST(ParseToolsTest, SchemasKeepTheirDigits) {
  const auto tools = ParseTools(
      R"([{"type": "function", "function": {"name": "f", "parameters": {"maximum": 18446744073709551616, "multipleOf": 0.10}}}])");
  ASSERT_TRUE(tools.ok()) << tools.status().ToString();
  EXPECT_EQ((*tools)[0].parameters, R"({"maximum":18446744073709551616,"multipleOf":0.10})");
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
