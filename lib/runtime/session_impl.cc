#include "lib/runtime/session_impl.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "lib/base/error.h"
#include "lib/base/guard.h"
#include "lib/text/text_weights.h"

namespace carat::internal {
namespace {

KvFormat FormatOf(KvType type) {
  switch (type) {
    case KvType::kBFloat16:
      return KvFormat::kBF16;
    case KvType::kInt16:
      return KvFormat::kInt16;
    case KvType::kInt8:
      return KvFormat::kInt8;
    default:
      return KvFormat::kF32;
  }
}

}  // namespace

Result<std::unique_ptr<SessionImpl>> SessionImpl::Create(std::shared_ptr<const ModelImpl> model,
                                                         const SessionOptions& options) {
  CARAT_ASSIGN_OR_RETURN(const SessionPlan plan, PlanSession(*model, options));
  const TextConfig& text = model->config().text;
  auto session = std::unique_ptr<SessionImpl>(new SessionImpl(std::move(model), plan));
  CARAT_ASSIGN_OR_RETURN(session->cache_, KvCache::Create(text, FormatOf(plan.kv_type), plan.chunk));
  CARAT_ASSIGN_OR_RETURN(session->workspace_, Workspace::Create(text, plan.chunk, session->model_->matmul()));
  return session;
}

Result<std::vector<std::int64_t>> SessionImpl::WantedPositions(std::size_t count,
                                                               const PrefillOptions& options) {
  const auto size = static_cast<std::int64_t>(count);
  std::vector<std::int64_t> requested;
  switch (options.logits) {
    case WantedLogits::kNone:
      return requested;
    case WantedLogits::kLast:
      requested.push_back(size - 1);
      return requested;
    case WantedLogits::kAll:
      requested.resize(count);
      std::iota(requested.begin(), requested.end(), 0);
      return requested;
    case WantedLogits::kListed:
      for (std::size_t i = 0; i < options.positions.size(); ++i) {
        const std::int64_t position = options.positions[i];
        if (position < 0 || position >= size || (i > 0 && position <= options.positions[i - 1])) {
          return InvalidArgument("positions[%d] is %d, but positions must ascend and lie in 0 .. %d", i,
                                 position, size - 1);
        }
      }
      return options.positions;
  }
  return InvalidArgument("logits is %d, which is none of the enumeration", static_cast<int>(options.logits));
}

Status SessionImpl::CheckTokens(std::span<const std::int32_t> tokens) const {
  if (tokens.empty()) return InvalidArgument("there are no tokens to read");
  const auto vocabulary = static_cast<std::int32_t>(model_->config().text.vocabulary_size);
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i] < 0 || tokens[i] >= vocabulary) {
      return OutOfRange("token %d of the %d given is %d, but ids lie in 0 .. %d", i, tokens.size(), tokens[i],
                        vocabulary - 1);
    }
  }
  const std::int64_t room = plan_.context_size - position();
  if (static_cast<std::int64_t>(tokens.size()) > room) {
    return ResourceExhausted("%d tokens do not fit: the context holds %d, of which %d are taken",
                             tokens.size(), plan_.context_size, position());
  }
  return {};
}

std::int64_t SessionImpl::ChunkSize(std::int64_t left) const {
  const std::int64_t count = std::min(plan_.chunk, left);
  if (!model_->config().text.bidirectional_media) return count;
  const std::int64_t end = cached_ + count;
  for (const SoftRun& run : runs_) {
    if (!run.is_picture() || run.position >= end || run.end() <= end) continue;
    // The chunk would end inside this run: it ends before it, or is as long as the run.
    return run.position > cached_ ? run.position - cached_ : std::min(left, run.end() - cached_);
  }
  return count;
}

