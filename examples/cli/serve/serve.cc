// carat serve: chat completions over HTTP, as OpenAI's clients ask for them, for programs on this machine.
#include <httplib.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_format.h"
#include "carat/conversation.h"
#include "examples/cli/command.h"
#include "examples/cli/error.h"
#include "examples/cli/interrupts.h"
#include "examples/cli/json_writer.h"
#include "examples/cli/options.h"
#include "examples/cli/serve/chat_request.h"
#include "examples/cli/serve/chat_response.h"

namespace carat::cli {
namespace {

struct ServeArguments {
  ModelArguments model;
  SessionArguments session;
  SamplingArguments sampling;
  int port = 8080;
  std::string name;
  bool thinking = false;
  std::int64_t max_tokens = -1;
  std::int32_t loop_tokens = 256;
};

// Large enough for pictures and sound as base64.
constexpr std::size_t kMostBodyBytes = std::size_t{256} << 20;
// Of answers by a schema; a used one may take some tens of megabytes.
constexpr std::size_t kMostGrammars = 8;
constexpr char kJson[] = "application/json";

std::int64_t SecondsSince1970() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::string NameOfModel(const ServeArguments& arguments, const std::string& path) {
  if (!arguments.name.empty()) return arguments.name;
  const std::filesystem::path folder = std::filesystem::absolute(path).lexically_normal();
  const std::string name = (folder.has_filename() ? folder : folder.parent_path()).filename().string();
  return name.empty() ? "carat" : name;
}

// A web page must not talk to this server under a name of its own.
bool IsLocalName(std::string host) {
  if (const std::size_t colon = host.rfind(':');
      colon != std::string::npos && host.find(']', colon) == std::string::npos)
    host.resize(colon);
  return host == "localhost" || host == "127.0.0.1" || host == "[::1]" || host.empty();
}

// One model, one conversation: requests are answered one after the other, and what one shares with the one
// before it is in the cache.
class ChatService {
 public:
  ChatService(const ServeArguments& arguments, const Model& model)
      : arguments_(arguments),
        model_(model),
        name_(NameOfModel(arguments, model.info().path)),
        created_(SecondsSince1970()),
        sampling_(MakeSamplingOptions(arguments.sampling, model)),
        conversation_(ValueOrThrow(
            Conversation::Create(model, {.chat = {}, .session = MakeSessionOptions(arguments.session)}))) {}

  const std::string& name() const { return name_; }

  void AddRoutes(httplib::Server& server) {
    server.set_payload_max_length(kMostBodyBytes);
    server.set_pre_routing_handler([](const httplib::Request& request, httplib::Response& response) {
      if (IsLocalName(request.get_header_value("Host"))) return httplib::Server::HandlerResponse::Unhandled;
      Refuse(response,
             Status(StatusCode::kPermissionDenied, "this server is for programs on its own machine"), 403);
      return httplib::Server::HandlerResponse::Handled;
    });
    server.Get("/v1/models", [this](const httplib::Request&, httplib::Response& response) {
      JsonWriter json;
      json.BeginObject().Key("object").String("list").Key("data").BeginArray();
      WriteModel(json);
      json.EndArray().EndObject();
      response.set_content(json.text(), kJson);
    });
    server.Get(R"(/v1/models/(.+))", [this](const httplib::Request& request, httplib::Response& response) {
      if (request.matches[1] != name_) {
        return Refuse(response, Status(StatusCode::kNotFound, "there is no such model: there is " + name_),
                      404);
      }
      JsonWriter json;
      WriteModel(json);
      response.set_content(json.text(), kJson);
    });
    server.Get("/health", [](const httplib::Request&, httplib::Response& response) {
      response.set_content(R"({"status":"ok"})", kJson);
    });
    server.Post("/v1/chat/completions", [this](const httplib::Request& request, httplib::Response& response) {
      Complete(request, response);
    });
    server.set_error_handler([](const httplib::Request&, httplib::Response& response) {
      if (response.body.empty())
        Refuse(response, Status(StatusCode::kNotFound, "there is nothing here; see /v1/chat/completions"),
               response.status);
    });
  }

