#include <algorithm>
#include <atomic>
#include <cstring>
#include <string>

#include "lib/base/checked.h"
#include "lib/base/error.h"
#include "lib/kernels/gemm.h"
#include "lib/kernels/kernels.h"

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
    const std::int64_t blocks = Blocks(target.weights.rows, size);
    if (index < blocks) {
      const std::int64_t first = index * size;
      return {&target, first, std::min(size, target.weights.rows - first)};
    }
    index -= blocks;
  }
  return {targets.data(), 0, 0};
}

std::int64_t CountBlocks(std::span<const LinearTarget> targets, std::int64_t size) {
  std::int64_t count = 0;
  for (const LinearTarget& target : targets) count += Blocks(target.weights.rows, size);
  return count;
}

}  // namespace

Result<const KernelTable*> KernelsFor(InstructionSet set) {
  const KernelTable* table = nullptr;
  if (set == InstructionSet::kPlain) table = &PlainKernels();
  if (set == InstructionSet::kAvx2) table = Avx2Kernels();
  if (set >= InstructionSet::kAvx512) table = Avx512Kernels();
  if (table == nullptr) {
    return Unimplemented("this build of carat has no %s kernels", std::string(InstructionSetName(set)));
  }
  return table;
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
      return;
  }
}

Result<LinearEngine> LinearEngine::Create(const KernelTable& kernels, const ParallelWork& work,
                                          std::int64_t max_cols, bool use_matrix_library) {
  LinearEngine engine;
  engine.kernels_ = &kernels;
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

Status LinearEngine::Multiply(const float* x, std::int64_t x_stride, std::int64_t rows,
                              std::span<const LinearTarget> targets) const {
  if (rows <= 0 || targets.empty()) return {};
  if (rows < kManyRows || !use_matrix_library_) {
    const std::int64_t grain = ParallelWork::Grain(kFewRowsBlock * targets.front().weights.cols * rows);
    work_->For(CountBlocks(targets, kFewRowsBlock), grain, [&](std::int64_t index, int) {
      const Block block = FindBlock(targets, kFewRowsBlock, index);
      const MatrixView& weights = block.target->weights;
      ProductFor(*kernels_, weights.format)(x, x_stride, rows, weights.row(block.first), weights.cols,
                                            block.count, block.target->y + block.first,
                                            block.target->y_stride);
    });
    return {};
  }
  std::atomic<StatusCode> failure{StatusCode::kOk};
  const std::int64_t grain = ParallelWork::Grain(kPanel * targets.front().weights.cols * rows);
  work_->For(CountBlocks(targets, kPanel), grain, [&](std::int64_t index, int worker) {
    const Block block = FindBlock(targets, kPanel, index);
    const MatrixView& weights = block.target->weights;
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
                              const MatrixView& weights, float* y, std::int64_t y_stride) const {
  const LinearTarget target{weights, y, y_stride};
  return Multiply(x, x_stride, rows, {&target, 1});
}

}  // namespace carat::internal
