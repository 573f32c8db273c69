#include "lib/vision/tower_plan.h"

#include <algorithm>
#include <initializer_list>

#include "lib/base/aligned_buffer.h"

namespace carat::internal {
namespace {

// Blocks of a size at which the matrix library is near its full speed, while what belongs to one item of work
// (rows, a panel of weights, a tile of results) stays in a second-level cache.
constexpr std::int64_t kRowBlock = 256;
constexpr std::int64_t kPanel = 192;
constexpr std::int64_t kQueryTile = 128;
constexpr std::int64_t kKeyBlock = 512;
// Rows that go through the MLP together: many enough to keep workers busy, few enough to keep its wide
// activations a small part of the memory.
constexpr std::int64_t kMlpRows = 10 * kRowBlock;
constexpr std::int64_t kVector = 16;

std::size_t ToCacheLine(std::size_t bytes) {
  return (bytes + kCacheLine - 1) / kCacheLine * kCacheLine;
}

std::size_t Bytes(std::initializer_list<std::int64_t> shape, std::size_t value_bytes) {
  std::size_t bytes = value_bytes;
  for (const std::int64_t size : shape) bytes *= static_cast<std::size_t>(size);
  return ToCacheLine(bytes);
}

AttentionPlan PlanAttention(const VisionConfig& config, std::int64_t patches, const GemmKernels& gemm) {
  AttentionPlan plan;
  plan.queries = Cut::Evenly(patches, kQueryTile, 1);
  plan.keys = Cut::Evenly(patches, kKeyBlock, kVector);
  plan.packed_keys = ToCacheLine(gemm.packed_bytes(plan.keys.block, config.head_dim));
  plan.packed_values = ToCacheLine(gemm.packed_bytes(config.head_dim, plan.keys.block));
  return plan;
}

// What one worker needs at most; see WorkerScratch.
std::size_t WorkerBytes(const TowerPlan& plan, const VisionConfig& config) {
  const AttentionPlan& attention = plan.attention;
  const std::int64_t rows = plan.q.rows().block;
  const std::int64_t tile =
      std::max({rows * plan.q.panels().block, rows * plan.kv.panels().block,
                2 * rows * plan.gate_up.panels().block, attention.queries.block * attention.keys.block});
  std::size_t product = 0;
  for (const StagedMatMul* one :
       {&plan.embed, &plan.q, &plan.kv, &plan.o, &plan.gate_up, &plan.down, &plan.project}) {
    product = std::max(product, one->scratch_bytes());
  }
  for (const std::int64_t k : {config.head_dim, attention.keys.block})
    product = std::max(product, plan.gemm->scratch_bytes(attention.queries.block, k));
  const std::int64_t row = 2 * std::max(config.hidden_size, plan.prepared_width);
  return Bytes({tile}, sizeof(float)) +
         Bytes({attention.queries.block, attention.keys.block}, sizeof(std::uint16_t)) +
         Bytes({attention.queries.block, config.head_dim}, sizeof(float)) +
         2 * Bytes({attention.queries.block}, sizeof(float)) + Bytes({row}, sizeof(float)) +
         ToCacheLine(product);
}

TowerBytes CountBytes(const TowerPlan& plan, const VisionConfig& config) {
  const std::size_t value = plan.value_bytes();
  const std::int64_t key_blocks = config.kv_heads * plan.attention.keys.count();
  TowerBytes bytes;
  bytes.hidden = bytes.sublayer = Bytes({plan.patches, config.hidden_size}, sizeof(float));
  bytes.prepared = Bytes({plan.patches, plan.prepared_width}, value);
  bytes.queries = Bytes({config.attention_heads, plan.patches, config.head_dim}, value);
  bytes.keys = bytes.values = Bytes({config.kv_heads, plan.patches, config.head_dim}, value);
  bytes.packed_keys = plan.attention.packed_keys * static_cast<std::size_t>(key_blocks);
  bytes.packed_values = plan.attention.packed_values * static_cast<std::size_t>(key_blocks);
  bytes.activated = Bytes({plan.mlp.block, config.intermediate_size}, value);
  bytes.staging = std::max({plan.embed.staging_bytes(), plan.project.staging_bytes(),
                            plan.q.staging_bytes() + 2 * plan.kv.staging_bytes() + plan.o.staging_bytes() +
                                2 * plan.gate_up.staging_bytes() + plan.down.staging_bytes()});
  bytes.rope = Bytes({2, plan.patches, config.head_dim / 4}, sizeof(float));
  bytes.worker = WorkerBytes(plan, config);
  return bytes;
}

}  // namespace

std::size_t TowerBytes::Total(std::int64_t prepared_inputs, int workers) const {
  return hidden + sublayer + prepared * static_cast<std::size_t>(prepared_inputs) + queries + keys + values +
         packed_keys + packed_values + activated + staging + rope +
         worker * static_cast<std::size_t>(workers);
}

TowerPlan TowerPlan::Create(const VisionConfig& config, std::int64_t text_hidden, std::int64_t patches,
                            const GemmKernels& gemm, std::int64_t prepared_inputs) {
  const std::int64_t hidden = config.hidden_size;
  const std::int64_t queries = config.attention_heads * config.head_dim;
  const std::int64_t width = config.intermediate_size;
  TowerPlan plan;
  plan.gemm = &gemm;
  plan.patches = patches;
  plan.tokens = patches / config.patches_per_token();
  plan.prepared_inputs = prepared_inputs;
  plan.prepared_width = std::max({hidden, queries, config.patch_values()});
  const Cut rows = Cut::Evenly(patches, kRowBlock, 1);
  plan.mlp = {patches, std::min(rows.count(), std::max<std::int64_t>(1, kMlpRows / rows.block)) * rows.block};

  struct Product {
    StagedMatMul* product;
    Cut rows, outputs;
    std::int64_t cols;
    std::int64_t x_stride;
    std::int64_t y_stride;
  };
  const std::int64_t x_stride = plan.prepared_width;
  const Cut to_hidden = Cut::Evenly(hidden, kPanel, kVector);
  const Cut to_text = Cut::Evenly(text_hidden, kPanel, kVector);
  const auto whole_heads = [&](std::int64_t heads) {
    const Cut cut = Cut::Evenly(heads, std::max<std::int64_t>(1, kPanel / config.head_dim), 1);
    return Cut{heads * config.head_dim, cut.block * config.head_dim};
  };
  const Product products[] = {
      {&plan.embed, rows, to_hidden, config.patch_values(), x_stride, hidden},
      {&plan.q, rows, whole_heads(config.attention_heads), hidden, x_stride, 0},
      {&plan.kv, rows, whole_heads(config.kv_heads), hidden, x_stride, 0},
      {&plan.o, rows, to_hidden, queries, x_stride, hidden},
      {&plan.gate_up, rows, Cut::Evenly(width, kPanel, kVector), hidden, x_stride, 0},
      {&plan.down, rows, to_hidden, width, width, hidden},
      {&plan.project, Cut::Evenly(plan.tokens, kRowBlock, 1), to_text, hidden, x_stride, text_hidden},
  };
  for (const Product& p : products)
    *p.product = StagedMatMul(gemm, p.rows, p.outputs, p.cols, p.x_stride, p.y_stride);
  plan.attention = PlanAttention(config, patches, gemm);
  plan.bytes = CountBytes(plan, config);
  return plan;
}

}  // namespace carat::internal
