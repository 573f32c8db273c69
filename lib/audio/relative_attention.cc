// Attention to the last few positions, with relative positions and a soft cap on the scores.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "lib/audio/audio_pass.h"
#include "lib/base/error.h"

namespace carat::internal {
namespace {

std::size_t Bytes(std::int64_t floats) {
  return static_cast<std::size_t>(floats) * sizeof(float);
}

class RelativeAttention {
 public:
  explicit RelativeAttention(const AudioPass& pass)
      : pass_(pass),
        weights_(pass.weights.attention),
        heads_(pass.config.attention_heads),
        head_dim_(pass.config.head_dim),
        visible_(pass.config.visible_positions),
        past_(visible_ - 1),
        positions_(past_ + pass.clip.block) {}

  Status Run() {
    Recall();
    CARAT_RETURN_IF_ERROR(Project());
    const std::int64_t tiles = (pass_.rows + kAudioTileQueries - 1) / kAudioTileQueries;
    pass_.work().For(heads_ * tiles, [&](std::int64_t index, int worker) {
      const std::int64_t first = index % tiles * kAudioTileQueries;
      AttendTile(index / tiles, first, std::min(kAudioTileQueries, pass_.rows - first),
                 pass_.clip.scratch[static_cast<std::size_t>(worker)]);
    });
    Remember();
    return {};
  }

 private:
  float* Keys(std::int64_t head, std::int64_t position) const {
    return pass_.clip.keys.data() + (head * positions_ + position) * head_dim_;
  }
  float* Values(std::int64_t head, std::int64_t position) const {
    return pass_.clip.values.data() + (head * positions_ + position) * head_dim_;
  }

  // The keys and values before the block.
  void Recall() const {
    for (std::int64_t head = 0; head < heads_; ++head) {
      const std::int64_t at = head * past_ * head_dim_;
      std::memcpy(Keys(head, 0), pass_.memory.keys.data() + at, Bytes(past_ * head_dim_));
      std::memcpy(Values(head, 0), pass_.memory.values.data() + at, Bytes(past_ * head_dim_));
    }
  }

  // Those before the next one.
  void Remember() const {
    for (std::int64_t head = 0; head < heads_; ++head) {
      const std::int64_t at = head * past_ * head_dim_;
      std::memcpy(pass_.memory.keys.data() + at, Keys(head, pass_.rows), Bytes(past_ * head_dim_));
      std::memcpy(pass_.memory.values.data() + at, Values(head, pass_.rows), Bytes(past_ * head_dim_));
    }
  }

  // One projection: the normed rows clamped to its input range, times its matrix.
  Status ProjectOne(const ClippedLinear& linear, float* output) const {
    const std::int64_t hidden = pass_.hidden();
    const float* input = pass_.clip.input.data();
    if (Clips(linear.input)) {
      // The three projections have ranges of their own, so each gets a copy.
      float* clipped = pass_.clip.wide.data();
      pass_.ForRows([&](std::int64_t r) {
        std::memcpy(clipped + r * hidden, input + r * hidden, Bytes(hidden));
        Clip(clipped + r * hidden, hidden, linear.input);
      });
      input = clipped;
    }
    return pass_.Multiply(input, linear.weights, output);
  }

  // Rows of all heads to their places, head by head.
  void Scatter(const ClippedLinear& linear, float* rows, float factor, float* to) const {
    pass_.ForRows([&](std::int64_t r) {
      float* row = rows + r * pass_.hidden();
      Clip(row, pass_.hidden(), linear.output);
      if (factor != 1) pass_.kernels().elementwise.scale(row, factor, pass_.hidden());
      for (std::int64_t head = 0; head < heads_; ++head) {
        std::memcpy(to + (head * positions_ + past_ + r) * head_dim_, row + head * head_dim_,
                    Bytes(head_dim_));
      }
    });
  }

