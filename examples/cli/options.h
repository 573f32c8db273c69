// Arguments that several commands share, and what is made of them.
#ifndef CARAT_EXAMPLES_CLI_OPTIONS_H_
#define CARAT_EXAMPLES_CLI_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "carat/generation.h"
#include "carat/model.h"
#include "carat/session.h"

namespace carat::cli {

struct ModelArguments {
  std::string path;
  std::string mmproj;
  int threads = 0;
  std::string instruction_set = "auto";
  std::string weights = "stored";
  std::string precision = "auto";
  bool no_preload = false;
  std::string stream_prefetch = "auto";
  bool read_into_memory = false;
  bool verbose = false;
  bool quiet = false;
};

struct SessionArguments {
  std::int64_t context = 0;
  std::string kv_type = "auto";
  std::int32_t chunk = 0;
};

// Absent members leave the checkpoint's own recommendation.
struct SamplingArguments {
  bool greedy = false;
  std::optional<float> temperature;
  std::optional<std::int32_t> top_k;
  std::optional<float> top_p;
  std::optional<float> min_p;
  std::optional<float> typical;
  std::optional<float> repetition_penalty;
  std::optional<float> frequency_penalty;
  std::optional<float> presence_penalty;
  std::optional<std::int32_t> penalty_window;
  std::vector<std::string> logit_bias;
  std::optional<std::string> seed;  // a number, or "-1" or "random" for one that is drawn
};

// The names that options take.
std::vector<std::string> InstructionSetNames();
std::vector<std::string> KvTypeNames();
std::vector<std::string> WeightTypeNames();
std::vector<std::string> PrecisionNames();
InstructionSet ParseInstructionSet(const std::string& name);
WeightType ParseWeightType(const std::string& name);
Precision ParsePrecision(const std::string& name);
KvType ParseKvType(const std::string& name);
std::string KvTypeName(KvType type);

// One option of a command. `value_name` stands for its value in the help. It takes one value at a time, so
// that what follows it is never swallowed; with a vector it may be repeated.
template <typename T>
CLI::Option* AddValue(CLI::App& command, const char* group, const char* name, T& value,
                      const char* value_name, const std::string& help) {
  return command.add_option(name, value, help)
      ->option_text(value_name)
      ->group(group)
      ->allow_extra_args(false);
}
CLI::Option* AddFlag(CLI::App& command, const char* group, const char* name, bool& value,
                     const std::string& help);
CLI::Option* AddPositional(CLI::App& command, const char* name, std::string& value, const std::string& help);

// Demands a number that is not smaller.
CLI::Validator AtLeast(double least);

// "auto, plain, avx2": the names an option takes, for its help.
std::string ListNames(const std::vector<std::string>& names);

void AddMmproj(CLI::App& command, std::string& mmproj);
void AddModelArguments(CLI::App& command, ModelArguments& arguments);
void AddSessionArguments(CLI::App& command, SessionArguments& arguments);
void AddSamplingArguments(CLI::App& command, SamplingArguments& arguments);

SessionOptions MakeSessionOptions(const SessionArguments& arguments);
// Without a seed among the arguments it is a random one, so that two runs differ.
SamplingOptions MakeSamplingOptions(const SamplingArguments& arguments, const Model& model);
// Writes a seed that was drawn because the arguments ask for that to standard error, as an option to repeat
// it.
void ShowDrawnSeed(const SamplingArguments& arguments, const SamplingOptions& options);

class Interrupts;
// Loads with a progress bar that Ctrl-C stops. Log lines go to standard error: warnings unless quiet, all
// if verbose.
Model LoadModel(const ModelArguments& arguments, const Interrupts& interrupts);

}  // namespace carat::cli

#endif  // CARAT_EXAMPLES_CLI_OPTIONS_H_
