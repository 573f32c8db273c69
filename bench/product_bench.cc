// Products with quantised weights: one row, which is bound by memory, and many, which are bound by
// arithmetic. And many rows with bf16 weights.
#include <random>
#include <string>
#include <vector>

#include "benchmark/benchmark.h"
#include "lib/base/aligned_buffer.h"
#include "lib/base/cpu.h"
#include "lib/kernels/kernels.h"

namespace carat::internal {
namespace {

constexpr NumberFormat kFormats[] = {NumberFormat::kQ4_0, NumberFormat::kQ4_K, NumberFormat::kQ5_K,
                                     NumberFormat::kQ6_K, NumberFormat::kQ8_0, NumberFormat::kIQ4_XS};

void BM_Product(benchmark::State& state) {
  const NumberFormat format = kFormats[state.range(0)];
  const std::int64_t rows = state.range(1);
  const std::int64_t cols = state.range(2);
  const auto set = static_cast<InstructionSet>(state.range(3));
  const Int8Gemm& gemm = KernelsFor(set)->int8;
  // More than any cache, or for many rows little enough to be at hand.
  const std::int64_t panel_bytes = PackedPanelBytes(format, cols);
  const std::int64_t panels = rows < 4 ? (std::int64_t{256} << 20) / panel_bytes : 16;
  // As a model's weights lie.
  auto memory = AlignedBytes::Allocate(static_cast<std::uint64_t>(panels * panel_bytes), 1, "weights");
  memory->AdviseHugePages();
  auto* const weights = static_cast<std::byte*>(memory->data());
  auto scratch = AlignedBuffer<std::byte>::Allocate(kInt8ScratchBytes, "scratch");
  // Bytes any two of which are a float16 of ordinary size.
  for (std::int64_t i = 0; i < panels * panel_bytes; ++i) weights[i] = static_cast<std::byte>(0x20 + i % 11);
  std::vector<std::int8_t> values(static_cast<std::size_t>(rows * cols), 3);
  std::vector<float> scales(values.size() / 32, 0.01f);
  std::vector<std::int32_t> sums(values.size() / 32, -96), fine(values.size() / 16, -48);
  const QuantizedRows x{values.data(), scales.data(), sums.data(), fine.data(), cols};
  std::vector<float> y(static_cast<std::size_t>(rows * kPanelN));
  const std::int64_t prefetch_bytes = DefaultStreamPrefetchBytes();
  for (auto iteration : state) {
    static_cast<void>(iteration);
    for (std::int64_t p = 0; p < panels; ++p) {
      gemm.run(format, weights + p * panel_bytes, x, 0, rows, y.data(), kPanelN, kPanelN, scratch->data(),
               prefetch_bytes);
    }
    benchmark::DoNotOptimize(y.data());
  }
  state.SetLabel(std::string(NumberFormatName(format)) + " " + std::string(InstructionSetName(set)));
  state.SetBytesProcessed(state.iterations() * panels * panel_bytes);
  state.counters["T_operations"] =
      benchmark::Counter(2e-12 * static_cast<double>(state.iterations() * panels * kPanelN * cols * rows),
                         benchmark::Counter::kIsRate);
}

// Prompts with bf16 weights.
void BM_Bf16Product(benchmark::State& state) {
  const std::int64_t rows = state.range(0), cols = state.range(1);
  const auto set = static_cast<InstructionSet>(state.range(2));
  const GemmKernels& gemm = *KernelsFor(set)->bf16;
  constexpr std::int64_t kPanels = 16;
  const std::vector<std::uint16_t> x(static_cast<std::size_t>(rows * cols), 0x3f80);
  const std::vector<std::uint16_t> w(static_cast<std::size_t>(kPanels * gemm.nr * cols), 0x3c00);
  auto scratch = AlignedBuffer<std::byte>::Allocate(gemm.packed_bytes(gemm.nr, cols), "scratch");
  std::vector<float> y(static_cast<std::size_t>(rows * gemm.nr));
  const GemmShape shape{
      .m = rows, .n = gemm.nr, .k = cols, .x_stride = cols, .w_stride = cols, .y_stride = gemm.nr};
  for (auto iteration : state) {
    static_cast<void>(iteration);
    for (std::int64_t p = 0; p < kPanels; ++p) {
      gemm.pack(shape, w.data() + p * gemm.nr * cols, scratch->data());
      (void)gemm.run(shape, x.data(), scratch->data(), y.data(), nullptr);
    }
    benchmark::DoNotOptimize(y.data());
  }
  state.SetLabel("bf16 " + std::string(InstructionSetName(set)));
  state.counters["T_operations"] =
      benchmark::Counter(2e-12 * static_cast<double>(state.iterations() * kPanels * gemm.nr * cols * rows),
                         benchmark::Counter::kIsRate);
}

// Sets of this machine whose `of` is not that of the set before.
template <typename Of>
std::vector<std::int64_t> SetsWithTheirOwn(Of of) {
  std::vector<std::int64_t> sets;
  const void* last = of(kPlainKernels);
  for (const InstructionSet set : AvailableInstructionSets()) {
    // Choosing is what permits the use of tile registers.
    if (!ChooseInstructionSet(set).ok()) continue;
    const void* own = of(*KernelsFor(set));
    if (own == nullptr || own == last) continue;
    last = own;
    sets.push_back(static_cast<std::int64_t>(set));
  }
  return sets;
}

void OnThreads(benchmark::internal::Benchmark* bench) {
  bench->Threads(1)->Threads(2)->UseRealTime();
  if (AvailableProcessors() > 2) bench->Threads(AvailableProcessors());
}

void Register(benchmark::internal::Benchmark* bench) {
  for (const std::int64_t set : SetsWithTheirOwn([](const Kernels& kernels) { return &kernels.int8; })) {
    for (int format = 0; format < 6; ++format) {
      for (const std::int64_t rows : {1, 2, 3, 4, 6, 8, 12, 16, 32, 64, 512})
        bench->Args({format, rows, 1536, set});
    }
  }
}

void RegisterBf16(benchmark::internal::Benchmark* bench) {
  for (const std::int64_t set : SetsWithTheirOwn([](const Kernels& kernels) { return kernels.bf16; })) {
    for (const std::int64_t rows : {16, 512}) bench->Args({rows, 1536, set});
  }
}

BENCHMARK(BM_Product)->Apply(Register)->Apply(OnThreads);
BENCHMARK(BM_Bf16Product)->Apply(RegisterBf16)->Apply(OnThreads);

}  // namespace
}  // namespace carat::internal

BENCHMARK_MAIN();
