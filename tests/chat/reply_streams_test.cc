// Random streams of tokens: nothing crashes, no text is lost, none is broken.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "carat/chat.h"
#include "lib/base/json_tree.h"
#include "lib/base/utf8.h"

namespace carat {
namespace {

class ReplyStreamsTest : public testing::Test {
 protected:
  std::int32_t Id(const char* piece) const { return *tokenizer_.IdOf(piece); }

  // Tokens as a confused model might write them: control tokens, bytes, marks of calls, and words.
  std::vector<std::int32_t> RandomStream(std::mt19937& random) const {
    static const std::vector<std::string> kCalls = {
        "call:", "f{", "a:", "1", ",", "}", "[", "]", "true", "{", "thought\n", "\n", "call:get{city:"};
    const std::vector<std::int32_t> controls = {
        Id("<|channel>"), Id("<channel|>"), Id("<|tool_call>"), Id("<tool_call|>"), Id("<|\"|>"),
        Id("<|\"|>"),     Id("<|turn>"),    Id("<|think|>"),    Id("<|image|>"),    Id("<tool_response|>")};
    std::vector<std::int32_t> stream;
    const auto below = [&random](std::size_t n) {
      return std::uniform_int_distribution<std::size_t>(0, n - 1)(random);
    };
    const std::size_t length = below(60);
    while (stream.size() < length) {
      switch (below(6)) {
        case 0:
          stream.push_back(controls[below(controls.size())]);
          break;
        case 1: {
          const auto ids = *tokenizer_.Encode(kCalls[below(kCalls.size())]);
          stream.insert(stream.end(), ids.begin(), ids.end());
          break;
        }
        case 2: {
          const auto ids = *tokenizer_.Encode("<|tool_call>call:f{a:1,b:<|\"|>\u00E9\n<|\"|>}<tool_call|>",
                                              {.parse_special = true});
          stream.insert(stream.end(), ids.begin(), ids.end());
          break;
        }
        case 3: {
          char piece[16];
          std::snprintf(piece, sizeof piece, "<0x%02X>", static_cast<unsigned>(below(256)));
          if (const auto id = tokenizer_.IdOf(piece)) stream.push_back(*id);
          break;
        }
        default:
          stream.push_back(
              static_cast<std::int32_t>(below(static_cast<std::size_t>(tokenizer_.vocabulary_size()))));
      }
    }
    return stream;
  }

  // What the stream says, read in a simpler way: control tokens part it, and everything that is none is text,
  // but for the names of channels and the newline before their ends; in a call, control tokens are text too.
  // `in_channel`: it begins in a thought. False if that is too much for this reading.
  bool Read(const std::vector<std::int32_t>& stream, bool in_channel, std::string& text,
            std::vector<std::string>& calls) const {
    std::string run;
    bool in_call = false, named = false;
    std::vector<std::int32_t> ids;
    const auto flush = [&] {
      run = *tokenizer_.Decode(ids);
      ids.clear();
      if (in_call) {
        calls.back() += run;
        return;
      }
      if (in_channel && named) {
        if (run == "thought") run.clear();
        if (run.starts_with("thought\n")) run.erase(0, 8);
      }
      text += run;
    };
    const auto close_channel = [&] {
      if (in_channel && !text.empty() && run.ends_with('\n')) text.pop_back();
      in_channel = false;
    };
    for (const std::int32_t id : stream) {
      if (!tokenizer_.IsSpecial(id)) {
        ids.push_back(id);
        continue;
      }
      if (in_channel && id != Id("<|channel>") && id != Id("<channel|>") && id != Id("<|tool_call>") &&
          !Ends(id)) {
        // A stray token parts bytes, not the text of a thought: too much for this reading.
        return false;
      }
      flush();
      if (Ends(id)) {
        close_channel();
        return true;
      }
      if (id == Id("<|channel>")) {
        close_channel();
        in_call = false;
        in_channel = named = true;
      } else if (id == Id("<channel|>") && !in_call) {
        close_channel();
      } else if (id == Id("<|tool_call>")) {
        close_channel();
        in_call = true;
        calls.emplace_back();
      } else if (id == Id("<tool_call|>")) {
        in_call = false;
      } else if (in_call) {
        calls.back() += tokenizer_.Piece(id);
      }
    }
    flush();
    close_channel();
    return true;
  }

  bool Ends(std::int32_t id) const {
    return id == Id("<turn|>") || id == Id("<eos>") || id == Id("<|tool_response>");
  }

