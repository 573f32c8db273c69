// What is behind carat::Session.
#ifndef CARAT_LIB_RUNTIME_SESSION_IMPL_H_
#define CARAT_LIB_RUNTIME_SESSION_IMPL_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "carat/session.h"
#include "lib/base/aligned_buffer.h"
#include "lib/runtime/model_impl.h"
#include "lib/runtime/prompt_impl.h"
#include "lib/text/kv_cache.h"
#include "lib/text/workspace.h"

namespace carat::internal {

class SessionImpl {
 public:
  static Result<std::unique_ptr<SessionImpl>> Create(std::shared_ptr<const ModelImpl> model,
                                                     const SessionOptions& options);

  // `runs` say where soft tokens stand, counted from the first token of the call; placeholders stand in
  // `tokens`.
  Status Prefill(std::span<const std::int32_t> tokens, std::span<const SoftRun> runs,
                 const PrefillOptions& options);
  Result<RewindResult> Rewind(std::int64_t position);
  Status Mark();
  // How many positions of the prompt are what the session begins with, soft tokens included. Never inside a
  // picture.
  std::int64_t CommonPrefix(const PromptData& prompt) const;
  // How many positions are in the cache.
  std::int64_t cached() const { return cached_; }
  Result<std::unique_ptr<SessionImpl>> Clone() const;

  std::size_t logits_count() const { return logits_count_; }
  std::span<const float> Logits(std::size_t index) const;

  const std::vector<std::int32_t>& tokens() const { return tokens_; }
  std::int64_t position() const { return static_cast<std::int64_t>(tokens_.size()); }
  const SessionPlan& plan() const { return plan_; }
  const std::shared_ptr<const ModelImpl>& model() const { return model_; }
  std::uint64_t memory_bytes() const;

  void Cancel() { cancelled_.store(true, std::memory_order_relaxed); }
  void ClearCancel() { cancelled_.store(false, std::memory_order_relaxed); }

 private:
  SessionImpl(std::shared_ptr<const ModelImpl> model, const SessionPlan& plan)
      : model_(std::move(model)), plan_(plan) {}

  // The requested positions, counted from the first token of the call, ascending.
  static Result<std::vector<std::int64_t>> WantedPositions(std::size_t count, const PrefillOptions& options);
  Status CheckTokens(std::span<const std::int32_t> tokens) const;
  Status ReserveLogits(std::size_t count);
  Status ReadTokens(std::span<const std::int32_t> tokens, std::span<const std::int64_t> requested,
                    const PrefillOptions& options);
  // Reads again what Rewind could not keep.
  Status Restore();
  // How many of the `left` tokens from cached_ on go into the next chunk: the tokens of a picture that see
  // each other are never parted.
  std::int64_t ChunkSize(std::int64_t left) const;
  // One chunk into the cache; logits of its requested rows from `logits` on.
  Status ReadChunk(std::span<const std::int32_t> tokens, std::span<const std::int64_t> requested,
                   const HiddenStateCallback* observer, float* logits);
  // Forgets soft tokens from `end` on.
  void TrimRuns(std::int64_t end);

  std::shared_ptr<const ModelImpl> model_;
  SessionPlan plan_;
  KvCache cache_;
  Workspace workspace_;
  std::vector<std::int32_t> tokens_;
  std::vector<SoftRun> runs_;  // ascending; also those of the prompt that is being read
  std::int64_t cached_ =
      0;  // positions in the cache: fewer than tokens_ only between Rewind and the next Prefill
  AlignedBuffer<float> logits_;
  std::size_t logits_count_ = 0;
  std::atomic<bool> cancelled_{false};
};

Result<MemoryNeeds> EstimateMemory(const ModelImpl& model, const SessionOptions& options);

}  // namespace carat::internal

#endif  // CARAT_LIB_RUNTIME_SESSION_IMPL_H_
