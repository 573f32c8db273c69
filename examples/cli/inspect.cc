// carat inspect: what is in a checkpoint, and what memory it will take.
#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "carat/model.h"
#include "carat/session.h"
#include "examples/cli/command.h"
#include "examples/cli/console.h"
#include "examples/cli/error.h"
#include "examples/cli/inspection.h"
#include "examples/cli/options.h"

namespace carat::cli {
namespace {

struct InspectArguments {
  std::string path;
  std::string mmproj;
  bool tensors = false;
  bool json = false;
  std::vector<std::int64_t> contexts;
};

void Row(const char* name, const std::string& value) {
  WriteNow(absl::StrFormat("%-18s%s\n", name, value));
}

std::string Bytes(std::uint64_t bytes) {
  return HumanBytes(static_cast<double>(bytes));
}

std::string Towers(const ModelInfo& info) {
  std::string text = "text";
  if (info.has_vision) text += ", vision";
  if (info.has_audio) text += ", audio";
  return text;
}

void PrintModel(const Inspection& inspection) {
  const ModelInfo& info = inspection.info;
  Row("checkpoint", info.path);
  Row("architecture", absl::StrFormat("%s (%s)", info.architecture, Towers(info)));
  Row("parameters",
      absl::StrFormat("%s in the text decoder", HumanCount(static_cast<double>(info.parameters))));
  std::string layers = Grouped(info.layers);
  if (info.kv_shared_layers > 0)
    layers += absl::StrFormat(", the last %d share keys and values", info.kv_shared_layers);
  Row("layers", layers);
  Row("hidden size", Grouped(info.hidden_size));
  Row("vocabulary", Grouped(info.vocabulary_size));
  Row("sliding window", Grouped(info.sliding_window));
  if (info.experts > 0)
    Row("experts", absl::StrFormat("%d, %d for each token", info.experts, info.experts_per_token));
  Row("context", Grouped(info.context_length));
  Row("stop tokens", absl::StrJoin(inspection.stop_tokens, ", "));
  Row("sampling", inspection.sampling);
  Row("this machine", absl::StrFormat("%d threads; %s; runs %s; weights prefetched %s bytes ahead",
                                      inspection.threads, absl::StrJoin(inspection.instruction_sets, ", "),
                                      inspection.instruction_set, Grouped(info.stream_prefetch_bytes)));
}

void PrintLayers(const Inspection& inspection) {
  WriteNow("\nlayers (those in one line hold tensors of the same shapes)\n");
  for (const LayerKind& kind : inspection.layer_kinds)
    WriteNow(absl::StrFormat("  %-36s %-32s %3d tensors, %s each\n", kind.stack, kind.numbers, kind.tensors,
                             Bytes(kind.bytes)));
  WriteNow("other tensors\n");
  for (const TensorInfo& tensor : inspection.other_tensors)
    WriteNow(absl::StrFormat("  %s %s [%s] %s\n", tensor.name, tensor.format,
                             absl::StrJoin(tensor.shape, ", "), Bytes(tensor.bytes)));
}

void PrintMemory(const Inspection& inspection) {
  WriteNow("\nweights                        as stored    int8 *    int4 *\n");
  for (const WeightSizes& sizes : inspection.weights)
    WriteNow(absl::StrFormat("  %-28s %9s %9s %9s\n", sizes.name, Bytes(sizes.stored), Bytes(sizes.int8),
                             Bytes(sizes.int4)));
  WriteNow(
      "  * computed, for groups of 32 with a 16-bit scale. --weights rounds what every token reads while "
      "loading\n"
      "    (with int4 its small parts to int8); carat quantize rounds it all. Rows that are looked up stay "
      "on\n"
      "    disk, but for those in use.\n");
  WriteNow(
      "\nmemory of one session    cache float32   int16 or bf16       int8    workspace   all, float32    "
      "int16       int8\n");
  for (const ContextMemory& row : inspection.contexts)
    WriteNow(absl::StrFormat("  context %12s  %13s %15s %10s %12s %14s %8s %10s\n", Grouped(row.context),
                             Bytes(row.cache_float32), Bytes(row.cache_int16), Bytes(row.cache_int8),
                             Bytes(row.workspace), Bytes(row.all_float32), Bytes(row.all_int16),
                             Bytes(row.all_int8)));
  WriteNow("  all: cache, workspace, and the weights that every token reads\n");
}

void PrintTensors(const Model& model) {
  WriteNow("\ntensors\n");
  for (const TensorInfo& tensor : model.Tensors())
    WriteNow(absl::StrFormat("  %s %s [%s] %s %s\n", tensor.name, tensor.format,
                             absl::StrJoin(tensor.shape, ", "), Bytes(tensor.bytes), tensor.file));
}

int Inspect(const InspectArguments& arguments) {
  ModelOptions options;
  options.mmproj = arguments.mmproj;
  const Model model = ValueOrThrow(Model::Load(arguments.path, options));
  const Inspection inspection = InspectModel(model, arguments.contexts);
  if (arguments.json) {
    WriteNow(InspectionAsJson(inspection, arguments.tensors ? model.Tensors() : std::vector<TensorInfo>{}));
    return kExitSuccess;
  }
  PrintModel(inspection);
  PrintMemory(inspection);
  PrintLayers(inspection);
  if (arguments.tensors) PrintTensors(model);
  return kExitSuccess;
}

}  // namespace

Command AddInspect(CLI::App& program) {
  auto arguments = std::make_shared<InspectArguments>();
  CLI::App* command =
      program.add_subcommand("inspect", "Show what is in a checkpoint, and what memory it will take");
  constexpr char kGroup[] = "Report";
  AddPositional(*command, "MODEL", arguments->path,
                "The checkpoint: a folder with config.json and weights, or a GGUF file");
  AddMmproj(*command, arguments->mmproj);
  AddFlag(*command, kGroup, "--tensors", arguments->tensors, "List every tensor too");
  AddValue(*command, kGroup, "--context", arguments->contexts, "N,...",
           "Context sizes to tell the memory for  [1024, 4096, ... the model's own]")
      ->delimiter(',')
      ->check(AtLeast(1));
  AddFlag(*command, kGroup, "--json", arguments->json, "Everything as JSON");
  return {command, [arguments] { return Inspect(*arguments); }};
}

}  // namespace carat::cli
