// carat check: hold a build, or a machine, to what a reference computed.
#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "carat/model.h"
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
  std::vector<std::string> cases;
  Tolerances tolerances;
  std::vector<int> threads = {0};
  std::vector<std::int32_t> chunks = {0};
  std::vector<std::string> kv_types = {"auto"};
  std::vector<std::string> instruction_sets = {"auto"};
  bool rewind = false;
  bool same_for_threads = false;
  bool json = false;
};

// Runs folders under every combination of what the arguments list.
class Checker {
 public:
  explicit Checker(const CheckArguments& arguments) : arguments_(arguments) {}

  void CheckFolder(const std::string& path) {
    const ReferenceFolder folder(path);
    for (const InstructionSet set : InstructionSets()) {
      EarlierLogits earlier;
      for (const int threads : arguments_.threads) {
        ModelOptions options;
        options.threads = threads;
        options.instruction_set = set;
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
  } else {
    PrintTotals(totals);
  }
  if (broken != kExitSuccess) return broken;
  return totals.different == 0 ? kExitSuccess : kExitDifferent;
}

int Check(const CheckArguments& arguments) {
  if (arguments.tokenizer.empty()) return CheckFolders(arguments);
  int different = 0;
  for (const std::string& path : arguments.paths)
    different += CheckTokenizerCases(arguments.tokenizer, path, arguments.json);
  return different == 0 ? kExitSuccess : kExitDifferent;
}

void AddConfigurationArguments(CLI::App& command, CheckArguments& a) {
  const char* const kGroup = "What to run (several values, separated by commas: every combination)";
  std::vector<std::string> sets = InstructionSetNames();
  sets.emplace_back("all");
  command.add_option("--threads", a.threads, "Threads; 0: one for each core  [0]")
      ->delimiter(',')
      ->check(CLI::Range(0, 4096))
      ->type_name("N,...")
      ->group(kGroup);
  command.add_option("--chunk", a.chunks, "Prompt tokens read together; 0: carat chooses  [0]")
      ->delimiter(',')
      ->check(CLI::NonNegativeNumber)
      ->type_name("N,...")
      ->group(kGroup);
  command.add_option("--kv-type", a.kv_types, "How keys and values are kept  [auto]")
      ->delimiter(',')
      ->check(CLI::IsMember(KvTypeNames()))
      ->type_name("")
      ->group(kGroup);
  command
      .add_option("--instruction-set", a.instruction_sets,
                  "Vector instructions; all: each that this machine has  [auto]")
      ->delimiter(',')
      ->check(CLI::IsMember(sets))
      ->type_name("")
      ->group(kGroup);
  command.add_flag("--rewind", a.rewind, "Rewind, go on, and demand the same continuation")->group(kGroup);
  command
      .add_flag("--same-for-threads", a.same_for_threads,
                "Demand the same logits, bit for bit, for all numbers of threads")
      ->group(kGroup);
  command.add_option("--case", a.cases, "Only this case; may be repeated")->type_name("NAME")->group(kGroup);
}

void AddToleranceArguments(CLI::App& command, CheckArguments& a) {
  const char* const kGroup = "Tolerances";
  command.add_option("--logits-tolerance", a.tolerances.logits, "Largest difference of a logit  [1e-3]")
      ->check(CLI::NonNegativeNumber)
      ->type_name("X")
      ->group(kGroup);
  command
      .add_option("--hidden-tolerance", a.tolerances.hidden,
                  "The same of a layer, relative to its largest value  [1e-3]")
      ->check(CLI::NonNegativeNumber)
      ->type_name("X")
      ->group(kGroup);
  command
      .add_option("--margin", a.tolerances.margin,
                  "Greedy ids are compared where the reference's best logit leads by more than this  [2e-3]")
      ->check(CLI::NonNegativeNumber)
      ->type_name("X")
      ->group(kGroup);
}

}  // namespace

Command AddCheck(CLI::App& program) {
  auto arguments = std::make_shared<CheckArguments>();
  CLI::App* command = program.add_subcommand("check",
                                             "Recompute what a reference computed and show the largest "
                                             "errors. Each PATH is a checkpoint folder with\n"
                                             "golden.safetensors and cases.json, or with expected.json; with "
                                             "--tokenizer, a file of tokenizer cases.");
  command->add_option("PATH", arguments->paths, "Folders to check")->required()->type_name("");
  command
      ->add_option("--tokenizer", arguments->tokenizer,
                   "Check this tokenizer (a tokenizer.json or a folder) against the cases in PATH")
      ->type_name("TOKENIZER");
  command->add_flag("--json", arguments->json, "The report as JSON");
  AddConfigurationArguments(*command, *arguments);
  AddToleranceArguments(*command, *arguments);
  return {command, [arguments] { return Check(*arguments); }};
}

}  // namespace carat::cli