Status SessionImpl::ReadChunk(std::span<const std::int32_t> tokens, std::span<const std::int64_t> requested,
                              const HiddenStateCallback* observer, float* logits) {
  const auto count = static_cast<std::int64_t>(tokens.size());
  if (count > workspace_.rows) {
    CARAT_RETURN_IF_ERROR(cache_.GrowChunk(count));
    CARAT_ASSIGN_OR_RETURN(workspace_, Workspace::Create(model_->config().text, count, model_->matmul()));
  }
  std::vector<const float*> soft_rows;
  std::vector<std::int64_t> sliding_ends;
  for (const SoftRun& run : runs_) {
    const std::int64_t first = std::max(run.position, cached_);
    const std::int64_t last = std::min(run.end(), cached_ + count);
    if (first >= last) continue;
    soft_rows.resize(tokens.size(), nullptr);
    for (std::int64_t at = first; at < last; ++at)
      soft_rows[static_cast<std::size_t>(at - cached_)] = run.row(at);
    if (!run.is_picture() || !model_->config().text.bidirectional_media) continue;
    if (sliding_ends.empty()) {
      sliding_ends.resize(tokens.size());
      std::iota(sliding_ends.begin(), sliding_ends.end(), cached_ + 1);
    }
    std::fill(sliding_ends.begin() + (first - cached_), sliding_ends.begin() + (last - cached_), last);
  }
  const Chunk chunk{.tokens = tokens,
                    .first_position = cached_,
                    .requested = requested,
                    .soft_rows = soft_rows,
                    .sliding_ends = sliding_ends,
                    .observer = observer,
                    .cancelled = &cancelled_};
  CARAT_RETURN_IF_ERROR(model_->decoder().Forward(chunk, cache_, workspace_));
  if (requested.empty()) return {};
  return model_->decoder().Head(workspace_.normed.data(), static_cast<std::int64_t>(requested.size()),
                                workspace_.products, logits);
}

Status SessionImpl::Restore() {
  while (cached_ < position()) {
    const auto count = static_cast<std::size_t>(ChunkSize(position() - cached_));
    CARAT_RETURN_IF_ERROR(ReadChunk(std::span(tokens_).subspan(static_cast<std::size_t>(cached_), count), {},
                                    nullptr, nullptr));
    cached_ += static_cast<std::int64_t>(count);
  }
  return {};
}

Status SessionImpl::ReserveLogits(std::size_t count) {
  const std::size_t size = count * static_cast<std::size_t>(model_->config().text.vocabulary_size);
  if (logits_.size() >= size) return {};
  CARAT_ASSIGN_OR_RETURN(logits_, AlignedBuffer<float>::Allocate(size, "logits"));
  return {};
}

void SessionImpl::TrimRuns(std::int64_t end) {
  while (!runs_.empty() && runs_.back().position >= end) runs_.pop_back();
  if (!runs_.empty()) runs_.back().count = std::min(runs_.back().count, end - runs_.back().position);
}

Status SessionImpl::ReadTokens(std::span<const std::int32_t> tokens, std::span<const std::int64_t> requested,
                               const PrefillOptions& options) {
  CARAT_RETURN_IF_ERROR(Restore());
  const auto vocabulary = static_cast<std::size_t>(model_->config().text.vocabulary_size);
  const auto total = static_cast<std::int64_t>(tokens.size());
  std::size_t next_requested = 0;
  std::vector<std::int64_t> rows;
  for (std::int64_t done = 0; done < total;) {
    const std::int64_t count = ChunkSize(total - done);
    rows.clear();
    const std::size_t first_requested = next_requested;
    while (next_requested < requested.size() && requested[next_requested] < done + count) {
      rows.push_back(requested[next_requested++] - done);
    }
    const auto part = tokens.subspan(static_cast<std::size_t>(done), static_cast<std::size_t>(count));
    CARAT_RETURN_IF_ERROR(
        ReadChunk(part, rows, &options.hidden_states, logits_.data() + first_requested * vocabulary));
    tokens_.insert(tokens_.end(), part.begin(), part.end());
    cached_ += count;
    done += count;
    if (options.progress && !options.progress(done, total) && done < total) {
      return Cancelled("the progress callback stopped the prompt after %d of %d tokens", done, total);
    }
  }
  return {};
}

Status SessionImpl::Prefill(std::span<const std::int32_t> tokens, std::span<const SoftRun> runs,
                            const PrefillOptions& options) {
  CARAT_RETURN_IF_ERROR(CheckTokens(tokens));
  CARAT_ASSIGN_OR_RETURN(const auto requested, WantedPositions(tokens.size(), options));
  CARAT_RETURN_IF_ERROR(ReserveLogits(requested.size()));
  tokens_.reserve(tokens_.size() + tokens.size());
  runs_.reserve(runs_.size() + runs.size());
  for (SoftRun run : runs) {
    run.position += position();
    runs_.push_back(std::move(run));
  }
  logits_count_ = 0;
  const Status status = Guard([&] { return ReadTokens(tokens, requested, options); });
  if (!status.ok()) {
    TrimRuns(position());
    // A cancellation is used up by the call that reports it.
    if (status.code() == StatusCode::kCancelled) ClearCancel();
    return status;
  }
  logits_count_ = requested.size();
  return {};
}

std::span<const float> SessionImpl::Logits(std::size_t index) const {
  const auto vocabulary = static_cast<std::size_t>(model_->config().text.vocabulary_size);
  return {logits_.data() + index * vocabulary, vocabulary};
}

