// Conversations with the demo checkpoint, which was taught to call its tools and to think.
#include "carat/conversation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

namespace carat {
namespace {

constexpr char kExpression[] =
    R"({"type": "object", "properties": {"expression": {"type": "string", "description": "The expression."}},
        "required": ["expression"]})";

ChatOptions Calculator() {
  ChatOptions options;
  options.tools = {
      {.name = "calculate", .description = "Evaluates an arithmetic expression.", .parameters = kExpression}};
  return options;
}

ChatOptions Thinking() {
  ChatOptions options;
  options.thinking = true;
  return options;
}

// Says what it was told to say.
class Script final : public Sampler {
 public:
  Script(const Tokenizer& tokenizer, const std::string& text)
      : tokens_(*tokenizer.Encode(text, {.parse_special = true})) {}
  std::string_view name() const noexcept override { return "script"; }
  Status Apply(CandidateList& candidates) override {
    candidates.Select(tokens_[next_++ % tokens_.size()]);
    return {};
  }
  Result<std::unique_ptr<Sampler>> Clone() const override {
    return std::unique_ptr<Sampler>(new Script(*this));
  }

 private:
  std::vector<std::int32_t> tokens_;
  std::size_t next_ = 0;
};

class ConversationTest : public testing::Test {
 protected:
  Conversation Begin(const ChatOptions& chat, const SessionOptions& session = {}) {
    auto conversation = Conversation::Create(model_, {.chat = chat, .session = session});
    EXPECT_TRUE(conversation.ok()) << conversation.status().ToString();
    return *std::move(conversation);
  }

  static ReplyOptions Greedy() {
    ReplyOptions options;
    options.sampling = SamplingOptions{.temperature = 0};
    return options;
  }

  static Reply Ask(Conversation& conversation, const std::string& text,
                   const ReplyOptions& options = Greedy()) {
    EXPECT_TRUE(conversation.AddUser(text).ok());
    auto reply = conversation.Run(options);
    EXPECT_TRUE(reply.ok()) << reply.status().ToString();
    return *std::move(reply);
  }

  Model model_ = *Model::Load(CARAT_DEMO_MODEL, {.threads = 2});
};

TEST_F(ConversationTest, CallsItsCalculatorAndAnswers) {
  Conversation conversation = Begin(Calculator());
  Reply reply = Ask(conversation, "What is 710 - 84?");
  ASSERT_EQ(reply.end, ReplyEnd::kToolCalls);
  ASSERT_EQ(reply.message.tool_calls.size(), 1u);
  const ToolCall call = reply.message.tool_calls[0];
  EXPECT_EQ(call.name, "calculate");
  EXPECT_EQ(call.arguments, R"({"expression":"710 - 84"})");
  EXPECT_EQ(conversation.AddToolResult("nonsense", "1").code(), StatusCode::kNotFound);
  EXPECT_EQ(conversation.Start().code(), StatusCode::kFailedPrecondition);  // the result is missing
  ASSERT_TRUE(conversation.AddToolResult(call.id, "626").ok());
  reply = *conversation.Run(Greedy());
  EXPECT_EQ(reply.end, ReplyEnd::kStop);
  EXPECT_NE(reply.message.text.find("626"), std::string::npos) << reply.message.text;
  // All but the newest part of the prompt was there already.
  EXPECT_GT(reply.stats.reused_tokens, reply.stats.prompt_tokens - 30);
  EXPECT_EQ(conversation.messages().size(), 4u);

  reply = Ask(conversation, "What is 5 + 6?");
  ASSERT_EQ(reply.message.tool_calls.size(), 1u);
  EXPECT_NE(reply.message.tool_calls[0].id, call.id);
}

