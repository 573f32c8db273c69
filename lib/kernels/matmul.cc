#include "lib/kernels/matmul.h"

#include <algorithm>
#include <atomic>

#include "lib/base/checked.h"
#include "lib/base/error.h"

namespace carat::internal {
namespace {

// Below this M, float weights are streamed through GEMV kernels, which read each of them once.
constexpr std::int64_t kSmallM = 12;

// N of one item of work. It is the same for any number of workers, so that results are too. An item of small
// M is some 100 KB of weights, read in one stream.
constexpr std::int64_t kGemvN = 32;

std::int64_t Blocks(std::int64_t n, std::int64_t block) {
  return (n + block - 1) / block;
}

// A block of the rows of one target's weights.
struct Block {
  const MatMulTarget* target;
  std::int64_t first;
  std::int64_t count;

  const MatrixView& weights() const { return target->weights.view; }
  float* y() const { return target->y + first; }
};

Block FindBlock(std::span<const MatMulTarget> targets, std::int64_t size, std::int64_t index) {
  for (const MatMulTarget& target : targets) {
    const std::int64_t blocks = Blocks(target.weights.view.rows, size);
    if (index < blocks) {
      const std::int64_t first = index * size;
      return {&target, first, std::min(size, target.weights.view.rows - first)};
    }
    index -= blocks;
  }
  return {targets.data(), 0, 0};
}

std::int64_t CountBlocks(std::span<const MatMulTarget> targets, std::int64_t size) {
  std::int64_t count = 0;
  for (const MatMulTarget& target : targets) count += Blocks(target.weights.view.rows, size);
  return count;
}

GemvKernels::Run GemvFor(const GemvKernels& gemv, NumberFormat format) {
  if (format == NumberFormat::kF32) return gemv.f32;
  return format == NumberFormat::kF16 ? gemv.f16 : gemv.bf16;
}

// Bytes of the packed weights of one block, and of the block's gathered results.
std::int64_t PackedBytes(const GemmKernels& gemm) {
  return static_cast<std::int64_t>(gemm.packed_bytes(gemm.nr, gemm.kc));
}
std::int64_t GatheredBytes(const GemmKernels& gemm) {
  return gemm.gathers ? gemm.mr * gemm.nr * static_cast<std::int64_t>(sizeof(float)) : 0;
}

}  // namespace

// As many as the scratch of the library's panels has room for, or of quantised weights.
std::int64_t MatMul::GemvRows() const {
  return options_.rows_are_independent ? 4 : kSmallM;
}

std::size_t MatMulScratch::memory_bytes() const {
  return bytes_.size() + sizeof(float) * (scales_.size() + short_scales_.size()) +
         sizeof(std::int32_t) * (sums_.size() + fine_sums_.size()) + sizeof(std::int16_t) * shorts_.size();
}

Result<MatMul> MatMul::Create(const Kernels& kernels, const ParallelWork& work,
                              const MatMulOptions& options) {
  const bool known = options.precision == MatMulPrecision::kFloat32 ||
                     (options.precision == MatMulPrecision::kBf16 && kernels.bf16 != nullptr) ||
                     (options.precision == MatMulPrecision::kInt16 && kernels.int16 != nullptr);
  if (!known) {
    return Status(StatusCode::kInternal,
                  "a product was asked for in a precision that these kernels do not have");
  }
  MatMul matmul;
  matmul.kernels_ = &kernels;
  matmul.work_ = &work;
  matmul.options_ = options;
  matmul.use_library_ = !options.rows_are_independent && kernels.set != InstructionSet::kPlain;
  std::int64_t bytes = 0;
  if (options.quantized_weights) bytes = kInt8ScratchBytes;
  if (options.precision == MatMulPrecision::kBf16)
    bytes = std::max(bytes, PackedBytes(*kernels.bf16) + GatheredBytes(*kernels.bf16));
  if (options.precision == MatMulPrecision::kInt16)
    bytes = std::max(bytes, static_cast<std::int64_t>(Int16WorkerBytes()));
  const auto rows = CheckedMultiply<std::int64_t>(matmul.GemvRows() * 4, options.max_k);
  if (!rows) return ResourceExhausted("rows of %d columns are too large", options.max_k);
  bytes = std::max(bytes, *rows);
  if (matmul.use_library_) {
    const auto panel = CheckedMultiply<std::int64_t>(
        LibraryGemm().nr * static_cast<std::int64_t>(sizeof(float)), options.max_k);
    if (!panel) return ResourceExhausted("panels for matrices of %d columns are too large", options.max_k);
    bytes = std::max(bytes, *panel);
  }
  const auto all = CheckedMultiply<std::int64_t>(bytes, work.workers());
  if (!all) return ResourceExhausted("panels for matrices of %d columns are too large", options.max_k);
  matmul.worker_bytes_ = (bytes + static_cast<std::int64_t>(kCacheLine) - 1) /
                         static_cast<std::int64_t>(kCacheLine) * static_cast<std::int64_t>(kCacheLine);
  CARAT_ASSIGN_OR_RETURN(
      matmul.worker_scratch_,
      AlignedBuffer<std::byte>::Allocate(static_cast<std::uint64_t>(matmul.worker_bytes_ * work.workers()),
                                         "packed weights"));
  return matmul;
}

Result<MatMulScratch> MatMul::MakeScratch(std::int64_t m, std::int64_t k) const {
  constexpr char kPurpose[] = "activations";
  MatMulScratch scratch;
  const auto values = CheckedMultiply<std::int64_t>(m, k);
  if (!values) return ResourceExhausted("the activations of a chunk are too large to be addressed");
  const auto count = static_cast<std::uint64_t>(*values);
  if (options_.precision == MatMulPrecision::kInt16) CARAT_RETURN_IF_ERROR(ReserveInt16(m, k, scratch));
  const bool bf16 = options_.precision == MatMulPrecision::kBf16;
  if (bf16 || options_.quantized_weights) {
    CARAT_ASSIGN_OR_RETURN(scratch.bytes_,
                           AlignedBuffer<std::int8_t>::Allocate((bf16 ? 2 : 1) * count, kPurpose));
  }
  if (options_.quantized_weights) {
    CARAT_ASSIGN_OR_RETURN(scratch.scales_, AlignedBuffer<float>::Allocate(count / 32, kPurpose));
    CARAT_ASSIGN_OR_RETURN(scratch.sums_, AlignedBuffer<std::int32_t>::Allocate(count / 32, kPurpose));
    CARAT_ASSIGN_OR_RETURN(scratch.fine_sums_, AlignedBuffer<std::int32_t>::Allocate(count / 16, kPurpose));
  }
  return scratch;
}

Status MatMul::Multiply(const float* x, std::int64_t x_stride, std::int64_t m, Targets targets,
                        const MatMulScratch& scratch, const RowProducer& produce) const {
  if (m <= 0 || targets.empty()) return {};
  const auto packed = [](const MatMulTarget& target) { return target.weights.packed(); };
  const std::int64_t k = targets.front().weights.k();
  const bool some_packed = std::any_of(targets.begin(), targets.end(), packed);
  const QuantizedRows quantized = scratch.Quantized(k);
  if (some_packed || produce) {
    work_->For(m, ParallelWork::Grain((produce ? 8 : 2) * k), [&](std::int64_t r, int) {
      produce(r);
      if (some_packed) kernels_->int8.quantize(x + r * x_stride, quantized, r);
    });
  }
  if (!some_packed) return MultiplyFloat(x, x_stride, m, targets, scratch);
  if (std::all_of(targets.begin(), targets.end(), packed)) {
    MultiplyQuantized(quantized, m, targets);
    return {};
  }
  // Quantised ones first: float products may put bf16 rows where the quantised rows are.
  for (const MatMulTarget& target : targets) {
    if (packed(target)) MultiplyQuantized(quantized, m, {&target, 1});
  }
  for (const MatMulTarget& target : targets) {
    if (!packed(target)) CARAT_RETURN_IF_ERROR(MultiplyFloat(x, x_stride, m, {&target, 1}, scratch));
  }
  return {};
}

Status MatMul::Multiply(const float* x, std::int64_t x_stride, std::int64_t m, const WeightMatrix& weights,
                        float* y, std::int64_t y_stride, const MatMulScratch& scratch,
                        const RowProducer& produce) const {
  const MatMulTarget target{weights, y, y_stride};
  return Multiply(x, x_stride, m, {&target, 1}, scratch, produce);
}

void MatMul::MultiplyQuantized(const QuantizedRows& x, std::int64_t m, Targets targets) const {
  std::int64_t panels = 0;
  for (const MatMulTarget& target : targets) panels += target.weights.Panels();
  work_->ForRuns(panels, 1, [&](std::int64_t index, int worker) {
    const MatMulTarget* target = targets.data();
    while (index >= target->weights.Panels()) index -= (target++)->weights.Panels();
    const WeightMatrix& weights = target->weights;
    const std::int64_t within = index % weights.PanelsOfUnit() * kPanelN;
    const std::int64_t n = std::min<std::int64_t>(kPanelN, weights.unit_rows - within);
    float* y = target->y + index / weights.PanelsOfUnit() * weights.unit_rows + within;
    const std::int64_t rows = target->row_count < 0 ? m : target->row_count;
    for (std::int64_t first = 0; first < rows; first += kInt8M) {
      kernels_->int8.run(weights.format, weights.panels + index * weights.panel_bytes, x,
                         target->first_row + first, std::min(kInt8M, rows - first),
                         y + first * target->y_stride, target->y_stride, n, WorkerScratch(worker),
                         options_.prefetch_bytes);
    }
  });
}

Status MatMul::MultiplyFloat(const float* x, std::int64_t x_stride, std::int64_t m, Targets targets,
                             const MatMulScratch& scratch) const {
  const auto of_some = [](const MatMulTarget& target) { return target.row_count >= 0; };
  if (std::none_of(targets.begin(), targets.end(), of_some))
    return MultiplyAllRows(x, x_stride, m, targets, scratch);
  for (const MatMulTarget& target : targets) {
    const std::int64_t count = target.row_count < 0 ? m : target.row_count;
    if (count == 0) continue;
    CARAT_RETURN_IF_ERROR(
        MultiplyAllRows(x + target.first_row * x_stride, x_stride, count, {&target, 1}, scratch));
  }
  return {};
}

Status MatMul::MultiplyAllRows(const float* x, std::int64_t x_stride, std::int64_t m, Targets targets,
                               const MatMulScratch& scratch) const {
  const auto bf16 = [](const MatMulTarget& target) {
    return target.weights.view.format == NumberFormat::kBF16 && target.weights.k() % 2 == 0;
  };
  const bool large = m >= kSmallM || options_.rows_are_independent;
  if (options_.precision == MatMulPrecision::kInt16) {
    MultiplyInInt16(x, x_stride, m, targets, scratch);
  } else if (options_.precision == MatMulPrecision::kBf16 && large &&
             std::all_of(targets.begin(), targets.end(), bf16)) {
    MultiplyInBf16(x, x_stride, m, targets, scratch);
  } else if (use_library_ && large) {
    return MultiplyByLibrary(x, x_stride, m, targets);
  } else {
    MultiplyByGemv(x, x_stride, m, targets);
  }
  return {};
}

void MatMul::MultiplyByGemv(const float* x, std::int64_t x_stride, std::int64_t m, Targets targets) const {
  const std::int64_t grain = ParallelWork::Grain(kGemvN * targets.front().weights.k() * m);
  const std::int64_t most = GemvRows();
  work_->ForRuns(CountBlocks(targets, kGemvN), grain, [&](std::int64_t index, int worker) {
    const Block block = FindBlock(targets, kGemvN, index);
    const MatrixView& weights = block.weights();
    const std::int64_t y_stride = block.target->y_stride;
    for (std::int64_t first = 0; first < m; first += most) {
      GemvFor(kernels_->gemv, weights.format)(
          x + first * x_stride, x_stride, std::min(most, m - first), weights.row(block.first), weights.cols,
          block.count, block.y() + first * y_stride, y_stride, first == 0 ? options_.prefetch_bytes : 0,
          reinterpret_cast<float*>(WorkerScratch(worker)));
    }
  });
}

void MatMul::MultiplyInBf16(const float* x, std::int64_t x_stride, std::int64_t m, Targets targets,
                            const MatMulScratch& scratch) const {
  const GemmKernels& gemm = *kernels_->bf16;
  const std::int64_t k = targets.front().weights.k();
  auto* rows = reinterpret_cast<std::uint16_t*>(scratch.bytes_.data());
  work_->For(m, ParallelWork::Grain(k), [&](std::int64_t r, int) {
    kernels_->elementwise.f32_to_bf16(x + r * x_stride, rows + r * k, k);
  });
  work_->For(CountBlocks(targets, gemm.nr), [&](std::int64_t index, int worker) {
    const Block block = FindBlock(targets, gemm.nr, index);
    std::byte* packed = WorkerScratch(worker);
    auto* gathered = reinterpret_cast<float*>(packed + PackedBytes(gemm));
    const std::int64_t y_stride = block.target->y_stride;
    for (std::int64_t first = 0; first < m; first += gemm.mr) {
      GemmShape shape{.m = std::min(gemm.mr, m - first),
                      .n = block.count,
                      .x_stride = k,
                      .w_stride = k,
                      .y_stride = gemm.gathers ? gemm.nr : y_stride};
      float* y = block.y() + first * y_stride;
      for (std::int64_t at = 0; at < k; at += gemm.kc) {
        shape.k = std::min(gemm.kc, k - at);
        shape.accumulate = at > 0;
        gemm.pack(shape, block.weights().row(block.first) + 2 * at, packed);
        // These kernels never fail.
        (void)gemm.run(shape, rows + first * k + at, packed, gemm.gathers ? gathered : y, nullptr);
      }
      if (!gemm.gathers) continue;
      for (std::int64_t r = 0; r < shape.m; ++r)
        std::copy_n(gathered + r * gemm.nr, block.count, y + r * y_stride);
    }
  });
}

Status MatMul::MultiplyByLibrary(const float* x, std::int64_t x_stride, std::int64_t m,
                                 Targets targets) const {
  const GemmKernels& gemm = LibraryGemm();
  const std::int64_t k = targets.front().weights.k();
  std::atomic<StatusCode> failure{StatusCode::kOk};
  const std::int64_t grain = ParallelWork::Grain(gemm.nr * k * m);
  work_->For(CountBlocks(targets, gemm.nr), grain, [&](std::int64_t index, int worker) {
    const Block block = FindBlock(targets, gemm.nr, index);
    const MatrixView& weights = block.weights();
    auto* panel = reinterpret_cast<float*>(WorkerScratch(worker));
    RowToF32(*kernels_, weights.row(block.first), weights.format, panel, block.count * k);
    const GemmShape shape{.m = m,
                          .n = block.count,
                          .k = k,
                          .x_stride = x_stride,
                          .w_stride = k,
                          .y_stride = block.target->y_stride};
    const StatusCode code = gemm.run(shape, x, panel, block.y(), nullptr);
    if (code != StatusCode::kOk) failure.store(code, std::memory_order_relaxed);
  });
  const StatusCode code = failure.load(std::memory_order_relaxed);
  if (code == StatusCode::kOk) return {};
  return Status(code, "the matrix library failed in a product");
}

}  // namespace carat::internal
