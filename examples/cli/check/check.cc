// carat check: hold a build, or a machine, to what a reference computed.
#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "carat/model.h"
#include "examples/cli/check/chat_cases.h"
#include "examples/cli/check/probe.h"
#include "examples/cli/check/reference_folder.h"
#include "examples/cli/check/report.h"
#include "examples/cli/check/tokenizer_cases.h"
#include "examples/cli/command.h"
#include "examples/cli/console.h"
#include "examples/cli/error.h"
#include "examples/cli/options.h"

namespace carat::cli {
namespace {

struct CheckArguments {
  std::vector<std::string> paths;
  std::string tokenizer;
  std::string chat;
  std::vector<std::string> cases;
  Tolerances tolerances;
  std::vector<int> threads = {0};
  std::vector<std::int32_t> chunks = {0};
  std::vector<std::string> kv_types = {"auto"};
  std::vector<std::string> instruction_sets = {"auto"};
  std::string precision = "float32";
  bool rewind = false;
  bool same_for_threads = false;
  bool json = false;
};

// Runs folders under every combination of what the arguments list.
class Checker {
 public:
  explicit Checker(const CheckArguments& arguments) : arguments_(arguments) {}

  void CheckFolder(const std::string& path) {
    if (IsDrafterFolder(path)) {
      SkipFolder(path, "a drafter, which carat cannot run yet");
      return;
    }
    const ReferenceFolder folder(path);
    for (const InstructionSet set : InstructionSets()) {
      EarlierLogits earlier;
      for (const int threads : arguments_.threads) {
        ModelOptions options;
        options.threads = threads;
        options.instruction_set = set;
        options.precision = ParsePrecision(arguments_.precision);
        CheckModel(folder, ValueOrThrow(Model::Load(path, options)), earlier);
      }
    }
  }

  const std::vector<RunReport>& runs() const { return runs_; }
  bool any_case() const { return any_case_; }

 private:
  // By "chunk, cache", then by case.
  using EarlierLogits = std::map<std::string, std::map<std::string, std::vector<float>>>;

  std::vector<InstructionSet> InstructionSets() const {
    std::vector<InstructionSet> sets;
    for (const std::string& name : arguments_.instruction_sets) {
      if (name == "all") {
        for (const InstructionSet set : AvailableInstructionSets()) sets.push_back(set);
      } else {
        sets.push_back(ParseInstructionSet(name));
      }
    }
    return sets;
  }

  void SkipFolder(const std::string& path, const std::string& reason) {
    any_case_ = true;
    runs_.push_back({path, "not run", {{"all", reason, {}}}});
    if (arguments_.json) return;
    PrintRunHeader(runs_.back());
    PrintCase(runs_.back().cases.front());
  }

  void CheckModel(const ReferenceFolder& folder, const Model& model, EarlierLogits& earlier) {
    for (const std::string& kv_type : arguments_.kv_types) {
      for (const std::int32_t chunk : arguments_.chunks) {
        SessionOptions session;
        session.kv_type = ParseKvType(kv_type);
        session.prompt_chunk = chunk;
        const std::string key = absl::StrFormat("%s %d", kv_type, chunk);
        CheckConfiguration({folder, model, session, arguments_.tolerances, arguments_.rewind,
                            arguments_.same_for_threads ? &earlier[key] : nullptr});
      }
    }
  }

  void CheckConfiguration(const ProbeContext& context) {
    const Session session = ValueOrThrow(Session::Create(context.model, context.session));
    RunReport& run = runs_.emplace_back();
    run.folder = context.folder.path();
    run.configuration =
        absl::StrFormat("%d threads, chunk %d, kv %s, %s", context.model.threads(), session.prompt_chunk(),
                        KvTypeName(session.kv_type()), InstructionSetName(context.model.instruction_set()));
    if (!arguments_.json) PrintRunHeader(run);
    for (const ReferenceCase& reference : context.folder.cases()) {
      if (!Wanted(reference.name)) continue;
      any_case_ = true;
      run.cases.push_back(CheckCase(context, reference));
      if (!arguments_.json) PrintCase(run.cases.back());
    }
  }

  bool Wanted(const std::string& name) const {
    if (arguments_.cases.empty()) return true;
    for (const std::string& wanted : arguments_.cases)
      if (wanted == name) return true;
    return false;
  }

