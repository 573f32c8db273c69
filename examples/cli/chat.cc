// carat chat: a conversation on the terminal, with tools, pictures and sound.
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_format.h"
#include "carat/conversation.h"
#include "examples/cli/answer_form.h"
#include "examples/cli/chat_screen.h"
#include "examples/cli/chat_tools.h"
#include "examples/cli/command.h"
#include "examples/cli/console.h"
#include "examples/cli/error.h"
#include "examples/cli/interrupts.h"
#include "examples/cli/line_editor.h"
#include "examples/cli/media.h"
#include "examples/cli/options.h"
#include "examples/cli/pasted_path.h"
#include "examples/cli/progress_bar.h"

namespace carat::cli {
namespace {

struct ChatArguments {
  ModelArguments model;
  SessionArguments session;
  SamplingArguments sampling;
  std::string system;
  std::string tools;
  AnswerFormArguments form;
  bool yes = false;
  bool thinking = false;
  std::int64_t thinking_budget = -1;
  std::int64_t max_tokens = -1;
  std::int32_t loop_tokens = 256;
  bool no_history = false;
  bool statistics = false;
};

constexpr char kChatHelp[] =
    "/image FILE   show a picture with the next message\n"
    "/audio FILE   let a sound be heard with the next message\n"
    "/think        turn thinking on or off\n"
    "/undo         forget the last message and its answer\n"
    "/reset        forget the conversation\n"
    "/help         this list\n"
    "/exit         leave (so does Ctrl-D)\n"
    "//...         a message that begins with /\n"
    "Ctrl-C        stop the answer\n";

ConversationOptions MakeConversationOptions(const ChatArguments& arguments, const ChatTools& tools) {
  ConversationOptions options;
  options.chat.tools = tools.definitions();
  options.chat.thinking = arguments.thinking;
  options.session = MakeSessionOptions(arguments.session);
  return options;
}

// Reads lines and obeys them until the end.
class ChatLoop {
 public:
  ChatLoop(const ChatArguments& arguments, const Model& model, ChatTools tools, std::optional<Grammar> form,
           Interrupts& interrupts)
      : arguments_(arguments),
        model_(model),
        tools_(std::move(tools)),
        interrupts_(interrupts),
        conversation_(ValueOrThrow(Conversation::Create(model, MakeConversationOptions(arguments, tools_)))),
        editor_("> ", arguments.no_history ? "" : LineEditor::DefaultHistoryFile()) {
    reply_options_.max_new_tokens = arguments.max_tokens;
    reply_options_.thinking_budget = arguments.thinking_budget;
    reply_options_.loop_tokens = arguments.loop_tokens;
    reply_options_.answer = std::move(form);
    reply_options_.sampling = MakeSamplingOptions(arguments.sampling, model);
    if (!arguments.model.quiet) ShowDrawnSeed(arguments.sampling, *reply_options_.sampling);
    Reset();
  }

  void Run() {
    handler_.emplace(interrupts_, [this] { OnInterrupt(); });
    if (InputIsTerminal()) std::fputs("/help shows the commands\n", stderr);
    std::string line;
    for (;;) {
      const LineEditor::Outcome outcome = editor_.Read(line);
      if (outcome == LineEditor::Outcome::kEnd) break;
      if (outcome == LineEditor::Outcome::kInterrupted) {
        std::fputs("\n(/exit or Ctrl-D leaves)\n", stderr);
        interrupts_.Clear();
      } else if (!Obey(std::string(absl::StripAsciiWhitespace(line)))) {
        return;
      }
    }
    if (InputIsTerminal()) std::fputs("\n", stderr);
  }

 private:
  // What a Ctrl-C means.
  enum class Work { kWaiting, kAnswering, kElse };

  // Returns whether to go on.
  bool Obey(const std::string& line) {
    if (line.empty()) return true;
    const bool doubled = line.starts_with("//");
    if (doubled || line.front() != '/') {
      Answer(doubled ? line.substr(1) : line);
      return true;
    }
    const std::size_t space = std::min(line.find(' '), line.size());
    const std::string command = line.substr(0, space);
    const std::string rest(absl::StripAsciiWhitespace(line.substr(space)));
    if (command == "/exit" || command == "/quit") return false;
    if (command == "/help") {
      std::fputs(kChatHelp, stderr);
    } else if (command == "/reset") {
      Reset();
    } else if (command == "/undo") {
      Undo();
    } else if (command == "/think") {
      ToggleThinking();
    } else if (command == "/image" || command == "/audio") {
      Attach(command, rest);
    } else {
      absl::FPrintF(stderr, "there is no command %s; /help shows them, and // begins a message with a /\n",
                    command);
    }
    return true;
  }

