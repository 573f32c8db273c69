// Sound through a full-size audio tower with random weights: 12 layers of 1024, as in the released models.
// Reported: seconds for a clip, and how many floating-point operations a second its products make.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <span>
#include <vector>

#include "lib/audio/audio_encoder.h"
#include "tests/audio/random_tower.h"

namespace carat::internal {
namespace {

constexpr std::int64_t kRate = 16000;
constexpr std::int64_t kClipTokens = 750;

const RandomAudioWeights& SharedWeights() {
  static const RandomAudioWeights weights(FullSizeAudio());
  return weights;
}

std::vector<float> Noise(std::int64_t count) {
  std::vector<float> samples(static_cast<std::size_t>(count));
  std::uint32_t state = 1;
  for (float& sample : samples) {
    state = state * 1664525u + 1013904223u;
    sample = static_cast<float>(state >> 8) / 16777216.0f - 0.5f;
  }
  return samples;
}

void ReportOperations(benchmark::State& state, std::int64_t tokens) {
  state.counters["tokens"] = static_cast<double>(tokens);
  state.counters["GFLOP/s"] =
      benchmark::Counter(SharedWeights().operations() * 1e-9 * static_cast<double>(tokens),
                         benchmark::Counter::kIsIterationInvariantRate);
}

// The whole clip at once.
void WholeClip(benchmark::State& state) {
  const auto precision = state.range(2) != 0 ? MatMulPrecision::kFloat32 : MatMulPrecision::kAuto;
  const RandomTower tower(FullSizeAudio(), SharedWeights(), static_cast<int>(state.range(1)), precision);
  const std::vector<float> samples = Noise(state.range(0) * kRate);
  std::int64_t tokens = 0;
  for (auto _ : state) {
    auto run = ClipRun::Create(tower.parts(), {kRate, 1}, kClipTokens);
    Status status = run->Append(SoundView(samples, {kRate, 1}), nullptr, nullptr);
    if (status.ok()) status = run->Finish(nullptr, nullptr);
    if (!status.ok()) return state.SkipWithError(status.message().c_str());
    tokens = run->count();
  }
  ReportOperations(state, tokens);
}
BENCHMARK(WholeClip)
    ->ArgNames({"seconds", "threads", "float32"})
    ->Args({30, 2, 0})
    ->Args({30, 1, 0})
    ->Args({5, 2, 0})
    ->Args({30, 2, 1})
    ->Args({30, 1, 1})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

// A clip that arrived in pieces of 20 ms: what is left to do when it ends. The worst length is one sample
// short of a block, the best one is at its beginning.
void AfterTheLastSample(benchmark::State& state) {
  const RandomTower tower(FullSizeAudio(), SharedWeights(), 2, MatMulPrecision::kAuto);
  const std::vector<float> samples = Noise(state.range(0) * kRate / 1000);
  for (auto _ : state) {
    state.PauseTiming();
    auto run = ClipRun::Create(tower.parts(), {kRate, 1}, 0);
    Status status;
    for (std::size_t at = 0; at < samples.size() && status.ok(); at += 320) {
      const std::size_t size = std::min<std::size_t>(320, samples.size() - at);
      status = run->Append(SoundView(std::span(samples).subspan(at, size), {kRate, 1}), nullptr, nullptr);
    }
    const std::int64_t before = run->count();
    state.ResumeTiming();
    if (status.ok()) status = run->Finish(nullptr, nullptr);
    if (!status.ok()) return state.SkipWithError(status.message().c_str());
    state.counters["left"] = static_cast<double>(run->count() - before);
  }
}
BENCHMARK(AfterTheLastSample)
    ->ArgName("milliseconds")
    ->Arg(5740)
    ->Arg(7660)
    ->Arg(7720)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

// Features alone.
void Features(benchmark::State& state) {
  const ParallelWork work(*ThreadPool::Create(static_cast<int>(state.range(0))));
  const MelExtractor extractor{MelConfig()};
  const std::vector<float> samples = Noise(30 * kRate);
  for (auto _ : state) {
    MelStream stream(extractor, work);
    stream.Append(samples);
    benchmark::DoNotOptimize(stream.frames().data());
  }
}
BENCHMARK(Features)->ArgName("threads")->Arg(1)->Arg(2)->Unit(benchmark::kMillisecond)->UseRealTime();

// From another rate: 30 s.
void Resampling(benchmark::State& state) {
  const std::vector<float> samples = Noise(30 * state.range(0));
  std::vector<float> output;
  for (auto _ : state) {
    auto resampler = Resampler::Create(state.range(0), kRate);
    output.clear();
    Status status = resampler->Append(samples, output);
    if (status.ok()) status = resampler->Finish(output);
    if (!status.ok()) return state.SkipWithError(status.message().c_str());
  }
}
BENCHMARK(Resampling)->ArgName("rate")->Arg(8000)->Arg(44100)->Arg(48000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace carat::internal

BENCHMARK_MAIN();
