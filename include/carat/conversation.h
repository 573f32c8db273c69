// carat/conversation.h: a conversation that keeps its history, and the cache that goes with it.
//
//   carat::Result<carat::Conversation> chat = carat::Conversation::Create(model, {.chat = {.tools = tools}});
//   chat->AddUser("What is 710 - 84?");
//   carat::Result<carat::Reply> reply = chat->Run();
//   while (reply.ok() && reply->end == carat::ReplyEnd::kToolCalls) {
//     for (const carat::ToolCall& call : reply->message.tool_calls) chat->AddToolResult(call.id, Call(call));
//     reply = chat->Run();
//   }
//   if (reply.ok()) std::puts(reply->message.text.c_str());
//
// Or event by event, as the text comes:
//
//   chat->Start();
//   for (;;) {
//     carat::Result<carat::ReplyEvent> event = chat->Next();
//     if (!event.ok() || event->kind == carat::ReplyEventKind::kEnd) break;
//   }
//
// An answer of a form that is decided beforehand, and calls that fit the declared tools (see ReplyOptions):
//
//   carat::ReplyOptions options;
//   options.answer = *carat::Grammar::FromJsonSchema(schema);
//   carat::Result<carat::Reply> reply = chat->Run(options);  // reply->message.text is JSON by the schema
//
// Every prompt is the whole history as the form has it: thoughts of earlier turns are left out, those of the
// running turn stay while tools are called. Of what the session has read, everything up to the first
// difference is kept (ReplyStats::reused_tokens), also where thoughts were dropped and sliding layers have
// long forgotten what came before them.
//
// Threads: one at a time, but for Cancel, which any thread may call. Since 0.1.
#ifndef CARAT_CONVERSATION_H_
#define CARAT_CONVERSATION_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "carat/chat.h"
#include "carat/export.h"
#include "carat/grammar.h"
#include "carat/model.h"
#include "carat/sampler.h"
#include "carat/session.h"
#include "carat/status.h"

namespace carat {

namespace internal {
class ConversationImpl;
}

// Since 0.1.
struct ConversationOptions {
  // Tools, thinking and form. `add_generation_prompt` and `continue_last` are not looked at.
  ChatOptions chat;
  SessionOptions session;
};

// Whether a reply calls tools. Since 0.1.
enum class ToolChoice : std::int32_t {
  kAuto = 0,      // the model decides
  kNone = 1,      // it cannot: the tools are declared all the same, so that the cache stays what it is
  kRequired = 2,  // it must: after its thoughts come calls, and no answer
};

// How a reply is made. Since 0.1.
struct ReplyOptions {
  // The most tokens, thoughts included; -1: until the model ends or the context is full.
  std::int64_t max_new_tokens = -1;
  // The most tokens of thought; beyond, the thought is closed and the model must answer. -1: no limit.
  std::int64_t thinking_budget = -1;
  // Ends a reply (ReplyEnd::kLoop) whose last so many tokens are one run of tokens over and over, four times
  // at least. 0, the default, is off; 256 lets every list and table pass that is not endless.
  std::int32_t loop_tokens = 0;
  // How to sample; without it, the model's own recommendation.
  std::optional<SamplingOptions> sampling;
  // What the answer must be; absent: anything. Thoughts are free, also where the prompt has opened one, and
  // instead of an answer the model may call tools, unless tool_choice says otherwise. The model is not told:
  // a message should say what is wanted. A reply that ends by a limit, a loop, a stop string or a Cancel is
  // only the beginning of such an answer. With continue_last the answer begins with the last message's text.
  std::optional<Grammar> answer;
  ToolChoice tool_choice = ToolChoice::kAuto;
  // With kRequired: the only tool that can be called; empty: any.
  std::string tool_name;
  // At most one call.
  bool single_tool_call = false;
  // Calls are held to the declared tools: other names cannot come, nor arguments that their schemas do not
  // admit (of a tool that is not `strict` and whose schema no grammar can be made of: any object). With this
  // the model is free to write what it likes, and what is no call comes out as a malformed one.
  bool free_tool_calls = false;
  // What calls are held to where a tool's schema lists members of an object but has no additionalProperties.
  // false, the default: as the standard says, other members may come too, with any value. true: none can. The
  // form of an answer has an option of its own: JsonSchemaOptions::closed_objects.
  bool closed_objects = false;
  // A sampler that stands before all others of `sampling`: a rule of your own. It sees what the members above
  // leave. A clone of it is used. Borrowed until Start returns.
  const Sampler* constraint = nullptr;
  // Texts of the answer to stop at; nothing from the first one on comes out.
  std::vector<std::string> stop_strings;
  // Go on with the last message, which must be an assistant's, instead of beginning a new one.
  bool continue_last = false;
  // Told in tokens while what is new in the prompt is read.
  ProgressCallback prompt_progress;
};

// Since 0.1.
struct ReplyStats {
  std::int64_t prompt_tokens = 0;     // of the whole prompt
  std::int64_t reused_tokens = 0;     // of these, the ones that were in the cache
  std::int64_t generated_tokens = 0;  // thoughts and control tokens included
  std::int64_t thought_tokens = 0;
  double prompt_seconds = 0;
  double generation_seconds = 0;  // after the prompt
};

// A whole reply. Since 0.1.
struct Reply {
  ChatMessage message;                       // as it went into the history
  std::vector<std::string> malformed_calls;  // their texts; they are not in the history
  ReplyEnd end = ReplyEnd::kNone;
  ReplyStats stats;
};

// Since 0.1.
class CARAT_EXPORT Conversation {
 public:
  // Errors: those of Session::Create; FAILED_PRECONDITION if the checkpoint's tokenizer was not made for
  // chat.
  static Result<Conversation> Create(const Model& model, const ConversationOptions& options = {}) noexcept;

