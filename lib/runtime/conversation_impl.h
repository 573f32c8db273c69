// What is behind carat::Conversation.
#ifndef CARAT_LIB_RUNTIME_CONVERSATION_IMPL_H_
#define CARAT_LIB_RUNTIME_CONVERSATION_IMPL_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "carat/conversation.h"
#include "carat/generation.h"
#include "lib/chat/repetition.h"
#include "lib/chat/reply_parser.h"
#include "lib/runtime/chat_prompt.h"
#include "lib/runtime/stop_strings.h"
#include "lib/runtime/tool_grammars.h"

namespace carat::internal {

// Tokens that must come next, whatever the model would say. Filled by the reply, emptied by its sampler.
struct ForcedTokens {
  std::deque<std::int32_t> next;
};

// A reply while it is being made.
class RunningReply {
 public:
  // Reads what is new in the prompt. Calls get the ids call_N, N from first_call on. Errors: those of
  // Conversation::Start.
  static Result<std::unique_ptr<RunningReply>> Start(Session& session, std::span<const ChatMessage> messages,
                                                     const ChatOptions& chat, const ReplyOptions& options,
                                                     ToolGrammars& grammars, std::int64_t first_call,
                                                     ReplyStats& stats);

  // The next event; kEnd is the last.
  Result<ReplyEvent> Next();
  // Ends it, for whoever does not want to wait; events that were not asked for are lost, their texts are in
  // the message.
  Status Stop();

  const ChatMessage& message() const { return message_; }
  const std::vector<std::string>& malformed_calls() const { return malformed_calls_; }
  ReplyEnd end() const { return end_; }
  std::int64_t calls_begun() const { return calls_begun_; }

 private:
  RunningReply(const Model& model, const ReplyOptions& options, bool in_thought, std::int64_t first_call,
               ReplyStats& stats);

  Status ReadPrompt(Session& session, ChatPrompt prompt, const ReplyOptions& options);
  // What the reply is held to; stays null if that is nothing.
  Status MakeConstraint(const Model& model, const ChatPrompt& prompt, const ChatOptions& chat,
                        const ReplyOptions& options, ToolGrammars& grammars);
  Status MakeChain(const Model& model, const ReplyOptions& options, std::span<const std::int32_t> read);
  // Generates a token and gives it to the parser.
  Status Step();
  // Closes the thought if its budget is spent.
  Status WatchBudget();
  std::string IdOf(const ReplyEvent& event) const {
    return "call_" + std::to_string(first_call_ + event.index);
  }
  // Takes an event of the parser's into the message, and puts what comes out of it into events_.
  void Take(ReplyEvent event);
  void TakeAnswer(std::string text);
  void ReleaseHeldAnswer();
  void End(ReplyEnd end);

  Tokenizer tokenizer_;
  ReplyParserImpl parser_;
  RepetitionFinder repetition_;
  StopStrings stop_strings_;
  std::int64_t thinking_budget_;
  std::int64_t first_call_;
  std::int64_t calls_begun_ = 0;
  ReplyStats& stats_;
  std::shared_ptr<ForcedTokens> forced_ = std::make_shared<ForcedTokens>();
  std::unique_ptr<Sampler> constraint_;  // until the chain has it
  SamplerChain chain_;
  std::optional<Generation> generation_;
  std::deque<ReplyEvent> events_;
  ChatMessage message_{.role = "assistant"};
  std::vector<std::string> malformed_calls_;
  ReplyEnd end_ = ReplyEnd::kNone;
};

class ConversationImpl {
 public:
  static Result<std::unique_ptr<ConversationImpl>> Create(const Model& model,
                                                          const ConversationOptions& options);

  Status AddMessage(ChatMessage message);
  Status AddToolResult(std::string_view call_id, std::string_view result, bool json);
  Status Truncate(std::size_t count);
  Status SetChatOptions(const ChatOptions& options);
  Status Start(const ReplyOptions& options);
  Result<ReplyEvent> Next();
  Status Stop();
  Result<Reply> Run(const ReplyOptions& options, const std::function<bool(const ReplyEvent&)>& on_event);

  const std::vector<ChatMessage>& messages() const { return messages_; }
  const ChatOptions& chat_options() const { return chat_; }
  const ReplyStats& stats() const { return stats_; }
  Session& session() { return session_; }

 private:
  ConversationImpl(Session session, const ChatOptions& chat) : session_(std::move(session)), chat_(chat) {}

  Status NoReply() const;
  // Errors: FAILED_PRECONDITION naming a call without a result.
  Status CheckResults() const;
  // The reply goes into the history.
  void Keep();

  Session session_;
  ChatOptions chat_;
  ToolGrammars grammars_;
  std::vector<ChatMessage> messages_;
  std::unique_ptr<RunningReply> reply_;
  bool continues_last_ = false;
  std::int64_t calls_ = 0;  // for their ids
  ReplyStats stats_;
};

}  // namespace carat::internal

#endif  // CARAT_LIB_RUNTIME_CONVERSATION_IMPL_H_
