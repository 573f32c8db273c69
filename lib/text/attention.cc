#include "lib/text/attention.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "lib/base/error.h"

namespace carat::internal {
namespace {

// Pages that are attended to in one go. Partial results of spans are merged in order, so that many workers
// may take the spans of one long text and the result is the same as that of one worker.
constexpr std::int64_t kSpanPages = 4;
constexpr std::int64_t kSpanPositions = kSpanPages * kPagePositions;

const RopeTable& RopeOf(const LayerPass& pass) {
  return pass.layer.full_attention ? pass.ws.full_rope : pass.ws.sliding_rope;
}

// Norm and rotation of each head of one row.
void FinishHeads(const LayerPass& pass, std::int64_t row, float* heads, std::int64_t count,
                 const std::vector<float>& norm) {
  const RopeTable& rope = RopeOf(pass);
  const std::int64_t head_dim = pass.layer.head_dim;
  const auto pairs = static_cast<std::int64_t>(rope.speeds.size());
  for (std::int64_t head = 0; head < count; ++head) {
    float* x = heads + head * head_dim;
    pass.kernels().elementwise.rms_norm(x, norm.data(), head_dim, pass.epsilon(), x);
    pass.kernels().elementwise.rope(x, rope.cos.data() + row * pairs, rope.sin.data() + row * pairs,
                                    head_dim / 2, pairs);
  }
}

// Some query rows of one KV head, attended together: queries = rows x heads that share the KV head.
struct Tile {
  std::int64_t kv_head;
  std::int64_t first_row;
  std::int64_t rows;
};

// A running softmax of a tile: see AttentionPage.
struct Running {
  float* max;
  float* sum;
  float* output;
};

class TiledAttention {
 public:
  TiledAttention(const LayerPass& pass, const KvLayer& cache)
      : pass_(pass),
        cache_(cache),
        codec_(pass.kernels().kv[cache.format()]),
        head_dim_(pass.layer.head_dim),
        group_(pass.config.attention_heads / pass.layer.kv_heads),
        tile_rows_(std::max<std::int64_t>(1, kTileQueries / group_)),
        tiles_per_head_((pass.rows() + tile_rows_ - 1) / tile_rows_),
        tiles_(tiles_per_head_ * pass.layer.kv_heads) {}

  Status Run() {
    const std::int64_t last_span = (End(pass_.rows() - 1) - 1) / kSpanPositions;
    const std::int64_t spans = last_span - Begin(0) / kSpanPositions + 1;
    if (spans > 1 && tiles_ < 4 * pass_.work().workers()) return RunBySpans(Begin(0) / kSpanPositions, spans);
    pass_.work().For(tiles_, [&](std::int64_t index, int worker) { RunTile(TileAt(index), worker); });
    return {};
  }

 private:
  Tile TileAt(std::int64_t index) const {
    const std::int64_t first = index % tiles_per_head_ * tile_rows_;
    return {index / tiles_per_head_, first, std::min(tile_rows_, pass_.rows() - first)};
  }

  // The positions that a row sees: Begin <= position < End.
  std::int64_t Begin(std::int64_t row) const {
    if (pass_.layer.full_attention) return 0;
    return std::max<std::int64_t>(
        0, pass_.positions[static_cast<std::size_t>(row)] - pass_.config.sliding_window + 1);
  }
  std::int64_t End(std::int64_t row) const {
    const auto r = static_cast<std::size_t>(row);
    if (pass_.layer.full_attention || pass_.sliding_ends.empty()) return pass_.positions[r] + 1;
    return pass_.sliding_ends[r];
  }

  // The tile's queries side by side, in the form that the codec takes.
  void PrepareQueries(const Tile& tile, AttentionScratch& scratch) const {
    const std::int64_t row_size = pass_.config.attention_heads * head_dim_;
    const std::int64_t size = group_ * head_dim_;
    const float* from = pass_.ws.queries.data() + tile.first_row * row_size + tile.kv_head * size;
    for (std::int64_t r = 0; r < tile.rows; ++r)
      std::memcpy(scratch.gathered.data() + r * size, from + r * row_size,
                  static_cast<std::size_t>(size) * sizeof(float));
    codec_.prepare_queries(scratch.gathered.data(), tile.rows * group_, head_dim_, scratch.queries.data(),
                           scratch.query_scales.data());
  }

