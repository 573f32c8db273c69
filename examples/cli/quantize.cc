// carat quantize: a checkpoint as a GGUF file, with its weights rounded.
#include "carat/quantize.h"

#include <signal.h>

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include "examples/cli/command.h"
#include "examples/cli/error.h"
#include "examples/cli/interrupts.h"
#include "examples/cli/options.h"
#include "examples/cli/progress_bar.h"

namespace carat::cli {
namespace {

struct QuantizeArguments {
  std::string in;
  std::string out;
  QuantizeOptions options;
  bool quiet = false;
};

int RunQuantize(const QuantizeArguments& arguments) {
  // Whatever ends the program, no unfinished file stays behind: what would end it stops the work first.
  Interrupts interrupts(Interrupts::Signals::kAllEnding);
  signal(SIGXFSZ, SIG_IGN);  // writing too much is then an error
  QuantizeOptions options = arguments.options;
  ProgressBar bar("rounding", !arguments.quiet);
  options.progress = [&bar, &interrupts](std::int64_t done, std::int64_t total) {
    bar.Update(done, total);
    return !interrupts.seen();
  };
  options.log = [quiet = arguments.quiet](LogSeverity, std::string_view line) {
    if (!quiet) std::fprintf(stderr, "%.*s\n", static_cast<int>(line.size()), line.data());
  };
  const Status status = QuantizeCheckpoint(arguments.in, arguments.out, options);
  bar.Clear();
  if (status.code() == StatusCode::kCancelled) return interrupts.exit_code();
  ThrowIfError(status);
  return kExitSuccess;
}

}  // namespace

Command AddQuantize(CLI::App& program) {
  auto a = std::make_shared<QuantizeArguments>();
  CLI::App* command = program.add_subcommand("quantize", "Write a checkpoint as a GGUF file, rounded");
  AddPositional(*command, "MODEL", a->in,
                "The checkpoint: a folder with config.json and weights, or a GGUF file");
  AddPositional(*command, "OUT", a->out,
                "The GGUF file to write: a regular file; of a link, the file behind it");
  constexpr char kGroup[] = "Formats";
  AddValue(*command, kGroup, "--type", a->options.type, "TYPE",
           "q4_0, q4_k_m, q5_k_m, q6_k, q8_0, iq4_xs, bf16, f16, f32 ...  [q4_0]");
  AddValue(*command, kGroup, "--embeddings", a->options.embeddings, "TYPE",
           "Of the embedding table, which is the head too  [q6_k, or finer with a finer type]");
  AddValue(*command, kGroup, "--per-layer-embeddings", a->options.per_layer_embeddings, "TYPE",
           "Of the table of per-layer embeddings  [as --type]");
  AddValue(*command, kGroup, "--mmproj", a->options.mmproj, "FILE",
           "Write the vision and audio towers too, to this GGUF file, not rounded  [left out]");
  AddFlag(*command, kGroup, "--requantize", a->options.requantize,
          "Round what is in blocks already, at a loss");
  AddFlag(*command, kGroup, "--overwrite", a->options.overwrite, "Replace the files if they are there");
  AddValue(*command, kGroup, "--threads", a->options.threads, "N", "0: one for each core  [0]")
      ->check(CLI::Range(0, 4096));
  AddFlag(*command, kGroup, "--quiet,-q", a->quiet, "Nothing on stderr but errors");
  return {command, [a] { return RunQuantize(*a); }};
}

}  // namespace carat::cli
