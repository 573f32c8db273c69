// carat/chat.h: conversations as Gemma 4 was taught them: messages to a prompt, and a reply back to events.
//
//   std::vector<carat::ChatMessage> messages = {{.role = "user", .text = "What is 6 times 7?"}};
//   carat::ChatOptions options;
//   options.tools = {{.name = "calculate", .description = "Evaluates an expression.",
//                     .parameters = R"({"type": "object", "properties": {"expression": {"type":
//                     "string"}}})"}};
//   carat::Result<carat::Prompt> prompt = carat::RenderPrompt(model, messages, options);
//   carat::ReplyParser parser(model.tokenizer());
//   for (each generated token) {
//     parser.Feed(token);
//     while (std::optional<carat::ReplyEvent> event = parser.NextEvent()) Show(*event);
//   }
//
// A Conversation (carat/conversation.h) does all of this, and keeps the history.
//
// Control tokens are ids that the checkpoint's tokenizer has by name. Everything else, a user's text, a
// tool's result, a tool's description, is encoded as plain text: "<turn|>" in it is seven characters, with
// either kind of tokenizer file. Two forms exist: that of the small models (E2B, E4B) and that of the large
// ones, whose answers begin after an empty thought where thinking is off.
//
// Threads: functions any; a ReplyParser one at a time. Since 0.1.
#ifndef CARAT_CHAT_H_
#define CARAT_CHAT_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "carat/export.h"
#include "carat/model.h"
#include "carat/prompt.h"
#include "carat/status.h"
#include "carat/tokenizer.h"

