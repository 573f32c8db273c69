#include "examples/cli/options.h"

#include <array>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <utility>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "examples/cli/error.h"
#include "examples/cli/interrupts.h"
#include "examples/cli/progress_bar.h"

namespace carat::cli {
namespace {

constexpr std::array<std::pair<KvType, const char*>, 5> kKvTypes = {{{KvType::kAuto, "auto"},
                                                                     {KvType::kFloat32, "float32"},
                                                                     {KvType::kBFloat16, "bf16"},
                                                                     {KvType::kInt16, "int16"},
                                                                     {KvType::kInt8, "int8"}}};

constexpr std::array<std::pair<WeightType, const char*>, 3> kWeightTypes = {
    {{WeightType::kAsStored, "stored"}, {WeightType::kInt8, "int8"}, {WeightType::kInt4, "int4"}}};
constexpr std::array<std::pair<Precision, const char*>, 3> kPrecisions = {
    {{Precision::kAuto, "auto"}, {Precision::kFloat32, "float32"}, {Precision::kBFloat16, "bf16"}}};

// "12=-inf" or "12=0.5": a token id and what is added to its logit.
std::pair<std::int32_t, float> ParseBias(const std::string& text) {
  const char* begin = text.c_str();
  char* end = nullptr;
  const long token = std::strtol(begin, &end, 10);
  if (end != begin && *end == '=' && token >= 0 && token <= INT32_MAX) {
    const char* number = end + 1;
    const float bias = std::strtof(number, &end);
    if (end != number && *end == '\0') return {static_cast<std::int32_t>(token), bias};
  }
  throw Error(kExitBadInput,
              absl::StrFormat("--logit-bias takes ID=X, like 12=-inf or 12=0.5, not '%s'", text));
}

// The two names of a seed that is drawn.
bool IsDrawn(const std::string& seed) {
  return seed == "-1" || seed == "random";
}

std::uint64_t SeedOf(const SamplingArguments& arguments) {
  if (!arguments.seed || IsDrawn(*arguments.seed)) return std::random_device{}();
  const std::string& text = *arguments.seed;
  std::uint64_t seed = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seed);
  if (error == std::errc() && end == text.data() + text.size()) return seed;
  throw Error(kExitBadInput,
              absl::StrFormat("--seed takes a number of 0 .. 2^64 - 1, -1 or random, not '%s'", text));
}

template <typename T>
void Override(T& value, const std::optional<T>& given) {
  if (given.has_value()) value = *given;
}

}  // namespace

std::vector<InstructionSet> AllInstructionSets() {
  std::vector<InstructionSet> sets;
  for (std::int32_t i = 0; i <= static_cast<std::int32_t>(kLastInstructionSet); ++i)
    sets.push_back(static_cast<InstructionSet>(i));
  return sets;
}

std::vector<std::string> InstructionSetNames() {
  std::vector<std::string> names;
  for (const InstructionSet set : AllInstructionSets()) names.emplace_back(InstructionSetName(set));
  return names;
}

std::vector<std::string> KvTypeNames() {
  std::vector<std::string> names;
  for (const auto& [type, name] : kKvTypes) names.emplace_back(name);
  return names;
}

std::vector<std::string> WeightTypeNames() {
  std::vector<std::string> names;
  for (const auto& [type, name] : kWeightTypes) names.emplace_back(name);
  return names;
}

std::vector<std::string> PrecisionNames() {
  std::vector<std::string> names;
  for (const auto& [type, name] : kPrecisions) names.emplace_back(name);
  return names;
}

WeightType ParseWeightType(const std::string& name) {
  for (const auto& [type, known] : kWeightTypes)
    if (known == name) return type;
  throw Error(kExitBadInput, absl::StrFormat("there is no weight type '%s'", name));
}

Precision ParsePrecision(const std::string& name) {
  for (const auto& [precision, known] : kPrecisions)
    if (known == name) return precision;
  throw Error(kExitBadInput, absl::StrFormat("there is no precision '%s'", name));
}

InstructionSet ParseInstructionSet(const std::string& name) {
  for (const InstructionSet set : AllInstructionSets())
    if (InstructionSetName(set) == name) return set;
  throw Error(kExitBadInput, absl::StrFormat("there is no instruction set '%s'", name));
}

// 0 for auto, -1 for off.
std::int64_t ParseStreamPrefetch(const std::string& text) {
  if (text == "auto") return 0;
  if (text == "off") return -1;
  std::int64_t bytes = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), bytes);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size() || bytes < 1) {
    throw Error(kExitBadInput,
                absl::StrFormat("--stream-prefetch is '%s', but must be auto, off or 1 to 65536", text));
  }
  return bytes;
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

CLI::Option* AddFlag(CLI::App& command, const char* group, const char* name, bool& value,
                     const std::string& help) {
  return command.add_flag(name, value, help)->group(group);
}

CLI::Option* AddPositional(CLI::App& command, const char* name, std::string& value, const std::string& help) {
  return command.add_option(name, value, help)->required();
}

CLI::Validator AtLeast(double least) {
  return CLI::Validator(
      [least](const std::string& text) {
        double number = 0;
        if (CLI::detail::lexical_cast(text, number) && number >= least) return std::string();
        return absl::StrFormat("%s is not a number of at least %g", text, least);
      },
      "");
}

std::string ListNames(const std::vector<std::string>& names) {
  return absl::StrJoin(names, ", ");
}

