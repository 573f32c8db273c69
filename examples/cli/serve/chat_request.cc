#include "examples/cli/serve/chat_request.h"

#include <charconv>
#include <cstdint>
#include <optional>

#include "absl/strings/str_format.h"
#include "examples/cli/serve/data_url.h"
#include "simdjson.h"

namespace carat::cli {
namespace {

namespace dom = simdjson::dom;

// How the request is refused, caught in ParseChatRequest.
struct Refusal {
  Status status;
};

[[noreturn]] void Refuse(const std::string& sentence) {
  throw Refusal{Status(StatusCode::kInvalidArgument, sentence)};
}

template <typename T>
T Take(Result<T> result) {
  if (!result.ok()) throw Refusal{result.status()};
  return *std::move(result);
}

class RequestReader {
 public:
  RequestReader(const dom::object& object, const Model& model, GrammarCache& grammars)
      : object_(object), model_(model), grammars_(grammars) {}

  ChatRequest Read(const SamplingOptions& defaults, bool thinking) {
    RefuseWhatCannotBeDone();
    ChatRequest request;
    ChatJsonOptions json;
    json.arguments_as_text = true;
    json.load_media = [this](MediaKind kind, std::string_view part) {
      return LoadMediaPart(model_, kind, part);
    };
    const auto messages = Find("messages");
    if (!messages) Refuse("messages are missing");
    request.messages = Take(ParseChatMessages(std::string(simdjson::minify(*messages)), json));
    if (request.messages.empty()) Refuse("messages are empty");
    ReadTools(request);
    ReadForm(request.reply);
    request.chat.thinking = ReadThinking(thinking);
    request.reply.sampling = ReadSampling(defaults);
    request.reply.max_new_tokens = ReadLimit();
    request.reply.stop_strings = ReadStop();
    request.stream = Boolean("stream").value_or(false);
    if (const auto options = Find("stream_options")) {
      bool usage;
      request.stream_usage = (*options)["include_usage"].get(usage) == simdjson::SUCCESS && usage;
    }
    return request;
  }

 private:
  std::optional<dom::element> Find(std::string_view key) const {
    dom::element value;
    if (object_[key].get(value) != simdjson::SUCCESS || value.is_null()) return std::nullopt;
    return value;
  }
  std::optional<double> Number(std::string_view key) const {
    const auto value = Find(key);
    if (!value) return std::nullopt;
    double number;
    if (value->get(number) != simdjson::SUCCESS) Refuse(absl::StrFormat("%s must be a number", key));
    return number;
  }
  std::optional<std::int64_t> Integer(std::string_view key) const {
    const auto value = Find(key);
    if (!value) return std::nullopt;
    std::int64_t number;
    if (value->get(number) != simdjson::SUCCESS) Refuse(absl::StrFormat("%s must be an integer", key));
    return number;
  }
  std::optional<bool> Boolean(std::string_view key) const {
    const auto value = Find(key);
    if (!value) return std::nullopt;
    bool truth;
    if (value->get(truth) != simdjson::SUCCESS) Refuse(absl::StrFormat("%s must be true or false", key));
    return truth;
  }
  std::optional<std::string_view> Text(std::string_view key) const {
    const auto value = Find(key);
    std::string_view text;
    if (!value || value->get(text) != simdjson::SUCCESS) return std::nullopt;
    return text;
  }

  void RefuseWhatCannotBeDone() const {
    if (Integer("n").value_or(1) != 1) Refuse("n must be 1: one answer a request");
    if (Boolean("logprobs").value_or(false)) Refuse("logprobs are not given by this server");
    for (const char* key : {"functions", "function_call"}) {
      if (Find(key))
        Refuse(absl::StrFormat("%s is the old form: this server knows tools and tool_choice", key));
    }
  }

  void ReadTools(ChatRequest& request) const {
    if (const auto tools = Find("tools"))
      request.chat.tools = Take(ParseTools(std::string(simdjson::minify(*tools))));
    request.reply.single_tool_call = !Boolean("parallel_tool_calls").value_or(true);
    const auto choice = Find("tool_choice");
    if (!choice) return;
    std::string_view word;
    if (choice->get(word) != simdjson::SUCCESS) return ReadNamedTool(*choice, request.reply);
    if (word == "none") {
      // The tools stay in the prompt, and what was read of it in the cache.
      request.reply.tool_choice = ToolChoice::kNone;
    } else if (word == "required") {
      request.reply.tool_choice = ToolChoice::kRequired;
    } else if (word != "auto") {
      Refuse("tool_choice must be none, auto, required or a function");
    }
  }

  // {"type": "function", "function": {"name": ...}}: one call, of this function.
  static void ReadNamedTool(const dom::element& choice, ReplyOptions& reply) {
    std::string_view name;
    if (choice["function"]["name"].get(name) != simdjson::SUCCESS || name.empty()) {
      Refuse(
          "tool_choice must be none, auto, required or a function: {\"type\": \"function\", \"function\": "
          "{\"name\": ...}}");
    }
    reply.tool_choice = ToolChoice::kRequired;
    reply.tool_name = name;
    reply.single_tool_call = true;
  }

