// A request for a chat completion.
#ifndef CARAT_EXAMPLES_CLI_SERVE_CHAT_REQUEST_H_
#define CARAT_EXAMPLES_CLI_SERVE_CHAT_REQUEST_H_

#include <string>
#include <string_view>
#include <vector>

#include "carat/conversation.h"
#include "examples/cli/serve/grammar_cache.h"

namespace carat::cli {

struct ChatRequest {
  std::vector<ChatMessage> messages;
  ChatOptions chat;
  ReplyOptions reply;
  bool stream = false;
  bool stream_usage = false;
};

// Reads the body of POST /v1/chat/completions. `defaults` are the model's own recommendation for sampling,
// `thinking` holds where the request says nothing; grammars of answers come from `grammars`. What cannot be
// done is an error, not ignored. Errors: INVALID_ARGUMENT naming the member, and those of media and grammars.
Result<ChatRequest> ParseChatRequest(std::string_view body, const Model& model,
                                     const SamplingOptions& defaults, bool thinking, GrammarCache& grammars);

}  // namespace carat::cli

#endif  // CARAT_EXAMPLES_CLI_SERVE_CHAT_REQUEST_H_