TEST_F(ConversationTest, EventsMakeTheReply) {
  Conversation conversation = Begin(Thinking());
  ASSERT_TRUE(conversation.AddUser("How many letters are in 'lantern'?").ok());
  ASSERT_TRUE(conversation.Start(Greedy()).ok());
  EXPECT_EQ(conversation.AddUser("x").code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(conversation.Truncate(0).code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(conversation.SetChatOptions({}).code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(conversation.Start().code(), StatusCode::kFailedPrecondition);
  std::string thought, answer;
  for (;;) {
    const auto event = conversation.Next();
    ASSERT_TRUE(event.ok()) << event.status().ToString();
    if (event->kind == ReplyEventKind::kThought) thought += event->text;
    if (event->kind == ReplyEventKind::kAnswer) answer += event->text;
    if (event->kind == ReplyEventKind::kEnd) break;
  }
  EXPECT_EQ(thought, "l1 a2 n3 t4 e5 r6 n7");
  EXPECT_EQ(answer, "lantern has 7 letters.");
  EXPECT_EQ(conversation.messages().back().reasoning, thought);
  EXPECT_EQ(conversation.messages().back().text, answer);
  EXPECT_EQ(conversation.Next().status().code(), StatusCode::kFailedPrecondition);
  EXPECT_GT(conversation.stats().thought_tokens, 10);
  EXPECT_LT(conversation.stats().thought_tokens, conversation.stats().generated_tokens);
}

// What a conversation without any cache would answer.
std::vector<std::int32_t> PromptOf(const Model& model, const Conversation& conversation) {
  const auto prompt = RenderPrompt(model, conversation.messages(), conversation.chat_options());
  return {prompt->tokens().begin(), prompt->tokens().end()};
}

TEST_F(ConversationTest, DroppedThoughtsCostOnlyWhatFollowedThem) {
  // So little room in the rings that the thoughts overwrite the window before them.
  Conversation conversation = Begin(Thinking(), {.prompt_chunk = 1});
  std::string filler;
  for (int i = 0; i < 30; ++i) filler += "Many words come before the question. ";
  ASSERT_TRUE(conversation.AddMessage({.role = "system", .text = filler}).ok());
  std::string thought;
  for (int i = 0; i < 60; ++i) thought += "Let me think about that. ";
  const Script script(model_.tokenizer(),
                      "<|channel>thought\n" + thought + "\n<channel|>I do not know.<turn|>");
  ReplyOptions options = Greedy();
  options.constraint = &script;
  Reply reply = Ask(conversation, "Why?", options);
  EXPECT_EQ(reply.message.text, "I do not know.");
  const std::int64_t first_prompt = reply.stats.prompt_tokens;
  ASSERT_GT(first_prompt, model_.info().sliding_window);
  ASSERT_GT(reply.stats.thought_tokens, 2 * model_.info().sliding_window);
  reply = Ask(conversation, "Why not?", options);
  EXPECT_EQ(reply.message.text, "I do not know.");
  // All up to where the thought had begun, but for the token before it.
  EXPECT_EQ(reply.stats.reused_tokens, first_prompt - 1);
  // And the session has read exactly what the form says.
  ASSERT_TRUE(conversation.Truncate(4).ok());
  const std::vector<std::int32_t> prompt = PromptOf(model_, conversation);
  const auto read = conversation.session().tokens();
  ASSERT_GT(read.size(), prompt.size());
  EXPECT_TRUE(std::equal(prompt.begin(), prompt.end(), read.begin()));
}

TEST_F(ConversationTest, ThoughtsOfTheToolLoopStay) {
  ChatOptions options = Calculator();
  options.thinking = true;
  Conversation conversation = Begin(options);
  ASSERT_TRUE(conversation.AddUser("x").ok());
  ChatMessage call{.role = "assistant", .reasoning = "I should calculate."};
  call.tool_calls = {{"1", "calculate", "{}"}};
  ASSERT_TRUE(conversation.AddMessage(call).ok());
  ASSERT_TRUE(conversation.AddToolResult("1", "7").ok());
  // The prompt opens a thought, so what comes is one.
  const Script script(model_.tokenizer(), "It is 7.\n<channel|>Seven.<turn|>");
  ReplyOptions reply_options = Greedy();
  reply_options.constraint = &script;
  const Reply reply = *conversation.Run(reply_options);
  EXPECT_EQ(reply.end, ReplyEnd::kStop);
  EXPECT_EQ(reply.message.reasoning, "It is 7.");
  EXPECT_EQ(reply.message.text, "Seven.");
  const std::string text = *model_.tokenizer().Decode(
      {conversation.session().tokens().begin(), conversation.session().tokens().end()});
  EXPECT_NE(text.find("<|channel>thought\nI should calculate.\n<channel|><|tool_call>"), std::string::npos)
      << text;
}

TEST_F(ConversationTest, AThinkingBudgetClosesTheThought) {
  for (const std::int64_t budget : {0, 1, 6}) {
    Conversation conversation = Begin(Thinking());
    ReplyOptions options = Greedy();
    options.thinking_budget = budget;
    options.max_new_tokens = 60;
    const Reply reply = Ask(conversation, "How many letters are in 'individualized'?", options);
    EXPECT_EQ(reply.stats.thought_tokens, budget);
    EXPECT_EQ(reply.message.reasoning.empty(), budget == 0) << reply.message.reasoning;
    EXPECT_FALSE(reply.message.text.empty());
    const std::string read = *model_.tokenizer().Decode(conversation.session().tokens());
    EXPECT_NE(read.find(budget == 0 ? "<|channel>thought\n<channel|>" : "\n<channel|>"), std::string::npos)
        << read;
  }
}

TEST_F(ConversationTest, EndsForEveryReason) {
  Conversation conversation = Begin({});
  ReplyOptions options = Greedy();
  options.max_new_tokens = 3;
  EXPECT_EQ(Ask(conversation, "What does 'river' mean?", options).end, ReplyEnd::kLimit);
  options.max_new_tokens = 0;
  EXPECT_EQ(Ask(conversation, "What does 'river' mean?", options).end, ReplyEnd::kLimit);

  ASSERT_TRUE(conversation.Truncate(0).ok());
  options = Greedy();
  options.stop_strings = {"of water"};
  Reply reply = Ask(conversation, "What does 'river' mean?", options);
  EXPECT_EQ(reply.end, ReplyEnd::kStop);
  EXPECT_EQ(reply.message.text, "A large natural stream ");

  ASSERT_TRUE(conversation.Truncate(0).ok());
  ASSERT_TRUE(conversation.AddUser("What does 'river' mean?").ok());
  std::string text;
  reply = *conversation.Run(Greedy(), [&](const ReplyEvent& event) {
    text += event.text;
    return text.size() < 10;
  });
  EXPECT_EQ(reply.end, ReplyEnd::kCancelled);
  EXPECT_EQ(reply.message.text, text);
  EXPECT_EQ(conversation.messages().back().text, text);

  Conversation small = Begin({}, {.context_size = 20});
  EXPECT_EQ(Ask(small, "What does 'river' mean?").end, ReplyEnd::kContextFull);
  ASSERT_TRUE(small.AddUser("And 'ocean'?").ok());
  EXPECT_EQ(small.Run(Greedy()).status().code(), StatusCode::kResourceExhausted);
}

TEST_F(ConversationTest, AnEndlessLoopEnds) {
  const Script two(model_.tokenizer(), "ab");
  Conversation conversation = Begin({});
  ReplyOptions options = Greedy();
  options.constraint = &two;
  options.loop_tokens = 24;
  options.max_new_tokens = 100;
  Reply reply = Ask(conversation, "Hello!", options);
  EXPECT_EQ(reply.end, ReplyEnd::kLoop);
  EXPECT_EQ(reply.stats.generated_tokens, 24);
  options.loop_tokens = 0;
  EXPECT_EQ(Ask(conversation, "Hello!", options).end, ReplyEnd::kLimit);
}

TEST_F(ConversationTest, AnAnswerIsContinued) {
  Conversation conversation = Begin({});
  ASSERT_TRUE(conversation.AddUser("What does 'river' mean?").ok());
  ASSERT_TRUE(conversation.AddMessage({.role = "assistant", .text = "A large natural"}).ok());
  ReplyOptions options = Greedy();
  options.continue_last = true;
  const Reply reply = *conversation.Run(options);
  EXPECT_EQ(reply.message.text, " stream of water (larger than a creek).");
  ASSERT_EQ(conversation.messages().size(), 2u);
  EXPECT_EQ(conversation.messages()[1].text, "A large natural stream of water (larger than a creek).");
}

TEST_F(ConversationTest, CancelFromAnotherThread) {
  Conversation conversation = Begin({});
  ASSERT_TRUE(conversation.AddUser("Recite Psalm 23.").ok());
  ASSERT_TRUE(conversation.Start(Greedy()).ok());
  std::thread other([&] { conversation.Cancel(); });
  ReplyEvent event;
  do {
    event = *conversation.Next();
  } while (event.kind != ReplyEventKind::kEnd);
  other.join();
  // Unless it was so late that the answer had ended.
  if (event.end == ReplyEnd::kStop) conversation.ClearCancel();
  EXPECT_TRUE(event.end == ReplyEnd::kCancelled || event.end == ReplyEnd::kStop);
  conversation.Cancel();
  ASSERT_TRUE(conversation.Truncate(1).ok());
  EXPECT_EQ(conversation.Start(Greedy()).code(), StatusCode::kCancelled);
  EXPECT_TRUE(conversation.Start(Greedy()).ok());
  EXPECT_TRUE(conversation.Stop().ok());
  EXPECT_EQ(conversation.messages().size(), 2u);
}

TEST_F(ConversationTest, PicturesAreToldApart) {
  const std::int64_t width = model_.info().hidden_size;
  const auto picture = [&](float value) {
    const std::vector<float> rows(static_cast<std::size_t>(4 * width), value);
    return *SoftTokens::FromRows(model_, MediaKind::kImage, rows);
  };
  const auto message = [](const SoftTokens& media) {
    ChatMessage user{.role = "user"};
    user.parts = {MediaPart(media), {.text = "Describe this image."}};
    return user;
  };
  Conversation conversation = Begin({});
  ReplyOptions options = Greedy();
  options.max_new_tokens = 4;
  const SoftTokens one = picture(0.1f);
  ASSERT_TRUE(conversation.AddMessage(message(one)).ok());
  const Reply first = *conversation.Run(options);
  // The same again is in the cache, another one is not.
  ASSERT_TRUE(conversation.Truncate(0).ok());
  ASSERT_TRUE(conversation.AddMessage(message(one)).ok());
  EXPECT_EQ(conversation.Run(options)->stats.reused_tokens, first.stats.prompt_tokens - 1);
  ASSERT_TRUE(conversation.Truncate(0).ok());
  ASSERT_TRUE(conversation.AddMessage(message(picture(-0.1f))).ok());
  EXPECT_LT(conversation.Run(options)->stats.reused_tokens, 8);
}

TEST_F(ConversationTest, WrongUse) {
  EXPECT_EQ(Conversation::Create(*Model::Load(std::string(CARAT_TEST_DATA) + "/tiny-e2b"),
                                 {.session = {.context_size = -1}})
                .status()
                .code(),
            StatusCode::kInvalidArgument);
  Conversation conversation = Begin({});
  EXPECT_EQ(conversation.AddMessage({}).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(conversation.Truncate(1).code(), StatusCode::kOutOfRange);
  EXPECT_EQ(conversation.AddToolResult("1", "x").code(), StatusCode::kNotFound);
  ASSERT_TRUE(conversation.AddUser("x").ok());
  for (const auto change :
       {+[](ReplyOptions& o) { o.thinking_budget = -2; }, +[](ReplyOptions& o) { o.loop_tokens = -1; },
        +[](ReplyOptions& o) { o.stop_strings = {""}; }, +[](ReplyOptions& o) { o.max_new_tokens = -2; },
        +[](ReplyOptions& o) { o.continue_last = true; }}) {
    ReplyOptions options = Greedy();
    change(options);
    EXPECT_EQ(conversation.Start(options).code(), StatusCode::kInvalidArgument);
  }
  EXPECT_TRUE(conversation.Stop().ok());
  EXPECT_EQ(conversation.messages().size(), 1u);
  Conversation moved = std::move(conversation);
  EXPECT_EQ(conversation.Start().code(), StatusCode::kFailedPrecondition);  // NOLINT(bugprone-use-after-move)
  EXPECT_TRUE(conversation.messages().empty());
  EXPECT_EQ(conversation.session().position(), 0);
}

}  // namespace
}  // namespace carat
