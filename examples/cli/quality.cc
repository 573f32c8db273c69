// carat quality: what rounding weights costs, as the difference of two models' predictions of the same text.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "examples/cli/command.h"
#include "examples/cli/console.h"
#include "examples/cli/error.h"
#include "examples/cli/interrupts.h"
#include "examples/cli/json_writer.h"
#include "examples/cli/options.h"
#include "examples/cli/text_file.h"

namespace carat::cli {
namespace {

struct QualityArguments {
  ModelArguments model;
  SessionArguments session;
  std::string reference;
  std::string text;
  std::string logits;
  std::string write_logits;
  std::int64_t max_tokens = 1024;
  bool json = false;
};

using Logits = std::vector<float>;  // [tokens, vocabulary]

// Means over tokens of how far `logits` is from `reference`.
struct Difference {
  std::int64_t tokens = 0;
  double divergence = 0;            // Kullback-Leibler, reference to other, in nats
  std::vector<double> divergences;  // of each token
  double same_best = 0;             // share of tokens whose likeliest continuation is the same
  double largest = 0;               // of all logits' differences
  double mean = 0;                  // of their magnitudes
};

// The logarithm of the sum of exponentials, and the largest logit's index.
double LogSum(const float* logits, std::size_t count, std::size_t* best) {
  *best = static_cast<std::size_t>(std::max_element(logits, logits + count) - logits);
  double sum = 0;
  for (std::size_t i = 0; i < count; ++i) sum += std::exp(static_cast<double>(logits[i]) - logits[*best]);
  return std::log(sum) + logits[*best];
}

Difference Compare(const Logits& reference, const Logits& other, std::size_t vocabulary) {
  Difference total;
  for (std::size_t at = 0; at < reference.size(); at += vocabulary) {
    const float* a = reference.data() + at;
    const float* b = other.data() + at;
    std::size_t best_a = 0, best_b = 0;
    const double log_a = LogSum(a, vocabulary, &best_a), log_b = LogSum(b, vocabulary, &best_b);
    double divergence = 0;
    for (std::size_t i = 0; i < vocabulary; ++i) {
      const double p = a[i] - log_a, q = b[i] - log_b;
      divergence += std::exp(p) * (p - q);
      const double error = std::fabs(static_cast<double>(a[i]) - b[i]);
      total.largest = std::max(total.largest, error);
      total.mean += error / static_cast<double>(vocabulary);
    }
    total.divergences.push_back(divergence);
    total.divergence += divergence;
    total.same_best += best_a == best_b ? 1 : 0;
    ++total.tokens;
  }
  const auto count = static_cast<double>(std::max<std::int64_t>(1, total.tokens));
  total.divergence /= count;
  total.same_best /= count;
  total.mean /= count;
  return total;
}

Logits LogitsOf(const Model& model, const SessionOptions& options, const std::vector<std::int32_t>& tokens) {
  Session session = ValueOrThrow(Session::Create(model, options));
  Logits all;
  constexpr std::size_t kTogether = 64;  // logits of a large vocabulary take 1 MB a token
  for (std::size_t first = 0; first < tokens.size(); first += kTogether) {
    const std::size_t count = std::min(kTogether, tokens.size() - first);
    PrefillOptions prefill;
    prefill.logits = WantedLogits::kAll;
    ThrowIfError(session.Prefill(std::span(tokens).subspan(first, count), prefill));
    for (std::size_t i = 0; i < count; ++i) {
      const auto row = ValueOrThrow(session.Logits(i));
      all.insert(all.end(), row.begin(), row.end());
    }
  }
  return all;
}

Logits ReadLogits(const std::string& path, std::size_t expected) {
  std::ifstream file(path, std::ios::binary);
  Logits logits(expected);
  if (!file.read(reinterpret_cast<char*>(logits.data()),
                 static_cast<std::streamsize>(expected * sizeof(float))))
    throw Error(kExitBadInput, absl::StrFormat("%s: cannot read %d float32 logits", path, expected));
  return logits;
}

std::vector<std::int32_t> TokensOf(const QualityArguments& arguments, const Model& model) {
  const std::string text = ReadTextFile(arguments.text);
  EncodeOptions options;
  options.add_bos = true;
  std::vector<std::int32_t> tokens = ValueOrThrow(model.tokenizer().Encode(text, options));
  const auto most = static_cast<std::size_t>(arguments.max_tokens);
  if (tokens.size() > most) tokens.resize(most);
  return tokens;
}

int RunQuality(const QualityArguments& arguments) {
  Interrupts interrupts;
  ModelArguments exact;
  exact.path = arguments.reference;
  exact.threads = arguments.model.threads;
  exact.precision = "float32";
  exact.quiet = true;
  SessionArguments exact_session;
  exact_session.kv_type = "float32";
  std::vector<std::int32_t> tokens;
  Logits expected;
  std::size_t vocabulary = 0;
  {
    const Model reference = LoadModel(exact, interrupts);
    vocabulary = static_cast<std::size_t>(reference.info().vocabulary_size);
    tokens = TokensOf(arguments, reference);
    expected = LogitsOf(reference, MakeSessionOptions(exact_session), tokens);
  }
  Logits other;
  if (!arguments.logits.empty()) {
    other = ReadLogits(arguments.logits, expected.size());
  } else {
    const Model model = LoadModel(arguments.model, interrupts);
    if (static_cast<std::size_t>(model.info().vocabulary_size) != vocabulary)
      throw Error(kExitBadInput, "the two models have vocabularies of different sizes");
    other = LogitsOf(model, MakeSessionOptions(arguments.session), tokens);
  }
  if (!arguments.write_logits.empty()) {
    std::ofstream file(arguments.write_logits, std::ios::binary);
    file.write(reinterpret_cast<const char*>(other.data()),
               static_cast<std::streamsize>(other.size() * sizeof(float)));
    if (!file.flush()) throw Error(kExitFailed, arguments.write_logits + ": cannot be written");
  }
  const Difference d = Compare(expected, other, vocabulary);
  if (!arguments.json) {
    std::printf(
        "%d tokens: divergence %.6f nats a token, same best token %.2f %%, logits differ by %.4f at most, "
        "%.4f in the mean\n",
        static_cast<int>(d.tokens), d.divergence, 100 * d.same_best, d.largest, d.mean);
    return kExitSuccess;
  }
  JsonWriter json;
  json.BeginObject();
  json.Key("tokens").BeginArray();
  for (const std::int32_t token : tokens) json.Integer(token);
  json.EndArray();
  json.Key("vocabulary_size").Integer(static_cast<std::int64_t>(vocabulary));
  json.Key("divergence").Number(d.divergence);
  json.Key("divergences").BeginArray();
  for (const double divergence : d.divergences) json.Number(divergence);
  json.EndArray();
  json.Key("same_best").Number(d.same_best);
  json.Key("largest_error").Number(d.largest);
  json.Key("mean_error").Number(d.mean);
  json.EndObject();
  WriteNow(json.text() + "\n");
  return kExitSuccess;
}

}  // namespace

Command AddQuality(CLI::App& program) {
  auto a = std::make_shared<QualityArguments>();
  CLI::App* command = program.add_subcommand("quality", "Compare a model's predictions with a reference's");
  AddModelArguments(*command, a->model);
  constexpr char kGroup[] = "What to compare";
  AddValue(*command, kGroup, "--reference", a->reference, "MODEL",
           "The model to compare with, computed in float32")
      ->required();
  AddValue(*command, kGroup, "--text", a->text, "FILE", "The text that both read")->required();
  AddValue(*command, kGroup, "--max-tokens", a->max_tokens, "N", "The first so many tokens of it  [1024]")
      ->check(AtLeast(1));
  AddValue(*command, kGroup, "--logits", a->logits, "FILE",
           "Instead of MODEL's: another program's logits, float32, a vocabulary for each token");
  AddValue(*command, kGroup, "--write-logits", a->write_logits, "FILE",
           "Write the logits that were compared");
  AddFlag(*command, kGroup, "--json", a->json, "A JSON object, with the tokens");
  AddSessionArguments(*command, a->session);
  a->model.quiet = true;
  return {command, [a] { return RunQuality(*a); }};
}

}  // namespace carat::cli