  // For a server that is to stop.
  void Cancel() {
    ending_ = true;
    conversation_.Cancel();
  }

 private:
  // The conversation while a request has it; given back when this is gone.
  struct Turn {
    explicit Turn(ChatService& owner) : service(owner), lock(owner.mutex_) {}
    ~Turn() { static_cast<void>(service.conversation_.Stop()); }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ChatService& service;
    std::unique_lock<std::mutex> lock;
  };

  static void Refuse(httplib::Response& response, const Status& status, int code) {
    response.status = code;
    response.set_content(ErrorJson(status), kJson);
  }

  void WriteModel(JsonWriter& json) const {
    json.BeginObject();
    json.Key("id").String(name_);
    json.Key("object").String("model");
    json.Key("created").Integer(created_);
    json.Key("owned_by").String("carat");
    json.EndObject();
  }

  // Puts the request's messages in the place of what the conversation held.
  Status Prepare(ChatRequest& request) {
    if (ending_) return Status(StatusCode::kUnavailable, "the server is stopping");
    if (Status status = conversation_.Truncate(0); !status.ok()) return status;
    if (Status status = conversation_.SetChatOptions(request.chat); !status.ok()) return status;
    for (ChatMessage& message : request.messages) {
      if (Status status = conversation_.AddMessage(std::move(message)); !status.ok()) return status;
    }
    return {};
  }

  void Complete(const httplib::Request& http, httplib::Response& response) {
    SamplingOptions defaults = sampling_;
    defaults.seed += requests_++;
    Result<ChatRequest> request =
        ParseChatRequest(http.body, model_, defaults, arguments_.thinking, grammars_);
    if (!request.ok()) return Refuse(response, request.status(), HttpStatusOf(request.status().code()));
    request->reply.loop_tokens = arguments_.loop_tokens;
    if (request->reply.max_new_tokens < 0) request->reply.max_new_tokens = arguments_.max_tokens;
    const CompletionHead head{absl::StrFormat("chatcmpl-%d-%d", created_, requests_.load()),
                              SecondsSince1970(), name_};
    auto turn = std::make_shared<Turn>(*this);
    if (const Status status = Prepare(*request); !status.ok())
      return Refuse(response, status, HttpStatusOf(status.code()));
    if (request->stream) return Stream(std::move(turn), *request, head, response);
    const Result<Reply> reply = conversation_.Run(request->reply);
    if (!reply.ok()) return Refuse(response, reply.status(), HttpStatusOf(reply.status().code()));
    response.set_content(CompletionJson(head, *reply), kJson);
  }

  // The prompt is read before the first byte goes out, so that what is wrong with it is an HTTP status.
  void Stream(std::shared_ptr<Turn> turn, const ChatRequest& request, const CompletionHead& head,
              httplib::Response& response) {
    if (const Status status = conversation_.Start(request.reply); !status.ok())
      return Refuse(response, status, HttpStatusOf(status.code()));
    response.set_header("Cache-Control", "no-cache");
    response.set_chunked_content_provider(
        "text/event-stream",
        [this, turn, head, usage = request.stream_usage](std::size_t, httplib::DataSink& sink) {
          return SendEvents(head, usage, sink);
        });
  }

  static bool Send(const std::string& json, httplib::DataSink& sink) {
    if (json.empty()) return true;
    const std::string event = "data: " + json + "\n\n";
    return sink.write(event.data(), event.size());
  }

