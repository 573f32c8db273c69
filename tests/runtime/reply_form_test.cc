// Replies of a form that is decided beforehand: answers by a grammar, calls of the declared tools.
#include <gtest/gtest.h>
#include <simdjson.h>

#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "carat/conversation.h"

namespace carat {
namespace {

constexpr int kHeldOutItems = 30;

constexpr char kExpression[] =
    R"({"type": "object", "properties": {"expression": {"type": "string", "description": "The expression."}},
        "required": ["expression"]})";
constexpr char kWeather[] =
    R"({"type": "object", "properties": {"city": {"enum": ["Rome", "Oslo"]}, "days": {"type": "integer",
        "minimum": 1, "maximum": 9}}, "required": ["city", "days"], "additionalProperties": false})";
// Whatever the model would say, it ends soon.
constexpr char kPoint[] =
    R"({"type": "object", "properties": {"x": {"type": "integer", "minimum": 0, "maximum": 99},
        "name": {"enum": ["left", "right"]}}, "required": ["x", "name"], "additionalProperties": false})";

// Prefers to say what it was told to say, as long as that is among the candidates.
class Preference final : public Sampler {
 public:
  Preference(const Tokenizer& tokenizer, const std::string& text)
      : tokens_(*tokenizer.Encode(text, {.parse_special = true})) {}
  std::string_view name() const noexcept override { return "preference"; }
  Status Apply(CandidateList& candidates) override {
    const std::int32_t wanted = next_ < tokens_.size() ? tokens_[next_] : -1;
    ++next_;
    for (const Candidate& candidate : candidates.items()) {
      if (candidate.token == wanted && candidate.logit > -1e30f) candidates.Select(wanted);
    }
    return {};
  }
  Result<std::unique_ptr<Sampler>> Clone() const override {
    return std::unique_ptr<Sampler>(new Preference(*this));
  }

 private:
  std::vector<std::int32_t> tokens_;
  std::size_t next_ = 0;
};

class ReplyFormTest : public testing::Test {
 protected:
  static ChatOptions Tools() {
    ChatOptions options;
    options.tools = {{.name = "calculate",
                      .description = "Evaluates an arithmetic expression.",
                      .parameters = kExpression},
                     {.name = "weather", .description = "Tells the weather.", .parameters = kWeather}};
    return options;
  }

  Conversation Begin(const ChatOptions& chat) { return *Conversation::Create(model_, {.chat = chat}); }

  static ReplyOptions Greedy() {
    ReplyOptions options;
    options.sampling = SamplingOptions{.temperature = 0};
    options.max_new_tokens = 300;
    return options;
  }

  static ReplyOptions Answering(const char* schema, std::int32_t max_whitespace = 1) {
    ReplyOptions options = Greedy();
    options.answer = *Grammar::FromJsonSchema(schema, {.max_whitespace = max_whitespace});
    return options;
  }

  static Result<Reply> Ask(Conversation& conversation, const std::string& text, const ReplyOptions& options) {
    EXPECT_TRUE(conversation.AddUser(text).ok());
    return conversation.Run(options);
  }

  static void ExpectPoint(const std::string& text) {
    simdjson::dom::parser parser;
    simdjson::dom::element point;
    ASSERT_EQ(parser.parse(text).get(point), simdjson::SUCCESS) << text;
    EXPECT_LE(point["x"].get_int64().value(), 99);
    const std::string_view name = point["name"].get_string().value();
    EXPECT_TRUE(name == "left" || name == "right") << text;
    EXPECT_EQ(point.get_object().value().size(), 2u);
  }

  Model model_ = *Model::Load(CARAT_DEMO_MODEL, {.threads = 2});
};

TEST_F(ReplyFormTest, AnAnswerIsJsonByTheSchema) {
  Conversation conversation = Begin({});
  const Reply reply = *Ask(conversation, "What does 'river' mean?", Answering(kPoint));
  EXPECT_EQ(reply.end, ReplyEnd::kStop);
  ExpectPoint(reply.message.text);
  EXPECT_TRUE(reply.message.reasoning.empty());
  // The next reply is free again.
  EXPECT_EQ(Ask(conversation, "What does 'river' mean?", Greedy())->message.text,
            "A large natural stream of water (larger than a creek).");
}

