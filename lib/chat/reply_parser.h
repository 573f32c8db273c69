// What is behind carat::ReplyParser.
#ifndef CARAT_LIB_CHAT_REPLY_PARSER_H_
#define CARAT_LIB_CHAT_REPLY_PARSER_H_

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "carat/chat.h"
#include "lib/chat/tool_call_reader.h"

namespace carat::internal {

class ReplyParserImpl {
 public:
  ReplyParserImpl(const Tokenizer& tokenizer, const ReplyParserOptions& options);

  Status Feed(std::int32_t token);
  void Finish(ReplyEnd reason);
  std::optional<ReplyEvent> NextEvent();

  bool in_thought() const { return place_ == Place::kThought; }
  // In a thought, after the channel's name.
  bool in_thought_text() const { return in_thought() && !in_channel_name_; }
  // Whether the thought so far ends in the middle of a line.
  bool in_thought_line() const { return in_thought_text() && any_thought_ && !held_newline_; }
  ReplyEnd end() const { return end_; }
  // Whether the token ends a reply.
  bool IsEnd(std::int32_t token) const {
    return token == end_turn_ || token == eos_ || token == begin_response_;
  }

 private:
  enum class Place { kAnswer, kThought, kCall };

  // A control token, whatever it is.
  void Control(std::int32_t token);
  // Text where the reply is now.
  void Text(std::string text);
  // Text that a held run of bytes makes, now that the run is over.
  void Flush() { Text(decoder_.Finish()); }
  void ThoughtText(std::string_view text);

  void BeginThought();
  void EndThought();
  void BeginCall();
  // Events for what the call's reader has found out since.
  void ReportCall();
  void EndCall();
  // Leaves wherever the reply is, for something that begins or ends there.
  void Leave();
  void End(ReplyEnd reason);
  void Emit(ReplyEventKind kind, std::string text = {});

  Tokenizer tokenizer_;
  StreamDecoder decoder_;
  // Ids, or -1 where the tokenizer has none.
  std::int32_t begin_channel_, end_channel_, begin_call_, end_call_, quote_, begin_turn_, end_turn_, eos_,
      begin_response_;

  Place place_ = Place::kAnswer;
  // Of a thought: text that may still be the channel's name, and a newline that may be its last.
  bool in_channel_name_ = false;
  std::string channel_name_;
  bool held_newline_ = false;
  bool any_thought_ = false;  // the thought has text

  ToolCallReader call_;
  std::string call_text_;  // everything in it, control tokens by name
  bool name_reported_ = false;
  std::size_t json_reported_ = 0;
  std::int32_t call_index_ = -1;
  bool any_call_ = false;  // a complete one

  std::deque<ReplyEvent> events_;
  ReplyEnd end_ = ReplyEnd::kNone;
};

}  // namespace carat::internal

#endif  // CARAT_LIB_CHAT_REPLY_PARSER_H_