  Status Project() const {
    const std::int64_t hidden = pass_.hidden();
    AudioClip& clip = pass_.clip;
    pass_.NormHidden(weights_.input_norm, ClipRange());
    CARAT_RETURN_IF_ERROR(ProjectOne(weights_.q, clip.queries.data()));
    pass_.ForRows([&](std::int64_t r) {
      float* row = clip.queries.data() + r * hidden;
      Clip(row, hidden, weights_.q.output);
      for (std::int64_t head = 0; head < heads_; ++head) {
        for (std::int64_t i = 0; i < head_dim_; ++i) row[head * head_dim_ + i] *= weights_.query_scale[i];
      }
    });
    CARAT_RETURN_IF_ERROR(ProjectOne(weights_.k, clip.sublayer.data()));
    Scatter(weights_.k, clip.sublayer.data(), weights_.key_scale, clip.keys.data());
    CARAT_RETURN_IF_ERROR(ProjectOne(weights_.v, clip.sublayer.data()));
    Scatter(weights_.v, clip.sublayer.data(), 1, clip.values.data());
    return {};
  }

  // Queries first .. first+count-1 of one head; the attended values take the queries' place in clip.input.
  void AttendTile(std::int64_t head, std::int64_t first, std::int64_t count,
                  AudioAttentionScratch& scratch) const {
    const Kernels& kernels = pass_.kernels();
    const std::int64_t hidden = pass_.hidden();
    const std::int64_t keys = count + past_;
    const float* queries = pass_.clip.queries.data() + first * hidden + head * head_dim_;
    const float* relative = weights_.relative_keys.data() + head * visible_ * head_dim_;
    kernels.gemv.f32(queries, hidden, count, reinterpret_cast<const std::byte*>(Keys(head, first)), head_dim_,
                     keys, scratch.scores.data(), keys, 0, nullptr);
    kernels.gemv.f32(queries, hidden, count, reinterpret_cast<const std::byte*>(relative), head_dim_,
                     visible_, scratch.relative.data(), visible_, 0, nullptr);
    for (std::int64_t i = 0; i < count; ++i) {
      // Slot s is the key at distance visible - 1 - s; there is none before the clip's beginning.
      const std::int64_t begin = std::max<std::int64_t>(0, past_ - (pass_.clip.tokens + first + i));
      float* scores = scratch.relative.data() + i * visible_;
      for (std::int64_t s = begin; s < visible_; ++s) scores[s] += scratch.scores[i * keys + i + s];
      float* to = pass_.clip.input.data() + (first + i) * hidden + head * head_dim_;
      Gather(scores, begin, Values(head, first + i), to);
    }
  }

  // to = the values from `begin` on, weighted by the softmax of the capped scores.
  void Gather(float* scores, std::int64_t begin, const float* values, float* to) const {
    const Kernels& kernels = pass_.kernels();
    kernels.elementwise.softcap(scores + begin, visible_ - begin,
                                static_cast<float>(pass_.config.attention_softcap));
    const float max = *std::max_element(scores + begin, scores + visible_);
    float sum = 0;
    std::fill_n(to, head_dim_, 0.0f);
    for (std::int64_t s = begin; s < visible_; ++s) {
      const float weight = std::exp(scores[s] - max);
      sum += weight;
      kernels.elementwise.add_scaled(to, values + s * head_dim_, weight, head_dim_);
    }
    kernels.elementwise.scale(to, 1 / sum, head_dim_);
  }

  const AudioPass& pass_;
  const AudioAttentionWeights& weights_;
  std::int64_t heads_;
  std::int64_t head_dim_;
  std::int64_t visible_;
  std::int64_t past_;
  std::int64_t positions_;
};

}  // namespace

Status AudioAttention(const AudioPass& pass) {
  CARAT_RETURN_IF_ERROR(RelativeAttention(pass).Run());
  const ClippedLinear& post = pass.weights.attention.post;
  const std::int64_t hidden = pass.hidden();
  pass.ForRows([&](std::int64_t r) { Clip(pass.clip.input.data() + r * hidden, hidden, post.input); });
  CARAT_RETURN_IF_ERROR(pass.Multiply(pass.clip.input.data(), post.weights, pass.clip.sublayer.data()));
  pass.AddNormedSublayer(post.output, pass.weights.attention.output_norm);
  return {};
}

}  // namespace carat::internal
