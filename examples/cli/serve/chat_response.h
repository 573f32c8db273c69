// Chat completions as JSON, whole or in pieces.
#ifndef CARAT_EXAMPLES_CLI_SERVE_CHAT_RESPONSE_H_
#define CARAT_EXAMPLES_CLI_SERVE_CHAT_RESPONSE_H_

#include <cstdint>
#include <string>

#include "carat/conversation.h"

namespace carat::cli {

// What all JSON of one completion says.
struct CompletionHead {
  std::string id;
  std::int64_t created = 0;  // seconds since 1970
  std::string model;
};

// A "chat.completion".
std::string CompletionJson(const CompletionHead& head, const Reply& reply);

// A "chat.completion.chunk" for an event; "" for one that says nothing to a client.
std::string ChunkJson(const CompletionHead& head, const ReplyEvent& event);
// The first one, which brings the role, and the one that brings the usage.
std::string FirstChunkJson(const CompletionHead& head);
std::string UsageChunkJson(const CompletionHead& head, const ReplyStats& stats);

// {"error": {...}}, and the HTTP status for it.
std::string ErrorJson(const Status& status);
int HttpStatusOf(StatusCode code);

}  // namespace carat::cli

#endif  // CARAT_EXAMPLES_CLI_SERVE_CHAT_RESPONSE_H_