Result<RewindResult> SessionImpl::Rewind(std::int64_t to) {
  if (to < 0 || to > position()) {
    return OutOfRange("cannot rewind to position %d: the session holds %d", to, position());
  }
  logits_count_ = 0;
  tokens_.resize(static_cast<std::size_t>(to));
  // Tokens of a picture that saw the ones cut off must be read again.
  std::int64_t usable = std::min(to, cached_);
  if (model_->config().text.bidirectional_media && !runs_.empty()) {
    for (const SoftRun& run : runs_) {
      if (run.is_picture() && run.position < usable && usable < run.end()) usable = run.position;
    }
  }
  TrimRuns(to);
  if (usable < cached_) cached_ = cache_.Rewind(usable);
  return RewindResult{to, cached_};
}

Status SessionImpl::Mark() {
  const Status status = Guard([&] { return Restore(); });
  if (!status.ok()) {
    if (status.code() == StatusCode::kCancelled) ClearCancel();
    return status;
  }
  cache_.Mark(position());
  return {};
}

std::int64_t SessionImpl::CommonPrefix(const PromptData& prompt) const {
  const std::size_t most = std::min(tokens_.size(), prompt.tokens.size());
  const auto end = std::mismatch(tokens_.begin(), tokens_.begin() + static_cast<std::ptrdiff_t>(most),
                                 prompt.tokens.begin());
  std::int64_t common = end.first - tokens_.begin();
  // Placeholders are the same for all pictures: where the soft tokens differ, so do the prompts.
  for (std::size_t i = 0; i < std::max(runs_.size(), prompt.runs.size()); ++i) {
    const bool both = i < runs_.size() && i < prompt.runs.size();
    if (both && runs_[i].position == prompt.runs[i].position && runs_[i].count == prompt.runs[i].count &&
        runs_[i].first_row == prompt.runs[i].first_row && runs_[i].data == prompt.runs[i].data &&
        runs_[i].end() <= common) {
      continue;
    }
    if (i < runs_.size()) common = std::min(common, runs_[i].position);
    if (i < prompt.runs.size()) common = std::min(common, prompt.runs[i].position);
    break;
  }
  return common;
}

Result<std::unique_ptr<SessionImpl>> SessionImpl::Clone() const {
  auto copy = std::unique_ptr<SessionImpl>(new SessionImpl(model_, plan_));
  CARAT_ASSIGN_OR_RETURN(copy->cache_, cache_.Clone());
  CARAT_ASSIGN_OR_RETURN(copy->workspace_,
                         Workspace::Create(model_->config().text, workspace_.rows, model_->matmul()));
  copy->tokens_ = tokens_;
  copy->runs_ = runs_;
  copy->cached_ = cached_;
  const std::size_t values = logits_count_ * static_cast<std::size_t>(model_->config().text.vocabulary_size);
  CARAT_ASSIGN_OR_RETURN(copy->logits_, AlignedBuffer<float>::Allocate(values, "logits"));
  if (values > 0) std::memcpy(copy->logits_.data(), logits_.data(), values * sizeof(float));
  copy->logits_count_ = logits_count_;
  return copy;
}

std::uint64_t SessionImpl::memory_bytes() const {
  return cache_.memory_bytes() + workspace_.memory_bytes() + logits_.size() * sizeof(float) +
         tokens_.capacity() * sizeof(std::int32_t);
}

Result<MemoryNeeds> EstimateMemory(const ModelImpl& model, const SessionOptions& options) {
  CARAT_ASSIGN_OR_RETURN(const SessionPlan plan, PlanSession(model, options));
  const TextConfig& text = model.config().text;
  const KvFormat format = FormatOf(plan.kv_type);
  MemoryNeeds needs;
  needs.weights_touched = model.touched_bytes();
  needs.weights_looked_up = model.looked_up_bytes();
  needs.kv_sliding = KvCache::RingBytes(text, format, plan.chunk);
  needs.kv_full_per_position = KvCache::BytesPerPosition(text, format);
  const std::int64_t pages = (plan.context_size + kPagePositions - 1) / kPagePositions;
  needs.kv_full = needs.kv_full_per_position * static_cast<std::uint64_t>(pages * kPagePositions);
  // Buffers that are never written take no memory, so making a workspace to ask its size costs nothing.
  CARAT_ASSIGN_OR_RETURN(const Workspace workspace, Workspace::Create(text, plan.chunk, model.matmul()));
  needs.workspace = workspace.memory_bytes() + model.memory_bytes() +
                    static_cast<std::uint64_t>(text.vocabulary_size) * sizeof(float);
  return needs;
}

}  // namespace carat::internal