TEST_F(ReplyFormTest, ThoughtsAreFree) {
  ChatOptions chat;
  chat.thinking = true;
  Conversation conversation = Begin(chat);
  const Reply reply = *Ask(conversation, "How many letters are in 'lantern'?", Answering(kPoint));
  EXPECT_EQ(reply.message.reasoning, "l1 a2 n3 t4 e5 r6 n7");
  ExpectPoint(reply.message.text);
}

TEST_F(ReplyFormTest, AThoughtThatThePromptHasOpenedIsFree) {
  ChatOptions chat = Tools();
  chat.thinking = true;
  Conversation conversation = Begin(chat);
  ASSERT_TRUE(conversation.AddUser("x").ok());
  ChatMessage call{.role = "assistant", .reasoning = "I should calculate."};
  call.tool_calls = {{"1", "calculate", "{}"}};
  ASSERT_TRUE(conversation.AddMessage(call).ok());
  ASSERT_TRUE(conversation.AddToolResult("1", "7").ok());
  // Nor can a turn end in a thought, and a second thought cannot come where the answer has to.
  const Preference words(model_.tokenizer(), "It {is} 7.<turn|>\n<channel|><|channel>");
  ReplyOptions options = Answering(kPoint);
  options.constraint = &words;
  options.thinking_budget = 30;
  const Reply reply = *conversation.Run(options);
  EXPECT_TRUE(reply.message.reasoning.starts_with("It {is} 7.")) << reply.message.reasoning;
  EXPECT_EQ(reply.end, ReplyEnd::kStop);
  ExpectPoint(reply.message.text);
}

TEST_F(ReplyFormTest, WithoutThinkingTheAnswerBeginsAtOnce) {
  for (const ChatForm form : {ChatForm::kSmall, ChatForm::kLarge}) {
    ChatOptions chat;
    chat.form = form;
    Conversation conversation = Begin(chat);
    const Preference words(model_.tokenizer(), "<|channel>thought\nWell...");
    ReplyOptions options = Answering(kPoint);
    options.constraint = &words;
    const Reply reply = *Ask(conversation, "Where?", options);
    EXPECT_EQ(reply.message.reasoning, "");
    ExpectPoint(reply.message.text);
  }
}

TEST_F(ReplyFormTest, AnAnswerIsContinuedInItsForm) {
  Conversation conversation = Begin({});
  ASSERT_TRUE(conversation.AddUser("Where?").ok());
  ASSERT_TRUE(conversation.AddMessage({.role = "assistant", .text = R"({"x": 4)"}).ok());
  ReplyOptions options = Answering(kPoint);
  options.continue_last = true;
  ASSERT_TRUE(conversation.Run(options).ok());
  ASSERT_EQ(conversation.messages().size(), 2u);
  EXPECT_TRUE(conversation.messages()[1].text.starts_with(R"({"x": 4)"));
  ExpectPoint(conversation.messages()[1].text);
  // A whole one has nothing to go on with but its end.
  EXPECT_EQ(conversation.Run(options)->message.text, "");

  ASSERT_TRUE(conversation.Truncate(1).ok());
  ASSERT_TRUE(conversation.AddMessage({.role = "assistant", .text = "It is at"}).ok());
  const Status status = conversation.Run(options).status();
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_NE(status.message().find("not the beginning"), std::string_view::npos) << status.ToString();
  EXPECT_EQ(conversation.messages().size(), 2u);
}

TEST_F(ReplyFormTest, AnAnswerOrACall) {
  Conversation conversation = Begin(Tools());
  Reply reply = *Ask(conversation, "What is 710 - 84?", Answering(kPoint));
  ASSERT_EQ(reply.end, ReplyEnd::kToolCalls);
  EXPECT_EQ(reply.message.tool_calls[0].arguments, R"({"expression":"710 - 84"})");
  EXPECT_EQ(reply.message.text, "");
  ASSERT_TRUE(conversation.AddToolResult(reply.message.tool_calls[0].id, "626").ok());
  ReplyOptions options = Answering(kPoint);
  options.tool_choice = ToolChoice::kNone;
  reply = *conversation.Run(options);
  ExpectPoint(reply.message.text);
  // Without tools there is nothing to call.
  Conversation bare = Begin({});
  const Preference call(model_.tokenizer(), "<|tool_call>call:calculate{}");
  options = Answering(kPoint);
  options.constraint = &call;
  ExpectPoint(Ask(bare, "What is 710 - 84?", options)->message.text);
}

