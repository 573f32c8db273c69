#include "examples/cli/chat_screen.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "absl/strings/str_format.h"
#include "examples/cli/console.h"

namespace carat::cli {
namespace {

// A model's text must not move the cursor or worse.
std::string Harmless(std::string_view text) {
  std::string shown;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool control = (byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7F;
    shown += control ? std::string("\xEF\xBF\xBD") : std::string(1, c);
  }
  return shown;
}

const char* EndText(ReplyEnd end) {
  switch (end) {
    case ReplyEnd::kStop:
      return "stop";
    case ReplyEnd::kToolCalls:
      return "tool calls";
    case ReplyEnd::kLimit:
      return "token limit";
    case ReplyEnd::kContextFull:
      return "context full";
    case ReplyEnd::kCancelled:
      return "interrupted";
    case ReplyEnd::kLoop:
      return "repetition";
    case ReplyEnd::kNone:
      break;
  }
  return "not at its end";
}

}  // namespace

ChatScreen::ChatScreen()
    : terminal_(isatty(STDOUT_FILENO) == 1),
      colours_(terminal_ && std::getenv("NO_COLOR") == nullptr &&
               std::string_view(std::getenv("TERM") == nullptr ? "dumb" : std::getenv("TERM")) != "dumb") {}

void ChatScreen::Write(std::string_view text) {
  if (text.empty()) return;
  WriteNow(terminal_ ? Harmless(text) : std::string(text));
  line_is_empty_ = text.back() == '\n';
}

void ChatScreen::Dim(bool on) {
  if (on == dimmed_) return;
  dimmed_ = on;
  if (colours_) WriteNow(on ? "\x1b[2m" : "\x1b[0m");
}

void ChatScreen::BeginLine() {
  if (!line_is_empty_) Write("\n");
}

void ChatScreen::Show(const ReplyEvent& event) {
  switch (event.kind) {
    case ReplyEventKind::kThought:
      if (!terminal_) return;
      Dim(true);
      return Write(event.text);
    case ReplyEventKind::kAnswer:
      if (dimmed_) {
        Dim(false);
        BeginLine();
      }
      return Write(event.text);
    case ReplyEventKind::kToolCall:
      if (!terminal_) return;
      BeginLine();
      Dim(true);
      Write(absl::StrFormat("%s %s", EscapeControl(event.call.name), EscapeControl(event.call.arguments)));
      Dim(false);
      return Write("\n");
    case ReplyEventKind::kMalformedToolCall:
      BeginLine();
      absl::FPrintF(stderr, "(a call that is none: %s: %s)\n", event.problem, EscapeControl(event.text));
      return;
    default:
      return;
  }
}

void ChatScreen::EndReply() {
  Dim(false);
  BeginLine();
}

void ChatScreen::ShowResult(std::string_view result) {
  if (!terminal_) return;
  Dim(true);
  constexpr std::size_t kMost = 300;
  Write("= " + EscapeControl(result.substr(0, kMost)) + (result.size() > kMost ? " ..." : ""));
  Dim(false);
  Write("\n");
}

std::string RemarkOn(ReplyEnd end) {
  switch (end) {
    case ReplyEnd::kContextFull:
      return "(the context is full; /reset begins anew)\n";
    case ReplyEnd::kLoop:
      return "(stopped: it only repeated itself)\n";
    default:
      return "";
  }
}

void PrintReplyStatistics(const ReplyStats& stats, ReplyEnd end) {
  const std::int64_t read = stats.prompt_tokens - stats.reused_tokens;
  const auto rate = [](std::int64_t tokens, double seconds) {
    return seconds > 0 ? absl::StrFormat(" (%.1f tokens/s)", static_cast<double>(tokens) / seconds) : "";
  };
  absl::FPrintF(
      stderr,
      "prompt %s tokens in %.2f s%s, %s more were in the cache; generated %s tokens in %.2f s%s; %s\n",
      Grouped(read), stats.prompt_seconds, rate(read, stats.prompt_seconds), Grouped(stats.reused_tokens),
      Grouped(stats.generated_tokens), stats.generation_seconds,
      rate(stats.generated_tokens, stats.generation_seconds), EndText(end));
  absl::FPrintF(stderr, "peak memory %s\n", HumanBytes(static_cast<double>(PeakMemory())));
}

}  // namespace carat::cli
