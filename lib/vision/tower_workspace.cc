#include "lib/vision/tower_workspace.h"

#include <algorithm>
#include <utility>

#include "lib/base/error.h"

namespace carat::internal {
namespace {

template <typename T>
Status Allocate(AlignedBuffer<T>& buffer, std::size_t bytes) {
  CARAT_ASSIGN_OR_RETURN(buffer, AlignedBuffer<T>::Allocate(bytes / sizeof(T), "a picture's activations"));
  return {};
}

// Hands out parts of a buffer, each at a cache line.
class Parts {
 public:
  explicit Parts(std::byte* at) : at_(at) {}

  std::byte* Take(std::int64_t values, std::size_t value_bytes) {
    std::byte* part = at_;
    const std::size_t bytes = static_cast<std::size_t>(values) * value_bytes;
    at_ += (bytes + kCacheLine - 1) / kCacheLine * kCacheLine;
    return part;
  }
  float* TakeFloats(std::int64_t values) { return reinterpret_cast<float*>(Take(values, sizeof(float))); }

 private:
  std::byte* at_;
};

Result<WorkerScratch> MakeScratch(const TowerPlan& plan, const VisionConfig& config) {
  WorkerScratch scratch;
  CARAT_RETURN_IF_ERROR(Allocate(scratch.bytes, plan.bytes.worker));
  const AttentionPlan& attention = plan.attention;
  const std::int64_t rows = plan.q.rows().block;
  const std::int64_t row = std::max(config.hidden_size, plan.prepared_width);
  Parts parts(scratch.bytes.data());
  scratch.tile = parts.TakeFloats(
      std::max({rows * plan.q.panels().block, rows * plan.kv.panels().block,
                2 * rows * plan.gate_up.panels().block, attention.queries.block * attention.keys.block}));
  scratch.narrowed = parts.Take(attention.queries.block * attention.keys.block, sizeof(std::uint16_t));
  scratch.gathered = parts.TakeFloats(attention.queries.block * config.head_dim);
  scratch.max = parts.TakeFloats(attention.queries.block);
  scratch.sum = parts.TakeFloats(attention.queries.block);
  scratch.row = parts.TakeFloats(2 * row);
  scratch.other_row = scratch.row + row;
  scratch.product = parts.Take(0, 1);
  return scratch;
}

}  // namespace

Result<TowerWorkspace> TowerWorkspace::Create(const TowerPlan& plan, const VisionConfig& config,
                                              int workers) {
  const TowerBytes& bytes = plan.bytes;
  TowerWorkspace ws;
  CARAT_RETURN_IF_ERROR(Allocate(ws.hidden, bytes.hidden));
  CARAT_RETURN_IF_ERROR(Allocate(ws.sublayer, bytes.sublayer));
  CARAT_RETURN_IF_ERROR(Allocate(ws.rope, bytes.rope));
  ws.prepared.resize(static_cast<std::size_t>(plan.prepared_inputs));
  for (AlignedBuffer<std::byte>& input : ws.prepared) CARAT_RETURN_IF_ERROR(Allocate(input, bytes.prepared));
  const std::pair<AlignedBuffer<std::byte>*, std::size_t> buffers[] = {
      {&ws.queries, bytes.queries},
      {&ws.keys, bytes.keys},
      {&ws.values, bytes.values},
      {&ws.packed_keys, bytes.packed_keys},
      {&ws.packed_values, bytes.packed_values},
      {&ws.activated, bytes.activated},
      {&ws.staging, bytes.staging},
  };
  for (const auto& [buffer, size] : buffers) CARAT_RETURN_IF_ERROR(Allocate(*buffer, size));
  for (int i = 0; i < workers; ++i) {
    CARAT_ASSIGN_OR_RETURN(WorkerScratch scratch, MakeScratch(plan, config));
    ws.workers.push_back(std::move(scratch));
  }
  return ws;
}

std::size_t TowerWorkspace::memory_bytes() const {
  std::size_t bytes = (hidden.size() + sublayer.size() + rope.size()) * sizeof(float);
  for (const AlignedBuffer<std::byte>* buffer :
       {&queries, &keys, &values, &packed_keys, &packed_values, &activated, &staging}) {
    bytes += buffer->size();
  }
  for (const AlignedBuffer<std::byte>& input : prepared) bytes += input.size();
  for (const WorkerScratch& worker : workers) bytes += worker.bytes.size();
  return bytes;
}

}  // namespace carat::internal