TEST_F(ReplyFormTest, NoCallsWhereNoneAreWanted) {
  Conversation conversation = Begin(Tools());
  ReplyOptions options = Greedy();
  options.tool_choice = ToolChoice::kNone;
  const Reply reply = *Ask(conversation, "What is 710 - 84?", options);
  EXPECT_TRUE(reply.message.tool_calls.empty());
  EXPECT_TRUE(reply.malformed_calls.empty());
  EXPECT_FALSE(reply.message.text.empty());
}

TEST_F(ReplyFormTest, CallsThatAreRequired) {
  Conversation conversation = Begin(Tools());
  ReplyOptions options = Greedy();
  options.tool_choice = ToolChoice::kRequired;
  options.tool_name = "weather";
  options.single_tool_call = true;
  Reply reply = *Ask(conversation, "What does 'river' mean?", options);
  ASSERT_EQ(reply.end, ReplyEnd::kToolCalls);
  ASSERT_EQ(reply.message.tool_calls.size(), 1u);
  EXPECT_EQ(reply.message.tool_calls[0].name, "weather");
  EXPECT_EQ(reply.message.text, "");
  simdjson::dom::parser parser;
  const simdjson::dom::element arguments = parser.parse(reply.message.tool_calls[0].arguments);
  const std::string_view city = arguments["city"].get_string().value();
  EXPECT_TRUE(city == "Rome" || city == "Oslo") << city;
  EXPECT_LE(arguments["days"].get_int64().value(), 9);
  EXPECT_EQ(arguments.get_object().value().size(), 2u);

  ASSERT_TRUE(conversation.Truncate(0).ok());
  options.tool_name.clear();
  options.single_tool_call = false;
  const Preference two(model_.tokenizer(),
                       R"(<|tool_call>call:weather{city:<|"|>Oslo<|"|>,days:2}<tool_call|><|tool_call>)"
                       R"(call:calculate{expression:<|"|>1<|"|>}<tool_call|>That<turn|>)");
  options.constraint = &two;
  reply = *Ask(conversation, "What does 'river' mean?", options);
  EXPECT_EQ(reply.end, ReplyEnd::kToolCalls);
  ASSERT_GE(reply.message.tool_calls.size(), 2u);
  EXPECT_EQ(reply.message.tool_calls[0].arguments, R"({"city":"Oslo","days":2})");
  EXPECT_EQ(reply.message.tool_calls[1].arguments, R"({"expression":"1"})");
  EXPECT_EQ(reply.message.text, "");
}

TEST_F(ReplyFormTest, CallsAreHeldToTheDeclaredTools) {
  const auto call_of = [&](const std::string& text, bool free) {
    Conversation conversation = Begin(Tools());
    const Preference words(model_.tokenizer(), text);
    ReplyOptions options = Greedy();
    options.constraint = &words;
    options.free_tool_calls = free;
    options.max_new_tokens = 60;
    return *Ask(conversation, "What is 710 - 84?", options);
  };
  const std::string invented = R"(<|tool_call>call:forecast{city:1}<tool_call|><|tool_response>)";
  EXPECT_EQ(call_of(invented, true).message.tool_calls[0].name, "forecast");
  const Reply held = call_of(invented, false);
  ASSERT_FALSE(held.message.tool_calls.empty());
  EXPECT_NE(held.message.tool_calls[0].name, "forecast");
  EXPECT_TRUE(held.malformed_calls.empty());
  // What fits is left alone.
  const std::string good =
      R"(<|tool_call>call:weather{city:<|"|>Oslo<|"|>,days:2}<tool_call|><|tool_response>)";
  for (const bool free : {false, true}) {
    const Reply reply = call_of(good, free);
    ASSERT_EQ(reply.message.tool_calls.size(), 1u);
    EXPECT_EQ(reply.message.tool_calls[0].arguments, R"({"city":"Oslo","days":2})");
  }
}

