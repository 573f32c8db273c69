#include "examples/cli/serve/chat_request.h"

#include <charconv>
#include <cstdint>
#include <optional>

#include "absl/strings/str_format.h"
#include "examples/cli/serve/data_url.h"
#include "lib/base/json_tree.h"

namespace carat::cli {
namespace {

using internal::JsonTextOf;
using internal::JsonTree;
using internal::JsonValue;

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
  RequestReader(const JsonValue& object, const Model& model, GrammarCache& grammars)
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
    request.messages = Take(ParseChatMessages(JsonTextOf(*messages), json));
    if (request.messages.empty()) Refuse("messages are empty");
    ReadTools(request);
    ReadForm(request.reply);
    request.chat.thinking = ReadThinking(thinking);
    request.reply.sampling = ReadSampling(defaults);
    request.reply.max_new_tokens = ReadLimit();
    request.reply.stop_strings = ReadStop();
    request.stream = Boolean("stream").value_or(false);
    if (const auto options = Find("stream_options")) {
      const auto usage = options->Find("include_usage");
      request.stream_usage = usage && usage->is_true();
    }
    return request;
  }

 private:
  std::optional<JsonValue> Find(std::string_view key) const { return object_.FindValue(key); }
  [[noreturn]] static void RefuseType(std::string_view key, std::string_view expected,
                                      const JsonValue& found) {
    Refuse(absl::StrFormat("%s must be %s, but is %s", key, expected,
                           found.is_number() ? found.text() : internal::NameOf(found.kind())));
  }
  std::optional<double> Number(std::string_view key) const {
    const auto value = Find(key);
    if (!value) return std::nullopt;
    const auto number = value->Double();
    if (!number) RefuseType(key, "a number", *value);
    return number;
  }
  std::optional<std::int64_t> Integer(std::string_view key) const {
    const auto value = Find(key);
    if (!value) return std::nullopt;
    const auto number = value->Integer();
    if (!number) RefuseType(key, "an integer of 64 bits", *value);
    return number;
  }
  std::optional<bool> Boolean(std::string_view key) const {
    const auto value = Find(key);
    if (!value) return std::nullopt;
    if (!value->is_boolean()) RefuseType(key, "true or false", *value);
    return value->is_true();
  }
  std::optional<std::string_view> Text(std::string_view key) const {
    const auto value = Find(key);
    if (!value || !value->is_string()) return std::nullopt;
    return value->text();
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
    if (const auto tools = Find("tools")) request.chat.tools = Take(ParseTools(JsonTextOf(*tools)));
    request.reply.single_tool_call = !Boolean("parallel_tool_calls").value_or(true);
    const auto choice = Find("tool_choice");
    if (!choice) return;
    if (!choice->is_string()) return ReadNamedTool(*choice, request.reply);
    const std::string_view word = choice->text();
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
  static void ReadNamedTool(const JsonValue& choice, ReplyOptions& reply) {
    const auto function = choice.Find("function");
    const auto name = function ? function->Find("name") : std::nullopt;
    if (!name || !name->is_string() || name->text().empty()) {
      Refuse(
          "tool_choice must be none, auto, required or a function: {\"type\": \"function\", \"function\": "
          "{\"name\": ...}}");
    }
    reply.tool_choice = ToolChoice::kRequired;
    reply.tool_name = name->text();
    reply.single_tool_call = true;
  }

  // What the answer must be. It is held to a schema whether that is strict or not.
  void ReadForm(ReplyOptions& reply) const {
    const auto format = Find("response_format");
    if (!format) return;
    const auto name = format->Find("type");
    if (!name || !name->is_string()) Refuse("response_format has no type");
    const std::string_view type = name->text();
    if (type == "text") return;
    if (type == "json_object") {
      reply.answer = Take(grammars_.JsonSchema(R"({"type":"object"})"));
    } else if (type == "json_schema") {
      const auto wrapper = format->Find("json_schema");
      const auto schema = wrapper ? wrapper->Find("schema") : std::nullopt;
      if (!schema || !schema->is_object())
        Refuse("response_format.json_schema.schema must be an object: a JSON Schema");
      Result<Grammar> grammar = grammars_.JsonSchema(JsonTextOf(*schema));
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
      const auto thinking = arguments->Find("enable_thinking");
      if (thinking && thinking->is_boolean()) return thinking->is_true();
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
    if (const auto seed = Find("seed")) sampling.seed = ReadSeed(*seed);
    if (const auto bias = Find("logit_bias")) {
      if (!bias->is_object()) RefuseType("logit_bias", "an object", *bias);
      for (std::size_t i = 0; i < bias->size(); ++i) AddBias((*bias)[i], sampling);
    }
    return sampling;
  }

  // 64 bits, with a sign or without.
  static std::uint64_t ReadSeed(const JsonValue& value) {
    if (const auto number = value.Integer()) return static_cast<std::uint64_t>(*number);
    std::uint64_t seed = 0;
    const std::string_view digits = value.is_number() ? value.text() : std::string_view();
    const auto end = std::from_chars(digits.data(), digits.data() + digits.size(), seed);
    if (digits.empty() || end.ec != std::errc() || end.ptr != digits.data() + digits.size())
      RefuseType("seed", "an integer of 64 bits", value);
    return seed;
  }

  static void AddBias(const JsonValue& member, SamplingOptions& sampling) {
    std::int32_t token = 0;
    const std::string_view key = member.key();
    const auto amount = member.Double();
    const auto end = std::from_chars(key.data(), key.data() + key.size(), token);
    if (end.ec != std::errc() || end.ptr != key.data() + key.size() || !amount)
      Refuse("logit_bias must map token ids to numbers");
    sampling.logit_bias.emplace_back(token, static_cast<float>(*amount));
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
    if (stop->is_string()) {
      stops.emplace_back(stop->text());
    } else if (stop->is_array()) {
      for (std::size_t i = 0; i < stop->size(); ++i) {
        if (!(*stop)[i].is_string()) Refuse("stop must be a text or a list of texts");
        stops.emplace_back((*stop)[i].text());
      }
    } else {
      Refuse("stop must be a text or a list of texts");
    }
    return stops;
  }

  const JsonValue object_;
  const Model& model_;
  GrammarCache& grammars_;
};

}  // namespace

Result<ChatRequest> ParseChatRequest(std::string_view body, const Model& model,
                                     const SamplingOptions& defaults, bool thinking, GrammarCache& grammars) {
  const auto tree = JsonTree::Parse(body, "the body");
  if (!tree.ok()) return tree.status();
  const JsonValue object = tree->root();
  if (!object.is_object()) {
    return Status(StatusCode::kInvalidArgument, absl::StrFormat("the body must be a JSON object, but is %s",
                                                                internal::NameOf(object.kind())));
  }
  try {
    return RequestReader(object, model, grammars).Read(defaults, thinking);
  } catch (const Refusal& refusal) {
    return refusal.status;
  }
}

}  // namespace carat::cli