  ~Conversation();
  Conversation(Conversation&&) noexcept;
  Conversation& operator=(Conversation&&) noexcept;

  // While a reply is running, calls that would change the history are FAILED_PRECONDITION.

  // Appends a message. Errors: INVALID_ARGUMENT without a role.
  Status AddMessage(ChatMessage message) noexcept;
  // The same for a user's text.
  Status AddUser(std::string_view text) noexcept;
  // Appends the result of a call of the last reply, a text or, with `json`, a JSON value. Errors: NOT_FOUND
  // if no call has this id.
  Status AddToolResult(std::string_view call_id, std::string_view result, bool json = false) noexcept;

  // The history. Valid until it changes.
  const std::vector<ChatMessage>& messages() const noexcept;
  // Keeps the first `count` messages. Errors: OUT_OF_RANGE.
  Status Truncate(std::size_t count) noexcept;

  // Tools, thinking, form: for the replies from now on.
  Status SetChatOptions(const ChatOptions& options) noexcept;
  const ChatOptions& chat_options() const noexcept;

  // Begins a reply: reads what is new in the prompt. Errors: those of RenderPrompt, Session::Prefill and
  // SamplerChain::Create; FAILED_PRECONDITION while one is running, or if a call has no result yet;
  // INVALID_ARGUMENT for a tool that cannot be required, or a text that cannot be continued to an answer of
  // the form asked for; those of Grammar::FromTools for tools that are `strict`; CANCELLED. After an error
  // the history is as before.
  Status Start(const ReplyOptions& options = {}) noexcept;

  // The next event of the reply. After kEnd the reply is in the history, as far as it came. Tool calls have
  // ids of their own. Errors: FAILED_PRECONDITION if no reply is running; what a sampler returns, and the
  // reply is then gone. A Cancel is not an error here but ReplyEnd::kCancelled.
  Result<ReplyEvent> Next() noexcept;

  // Ends the running reply as if it had been cancelled. Does nothing if there is none.
  Status Stop() noexcept;

  // Start, and Next to the end. `on_event` may be empty; it returns false to stop.
  Result<Reply> Run(const ReplyOptions& options = {},
                    const std::function<bool(const ReplyEvent&)>& on_event = {}) noexcept;

  // Of the reply that runs or ran last.
  const ReplyStats& stats() const noexcept;

  // The session, to ask it about its memory and position.
  const Session& session() const noexcept;

  // Makes the running Start or reply end soon; if none is running, the next one. Any thread, at any time
  // while the conversation lives.
  void Cancel() noexcept;
  // Takes back a Cancel that nothing has noticed yet.
  void ClearCancel() noexcept;

 private:
  explicit Conversation(std::unique_ptr<internal::ConversationImpl> impl) noexcept;
  std::unique_ptr<internal::ConversationImpl> impl_;
};

}  // namespace carat

#endif  // CARAT_CONVERSATION_H_