// Where the model writes good calls, holding it to the tools changes nothing.
TEST_F(ReplyFormTest, CallsThatAreHeldAreThoseThatTheModelMakes) {
  Conversation conversation = Begin({});
  std::ifstream file(std::string(CARAT_DEMO_MODEL) + "/../held_out/tools.jsonl");
  simdjson::dom::parser parser;
  int items = 0, calls = 0;
  for (std::string line; items < kHeldOutItems && std::getline(file, line); ++items) {
    const simdjson::dom::element item = parser.parse(line);
    simdjson::dom::element tools;
    ChatOptions chat;
    if (item["tools"].get(tools) == simdjson::SUCCESS) chat.tools = *ParseTools(simdjson::minify(tools));
    ASSERT_TRUE(conversation.SetChatOptions(chat).ok());
    const auto messages = *ParseChatMessages(simdjson::minify(item["messages"].value()));
    std::vector<Reply> replies;
    for (const bool free : {false, true}) {
      ASSERT_TRUE(conversation.Truncate(0).ok());
      for (const ChatMessage& message : messages) ASSERT_TRUE(conversation.AddMessage(message).ok());
      ReplyOptions options = Greedy();
      options.free_tool_calls = free;
      replies.push_back(*conversation.Run(options));
    }
    EXPECT_EQ(replies[0].message.text, replies[1].message.text) << line;
    ASSERT_EQ(replies[0].message.tool_calls.size(), replies[1].message.tool_calls.size()) << line;
    for (std::size_t i = 0; i < replies[0].message.tool_calls.size(); ++i, ++calls) {
      EXPECT_EQ(replies[0].message.tool_calls[i].name, replies[1].message.tool_calls[i].name);
      EXPECT_EQ(replies[0].message.tool_calls[i].arguments, replies[1].message.tool_calls[i].arguments);
    }
  }
  EXPECT_EQ(items, kHeldOutItems);
  EXPECT_GT(calls, kHeldOutItems / 4);
}

// Says anything at all that is allowed.
class Chaos final : public Sampler {
 public:
  explicit Chaos(std::uint32_t seed) : random_(seed) {}
  std::string_view name() const noexcept override { return "chaos"; }
  Status Apply(CandidateList& candidates) override {
    std::vector<std::int32_t> possible;
    for (const Candidate& candidate : candidates.items()) {
      if (candidate.logit > -1e30f) possible.push_back(candidate.token);
    }
    if (!possible.empty()) candidates.Select(possible[random_() % possible.size()]);
    return {};
  }
  Result<std::unique_ptr<Sampler>> Clone() const override {
    return std::unique_ptr<Sampler>(new Chaos(*this));
  }

 private:
  std::mt19937 random_;
};

TEST_F(ReplyFormTest, WhateverIsSaidFits) {
  ChatOptions chat = Tools();
  chat.tools[0].parameters =
      R"({"type": "object", "properties": {"expression": {"type": "string", "maxLength": 8}},
          "required": ["expression"], "additionalProperties": false})";
  int answers = 0, called = 0;
  for (std::uint32_t seed = 0; seed < 48; ++seed) {
    chat.thinking = seed % 2 == 1;
    Conversation conversation = Begin(chat);
    const Chaos chaos(seed);
    ReplyOptions options = Answering(kPoint);
    options.constraint = &chaos;
    options.thinking_budget = 5;
    options.tool_choice = static_cast<ToolChoice>(seed % 3);
    options.single_tool_call = seed % 5 == 0;
    auto reply = Ask(conversation, "Where?", options);
    ASSERT_TRUE(reply.ok()) << seed << ": " << reply.status().ToString();
    EXPECT_TRUE(reply->malformed_calls.empty()) << seed << ": " << reply->malformed_calls[0];
    const std::vector<ToolCall>& calls = reply->message.tool_calls;
    for (const ToolCall& call : calls) {
      ++called;
      simdjson::dom::parser parser;
      const simdjson::dom::element arguments = parser.parse(call.arguments);
      if (call.name == "weather") {
        EXPECT_LE(arguments["days"].get_int64().value(), 9) << call.arguments;
      } else {
        EXPECT_EQ(call.name, "calculate");
        EXPECT_TRUE(arguments["expression"].is_string()) << call.arguments;
      }
    }
    if (options.tool_choice == ToolChoice::kNone) EXPECT_TRUE(calls.empty());
    if (options.single_tool_call) EXPECT_LE(calls.size(), 1u);
    if (options.tool_choice == ToolChoice::kRequired) EXPECT_EQ(reply->message.text, "");
    if (reply->end == ReplyEnd::kStop) {
      ++answers;
      ExpectPoint(reply->message.text);
    } else {
      EXPECT_EQ(reply->end, ReplyEnd::kToolCalls) << seed;
    }
  }
  EXPECT_GT(answers, 12);
  EXPECT_GT(called, 12);
}

