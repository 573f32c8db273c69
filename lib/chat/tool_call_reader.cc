#include "lib/chat/tool_call_reader.h"

#include <utility>

#include "lib/base/json_text.h"

namespace carat::internal {
namespace {

constexpr std::string_view kPrefixText = "call:";
// Deeper ones are more likely a model that has lost its way than arguments.
constexpr std::size_t kMostDepth = 64;

bool IsSpace(char c) {
  return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && IsSpace(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsSpace(text.back())) text.remove_suffix(1);
  return text;
}

// A bare value as JSON; "" if it is none. Earlier prompts had Python's words, so models may write them.
std::string_view BareAsJson(std::string_view word) {
  if (word == "true" || word == "True") return "true";
  if (word == "false" || word == "False") return "false";
  if (word == "null" || word == "None") return "null";
  return IsJsonNumber(word) ? word : "";
}

}  // namespace

void ToolCallReader::Fail(std::string problem) {
  if (problem_.empty()) problem_ = std::move(problem);
}

void ToolCallReader::AddText(std::string_view text) {
  if (!problem_.empty()) return;
  while (!text.empty() && problem_.empty()) {
    // Texts and keys between quote tokens end with a token, so all of this belongs to them.
    if (state_ == State::kText) {
      AppendJsonText(text, &json_);
      return;
    }
    if (state_ == State::kQuotedKey) {
      word_ += text;
      return;
    }
    Step(text.front());
    text.remove_prefix(1);
  }
}

void ToolCallReader::AddQuote() {
  if (!problem_.empty()) return;
  switch (state_) {
    case State::kText:
      json_ += '"';
      state_ = State::kAfterValue;
      return;
    case State::kValue:
    case State::kFirstValue:
      json_ += '"';
      state_ = State::kText;
      return;
    case State::kQuotedKey:
      json_ += '"';
      AppendJsonText(word_, &json_);
      json_ += '"';
      word_.clear();
      state_ = State::kColon;
      return;
    case State::kFirstKey:
    case State::kKey:
      state_ = State::kQuotedKey;
      return;
    default:
      Fail("a text begins where none can be");
  }
}

void ToolCallReader::Step(char c) {
  switch (state_) {
    case State::kPrefix:
      if (word_.empty() && IsSpace(c)) return;
      word_ += c;
      if (!kPrefixText.starts_with(word_)) Fail("it does not begin with call:");
      if (word_ == kPrefixText) {
        word_.clear();
        state_ = State::kName;
      }
      return;
    case State::kName:
      if (c == '{') {
        name_ = std::string(Trimmed(word_));
        word_.clear();
        if (name_.empty()) return Fail("the function has no name");
        Open('{');
      } else if (c == '}' || c == ',' || (IsSpace(c) && c != ' ')) {
        Fail("the function's name is not followed by {");
      } else {
        word_ += c;
      }
      return;
    case State::kFirstKey:
    case State::kKey:
      return BeginKey(c);
    case State::kBareKey:
      if (c == ':') return EndBareKey();
      if (c == '}' || c == '{' || c == ',') return Fail("the argument " + word_ + " has no value");
      word_ += c;
      return;
    case State::kColon:
      if (IsSpace(c)) return;
      if (c != ':') return Fail("an argument has no value");
      json_ += ':';
      state_ = State::kValue;
      return;
    case State::kFirstValue:
    case State::kValue:
      return BeginValue(c);
    case State::kBare:
      if (c != ',' && c != '}' && c != ']') {
        word_ += c;
        return;
      }
      EndBare();
      if (problem_.empty()) After(c);
      return;
    case State::kAfterValue:
      return After(c);
    case State::kDone:
      if (!IsSpace(c)) Fail("text follows the call");
      return;
    case State::kText:
    case State::kQuotedKey:
      return;  // AddText takes these whole
  }
}

void ToolCallReader::BeginKey(char c) {
  if (IsSpace(c)) return;
  if (c == '}' && state_ == State::kFirstKey) return Close('}');
  if (c == ':' || c == ',' || c == '{' || c == '}') return Fail("an argument has no name");
  word_ = c;
  state_ = State::kBareKey;
}

void ToolCallReader::EndBareKey() {
  json_ += '"';
  AppendJsonText(Trimmed(word_), &json_);
  json_ += "\":";
  word_.clear();
  state_ = State::kValue;
}

void ToolCallReader::BeginValue(char c) {
  if (IsSpace(c)) return;
  if (c == ']' && state_ == State::kFirstValue) return Close(']');
  if (c == '{' || c == '[') return Open(c);
  if (c == ',' || c == '}' || c == ']') return Fail("a value is missing");
  word_ = c;
  state_ = State::kBare;
}

void ToolCallReader::EndBare() {
  const std::string_view word = Trimmed(word_);
  const std::string_view json = BareAsJson(word);
  if (json.empty()) return Fail("the value " + std::string(word) + " is none: a text without quotes?");
  json_ += json;
  word_.clear();
  state_ = State::kAfterValue;
}

void ToolCallReader::Open(char bracket) {
  if (open_.size() == kMostDepth) return Fail("its values are nested too deeply");
  open_.push_back(bracket);
  json_ += bracket;
  state_ = bracket == '{' ? State::kFirstKey : State::kFirstValue;
}

void ToolCallReader::Close(char bracket) {
  if ((open_.back() == '{') != (bracket == '}')) return Fail("its brackets do not match");
  open_.pop_back();
  json_ += bracket;
  state_ = open_.empty() ? State::kDone : State::kAfterValue;
}

void ToolCallReader::After(char c) {
  if (IsSpace(c)) return;
  if (c == '}' || c == ']') return Close(c);
  if (c != ',') return Fail("a value is followed by neither , nor its end");
  json_ += ',';
  state_ = open_.back() == '{' ? State::kKey : State::kValue;
}

void ToolCallReader::Finish() {
  if (state_ != State::kDone) Fail("it ends before its end");
}

}  // namespace carat::internal
