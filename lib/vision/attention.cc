#include <algorithm>
#include <limits>

#include "lib/base/error.h"
#include "lib/vision/tower.h"

namespace carat::internal {
namespace {

// Where the heads of a projection go, and what is done to each.
struct HeadTarget {
  const StagedMatMul& product;
  const ClippedMatrix& linear;
  const std::byte* staging;
  std::size_t input;  // of the prepared ones
  const float* norm;  // null: without scale
  bool rotated;
  std::byte* heads;  // [heads, patches, head_dim]
};

class Attention {
 public:
  Attention(const TowerPass& pass, const VisionLayerWeights& layer, const LayerStaging& staging)
      : pass_(pass),
        layer_(layer),
        staging_(staging),
        plan_(pass.plan.attention),
        patches_(pass.plan.patches),
        head_dim_(pass.config.head_dim) {}

  Status Run() {
    CARAT_RETURN_IF_ERROR(Project());
    CARAT_RETURN_IF_ERROR(Pack());
    CARAT_RETURN_IF_ERROR(Attend());
    return Output();
  }

 private:
  // Queries, keys and values: product, norm of each head, rotation.
  Status Project() {
    const PreparedInputs inputs = AttentionInputs(layer_);
    const TowerWorkspace& ws = pass_.ws;
    const HeadTarget targets[] = {
        {pass_.plan.q, layer_.q, staging_.q, inputs.Of(layer_.q), layer_.q_norm.data(), true,
         ws.queries.data()},
        {pass_.plan.kv, layer_.k, staging_.k, inputs.Of(layer_.k), layer_.k_norm.data(), true,
         ws.keys.data()},
        {pass_.plan.kv, layer_.v, staging_.v, inputs.Of(layer_.v), nullptr, false, ws.values.data()},
    };
    const std::int64_t query_items = pass_.plan.q.items();
    const std::int64_t key_items = pass_.plan.kv.items();
    return pass_.For(query_items + 2 * key_items, [&](std::int64_t item, WorkerScratch& scratch) {
      if (item < query_items) return ProjectBlock(targets[0], item, scratch);
      item -= query_items;
      return ProjectBlock(targets[item < key_items ? 1 : 2], item % key_items, scratch);
    });
  }

  StatusCode ProjectBlock(const HeadTarget& target, std::int64_t item, WorkerScratch& scratch) const {
    const std::int64_t panels = target.product.panels().count();
    const std::int64_t block = item / panels;
    const std::int64_t panel = item % panels;
    const std::int64_t first = target.product.rows().first(block);
    const StatusCode code = target.product.Run(block, panel, pass_.PreparedRow(target.input, first),
                                               target.staging, scratch.tile, scratch.product);
    if (code != StatusCode::kOk) return code;
    const std::int64_t stride = target.product.panels().block;
    const std::int64_t first_head = target.product.panels().first(panel) / head_dim_;
    const std::int64_t heads = target.product.panels().length(panel) / head_dim_;
    for (std::int64_t r = 0; r < target.product.rows().length(block); ++r) {
      for (std::int64_t head = 0; head < heads; ++head) {
        FinishHead(target, scratch.tile + r * stride + head * head_dim_, first + r,
                   HeadRow(target.heads, first_head + head, first + r));
      }
    }
    return StatusCode::kOk;
  }

  void FinishHead(const HeadTarget& target, float* x, std::int64_t row, std::byte* to) const {
    const Clip& clip = target.linear.output;
    if (clip.bounded()) pass_.kernels.elementwise.clip(x, x, head_dim_, clip.low, clip.high);
    pass_.kernels.elementwise.rms_norm(x, target.norm, head_dim_, pass_.epsilon(), x);
    if (target.rotated) Rotate(x, row);
    pass_.Store(x, head_dim_, {}, to);
  }

