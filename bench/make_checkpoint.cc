// Writes a checkpoint of random weights, of the full size of a released one, in the published form: for
// measuring where the real weights are not at hand.
//
//   make_checkpoint e2b OUT [--seed N] [--layers N] [--tokenizer PATH] [--towers]
//   make_checkpoint some/config.json OUT
//   make_checkpoint e2b OUT.gguf --gguf --type q4_0 [--seed N] [--layers N]
#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>

#include "bench/checkpoint_writer.h"
#include "bench/gguf_file.h"
#include "bench/shape.h"
#include "bench/text_tensors.h"
#include "bench/tower_tensors.h"
#include "lib/base/error.h"
#include "lib/base/file_mapping.h"
#include "lib/weights/model_config.h"

namespace carat::bench {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLargestConfig = 1 << 20;

struct Options {
  std::string shape;
  std::string out;
  std::uint64_t seed = 1;
  std::optional<std::int64_t> layers;
  std::string tokenizer;
  double shard_gigabytes = 4;
  bool towers = false;
  bool gguf = false;
  std::string type = "bf16";
  std::string embeddings;
  std::string per_layer_embeddings;
};

// A released shape by name, or a file of one's own.
std::string ConfigPath(const std::string& shape) {
  const std::string released = std::string(CARAT_RELEASED_CONFIGS) + "/" + shape + "/config.json";
  return internal::FileExists(released) ? released : shape;
}

Status CopyInto(const fs::path& source, const fs::path& target) {
  std::error_code error;
  fs::copy_file(source, target, fs::copy_options::overwrite_existing, error);
  if (error) return internal::Unavailable("%s: cannot copy: %s", source.string(), error.message());
  return {};
}

// Those that the folder's configuration has.
Status PlanTowers(const std::string& folder, const internal::ModelConfig& config,
                  std::vector<PlannedTensor>& tensors) {
  CARAT_ASSIGN_OR_RETURN(const auto vision, internal::ReadVisionConfig(folder));
  CARAT_ASSIGN_OR_RETURN(const auto audio, internal::ReadAudioConfig(folder));
  if (vision) PlanVisionTensors(*vision, config.text.hidden_size, tensors);
  if (audio) PlanAudioTensors(*audio, config.text.hidden_size, tensors);
  return {};
}

Status MakeFolder(const Options& options, const internal::ModelConfig& config, const std::string& config_text,
                  const std::string& generation_text) {
  std::error_code error;
  fs::create_directories(options.out, error);
  if (error) return internal::Unavailable("%s: cannot make the folder: %s", options.out, error.message());
  CARAT_RETURN_IF_ERROR(WriteText(options.out + "/config.json", config_text));
  if (!generation_text.empty()) {
    CARAT_RETURN_IF_ERROR(WriteText(options.out + "/generation_config.json", generation_text));
  }
  if (!options.tokenizer.empty()) {
    CARAT_RETURN_IF_ERROR(CopyInto(options.tokenizer, fs::path(options.out) / "tokenizer.json"));
  }
  const std::string prefix = config.architecture == "gemma4" ? "model.language_model." : "model.";
  std::vector<PlannedTensor> tensors = PlanTextTensors(config.text, prefix);
  if (options.towers) CARAT_RETURN_IF_ERROR(PlanTowers(options.out, config, tensors));
  std::uint64_t values = 0;
  for (const PlannedTensor& tensor : tensors) values += tensor.count();
  std::printf("%s: %zu tensors, %.3f G values, %.2f GB\n", options.out.c_str(), tensors.size(),
              static_cast<double>(values) / 1e9, static_cast<double>(values) * 2 / 1e9);
  std::fflush(stdout);
  return WriteWeights(options.out, tensors, options.seed,
                      static_cast<std::uint64_t>(options.shard_gigabytes * 1e9));
}

Status MakeGguf(const Options& options, const internal::ModelConfig& config) {
  CARAT_ASSIGN_OR_RETURN(
      const internal::FormatPlan plan,
      internal::FormatPlan::Create(options.type, options.embeddings, options.per_layer_embeddings));
  return WriteGguf(options.out, config, PlanTextTensors(config.text, ""), plan, options.seed);
}

Status Make(const Options& options) {
  const std::string source = ConfigPath(options.shape);
  CARAT_ASSIGN_OR_RETURN(const std::string config_text, ShapeConfig(source, options.layers, options.towers));
  std::string generation_text;
  const std::string generation = (fs::path(source).parent_path() / "generation_config.json").string();
  if (internal::FileExists(generation)) {
    CARAT_ASSIGN_OR_RETURN(generation_text, internal::ReadFile(generation, kLargestConfig));
  }
  CARAT_ASSIGN_OR_RETURN(const internal::ModelConfig config,
                         internal::ParseModelConfig(config_text, generation_text, options.shape));
  return options.gguf ? MakeGguf(options, config) : MakeFolder(options, config, config_text, generation_text);
}

}  // namespace
}  // namespace carat::bench

int main(int argc, char** argv) {
  carat::bench::Options options;
  CLI::App app("Writes a checkpoint of random weights in the published form");
  app.add_option("shape", options.shape, "e2b, e4b, 31b, 26b-a4b, or the path of a config.json")->required();
  app.add_option("out", options.out, "the folder, or with --gguf the file, to write")->required();
  app.add_option("--seed", options.seed, "the same seed gives the same weights");
  app.add_option("--layers", options.layers, "only the first so many layers");
  app.add_option("--tokenizer", options.tokenizer, "a tokenizer.json to copy");
  app.add_option("--shard-gb", options.shard_gigabytes, "the size of a shard")->check(CLI::PositiveNumber);
  CLI::Option* towers = app.add_flag("--towers", options.towers, "with the towers for pictures and sound");
  app.add_flag("--gguf", options.gguf, "write a GGUF file, with a tokenizer that is made up")
      ->excludes(towers);
  app.add_option("--type", options.type, "of a GGUF file: q4_0, q8_0, q4_k_m, bf16 ...");
  app.add_option("--embeddings", options.embeddings, "the format of a GGUF file's embedding table");
  app.add_option("--per-layer-embeddings", options.per_layer_embeddings,
                 "the format of a GGUF file's table of per-layer embeddings");
  CLI11_PARSE(app, argc, argv);
  const carat::Status status = carat::bench::Make(options);
  if (status.ok()) return 0;
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return 1;
}
