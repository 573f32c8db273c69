// carat bench: how fast a model is on this machine, and how far from the machine's limits.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_format.h"
#include "carat/media.h"
#include "examples/cli/command.h"
#include "examples/cli/console.h"
#include "examples/cli/error.h"
#include "examples/cli/interrupts.h"
#include "examples/cli/json_writer.h"
#include "examples/cli/options.h"
#include "examples/cli/peaks.h"

namespace carat::cli {
namespace {

// Pixels along a side of what becomes one soft token.
constexpr std::int32_t kSideOfToken = 48;

struct BenchArguments {
  ModelArguments model;
  SessionArguments session;
  std::vector<std::int64_t> prompts = {512};
  std::vector<std::int64_t> depths = {0};
  std::int64_t generate = 64;
  std::int64_t picture = 0;
  double sound = 0;
  int repeat = 3;
  bool json = false;
};

// One line of the table: several runs of the same work.
struct Measurement {
  std::string what;
  std::int64_t tokens = 0;
  std::vector<double> seconds;
  double bytes = 0;       // read from memory, of all tokens
  double operations = 0;  // in products, of all tokens

  double Median() const {
    std::vector<double> sorted = seconds;
    std::sort(sorted.begin(), sorted.end());
    return sorted.empty() ? 0 : sorted[sorted.size() / 2];
  }
  double Rate(double amount) const { return Median() > 0 ? amount / Median() : 0; }
};

double SecondsOf(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

// Ids that differ, from all over the vocabulary.
std::vector<std::int32_t> SomeTokens(const Model& model, std::int64_t count) {
  std::vector<std::int32_t> tokens(static_cast<std::size_t>(count));
  std::uint64_t state = 1;
  for (std::int32_t& token : tokens) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    token =
        static_cast<std::int32_t>((state >> 33) % static_cast<std::uint64_t>(model.info().vocabulary_size));
  }
  return tokens;
}

class Bench {
 public:
  Bench(const BenchArguments& arguments, const Model& model, const Interrupts& interrupts)
      : arguments_(arguments), model_(model), interrupts_(interrupts) {}

  Measurement Prompt(std::int64_t count) const {
    Measurement measured{absl::StrFormat("prompt %d", count), count, {}, 0, 0};
    measured.operations =
        static_cast<double>(count) * static_cast<double>(model_.info().operations_per_prompt_token);
    const std::vector<std::int32_t> tokens = SomeTokens(model_, count);
    Session session = NewSession();
    WarmUp([&] { ThrowIfError(session.Prefill(tokens)); });
    Repeat([&] {
      ValueOrThrow(session.Rewind(0));
      measured.seconds.push_back(SecondsOf([&] { ThrowIfError(session.Prefill(tokens)); }));
    });
    return measured;
  }

  Measurement Generate(std::int64_t depth) const {
    Measurement measured{
        absl::StrFormat("generate %d at %d", arguments_.generate, depth), arguments_.generate, {}, 0, 0};
    measured.bytes =
        static_cast<double>(arguments_.generate) * static_cast<double>(model_.info().bytes_per_token);
    Session session = NewSession();
    ThrowIfError(session.Prefill(SomeTokens(model_, std::max<std::int64_t>(1, depth))));
    const std::int64_t begin = session.position();
    Repeat([&] {
      // Back over what was generated last time: the cache still holds what that place sees.
      if (session.position() != begin) {
        ValueOrThrow(session.Rewind(begin));
        ThrowIfError(session.Decode(2));
      }
      measured.seconds.push_back(SecondsOf([&] {
        for (std::int64_t i = 0; i < arguments_.generate; ++i) {
          const auto logits = ValueOrThrow(session.LastLogits());
          const auto best = std::max_element(logits.begin(), logits.end()) - logits.begin();
          ThrowIfError(session.Decode(static_cast<std::int32_t>(best)));
        }
      }));
    });
    return measured;
  }

  // A picture of noise that fills the budget.
  Measurement Picture(std::int64_t budget) const {
    auto down = static_cast<std::int32_t>(std::sqrt(static_cast<double>(budget)));
    while (budget % down != 0) --down;
    const std::int32_t height = kSideOfToken * down;
    const std::int32_t width = kSideOfToken * static_cast<std::int32_t>(budget / down);
    std::vector<std::uint8_t> pixels(static_cast<std::size_t>(height) * static_cast<std::size_t>(width) * 3);
    for (std::size_t i = 0; i < pixels.size(); ++i)
      pixels[i] = static_cast<std::uint8_t>(i * 2654435761u >> 13);
    const ImageView image{pixels.data(), width, height, std::int64_t{3} * width};
    ImageOptions options;
    options.budget = static_cast<std::int32_t>(budget);
    Measurement measured{absl::StrFormat("picture, budget %d", budget), 0, {}, 0, 0};
    Repeat([&] {
      measured.seconds.push_back(
          SecondsOf([&] { measured.tokens = ValueOrThrow(EncodeImage(model_, image, options)).count(); }));
    });
    // Nine patches a soft token go through every matrix of the tower, and see each other.
    const auto patches = 9.0 * static_cast<double>(measured.tokens);
    const Shapes shapes = ShapesOf("vision_tower.encoder.layers");
    measured.operations = 2 * patches * shapes.weights + 4 * patches * patches * shapes.width * shapes.layers;
    return measured;
  }

