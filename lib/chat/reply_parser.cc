#include "lib/chat/reply_parser.h"

#include <algorithm>
#include <utility>

#include "lib/base/error.h"
#include "lib/base/guard.h"
#include "lib/chat/prompt_parts.h"

namespace carat::internal {
namespace {

constexpr std::string_view kChannelName = "thought\n";

}  // namespace

ReplyParserImpl::ReplyParserImpl(const Tokenizer& tokenizer, const ReplyParserOptions& options)
    : tokenizer_(tokenizer), decoder_(tokenizer) {
  const auto id = [this](std::string_view name) { return tokenizer_.IdOf(name).value_or(-1); };
  begin_channel_ = id(control::kBeginChannel);
  end_channel_ = id(control::kEndChannel);
  begin_call_ = id(control::kBeginCall);
  end_call_ = id(control::kEndCall);
  quote_ = id(control::kQuote);
  begin_turn_ = id(control::kBeginTurn);
  end_turn_ = id(control::kEndTurn);
  eos_ = id("<eos>");
  begin_response_ = id(control::kBeginResponse);
  if (options.in_thought) place_ = Place::kThought;
}

Status ReplyParserImpl::Feed(std::int32_t token) {
  if (end_ != ReplyEnd::kNone) return FailedPrecondition("the reply is over");
  if (token < 0 || token >= tokenizer_.vocabulary_size()) {
    return OutOfRange("token %d is outside the vocabulary of %d", token, tokenizer_.vocabulary_size());
  }
  for (const std::int32_t control : {begin_channel_, end_channel_, begin_call_, end_call_, quote_,
                                     begin_turn_, end_turn_, eos_, begin_response_}) {
    if (token == control) {
      Control(token);
      return {};
    }
  }
  if (tokenizer_.IsSpecial(token)) {
    Control(token);
    return {};
  }
  CARAT_ASSIGN_OR_RETURN(std::string text, decoder_.Next(token));
  Text(std::move(text));
  return {};
}

void ReplyParserImpl::Control(std::int32_t token) {
  Flush();
  if (IsEnd(token)) {
    Leave();
    return End(any_call_ ? ReplyEnd::kToolCalls : ReplyEnd::kStop);
  }
  if (token == begin_channel_) {
    Leave();
    return BeginThought();
  }
  if (token == begin_call_) {
    Leave();
    return BeginCall();
  }
  if (place_ == Place::kCall) {
    if (token == end_call_) return EndCall();
    call_text_ += tokenizer_.Piece(token);
    token == quote_ ? call_.AddQuote() : call_.AddOther(tokenizer_.Piece(token));
    return ReportCall();
  }
  if (token == end_channel_ && place_ == Place::kThought) return EndThought();
  // Any other has no meaning here, and is no text.
}

void ReplyParserImpl::Text(std::string text) {
  if (text.empty()) return;
  switch (place_) {
    case Place::kAnswer:
      return Emit(ReplyEventKind::kAnswer, std::move(text));
    case Place::kThought:
      return ThoughtText(text);
    case Place::kCall:
      call_text_ += text;
      call_.AddText(text);
      return ReportCall();
  }
}

void ReplyParserImpl::ThoughtText(std::string_view text) {
  std::string out;
  if (in_channel_name_) {
    channel_name_ += text;
    if (kChannelName.starts_with(channel_name_) && channel_name_.size() < kChannelName.size()) return;
    in_channel_name_ = false;
    out = std::exchange(channel_name_, {});
    if (out.starts_with(kChannelName)) out.erase(0, kChannelName.size());
  } else {
    out = text;
  }
  if (out.empty()) return;
  any_thought_ = true;
  if (held_newline_) out.insert(0, 1, '\n');
  held_newline_ = out.back() == '\n';
  if (held_newline_) out.pop_back();
  if (!out.empty()) Emit(ReplyEventKind::kThought, std::move(out));
}

void ReplyParserImpl::BeginThought() {
  place_ = Place::kThought;
  in_channel_name_ = true;
  any_thought_ = false;
}

void ReplyParserImpl::EndThought() {
  // A name without its newline is a name still.
  if (in_channel_name_ && channel_name_ != kChannelName.substr(0, kChannelName.size() - 1) &&
      !channel_name_.empty()) {
    Emit(ReplyEventKind::kThought, channel_name_);
  }
  in_channel_name_ = false;
  channel_name_.clear();
  held_newline_ = false;
  place_ = Place::kAnswer;
}

void ReplyParserImpl::BeginCall() {
  place_ = Place::kCall;
  call_ = {};
  call_text_.clear();
  name_reported_ = false;
  json_reported_ = 0;
  ++call_index_;
  Emit(ReplyEventKind::kToolCallBegin);
}

void ReplyParserImpl::ReportCall() {
  if (!call_.problem().empty()) return;
  if (!name_reported_ && call_.name_complete()) {
    name_reported_ = true;
    Emit(ReplyEventKind::kToolCallName);
    events_.back().call.name = call_.name();
  }
  if (call_.json().size() > json_reported_) {
    Emit(ReplyEventKind::kToolCallArguments, call_.json().substr(json_reported_));
    json_reported_ = call_.json().size();
  }
}

void ReplyParserImpl::EndCall() {
  call_.Finish();
  place_ = Place::kAnswer;
  if (!call_.problem().empty()) {
    Emit(ReplyEventKind::kMalformedToolCall, std::exchange(call_text_, {}));
    events_.back().problem = call_.problem();
    return;
  }
  any_call_ = true;
  Emit(ReplyEventKind::kToolCall);
  events_.back().call.name = call_.name();
  events_.back().call.arguments = call_.json();
}

void ReplyParserImpl::Leave() {
  if (place_ == Place::kThought) EndThought();
  if (place_ == Place::kCall) EndCall();
}

void ReplyParserImpl::End(ReplyEnd reason) {
  end_ = reason;
  Emit(ReplyEventKind::kEnd);
  events_.back().end = reason;
}

void ReplyParserImpl::Finish(ReplyEnd reason) {
  if (end_ != ReplyEnd::kNone) return;
  Flush();
  Leave();
  End(reason == ReplyEnd::kStop && any_call_ ? ReplyEnd::kToolCalls : reason);
}

void ReplyParserImpl::Emit(ReplyEventKind kind, std::string text) {
  ReplyEvent& event = events_.emplace_back();
  event.kind = kind;
  event.text = std::move(text);
  event.index = std::max<std::int32_t>(0, call_index_);
}

std::optional<ReplyEvent> ReplyParserImpl::NextEvent() {
  if (events_.empty()) return std::nullopt;
  ReplyEvent event = std::move(events_.front());
  events_.pop_front();
  return event;
}

}  // namespace carat::internal