  // Returns false if the client is gone: nobody wants the rest then.
  bool SendEvents(const CompletionHead& head, bool usage, httplib::DataSink& sink) {
    if (!Send(FirstChunkJson(head), sink)) return false;
    std::int32_t calls = 0;
    for (;;) {
      Result<ReplyEvent> event = conversation_.Next();
      if (!event.ok()) {
        Send(ErrorJson(event.status()), sink);
        break;
      }
      if (event->kind == ReplyEventKind::kToolCall) event->index = calls++;
      if (!Send(ChunkJson(head, *event), sink)) return false;
      if (event->kind == ReplyEventKind::kEnd) break;
    }
    if (usage && !Send(UsageChunkJson(head, conversation_.stats()), sink)) return false;
    if (!Send("[DONE]", sink)) return false;
    sink.done();
    return true;
  }

  const ServeArguments& arguments_;
  Model model_;
  std::string name_;
  std::int64_t created_;
  SamplingOptions sampling_;
  GrammarCache grammars_{kMostGrammars};
  std::mutex mutex_;  // guards the conversation
  Conversation conversation_;
  std::atomic<std::uint64_t> requests_{0};
  std::atomic<bool> ending_{false};
};

int Serve(const ServeArguments& arguments) {
  Interrupts interrupts;
  const Model model = LoadModel(arguments.model, interrupts);
  if (interrupts.seen()) return kExitInterrupted;
  httplib::Server server;
  ChatService service(arguments, model);
  service.AddRoutes(server);
  const std::string host = "127.0.0.1";
  const int port = arguments.port == 0                         ? server.bind_to_any_port(host)
                   : server.bind_to_port(host, arguments.port) ? arguments.port
                                                               : -1;
  if (port <= 0)
    throw Error(kExitFailed, absl::StrFormat("port %d of %s cannot be had", arguments.port, host));
  const Interrupts::Handler stop(interrupts, [&] {
    service.Cancel();
    server.stop();
  });
  absl::FPrintF(stderr, "%s at http://%s:%d/v1 (Ctrl-C ends it)\n", service.name(), host, port);
  if (!server.listen_after_bind()) throw Error(kExitFailed, "the server has failed");
  return kExitSuccess;
}

}  // namespace

Command AddServe(CLI::App& program) {
  auto arguments = std::make_shared<ServeArguments>();
  CLI::App* command =
      program.add_subcommand("serve", "Answer chat completions over HTTP, for programs on this machine");
  constexpr char kGroup[] = "Server";
  AddModelArguments(*command, arguments->model);
  AddValue(*command, kGroup, "--port", arguments->port, "N",
           "The port at 127.0.0.1; 0: any that is free  [8080]")
      ->check(CLI::Range(0, 65535));
  AddValue(*command, kGroup, "--name", arguments->name, "NAME",
           "What the model is called  [its folder's name]");
  AddFlag(*command, kGroup, "--think", arguments->thinking,
          "Let the model think where a request does not say");
  AddValue(*command, kGroup, "--max-tokens", arguments->max_tokens, "N",
           "At most N tokens an answer where a request does not say; -1: no limit  [-1]")
      ->check(AtLeast(-1));
  AddValue(*command, kGroup, "--loop", arguments->loop_tokens, "N",
           "Stop an answer that has repeated itself for N tokens; 0: never  [256]")
      ->check(CLI::Range(0, 65536));
  AddFlag(*command, kGroup, "--quiet,-q", arguments->model.quiet, "No progress bar");
  AddSamplingArguments(*command, arguments->sampling);
  AddSessionArguments(*command, arguments->session);
  command->footer(
      "Routes: GET /v1/models, POST /v1/chat/completions (also streamed; tools and tool_choice;\n"
      "response_format; pictures and sound as data URLs), GET /health. Calls are held to the declared\n"
      "tools, and answers to response_format: nothing else can come. The model does not see the schema\n"
      "of an answer: a message should say what is wanted. Requests are answered one after the other.\n"
      "What this server cannot do is refused, not ignored.\n");
  return {command, [arguments] { return Serve(*arguments); }};
}

}  // namespace carat::cli