  // What the answer must be. It is held to a schema whether that is strict or not.
  void ReadForm(ReplyOptions& reply) const {
    const auto format = Find("response_format");
    if (!format) return;
    std::string_view type;
    if ((*format)["type"].get(type) != simdjson::SUCCESS) Refuse("response_format has no type");
    if (type == "text") return;
    if (type == "json_object") {
      reply.answer = Take(grammars_.JsonSchema(R"({"type":"object"})"));
    } else if (type == "json_schema") {
      dom::object schema;
      if ((*format)["json_schema"]["schema"].get(schema) != simdjson::SUCCESS)
        Refuse("response_format.json_schema.schema must be an object: a JSON Schema");
      Result<Grammar> grammar = grammars_.JsonSchema(std::string(simdjson::minify(schema)));
      if (!grammar.ok()) {
        throw Refusal{Status(grammar.status().code(),
                             absl::StrFormat("response_format: %s", grammar.status().message()))};
      }
      reply.answer = *std::move(grammar);
    } else {
      Refuse("response_format.type must be text, json_object or json_schema");
    }
  }

  bool ReadThinking(bool otherwise) const {
    if (const auto arguments = Find("chat_template_kwargs")) {
      bool thinking;
      if ((*arguments)["enable_thinking"].get(thinking) == simdjson::SUCCESS) return thinking;
    }
    const auto effort = Text("reasoning_effort");
    return effort ? *effort != "none" : otherwise;
  }

  SamplingOptions ReadSampling(SamplingOptions sampling) const {
    const auto set = [this](std::string_view key, float& value) {
      if (const auto number = Number(key)) value = static_cast<float>(*number);
    };
    set("temperature", sampling.temperature);
    set("top_p", sampling.top_p);
    set("min_p", sampling.min_p);
    set("frequency_penalty", sampling.frequency_penalty);
    set("presence_penalty", sampling.presence_penalty);
    set("repetition_penalty", sampling.repetition_penalty);
    if (const auto k = Integer("top_k"))
      sampling.top_k = static_cast<std::int32_t>(std::max<std::int64_t>(0, *k));
    if (const auto seed = Integer("seed")) sampling.seed = static_cast<std::uint64_t>(*seed);
    if (const auto bias = Find("logit_bias")) {
      dom::object object;
      if (bias->get(object) != simdjson::SUCCESS) Refuse("logit_bias must be an object");
      for (const auto [key, value] : object) AddBias(key, value, sampling);
    }
    return sampling;
  }

  static void AddBias(std::string_view key, const dom::element& value, SamplingOptions& sampling) {
    std::int32_t token = 0;
    double amount;
    const auto end = std::from_chars(key.data(), key.data() + key.size(), token);
    if (end.ec != std::errc() || end.ptr != key.data() + key.size() || value.get(amount) != simdjson::SUCCESS)
      Refuse("logit_bias must map token ids to numbers");
    sampling.logit_bias.emplace_back(token, static_cast<float>(amount));
  }

  std::int64_t ReadLimit() const {
    const auto limit =
        Find("max_completion_tokens") ? Integer("max_completion_tokens") : Integer("max_tokens");
    if (limit && *limit < 1) Refuse("max_completion_tokens must be at least 1");
    return limit.value_or(-1);
  }

  std::vector<std::string> ReadStop() const {
    std::vector<std::string> stops;
    const auto stop = Find("stop");
    if (!stop) return stops;
    std::string_view text;
    dom::array list;
    if (stop->get(text) == simdjson::SUCCESS) {
      stops.emplace_back(text);
    } else if (stop->get(list) == simdjson::SUCCESS) {
      for (const dom::element item : list) {
        if (item.get(text) != simdjson::SUCCESS) Refuse("stop must be a text or a list of texts");
        stops.emplace_back(text);
      }
    } else {
      Refuse("stop must be a text or a list of texts");
    }
    return stops;
  }

  const dom::object& object_;
  const Model& model_;
  GrammarCache& grammars_;
};

}  // namespace

Result<ChatRequest> ParseChatRequest(std::string_view body, const Model& model,
                                     const SamplingOptions& defaults, bool thinking, GrammarCache& grammars) {
  simdjson::dom::parser parser;
  dom::object object;
  if (const auto error = parser.parse(body.data(), body.size()).get(object); error != simdjson::SUCCESS) {
    return Status(StatusCode::kInvalidArgument,
                  absl::StrFormat("the body must be a JSON object: %s", simdjson::error_message(error)));
  }
  try {
    return RequestReader(object, model, grammars).Read(defaults, thinking);
  } catch (const Refusal& refusal) {
    return refusal.status;
  }
}

}  // namespace carat::cli