namespace carat {

using internal::Guard;

ReplyParser::ReplyParser(const Tokenizer& tokenizer, const ReplyParserOptions& options) noexcept {
  // Without memory it stays empty, and Feed says so.
  const Status made = Guard([&]() -> Status {
    impl_ = std::make_unique<internal::ReplyParserImpl>(tokenizer, options);
    return {};
  });
  static_cast<void>(made);
}
ReplyParser::~ReplyParser() = default;
ReplyParser::ReplyParser(ReplyParser&&) noexcept = default;
ReplyParser& ReplyParser::operator=(ReplyParser&&) noexcept = default;

namespace {

Status NoParser() {
  return internal::FailedPrecondition("this parser has been moved from, or there was no memory for it");
}

}  // namespace

Status ReplyParser::Feed(std::int32_t token) noexcept {
  return Guard([&] { return impl_ ? impl_->Feed(token) : NoParser(); });
}

Status ReplyParser::Finish(ReplyEnd reason) noexcept {
  return Guard([&]() -> Status {
    if (!impl_) return NoParser();
    if (reason == ReplyEnd::kNone) return internal::InvalidArgument("kNone is no reason for an end");
    impl_->Finish(reason);
    return {};
  });
}

std::optional<ReplyEvent> ReplyParser::NextEvent() noexcept {
  if (!impl_) return std::nullopt;
  return impl_->NextEvent();
}

bool ReplyParser::in_thought() const noexcept {
  return impl_ && impl_->in_thought();
}

ReplyEnd ReplyParser::end() const noexcept {
  return impl_ ? impl_->end() : ReplyEnd::kNone;
}

}  // namespace carat