  // The first half of a head turns by x, the second by y, each as if it were a whole one.
  void Rotate(float* x, std::int64_t row) const {
    const PreparedPicture::Position position = pass_.picture.position(row);
    const std::int64_t pairs = head_dim_ / 4;
    const float* cos = pass_.ws.rope.data();
    const float* sin = cos + patches_ * pairs;
    pass_.kernels.elementwise.rope(x, cos + position.x * pairs, sin + position.x * pairs, pairs, pairs);
    pass_.kernels.elementwise.rope(x + 2 * pairs, cos + position.y * pairs, sin + position.y * pairs, pairs,
                                   pairs);
  }

  // [queries, keys] = queries keys^T
  GemmShape ScoreShape(std::int64_t queries, std::int64_t keys) const {
    return {.m = queries,
            .n = keys,
            .k = head_dim_,
            .x_stride = head_dim_,
            .w_stride = head_dim_,
            .y_stride = plan_.keys.block};
  }
  // [queries, head_dim] += weights values
  GemmShape ValueShape(std::int64_t queries, std::int64_t keys) const {
    return {.m = queries,
            .n = head_dim_,
            .k = keys,
            .x_stride = plan_.keys.block,
            .w_stride = head_dim_,
            .y_stride = head_dim_,
            .w_transposed = true,
            .accumulate = true};
  }

  // Brings keys and values to the form that products take, if that is another.
  Status Pack() {
    if (plan_.packed_keys == 0 && plan_.packed_values == 0) return {};
    const std::int64_t blocks = plan_.keys.count();
    return pass_.For(pass_.config.kv_heads * blocks, [&](std::int64_t item, WorkerScratch&) {
      const std::int64_t head = item / blocks;
      const std::int64_t block = item % blocks;
      const std::int64_t first = plan_.keys.first(block);
      const std::int64_t keys = plan_.keys.length(block);
      const GemmKernels& gemm = *pass_.plan.gemm;
      gemm.pack(ScoreShape(0, keys), HeadRow(pass_.ws.keys.data(), head, first), PackedKeys(head, block));
      gemm.pack(ValueShape(0, keys), HeadRow(pass_.ws.values.data(), head, first), PackedValues(head, block));
      return StatusCode::kOk;
    });
  }

  Status Attend() {
    const std::int64_t tiles = plan_.queries.count();
    return pass_.For(pass_.config.attention_heads * tiles, [&](std::int64_t item, WorkerScratch& scratch) {
      return AttendTile(item / tiles, item % tiles, scratch);
    });
  }

  StatusCode AttendTile(std::int64_t head, std::int64_t tile, WorkerScratch& scratch) const {
    const std::int64_t rows = plan_.queries.length(tile);
    const std::int64_t first = plan_.queries.first(tile);
    std::fill_n(scratch.max, rows, -std::numeric_limits<float>::infinity());
    std::fill_n(scratch.sum, rows, 0.0f);
    std::fill_n(scratch.gathered, rows * head_dim_, 0.0f);
    for (std::int64_t block = 0; block < plan_.keys.count(); ++block) {
      if (pass_.stopped()) return StatusCode::kOk;
      const StatusCode code = AttendBlock(head, tile, block, scratch);
      if (code != StatusCode::kOk) return code;
    }
    for (std::int64_t r = 0; r < rows; ++r) {
      float* row = scratch.gathered + r * head_dim_;
      pass_.kernels.elementwise.scale(row, 1.0f / scratch.sum[r], head_dim_);
      pass_.Store(row, head_dim_, layer_.o.input,
                  pass_.PreparedRow(0, first + r) +
                      static_cast<std::size_t>(head * head_dim_) * pass_.plan.value_bytes());
    }
    return StatusCode::kOk;
  }