namespace carat {

namespace internal {
class ReplyParserImpl;
}

// What stands in a message. Since 0.1.
enum class ChatPartKind : std::int32_t {
  kText = 0,
  kImage = 1,  // these are MediaKind's numbers
  kVideo = 2,
  kAudio = 3,
};

// Since 0.1.
struct ChatPart {
  ChatPartKind kind = ChatPartKind::kText;
  std::string text;  // of a text
  // Of the others: what is seen or heard there. RenderChatText and RenderChatTokens do without.
  std::optional<SoftTokens> media;
};

// A picture, a video or a clip as a part of a message. Since 0.1.
inline ChatPart MediaPart(SoftTokens media) {
  const auto kind = static_cast<ChatPartKind>(media.kind());
  return {kind, {}, std::move(media)};
}

// A function that the model called. Since 0.1.
struct ToolCall {
  std::string id;                // says which result belongs to it; may be empty
  std::string name;              // of the function
  std::string arguments = "{}";  // a JSON object
};

// A function's result, beside its call in one message. Since 0.1.
struct ToolResponse {
  std::string name;
  std::string response;  // JSON of any kind; an object's members are shown one by one
};

// One message of a conversation. Since 0.1.
struct ChatMessage {
  // "system" or "developer" (as the first message), "user", "assistant", "tool".
  std::string role;
  // What it says: `text`, or if there are any, `parts`. White space around texts is dropped, as are thoughts
  // in an assistant's.
  std::string text;
  std::vector<ChatPart> parts;
  // An assistant's thought. It is shown while its turn lasts: after the last user message.
  std::string reasoning;
  // What an assistant called. Results are the "tool" messages that follow, or `tool_responses`, which win.
  // Text that comes with calls stands after their results.
  std::vector<ToolCall> tool_calls;
  std::vector<ToolResponse> tool_responses;
  // Of a "tool" message: the call it answers, and otherwise the function's name.
  std::string tool_call_id;
  std::string name;
  // Of a "tool" message: `text` is JSON, not a text: an object's members are shown one by one, a number as
  // one.
  bool json = false;
};

// A function that the model may call. Since 0.1.
struct ToolDefinition {
  std::string name;
  std::string description;
  std::string parameters;  // a JSON Schema of an object; empty: none
  std::string response;    // a JSON Schema of the result; empty: nothing is said about it
  // Conversations hold arguments to the schema (ReplyOptions::free_tool_calls): declared members to theirs,
  // and other members may come unless the schema has additionalProperties, or ReplyOptions::closed_objects is
  // set. Of a strict tool they do it or fail: a keyword that grammars do not support is an error of
  // Conversation::Start, which names it.
  bool strict = false;
};

// Since 0.1.
enum class ChatForm : std::int32_t {
  kAuto = 0,   // the checkpoint's own: see ChatFormOf
  kSmall = 1,  // E2B, E4B
  kLarge = 2,  // 12B, 26B-A4B, 31B
};

// Since 0.1.
struct ChatOptions {
  std::vector<ToolDefinition> tools;
  // Let the model think before it answers.
  bool thinking = false;
  // Keep thoughts of earlier turns where they came with tool calls.
  bool preserve_thinking = false;
  // End with the beginning of the model's turn.
  bool add_generation_prompt = true;
  // The last message is an assistant's and not complete: the model goes on from its end. No turn is begun.
  bool continue_last = false;
  // Control tokens in texts become their ids. Never with texts of a user or a tool.
  bool parse_special = false;
  ChatForm form = ChatForm::kAuto;
};

// Which form a checkpoint was taught: if it has a chat template (chat_template.jinja, or chat_template in
// tokenizer_config.json), the large one exactly if that writes an empty thought channel; otherwise the small
// one exactly if the model has per-layer embeddings, as E2B and E4B do. Never kAuto, but for a model that was
// moved from. Since 0.1.
CARAT_EXPORT ChatForm ChatFormOf(const Model& model) noexcept;

// The prompt as text, for people: control tokens by name, <|image|> where a picture stands. Encoding this
// text again would read control tokens in a user's text as such: see RenderChatTokens. Errors:
// INVALID_ARGUMENT for messages and tools that the form cannot show, naming them, and for ChatForm::kAuto.
// Since 0.1.
CARAT_EXPORT Result<std::string> RenderChatText(std::span<const ChatMessage> messages,
                                                const ChatOptions& options) noexcept;

// The prompt as ids, one placeholder for each picture, video or clip. Errors: as above, and
// FAILED_PRECONDITION if the tokenizer lacks a control token: it was not made for chat. Since 0.1.
CARAT_EXPORT Result<std::vector<std::int32_t>> RenderChatTokens(const Tokenizer& tokenizer,
                                                                std::span<const ChatMessage> messages,
                                                                const ChatOptions& options) noexcept;

// The prompt, ready to be read by a session. Errors: as above, and INVALID_ARGUMENT for a part without its
// soft tokens. Since 0.1.
CARAT_EXPORT Result<Prompt> RenderPrompt(const Model& model, std::span<const ChatMessage> messages,
                                         const ChatOptions& options = {}) noexcept;

// Since 0.1.
struct ChatJsonOptions {
  // Arguments of calls may be texts that hold JSON, as OpenAI's interface has them. Otherwise such texts are
  // an error, as in the published template.
  bool arguments_as_text = false;
  // Given a media part, an object as JSON text, returns what is seen or heard there. Without it, parts stay
  // empty.
  std::function<Result<SoftTokens>(MediaKind kind, std::string_view part)> load_media;
};

// JSON, here and wherever else in this header: numbers keep their digits, whatever their size and precision;
// the last of equal keys counts; a byte order mark is skipped; half of a surrogate pair becomes U+FFFD.
// Errors in it say line and column. At most 500 arrays and objects lie in each other, and 60 schemas of a
// tool.

// Messages from JSON: a list of {"role", "content", "reasoning" or "reasoning_content", "tool_calls",
// "tool_responses", "tool_call_id", "name"}, as the published template and OpenAI's interface have them;
// content is a text, null, or a list of parts with "type" text, image, image_url, audio, input_audio or
// video. Errors: INVALID_ARGUMENT naming message and member. Since 0.1.
CARAT_EXPORT Result<std::vector<ChatMessage>> ParseChatMessages(std::string_view json,
                                                                const ChatJsonOptions& options = {}) noexcept;

// Tools from JSON: a list of {"type": "function", "function": {"name", "description", "parameters",
// "response", "strict"}}. Errors: as above. Since 0.1.
CARAT_EXPORT Result<std::vector<ToolDefinition>> ParseTools(std::string_view json) noexcept;

// The text as a JSON string, quotes included: for putting arguments together. Since 0.1.
CARAT_EXPORT std::string JsonQuote(std::string_view text);

// What happened in a reply. Since 0.1.
enum class ReplyEventKind : std::int32_t {
  kThought = 1,            // text of a thought
  kAnswer = 2,             // text of the answer
  kToolCallBegin = 3,      // a call begins
  kToolCallName = 4,       // its function's name is known
  kToolCallArguments = 5,  // its arguments have grown by this piece of JSON
  kToolCall = 6,           // it is complete
  kMalformedToolCall = 7,  // it is none: `text` is what was written, `problem` what is wrong with it
  kEnd = 8,                // the reply is over
};

// Why a reply is over. Since 0.1.
enum class ReplyEnd : std::int32_t {
  kNone = 0,         // it is not
  kStop = 1,         // the model ended its turn, or a stop string came
  kToolCalls = 2,    // the model waits for the results of its calls
  kLimit = 3,        // as many tokens as were allowed
  kContextFull = 4,  // the session's context is full
  kCancelled = 5,
  kLoop = 6,  // the model only repeated itself
};

// Since 0.1.
struct ReplyEvent {
  ReplyEventKind kind = ReplyEventKind::kEnd;
  // Whole UTF-8 characters, never part of a control token. Of kToolCallArguments, JSON: put together, the
  // pieces are `call.arguments`.
  std::string text;
  // Of tool calls: which of the reply's, from 0.
  std::int32_t index = 0;
  // Of kToolCallName its name; of kToolCall all of it, numbers as the model wrote them.
  ToolCall call;
  std::string problem;  // of kMalformedToolCall
  ReplyEnd end = ReplyEnd::kNone;
};

// Since 0.1.
struct ReplyParserOptions {
  // The prompt has opened a thought (RenderPrompt does after tool results, with thinking on).
  bool in_thought = false;
};

// Turns the tokens of a reply into events. It looks at ids, not at text, so nothing that the model quotes is
// taken for a control token. No text is lost: outside of calls every token that is no control token is in
// some event, but for the channel's name ("thought" and a newline) and the newline before its end; tokens
// inside a call are in its event, whole or malformed.
class CARAT_EXPORT ReplyParser {
 public:
  explicit ReplyParser(const Tokenizer& tokenizer, const ReplyParserOptions& options = {}) noexcept;
  ~ReplyParser();
  ReplyParser(ReplyParser&&) noexcept;
  ReplyParser& operator=(ReplyParser&&) noexcept;

  // The next token. <turn|>, <eos> and <|tool_response> end the reply. Errors: OUT_OF_RANGE for an id
  // outside the vocabulary, and the parser is as before; FAILED_PRECONDITION after the end.
  Status Feed(std::int32_t token) noexcept;

  // Ends the reply for a reason of the host's: held-back text comes out, a call that is not complete is
  // malformed. Does nothing after the end.
  Status Finish(ReplyEnd reason) noexcept;

  // The next event, if there is one.
  std::optional<ReplyEvent> NextEvent() noexcept;

  // Whether the next token would belong to a thought.
  bool in_thought() const noexcept;
  // kNone until the reply is over.
  ReplyEnd end() const noexcept;

 private:
  std::unique_ptr<internal::ReplyParserImpl> impl_;
};

}  // namespace carat

#endif  // CARAT_CHAT_H_
