#include "examples/cli/serve/chat_response.h"

#include <string_view>

#include "examples/cli/json_writer.h"

namespace carat::cli {
namespace {

std::string_view FinishReason(ReplyEnd end) {
  switch (end) {
    case ReplyEnd::kToolCalls:
      return "tool_calls";
    case ReplyEnd::kLimit:
    case ReplyEnd::kContextFull:
    case ReplyEnd::kLoop:  // there would be more of it without end
      return "length";
    default:
      return "stop";
  }
}

void BeginHead(JsonWriter& json, const CompletionHead& head, std::string_view object) {
  json.BeginObject();
  json.Key("id").String(head.id);
  json.Key("object").String(object);
  json.Key("created").Integer(head.created);
  json.Key("model").String(head.model);
}

void WriteCall(JsonWriter& json, const ToolCall& call, std::int32_t index) {
  json.BeginObject();
  json.Key("index").Integer(index);
  json.Key("id").String(call.id);
  json.Key("type").String("function");
  json.Key("function").BeginObject();
  json.Key("name").String(call.name);
  json.Key("arguments").String(call.arguments);
  json.EndObject();
  json.EndObject();
}

void WriteUsage(JsonWriter& json, const ReplyStats& stats) {
  json.Key("usage").BeginObject();
  json.Key("prompt_tokens").Integer(stats.prompt_tokens);
  json.Key("completion_tokens").Integer(stats.generated_tokens);
  json.Key("total_tokens").Integer(stats.prompt_tokens + stats.generated_tokens);
  json.Key("prompt_tokens_details")
      .BeginObject()
      .Key("cached_tokens")
      .Integer(stats.reused_tokens)
      .EndObject();
  json.Key("completion_tokens_details")
      .BeginObject()
      .Key("reasoning_tokens")
      .Integer(stats.thought_tokens)
      .EndObject();
  json.EndObject();
}

// A chunk up to its delta, which the caller fills and ends with EndChunk.
void BeginChunk(JsonWriter& json, const CompletionHead& head) {
  BeginHead(json, head, "chat.completion.chunk");
  json.Key("choices").BeginArray().BeginObject();
  json.Key("index").Integer(0);
  json.Key("delta").BeginObject();
}

std::string EndChunk(JsonWriter& json, ReplyEnd end) {
  json.EndObject();
  json.Key("finish_reason");
  end == ReplyEnd::kNone ? json.Null() : json.String(FinishReason(end));
  json.EndObject().EndArray().EndObject();
  return json.text();
}

}  // namespace

std::string CompletionJson(const CompletionHead& head, const Reply& reply) {
  std::string text = reply.message.text;
  for (const std::string& malformed : reply.malformed_calls) text += malformed;
  JsonWriter json;
  BeginHead(json, head, "chat.completion");
  json.Key("choices").BeginArray().BeginObject();
  json.Key("index").Integer(0);
  json.Key("message").BeginObject();
  json.Key("role").String("assistant");
  json.Key("content");
  text.empty() && !reply.message.tool_calls.empty() ? json.Null() : json.String(text);
  json.Key("refusal").Null();
  if (!reply.message.reasoning.empty()) json.Key("reasoning_content").String(reply.message.reasoning);
  if (!reply.message.tool_calls.empty()) {
    json.Key("tool_calls").BeginArray();
    std::int32_t index = 0;
    for (const ToolCall& call : reply.message.tool_calls) WriteCall(json, call, index++);
    json.EndArray();
  }
  json.EndObject();
  json.Key("logprobs").Null();
  json.Key("finish_reason").String(FinishReason(reply.end));
  json.EndObject().EndArray();
  WriteUsage(json, reply.stats);
  json.EndObject();
  return json.text();
}

std::string FirstChunkJson(const CompletionHead& head) {
  JsonWriter json;
  BeginChunk(json, head);
  json.Key("role").String("assistant");
  json.Key("content").String("");
  return EndChunk(json, ReplyEnd::kNone);
}

std::string ChunkJson(const CompletionHead& head, const ReplyEvent& event) {
  JsonWriter json;
  BeginChunk(json, head);
  switch (event.kind) {
    case ReplyEventKind::kThought:
      json.Key("reasoning_content").String(event.text);
      break;
    case ReplyEventKind::kAnswer:
    case ReplyEventKind::kMalformedToolCall:
      json.Key("content").String(event.text);
      break;
    case ReplyEventKind::kToolCall:
      // Only whole ones: a piece of a call that turns out to be none could not be taken back.
      json.Key("tool_calls").BeginArray();
      WriteCall(json, event.call, event.index);
      json.EndArray();
      break;
    case ReplyEventKind::kEnd:
      break;
    default:
      return "";
  }
  return EndChunk(json, event.end);
}

std::string UsageChunkJson(const CompletionHead& head, const ReplyStats& stats) {
  JsonWriter json;
  BeginHead(json, head, "chat.completion.chunk");
  json.Key("choices").BeginArray().EndArray();
  WriteUsage(json, stats);
  json.EndObject();
  return json.text();
}

std::string ErrorJson(const Status& status) {
  JsonWriter json;
  const bool ours = HttpStatusOf(status.code()) >= 500;
  json.BeginObject().Key("error").BeginObject();
  json.Key("message").String(status.message());
  json.Key("type").String(ours ? "server_error" : "invalid_request_error");
  json.Key("param").Null();
  json.Key("code").String(StatusCodeName(status.code()));
  json.EndObject().EndObject();
  return json.text();
}

int HttpStatusOf(StatusCode code) {
  switch (code) {
    case StatusCode::kOk:
      return 200;
    case StatusCode::kNotFound:
      return 404;
    case StatusCode::kInvalidArgument:
    case StatusCode::kOutOfRange:
    case StatusCode::kDataLoss:            // a broken picture
    case StatusCode::kFailedPrecondition:  // a call without its result
    case StatusCode::kResourceExhausted:   // a prompt that is too long
    case StatusCode::kUnimplemented:
      return 400;
    case StatusCode::kCancelled:
    case StatusCode::kUnavailable:
      return 503;
    default:
      return 500;
  }
}

}  // namespace carat::cli
