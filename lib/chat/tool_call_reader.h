// What stands between <|tool_call> and <tool_call|>, read piece by piece and turned into JSON.
#ifndef CARAT_LIB_CHAT_TOOL_CALL_READER_H_
#define CARAT_LIB_CHAT_TOOL_CALL_READER_H_

#include <string>
#include <string_view>
#include <vector>

namespace carat::internal {

// call:NAME{key:value,...}. A value is a text between quote tokens, true, false, null, a number, [...] or
// {...}; a key is bare or between quote tokens. White space around keys, values and marks means nothing.
class ToolCallReader {
 public:
  // Text, whole UTF-8 characters.
  void AddText(std::string_view text);
  // The quote token.
  void AddQuote();
  // A control token that cannot stand in a call.
  void AddOther(std::string_view name) { Fail("it holds the control token " + std::string(name)); }
  // The call ends here.
  void Finish();

  // "": so far, or after Finish at all, nothing is wrong.
  const std::string& problem() const { return problem_; }
  bool name_complete() const { return state_ > State::kName; }
  const std::string& name() const { return name_; }
  // JSON of the arguments so far; whole characters and escapes.
  const std::string& json() const { return json_; }

 private:
  enum class State {
    kPrefix,      // before the end of "call:"
    kName,        // in the name
    kFirstKey,    // after '{': a key or '}'
    kKey,         // after ',' in an object: a key
    kBareKey,     // in a key
    kQuotedKey,   // in a key between quote tokens
    kColon,       // after a quoted key
    kFirstValue,  // after '[': a value or ']'
    kValue,       // a value
    kBare,        // in a word or a number
    kText,        // in a text between quote tokens
    kAfterValue,  // ',' or the end of what the value is in
    kDone,        // after the last '}'
  };

  void Fail(std::string problem);
  void AddCharacters(std::string_view text);
  void Step(char c);
  void BeginKey(char c);
  void EndBareKey();
  void BeginValue(char c);
  void EndBare();
  void Open(char bracket);
  void Close(char bracket);
  void After(char c);

  State state_ = State::kPrefix;
  std::string problem_;
  std::string word_;  // a prefix, key or bare value that is not complete
  std::string name_;
  std::string json_;
  std::vector<char> open_;  // '{' and '['
};

}  // namespace carat::internal

#endif  // CARAT_LIB_CHAT_TOOL_CALL_READER_H_