  Measurement Sound(double seconds) const {
    std::vector<float> samples(static_cast<std::size_t>(16000 * seconds));
    for (std::size_t i = 0; i < samples.size(); ++i)
      samples[i] =
          0.2f * std::sin(static_cast<float>(i % 16000) * 0.11f) * std::cos(static_cast<float>(i) * 3e-4f);
    AudioView audio;
    audio.samples = samples.data();
    audio.frames = static_cast<std::int64_t>(samples.size());
    Measurement measured{absl::StrFormat("sound, %.0f s", seconds), 0, {}, 0, 0};
    Repeat([&] {
      measured.seconds.push_back(
          SecondsOf([&] { measured.tokens = ValueOrThrow(EncodeAudio(model_, audio, {})).count(); }));
    });
    measured.operations = 2 * static_cast<double>(measured.tokens) * ShapesOf("audio_tower.layers").weights;
    return measured;
  }

 private:
  // What the matrices under a name hold.
  struct Shapes {
    double weights = 0;
    double width = 0;
    double layers = 0;
  };
  Shapes ShapesOf(const std::string& part) const {
    Shapes shapes;
    for (const TensorInfo& tensor : model_.Tensors()) {
      if (!absl::StrContains(tensor.name, part) || tensor.shape.size() != 2) continue;
      shapes.weights += static_cast<double>(tensor.shape[0]) * static_cast<double>(tensor.shape[1]);
      if (!absl::StrContains(tensor.name, "q_proj")) continue;
      shapes.width = static_cast<double>(tensor.shape[0]);
      shapes.layers += 1;
    }
    return shapes;
  }

  Session NewSession() const {
    return ValueOrThrow(Session::Create(model_, MakeSessionOptions(arguments_.session)));
  }

  // What a first run meets, cold caches and memory that nobody touched yet, is no speed of the model's.
  void WarmUp(const std::function<void()>& run) const {
    if (!interrupts_.seen()) run();
  }
  void Repeat(const std::function<void()>& run) const {
    for (int i = 0; i < arguments_.repeat && !interrupts_.seen(); ++i) run();
  }

