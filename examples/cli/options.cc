#include "examples/cli/options.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <utility>

#include "absl/strings/str_format.h"
#include "examples/cli/error.h"
#include "examples/cli/interrupts.h"
#include "examples/cli/progress_bar.h"

namespace carat::cli {
namespace {

constexpr std::array kInstructionSets = {InstructionSet::kAuto, InstructionSet::kPlain, InstructionSet::kAvx2,
                                         InstructionSet::kAvx512};
constexpr std::array<std::pair<KvType, const char*>, 3> kKvTypes = {
    {{KvType::kAuto, "auto"}, {KvType::kFloat32, "float32"}, {KvType::kBFloat16, "bf16"}}};

// "12:-inf" or "12:0.5": a token id and what is added to its logit.
std::pair<std::int32_t, float> ParseBias(const std::string& text) {
  const char* begin = text.c_str();
  char* end = nullptr;
  const long token = std::strtol(begin, &end, 10);
  if (end != begin && *end == ':' && token >= 0 && token <= INT32_MAX) {
    const char* number = end + 1;
    const float bias = std::strtof(number, &end);
    if (end != number && *end == '\0') return {static_cast<std::int32_t>(token), bias};
  }
  throw Error(kExitBadInput,
              absl::StrFormat("--logit-bias takes ID:VALUE, like 12:-inf or 12:0.5, not '%s'", text));
}

template <typename T>
void Override(T& value, const std::optional<T>& given) {
  if (given.has_value()) value = *given;
}

}  // namespace

std::vector<std::string> InstructionSetNames() {
  std::vector<std::string> names;
  for (const InstructionSet set : kInstructionSets) names.emplace_back(InstructionSetName(set));
  return names;
}

std::vector<std::string> KvTypeNames() {
  std::vector<std::string> names;
  for (const auto& [type, name] : kKvTypes) names.emplace_back(name);
  return names;
}

InstructionSet ParseInstructionSet(const std::string& name) {
  for (const InstructionSet set : kInstructionSets)
    if (InstructionSetName(set) == name) return set;
  throw Error(kExitBadInput, absl::StrFormat("there is no instruction set '%s'", name));
}

KvType ParseKvType(const std::string& name) {
  for (const auto& [type, known] : kKvTypes)
    if (known == name) return type;
  throw Error(kExitBadInput, absl::StrFormat("there is no cache type '%s'", name));
}

std::string KvTypeName(KvType type) {
  for (const auto& [known, name] : kKvTypes)
    if (known == type) return name;
  return absl::StrFormat("type %d", static_cast<int>(type));
}

void AddModelArguments(CLI::App& command, ModelArguments& arguments) {
  command.add_option("MODEL", arguments.path, "The checkpoint: a folder with config.json and weights")
      ->required();
  command.add_option("--threads", arguments.threads, "Threads that work together; 0: one for each core  [0]")
      ->check(CLI::Range(0, 4096))
      ->type_name("N")
      ->group("Machine");
  command
      .add_option("--instruction-set", arguments.instruction_set,
                  "Which vector instructions; auto: the best here  [auto]")
      ->check(CLI::IsMember(InstructionSetNames()))
      ->type_name("")
      ->group("Machine");
  command
      .add_flag("!--no-preload", arguments.preload,
                "Do not read the weights into memory first, only when they are needed")
      ->group("Machine");
  command.add_flag("--verbose", arguments.verbose, "Show what carat logs, on stderr")->group("Machine");
}

void AddSessionArguments(CLI::App& command, SessionArguments& arguments) {
  command
      .add_option("--context", arguments.context,
                  "The most tokens in all; 0: what the model was made for  [0]")
      ->check(CLI::NonNegativeNumber)
      ->type_name("N")
      ->group("Session");
  command
      .add_option("--kv-type", arguments.kv_type,
                  "How keys and values are kept; bf16 takes half the memory, less exactly  [auto]")
      ->check(CLI::IsMember(KvTypeNames()))
      ->type_name("")
      ->group("Session");
  command.add_option("--chunk", arguments.chunk, "Prompt tokens read together; 0: carat chooses  [0]")
      ->check(CLI::NonNegativeNumber)
      ->type_name("N")
      ->group("Session");
}

void AddSamplingArguments(CLI::App& command, SamplingArguments& a) {
  const auto option = [&command](const char* name, auto& value, const char* help, const char* type) {
    command.add_option(name, value, help)
        ->type_name(type)
        ->group("Sampling (default: what the checkpoint says)");
  };
  const char* const kGroup = "Sampling (default: what the checkpoint says)";
  command.add_flag("--greedy", a.greedy, "Always the likeliest token; nothing is random")->group(kGroup);
  option("--temperature", a.temperature, "Higher is more varied; 0 is --greedy", "T");
  option("--top-k", a.top_k, "Only the K likeliest tokens; 0: off", "K");
  option("--top-p", a.top_p, "Only the fewest that reach probability P together; 1: off", "P");
  option("--min-p", a.min_p, "Only those with P times the likeliest's probability; 0: off", "P");
  option("--typical", a.typical, "Locally typical sampling with mass P; 1: off", "P");
  option("--repetition-penalty", a.repetition_penalty, "Divide logits of tokens seen before; 1: off", "X");
  option("--frequency-penalty", a.frequency_penalty, "Subtract for each time a token was generated; 0: off",
         "X");
  option("--presence-penalty", a.presence_penalty, "Subtract once if a token was generated; 0: off", "X");
  option("--penalty-window", a.penalty_window, "How many of the latest tokens penalties look at; 0: all",
         "N");
  option("--logit-bias", a.logit_bias, "Add to a token's logit (12:-inf forbids it); may be repeated",
         "ID:VALUE");
  option("--seed", a.seed, "The same seed gives the same text; without one it is random", "N");
}

SessionOptions MakeSessionOptions(const SessionArguments& arguments) {
  SessionOptions options;
  options.context_size = arguments.context;
  options.kv_type = ParseKvType(arguments.kv_type);
  options.prompt_chunk = arguments.chunk;
  return options;
}

SamplingOptions MakeSamplingOptions(const SamplingArguments& arguments, const Model& model) {
  SamplingOptions options = model.default_sampling();
  Override(options.temperature, arguments.temperature);
  Override(options.top_k, arguments.top_k);
  Override(options.top_p, arguments.top_p);
  Override(options.min_p, arguments.min_p);
  Override(options.typical_p, arguments.typical);
  Override(options.repetition_penalty, arguments.repetition_penalty);
  Override(options.frequency_penalty, arguments.frequency_penalty);
  Override(options.presence_penalty, arguments.presence_penalty);
  Override(options.penalty_window, arguments.penalty_window);
  if (arguments.greedy) options.temperature = 0;
  for (const std::string& bias : arguments.logit_bias) options.logit_bias.push_back(ParseBias(bias));
  options.seed = arguments.seed.has_value() ? *arguments.seed : std::random_device{}();
  return options;
}

Model LoadModel(const ModelArguments& arguments, const Interrupts& interrupts) {
  ModelOptions options;
  options.threads = arguments.threads;
  options.instruction_set = ParseInstructionSet(arguments.instruction_set);
  options.preload = arguments.preload;
  ProgressBar bar("loading", !arguments.quiet);
  options.progress = [&bar, &interrupts](std::int64_t done, std::int64_t total) {
    bar.Update(done, total);
    return !interrupts.seen();
  };
  options.log = [verbose = arguments.verbose, quiet = arguments.quiet](LogSeverity severity,
                                                                       std::string_view line) {
    if (verbose || (severity == LogSeverity::kWarning && !quiet))
      std::fprintf(stderr, "%.*s\n", static_cast<int>(line.size()), line.data());
  };
  return ValueOrThrow(Model::Load(arguments.path, options));
}

}  // namespace carat::cli
