// Products with quantised weights: one row, which is bound by memory, and many, which are bound by
// arithmetic.
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
  const PackedKind kind = PackedKindOf(format);
  const auto set = static_cast<InstructionSet>(state.range(3));
  const IntegerKernels* kernels = IntegerKernelsFor(set);
  // More than any cache, or for many rows little enough to be at hand.
  const std::int64_t panel_bytes = PanelBytes(kind, cols);
  const std::int64_t panels = rows < 4 ? (std::int64_t{256} << 20) / panel_bytes : 16;
  auto memory =
      AlignedBuffer<std::byte>::Allocate(static_cast<std::uint64_t>(panels * panel_bytes), "weights");
  auto scratch = AlignedBuffer<std::byte>::Allocate(kIntegerScratchBytes, "scratch");
  for (std::size_t i = 0; i < memory->size(); i += 8) (*memory)[i] = static_cast<std::byte>(i / 8 % 48);
  std::vector<std::int8_t> values(static_cast<std::size_t>(rows * cols), 3);
  std::vector<float> scales(values.size() / 32, 0.01f);
  std::vector<std::int32_t> sums(values.size() / 32, -96), fine(values.size() / 16, -48);
  const QuantizedRows x{values.data(), scales.data(), sums.data(), fine.data(), cols};
  std::vector<float> y(static_cast<std::size_t>(rows * kPanelRows));
  for (auto iteration : state) {
    static_cast<void>(iteration);
    for (std::int64_t p = 0; p < panels; ++p) {
      kernels->product(kind, memory->data() + p * panel_bytes, x, 0, rows, y.data(), kPanelRows, kPanelRows,
                       scratch->data());
    }
    benchmark::DoNotOptimize(y.data());
  }
  state.SetLabel(std::string(NumberFormatName(format)) + " " + std::string(InstructionSetName(set)));
  state.SetBytesProcessed(state.iterations() * panels * panel_bytes);
  state.counters["T_operations"] =
      benchmark::Counter(2e-12 * static_cast<double>(state.iterations() * panels * kPanelRows * cols * rows),
                         benchmark::Counter::kIsRate);
}

void Register(benchmark::internal::Benchmark* bench) {
  for (int set = 2; set <= static_cast<int>(InstructionSet::kAvx512Bf16); ++set) {
    if (!CpuSupports(static_cast<InstructionSet>(set)) || set == 3 || set == 5) continue;
    for (int format = 0; format < 6; ++format) {
      for (const std::int64_t rows : {1, 2, 16, 512}) bench->Args({format, rows, 1536, set});
    }
  }
}

BENCHMARK(BM_Product)->Apply(Register)->Threads(1)->Threads(2)->UseRealTime();

}  // namespace
}  // namespace carat::internal

BENCHMARK_MAIN();