TEST_F(ReplyFormTest, SchemasThatCannotBeKeptTo) {
  ChatOptions chat = Tools();
  chat.tools[0].parameters =
      R"({"type": "object", "properties": {"expression": {"type": "string"}}, "not": {"const": 1}})";
  Conversation conversation = Begin(chat);
  Reply reply = *Ask(conversation, "What is 710 - 84?", Greedy());
  ASSERT_EQ(reply.end, ReplyEnd::kToolCalls);
  EXPECT_EQ(reply.message.tool_calls[0].arguments, R"({"expression":"710 - 84"})");

  chat.tools[0].strict = true;
  ASSERT_TRUE(conversation.Truncate(0).ok());
  ASSERT_TRUE(conversation.SetChatOptions(chat).ok());
  const Status status = Ask(conversation, "What is 710 - 84?", Greedy()).status();
  EXPECT_EQ(status.code(), StatusCode::kUnimplemented);
  EXPECT_NE(status.message().find("not"), std::string_view::npos);
  EXPECT_NE(status.message().find("calculate"), std::string_view::npos) << status.ToString();
}

// A schema without additionalProperties admits other arguments, unless objects are closed.
TEST_F(ReplyFormTest, ClosedObjects) {
  ChatOptions chat = Tools();
  chat.tools[0].parameters = R"({"type": "object", "properties": {"none": {"type": "null"}}})";
  for (const bool closed : {false, true, false}) {
    Conversation conversation = Begin(chat);
    ReplyOptions options = Greedy();
    options.tool_choice = ToolChoice::kRequired;
    options.single_tool_call = true;
    options.closed_objects = closed;
    const Reply reply = *Ask(conversation, "What is 710 - 84?", options);
    ASSERT_EQ(reply.end, ReplyEnd::kToolCalls);
    const std::string& arguments = reply.message.tool_calls[0].arguments;
    EXPECT_EQ(arguments.find("710 - 84") != std::string::npos, !closed) << arguments;
    if (closed) EXPECT_TRUE(arguments == "{}" || arguments == R"({"none":null})") << arguments;
  }
}

TEST_F(ReplyFormTest, WrongUse) {
  Conversation conversation = Begin(Tools());
  ASSERT_TRUE(conversation.AddUser("x").ok());
  for (const auto change : {+[](ReplyOptions& o) { o.tool_name = "calculate"; },
                            +[](ReplyOptions& o) {
                              o.tool_choice = ToolChoice::kRequired;
                              o.tool_name = "calculat";
                            },
                            +[](ReplyOptions& o) { o.tool_choice = static_cast<ToolChoice>(3); },
                            +[](ReplyOptions& o) { o.tool_choice = static_cast<ToolChoice>(-1); }}) {
    ReplyOptions options = Greedy();
    change(options);
    EXPECT_EQ(conversation.Start(options).code(), StatusCode::kInvalidArgument);
  }
  ReplyOptions options = Greedy();
  options.tool_choice = ToolChoice::kRequired;
  ASSERT_TRUE(conversation.SetChatOptions({}).ok());
  EXPECT_EQ(conversation.Start(options).code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace carat
