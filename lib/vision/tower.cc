#include "lib/vision/tower.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <tuple>

#include "lib/base/error.h"
#include "lib/kernels/kernels.h"

namespace carat::internal {
namespace {

class Tower {
 public:
  explicit Tower(const TowerPass& pass)
      : pass_(pass), hidden_(pass.config.hidden_size), patches_(pass.plan.patches) {}

  Status Run(float* pooled, float* soft_tokens) {
    FillRope();
    CARAT_RETURN_IF_ERROR(Embed());
    for (std::size_t i = 0; i < pass_.weights.layers.size(); ++i) {
      const VisionLayerWeights& layer = pass_.weights.layers[i];
      if (i == 0) CARAT_RETURN_IF_ERROR(Prepare(nullptr, layer.input_norm, AttentionInputs(layer)));
      CARAT_RETURN_IF_ERROR(RunLayer(layer));
      if (i + 1 < pass_.weights.layers.size()) {
        const VisionLayerWeights& next = pass_.weights.layers[i + 1];
        CARAT_RETURN_IF_ERROR(
            Prepare(layer.post_feedforward_norm.data(), next.input_norm, AttentionInputs(next)));
      } else {
        CARAT_RETURN_IF_ERROR(Join(layer.post_feedforward_norm.data()));
      }
    }
    CARAT_RETURN_IF_ERROR(Pool(pooled));
    return Project(pooled, soft_tokens);
  }

 private:
  // Cosines and sines of every position that occurs.
  void FillRope() const {
    const std::int64_t pairs = pass_.config.head_dim / 4;
    const std::int64_t positions = std::max(pass_.picture.patches_across, pass_.picture.patches_down);
    float* cos = pass_.ws.rope.data();
    float* sin = cos + patches_ * pairs;
    for (std::int64_t i = 0; i < pairs; ++i) {
      const double exponent = static_cast<double>(i) / static_cast<double>(pairs);
      const auto speed = static_cast<float>(1.0 / std::pow(pass_.config.rope_theta, exponent));
      for (std::int64_t position = 0; position < positions; ++position) {
        const float angle = static_cast<float>(position) * speed;
        cos[position * pairs + i] = std::cos(angle);
        sin[position * pairs + i] = std::sin(angle);
      }
    }
  }

  // hidden = projected pixels + table[0][x] + table[1][y]
  Status Embed() const {
    float values[256];
    // 8-bit pixels to [0, 1] and on to [-1, 1], rounded where the reference rounds.
    for (int i = 0; i < 256; ++i) values[i] = 2 * (static_cast<float>(i) * (1.0f / 255) - 0.5f);
    const std::int64_t pixels = pass_.config.patch_values();
    CARAT_RETURN_IF_ERROR(pass_.For(patches_, [&](std::int64_t row, WorkerScratch& scratch) {
      const std::uint8_t* patch = pass_.picture.patch(row);
      for (std::int64_t i = 0; i < pixels; ++i) scratch.row[i] = values[patch[i]];
      pass_.Store(scratch.row, pixels, {}, pass_.PreparedRow(0, row));
      return StatusCode::kOk;
    }));
    CARAT_RETURN_IF_ERROR(
        MultiplyAlone(pass_.plan.embed, pass_.weights.patch_projection, pass_.ws.hidden.data(), hidden_));
    return pass_.For(patches_, [&](std::int64_t row, WorkerScratch& scratch) {
      const PreparedPicture::Position position = pass_.picture.position(row);
      float* h = pass_.ws.hidden.data() + row * hidden_;
      const MatrixView& table = pass_.weights.positions;
      for (const std::int64_t at :
           {std::int64_t{position.x}, pass_.config.position_embedding_size + position.y}) {
        RowToF32(pass_.kernels, table.row(at), table.format, scratch.row, hidden_);
        pass_.kernels.elementwise.add_scaled(h, scratch.row, 1, hidden_);
      }
      return StatusCode::kOk;
    });
  }

  // A product that belongs to no layer, from the first prepared input.
  Status MultiplyAlone(const StagedMatMul& product, const MatrixView& weights, float* y,
                       std::int64_t y_stride) const {
    CARAT_RETURN_IF_ERROR(pass_.For(product.panels().count(), [&](std::int64_t panel, WorkerScratch&) {
      product.Stage(pass_.kernels, weights, panel, pass_.ws.staging.data());
      return StatusCode::kOk;
    }));
    return pass_.For(product.items(), [&](std::int64_t item, WorkerScratch& scratch) {
      const std::int64_t block = item / product.panels().count();
      const std::int64_t panel = item % product.panels().count();
      const std::int64_t first = product.rows().first(block);
      return product.Run(block, panel, pass_.PreparedRow(0, first), pass_.ws.staging.data(),
                         y + first * y_stride + product.panels().first(panel), scratch.product);
    });
  }

