// carat run: a prompt in, its continuation out.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "carat/chat.h"
#include "examples/cli/answer_form.h"
#include "examples/cli/command.h"
#include "examples/cli/console.h"
#include "examples/cli/error.h"
#include "examples/cli/interrupts.h"
#include "examples/cli/media.h"
#include "examples/cli/options.h"
#include "examples/cli/progress_bar.h"
#include "examples/cli/statistics.h"

namespace carat::cli {
namespace {

struct RunArguments {
  ModelArguments model;
  SessionArguments session;
  SamplingArguments sampling;
  std::optional<std::string> prompt;
  std::int64_t max_tokens = -1;
  std::vector<std::string> stop;
  bool ignore_stop = false;
  bool raw = false;
  bool chat = false;
  bool parse_special = false;
  bool show_special = false;
  std::int32_t logprobs = 0;
  MediaArguments media;
  AnswerFormArguments form;
};

double SecondsSince(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

std::vector<std::int32_t> EncodePrompt(const std::string& text, const RunArguments& arguments,
                                       const Model& model) {
  EncodeOptions options;
  options.parse_special = arguments.parse_special;
  options.add_bos = !arguments.raw;
  std::vector<std::int32_t> ids = ValueOrThrow(model.tokenizer().Encode(text, options));
  if (ids.empty())
    throw Error(kExitBadInput, "the prompt is empty, and --raw leaves <bos> out: nothing to go on from");
  return ids;
}

// With media the text is a user's question about them, in the form that Gemma knows; without, it is to be
// continued as it stands.
Prompt MakePrompt(const std::string& text, const RunArguments& arguments, const Model& model,
                  Interrupts& interrupts) {
  Prompt prompt(model);
  if (arguments.chat && !arguments.media.empty())
    throw Error(kExitBadInput, "--chat is for text: with pictures or sound the text is a question anyway");
  if (arguments.chat) {
    const ChatMessage question{.role = "user", .text = text};
    return ValueOrThrow(RenderPrompt(model, {&question, 1}, ChatOptions{}));
  }
  if (arguments.media.empty()) {
    ThrowIfError(prompt.AddTokens(EncodePrompt(text, arguments, model)));
    return prompt;
  }
  ThrowIfError(prompt.AddText("<bos><|turn>user\n", {.parse_special = true}));
  for (const SoftTokens& media : EncodeMedia(arguments.media, model, interrupts, !arguments.model.quiet))
    ThrowIfError(prompt.AddMedia(media));
  ThrowIfError(prompt.AddText(text, {.parse_special = arguments.parse_special}));
  ThrowIfError(prompt.AddText("<turn|>\n<|turn>model\n", {.parse_special = true}));
  return prompt;
}

// Whether the checkpoint was made for conversations: its answers end with the token that ends a turn.
bool IsForChat(const Model& model) {
  const Tokenizer tokenizer = model.tokenizer();
  const std::vector<std::int32_t> stops = model.stop_tokens();
  return std::any_of(stops.begin(), stops.end(),
                     [&](std::int32_t token) { return tokenizer.Piece(token) == "<turn|>"; });
}

// What `run` does surprises people who ask a chat checkpoint a question.
void TellAboutChat(const RunArguments& arguments, const Model& model) {
  const bool plain = !arguments.chat && arguments.media.empty() && !arguments.raw && !arguments.parse_special;
  if (!plain || !IsForChat(model)) return;
  std::fputs(
      "(this checkpoint answers questions with 'carat chat MODEL' or 'carat run --chat MODEL QUESTION'; "
      "without "
      "--chat, run continues the text as it stands)\n",
      stderr);
}

GenerationOptions MakeGenerationOptions(const RunArguments& arguments, const std::optional<Grammar>& form,
                                        const Model& model) {
  GenerationOptions options;
  options.max_new_tokens = arguments.max_tokens;
  options.sampling = MakeSamplingOptions(arguments.sampling, model);
  if (form) {
    options.sampling->constraint = std::make_shared<const GrammarConstraint>(
        ValueOrThrow(GrammarConstraint::Create(*form, ValueOrThrow(model.grammar_vocabulary()))));
  }
  options.stop_at_model_stop_tokens = !arguments.ignore_stop;
  options.stop_strings = arguments.stop;
  options.top_logprobs = arguments.logprobs;
  options.show_special = arguments.show_special;
  return options;
}

// One line of the table that --logprobs prints: the token and the likeliest ones.
std::string LogprobLine(const GenerationStep& step, const Tokenizer& tokenizer) {
  const auto entry = [&tokenizer](std::int32_t token, float logprob) {
    return absl::StrFormat("%8.4f %d '%s'", logprob, token, EscapeControl(tokenizer.Piece(token)));
  };
  std::string line = entry(step.token, step.logprob) + "\t|";
  for (const TokenLogprob& candidate : step.top) line += "\t" + entry(candidate.token, candidate.logprob);
  return line + "\n";
}

// Generates to the end and writes as it goes. Returns why it ended; `stats` is filled even if Ctrl-C stops
// the reading of the prompt.
StopReason GenerateAndWrite(const RunArguments& arguments, const Prompt& prompt, Session& session,
                            GenerationOptions options, GenerationStats& stats) {
  const Tokenizer tokenizer = session.model().tokenizer();
  const auto begin = std::chrono::steady_clock::now();
  ProgressBar bar("reading the prompt", !arguments.model.quiet);
  options.prompt_progress = [&bar](std::int64_t done, std::int64_t total) {
    bar.Update(done, total);
    return true;
  };
  Result<Generation> generation = Generation::Start(session, prompt, options);
  bar.Clear();
  if (generation.status().code() == StatusCode::kCancelled) {
    stats.prompt_tokens = session.position();
    stats.prompt_seconds = SecondsSince(begin);
    return StopReason::kCancelled;
  }
  ThrowIfError(generation.status());
  for (;;) {
    const GenerationStep step = ValueOrThrow(generation->Next());
    if (arguments.logprobs == 0) {
      WriteNow(step.text);
    } else if (step.token >= 0) {
      WriteNow(LogprobLine(step, tokenizer));
    }
    stats = generation->stats();
    if (step.stop != StopReason::kNone) return step.stop;
  }
}

int Run(const RunArguments& arguments) {
  // Before Ctrl-C becomes ours, so that it ends the program while a person types the prompt.
  const std::string text = TextOrInput(arguments.prompt);
  const std::optional<Grammar> form = MakeAnswerGrammar(arguments.form);
  Interrupts interrupts;
  const auto begin = std::chrono::steady_clock::now();
  const Model model = LoadModel(arguments.model, interrupts);
  const double load_seconds = SecondsSince(begin);
  const Prompt prompt = MakePrompt(text, arguments, model, interrupts);
  if (interrupts.seen()) return kExitInterrupted;
  const GenerationOptions options = MakeGenerationOptions(arguments, form, model);
  if (!arguments.model.quiet) ShowDrawnSeed(arguments.sampling, *options.sampling);
  Session session = ValueOrThrow(Session::Create(model, MakeSessionOptions(arguments.session)));
  if (interrupts.seen()) return kExitInterrupted;
  GenerationStats stats;
  StopReason stop = StopReason::kNone;
  {
    const Interrupts::Handler cancel(interrupts, [&session] { session.Cancel(); });
    stop = GenerateAndWrite(arguments, prompt, session, options, stats);
  }
  if (arguments.logprobs == 0) WriteNow("\n");
  if (!arguments.model.quiet) {
    std::string remark = absl::StrFormat("; loaded in %.2f s; %d threads, %s", load_seconds, model.threads(),
                                         InstructionSetName(model.instruction_set()));
    if (options.sampling->temperature != 0) remark += absl::StrFormat("; --seed %u", options.sampling->seed);
    PrintStatistics(stats, stop, remark);
    TellAboutChat(arguments, model);
  }
  return stop == StopReason::kCancelled ? kExitInterrupted : kExitSuccess;
}

void AddTextArguments(CLI::App& command, RunArguments& a) {
  constexpr char kGroup[] = "Text";
  AddValue(command, kGroup, "--max-tokens", a.max_tokens, "N",
           "Generate at most N tokens; -1: until a stop or a full context  [-1]")
      ->check(AtLeast(-1));
  AddValue(command, kGroup, "--stop", a.stop, "TEXT", "Stop where this text would appear; may be repeated");
  AddAnswerFormArguments(command, kGroup, a.form);
  AddFlag(command, kGroup, "--ignore-stop", a.ignore_stop,
          "Go on at the checkpoint's stop tokens (for timing)");
  AddFlag(command, kGroup, "--chat", a.chat,
          "The prompt is a question to a chat checkpoint, not a text to continue");
  AddFlag(command, kGroup, "--raw", a.raw, "Do not put <bos> in front of the prompt");
  AddFlag(command, kGroup, "--parse-special", a.parse_special,
          "Read control tokens in the prompt (\"<|turn>\") as such, not as text");
  AddFlag(command, kGroup, "--show-special", a.show_special, "Show control tokens in the output");
  AddValue(command, kGroup, "--logprobs", a.logprobs, "N",
           "Instead of text a line a token: its log-probability, the N likeliest")
      ->check(CLI::Range(1, 100));
  AddFlag(command, kGroup, "--quiet,-q", a.model.quiet, "Nothing on stderr but errors");
}

}  // namespace

Command AddRun(CLI::App& program) {
  auto arguments = std::make_shared<RunArguments>();
  CLI::App* command = program.add_subcommand("run", "Continue a prompt, printing as it goes");
  AddModelArguments(*command, arguments->model);
  command->add_option("PROMPT", arguments->prompt,
                      "The text to continue, or a question about media; '-' or none: standard input");
  AddTextArguments(*command, *arguments);
  AddMediaArguments(*command, arguments->media);
  AddSamplingArguments(*command, arguments->sampling);
  AddSessionArguments(*command, arguments->session);
  return {command, [arguments] { return Run(*arguments); }};
}

}  // namespace carat::cli
