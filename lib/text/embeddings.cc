#include "lib/text/embeddings.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "lib/base/error.h"
#include "lib/base/page_release.h"

namespace carat::internal {

namespace {

// Of a long text, pages of a table are let go after so many rows, or the whole table would become resident: a
// page that is touched brings its neighbours. They stay in the page cache, where the next look finds them.
constexpr std::int64_t kRowsTogether = 64;

// `rows` of a table in a file mapping were read.
void LetGo(const MatrixView& table, std::int64_t rows) {
  if (rows >= kRowsTogether)
    ReleaseMappedPages(table.data, static_cast<std::size_t>(table.rows) * table.row_bytes());
}

// Values first .. first+count-1 of a row. A layer's part of a row may begin and end inside a block.
void WidenPart(const Kernels& kernels, const std::byte* row, NumberFormat format, std::int64_t first,
               std::int64_t count, float* to) {
  const std::int64_t block = LayoutOf(format).values;
  if (first % block == 0 && count % block == 0)
    return RowToF32(kernels, row + BytesOf(format, first), format, to, count);
  constexpr std::int64_t kLargestBlock = 256;
  float values[kLargestBlock];
  for (std::int64_t at = first / block * block; at < first + count; at += block) {
    RowToF32(kernels, row + BytesOf(format, at), format, values, block);
    const std::int64_t begin = std::max(at, first), end = std::min(at + block, first + count);
    std::copy(values + (begin - at), values + (end - at), to + (begin - first));
  }
}

}  // namespace

void EmbedTokens(const EmbeddingPass& pass, std::span<const std::int32_t> tokens,
                 std::span<const float* const> soft) {
  const Kernels& kernels = pass.matmul.kernels();
  const MatrixView& table = pass.weights.embedding;
  const auto factor = static_cast<float>(std::sqrt(static_cast<double>(pass.config.hidden_size)));
  for (std::size_t r = 0; r < tokens.size(); ++r) {
    float* to = pass.ws.embedded.data() + static_cast<std::int64_t>(r) * table.cols;
    if (!soft.empty() && soft[r] != nullptr) {
      std::memcpy(to, soft[r], static_cast<std::size_t>(table.cols) * sizeof(float));
      continue;
    }
    RowToF32(kernels, table.row(tokens[r]), table.format, to, table.cols);
    kernels.elementwise.scale(to, factor, table.cols);
    // A head that is not packed is the same table, and stays.
    if (pass.weights.head.packed() && (r + 1) % static_cast<std::size_t>(kRowsTogether) == 0)
      LetGo(table, kRowsTogether);
  }
}

Status EmbedPerLayer(const EmbeddingPass& pass, std::span<const std::int32_t> tokens, std::int64_t first,
                     std::int64_t last) {
  const Kernels& kernels = pass.matmul.kernels();
  const MatrixView& table = pass.weights.per_layer_embedding;
  const std::int64_t size = pass.config.per_layer_input_size;
  const std::int64_t row_size = table.cols;
  const auto rows = static_cast<std::int64_t>(tokens.size());
  float* inputs = pass.ws.per_layer.data();
  const WeightMatrix projection =
      pass.weights.per_layer_projection.Rows(first * size, (last - first + 1) * size);
  CARAT_RETURN_IF_ERROR(pass.matmul.Multiply(pass.ws.embedded.data(), pass.config.hidden_size, rows,
                                             projection, inputs + first * size, row_size, pass.ws.products));

  const auto context_factor =
      static_cast<float>(1.0 / std::sqrt(static_cast<double>(pass.config.hidden_size)));
  const auto identity_factor = static_cast<float>(std::sqrt(static_cast<double>(size)));
  const auto both_factor = static_cast<float>(std::sqrt(0.5));
  const auto epsilon = static_cast<float>(pass.config.rms_norm_epsilon);
  const auto add_identity = [&](std::int64_t r) {
    const std::byte* row = table.row(tokens[static_cast<std::size_t>(r)]);
    float* identity = pass.ws.per_layer_gate.data() + r * size;
    for (std::int64_t layer = first; layer <= last; ++layer) {
      float* context = inputs + r * row_size + layer * size;
      kernels.elementwise.scale(context, context_factor, size);
      kernels.elementwise.rms_norm(context, pass.weights.per_layer_norm.data(), size, epsilon, context);
      WidenPart(kernels, row, table.format, layer * size, size, identity);
      kernels.elementwise.add_scaled(context, identity, identity_factor, size);
      kernels.elementwise.scale(context, both_factor, size);
    }
  };
  for (std::int64_t begin = 0; begin < rows; begin += kRowsTogether) {
    const std::int64_t count = std::min(kRowsTogether, rows - begin);
    pass.matmul.work().For(count, ParallelWork::Grain((last - first + 1) * size * 8),
                           [&](std::int64_t r, int) { add_identity(begin + r); });
    LetGo(table, count);
  }
  return {};
}

}  // namespace carat::internal
