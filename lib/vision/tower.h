// The vision tower: patches through all layers to soft tokens.
#ifndef CARAT_LIB_VISION_TOWER_H_
#define CARAT_LIB_VISION_TOWER_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <initializer_list>

#include "carat/status.h"
#include "lib/base/thread_pool.h"
#include "lib/kernels/kernels.h"
#include "lib/vision/picture.h"
#include "lib/vision/tower_plan.h"
#include "lib/vision/tower_workspace.h"
#include "lib/vision/vision_weights.h"

namespace carat::internal {

// What the parts of the tower are given.
struct TowerPass {
  const VisionConfig& config;
  const VisionWeights& weights;
  const TowerPlan& plan;
  TowerWorkspace& ws;
  const Kernels& kernels;
  const ParallelWork& work;
  const PreparedPicture& picture;
  const std::atomic<bool>* cancelled;  // null, or looked at between items of work
  std::atomic<StatusCode>& failure;    // the first error of an item

  float epsilon() const { return static_cast<float>(config.rms_norm_epsilon); }
  bool stopped() const { return cancelled != nullptr && cancelled->load(std::memory_order_relaxed); }

  // Calls body(item, scratch of the worker), which returns a StatusCode, for every item. Errors: CANCELLED,
  // the first that an item returned.
  template <typename Body>
  Status For(std::int64_t items, Body&& body) const {
    work.For(items, [&](std::int64_t item, int worker) {
      if (stopped() || failure.load(std::memory_order_relaxed) != StatusCode::kOk) return;
      const StatusCode code = body(item, ws.workers[static_cast<std::size_t>(worker)]);
      if (code != StatusCode::kOk) failure.store(code, std::memory_order_relaxed);
    });
    return Check();
  }
  Status Check() const;

  // Brings n values between bounds and writes them as products take them. `from` may be spoiled.
  void Store(float* from, std::int64_t n, const Clip& clip, std::byte* to) const {
    if (plan.gemm->format == NumberFormat::kF32) {
      kernels.elementwise.clip(from, reinterpret_cast<float*>(to), n, clip.low, clip.high);
      return;
    }
    if (clip.bounded()) kernels.elementwise.clip(from, from, n, clip.low, clip.high);
    kernels.elementwise.f32_to_bf16(from, reinterpret_cast<std::uint16_t*>(to), n);
  }

  std::byte* PreparedRow(std::size_t input, std::int64_t row) const {
    return ws.prepared[input].data() +
           static_cast<std::size_t>(row * plan.prepared_width) * plan.value_bytes();
  }
};

// The prepared inputs of several products; those whose inputs are clipped alike share one.
class PreparedInputs {
 public:
  explicit PreparedInputs(std::initializer_list<const ClippedMatrix*> products) {
    for (const ClippedMatrix* product : products) {
      if (Of(*product) == count_) clips_[count_++] = product->input;
    }
  }
  std::size_t count() const { return count_; }
  const Clip& clip(std::size_t input) const { return clips_[input]; }
  // Which input that product reads.
  std::size_t Of(const ClippedMatrix& product) const {
    std::size_t i = 0;
    while (i < count_ && !(clips_[i] == product.input)) ++i;
    return i;
  }

 private:
  std::size_t count_ = 0;
  Clip clips_[3];
};

inline PreparedInputs AttentionInputs(const VisionLayerWeights& layer) {
  return PreparedInputs({&layer.q, &layer.k, &layer.v});
}
inline PreparedInputs MlpInputs(const VisionLayerWeights& layer) {
  return PreparedInputs({&layer.gate, &layer.up});
}
// The most that a layer of these weights needs at once.
std::int64_t CountPreparedInputs(const VisionWeights& weights);

// Where the staged weights of a layer lie.
struct LayerStaging {
  std::byte *q, *k, *v, *o, *gate, *up, *down;
};

// Self-attention of one layer: from the prepared inputs to ws.sublayer.
Status RunAttention(const TowerPass& pass, const VisionLayerWeights& layer, const LayerStaging& staging);

// One block of a product whose results go to their place in ws.sublayer.
StatusCode RunIntoSublayer(const TowerPass& pass, const StagedMatMul& product, const ClippedMatrix& linear,
                           std::int64_t block, std::int64_t panel, const std::byte* x,
                           const std::byte* staging, WorkerScratch& scratch);

// All of it: pooled states [tokens, hidden], standardised where the model says so, into `pooled`, and their
// projection [tokens, text hidden] into `soft_tokens`. Errors: CANCELLED, RESOURCE_EXHAUSTED, INTERNAL.
Status RunTower(const TowerPass& pass, float* pooled, float* soft_tokens);

}  // namespace carat::internal

#endif  // CARAT_LIB_VISION_TOWER_H_
