// Replies, token by token, on the demo checkpoint's tokenizer.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "carat/chat.h"

namespace carat {
namespace {

using Expected = std::vector<std::string>;

class ReplyParserTest : public testing::Test {
 protected:
  // "answer 'x'" and the like, one word and text for each event.
  std::vector<std::string> Events(const std::string& reply, ReplyParserOptions options = {},
                                  ReplyEnd finish = ReplyEnd::kLimit) {
    ReplyParser parser(tokenizer_, options);
    std::vector<std::string> events;
    const std::vector<std::int32_t> ids = *tokenizer_.Encode(reply, {.parse_special = true});
    for (const std::int32_t id : ids) {
      const Status status = parser.Feed(id);
      EXPECT_TRUE(status.ok()) << status.ToString();
      Take(parser, events);
    }
    EXPECT_TRUE(parser.Finish(finish).ok());
    Take(parser, events);
    return events;
  }

  static void Take(ReplyParser& parser, std::vector<std::string>& events) {
    while (const auto event = parser.NextEvent()) {
      std::string text = Words(*event);
      // Texts in a row are one, however the tokens parted them.
      const std::string head = text.substr(0, text.find('\'') + 1);
      const bool grows = event->kind == ReplyEventKind::kThought || event->kind == ReplyEventKind::kAnswer ||
                         event->kind == ReplyEventKind::kToolCallArguments;
      if (grows && !events.empty() && events.back().starts_with(head)) {
        events.back().pop_back();
        events.back() += text.substr(head.size());
      } else {
        events.push_back(std::move(text));
      }
    }
  }

  static std::string Words(const ReplyEvent& event) {
    const std::string index = std::to_string(event.index);
    switch (event.kind) {
      case ReplyEventKind::kThought:
        return "thought '" + event.text + "'";
      case ReplyEventKind::kAnswer:
        return "answer '" + event.text + "'";
      case ReplyEventKind::kToolCallBegin:
        return "begin " + index;
      case ReplyEventKind::kToolCallName:
        return "name " + index + " " + event.call.name;
      case ReplyEventKind::kToolCallArguments:
        return "arguments " + index + " '" + event.text + "'";
      case ReplyEventKind::kToolCall:
        return "call " + index + " " + event.call.name + " " + event.call.arguments;
      case ReplyEventKind::kMalformedToolCall:
        return "malformed " + index + " " + event.text;
      case ReplyEventKind::kEnd:
        return "end " + std::to_string(static_cast<int>(event.end));
    }
    return "";
  }

