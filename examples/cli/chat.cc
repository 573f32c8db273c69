// carat chat: turns in Gemma's form, over one session whose cache is kept from turn to turn.
#include <atomic>
#include <cstdio>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_format.h"
#include "examples/cli/command.h"
#include "examples/cli/console.h"
#include "examples/cli/error.h"
#include "examples/cli/interrupts.h"
#include "examples/cli/options.h"
#include "examples/cli/progress_bar.h"
#include "examples/cli/statistics.h"

namespace carat::cli {
namespace {

struct ChatArguments {
  ModelArguments model;
  SessionArguments session;
  SamplingArguments sampling;
  std::string system;
  std::int64_t max_tokens = -1;
  bool statistics = false;
};

constexpr char kChatHelp[] =
    "/help    this list\n"
    "/reset   forget the conversation\n"
    "/exit    leave (so does Ctrl-D)\n"
    "Ctrl-C   stop the answer\n";

using Ids = std::vector<std::int32_t>;

void Append(Ids& ids, const Ids& more) {
  ids.insert(ids.end(), more.begin(), more.end());
}

// Writes turns as token ids:
//   <bos><|turn>system\nTEXT<turn|>\n<|turn>user\nTEXT<turn|>\n<|turn>model\n
// The marks are ids of their own and texts are encoded as plain text, so whatever a person types stays text.
class TurnWriter {
 public:
  explicit TurnWriter(Tokenizer tokenizer)
      : tokenizer_(std::move(tokenizer)), begin_turn_(IdOf("<|turn>")), end_turn_(IdOf("<turn|>")) {}

  std::int32_t end_turn() const { return end_turn_; }

  // A whole turn, up to the newline after its end.
  Ids Turn(std::string_view role, std::string_view text) const {
    Ids ids = {begin_turn_};
    Append(ids, Text(std::string(role) + "\n" + std::string(absl::StripAsciiWhitespace(std::string(text)))));
    Append(ids, EndOfTurn());
    return ids;
  }
  // What the model goes on from.
  Ids BeginningOfAnswer() const {
    Ids ids = {begin_turn_};
    Append(ids, Text("model\n"));
    return ids;
  }
  Ids EndOfTurn() const {
    Ids ids = {end_turn_};
    Append(ids, Text("\n"));
    return ids;
  }
  Ids BeginningOfText() const {
    const std::optional<std::int32_t> bos = tokenizer_.bos();
    return bos.has_value() ? Ids{*bos} : Ids{};
  }

 private:
  std::int32_t IdOf(std::string_view piece) const {
    const std::optional<std::int32_t> id = tokenizer_.IdOf(piece);
    if (!id.has_value())
      throw Error(kExitBadInput,
                  absl::StrFormat("the checkpoint's tokenizer has no %s: it was not made for chat", piece));
    return *id;
  }
  Ids Text(std::string_view text) const { return ValueOrThrow(tokenizer_.Encode(text)); }

  Tokenizer tokenizer_;
  std::int32_t begin_turn_;
  std::int32_t end_turn_;
};

class Conversation {
 public:
  Conversation(Session& session, TurnWriter writer, std::string system, GenerationOptions options)
      : session_(session),
        writer_(std::move(writer)),
        system_(std::move(system)),
        options_(std::move(options)),
        owed_(Beginning()) {
    // Models that have no such stop id of their own stop at the end of a turn all the same.
    options_.stop_tokens.push_back(writer_.end_turn());
  }

  // Reads one message, writes the answer as it comes. After an error, or an interrupt while the message is
  // read, the conversation is as before.
  Result<GenerationResult> Answer(std::string_view message, bool show_progress) {
    Ids prompt = owed_;
    Append(prompt, writer_.Turn("user", message));
    Append(prompt, writer_.BeginningOfAnswer());
    const std::int64_t before = session_.position();
    Result<GenerationResult> answer = Generate(prompt, show_progress);
    if (!answer.ok()) {
      ThrowIfError(session_.Rewind(before).status());
      return answer;
    }
    owed_ = Unread(prompt, *answer, before);
    Append(owed_, writer_.EndOfTurn());
    ++options_.sampling->seed;  // or every answer would draw the same random numbers
    return answer;
  }

  void Reset() {
    ThrowIfError(session_.Rewind(0).status());
    owed_ = Beginning();
  }

 private:
  Ids Beginning() const {
    Ids ids = writer_.BeginningOfText();
    if (!system_.empty()) Append(ids, writer_.Turn("system", system_));
    return ids;
  }