  const BenchArguments& arguments_;
  const Model& model_;
  const Interrupts& interrupts_;
};

// What products of the model's weights, or a tower's, are computed in: a key of the JSON object's "machine".
std::string ProductsOf(const MachinePeaks& peaks, bool integers, bool bf16) {
  if (integers) return "int8";
  return bf16 && peaks.bf16 > 0 ? "bf16" : "float32";
}

// The limit that a measurement is bound by, in its own unit a second, or 0 if it is not known.
double LimitOf(const Measurement& m, const MachinePeaks& peaks, const std::string& products) {
  if (m.bytes > 0) return peaks.read_bytes;
  if (products == "int8") return peaks.int8;
  return products == "bf16" ? peaks.bf16 : peaks.float32;
}

std::string ShareText(const Measurement& m, double limit) {
  if (limit <= 0) return "";
  const double amount = m.Rate(m.bytes > 0 ? m.bytes : m.operations);
  return absl::StrFormat("%6.2f %s, %3.0f %% of %.2f", amount * (m.bytes > 0 ? 1e-9 : 1e-12),
                         m.bytes > 0 ? "GB/s" : "T op/s", 100 * amount / limit,
                         limit * (m.bytes > 0 ? 1e-9 : 1e-12));
}

int RunBench(const BenchArguments& arguments) {
  Interrupts interrupts;
  const MachinePeaks peaks =
      MeasurePeaks(arguments.model.threads > 0 ? arguments.model.threads
                                               : static_cast<int>(std::thread::hardware_concurrency()));
  std::vector<Measurement> measurements;
  const auto begin = std::chrono::steady_clock::now();
  const Model model = LoadModel(arguments.model, interrupts);
  const double load_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  const bool has_bf16 = model.instruction_set() == InstructionSet::kAvx512Bf16 ||
                        model.instruction_set() == InstructionSet::kAvx512Amx ||
                        model.instruction_set() == InstructionSet::kNeonI8mm;
  const bool bf16 = has_bf16 && arguments.model.precision != "float32";
  const bool integers = model.info().integer_weights;
  const Bench bench(arguments, model, interrupts);

  if (!arguments.json) {
    std::printf("%s: %s weights a token, %s, %d threads, loaded in %.2f s\n", arguments.model.path.c_str(),
                HumanBytes(static_cast<double>(model.info().bytes_per_token)).c_str(),
                std::string(InstructionSetName(model.instruction_set())).c_str(), model.threads(),
                load_seconds);
    std::printf("machine: read %.1f GB/s; int8 %.2f, bf16 %.2f, float32 %.2f T op/s\n\n",
                peaks.read_bytes * 1e-9, peaks.int8 * 1e-12, peaks.bf16 * 1e-12, peaks.float32 * 1e-12);
    std::printf("%-24s %10s %10s %10s  %s\n", "", "tokens/s", "least", "most",
                "rate, and share of the limit");
  }
  const auto add = [&](Measurement m, bool tower) {
    if (interrupts.seen() || m.seconds.empty()) return;
    const double limit = LimitOf(m, peaks, ProductsOf(peaks, integers && !tower, bf16));
    if (!arguments.json) {
      const auto [least, most] = std::minmax_element(m.seconds.begin(), m.seconds.end());
      const auto tokens = static_cast<double>(m.tokens);
      std::printf("%-24s %10.2f %10.2f %10.2f  %s", m.what.c_str(), m.Rate(tokens), tokens / *most,
                  tokens / *least, ShareText(m, limit).c_str());
      if (tower) std::printf(" (%.2f s)", m.Median());
      std::printf("\n");
      std::fflush(stdout);
    }
    measurements.push_back(std::move(m));
  };
  for (const std::int64_t count : arguments.prompts) add(bench.Prompt(count), false);
  if (arguments.generate > 0) {
    for (const std::int64_t depth : arguments.depths) add(bench.Generate(depth), false);
  }
  if (arguments.picture > 0) add(bench.Picture(arguments.picture), true);
  if (arguments.sound > 0) add(bench.Sound(arguments.sound), true);
  if (interrupts.seen()) return kExitInterrupted;

  if (!arguments.json) {
    std::printf("\npeak memory %s\n", HumanBytes(static_cast<double>(PeakMemory())).c_str());
    return kExitSuccess;
  }
  JsonWriter json;
  json.BeginObject();
  json.Key("model").String(arguments.model.path);
  json.Key("instruction_set").String(InstructionSetName(model.instruction_set()));
  json.Key("threads").Integer(model.threads());
  json.Key("load_seconds").Number(load_seconds);
  json.Key("peak_memory").Integer(static_cast<std::int64_t>(PeakMemory()));
  json.Key("bytes_per_token").Integer(model.info().bytes_per_token);
  json.Key("operations_per_prompt_token").Integer(model.info().operations_per_prompt_token);
  json.Key("products").String(ProductsOf(peaks, integers, bf16));
  json.Key("machine").BeginObject();
  json.Key("read_bytes").Number(peaks.read_bytes);
  json.Key("int8").Number(peaks.int8);
  json.Key("bf16").Number(peaks.bf16);
  json.Key("float32").Number(peaks.float32);
  json.EndObject();
  json.Key("measurements").BeginArray();
  for (const Measurement& m : measurements) {
    json.BeginObject();
    json.Key("what").String(m.what);
    json.Key("tokens").Integer(m.tokens);
    json.Key("seconds").BeginArray();
    for (const double seconds : m.seconds) json.Number(seconds);
    json.EndArray();
    json.Key("tokens_per_second").Number(m.Rate(static_cast<double>(m.tokens)));
    json.Key("bytes_per_second").Number(m.Rate(m.bytes));
    json.Key("operations_per_second").Number(m.Rate(m.operations));
    json.EndObject();
  }
  json.EndArray();
  json.EndObject();
  WriteNow(json.text() + "\n");
  return kExitSuccess;
}

}  // namespace

Command AddBench(CLI::App& program) {
  auto a = std::make_shared<BenchArguments>();
  CLI::App* command = program.add_subcommand("bench", "Measure speed, against the machine's limits");
  AddModelArguments(*command, a->model);
  constexpr char kGroup[] = "What to measure";
  AddValue(*command, kGroup, "--prompt", a->prompts, "N,...", "Prompts of so many tokens  [512]")
      ->delimiter(',')
      ->check(AtLeast(1));
  AddValue(*command, kGroup, "--generate", a->generate, "N", "Tokens to generate; 0: none  [64]")
      ->check(AtLeast(0));
  AddValue(*command, kGroup, "--depth", a->depths, "N,...", "After so many tokens  [0]")
      ->delimiter(',')
      ->check(AtLeast(0));
  AddValue(*command, kGroup, "--picture", a->picture, "N", "A picture of that many soft tokens at most")
      ->check(AtLeast(0));
  AddValue(*command, kGroup, "--sound", a->sound, "SECONDS", "A clip of sound")->check(CLI::Range(0.0, 30.0));
  AddValue(*command, kGroup, "--repeat", a->repeat, "N", "Runs of each, of which the median counts  [3]")
      ->check(CLI::Range(1, 1000));
  AddFlag(*command, kGroup, "--json", a->json, "A JSON object instead of the table");
  AddSessionArguments(*command, a->session);
  a->model.quiet = true;
  return {command, [a] { return RunBench(*a); }};
}

}  // namespace carat::cli