  const CheckArguments& arguments_;
  std::vector<RunReport> runs_;
  bool any_case_ = false;
};

int CheckFolders(const CheckArguments& arguments) {
  Checker checker(arguments);
  int broken = kExitSuccess;
  for (const std::string& path : arguments.paths) {
    try {
      checker.CheckFolder(path);
    } catch (const Error& error) {
      // The other folders are still worth knowing about.
      std::fprintf(stderr, "carat check: %s\n", error.what());
      broken = std::max(broken, static_cast<int>(error.exit_code()));
    }
  }
  if (!checker.any_case() && broken == kExitSuccess)
    throw Error(kExitBadInput, arguments.cases.empty() ? "there are no cases to check"
                                                       : "no folder has a case of that name");
  const ReportTotals totals = Count(checker.runs());
  if (arguments.json) {
    WriteNow(ReportAsJson(checker.runs()));
  } else if (!checker.runs().empty()) {
    PrintTotals(totals);
  }
  if (broken != kExitSuccess) return broken;
  return totals.different == 0 ? kExitSuccess : kExitDifferent;
}

int Check(const CheckArguments& arguments) {
  if (!arguments.chat.empty()) {
    return CheckChatCases(arguments.chat, arguments.paths, arguments.json) == 0 ? kExitSuccess
                                                                                : kExitDifferent;
  }
  if (arguments.paths.empty()) throw Error(kExitBadInput, "PATH is required");
  if (arguments.tokenizer.empty()) return CheckFolders(arguments);
  int different = 0;
  for (const std::string& path : arguments.paths)
    different += CheckTokenizerCases(arguments.tokenizer, path, arguments.json);
  return different == 0 ? kExitSuccess : kExitDifferent;
}

void AddConfigurationArguments(CLI::App& command, CheckArguments& a) {
  constexpr char kGroup[] = "What to run (several values: every combination of them)";
  std::vector<std::string> sets = InstructionSetNames();
  sets.emplace_back("all");
  AddValue(command, kGroup, "--threads", a.threads, "N,...", "Threads; 0: one for each core  [0]")
      ->delimiter(',')
      ->check(CLI::Range(0, 4096));
  AddValue(command, kGroup, "--chunk", a.chunks, "N,...",
           "Prompt tokens read together; 0: carat chooses  [0]")
      ->delimiter(',')
      ->check(AtLeast(0));
  AddValue(command, kGroup, "--kv-type", a.kv_types, "TYPE,...",
           "Keys and values: " + ListNames(KvTypeNames()) + "  [auto]")
      ->delimiter(',')
      ->check(CLI::IsMember(KvTypeNames()));
  AddValue(command, kGroup, "--instruction-set", a.instruction_sets, "SET,...",
           ListNames(sets) + "; all: each that is here  [auto]")
      ->delimiter(',')
      ->check(CLI::IsMember(sets));
  AddValue(command, kGroup, "--precision", a.precision, "TYPE",
           "Products with bf16 weights: " + ListNames(PrecisionNames()) +
               "; bf16 needs wider tolerances  [float32]")
      ->check(CLI::IsMember(PrecisionNames()));
  AddFlag(command, kGroup, "--rewind", a.rewind, "Also rewind, go on, and demand the same continuation");
  AddFlag(command, kGroup, "--same-for-threads", a.same_for_threads,
          "Also demand the same logits, bit for bit, for all numbers of threads");
  AddValue(command, kGroup, "--case", a.cases, "NAME", "Only this case; may be repeated");
}

void AddToleranceArguments(CLI::App& command, CheckArguments& a) {
  constexpr char kGroup[] = "Tolerances";
  AddValue(command, kGroup, "--logits-tolerance", a.tolerances.logits, "X",
           "Largest difference of a logit  [1e-3]")
      ->check(AtLeast(0));
  AddValue(command, kGroup, "--hidden-tolerance", a.tolerances.hidden, "X",
           "The same of a layer's input, relative to its largest value  [1e-3]")
      ->check(AtLeast(0));
  AddValue(command, kGroup, "--media-tolerance", a.tolerances.media, "X",
           "Largest error of a tower's output or a soft token, relative to the largest  [2e-3]")
      ->check(CLI::NonNegativeNumber);
  AddValue(command, kGroup, "--mel-tolerance", a.tolerances.mel, "X",
           "Largest error of a mel feature  [1e-4]")
      ->check(CLI::NonNegativeNumber);
  AddValue(command, kGroup, "--margin", a.tolerances.margin, "X",
           "Compare greedy ids where the reference's best logit leads by more  [2e-3]")
      ->check(AtLeast(0));
}

}  // namespace

Command AddCheck(CLI::App& program) {
  auto arguments = std::make_shared<CheckArguments>();
  CLI::App* command =
      program.add_subcommand("check", "Compare with what a reference computed, and show the largest errors");
  constexpr char kGroup[] = "Kind of check";
  command->add_option("PATH", arguments->paths,
                      "Checkpoint folders that also hold golden.safetensors and\n"
                      "cases.json, or expected.json; with --tokenizer, files of cases;\n"
                      "with --chat, none, or folders whose tokenizers are checked too");
  AddValue(*command, kGroup, "--tokenizer", arguments->tokenizer, "TOKENIZER",
           "Compare this tokenizer (a tokenizer.json or a folder) with the cases in PATH");
  AddValue(*command, kGroup, "--chat", arguments->chat, "CASES",
           "Compare chat prompts, in both forms, with the conversations in CASES");
  AddFlag(*command, kGroup, "--json", arguments->json, "The report as JSON");
  AddConfigurationArguments(*command, *arguments);
  AddToleranceArguments(*command, *arguments);
  return {command, [arguments] { return Check(*arguments); }};
}

}  // namespace carat::cli