  void Reset() {
    ThrowIfError(conversation_.Truncate(0));
    attached_.clear();
    if (!arguments_.system.empty())
      ThrowIfError(conversation_.AddMessage({.role = "system", .text = arguments_.system}));
  }

  void Undo() {
    std::size_t count = conversation_.messages().size();
    while (count > 0 && conversation_.messages()[count - 1].role != "user") --count;
    if (count == 0) {
      std::fputs("(there is nothing to forget)\n", stderr);
      return;
    }
    ThrowIfError(conversation_.Truncate(count - 1));
    std::fputs("(the last message and its answer are forgotten)\n", stderr);
  }

  void ToggleThinking() {
    ChatOptions options = conversation_.chat_options();
    options.thinking = !options.thinking;
    ThrowIfError(conversation_.SetChatOptions(options));
    std::fputs(options.thinking ? "(thinking is on)\n" : "(thinking is off)\n", stderr);
  }

  void Attach(const std::string& command, const std::string& file) {
    if (file.empty()) {
      absl::FPrintF(stderr, "%s needs a file\n", command);
      return;
    }
    MediaArguments media;
    handler_.reset();  // EncodeMedia has one of its own
    (command == "/image" ? media.images : media.sounds).push_back(FindPastedPath(file));
    try {
      for (SoftTokens& tokens : EncodeMedia(media, model_, interrupts_, !arguments_.model.quiet))
        attached_.push_back(MediaPart(std::move(tokens)));
      std::fputs("(it goes with the next message)\n", stderr);
    } catch (const Error& error) {
      absl::FPrintF(stderr, "%s\n", error.what());
    }
    handler_.emplace(interrupts_, [this] { OnInterrupt(); });
    interrupts_.Clear();
  }

  ChatMessage TakeMessage(const std::string& text) {
    ChatMessage message{.role = "user", .text = text};
    if (attached_.empty()) return message;
    message.parts = std::exchange(attached_, {});
    message.parts.push_back({ChatPartKind::kText, text, std::nullopt});
    return message;
  }

  void Answer(const std::string& text) {
    const std::size_t before = conversation_.messages().size();
    ThrowIfError(conversation_.AddMessage(TakeMessage(text)));
    ReplyEnd end = ReplyEnd::kToolCalls;
    while (end == ReplyEnd::kToolCalls) {
      const Result<ReplyEnd> reply = Reply();
      if (!reply.ok()) {
        ThrowIfError(conversation_.Truncate(before));
        return Complain(reply.status());
      }
      end = *reply;
      if (end == ReplyEnd::kToolCalls) CallTools();
    }
    std::fputs(RemarkOn(end).c_str(), stderr);
    ++reply_options_.sampling->seed;  // or every answer would draw the same random numbers
  }

  Result<ReplyEnd> Reply() {
    ProgressBar bar("reading", !arguments_.model.quiet);
    reply_options_.prompt_progress = [&bar](std::int64_t done, std::int64_t total) {
      bar.Update(done, total);
      return true;
    };
    conversation_.ClearCancel();
    interrupts_.Clear();
    work_ = Work::kAnswering;
    const auto reply = conversation_.Run(reply_options_, [&](const ReplyEvent& event) {
      bar.Clear();
      screen_.Show(event);
      return true;
    });
    work_ = Work::kWaiting;
    bar.Clear();
    interrupts_.Clear();
    screen_.EndReply();
    if (!reply.ok()) return reply.status();
    if (reply->message.text.empty() && reply->end != ReplyEnd::kToolCalls) WriteNow("\n");
    if (arguments_.statistics) PrintReplyStatistics(reply->stats, reply->end);
    return reply->end;
  }