void AddMmproj(CLI::App& command, std::string& mmproj) {
  AddValue(command, "Machine", "--mmproj", mmproj, "FILE",
           "Vision and audio towers for a GGUF model: a GGUF file  [text only]");
}

void AddModelArguments(CLI::App& command, ModelArguments& a) {
  constexpr char kGroup[] = "Machine";
  AddPositional(command, "MODEL", a.path,
                "The checkpoint: a folder with config.json and weights, or a GGUF file");
  AddMmproj(command, a.mmproj);
  AddValue(command, kGroup, "--threads", a.threads, "N",
           "Threads that work together; 0: one for each core  [0]")
      ->check(CLI::Range(0, 4096));
  AddValue(command, kGroup, "--instruction-set", a.instruction_set, "SET",
           ListNames(InstructionSetNames()) + "; auto: the best here  [auto]")
      ->check(CLI::IsMember(InstructionSetNames()));
  AddValue(command, kGroup, "--stream-prefetch", a.stream_prefetch, "BYTES",
           "Prefetch weights so far ahead: off, 1 to 65536, or auto, which measures  [auto]");
  AddValue(command, kGroup, "--weights", a.weights, "TYPE",
           ListNames(WeightTypeNames()) + "; int8, int4: round bf16 weights while loading  [stored]")
      ->check(CLI::IsMember(WeightTypeNames()));
  AddValue(command, kGroup, "--precision", a.precision, "TYPE",
           "Products with bf16 weights: " + ListNames(PrecisionNames()) + "  [auto]")
      ->check(CLI::IsMember(PrecisionNames()));
  AddFlag(command, kGroup, "--no-preload", a.no_preload,
          "Read weights when they are needed, not all at the beginning");
  AddFlag(command, kGroup, "--read-into-memory", a.read_into_memory,
          "Copy the model's files into memory, for files that may change meanwhile");
  AddFlag(command, kGroup, "--verbose", a.verbose, "Show what carat logs, on stderr");
}

void AddSessionArguments(CLI::App& command, SessionArguments& a) {
  constexpr char kGroup[] = "Session";
  AddValue(command, kGroup, "--context", a.context, "N",
           "The most tokens in all; 0: what the model was made for  [0]")
      ->check(AtLeast(0));
  AddValue(command, kGroup, "--kv-type", a.kv_type, "TYPE",
           "Keys and values: " + ListNames(KvTypeNames()) +
               "; int16, bf16: half the memory; int8: a quarter  [auto]")
      ->check(CLI::IsMember(KvTypeNames()));
  AddValue(command, kGroup, "--chunk", a.chunk, "N", "Prompt tokens read together; 0: carat chooses  [0]")
      ->check(AtLeast(0));
}

void AddSamplingArguments(CLI::App& command, SamplingArguments& a) {
  constexpr char kGroup[] = "Sampling (default: what the checkpoint recommends)";
  const auto add = [&command, &kGroup](const char* name, auto& value, const char* value_name,
                                       const char* help) {
    AddValue(command, kGroup, name, value, value_name, help);
  };
  AddFlag(command, kGroup, "--greedy", a.greedy, "Always the likeliest token; nothing is random");
  add("--temperature", a.temperature, "T", "Higher is more varied; 0 is --greedy");
  add("--top-k", a.top_k, "K", "Only the K likeliest tokens; 0: off");
  add("--top-p", a.top_p, "P", "Only the fewest that reach probability P together; 1: off");
  add("--min-p", a.min_p, "P", "Only those with P times the likeliest's probability; 0: off");
  add("--typical", a.typical, "P", "Locally typical sampling with mass P; 1: off");
  add("--repetition-penalty", a.repetition_penalty, "X", "Divide logits of tokens seen before; 1: off");
  add("--frequency-penalty", a.frequency_penalty, "X",
      "Subtract for each time a token was generated; 0: off");
  add("--presence-penalty", a.presence_penalty, "X", "Subtract once if a token was generated; 0: off");
  add("--penalty-window", a.penalty_window, "N", "How many of the latest tokens penalties look at; 0: all");
  add("--logit-bias", a.logit_bias, "ID=X", "Add X to a token's logit (-inf forbids it); may be repeated");
  add("--seed", a.seed, "N",
      "The same seed gives the same text; -1, random or none: it is drawn, and -1 and random show it");
}

SessionOptions MakeSessionOptions(const SessionArguments& arguments) {
  SessionOptions options;
  options.context_size = arguments.context;
  options.kv_type = ParseKvType(arguments.kv_type);
  options.prompt_chunk = arguments.chunk;
  return options;
}

void ShowDrawnSeed(const SamplingArguments& arguments, const SamplingOptions& options) {
  if (!arguments.seed || !IsDrawn(*arguments.seed)) return;
  absl::FPrintF(stderr, "--seed %u\n", options.seed);
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
  options.seed = SeedOf(arguments);
  return options;
}

Model LoadModel(const ModelArguments& arguments, const Interrupts& interrupts) {
  ModelOptions options;
  options.threads = arguments.threads;
  options.instruction_set = ParseInstructionSet(arguments.instruction_set);
  options.weight_type = ParseWeightType(arguments.weights);
  options.precision = ParsePrecision(arguments.precision);
  options.read_into_memory = arguments.read_into_memory;
  options.preload = !arguments.no_preload;
  options.stream_prefetch_bytes = ParseStreamPrefetch(arguments.stream_prefetch);
  options.mmproj = arguments.mmproj;
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
