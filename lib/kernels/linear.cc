#include <algorithm>
#include <atomic>
#include <cstring>
#include <string>
#include <utility>

#include "lib/base/checked.h"
#include "lib/base/cpu.h"
#include "lib/base/error.h"
#include "lib/kernels/gemm.h"
#include "lib/kernels/kernels.h"
#include "lib/quant/block_formats.h"

namespace carat::internal {
namespace {

// Outputs that one item of work computes. They are the same for any number of workers, so that results are
// too. A block of few-row work is some 100 KB of weights, read in one stream; a panel for the matrix library
// should stay in the second-level cache together with a block of the activations.
constexpr std::int64_t kFewRowsBlock = 32;
constexpr std::int64_t kPanel = 64;

std::int64_t Blocks(std::int64_t outputs, std::int64_t block) {
  return (outputs + block - 1) / block;
}

KernelTable::Product ProductFor(const KernelTable& kernels, NumberFormat format) {
  switch (format) {
    case NumberFormat::kF32:
      return kernels.product_f32;
    case NumberFormat::kF16:
      return kernels.product_f16;
    default:
      break;
  }
  return kernels.product_bf16;
}

// A block of one of the targets.
struct Block {
  const LinearTarget* target;
  std::int64_t first;
  std::int64_t count;
};

Block FindBlock(std::span<const LinearTarget> targets, std::int64_t size, std::int64_t index) {
  for (const LinearTarget& target : targets) {
    const std::int64_t blocks = Blocks(target.weights.view.rows, size);
    if (index < blocks) {
      const std::int64_t first = index * size;
      return {&target, first, std::min(size, target.weights.view.rows - first)};
    }
    index -= blocks;
  }
  return {targets.data(), 0, 0};
}

std::int64_t CountBlocks(std::span<const LinearTarget> targets, std::int64_t size) {
  std::int64_t count = 0;
  for (const LinearTarget& target : targets) count += Blocks(target.weights.view.rows, size);
  return count;
}

}  // namespace

Result<const KernelTable*> KernelsFor(InstructionSet set) {
  const KernelTable* table = nullptr;
  if (set == InstructionSet::kPlain) table = &PlainKernels();
  if (set == InstructionSet::kAvx2) table = Avx2Kernels();
  if (Includes(set, InstructionSet::kAvx512)) table = Avx512Kernels();
  if (Includes(set, InstructionSet::kAvx512Vnni) && Avx512VnniTable() != nullptr) table = Avx512VnniTable();
  if (Includes(set, InstructionSet::kAvx512Bf16) && Avx512Bf16Table() != nullptr) table = Avx512Bf16Table();
  if (Includes(set, InstructionSet::kAvx512Amx) && AmxTable() != nullptr) table = AmxTable();
  if (Includes(set, InstructionSet::kNeon)) table = NeonKernels();
  if (table == nullptr) {
    return Unimplemented("this build of carat has no %s kernels", std::string(InstructionSetName(set)));
  }
  return table;
}

const Bf16Kernels* Bf16KernelsFor(InstructionSet set) {
  if (Includes(set, InstructionSet::kAvx512Amx) && AmxBf16Kernels() != nullptr) return AmxBf16Kernels();
  return Includes(set, InstructionSet::kAvx512Bf16) ? Avx512Bf16Kernels() : nullptr;
}

const Bf16Kernels* Bf16KernelsBeside(const KernelTable& kernels) {
  if (&kernels == AmxTable() && AmxBf16Kernels() != nullptr) return AmxBf16Kernels();
  return &kernels == Avx512Bf16Table() || &kernels == AmxTable() ? Avx512Bf16Kernels() : nullptr;
}

const IntegerKernels* IntegerKernelsFor(InstructionSet set) {
  // Best first.
  const std::pair<InstructionSet, const IntegerKernels*> tables[] = {
      {InstructionSet::kAvx512Amx, AmxIntegerKernels()},
      {InstructionSet::kAvx512Vnni, Avx512VnniIntegerKernels()},
      {InstructionSet::kAvx2, Avx2IntegerKernels()},
      {InstructionSet::kNeonDot, NeonDotIntegerKernels()},
      {InstructionSet::kNeon, NeonIntegerKernels()},
  };
  for (const auto& [of, table] : tables) {
    if (table != nullptr && Includes(set, of)) return table;
  }
  return &PlainIntegerKernels();
}

void WidenRow(const KernelTable& kernels, const std::byte* from, NumberFormat format, float* to,
              std::int64_t n) {
  switch (format) {
    case NumberFormat::kF32:
      std::memcpy(to, from, static_cast<std::size_t>(n) * sizeof(float));
      return;
    case NumberFormat::kF16:
      kernels.widen_f16(from, to, n);
      return;
    case NumberFormat::kBF16:
      kernels.widen_bf16(from, to, n);
      return;
    default:
      DecodeBlocks(format, from, n, to);
      return;
  }
}

Result<LinearEngine> LinearEngine::Create(const KernelTable& kernels, const ParallelWork& work,
                                          std::int64_t max_cols, bool use_matrix_library,
                                          const IntegerKernels* integer_kernels,
                                          const Bf16Kernels* bf16_kernels) {
  LinearEngine engine;
  engine.integer_kernels_ = integer_kernels;
  engine.bf16_kernels_ = bf16_kernels;
  if (integer_kernels != nullptr || bf16_kernels != nullptr) {
    CARAT_ASSIGN_OR_RETURN(
        engine.unpacked_,
        AlignedBuffer<std::byte>::Allocate(static_cast<std::uint64_t>(kProductScratchBytes * work.workers()),
                                           "unpacked weights"));
  }
  engine.kernels_ = &kernels;
  engine.prefetch_bytes_ = StreamPrefetchBytes();
  engine.work_ = &work;
  engine.use_matrix_library_ = use_matrix_library;
  if (use_matrix_library) {
    const auto panel = CheckedMultiply<std::int64_t>(kPanel, max_cols);
    const auto all = panel ? CheckedMultiply<std::int64_t>(*panel, work.workers()) : std::nullopt;
    if (!all) return ResourceExhausted("panels for matrices of %d columns are too large", max_cols);
    engine.panel_size_ = *panel;
    CARAT_ASSIGN_OR_RETURN(
        engine.panels_, AlignedBuffer<float>::Allocate(static_cast<std::uint64_t>(*all), "widened weights"));
  }
  return engine;
}

Result<LinearScratch> LinearScratch::Create(std::int64_t rows, std::int64_t cols) {
  LinearScratch scratch;
  const auto values = CheckedMultiply<std::int64_t>(rows, cols);
  if (!values) return ResourceExhausted("the activations of a chunk are too large to be addressed");
  const auto count = static_cast<std::uint64_t>(*values);
  CARAT_ASSIGN_OR_RETURN(scratch.values_, AlignedBuffer<std::int8_t>::Allocate(2 * count, "activations"));
  CARAT_ASSIGN_OR_RETURN(scratch.scales_, AlignedBuffer<float>::Allocate(count / 32, "activations"));
  CARAT_ASSIGN_OR_RETURN(scratch.sums_, AlignedBuffer<std::int32_t>::Allocate(count / 32, "activations"));
  CARAT_ASSIGN_OR_RETURN(scratch.fine_, AlignedBuffer<std::int32_t>::Allocate(count / 16, "activations"));
  return scratch;
}

Status LinearEngine::Multiply(const float* x, std::int64_t x_stride, std::int64_t rows,
                              std::span<const LinearTarget> targets, const LinearScratch& scratch,
                              const RowMaker& make) const {
  if (rows <= 0 || targets.empty()) return {};
  const auto packed = [](const LinearTarget& target) { return target.weights.packed(); };
  const std::int64_t cols = targets.front().weights.cols();
  const bool some_packed = std::any_of(targets.begin(), targets.end(), packed);
  const QuantizedRows quantized = scratch.Rows(cols);
  if (some_packed || make.makes()) {
    work_->For(rows, ParallelWork::Grain((make.makes() ? 8 : 2) * cols), [&](std::int64_t r, int) {
      make(r);
      if (some_packed) integer_kernels_->quantize(x + r * x_stride, quantized, r);
    });
  }
  if (!some_packed) return MultiplyAnyFloat(x, x_stride, rows, targets, scratch);
  if (std::all_of(targets.begin(), targets.end(), packed)) {
    MultiplyPacked(quantized, rows, targets);
    return {};
  }
  for (const LinearTarget& target : targets) {
    if (packed(target)) {
      MultiplyPacked(quantized, rows, {&target, 1});
    } else {
      CARAT_RETURN_IF_ERROR(MultiplyAnyFloat(x, x_stride, rows, {&target, 1}, scratch));
    }
  }
  return {};
}

Status LinearEngine::MultiplyAnyFloat(const float* x, std::int64_t x_stride, std::int64_t rows,
                                      std::span<const LinearTarget> targets,
                                      const LinearScratch& scratch) const {
  const auto of_some = [](const LinearTarget& target) { return target.row_count != 0; };
  if (std::none_of(targets.begin(), targets.end(), of_some))
    return MultiplyFloat(x, x_stride, rows, targets, scratch);
  for (const LinearTarget& target : targets) {
    const std::int64_t count = target.row_count == 0 ? rows : target.row_count;
    CARAT_RETURN_IF_ERROR(
        MultiplyFloat(x + target.first_row * x_stride, x_stride, count, {&target, 1}, scratch));
  }
  return {};
}

void LinearEngine::MultiplyPacked(const QuantizedRows& x, std::int64_t rows,
                                  std::span<const LinearTarget> targets) const {
  std::int64_t panels = 0;
  for (const LinearTarget& target : targets) panels += target.weights.Panels();
  work_->ForRuns(panels, 1, [&](std::int64_t index, int worker) {
    const LinearTarget* target = targets.data();
    while (index >= target->weights.Panels()) index -= (target++)->weights.Panels();
    const LinearWeights& weights = target->weights;
    const std::int64_t within = index % weights.PanelsOfUnit() * kPanelRows;
    const std::int64_t outputs = std::min<std::int64_t>(kPanelRows, weights.unit_rows - within);
    float* y = target->y + index / weights.PanelsOfUnit() * weights.unit_rows + within;
    const std::int64_t count = target->row_count == 0 ? rows : target->row_count;
    for (std::int64_t first = 0; first < count; first += kProductRows) {
      integer_kernels_->product(weights.kind, weights.panels + index * weights.panel_bytes, x,
                                target->first_row + first, std::min(kProductRows, count - first),
                                y + first * target->y_stride, target->y_stride, outputs,
                                unpacked_.data() + worker * kProductScratchBytes, prefetch_bytes_);
    }
  });
}

void LinearEngine::MultiplyInBf16(const float* x, std::int64_t x_stride, std::int64_t rows,
                                  std::span<const LinearTarget> targets, const LinearScratch& scratch) const {
  const std::int64_t cols = targets.front().weights.cols();
  std::uint16_t* narrow = scratch.bf16();
  work_->For(rows, ParallelWork::Grain(cols),
             [&](std::int64_t r, int) { kernels_->narrow_bf16(x + r * x_stride, narrow + r * cols, cols); });
  work_->For(CountBlocks(targets, kBf16Outputs), [&](std::int64_t index, int worker) {
    const Block block = FindBlock(targets, kBf16Outputs, index);
    for (std::int64_t first = 0; first < rows; first += kBf16Rows) {
      bf16_kernels_->product(narrow + first * cols, cols, std::min(kBf16Rows, rows - first),
                             block.target->weights.view.row(block.first), cols, block.count,
                             block.target->y + first * block.target->y_stride + block.first,
                             block.target->y_stride, unpacked_.data() + worker * kProductScratchBytes);
    }
  });
}

Status LinearEngine::MultiplyFloat(const float* x, std::int64_t x_stride, std::int64_t rows,
                                   std::span<const LinearTarget> targets,
                                   const LinearScratch& scratch) const {
  const auto bf16 = [](const LinearTarget& target) {
    return target.weights.view.format == NumberFormat::kBF16 && target.weights.cols() % 2 == 0;
  };
  if (rows >= kManyRows && bf16_kernels_ != nullptr && std::all_of(targets.begin(), targets.end(), bf16)) {
    MultiplyInBf16(x, x_stride, rows, targets, scratch);
    return {};
  }
  if (rows < kManyRows || !use_matrix_library_) {
    const std::int64_t grain = ParallelWork::Grain(kFewRowsBlock * targets.front().weights.cols() * rows);
    work_->ForRuns(CountBlocks(targets, kFewRowsBlock), grain, [&](std::int64_t index, int) {
      const Block block = FindBlock(targets, kFewRowsBlock, index);
      const MatrixView& weights = block.target->weights.view;
      ProductFor(*kernels_, weights.format)(x, x_stride, rows, weights.row(block.first), weights.cols,
                                            block.count, block.target->y + block.first,
                                            block.target->y_stride, prefetch_bytes_);
    });
    return {};
  }
  std::atomic<StatusCode> failure{StatusCode::kOk};
  const std::int64_t grain = ParallelWork::Grain(kPanel * targets.front().weights.cols() * rows);
  work_->For(CountBlocks(targets, kPanel), grain, [&](std::int64_t index, int worker) {
    const Block block = FindBlock(targets, kPanel, index);
    const MatrixView& weights = block.target->weights.view;
    float* panel = panels_.data() + worker * panel_size_;
    WidenRow(*kernels_, weights.row(block.first), weights.format, panel, block.count * weights.cols);
    const StatusCode code = Gemm(rows, block.count, weights.cols, x, x_stride, panel, weights.cols,
                                 block.target->y + block.first, block.target->y_stride);
    if (code != StatusCode::kOk) failure.store(code, std::memory_order_relaxed);
  });
  const StatusCode code = failure.load(std::memory_order_relaxed);
  if (code == StatusCode::kOk) return {};
  return Status(code, "the matrix library failed in a product");
}

Status LinearEngine::Multiply(const float* x, std::int64_t x_stride, std::int64_t rows,
                              const LinearWeights& weights, float* y, std::int64_t y_stride,
                              const LinearScratch& scratch, const RowMaker& make) const {
  const LinearTarget target{weights, y, y_stride};
  return Multiply(x, x_stride, rows, {&target, 1}, scratch, make);
}

}  // namespace carat::internal