  // Divides the output of the tile's query by its sum and puts it where it belongs.
  void Scatter(const Tile& tile, std::int64_t query, const float* output, float sum) const {
    const std::int64_t head = tile.kv_head * group_ + query % group_;
    float* to = pass_.ws.attended.data() +
                ((tile.first_row + query / group_) * pass_.config.attention_heads + head) * head_dim_;
    std::memcpy(to, output, static_cast<std::size_t>(head_dim_) * sizeof(float));
    pass_.kernels().elementwise.scale(to, 1.0f / sum, head_dim_);
  }

  void Clear(const Running& running, std::int64_t queries) const {
    std::fill_n(running.max, queries, -std::numeric_limits<float>::infinity());
    std::fill_n(running.sum, queries, 0.0f);
    std::fill_n(running.output, queries * head_dim_, 0.0f);
  }

  // Attention of a tile over the positions of one span.
  void AttendSpan(const Tile& tile, std::int64_t span, AttentionScratch& scratch, const Running& part) const {
    const std::int64_t queries = tile.rows * group_;
    Clear(part, queries);
    const std::int64_t begin = std::max(Begin(tile.first_row), span * kSpanPositions);
    const std::int64_t end = std::min(End(tile.first_row + tile.rows - 1), (span + 1) * kSpanPositions);
    for (std::int64_t page = begin / kPagePositions; page * kPagePositions < end; ++page) {
      const std::int64_t first = page * kPagePositions;
      for (std::int64_t query = 0; query < queries; ++query) {
        const std::int64_t row = tile.first_row + query / group_;
        const auto clamp = [&](std::int64_t position) {
          return static_cast<std::int32_t>(std::clamp<std::int64_t>(position - first, 0, kPagePositions));
        };
        scratch.begin[static_cast<std::size_t>(query)] = clamp(Begin(row));
        scratch.end[static_cast<std::size_t>(query)] = clamp(End(row));
      }
      codec_.attend_page({.queries = scratch.queries.data(),
                          .query_scales = scratch.query_scales.data(),
                          .query_count = queries,
                          .kv = cache_.Planes(page, tile.kv_head),
                          .head_dim = head_dim_,
                          .begin = scratch.begin.data(),
                          .end = scratch.end.data(),
                          .max = part.max,
                          .sum = part.sum,
                          .output = part.output});
    }
  }

  // total = total and part together, for query `to` of total and `from` of part. A first part is taken over
  // exactly.
  void Merge(const Running& total, std::int64_t to, const Running& part, std::int64_t from) const {
    if (part.sum[from] == 0) return;
    const float max = std::max(total.max[to], part.max[from]);
    const float keep = std::exp(total.max[to] - max);
    const float add = std::exp(part.max[from] - max);
    total.max[to] = max;
    total.sum[to] = total.sum[to] * keep + part.sum[from] * add;
    pass_.kernels().elementwise.scale(total.output + to * head_dim_, keep, head_dim_);
    pass_.kernels().elementwise.add_scaled(total.output + to * head_dim_, part.output + from * head_dim_, add,
                                           head_dim_);
  }

  void RunTile(const Tile& tile, int worker) const {
    AttentionScratch& scratch = pass_.ws.scratch[static_cast<std::size_t>(worker)];
    const Running part{scratch.part_max.data(), scratch.part_sum.data(), scratch.part.data()};
    const Running total{scratch.total_max.data(), scratch.total_sum.data(), scratch.total.data()};
    const std::int64_t queries = tile.rows * group_;
    PrepareQueries(tile, scratch);
    Clear(total, queries);
    const std::int64_t last = (End(tile.first_row + tile.rows - 1) - 1) / kSpanPositions;
    for (std::int64_t span = Begin(tile.first_row) / kSpanPositions; span <= last; ++span) {
      AttendSpan(tile, span, scratch, part);
      for (std::int64_t query = 0; query < queries; ++query) Merge(total, query, part, query);
    }
    for (std::int64_t query = 0; query < queries; ++query)
      Scatter(tile, query, total.output + query * head_dim_, total.sum[query]);
  }