  void CallTools() {
    // A copy, for the results go into the same history.
    const std::vector<ToolCall> calls = conversation_.messages().back().tool_calls;
    work_ = Work::kElse;
    for (const ToolCall& call : calls) {
      const std::string result = tools_.Call(call, arguments_.yes);
      screen_.ShowResult(result);
      ThrowIfError(conversation_.AddToolResult(call.id, result));
    }
    work_ = Work::kWaiting;
    interrupts_.Clear();
  }

  static void Complain(const Status& status) {
    if (status.code() == StatusCode::kCancelled) {
      std::fputs("(stopped before the answer; the message is forgotten)\n", stderr);
    } else if (status.code() == StatusCode::kResourceExhausted) {
      absl::FPrintF(stderr, "%s (/reset begins anew)\n", status.message());
    } else {
      ThrowIfError(status);
    }
  }

  // On the thread of Interrupts.
  void OnInterrupt() {
    switch (work_.load()) {
      case Work::kAnswering:
        return conversation_.Cancel();
      case Work::kElse:
        return;
      case Work::kWaiting:
        if (editor_.Interrupt()) return;
        std::fputs("\n(/exit or Ctrl-D leaves)\n", stderr);
        if (InputIsTerminal()) std::fputs("> ", stderr);
        interrupts_.Clear();
    }
  }

  const ChatArguments& arguments_;
  Model model_;
  ChatTools tools_;
  Interrupts& interrupts_;
  Conversation conversation_;
  LineEditor editor_;
  ChatScreen screen_;
  ReplyOptions reply_options_;
  std::vector<ChatPart> attached_;
  std::atomic<Work> work_{Work::kWaiting};
  std::optional<Interrupts::Handler> handler_;
};

int Chat(const ChatArguments& arguments) {
  Interrupts interrupts;
  ChatTools tools;
  if (!arguments.tools.empty()) {
    tools = ChatTools(arguments.tools);
    signal(SIGPIPE, SIG_IGN);  // a command need not read its arguments
  }
  std::optional<Grammar> form = MakeAnswerGrammar(arguments.form);
  const Model model = LoadModel(arguments.model, interrupts);
  if (interrupts.seen()) return kExitInterrupted;
  ChatLoop(arguments, model, std::move(tools), std::move(form), interrupts).Run();
  return kExitSuccess;
}

}  // namespace

Command AddChat(CLI::App& program) {
  auto arguments = std::make_shared<ChatArguments>();
  CLI::App* command = program.add_subcommand("chat", "Talk with the model, a line a turn");
  constexpr char kGroup[] = "Chat";
  AddModelArguments(*command, arguments->model);
  AddValue(*command, kGroup, "--system", arguments->system, "TEXT",
           "Instructions that stand before the conversation");
  AddFlag(*command, kGroup, "--think", arguments->thinking, "Let the model think before it answers");
  AddValue(*command, kGroup, "--thinking-budget", arguments->thinking_budget, "N",
           "Close a thought after N tokens; -1: no limit  [-1]")
      ->check(AtLeast(-1));
  AddValue(*command, kGroup, "--tools", arguments->tools, "FILE",
           "Functions that the model may call, each a shell command: see below");
  AddAnswerFormArguments(*command, kGroup, arguments->form);
  AddFlag(*command, kGroup, "--yes", arguments->yes, "Run tools without asking");
  AddValue(*command, kGroup, "--max-tokens", arguments->max_tokens, "N",
           "At most N tokens an answer; -1: no limit  [-1]")
      ->check(AtLeast(-1));
  AddValue(*command, kGroup, "--loop", arguments->loop_tokens, "N",
           "Stop an answer that has repeated itself for N tokens; 0: never  [256]")
      ->check(CLI::Range(0, 65536));
  AddFlag(*command, kGroup, "--no-history", arguments->no_history,
          "Do not keep typed lines for the next time");
  AddFlag(*command, kGroup, "--stats", arguments->statistics, "Show speed and memory after each answer");
  AddFlag(*command, kGroup, "--quiet,-q", arguments->model.quiet, "No progress bar");
  AddSamplingArguments(*command, arguments->sampling);
  AddSessionArguments(*command, arguments->session);
  command->footer(std::string("In the chat:\n") + kChatHelp + "\n" + kToolsHelp + "\n");
  return {command, [arguments] { return Chat(*arguments); }};
}

}  // namespace carat::cli