  Status RunLayer(const VisionLayerWeights& layer) const {
    LayerStaging staging;
    CARAT_RETURN_IF_ERROR(Stage(layer, staging));
    CARAT_RETURN_IF_ERROR(RunAttention(pass_, layer, staging));
    CARAT_RETURN_IF_ERROR(
        Prepare(layer.post_attention_norm.data(), layer.pre_feedforward_norm, MlpInputs(layer)));
    return Mlp(layer, staging);
  }

  // Brings the weights of a layer to the form that products take.
  Status Stage(const VisionLayerWeights& layer, LayerStaging& staging) const {
    struct Part {
      const StagedMatMul* product;
      const ClippedMatrix* linear;
      std::byte** at;
    };
    const TowerPlan& plan = pass_.plan;
    const Part parts[] = {{&plan.q, &layer.q, &staging.q},
                          {&plan.kv, &layer.k, &staging.k},
                          {&plan.kv, &layer.v, &staging.v},
                          {&plan.o, &layer.o, &staging.o},
                          {&plan.gate_up, &layer.gate, &staging.gate},
                          {&plan.gate_up, &layer.up, &staging.up},
                          {&plan.down, &layer.down, &staging.down}};
    std::byte* at = pass_.ws.staging.data();
    std::int64_t items = 0;
    for (const Part& part : parts) {
      *part.at = at;
      at += part.product->staging_bytes();
      items += part.product->panels().count();
    }
    return pass_.For(items, [&](std::int64_t item, WorkerScratch&) {
      const Part* part = parts;
      for (; item >= part->product->panels().count(); ++part) item -= part->product->panels().count();
      part->product->Stage(pass_.kernels, part->linear->weights, item, *part->at);
      return StatusCode::kOk;
    });
  }

  // hidden += norm(sublayer), unless `joined` is null; then the prepared inputs = clipped norm(hidden).
  Status Prepare(const float* joined, const std::vector<float>& norm, const PreparedInputs& inputs) const {
    return pass_.For(patches_, [&](std::int64_t row, WorkerScratch& scratch) {
      float* h = pass_.ws.hidden.data() + row * hidden_;
      if (joined != nullptr) {
        pass_.kernels.elementwise.add_rms_norm(h, pass_.ws.sublayer.data() + row * hidden_, joined, hidden_,
                                               pass_.epsilon());
      }
      pass_.kernels.elementwise.rms_norm(h, norm.data(), hidden_, pass_.epsilon(), scratch.row);
      for (std::size_t i = 0; i < inputs.count(); ++i) {
        float* from = scratch.row;
        if (i + 1 < inputs.count()) {  // the last may spoil it
          from = scratch.other_row;
          std::memcpy(from, scratch.row, static_cast<std::size_t>(hidden_) * sizeof(float));
        }
        pass_.Store(from, hidden_, inputs.clip(i), pass_.PreparedRow(i, row));
      }
      return StatusCode::kOk;
    });
  }

  Status Join(const float* norm) const {
    return pass_.For(patches_, [&](std::int64_t row, WorkerScratch&) {
      pass_.kernels.elementwise.add_rms_norm(pass_.ws.hidden.data() + row * hidden_,
                                             pass_.ws.sublayer.data() + row * hidden_, norm, hidden_,
                                             pass_.epsilon());
      return StatusCode::kOk;
    });
  }

  // Some rows at a time, since what is between the products is several times as wide as they are.
  Status Mlp(const VisionLayerWeights& layer, const LayerStaging& staging) const {
    const TowerPlan& plan = pass_.plan;
    const StagedMatMul& wide = plan.gate_up;
    const StagedMatMul& down = plan.down;
    const std::int64_t width = pass_.config.intermediate_size;
    const std::size_t row_bytes = static_cast<std::size_t>(width) * plan.value_bytes();
    for (std::int64_t chunk = 0; chunk < plan.mlp.count(); ++chunk) {
      const std::int64_t first_row = plan.mlp.first(chunk);
      const std::int64_t first = first_row / wide.rows().block;  // block
      const std::int64_t blocks = (plan.mlp.length(chunk) + wide.rows().block - 1) / wide.rows().block;
      const auto activated = [&](std::int64_t row) {
        return pass_.ws.activated.data() + static_cast<std::size_t>(row - first_row) * row_bytes;
      };
      CARAT_RETURN_IF_ERROR(
          pass_.For(blocks * wide.panels().count(), [&](std::int64_t item, WorkerScratch& scratch) {
            const std::int64_t block = first + item / wide.panels().count();
            return GateAndUp(layer, staging, block, item % wide.panels().count(),
                             activated(wide.rows().first(block)), scratch);
          }));
      CARAT_RETURN_IF_ERROR(
          pass_.For(blocks * down.panels().count(), [&](std::int64_t item, WorkerScratch& scratch) {
            const std::int64_t block = first + item / down.panels().count();
            return RunIntoSublayer(pass_, down, layer.down, block, item % down.panels().count(),
                                   activated(down.rows().first(block)), staging.down, scratch);
          }));
    }
    return {};
  }