  // With few tiles and a long text, workers take spans.
  Status RunBySpans(std::int64_t first_span, std::int64_t spans) {
    const std::int64_t most = tile_rows_ * group_;
    const std::int64_t size = most * (head_dim_ + 2);
    CARAT_RETURN_IF_ERROR(pass_.ws.ReservePartials(tiles_ * spans * size));
    const auto part_at = [&](std::int64_t tile, std::int64_t span) {
      float* at = pass_.ws.partials.data() + (tile * spans + span) * size;
      return Running{at, at + most, at + 2 * most};
    };
    pass_.work().For(tiles_ * spans, [&](std::int64_t index, int worker) {
      AttentionScratch& scratch = pass_.ws.scratch[static_cast<std::size_t>(worker)];
      const Tile tile = TileAt(index / spans);
      PrepareQueries(tile, scratch);
      AttendSpan(tile, first_span + index % spans, scratch, part_at(index / spans, index % spans));
    });
    pass_.work().For(tiles_ * most, [&](std::int64_t index, int worker) {
      const Tile tile = TileAt(index / most);
      const std::int64_t query = index % most;
      if (query >= tile.rows * group_) return;
      AttentionScratch& scratch = pass_.ws.scratch[static_cast<std::size_t>(worker)];
      const Running total{scratch.total_max.data(), scratch.total_sum.data(), scratch.total.data()};
      Clear(total, 1);
      for (std::int64_t span = 0; span < spans; ++span) Merge(total, 0, part_at(index / most, span), query);
      Scatter(tile, query, total.output, total.sum[0]);
    });
    return {};
  }

  const LayerPass& pass_;
  const KvLayer& cache_;
  const KvCodec& codec_;
  std::int64_t head_dim_;
  std::int64_t group_;
  std::int64_t tile_rows_;
  std::int64_t tiles_per_head_;
  std::int64_t tiles_;
};

}  // namespace

Status Project(const LayerPass& pass, ProjectionInput input, Projections which, KvCache& cache) {
  Workspace& ws = pass.ws;
  const std::int64_t query_size = pass.config.attention_heads * pass.layer.head_dim;
  const std::int64_t key_size = pass.layer.kv_heads * pass.layer.head_dim;
  const bool queries = which != Projections::kKeysAndValues;
  const bool keys = which != Projections::kQueries;
  MatMulTarget targets[3];
  std::size_t count = 0;
  if (queries) targets[count++] = {pass.weights.q, ws.queries.data(), query_size};
  if (keys) targets[count++] = {pass.weights.k, ws.keys.data(), key_size};
  if (keys && !pass.layer.keys_are_values) targets[count++] = {pass.weights.v, ws.values.data(), key_size};
  const auto norm = [&](std::int64_t r) { pass.NormRow(pass.weights.input_norm, r); };
  CARAT_RETURN_IF_ERROR(pass.matmul.Multiply(
      ws.normed.data(), pass.config.hidden_size, pass.rows(), {targets, count}, ws.products,
      input == ProjectionInput::kToBeNormed ? RowProducer(norm) : RowProducer()));

  pass.work().For(pass.rows(), ParallelWork::Grain(8 * (query_size + key_size)), [&](std::int64_t r, int) {
    if (queries) {
      FinishHeads(pass, r, ws.queries.data() + r * query_size, pass.config.attention_heads,
                  pass.weights.q_norm);
    }
    if (!keys) return;
    float* key = ws.keys.data() + r * key_size;
    float* value = ws.values.data() + r * key_size;
    // The raw projection, before the key's own norm and rotation.
    if (pass.layer.keys_are_values)
      std::memcpy(value, key, static_cast<std::size_t>(key_size) * sizeof(float));
    for (std::int64_t head = 0; head < pass.layer.kv_heads; ++head) {
      float* v = value + head * pass.layer.head_dim;
      pass.kernels().elementwise.rms_norm(v, nullptr, pass.layer.head_dim, pass.epsilon(), v);
    }
    FinishHeads(pass, r, key, pass.layer.kv_heads, pass.weights.k_norm);
  });
  if (!keys) return {};
  // Neighbouring positions share cache lines: one worker takes several.
  pass.work().For(
      pass.rows(), std::max<std::int64_t>(32, ParallelWork::Grain(4 * key_size)), [&](std::int64_t r, int) {
        KvLayer& layer = cache.layer(pass.index);
        layer.Store(pass.kernels().kv[layer.format()], pass.positions[static_cast<std::size_t>(r)],
                    ws.keys.data() + r * key_size, ws.values.data() + r * key_size);
      });
  return {};
}

Status Attend(const LayerPass& pass, const KvCache& cache) {
  CARAT_RETURN_IF_ERROR(TiledAttention(pass, cache.layer(pass.layer.kv_layer)).Run());
  return pass.matmul.Multiply(pass.ws.attended.data(), pass.weights.o.k(), pass.rows(), pass.weights.o,
                              pass.ws.sublayer.data(), pass.config.hidden_size, pass.ws.products);
}

}  // namespace carat::internal