  Result<GenerationResult> Generate(const Ids& prompt, bool show_progress) {
    ProgressBar bar("reading", show_progress);
    options_.prompt_progress = [&bar](std::int64_t done, std::int64_t total) {
      bar.Update(done, total);
      return true;
    };
    const auto write = [&bar](const GenerationStep& step) {
      bar.Clear();
      WriteNow(step.text);
      return true;
    };
    return carat::Generate(session_, prompt, options_, write);
  }

  // The tokens of prompt and answer that the session has not read: the last token of an answer, usually. A
  // stop token is left out, for the end of the turn is written anyway.
  Ids Unread(Ids all, const GenerationResult& answer, std::int64_t before) const {
    Append(all, answer.tokens);
    if (answer.stop == StopReason::kStopToken && !all.empty()) all.pop_back();
    const auto read = static_cast<std::size_t>(session_.position() - before);
    return read < all.size() ? Ids(all.begin() + static_cast<std::ptrdiff_t>(read), all.end()) : Ids{};
  }

  Session& session_;
  TurnWriter writer_;
  std::string system_;
  GenerationOptions options_;
  Ids owed_;  // what must be read before the next turn
};

// Reads lines and obeys them until the end.
class ChatLoop {
 public:
  ChatLoop(Conversation& conversation, Session& session, Interrupts& interrupts,
           const ChatArguments& arguments)
      : conversation_(conversation),
        session_(session),
        interrupts_(interrupts),
        arguments_(arguments),
        handler_(interrupts, [this] { OnInterrupt(); }) {}

  void Run() {
    if (InputIsTerminal()) std::fputs("/help shows the commands\n", stderr);
    std::string line;
    while (ReadLine(line)) {
      const std::string message(absl::StripAsciiWhitespace(line));
      if (message == "/exit" || message == "/quit") return;
      if (message.empty()) continue;
      if (message == "/help") {
        std::fputs(kChatHelp, stderr);
      } else if (message == "/reset") {
        conversation_.Reset();
      } else if (message.front() == '/') {
        absl::FPrintF(stderr, "there is no command %s; /help shows them\n", message);
      } else {
        Answer(message);
      }
    }
    if (InputIsTerminal()) std::fputs("\n", stderr);
  }

 private:
  static void ShowPrompt() {
    if (InputIsTerminal()) std::fputs("> ", stderr);
  }

  static bool ReadLine(std::string& line) {
    ShowPrompt();
    return static_cast<bool>(std::getline(std::cin, line));
  }

  void Answer(const std::string& message) {
    session_.ClearCancel();
    interrupts_.Clear();
    answering_ = true;
    const Result<GenerationResult> answer = conversation_.Answer(message, !arguments_.model.quiet);
    answering_ = false;
    interrupts_.Clear();
    WriteNow("\n");
    if (!answer.ok()) {
      Complain(answer.status());
    } else {
      if (answer->stop == StopReason::kContextFull)
        std::fputs("(the context is full; /reset begins anew)\n", stderr);
      if (arguments_.statistics) PrintStatistics(answer->stats, answer->stop, "");
    }
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
    if (answering_) {
      session_.Cancel();
      return;
    }
    std::fputs("\n(/exit or Ctrl-D leaves)\n", stderr);
    ShowPrompt();
    interrupts_.Clear();
  }

  Conversation& conversation_;
  Session& session_;
  Interrupts& interrupts_;
  const ChatArguments& arguments_;
  std::atomic<bool> answering_{false};
  Interrupts::Handler handler_;
};

int Chat(const ChatArguments& arguments) {
  Interrupts interrupts;
  const Model model = LoadModel(arguments.model, interrupts);
  TurnWriter writer(model.tokenizer());
  Session session = ValueOrThrow(Session::Create(model, MakeSessionOptions(arguments.session)));
  if (interrupts.seen()) return kExitInterrupted;
  GenerationOptions options;
  options.max_new_tokens = arguments.max_tokens;
  options.sampling = MakeSamplingOptions(arguments.sampling, model);
  Conversation conversation(session, std::move(writer), arguments.system, std::move(options));
  ChatLoop(conversation, session, interrupts, arguments).Run();
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
  AddValue(*command, kGroup, "--max-tokens", arguments->max_tokens, "N",
           "At most N tokens an answer; -1: no limit  [-1]")
      ->check(AtLeast(-1));
  AddFlag(*command, kGroup, "--stats", arguments->statistics, "Show speed and memory after each answer");
  AddFlag(*command, kGroup, "--quiet,-q", arguments->model.quiet, "No progress bar");
  AddSamplingArguments(*command, arguments->sampling);
  AddSessionArguments(*command, arguments->session);
  command->footer(std::string("In the chat:\n") + kChatHelp + "\n");
  return {command, [arguments] { return Chat(*arguments); }};
}

}  // namespace carat::cli