  // gelu(gate) * up for one block, as the product down takes it.
  StatusCode GateAndUp(const VisionLayerWeights& layer, const LayerStaging& staging, std::int64_t block,
                       std::int64_t panel, std::byte* activated, WorkerScratch& scratch) const {
    const StagedMatMul& product = pass_.plan.gate_up;
    const PreparedInputs inputs = MlpInputs(layer);
    const std::int64_t first = product.rows().first(block);
    const std::int64_t stride = product.panels().block;
    float* gate = scratch.tile;
    float* up = gate + product.rows().block * stride;
    for (const auto& [linear, at, y] :
         {std::tuple{&layer.gate, staging.gate, gate}, std::tuple{&layer.up, staging.up, up}}) {
      const StatusCode code =
          product.Run(block, panel, pass_.PreparedRow(inputs.Of(*linear), first), at, y, scratch.product);
      if (code != StatusCode::kOk) return code;
    }
    const std::int64_t n = product.panels().length(panel);
    const std::size_t row_bytes =
        static_cast<std::size_t>(pass_.config.intermediate_size) * pass_.plan.value_bytes();
    activated += static_cast<std::size_t>(product.panels().first(panel)) * pass_.plan.value_bytes();
    for (std::int64_t r = 0; r < product.rows().length(block); ++r, gate += stride, up += stride) {
      ClipInPlace(gate, n, layer.gate.output);
      ClipInPlace(up, n, layer.up.output);
      pass_.kernels.elementwise.gelu_multiply(gate, up, gate, n);
      pass_.Store(gate, n, layer.down.input, activated + static_cast<std::size_t>(r) * row_bytes);
    }
    return StatusCode::kOk;
  }

  void ClipInPlace(float* x, std::int64_t n, const Clip& clip) const {
    if (clip.bounded()) pass_.kernels.elementwise.clip(x, x, n, clip.low, clip.high);
  }

  // The mean of each square of patches, at a scale that text embeddings have.
  Status Pool(float* pooled) const {
    const std::int64_t side = pass_.config.pooling_kernel_size;
    const std::int64_t across = pass_.picture.patches_across;
    const std::int64_t tokens_across = across / side;
    const auto share = 1.0f / static_cast<float>(side * side);
    const auto root = static_cast<float>(std::sqrt(static_cast<double>(hidden_)));
    return pass_.For(pass_.plan.tokens, [&](std::int64_t token, WorkerScratch&) {
      float* to = pooled + token * hidden_;
      std::fill_n(to, hidden_, 0.0f);
      const std::int64_t corner = token / tokens_across * side * across + token % tokens_across * side;
      for (std::int64_t y = 0; y < side; ++y) {
        for (std::int64_t x = 0; x < side; ++x) {
          const float* h = pass_.ws.hidden.data() + (corner + y * across + x) * hidden_;
          pass_.kernels.elementwise.add_scaled(to, h, share, hidden_);
        }
      }
      pass_.kernels.elementwise.scale(to, root, hidden_);
      const VisionWeights& w = pass_.weights;
      for (std::size_t i = 0; i < w.std_bias.size(); ++i) to[i] = (to[i] - w.std_bias[i]) * w.std_scale[i];
      return StatusCode::kOk;
    });
  }

  // Pooled states stay where they are; their norms go through the projection.
  Status Project(const float* pooled, float* soft_tokens) const {
    CARAT_RETURN_IF_ERROR(pass_.For(pass_.plan.tokens, [&](std::int64_t token, WorkerScratch& scratch) {
      pass_.kernels.elementwise.rms_norm(pooled + token * hidden_, nullptr, hidden_, pass_.epsilon(),
                                         scratch.row);
      pass_.Store(scratch.row, hidden_, {}, pass_.PreparedRow(0, token));
      return StatusCode::kOk;
    }));
    return MultiplyAlone(pass_.plan.project, pass_.weights.text_projection, soft_tokens,
                         pass_.weights.text_projection.rows);
  }

  const TowerPass& pass_;
  std::int64_t hidden_;
  std::int64_t patches_;
};

}  // namespace

Status TowerPass::Check() const {
  if (stopped()) return Cancelled("encoding of a picture was cancelled");
  const StatusCode code = failure.load(std::memory_order_relaxed);
  if (code == StatusCode::kOk) return {};
  return Status(code, "the matrix library failed in a product of the vision tower");
}

std::int64_t CountPreparedInputs(const VisionWeights& weights) {
  std::size_t most = 1;
  for (const VisionLayerWeights& layer : weights.layers)
    most = std::max({most, AttentionInputs(layer).count(), MlpInputs(layer).count()});
  return static_cast<std::int64_t>(most);
}

Status RunTower(const TowerPass& pass, float* pooled, float* soft_tokens) {
  return Tower(pass).Run(pooled, soft_tokens);
}

}  // namespace carat::internal
