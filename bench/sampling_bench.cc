// What choosing one token of the real vocabulary costs.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "benchmark/benchmark.h"
#include "carat/sampler.h"

namespace {

constexpr std::size_t kVocabulary = 262144;

// Like those of a Gemma 4 at a place where several words fit: a bell of unlikely tokens, a few likely ones,
// capped at 30.
std::vector<float> MakeLogits() {
  std::mt19937_64 generator(7);
  std::normal_distribution<float> bulk(-6.0F, 3.0F);
  std::uniform_real_distribution<float> likely(12.0F, 24.0F);
  std::vector<float> logits(kVocabulary);
  for (float& logit : logits) logit = bulk(generator);
  for (int i = 0; i < 200; ++i) logits[generator() % kVocabulary] = likely(generator);
  for (float& logit : logits) logit = 30.0F * std::tanh(logit / 30.0F);
  return logits;
}

// Hard to cut: a third of the vocabulary is needed to reach a share of 0.95.
std::vector<float> MakeFlatLogits() {
  std::mt19937_64 generator(8);
  std::normal_distribution<float> bulk(0.0F, 1.0F);
  std::vector<float> logits(kVocabulary);
  for (float& logit : logits) logit = bulk(generator);
  return logits;
}

void Sample(benchmark::State& state, const std::vector<float>& logits,
            const carat::SamplingOptions& options) {
  carat::Result<carat::SamplerChain> chain = carat::SamplerChain::Create(options);
  if (!chain.ok()) return state.SkipWithError(chain.status().message().c_str());
  for (std::int32_t token = 0; token < 1000; ++token) {
    if (!chain->Accept(token * 7 % 5000).ok()) return state.SkipWithError("Accept");
  }
  for (auto iteration : state) {
    static_cast<void>(iteration);
    carat::Result<std::int32_t> token = chain->Sample(logits);
    if (!token.ok()) return state.SkipWithError(token.status().message().c_str());
    benchmark::DoNotOptimize(*token);
  }
}

carat::SamplingOptions Greedy() {
  carat::SamplingOptions options;
  options.temperature = 0;
  return options;
}

carat::SamplingOptions GemmaDefault() {
  carat::SamplingOptions options;
  options.top_k = 64;
  options.top_p = 0.95F;
  return options;
}

carat::SamplingOptions TopPOnly() {
  carat::SamplingOptions options;
  options.top_p = 0.95F;
  return options;
}

carat::SamplingOptions MinPOnly() {
  carat::SamplingOptions options;
  options.min_p = 0.05F;
  return options;
}

carat::SamplingOptions TypicalOnly() {
  carat::SamplingOptions options;
  options.typical_p = 0.95F;
  return options;
}

carat::SamplingOptions AllOn() {
  carat::SamplingOptions options;
  options.temperature = 0.7F;
  options.top_k = 64;
  options.top_p = 0.95F;
  options.min_p = 0.02F;
  options.typical_p = 0.9F;
  options.repetition_penalty = 1.1F;
  options.frequency_penalty = 0.1F;
  options.presence_penalty = 0.1F;
  options.logit_bias = {{5, 1.0F}, {100000, -1.0F}};
  return options;
}

BENCHMARK_CAPTURE(Sample, greedy, MakeLogits(), Greedy())->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Sample, gemma_default, MakeLogits(), GemmaDefault())->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Sample, draw_only, MakeLogits(), carat::SamplingOptions())->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Sample, top_p_only, MakeLogits(), TopPOnly())->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Sample, min_p_only, MakeLogits(), MinPOnly())->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Sample, typical_only, MakeLogits(), TypicalOnly())->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Sample, all_on, MakeLogits(), AllOn())->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Sample, flat_gemma_default, MakeFlatLogits(), GemmaDefault())
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Sample, flat_top_p_only, MakeFlatLogits(), TopPOnly())->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Sample, flat_typical_only, MakeFlatLogits(), TypicalOnly())->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