  Tokenizer tokenizer_ = *Tokenizer::Load(CARAT_DEMO_MODEL);
};

struct Outcome {
  std::string text;                                                  // thoughts and answers
  std::vector<std::string> arguments;                                // of each call, put together
  std::vector<std::pair<std::size_t, std::string>> malformed_texts;  // with the calls' indices
  std::size_t begun = 0, complete = 0, malformed = 0, ends = 0;
};

void Take(ReplyParser& parser, Outcome& outcome) {
  while (const auto event = parser.NextEvent()) {
    EXPECT_TRUE(internal::IsValidUtf8(event->text));
    EXPECT_EQ(outcome.ends, 0u);
    switch (event->kind) {
      case ReplyEventKind::kThought:
      case ReplyEventKind::kAnswer:
        EXPECT_FALSE(event->text.empty());
        outcome.text += event->text;
        break;
      case ReplyEventKind::kToolCallBegin:
        EXPECT_EQ(static_cast<std::size_t>(event->index), outcome.begun);
        ++outcome.begun;
        outcome.arguments.emplace_back();
        break;
      case ReplyEventKind::kToolCallName:
        EXPECT_FALSE(event->call.name.empty());
        break;
      case ReplyEventKind::kToolCallArguments:
        outcome.arguments.at(static_cast<std::size_t>(event->index)) += event->text;
        break;
      case ReplyEventKind::kToolCall: {
        ++outcome.complete;
        EXPECT_EQ(outcome.arguments.at(static_cast<std::size_t>(event->index)), event->call.arguments);
        const auto json = internal::JsonTree::Parse(event->call.arguments, "arguments");
        EXPECT_TRUE(json.ok()) << event->call.arguments << json.status().message();
        // What the model wrote is taken on the next turn, and asked for the same.
        ChatMessage message{.role = "assistant"};
        message.tool_calls = {event->call};
        const auto again = RenderChatText(std::vector{message}, {.form = ChatForm::kSmall});
        EXPECT_TRUE(again.ok()) << event->call.arguments << again.status().message();
        break;
      }
      case ReplyEventKind::kMalformedToolCall:
        ++outcome.malformed;
        EXPECT_FALSE(event->problem.empty());
        outcome.malformed_texts.emplace_back(event->index, event->text);
        break;
      case ReplyEventKind::kEnd:
        ++outcome.ends;
        break;
    }
  }
}

TEST_F(ReplyStreamsTest, NoTextIsLost) {
  std::mt19937 random(20260709);
  std::size_t compared = 0, complete = 0, malformed = 0;
  for (int round = 0; round < 20000; ++round) {
    const std::vector<std::int32_t> stream = RandomStream(random);
    const bool in_thought = round % 4 == 0;
    ReplyParser parser(tokenizer_, {.in_thought = in_thought});
    Outcome outcome;
    for (const std::int32_t id : stream) {
      // What is no token leaves everything as it was.
      if (random() % 16 == 0) {
        const std::int32_t wrong = random() % 2 == 0 ? -1 : tokenizer_.vocabulary_size();
        ASSERT_FALSE(parser.Feed(wrong).ok());
      }
      const Status status = parser.Feed(id);
      // Events may be taken at any time.
      if (random() % 4 != 0) Take(parser, outcome);
      if (!status.ok()) {
        ASSERT_EQ(status.code(), StatusCode::kFailedPrecondition);
        ASSERT_NE(parser.end(), ReplyEnd::kNone);
      }
    }
    ASSERT_TRUE(parser.Finish(ReplyEnd::kLimit).ok());
    ASSERT_TRUE(parser.Finish(ReplyEnd::kCancelled).ok());
    Take(parser, outcome);
    ASSERT_EQ(outcome.ends, 1u);
    ASSERT_EQ(outcome.begun, outcome.complete + outcome.malformed);
    complete += outcome.complete;
    malformed += outcome.malformed;
    std::string text;
    std::vector<std::string> calls;
    if (!Read(stream, in_thought, text, calls)) continue;
    ++compared;
    ASSERT_EQ(outcome.text, text) << "round " << round;
    ASSERT_EQ(outcome.begun, calls.size()) << "round " << round;
    for (const auto& [index, malformed_text] : outcome.malformed_texts) {
      ASSERT_EQ(malformed_text, calls.at(index)) << "round " << round;
    }
  }
  EXPECT_GT(compared, 5000u);
  EXPECT_GT(malformed, 1000u);
  EXPECT_GT(complete, 1000u);
}

}  // namespace
}  // namespace carat