  Tokenizer tokenizer_ = *Tokenizer::Load(CARAT_DEMO_MODEL);
};

TEST_F(ReplyParserTest, PlainAnswer) {
  EXPECT_EQ(Events("Hello, you!\n<turn|>"), (Expected{"answer 'Hello, you!\n'", "end 1"}));
  EXPECT_EQ(Events("Hello<eos>"), (Expected{"answer 'Hello'", "end 1"}));
  EXPECT_EQ(Events("Hello"), (Expected{"answer 'Hello'", "end 3"}));
  EXPECT_EQ(Events("Hello", {}, ReplyEnd::kCancelled), (Expected{"answer 'Hello'", "end 5"}));
  EXPECT_EQ(Events("<turn|>"), (Expected{"end 1"}));
  EXPECT_EQ(Events("\U0001F642\u00E9"), (Expected{"answer '\U0001F642\u00E9'", "end 3"}));
}

TEST_F(ReplyParserTest, Thought) {
  EXPECT_EQ(Events("<|channel>thought\na\nb\n<channel|>c<turn|>"),
            (Expected{"thought 'a\nb'", "answer 'c'", "end 1"}));
  EXPECT_EQ(Events("<|channel>thought\n<channel|>c<turn|>"), (Expected{"answer 'c'", "end 1"}));
  EXPECT_EQ(Events("<|channel>thought<channel|>c<turn|>"), (Expected{"answer 'c'", "end 1"}));
  EXPECT_EQ(Events("<|channel>thoughts\n<channel|>c<turn|>"),
            (Expected{"thought 'thoughts'", "answer 'c'", "end 1"}));
  EXPECT_EQ(Events("<|channel>th"), (Expected{"thought 'th'", "end 3"}));
  EXPECT_EQ(Events("<|channel>thought\na"), (Expected{"thought 'a'", "end 3"}));
  EXPECT_EQ(Events("<|channel>thought\na\n\n<channel|>"), (Expected{"thought 'a\n'", "end 3"}));
  EXPECT_EQ(Events("a\n<channel|>b<turn|>", {.in_thought = true}),
            (Expected{"thought 'a'", "answer 'b'", "end 1"}));
  // Two of them, one without its end.
  EXPECT_EQ(Events("<|channel>thought\na<|channel>thought\nb<channel|>c"),
            (Expected{"thought 'ab'", "answer 'c'", "end 3"}));
}

TEST_F(ReplyParserTest, ToolCall) {
  const std::string call = "<|tool_call>call:calculate{expression:<|\"|>2 + 2<|\"|>}<tool_call|>";
  const Expected events = {"begin 0", "name 0 calculate", "arguments 0 '{\"expression\":\"2 + 2\"}'",
                           "call 0 calculate {\"expression\":\"2 + 2\"}", "end 2"};
  EXPECT_EQ(Events(call + "<|tool_response>"), events);
  EXPECT_EQ(Events(call + "<turn|>"), events);
  EXPECT_EQ(Events(call).back(), "end 3");
  EXPECT_EQ(Events("<|tool_response>"), (Expected{"end 1"}));
  EXPECT_EQ(Events("<|channel>thought\nx<channel|>Wait." + call +
                   "<|tool_call>call:p{}<tool_call|>!<|tool_response>"),
            (Expected{"thought 'x'", "answer 'Wait.'", events[0], events[1], events[2], events[3], "begin 1",
                      "name 1 p", "arguments 1 '{}'", "call 1 p {}", "answer '!'", "end 2"}));
}

TEST_F(ReplyParserTest, ArgumentsKeepTheirTypes) {
  EXPECT_EQ(
      Events("<|tool_call>call:f{a:1,b:2.50,c:true,d:null,e:[<|\"|>x<|\"|>],g:{h:<|\"|>\"\\\n<|\"|>}}<tool_"
             "call|>")
          .at(3),
      "call 0 f {\"a\":1,\"b\":2.50,\"c\":true,\"d\":null,\"e\":[\"x\"],\"g\":{\"h\":\"\\\"\\\\\\n\"}}");
}

TEST_F(ReplyParserTest, MalformedCallsComeWithTheirText) {
  EXPECT_EQ(Events("<|tool_call>call:f{a:x}<tool_call|>b<turn|>"),
            (Expected{"begin 0", "name 0 f", "arguments 0 '{\"a\":'", "malformed 0 call:f{a:x}", "answer 'b'",
                      "end 1"}));
  EXPECT_EQ(Events("<|tool_call>call:f{a:<|\"|>x<turn|>").at(3), "malformed 0 call:f{a:<|\"|>x");
  EXPECT_EQ(Events("<|tool_call>what?<|tool_call>call:p{}<tool_call|><|tool_response>"),
            (Expected{"begin 0", "malformed 0 what?", "begin 1", "name 1 p", "arguments 1 '{}'",
                      "call 1 p {}", "end 2"}));
  EXPECT_EQ(Events("<|tool_call>call:f{<|image|>}<tool_call|>").at(3), "malformed 0 call:f{<|image|>}");
  EXPECT_EQ(Events("<|tool_call>"), (Expected{"begin 0", "malformed 0 ", "end 3"}));
  EXPECT_EQ(Events("<|tool_call>call:f{a<|channel>thought\nb<channel|>c<turn|>"),
            (Expected{"begin 0", "name 0 f", "arguments 0 '{'", "malformed 0 call:f{a", "thought 'b'",
                      "answer 'c'", "end 1"}));
}

TEST_F(ReplyParserTest, QuotedMarkersAreText) {
  ReplyParser parser(tokenizer_);
  const std::vector<std::int32_t> ids = *tokenizer_.Encode("a <turn|> <|tool_call>");
  for (const std::int32_t id : ids) ASSERT_TRUE(parser.Feed(id).ok());
  ASSERT_TRUE(parser.Finish(ReplyEnd::kStop).ok());
  std::vector<std::string> events;
  Take(parser, events);
  EXPECT_EQ(events, (Expected{"answer 'a <turn|> <|tool_call>'", "end 1"}));
}

TEST_F(ReplyParserTest, StrayControlTokensAreNoText) {
  EXPECT_EQ(Events("a<channel|>b<|think|>c<|\"|>d<tool_call|>e<|image|><bos>f<|turn>g"),
            (Expected{"answer 'abcdefg'", "end 3"}));
}

TEST_F(ReplyParserTest, WrongUse) {
  ReplyParser parser(tokenizer_);
  EXPECT_EQ(parser.Feed(-1).code(), StatusCode::kOutOfRange);
  EXPECT_EQ(parser.Feed(tokenizer_.vocabulary_size()).code(), StatusCode::kOutOfRange);
  EXPECT_EQ(parser.Finish(ReplyEnd::kNone).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(parser.end(), ReplyEnd::kNone);
  ASSERT_TRUE(parser.Finish(ReplyEnd::kStop).ok());
  ASSERT_TRUE(parser.Finish(ReplyEnd::kLimit).ok());
  EXPECT_EQ(parser.end(), ReplyEnd::kStop);
  EXPECT_EQ(parser.Feed(100).code(), StatusCode::kFailedPrecondition);
  ReplyParser moved = std::move(parser);
  EXPECT_EQ(parser.Feed(100).code(), StatusCode::kFailedPrecondition);  // NOLINT(bugprone-use-after-move)
  EXPECT_FALSE(parser.NextEvent().has_value());
}

TEST_F(ReplyParserTest, SaysWhereItIs) {
  ReplyParser parser(tokenizer_);
  EXPECT_FALSE(parser.in_thought());
  ASSERT_TRUE(parser.Feed(*tokenizer_.IdOf("<|channel>")).ok());
  EXPECT_TRUE(parser.in_thought());
  ASSERT_TRUE(parser.Feed(*tokenizer_.IdOf("<channel|>")).ok());
  EXPECT_FALSE(parser.in_thought());
}

}  // namespace
}  // namespace carat