  StatusCode AttendBlock(std::int64_t head, std::int64_t tile, std::int64_t block,
                         WorkerScratch& scratch) const {
    const GemmKernels& gemm = *pass_.plan.gemm;
    const std::int64_t rows = plan_.queries.length(tile);
    const std::int64_t kv_head = head / (pass_.config.attention_heads / pass_.config.kv_heads);
    const std::int64_t first = plan_.keys.first(block);
    const void* keys =
        plan_.packed_keys == 0 ? HeadRow(pass_.ws.keys.data(), kv_head, first) : PackedKeys(kv_head, block);
    const void* values = plan_.packed_values == 0 ? HeadRow(pass_.ws.values.data(), kv_head, first)
                                                  : PackedValues(kv_head, block);
    const StatusCode code = gemm.run(ScoreShape(rows, plan_.keys.length(block)),
                                     HeadRow(pass_.ws.queries.data(), head, plan_.queries.first(tile)), keys,
                                     scratch.tile, scratch.product);
    if (code != StatusCode::kOk) return code;
    pass_.kernels.elementwise.softmax_step({.scores = scratch.tile,
                                            .stride = plan_.keys.block,
                                            .query_count = rows,
                                            .key_count = plan_.keys.length(block),
                                            .max = scratch.max,
                                            .sum = scratch.sum,
                                            .output = scratch.gathered,
                                            .head_dim = head_dim_});
    const void* weights = scratch.tile;
    if (pass_.plan.gemm->format == NumberFormat::kBF16) {
      pass_.kernels.elementwise.f32_to_bf16(scratch.tile, reinterpret_cast<std::uint16_t*>(scratch.narrowed),
                                            rows * plan_.keys.block);
      weights = scratch.narrowed;
    }
    return gemm.run(ValueShape(rows, plan_.keys.length(block)), weights, values, scratch.gathered,
                    scratch.product);
  }

  Status Output() {
    const StagedMatMul& product = pass_.plan.o;
    const std::int64_t panels = product.panels().count();
    return pass_.For(product.items(), [&](std::int64_t item, WorkerScratch& scratch) {
      return RunIntoSublayer(pass_, product, layer_.o, item / panels, item % panels,
                             pass_.PreparedRow(0, product.rows().first(item / panels)), staging_.o, scratch);
    });
  }

  std::byte* HeadRow(std::byte* heads, std::int64_t head, std::int64_t row) const {
    return heads + static_cast<std::size_t>((head * patches_ + row) * head_dim_) * pass_.plan.value_bytes();
  }
  std::byte* PackedKeys(std::int64_t head, std::int64_t block) const {
    return pass_.ws.packed_keys.data() +
           static_cast<std::size_t>(head * plan_.keys.count() + block) * plan_.packed_keys;
  }
  std::byte* PackedValues(std::int64_t head, std::int64_t block) const {
    return pass_.ws.packed_values.data() +
           static_cast<std::size_t>(head * plan_.keys.count() + block) * plan_.packed_values;
  }

  const TowerPass& pass_;
  const VisionLayerWeights& layer_;
  const LayerStaging& staging_;
  const AttentionPlan& plan_;
  std::int64_t patches_;
  std::int64_t head_dim_;
};

}  // namespace

StatusCode RunIntoSublayer(const TowerPass& pass, const StagedMatMul& product, const ClippedMatrix& linear,
                           std::int64_t block, std::int64_t panel, const std::byte* x,
                           const std::byte* staging, WorkerScratch& scratch) {
  const std::int64_t hidden = pass.config.hidden_size;
  float* y = pass.ws.sublayer.data() + product.rows().first(block) * hidden + product.panels().first(panel);
  const StatusCode code = product.Run(block, panel, x, staging, y, scratch.product);
  if (code != StatusCode::kOk || !linear.output.bounded()) return code;
  for (std::int64_t r = 0; r < product.rows().length(block); ++r) {
    pass.kernels.elementwise.clip(y + r * hidden, y + r * hidden, product.panels().length(panel),
                                  linear.output.low, linear.output.high);
  }
  return StatusCode::kOk;
}

Status RunAttention(const TowerPass& pass, const VisionLayerWeights& layer, const LayerStaging& staging) {
  return Attention(pass, layer, staging).Run();
}

}  // namespace carat::internal
